package server

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"charm.land/ssh"
	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
)

// Bounds of what a client may send on a session channel.
const (
	maxEnv      = 32   // env requests
	maxPtyModes = 4096 // bytes of a pty-req
	maxCells    = 1000 // columns, and rows
)

// displayEnv are the only environment variables that are taken, to draw with.
// They reach no target.
var displayEnv = regexp.MustCompile(`^(TERM|COLORTERM|NO_COLOR|LANG|LC_[A-Z]+)$`)

// reasonEnv is the variable in which clients of file transfer, which have no flag for
// it, say why they ask: sftp -o 'SetEnv=SALLYPORT_REASON="..."'. It reaches no target.
const (
	reasonEnv = "SALLYPORT_REASON"
	maxReason = 500
)

// displayValue is what their values may be.
var displayValue = regexp.MustCompile(`^[A-Za-z0-9._:@+-]{0,64}$`)

// otherChannel refuses every channel that is neither a session nor a forward.
func (s *Server) otherChannel(_ *ssh.Server, _ *gossh.ServerConn, nc gossh.NewChannel, ctx ssh.Context) {
	c := connOf(ctx)
	c.refused("channel", nc.ChannelType())
	_ = nc.Reject(gossh.Prohibited, printable(nc.ChannelType())+" channels are refused by this bastion") // the client is told or gone
}

// globalRequest refuses every request of a connection: remote forwards, mainly.
func (s *Server) globalRequest(ctx ssh.Context, _ *ssh.Server, req *gossh.Request) (bool, []byte) {
	switch req.Type {
	case "keepalive@openssh.com", "hostkeys-prove-00@openssh.com", "no-more-sessions@openssh.com":
		return false, nil // answered, as OpenSSH does
	}
	c := connOf(ctx)
	c.refused("global request", req.Type)
	c.say("refused: " + printable(req.Type) + " (this bastion opens no ports for its clients)")
	return false, nil
}

// maxRefused bounds how many refusals of one connection are logged, one by one: anybody
// who reaches the port can ask, as often as they like.
const maxRefused = 32

// refused logs what was refused.
func (c *conn) refused(what, kind string) {
	c.mu.Lock()
	c.refusals++
	n := c.refusals
	c.mu.Unlock()
	switch {
	case n < maxRefused:
		c.s.o.Log.Info("refused", "what", what, "from", c.remote, "type", printable(kind))
	case n == maxRefused:
		c.s.o.Log.Warn("much is refused: no more of it is logged for this connection", "from", c.remote, "type", printable(kind))
	}
}

// channel is one session channel. It has a context of its own that ends with the
// channel: the library's is the connection's.
type channel struct {
	gossh.Channel
	conn   *conn
	ctx    context.Context
	cancel context.CancelCauseFunc
	// resize holds the newest size not yet taken.
	resize chan ssh.Window
	// started: it is a program, a shell or a subsystem by now, which reads what came
	// before without a lock.
	started bool
	env     int
	said    int
	reason  string // why, for those who approve operations on files
	// What the client offers to a shell or command, see lent.go; server is the way to it.
	agent   bool
	display *connectors.Display
	server  gossh.Conn
}

type channelKey struct{}

// channelContext is the library's context with the channel's lifetime.
type channelContext struct {
	ssh.Context
	ch *channel
}

func (x channelContext) Done() <-chan struct{} { return x.ch.ctx.Done() }
func (x channelContext) Err() error            { return x.ch.ctx.Err() }
func (x channelContext) Value(k any) any {
	if _, ok := k.(channelKey); ok {
		return x.ch
	}
	return x.Context.Value(k)
}

// channelOf is the channel of a session.
func channelOf(s ssh.Session) *channel {
	ch, _ := s.Context().Value(channelKey{}).(*channel)
	return ch
}

// sessionChannel opens a session channel behind the gate of its requests.
func (s *Server) sessionChannel(srv *ssh.Server, sc *gossh.ServerConn, nc gossh.NewChannel, ctx ssh.Context) {
	c := connOf(ctx)
	if !c.openChannel(s.o.Limits.Channels) {
		_ = nc.Reject(gossh.ResourceShortage, "too many sessions on this connection") // the client is told or gone
		return
	}
	defer c.closeChannel()
	c.start(sc)
	ch := &channel{conn: c, server: sc, resize: make(chan ssh.Window, 1)}
	ch.ctx, ch.cancel = context.WithCancelCause(c.ctx)
	defer ch.cancel(errDisconnected)
	c.proved(ch.ctx, sc)
	ssh.DefaultSessionHandler(srv, sc, gatedChannel{nc, ch}, channelContext{ctx, ch})
}

// start runs the keepalive of a connection, once.
func (c *conn) start(sc *gossh.ServerConn) {
	c.mu.Lock()
	first := !c.alive
	c.alive = true
	c.mu.Unlock()
	if first {
		go c.keepalive(sc)
	}
}

func (c *conn) openChannel(bound int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if bound > 0 && c.channels >= bound {
		return false
	}
	c.channels++
	return true
}

func (c *conn) closeChannel() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.channels--
}

// gatedChannel hands the library a channel whose requests passed the gate.
type gatedChannel struct {
	gossh.NewChannel
	ch *channel
}

func (g gatedChannel) Accept() (gossh.Channel, <-chan *gossh.Request, error) {
	ch, reqs, err := g.NewChannel.Accept()
	if err != nil {
		return nil, nil, fmt.Errorf("accept session channel: %w", err)
	}
	g.ch.Channel = ch
	out := make(chan *gossh.Request)
	go func() {
		defer close(out)
		defer g.ch.cancel(errDisconnected)
		for r := range reqs {
			if !g.ch.admit(r) {
				continue
			}
			select {
			case out <- r:
			case <-g.ch.ctx.Done():
				answer(r, false)
			}
		}
	}()
	return g.ch, out, nil
}

// admit is the gate of a session's requests. What it does not know it refuses.
// A request that it handled itself it answers and keeps.
func (ch *channel) admit(r *gossh.Request) bool {
	switch r.Type {
	case "shell", "exec":
		ch.started = true
		return true
	case "signal":
		return true
	case "pty-req":
		if len(r.Payload) <= maxPtyModes {
			return true
		}
		ch.refuse(r, "its terminal modes are too long")
	case "window-change":
		ch.resized(r)
	case "env":
		return ch.admitEnv(r)
	case "subsystem":
		var m struct{ Name string }
		if gossh.Unmarshal(r.Payload, &m) == nil && m.Name == "sftp" {
			ch.started = true
			return true
		}
		ch.refuse(r, "sftp is the only one here")
	case "auth-agent-req@openssh.com":
		ch.offersAgent(r)
	case "x11-req":
		ch.offersDisplay(r)
	default:
		ch.refuse(r, "")
	}
	return false
}

func (ch *channel) admitEnv(r *gossh.Request) bool {
	var kv struct{ Name, Value string }
	ch.env++
	if ch.started {
		ch.refuse(r, "environment variables come before what they are for")
		return false
	}
	if gossh.Unmarshal(r.Payload, &kv) == nil && kv.Name == reasonEnv && len(kv.Value) <= maxReason && utf8.ValidString(kv.Value) {
		ch.reason = kv.Value
		answer(r, true)
		return false
	}
	if gossh.Unmarshal(r.Payload, &kv) == nil && ch.env <= maxEnv && displayEnv.MatchString(kv.Name) && displayValue.MatchString(kv.Value) {
		return true
	}
	ch.refuse(r, "environment variable "+printable(kv.Name)+" is not taken")
	return false
}

// resized keeps the newest size; a slow reader gets only that.
func (ch *channel) resized(r *gossh.Request) {
	var w struct{ Columns, Rows, Width, Height uint32 }
	if gossh.Unmarshal(r.Payload, &w) != nil {
		answer(r, false)
		return
	}
	answer(r, true)
	size := ssh.Window{Width: cells(w.Columns), Height: cells(w.Rows)}
	for {
		select {
		case ch.resize <- size:
			return
		default:
		}
		select {
		case <-ch.resize:
		default:
		}
	}
}

// cells clamps a number of columns or rows; 0 stays, for "unknown".
func cells(n uint32) int { return int(min(n, maxCells)) }

// refuse answers no, and says it on the session's stderr.
func (ch *channel) refuse(r *gossh.Request, why string) {
	answer(r, false)
	ch.conn.refused("request", r.Type)
	if ch.said++; ch.said > 8 {
		return
	}
	text := "sallyport: refused: " + printable(r.Type)
	if why != "" {
		text += ": " + why
	}
	_, _ = ch.Stderr().Write([]byte(text + "\r\n")) // the client is told or gone
}

// answer replies where a reply is wanted; a failure means that the client is gone.
func answer(r *gossh.Request, ok bool) {
	if r.WantReply {
		_ = r.Reply(ok, nil)
	}
}

// printable is a client's word, cut and made harmless for a log or a screen.
func printable(s string) string {
	if len(s) > 64 {
		s = s[:64]
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
}
