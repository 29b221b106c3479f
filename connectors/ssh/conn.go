package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
)

// Conn is a connection to a host, signed in. It is safe for concurrent use.
type Conn struct {
	client  *gossh.Client
	login   string
	options Options
	// forwards are the addresses that the target declares to reach.
	forwards []string

	// ctx ends with the connection; its cause is errClosed, or wraps
	// connectors.ErrVanished or ErrProtocol.
	ctx     context.Context
	cancel  context.CancelCauseFunc
	alive   sync.WaitGroup // watch, keepAlive and back
	files   files
	writers writers
	room    *connectors.Room // of open files
	// lender lends to the operation that runs what its requester offers; nil for none.
	lender atomic.Pointer[lender]
}

var (
	_ connectors.Conn      = (*Conn)(nil)
	_ connectors.Attacher  = (*Conn)(nil)
	_ connectors.Executor  = (*Conn)(nil)
	_ connectors.Forwarder = (*Conn)(nil)
)

var (
	errClosed = errors.New("the connection was closed")
	errSilent = fmt.Errorf("%w: it did not answer in time, so it was given up", connectors.ErrVanished)
)

func newConn(conn gossh.Conn, channels <-chan gossh.NewChannel, requests <-chan *gossh.Request, login string, o Options) *Conn {
	// A Client refuses every channel that the target opens, and every request, but for
	// what is handled.
	c := &Conn{client: gossh.NewClient(conn, channels, requests), login: login, options: o, room: connectors.NewRoom()}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	for _, kind := range []string{agentChannel, x11Channel} {
		offered := c.client.HandleChannelOpen(kind)
		c.alive.Go(func() { c.back(kind, offered) })
	}
	c.alive.Go(c.watch)
	c.alive.Go(c.keepAlive)
	return c
}

// Close ends what runs at the target and the connection. It may be called more
// than once and at any moment.
func (c *Conn) Close() error {
	c.cancel(errClosed)
	err := c.client.Close()
	c.alive.Wait()
	if errors.Is(err, net.ErrClosed) || lost(err) {
		return nil // it was closed already, by the target or by an earlier Close
	}
	return err
}

// watch learns when the connection is lost, and how.
func (c *Conn) watch() {
	err := c.client.Wait()
	var network net.Error
	switch {
	case err == nil || lost(err) || errors.As(err, &network):
		c.cancel(connectors.ErrVanished)
	default: // a packet that is none: its sum does not match, or it is longer than any may be
		c.cancel(fmt.Errorf("%w: it sent what is no packet", connectors.ErrProtocol))
	}
}

// keepAlive asks the target whether it is there, and closes the connection if
// it does not answer. Any answer will do.
func (c *Conn) keepAlive() {
	tick := time.NewTicker(c.options.KeepAlive)
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
		}
		late := time.AfterFunc(c.options.KeepAlive, func() {
			c.cancel(errSilent)
			_ = c.client.Close()
		})
		_, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil)
		late.Stop()
		if err != nil {
			return // watch sees it too
		}
	}
}

// lost reports whether err is what the library says of a connection that ended.
func lost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

// gone is why the connection ended, in the words of errors.go.
func (c *Conn) gone() error {
	switch cause := context.Cause(c.ctx); {
	case errors.Is(cause, errClosed):
		return canceled(errClosed)
	case cause != nil:
		return cause
	}
	return connectors.ErrVanished
}

// cutOff reports whether err says that the connection was lost, so that it cannot be
// told what became of what ran.
func (c *Conn) cutOff(err error) bool {
	return errors.Is(err, connectors.ErrVanished) || c.ctx.Err() != nil && errors.Is(err, connectors.ErrProtocol)
}

// opening is a session channel, or why there is none. started is set where the
// target may have started its program all the same.
type opening struct {
	ch      *channel
	started bool
	err     error
}

// start opens a session channel and starts what it is for. The library's calls
// know no context: once ctx has ended, a target that does not answer in time
// loses its connection, which ends them. All but one: a channel that is opened
// in the moment in which the connection is lost may wait for ever, and is left
// behind.
func (c *Conn) start(ctx context.Context, p connectors.Permit, requests ...request) opening {
	if c.ctx.Err() != nil {
		return opening{err: c.gone()}
	}
	opened := make(chan opening, 1)
	go func() { opened <- c.open(p, requests) }()
	select {
	case o := <-opened:
		return o
	case <-ctx.Done():
	}
	late := time.AfterFunc(c.options.Grace, func() { _ = c.client.Close() })
	defer late.Stop()
	why := opening{err: reason(context.Cause(ctx))}
	select {
	case o := <-opened:
		return o.or(why)
	case <-c.ctx.Done():
	}
	wait := time.NewTimer(c.options.Grace)
	defer wait.Stop()
	select {
	case o := <-opened:
		return o.or(why)
	case <-wait.C:
		return why
	}
}

// or is o where it opened a channel: what runs must be ended as what runs is.
func (o opening) or(why opening) opening {
	if o.ch == nil {
		o.err = why.err
	}
	return o
}

// request is a channel request that must be granted, or is optional: then who asked is
// told that it was not.
type request struct {
	name, what string
	payload    []byte
	optional   func(text string)
}

func (c *Conn) open(p connectors.Permit, requests []request) opening {
	raw, incoming, err := c.client.OpenChannel("session", nil)
	var refused *gossh.OpenChannelError
	switch {
	case errors.As(err, &refused):
		text := fmt.Sprintf("the target refused a session: %.200s", refused.Message)
		return opening{err: connectors.SafeError(p.Seen(), false, &connectors.TargetError{Text: text})}
	case err != nil:
		return opening{err: c.gone()}
	}
	for i, r := range requests {
		ok, err := raw.SendRequest(r.name, true, r.payload)
		if err == nil && ok {
			continue
		}
		if err == nil && r.optional != nil {
			r.optional("the target refused " + r.what)
			continue
		}
		_ = raw.Close()
		go gossh.DiscardRequests(incoming) // so that the connection goes on without it
		if err != nil {
			return opening{started: i == len(requests)-1, err: c.gone()}
		}
		return opening{err: &connectors.TargetError{Text: "the target refused " + r.what}}
	}
	return opening{ch: &channel{raw, incoming}}
}

// channel is an open session channel.
type channel struct {
	gossh.Channel
	incoming <-chan *gossh.Request
}

// hangUp sends the signal HUP and closes the channel.
func (ch *channel) hangUp() {
	_, _ = ch.SendRequest("signal", false, gossh.Marshal(struct{ Name string }{"HUP"}))
	_ = ch.Close()
}

// exit reads the channel's requests until it is closed. Exit is nil where the
// target never said how its program ended.
func (ch *channel) exit() (*connectors.Exit, error) {
	var exit *connectors.Exit
	var broken error
	for r := range ch.incoming {
		e, err := parseExit(r.Type, r.Payload)
		if err != nil {
			broken = err
		}
		if e != nil && exit == nil {
			exit = e
		}
		if r.WantReply {
			_ = r.Reply(e != nil, nil) // a lost connection ends the loop
		}
	}
	return exit, broken
}

// parseExit reads exit-status and exit-signal (RFC 4254 section 6.10); nil for
// other requests.
func parseExit(kind string, payload []byte) (*connectors.Exit, error) {
	switch kind {
	case "exit-status":
		var m struct{ Code uint32 }
		if err := gossh.Unmarshal(payload, &m); err != nil {
			return nil, fmt.Errorf("%w: malformed exit status", connectors.ErrProtocol)
		}
		return &connectors.Exit{Code: int(m.Code)}, nil
	case "exit-signal":
		var m struct {
			Name       string
			Core       bool
			Text, Lang string
		}
		if err := gossh.Unmarshal(payload, &m); err != nil || !isSignal(m.Name) {
			return nil, fmt.Errorf("%w: malformed exit signal", connectors.ErrProtocol)
		}
		return &connectors.Exit{Signal: m.Name}, nil
	}
	return nil, nil
}

// isSignal accepts names of RFC 4254 and local ones ("sig@xyz").
func isSignal(name string) bool {
	if name == "" || len(name) > 64 {
		return false
	}
	for _, r := range name {
		if r <= ' ' || r > '~' {
			return false
		}
	}
	return true
}
