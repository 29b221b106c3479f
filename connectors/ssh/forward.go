package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

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
	f := &connectors.Passage{Near: stream, Far: far, Limit: p.Terms().MaxStream}
	switch err = f.Run(ctx); {
	case err == nil:
		err = c.there()
	case !errors.Is(err, connectors.ErrForwardLimit):
		err = reason(err)
	}
	p.Done(connectors.Outcome{Err: err, Affected: -1, Tag: f.Tag()})
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
