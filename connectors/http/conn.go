package http

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/lines"
	"github.com/sallyport/sallyport/policy"
)

// Conn is a service that requests are sent to. It is safe for concurrent use.
type Conn struct {
	endpoint connectors.Endpoint
	base     *url.URL
	auth     *credential
	// kept reuses connections, for requests that only read: a request that found its
	// connection closed is sent again on another. once does neither.
	kept, once *nethttp.Transport
	lines      lines.Set // of all transports

	ctx     context.Context // ends with the connection
	cancel  context.CancelCauseFunc
	running sync.WaitGroup
}

var (
	_ connectors.Conn      = (*Conn)(nil)
	_ connectors.Requester = (*Conn)(nil)
	_ connectors.Judge     = (*Conn)(nil)
)

// Close ends what runs, and forgets the credential. It may be called more than once
// and at any moment.
func (c *Conn) Close() error {
	c.cancel(errClosed)
	c.running.Wait()
	c.kept.CloseIdleConnections()
	c.once.CloseIdleConnections()
	c.lines.Close()
	c.auth.destroy()
	return nil
}

// Warnings says what should be known about the way to the service.
func (c *Conn) Warnings() []string {
	if c.base.Scheme == "http" && c.auth.auth != "" && c.endpoint.Dial == nil && !c.endpoint.HTTP.Loopback {
		return []string{"The credential travels to this service without TLS: whoever is in between can read it."}
	}
	return nil
}

// Requests are those that are saved for everybody.
func (c *Conn) Requests() []connectors.SavedRequest { return c.endpoint.HTTP.Requests }

// Judge finds the facts of a request. What cannot be sent is unknown, and says why.
func (c *Conn) Judge(_ context.Context, s connectors.Statement) (policy.Facts, error) {
	_, f, _ := c.judge(s.Text)
	return f, nil
}

// judge is Judge with the request, and why it cannot be sent, "" if it can.
func (c *Conn) judge(text string) (*Request, policy.Facts, string) {
	r, err := Parse(text)
	if err != nil {
		return nil, policy.Facts{Class: policy.Unknown, Opaque: true, Why: err.Error()}, err.Error()
	}
	f := r.Facts(Options{Host: c.base.Host, FoldCase: c.endpoint.HTTP.LenientPaths})
	why := c.sendable(r)
	if why == "" && f.Class == policy.Unknown {
		why = r.unfit()
	}
	if why != "" {
		f.Class, f.Opaque, f.Why = policy.Unknown, true, why
	}
	return r, f, why
}

// Request implements connectors.Requester. A redirect to this service that asks to
// read elsewhere is connectors.Elsewhere; any other is the answer.
// An answer of 401 where a credential was presented is shown, and then is
// connectors.ErrCredential. More errors are ErrVanished, ErrProtocol,
// ErrUnreachable, and what wraps context.DeadlineExceeded.
func (c *Conn) Request(ctx context.Context, g connectors.Guard, text string, w connectors.ResponseWriter) error {
	c.running.Add(1)
	defer c.running.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.ctx, func() { cancel(context.Cause(c.ctx)) })()
	if err := context.Cause(ctx); err != nil {
		return canceled(err)
	}
	return c.send(ctx, g, text, w)
}

// send sends a request once it is permitted.
func (c *Conn) send(ctx context.Context, g connectors.Guard, text string, w connectors.ResponseWriter) (err error) {
	r, f, why := c.judge(text)
	p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionHTTP, Text: text, Facts: f, Login: c.endpoint.User})
	if err != nil {
		return err
	}
	o := connectors.Outcome{Affected: -1}
	defer func() {
		if o.Err = err; o.Tag != "" && errors.As(err, new(*connectors.Elsewhere)) {
			o.Err = nil
		}
		p.Done(o)
	}()
	if why != "" {
		return fmt.Errorf("%w: %s", connectors.ErrUnsupported, why)
	}
	if err := reshaped(r, p); err != nil {
		return err
	}
	if err := c.auth.fetch(ctx, g); err != nil {
		return err
	}
	terms := p.Terms()
	if terms.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, terms.Timeout, &slow{terms.Timeout})
		defer cancel()
	}
	x := &exchange{c: c, p: p, r: r, w: w, strip: c.auth.stripper(), most: least(terms.MaxBytes, c.endpoint.HTTP.MaxBody)}
	if err = x.run(ctx, &o); err != nil {
		err = over(ctx, err)
		o.Unknown = !terms.ReadOnly && x.unknown(err)
	}
	return err
}

// slow is the cause of a request that took longer than it may.
type slow struct{ most time.Duration }

func (s *slow) Error() string {
	return fmt.Sprintf("it was ended: it took longer than the %s that it may", s.most)
}

func (s *slow) Unwrap() error { return context.DeadlineExceeded }

// over is err unless ctx ended: then why it did.
func over(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	var late *slow
	var refused *policy.Refusal
	switch {
	case cause == nil, errors.As(err, &refused), errors.As(err, new(*connectors.Elsewhere)):
		return err
	case errors.As(cause, &late):
		return late
	case errors.Is(cause, errClosed):
		return canceled(errClosed)
	}
	return canceled(cause)
}

// least is the lower of two bounds, where 0 is none.
func least(a, b int64) int64 {
	if a <= 0 || b > 0 && b < a {
		return b
	}
	return a
}

// body is what a request sends: bytes that cannot be asked for again.
func body(b []byte) io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }

// fieldsOf lists header fields by name: the protocol keeps an order among those of
// one name alone.
func fieldsOf(h nethttp.Header, s *stripper) []connectors.Field {
	var names []string
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []connectors.Field
	for _, name := range names {
		for _, v := range h[name] {
			n, _ := s.text(name)
			v, hit := s.text(v)
			out = append(out, connectors.Field{Name: n, Value: v, Masked: hit})
		}
	}
	return out
}
