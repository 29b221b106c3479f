package recorder

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errHung is why a recorder failed whose store does not return.
var errHung = fmt.Errorf("the store has not answered for %v", commitTimeout)

// commit is one group of events of all transcripts: it gathers, is written, and
// is done. Its methods are called with the recorder's mu held.
type commit struct {
	some  chan struct{} // closed when it has an event
	hurry chan struct{} // closed when it shall not wait for more
	done  chan struct{} // closed when it is durable; never when writing failed

	started, hastened bool
}

func newCommit() *commit {
	return &commit{some: make(chan struct{}), hurry: make(chan struct{}), done: make(chan struct{})}
}

func (c *commit) start() {
	if !c.started {
		c.started = true
		close(c.some)
	}
}

func (c *commit) hasten() {
	if !c.hastened {
		c.hastened = true
		close(c.hurry)
	}
}

// write is the writer goroutine: the only one that appends and that knows the
// chains. While it writes one group the next one gathers.
func (r *Recorder) write() {
	defer close(r.done)
	for r.due() {
		groups, written, err := r.take()
		if err == nil {
			err = r.append(groups)
		}
		if err == nil {
			err = r.leaves(written)
		}
		if err == nil {
			r.toPack(written)
		}
		if err != nil {
			r.fail(err)
			return
		}
		r.settle(written)
		if r.o.Durable != nil {
			r.o.Durable(groups)
		}
	}
}

// due waits until the gathering group is to be written; false means stop.
func (r *Recorder) due() bool {
	r.mu.Lock()
	c := r.gather // replaced by this goroutine only
	r.mu.Unlock()
	select {
	case <-c.some:
	case <-r.quit: // Close has waited for all that was accepted
		return false
	case <-r.failed:
		return false
	}
	timer := time.NewTimer(r.o.Interval)
	defer timer.Stop()
	select {
	case <-c.hurry:
	case <-timer.C:
	case <-r.failed:
	}
	return r.Err() == nil
}

// take makes the gathering group the one in flight and chains its events.
func (r *Recorder) take() ([]Group, []*Transcript, error) {
	r.mu.Lock()
	written := r.queued
	groups := make([]Group, len(written))
	for i, t := range written {
		groups[i] = Group{ID: t.id, Events: t.queue}
		t.queue = nil
		t.now, t.flight = load{}, t.now
	}
	r.queued = nil
	r.flight, r.gather = r.gather, newCommit()
	r.mu.Unlock()
	for i, t := range written {
		g := &groups[i]
		var err error
		if t.head, g.Hashes, err = Extend(t.head, make([]Hash, 0, len(g.Events)), g.Events...); err != nil {
			return nil, nil, fmt.Errorf("transcript %q: %w", t.id, err)
		}
		g.Head = t.head
	}
	return groups, written, nil
}

// append writes the groups. A store that panics has failed; one that hangs
// fails the recorder while this waits on.
func (r *Recorder) append(groups []Group) (err error) {
	watch := time.AfterFunc(commitTimeout, func() { r.fail(errHung) })
	defer watch.Stop()
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the store panicked: %v", p)
		}
	}()
	return r.store.Append(groups)
}

// settle tells everybody who waits that the group in flight is durable. A
// recorder that failed meanwhile has told them otherwise and stays failed.
func (r *Recorder) settle(written []*Transcript) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	for _, t := range written {
		r.waiting -= t.flight.cost
		t.flight = load{}
	}
	close(r.flight.done)
	r.flight = nil
}

// fail poisons the recorder; the first cause stays.
func (r *Recorder) fail(cause error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return
	}
	if !errors.Is(cause, ErrUnavailable) {
		cause = fmt.Errorf("%w: %w", ErrUnavailable, cause)
	}
	r.err = cause
	for _, t := range r.queued {
		t.queue = nil
	}
	r.queued = nil
	close(r.failed)
}

// await waits until the commit is durable. What is durable is told as such even
// where the context ended or the recorder failed at the same moment.
func (r *Recorder) await(ctx context.Context, c *commit) error {
	err := func() error {
		select {
		case <-c.done:
			return nil
		case <-r.failed:
			return r.Err()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}()
	select {
	case <-c.done:
		return nil
	default:
		return err
	}
}
