package ssh

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// errForwardLimit ends a forward of which more came back than its rule allows.
var errForwardLimit = errors.New("more came back than the rule allows")

// Forward opens a connection from the target to address (direct-tcpip, RFC 4254
// section 7.2). What is recorded of it is how many bytes went each way, and their
// SHA-256. Errors: the guard's as they are, *policy.Refusal for an address that is
// not declared, *connectors.TargetError where the target cannot reach it, else as
// Attach.
func (c *Conn) Forward(ctx context.Context, g connectors.Guard, address string, stream io.ReadWriteCloser) error {
	defer stream.Close() // the requester is told, or gone
	if !slices.Contains(c.forwards, address) {
		return &policy.Refusal{Rule: policy.DefaultDeny, Reason: "the resource declares no forward to " + address}
	}
	p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionForward, Text: "forward to " + address, Login: c.login, Facts: policy.Facts{
		Class: policy.Unknown, Verb: "FORWARD", Opaque: true,
		Why: "a connection to " + address + ": what goes through is counted and hashed, not judged or masked",
	}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.ctx, func() { cancel(&failure{c.gone()}) })()
	far, err := c.client.DialContext(ctx, "tcp", address)
	if err != nil {
		err = c.unreached(ctx, p, err)
		p.Done(connectors.Outcome{Err: err, Affected: -1})
		return err
	}
	f := &forward{stream: stream, far: far, limit: p.Terms().MaxStream, fail: cancel}
	if err = f.run(ctx); err == nil {
		err = c.there()
	}
	p.Done(connectors.Outcome{Err: err, Affected: -1, Tag: fmt.Sprintf("FORWARD sent %s, received %s", &f.sent, &f.received)})
	return err
}

// unreached says why there is no connection at the target's side.
func (c *Conn) unreached(ctx context.Context, p connectors.Permit, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return reason(cause)
	}
	if c.ctx.Err() != nil {
		return c.gone()
	}
	return connectors.SafeError(p.Seen(), false, &connectors.TargetError{Text: opened(err).Error()})
}

// opened is the target's own word on a channel that it did not open.
func opened(err error) error {
	var refused *gossh.OpenChannelError
	if errors.As(err, &refused) {
		return fmt.Errorf("the target refused the connection: %.200q", refused.Message)
	}
	return err
}

// forward is one connection on its way.
type forward struct {
	stream         io.ReadWriteCloser
	far            net.Conn
	limit          int64
	fail           context.CancelCauseFunc
	sent, received passed
	ended          atomic.Int32 // ways that came to their end
	cut            atomic.Bool  // the connection was ended before both had
}

// run moves bytes until both sides have ended, or ctx has: its error is why then.
func (f *forward) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		// A requester who is told that the far side has ended leaves: that is no cut.
		f.cut.Store(f.ended.Load() < 2)
		f.close()
	})
	var both sync.WaitGroup
	both.Go(func() { f.move(&f.sent, f.far, f.stream, 0) })
	both.Go(func() { f.move(&f.received, f.stream, f.far, f.limit) })
	both.Wait()
	stop()
	f.close()
	if cause := context.Cause(ctx); cause != nil && (f.cut.Load() || f.ended.Load() < 2) {
		return reason(cause)
	}
	return nil
}

func (f *forward) close() {
	_ = f.far.Close() // either side may be gone already
	_ = f.stream.Close()
}

// move copies one way and passes the end on. A side that can take no more ends
// the connection.
func (f *forward) move(count *passed, to io.Writer, from io.Reader, limit int64) {
	count.sum = sha256.New()
	b := make([]byte, copyBuffer)
	for {
		n, err := from.Read(b)
		if limit > 0 && count.bytes+int64(n) > limit {
			f.fail(&failure{errForwardLimit})
			return
		}
		if n > 0 {
			if _, werr := to.Write(b[:n]); werr != nil {
				f.close()
				return
			}
			count.bytes += int64(n)
			_, _ = count.sum.Write(b[:n]) // a hash takes all
		}
		if err != nil {
			if half, ok := to.(interface{ CloseWrite() error }); ok && errors.Is(err, io.EOF) {
				f.ended.Add(1)
				_ = half.CloseWrite() // a side that is gone is told nothing
				return
			}
			f.close()
			return
		}
	}
}

// there asks the target whether it is there: the library ends the channels of a lost
// connection as if the far side had. One that does not answer that, as some devices do
// not, counts as there.
func (c *Conn) there() error {
	answered := make(chan error, 1)
	go func() {
		_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
		answered <- err
	}()
	select {
	case err := <-answered:
		if err == nil {
			return nil
		}
	case <-time.After(c.options.Grace):
		return nil
	}
	select { // until watch knows how it was lost
	case <-c.ctx.Done():
	case <-time.After(c.options.Grace):
	}
	return c.gone()
}

// passed is what went one way.
type passed struct {
	bytes int64
	sum   hash.Hash
}

func (p *passed) String() string { return fmt.Sprintf("%d bytes (sha256 %x)", p.bytes, p.sum.Sum(nil)) }
