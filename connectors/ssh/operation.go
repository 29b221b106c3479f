package ssh

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/connectors"
)

// copyBuffer is as much as one packet of the library holds.
const copyBuffer = 32 << 10

// operation is one permitted shell or command on its way.
type operation struct {
	c      *Conn
	permit connectors.Permit
	stdio  connectors.Stdio // guarded; Err is never nil
	flush  func() error
	resize <-chan connectors.Size // nil without a terminal
	lender *lender                // nil for none
	shell  bool

	// over is set once nothing more may be read from the requester, abandoned once
	// nothing more may be written to.
	over, abandoned atomic.Bool
	// fail ends the operation; the first cause counts. A cause of ours is a *failure.
	fail context.CancelCauseFunc
}

// failure is a cause that is returned as it is.
type failure struct{ error }

// reason is the cause of an ended context as the requester is told it.
func reason(cause error) error {
	if f, ok := errors.AsType[*failure](cause); ok {
		return f.error
	}
	return canceled(cause)
}

// newOperation takes over the requester's streams. The reader that the guard
// wraps is ours, so that what is typed too late is not recorded as sent.
func newOperation(c *Conn, p connectors.Permit, raw connectors.Stdio) *operation {
	o := &operation{c: c, permit: p}
	if raw.In == nil {
		raw.In = none{}
	}
	raw.In = &until{r: raw.In, over: &o.over}
	o.stdio, o.flush = p.Stdio(raw)
	if o.stdio.Err == nil {
		both := &locked{w: o.stdio.Out}
		o.stdio.Out, o.stdio.Err = both, both
	}
	return o
}

// run starts a program by channel requests, moves bytes until it has ended, and
// calls Done of the permit, once.
func (o *operation) run(ctx context.Context, requests ...request) (connectors.Exit, error) {
	ctx, o.fail = context.WithCancelCause(ctx)
	defer o.fail(nil)
	defer context.AfterFunc(o.c.ctx, func() { o.fail(&failure{o.c.gone()}) })()
	at := o.c.start(ctx, o.permit, requests...)
	exit, err := (*connectors.Exit)(nil), at.err
	if at.ch != nil {
		at.started = true
		exit, err = o.move(ctx, at.ch)
	}
	o.over.Store(true)
	tag := o.lender.close(o.c)
	o.permit.Done(connectors.Outcome{Tag: tag, Err: err, Unknown: at.started && (o.c.cutOff(err) || err == errNoStatus), Exit: exit, Affected: -1})
	if exit == nil {
		exit = &connectors.Exit{}
	}
	return *exit, err
}

// move moves bytes until the program or ctx has ended.
func (o *operation) move(ctx context.Context, ch *channel) (*connectors.Exit, error) {
	var exit *connectors.Exit
	var broken error
	closed := make(chan struct{}) // by the target, or with the connection
	go func() {
		defer close(closed)
		exit, broken = ch.exit()
		o.over.Store(true)
	}()
	go o.copyInput(ch)
	shown := o.copyOutput(ch)
	resized := o.forwardSizes(ctx, ch)
	done := make(chan struct{})
	go func() {
		<-shown
		<-closed
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		o.end(ch, closed, shown)
	}
	err := o.verdict(ctx, exit, broken)
	o.fail(nil)
	<-resized
	if err != nil {
		exit = nil
	}
	return exit, err
}

// end ends the program at the target. Neither a target that does not react nor
// a requester who does not read can hold it up for longer than the grace: the
// one loses its connection; the other's last Write is left to end by itself.
func (o *operation) end(ch *channel, closed, shown <-chan struct{}) {
	late := time.AfterFunc(o.c.options.Grace, func() { _ = o.c.client.Close() })
	ch.hangUp()
	<-closed
	late.Stop()
	wait := time.NewTimer(o.c.options.Grace)
	defer wait.Stop()
	select {
	case <-shown:
	case <-wait.C:
		o.abandoned.Store(true)
	}
}

// verdict is how the operation ended. A program that said how it ended has
// ended, even if its host cuts the connection right after.
func (o *operation) verdict(ctx context.Context, exit *connectors.Exit, broken error) error {
	if cause := context.Cause(ctx); cause != nil {
		if err := reason(cause); exit == nil || !errors.Is(err, connectors.ErrVanished) {
			return err
		}
	}
	switch {
	case broken != nil:
		return broken
	case exit == nil:
		if err := o.c.there(); err != nil {
			return err
		}
		if o.shell {
			return nil // devices leave so
		}
		return errNoStatus
	}
	return nil
}

// errNoStatus ends a command of which a target that is still there says only that it is
// over. Whether it did what it should, nobody knows.
var errNoStatus error = &connectors.TargetError{Text: "the target did not say how the command ended"}

// copyInput ends with the requester's input, the target's, or the operation. It
// is not waited for: see the package's doc, Streams.
func (o *operation) copyInput(ch *channel) {
	b := make([]byte, copyBuffer)
	for !o.over.Load() {
		n, err := o.stdio.In.Read(b)
		if n > 0 {
			if _, err := ch.Write(b[:n]); err != nil {
				return // the program reads no more; its end is told elsewhere
			}
		}
		if o.over.Load() {
			return
		}
		if errors.Is(err, io.EOF) {
			_ = ch.CloseWrite()
			return
		}
		if err != nil {
			o.fail(&failure{err})
			return
		}
	}
}

// copyOutput copies both outputs, and closes its result when they have ended and
// all that masking held back is written.
func (o *operation) copyOutput(ch *channel) <-chan struct{} {
	var both sync.WaitGroup
	both.Go(func() { o.copy(o.stdio.Out, ch) })
	both.Go(func() { o.copy(o.stdio.Err, ch.Stderr()) })
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		both.Wait()
		if o.abandoned.Load() {
			return
		}
		if err := o.flush(); err != nil {
			o.fail(&failure{err})
		}
	}()
	return shown
}

// copy is io.CopyBuffer that never skips its buffer, and tells whose error it is:
// a Read ends with the channel, and a Write fails the operation.
func (o *operation) copy(w io.Writer, r io.Reader) {
	b := make([]byte, copyBuffer)
	for {
		n, err := r.Read(b)
		if n > 0 {
			if _, err := w.Write(b[:n]); err != nil {
				o.fail(&failure{err})
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// resizePause is how long after a size the next one is sent.
const resizePause = 50 * time.Millisecond

// forwardSizes sends the newest size at most every resizePause.
func (o *operation) forwardSizes(ctx context.Context, ch *channel) <-chan struct{} {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var newest, sent connectors.Size
		var pause <-chan time.Time
		for {
			select {
			case <-ctx.Done():
				return
			case newest = <-o.resize:
				newest = clamp(newest)
			case <-pause:
				pause = nil
			}
			if pause != nil || newest == sent {
				continue
			}
			if _, err := ch.SendRequest("window-change", false, windowChange(newest)); err != nil {
				return
			}
			sent, pause = newest, time.After(resizePause)
		}
	}()
	return ended
}

// none is an input that has ended.
type none struct{}

func (none) Read([]byte) (int, error) { return 0, io.EOF }

// until is r until over: no Read begins after that, and what a late one brings is
// nobody's.
type until struct {
	r    io.Reader
	over *atomic.Bool
}

func (u *until) Read(b []byte) (int, error) {
	if u.over.Load() {
		return 0, io.EOF
	}
	n, err := u.r.Read(b)
	if u.over.Load() {
		return 0, io.EOF
	}
	return n, err
}

// locked lets two streams end in one writer.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
