package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"charm.land/ssh"
	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
)

// forwardChannel answers `ssh -L port:RESOURCE:PORT` (direct-tcpip, RFC 4254
// section 7.2): a connection to what a resource declares to reach, through it.
// Nothing is reached as an address: a name that is no resource's is refused as a
// resource that is not open; of a cluster, the pod stands before the resource
// (POD.NAMESPACE.RESOURCE). The channel is opened once the far side answered, so
// that the client is told why it was not.
func (s *Server) forwardChannel(_ *ssh.Server, sc *gossh.ServerConn, nc gossh.NewChannel, ctx ssh.Context) {
	c := connOf(ctx)
	var to struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	if gossh.Unmarshal(nc.ExtraData(), &to) != nil {
		_ = nc.Reject(gossh.ConnectionFailed, "malformed request") // the client is told or gone
		return
	}
	if !c.openChannel(s.o.Limits.Channels) {
		_ = nc.Reject(gossh.ResourceShortage, "too many channels on this connection")
		return
	}
	defer c.closeChannel()
	c.start(sc)
	life, end := context.WithCancelCause(c.ctx)
	defer end(errDisconnected)
	c.proved(life, sc)
	f := &forwarded{nc: nc, left: func() { end(errDisconnected) }}
	if err := s.forward(life, c, to.Host, to.Port, f); err != nil {
		s.o.Log.Info("forward refused or ended", "from", c.remote, "to", printable(to.Host), "port", to.Port)
		f.reject(err)
	}
}

func (s *Server) forward(ctx context.Context, c *conn, host string, port uint32, f *forwarded) error {
	if err := c.stuck(); err != nil {
		return err
	}
	v := c.visitor()
	if v == nil {
		return errors.New("sign in first: ssh " + s.o.Reach)
	}
	name, address, err := v.Forward(ctx, host, port)
	if err != nil {
		return err
	}
	sess, err := v.Open(ctx, name, policy.ActionForward, session.Screen{})
	if err != nil {
		return err
	}
	defer sess.Close() // its error is nil by contract
	// Whoever waits for a yes holds a connection open, and sees no words of ours.
	return sess.Forward(ctx, &session.Ask{Waiting: func(a policy.Approval) {
		c.say(fmt.Sprintf("the forward to %s waits for approval %s", printable(address), a.ID))
	}}, address, f)
}

// forwarded is the client's side of a forward: its channel, once it is used.
type forwarded struct {
	nc gossh.NewChannel
	// left is called when the client has closed the channel, whatever the far side
	// does: nothing waits for that one any more.
	left func()

	mu     sync.Mutex
	ch     gossh.Channel
	closed bool
}

// channel accepts the channel, once.
func (f *forwarded) channel() (gossh.Channel, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return nil, net.ErrClosed
	case f.ch != nil:
		return f.ch, nil
	}
	ch, requests, err := f.nc.Accept()
	if err != nil {
		return nil, fmt.Errorf("accept forward: %w", err)
	}
	go func() {
		gossh.DiscardRequests(requests)
		f.left()
	}()
	f.ch = ch
	return ch, nil
}

func (f *forwarded) Read(b []byte) (int, error) {
	ch, err := f.channel()
	if err != nil {
		return 0, err
	}
	return ch.Read(b)
}

func (f *forwarded) Write(b []byte) (int, error) {
	ch, err := f.channel()
	if err != nil {
		return 0, err
	}
	return ch.Write(b)
}

// CloseWrite passes on that the far side has ended.
func (f *forwarded) CloseWrite() error {
	ch, err := f.channel()
	if err != nil {
		return err
	}
	if err := ch.CloseWrite(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// Close closes the channel. One that was never used is left to be rejected.
func (f *forwarded) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ch == nil || f.closed {
		return nil
	}
	f.closed = true
	return f.ch.Close()
}

// reject tells the client why there is no connection, if there was none.
func (f *forwarded) reject(why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ch != nil {
		return
	}
	f.closed = true
	reason := gossh.ConnectionFailed
	var refusal *policy.Refusal
	if errors.As(why, &refusal) {
		reason = gossh.Prohibited
	}
	_ = f.nc.Reject(reason, plainLine(why.Error())) // the client is told or gone
}

// plainLine is a text that the client prints as it comes.
func plainLine(s string) string {
	const most = 300
	out := make([]byte, 0, most)
	for _, r := range s {
		if len(out) >= most {
			break
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		out = append(out, byte(r))
	}
	return string(out)
}
