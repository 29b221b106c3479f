package ssh

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
)

// magicCookie is the only authorization that is carried.
const magicCookie = "MIT-MAGIC-COOKIE-1"

var (
	errCookie = errors.New("a program there did not show the cookie that it was given")
	errSetUp  = errors.New("what came is no beginning of the X11 protocol")
)

// x11 connects one program at the target to the requester's display, once it has shown
// the session's own cookie, in whose place the display's is put.
func (l *lender) x11(target gossh.Channel, from []byte) error {
	var origin struct {
		Address string
		Port    uint32
	}
	if gossh.Unmarshal(from, &origin) != nil {
		return errSetUp
	}
	begin, err := l.setUp(target)
	if err != nil {
		return err
	}
	display, err := l.lent.Display.Open(origin.Address, origin.Port)
	if err != nil {
		return errors.New("the requester offers no display")
	}
	defer display.Close()
	if _, err := display.Write(begin); err != nil {
		return err
	}
	f := &connectors.Passage{Near: display, Far: target}
	if err = f.Run(l.ctx); err != nil {
		err = reason(err)
	}
	l.mu.Lock()
	l.received += f.Sent.Bytes // what the display says goes to the target
	l.sent += f.Received.Bytes
	l.mu.Unlock()
	return errors.Join(err, l.g.Note(context.WithoutCancel(l.ctx), fmt.Sprintf("X11: sent to the display %s, received from it %s", &f.Received, &f.Sent)))
}

// setUp reads how a client of X11 begins (X Window System Protocol, section 8), and
// returns it as the display is to see it.
func (l *lender) setUp(r io.Reader) ([]byte, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	var order binary.ByteOrder
	switch head[0] {
	case 'B':
		order = binary.BigEndian
	case 'l':
		order = binary.LittleEndian
	default:
		return nil, errSetUp
	}
	name, data := int(order.Uint16(head[6:])), int(order.Uint16(head[8:]))
	if name != len(magicCookie) || data != len(l.cookie) {
		return nil, errCookie
	}
	rest := make([]byte, padded(name)+padded(data))
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, err
	}
	shown := rest[padded(name):][:data]
	if string(rest[:name]) != magicCookie || subtle.ConstantTimeCompare(shown, l.cookie) != 1 {
		return nil, errCookie
	}
	copy(shown, l.lent.Display.Cookie.Reveal())
	return append(head[:], rest...), nil
}

func padded(n int) int { return (n + 3) &^ 3 }
