package session

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// shownReply takes an answer.
type shownReply struct {
	bytes.Buffer
	status int
	fields []connectors.Field
}

func (p *shownReply) Head(status int, fields []connectors.Field) error {
	p.status, p.fields = status, fields
	return nil
}

// TestReply: two plans, one answer. What is shown and what is kept are each
// masked, head and body, and what is no text ends the operation.
func TestReply(t *testing.T) {
	seen, err := mask.New(mask.Options{Detect: []string{"email"}})
	if err != nil {
		t.Fatal(err)
	}
	kept, err := mask.New(mask.Options{Detect: []string{"email"}, Paths: []mask.PathRule{{Name: "pin", Path: "$.pin"}}})
	if err != nil {
		t.Fatal(err)
	}
	const body = `{"pin":"4711-kept","who":"ann@example.com","n":1}`
	for _, c := range []struct {
		name, typ, body string
		binary, ok      bool
	}{
		{"JSON", "application/json", body, false, true},
		{"binary", "image/png", "\x89PNG\r\n\x1a\n\x00\x00secret-in-an-image", false, false},
		{"UTF-7", "text/html; charset=utf-7", "+AGEAYg-secret-in-utf7", false, false},
	} {
		w := newWorld(t)
		s := w.open(t, alice)
		p, ctx := streaming(t, s, terms{rule: "engineer/reads", binary: c.binary})
		p.seen, p.kept = seen, kept
		var shown shownReply
		to, flush := p.Reply(&shown, nil)
		err := to.Head(200, []connectors.Field{{Name: "Content-Type", Value: c.typ}, {Name: "Set-Cookie", Value: "sid=canary"}, {Name: "X-By", Value: "bob@example.com"}})
		for rest := c.body; err == nil && rest != ""; rest = rest[min(3, len(rest)):] {
			_, err = io.WriteString(to, rest[:min(3, len(rest))])
		}
		if ferr := flush(); err == nil {
			err = ferr
		}
		p.Done(connectors.Outcome{Tag: "200 OK", Err: err})
		if (err == nil) != c.ok || (context.Cause(ctx) == context.Canceled) != c.ok {
			t.Errorf("%s: %v, ended by %v", c.name, err, context.Cause(ctx))
		}
		record := strings.Join(w.evidence(t, s.ID(), recorder.KindOutput), "")
		if !strings.HasPrefix(record, "HTTP 200 OK\nContent-Type: "+c.typ+"\nSet-Cookie: [masked]\nX-By: [email]\n\n") || shown.fields[1].Value != "[masked]" || shown.fields[2].Value != "[email]" {
			t.Errorf("%s: head on record %q, shown %+v", c.name, record, shown.fields)
		}
		for _, secret := range []string{"canary", "ann@example.com", "secret-in", "\x00"} {
			if strings.Contains(record+shown.String(), secret) {
				t.Errorf("%s: %q gets through: shown %q, on record %q", c.name, secret, shown.String(), record)
			}
		}
		if c.ok && (!strings.Contains(shown.String(), "4711-kept") || strings.Contains(record, "4711-kept") || !strings.Contains(record, `"pin":"[masked]"`)) {
			t.Errorf("%s: shown %q, on record %q", c.name, shown.String(), record)
		}
		var why *policy.Refusal
		if !c.ok && (!errors.As(err, &why) || why.Rule != "engineer/reads") {
			t.Errorf("%s: %v names no rule", c.name, err)
		}
		if out := w.evidence(t, s.ID(), recorder.KindOutcome); c.ok && !strings.Contains(out[0], `"masked":3`) {
			t.Errorf("%s: outcome %s", c.name, out)
		}
		_ = s.Close()
	}
}

// TestReplyWithoutHead: bytes without a head show nothing.
func TestReplyWithoutHead(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	p, _ := streaming(t, s, terms{rule: "engineer/reads"})
	var shown shownReply
	to, flush := p.Reply(&shown, nil)
	if _, err := io.WriteString(to, "secret"); err == nil || shown.Len() > 0 {
		t.Errorf("%v, shown %q", err, shown.String())
	}
	_ = flush()
	p.Done(connectors.Outcome{})
	_ = s.Close()
}
