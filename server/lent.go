package server

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// What a client offers on a session channel: its agent (auth-agent-req@openssh.com), and
// its display (x11-req, RFC 4254 section 6.3). The target is not known when it does, so
// that who has no rule for it anywhere is refused at once, and others where the shell or
// command begins.

// maxCookie bounds a display's cookie, in bytes.
const maxCookie = 64

// offersAgent takes the offer, or says why not.
func (ch *channel) offersAgent(r *gossh.Request) {
	if v := ch.conn.visitor(); v != nil && !v.MayLend().Agent {
		ch.refuse(r, "your agent's keys stay with you: no rule says agent_forwarding: true for you")
		return
	}
	if ch.started {
		ch.refuse(r, "it comes before what it is for")
		return
	}
	ch.agent = true
	answer(r, true)
}

// offersDisplay takes the offer, or says why not.
func (ch *channel) offersDisplay(r *gossh.Request) {
	var m struct {
		Single           bool
		Protocol, Cookie string
		Screen           uint32
	}
	if v := ch.conn.visitor(); v != nil && !v.MayLend().Display {
		ch.refuse(r, "no X11 through this bastion: no rule says x11_forwarding: true for you")
		return
	}
	err := gossh.Unmarshal(r.Payload, &m)
	cookie, bad := hex.DecodeString(m.Cookie)
	switch {
	case err != nil || bad != nil || len(cookie) == 0 || len(cookie) > maxCookie || m.Protocol != "MIT-MAGIC-COOKIE-1":
		ch.refuse(r, "only MIT-MAGIC-COOKIE-1 is carried")
		return
	case ch.started || ch.display != nil:
		ch.refuse(r, "it comes once, and before what it is for")
		return
	}
	ch.display = &connectors.Display{Cookie: mask.NewSecret(cookie), Screen: m.Screen, Single: m.Single, Open: func(address string, port uint32) (io.ReadWriteCloser, error) {
		return ch.way("x11", gossh.Marshal(struct {
			Address string
			Port    uint32
		}{printable(address), port}))
	}}
	answer(r, true)
}

// way opens a channel to the client.
func (ch *channel) way(kind string, extra []byte) (io.ReadWriteCloser, error) {
	if ch.server == nil {
		return nil, errors.New("there is no connection")
	}
	c, requests, err := ch.server.OpenChannel(kind, extra)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", kind, err)
	}
	go gossh.DiscardRequests(requests)
	return c, nil
}

// lent is what the client offers to a shell or command; nil for nothing.
func (ch *channel) lent() *connectors.Lent {
	if !ch.agent && ch.display == nil {
		return nil
	}
	l := &connectors.Lent{Display: ch.display, Say: ch.tell}
	if ch.agent {
		l.Agent = func() (io.ReadWriteCloser, error) { return ch.way("auth-agent@openssh.com", nil) }
	}
	return l
}

// tell says something on the session's stderr.
func (ch *channel) tell(text string) {
	_, _ = ch.Stderr().Write([]byte("sallyport: " + plainLine(text) + "\r\n")) // the client is told or gone
}
