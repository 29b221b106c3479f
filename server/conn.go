package server

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"charm.land/ssh"
	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server/identity"
	"github.com/sallyport/sallyport/server/session"
)

// conn is one SSH connection and who it belongs to, once that is known. All
// channels of a connection share it: a sign-in in one opens the others.
type conn struct {
	s      *Server
	place  *place
	remote string
	done   chan struct{} // closed with the connection

	ctx context.Context // ends with the connection, with a cause
	end context.CancelCauseFunc

	mu       sync.Mutex
	visit    *session.Visit
	key      string   // fingerprint that the handshake proved, "" without one
	words    []string // refusals to be said at the next session's start
	channels int
	refusals int
	flow     *identity.Flow // the sign-in that was started last
	trouble  error          // why a remembered key did not count
	alive    bool           // the keepalive runs
	checked  bool           // the remembered key was looked up
	byKey    bool           // the identity rests on a remembered key
	until    time.Time      // when that key is forgotten by itself
	out      error          // why who was signed in is so no more; nil for a key that ran out
}

type connKey struct{}

// accept counts a new connection and gives it its state.
func (s *Server) accept(ctx ssh.Context, nc net.Conn) net.Conn {
	p, ok := s.limits.enter(nc.RemoteAddr(), func() { _ = nc.Close() }) // it is closed all the same
	if !ok {
		s.o.Log.Warn("connection refused: too many without an identity", "from", nc.RemoteAddr().String())
		return nil
	}
	c := &conn{s: s, place: p, remote: nc.RemoteAddr().String(), done: make(chan struct{})}
	c.ctx, c.end = context.WithCancelCause(context.Background())
	ctx.SetValue(connKey{}, c)
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	return &countedConn{Conn: nc, c: c}
}

// errDisconnected is the cause with which a connection's sessions end when its
// client is gone.
var errDisconnected = context.Canceled

// countedConn gives the connection's seat back when it closes.
type countedConn struct {
	net.Conn
	c    *conn
	once sync.Once
}

func (n *countedConn) Close() error {
	n.once.Do(func() {
		n.c.place.leave()
		n.c.end(errDisconnected)
		close(n.c.done)
		n.c.s.mu.Lock()
		delete(n.c.s.conns, n.c)
		n.c.s.mu.Unlock()
	})
	return n.Conn.Close()
}

// connOf is the state of the connection that ctx belongs to.
func connOf(ctx ssh.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// Extensions of the permissions that a completed handshake leaves.
const extKey = "sallyport-key"

// proved takes what the completed handshake proved, once, and looks the key up.
// Only the permissions of the server connection may be used: what callbacks saw
// on the way was offered, not proved.
func (c *conn) proved(ctx context.Context, sc *gossh.ServerConn) {
	c.mu.Lock()
	if c.checked {
		c.mu.Unlock()
		c.recheck(ctx)
		return
	}
	c.checked = true
	if sc.Permissions != nil {
		c.key = sc.Permissions.Extensions[extKey]
	}
	key := c.key
	c.mu.Unlock()
	if key == "" {
		return
	}
	k, err := c.s.o.Keys.Lookup(ctx, key)
	if err != nil {
		return // not remembered: a stranger, who can sign in
	}
	// Their groups are those of their last sign-in, with whatever key.
	id := c.s.o.People.Latest(ctx, k.Identity)
	id.Method = "key"
	if err := c.signedIn(ctx, id, "signed in by a remembered key"); err != nil {
		c.s.o.Log.Error("remembered key not accepted", "from", c.remote, "err", err)
		c.mu.Lock()
		c.trouble = errNoRecord
		c.mu.Unlock()
		return
	}
	c.rests(k.Expires)
}

// recheck takes the identity of a connection back when the remembered key that it
// rests on is forgotten, expired, or somebody else's by now: every channel is
// authorized by itself, also on a connection that has been open for long.
func (c *conn) recheck(ctx context.Context) {
	v, key := c.visitor(), c.fingerprint()
	c.mu.Lock()
	rests := c.byKey
	c.mu.Unlock()
	if v == nil || !rests {
		return
	}
	if k, err := c.s.o.Keys.Lookup(ctx, key); err == nil && k.Identity.Same(v.Identity()) {
		return
	}
	c.mu.Lock()
	c.visit, c.byKey = nil, false
	if c.s.o.Now().Before(c.until) {
		c.out = errKeyForgotten
	}
	c.mu.Unlock()
	c.s.o.Log.Info("remembered key gone: its connection is a stranger's again", "from", c.remote)
	c.s.o.Gate.Recheck(v.Identity())
}

// rests says that the identity rests on the remembered key from now on.
func (c *conn) rests(until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byKey, c.until = true, until
}

// now is who somebody that signed in here is by now. A key that has run out opens
// nothing new, and ends nothing; one that was forgotten before does. Groups are
// those of their last sign-in, wherever that was.
func (c *conn) now(id policy.Identity) (policy.Identity, error) {
	c.mu.Lock()
	v, key, rests, until, out := c.visit, c.key, c.byKey, c.until, c.out
	c.mu.Unlock()
	switch {
	case out != nil:
		return policy.Identity{}, out
	case v != nil && !v.Identity().Same(id):
		return policy.Identity{}, errSignedOut
	}
	ctx, cancel := context.WithTimeout(context.Background(), stateTimeout)
	defer cancel()
	if rests && c.s.o.Now().Before(until) {
		if k, err := c.s.o.Keys.Lookup(ctx, key); err != nil || !k.Identity.Same(id) {
			return policy.Identity{}, errKeyForgotten
		}
	}
	latest := c.s.o.People.Latest(ctx, id)
	id.Groups, id.Claims = latest.Groups, latest.Claims
	return id, nil
}

// stateTimeout bounds how long a look at what the bastion remembers may take.
const stateTimeout = 5 * time.Second

var errKeyForgotten = &policy.Refusal{Rule: policy.DefaultDeny, Reason: "the key that you signed in with is remembered no longer", Hint: "connect again, and sign in"}

// signedIn gives the connection an identity. It is on record before it counts.
func (c *conn) signedIn(ctx context.Context, id policy.Identity, act string) error {
	visit := c.s.o.Gate.Visit(session.Visitor{Identity: id, From: c.remote, Key: c.fingerprint(),
		Now: func() (policy.Identity, error) { return c.now(id) }})
	err := c.s.o.Gate.Journal(ctx, recorder.Admin{Act: act, From: c.remote, By: visit.Person(),
		Details: map[string]string{"key": c.fingerprint()}})
	if err != nil {
		return err
	}
	if err := c.s.o.People.See(ctx, id); err != nil {
		return err
	}
	c.mu.Lock()
	before := c.visit
	c.visit, c.out = visit, nil
	c.mu.Unlock()
	c.place.known()
	c.s.o.Gate.Recheck(id) // their groups may be others than they were
	if before != nil && !before.Identity().Same(id) {
		c.s.o.Gate.Recheck(before.Identity())
	}
	return nil
}

// visitor is the signed-in person's view of the gate, nil for a stranger.
func (c *conn) visitor() *session.Visit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.visit
}

func (c *conn) fingerprint() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.key
}

// errNoRecord: nobody gets in without a record.
var errNoRecord = errors.New("recording is unavailable, so nobody can sign in")

// stuck is why a remembered key did not count, nil otherwise.
func (c *conn) stuck() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trouble
}

// forget ends the connection's identity and its remembered key, and all that is open
// by them.
func (c *conn) forget(ctx context.Context) error {
	v, key := c.visitor(), c.fingerprint()
	if v == nil {
		return nil
	}
	if key != "" {
		if err := c.s.o.Keys.Forget(ctx, key); err != nil && !errors.Is(err, errKeyNotFound) {
			return err
		}
	}
	err := c.s.o.Gate.Journal(ctx, recorder.Admin{Act: "signed out", By: v.Person(), From: c.remote, Details: map[string]string{"key": key}})
	c.mu.Lock()
	c.visit, c.byKey, c.out = nil, false, errSignedOut
	c.mu.Unlock()
	// What is open here, and wherever else the key opened it, ends.
	c.s.o.Gate.Recheck(v.Identity())
	return err
}

// say keeps a refusal until a session can tell it.
func (c *conn) say(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.words) < 8 {
		c.words = append(c.words, text)
	}
}

// said returns and forgets what is to be told.
func (c *conn) said() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.words
	c.words = nil
	return w
}

// keepalive closes the connection when the client has not answered for a while:
// what a vanished or stalled client holds is freed.
func (c *conn) keepalive(sc *gossh.ServerConn) {
	const every, patience = 30 * time.Second, 15 * time.Second
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-t.C:
		}
		dead := time.AfterFunc(patience, func() { _ = sc.Close() }) // closing is all that can be done
		_, _, err := sc.SendRequest("keepalive@openssh.com", true, nil)
		dead.Stop()
		if err != nil {
			return
		}
	}
}
