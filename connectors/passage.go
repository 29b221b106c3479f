package connectors

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"
	"sync/atomic"
)

// ErrForwardLimit ends a forward of which more came back than its rule allows.
var ErrForwardLimit = errors.New("more came back than the rule allows")

// Passage is one connection through a target on its way: what goes through is counted
// and hashed, not understood. It is used once.
type Passage struct {
	// Near is the requester's side, Far the target's. Where one has a CloseWrite, it is
	// told by it that the other has ended.
	Near, Far io.ReadWriteCloser
	// Limit bounds what comes back, in bytes; 0 is none.
	Limit int64

	// Sent is what went from Near to Far, Received what came back; settled once Run has
	// returned.
	Sent, Received Passed

	ended atomic.Int32 // ways that came to their end
	cut   atomic.Bool  // the connection was ended before both had
	fail  context.CancelCauseFunc
}

// Run moves bytes until both sides have ended, or ctx has: its error is the cause
// then, ErrForwardLimit where the limit was passed. Both sides are closed when it
// returns.
func (p *Passage) Run(ctx context.Context) error {
	ctx, p.fail = context.WithCancelCause(ctx)
	defer p.fail(nil)
	stop := context.AfterFunc(ctx, func() {
		// A requester who is told that the far side has ended leaves: that is no cut.
		p.cut.Store(p.ended.Load() < 2)
		p.close()
	})
	var both sync.WaitGroup
	both.Go(func() { p.move(&p.Sent, p.Far, p.Near, 0) })
	both.Go(func() { p.move(&p.Received, p.Near, p.Far, p.Limit) })
	both.Wait()
	stop()
	p.close()
	if cause := context.Cause(ctx); cause != nil && (p.cut.Load() || p.ended.Load() < 2) {
		return cause
	}
	return nil
}

// Tag is what is kept of the passage: how many bytes went each way, and their hashes.
func (p *Passage) Tag() string {
	return fmt.Sprintf("FORWARD sent %s, received %s", &p.Sent, &p.Received)
}

func (p *Passage) close() {
	_ = p.Far.Close() // either side may be gone already
	_ = p.Near.Close()
}

// passageBuffer is how much is moved at once.
const passageBuffer = 32 << 10

// move copies one way and passes the end on. A side that can take no more ends
// the connection.
func (p *Passage) move(count *Passed, to io.Writer, from io.Reader, limit int64) {
	count.sum = sha256.New()
	b := make([]byte, passageBuffer)
	for {
		n, err := from.Read(b)
		if limit > 0 && count.Bytes+int64(n) > limit {
			p.fail(ErrForwardLimit)
			return
		}
		if n > 0 {
			if _, werr := to.Write(b[:n]); werr != nil {
				p.close()
				return
			}
			count.Bytes += int64(n)
			_, _ = count.sum.Write(b[:n]) // a hash takes all
		}
		if err != nil {
			if half, ok := to.(interface{ CloseWrite() error }); ok && errors.Is(err, io.EOF) {
				p.ended.Add(1)
				_ = half.CloseWrite() // a side that is gone is told nothing
				return
			}
			p.close()
			return
		}
	}
}

// Passed is what went one way.
type Passed struct {
	Bytes int64
	sum   hash.Hash
}

func (p *Passed) String() string { return fmt.Sprintf("%d bytes (sha256 %x)", p.Bytes, p.sum.Sum(nil)) }
