package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// wanderer is a service that leads on, so many times.
type wanderer struct {
	left  int
	class policy.Class // of what it leads to
}

func (*wanderer) Close() error { return nil }

func (c *wanderer) Request(ctx context.Context, g connectors.Guard, text string, w connectors.ResponseWriter) error {
	class := policy.Read
	if strings.HasPrefix(text, "GET /hop") {
		class = c.class
	}
	p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionHTTP, Text: text, Facts: policy.Facts{Class: class}})
	if err != nil {
		return err
	}
	defer p.Done(connectors.Outcome{Tag: "done"})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if c.left > 0 {
		c.left--
		return &connectors.Elsewhere{Text: fmt.Sprintf("GET /hop/%d", c.left)}
	}
	to, flush := p.Reply(w, nil)
	if err := to.Head(200, []connectors.Field{{Name: "Content-Type", Value: "text/plain"}}); err != nil {
		return err
	}
	if _, err := io.WriteString(to, "arrived"); err != nil {
		return err
	}
	return flush()
}

// TestRequestElsewhere: each place that an answer leads to is an operation of its
// own, with a decision of its own, and there is an end to it.
func TestRequestElsewhere(t *testing.T) {
	for _, c := range []struct {
		hops       int
		class      policy.Class
		operations int
		shown, err string
	}{
		{0, policy.Read, 1, "arrived", ""},
		{3, policy.Read, 4, "arrived", ""},
		{100, policy.Read, maxHops, "", "led elsewhere"},
		{1, policy.Dangerous, 2, "", "refused by rule"},
	} {
		w := newWorld(t)
		s := w.open(t, alice)
		s.conn = &wanderer{c.hops, c.class}
		var shown shownReply
		err := s.Request(t.Context(), "GET /start", nil, &shown)
		if shown.String() != c.shown || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%d hops: %q, %v", c.hops, shown.String(), err)
		}
		if ops, out := w.evidence(t, s.ID(), recorder.KindOperation), w.evidence(t, s.ID(), recorder.KindOutcome); len(ops) != c.operations || len(out) != c.operations {
			t.Errorf("%d hops: %d operations, %d outcomes on record", c.hops, len(ops), len(out))
		}
		_ = s.Close()
	}
	w := newWorld(t)
	s := w.open(t, alice)
	var refusal *policy.Refusal
	if err := s.Request(t.Context(), "GET /", nil, &shownReply{}); !errors.As(err, &refusal) || !strings.Contains(err.Error(), "takes no requests") {
		t.Errorf("a database: %v", err)
	}
	_ = s.Close()
}
