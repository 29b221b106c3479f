package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Witness keeps a checkpoint where the bastion's administrator cannot change it.
type Witness interface {
	Give(ctx context.Context, checkpoint []byte) error
}

const (
	postTimeout = 10 * time.Second
	retryAfter  = 5 * time.Second
)

// ToFile is a witness that writes the newest checkpoint to a file, as on a mount
// of another machine.
type ToFile string

// Give implements Witness.
func (f ToFile) Give(_ context.Context, checkpoint []byte) error {
	return replace(string(f), checkpoint, 0o644)
}

// ToURL is a witness that is posted each checkpoint.
type ToURL string

// Give implements Witness. Answers of 2xx count.
func (u ToURL) Give(ctx context.Context, checkpoint []byte) error {
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(u), bytes.NewReader(checkpoint))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // lets the connection be used again
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("witness answered %s", resp.Status)
	}
	return nil
}

// posts hands checkpoints to witnesses, each in a goroutine of its own. A
// checkpoint covers all before it, so only the newest matters.
type posts struct {
	to     []*post
	cancel context.CancelFunc
}

type post struct {
	w      Witness
	newest atomic.Pointer[[]byte]
	wake   chan struct{} // 1
	quit   chan struct{}
	done   chan struct{}
}

func newPosts(all []Witness) *posts {
	ctx, cancel := context.WithCancel(context.Background())
	p := &posts{cancel: cancel}
	for _, w := range all {
		t := &post{w: w, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
		p.to = append(p.to, t)
		go t.run(ctx)
	}
	return p
}

func (p *posts) give(msg []byte) {
	for _, t := range p.to {
		t.newest.Store(&msg)
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// close waits until the witnesses have the newest checkpoint or ctx ends.
func (p *posts) close(ctx context.Context) {
	for _, t := range p.to {
		close(t.quit)
	}
	stop := context.AfterFunc(ctx, p.cancel)
	defer stop()
	for _, t := range p.to {
		<-t.done
	}
	p.cancel()
}

func (t *post) run(ctx context.Context) {
	defer close(t.done)
	for last := false; !last; {
		select {
		case <-t.wake:
		case <-t.quit:
			last = true
		}
		for {
			msg := t.newest.Swap(nil)
			if msg == nil {
				break
			}
			err := t.w.Give(ctx, *msg)
			if err == nil {
				continue
			}
			t.newest.CompareAndSwap(nil, msg) // unless a newer one came
			if errors.Is(err, context.Canceled) || last {
				return
			}
			select {
			case <-time.After(retryAfter):
			case <-t.quit:
				last = true
			}
		}
	}
}
