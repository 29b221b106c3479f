package server

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
)

// Who signs out, or whose key is forgotten, keeps no rights by a channel of file
// transfer that is open: it opens no further resource, and does nothing on one
// that it has.
func TestFileTransferOfSomebodySignedOut(t *testing.T) {
	f := &front{a: &access{c: &conn{}, ctx: t.Context()}, v: new(session.Gate).Visit(session.Visitor{}),
		sessions: map[string]*resourceFiles{"web-2": {}}}
	for _, name := range []string{"web-1", "web-2"} {
		var refused *policy.Refusal
		if _, err := f.session(name); !errors.As(err, &refused) || refused != errSignedOut {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The reason that a client gives is fixed before file transfer begins, which reads
// it at any time: one that came later would be read while it is written.
func TestNoReasonComesLate(t *testing.T) {
	s := &Server{}
	s.o.Log = slog.New(slog.DiscardHandler)
	ch := &channel{Channel: deaf{}, conn: &conn{s: s}}
	reason := func(text string) *gossh.Request {
		return &gossh.Request{Type: "env", Payload: gossh.Marshal(struct{ Name, Value string }{reasonEnv, text})}
	}
	ch.admit(reason("in time"))
	if !ch.admit(&gossh.Request{Type: "subsystem", Payload: gossh.Marshal(struct{ Name string }{"sftp"})}) {
		t.Fatal("sftp is refused")
	}
	if ch.admit(reason("late")) || ch.reason != "in time" {
		t.Errorf("the reason is %q", ch.reason)
	}
	if ch.admit(&gossh.Request{Type: "env", Payload: gossh.Marshal(struct{ Name, Value string }{"TERM", "xterm"})}) {
		t.Error("a late variable is taken")
	}
}

// deaf is a channel of which only the outputs are used.
type deaf struct{ gossh.Channel }

func (deaf) Stderr() io.ReadWriter {
	return struct {
		io.Reader
		io.Writer
	}{nil, io.Discard}
}

// A client that asks for what is refused again and again does not fill the log.
func TestRefusalsAreLoggedSparingly(t *testing.T) {
	var lines bytes.Buffer
	s := &Server{}
	s.o.Log = slog.New(slog.NewTextHandler(&lines, nil))
	ch := &channel{Channel: deaf{}, conn: &conn{s: s}}
	for range 10_000 {
		ch.admit(&gossh.Request{Type: "x-flood@example.com"})
	}
	if n := strings.Count(lines.String(), "\n"); n != maxRefused || ch.conn.refusals != 10_000 {
		t.Errorf("%d lines", n)
	}
}
