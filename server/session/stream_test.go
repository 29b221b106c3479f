package session

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// streaming is a permit of a live session, with the plans of nobody.
func streaming(t *testing.T, s *Session, tm terms) (*permit, context.Context) {
	t.Helper()
	plan, err := mask.NewPlan(nil, []string{"email"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancelCause(t.Context())
	free, ok := s.room(policy.ActionExec)
	if !ok {
		t.Fatal("no room for an operation")
	}
	return &permit{free: free, g: &guard{s: s, end: end, done: func() {}}, op: 1, seen: plan, kept: plan, terms: tm}, ctx
}

// TestBinary: output that is no text is withheld, on both streams, however it is
// cut, unless the rule says otherwise; and text in odd encodings is text.
func TestBinary(t *testing.T) {
	program := "\x7fELF\x02\x01\x01\x00\x00\x00secret-in-a-program"
	for _, c := range []struct {
		name, output string
		cut          int
		binary, ok   bool
	}{
		{"a program", program, len(program), false, false},
		{"a program, byte by byte", program, 1, false, false},
		{"a program, allowed", program, 4, true, true},
		{"text", "all is well\n", 5, false, true},
		{"UTF-8", strings.Repeat("grüße aus Köln\n", 100), 7, false, true},
		{"Latin-1", strings.Repeat("one line of a log for gr\xfc\xdfe\n", 100), 7, false, true},
		{"colours", "\x1b[31mred\x1b[0m\r\n", 3, false, true},
		{"UTF-16", "s\x00e\x00c\x00r\x00e\x00t\x00-\x00i\x00n\x00", 2, false, false},
		{"text and then bytes", "first\n\x00\x01secret-in-a-program", 6, false, false},
	} {
		for _, onErr := range []bool{false, true} {
			w := newWorld(t)
			s := w.open(t, alice)
			p, ctx := streaming(t, s, terms{rule: "engineer/reads", binary: c.binary})
			var out, errs bytes.Buffer
			std, flush := p.Stdio(connectors.Stdio{In: strings.NewReader(""), Out: &out, Err: &errs})
			to, shown := std.Out, &out
			if onErr {
				to, shown = std.Err, &errs
			}
			var err error
			for rest := c.output; err == nil && rest != ""; {
				n := min(c.cut, len(rest))
				_, err = io.WriteString(to, rest[:n])
				rest = rest[n:]
			}
			if ferr := flush(); err == nil {
				err = ferr
			}
			p.Done(connectors.Outcome{})
			if (err == nil) != c.ok || (context.Cause(ctx) == context.Canceled) != c.ok {
				t.Errorf("%s: %v, ended by %v", c.name, err, context.Cause(ctx))
			}
			if c.ok && shown.String() != c.output {
				t.Errorf("%s: shown as %q", c.name, shown.String())
			}
			outcome := w.evidence(t, s.ID(), recorder.KindOutcome)
			if !c.ok && (strings.Contains(shown.String(), "secret") || strings.Contains(shown.String(), "\x00") ||
				len(outcome) != 1 || !strings.Contains(outcome[0], "not text") || !strings.Contains(outcome[0], "engineer/reads")) {
				t.Errorf("%s: shown %q, on record %q", c.name, shown.String(), outcome)
			}
			_ = s.Close()
		}
	}
}

// sink fails as broken masking does when something it must not see comes by.
type sink struct {
	bytes.Buffer
	at int
}

func (s *sink) Write(b []byte) (int, error) {
	if s.Len()+len(b) > s.at {
		panic(string(b))
	}
	return s.Buffer.Write(b)
}

// TestStreamMaskingFails: a panic in the masking of a stream ends the operation,
// is on record, and lets nothing more pass, also by the timer of a terminal.
func TestStreamMaskingFails(t *testing.T) {
	for _, pty := range []bool{false, true} {
		w := newWorld(t)
		s := w.open(t, alice)
		p, ctx := streaming(t, s, terms{rule: "engineer/reads"})
		out := &sink{at: 12}
		raw := connectors.Stdio{In: strings.NewReader(""), Out: out}
		if !pty {
			raw.Err = io.Discard
		}
		std, flush := p.Stdio(raw)
		if _, err := io.WriteString(std.Out, "first line\n"); err != nil {
			t.Fatal(err)
		}
		_, err := io.WriteString(std.Out, "second line, which fails\n")
		if err == nil {
			err = flush()
		}
		refusal, ok := err.(*policy.Refusal)
		if !ok || refusal.Rule != "masks" || strings.Contains(err.Error(), "second") || context.Cause(ctx) != error(refusal) {
			t.Errorf("pty %t: %v, ended by %v", pty, err, context.Cause(ctx))
		}
		if _, err := io.WriteString(std.Out, "x"); err != error(refusal) {
			t.Errorf("pty %t: and then %v", pty, err)
		}
		p.Done(connectors.Outcome{})
		outcome := w.evidence(t, s.ID(), recorder.KindOutcome)
		if out.String() != "first line\n" || len(outcome) != 1 || !strings.Contains(outcome[0], "masking failed") || !strings.Contains(outcome[0], `"failed"`) {
			t.Errorf("pty %t: shown %q, on record %q", pty, out.String(), outcome)
		}
		_ = s.Close()
	}
}

// faulty is masking that fails when something comes by that it cannot take.
type faulty struct {
	connectors.Masking
	fail func()
}

func (f *faulty) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("second")) {
		f.fail()
	}
	return f.Masking.Write(b)
}

// TestStreamMaskingEnds: masking that panics, or does not return, withholds the
// rest, in each of the two plans, and says so; what was left behind shows nothing
// when it returns in the end.
func TestStreamMaskingEnds(t *testing.T) {
	other, err := mask.NewPlan(nil, []string{"iban"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		view   int
		hangs  bool
		reason string
	}{
		{"what is kept panics", 0, false, "masking failed"},
		{"what is seen panics", 1, false, "masking failed"},
		{"what is kept hangs", 0, true, "masking took too long"},
		{"what is seen hangs", 1, true, "masking took too long"},
	} {
		w := newWorld(t)
		s := w.open(t, alice)
		p, ctx := streaming(t, s, terms{rule: "engineer/reads"})
		p.kept = other
		var out bytes.Buffer
		synctest.Test(t, func(t *testing.T) {
			std, flush := p.Stdio(connectors.Stdio{In: strings.NewReader(""), Out: &out, Err: io.Discard})
			m := std.Out.(*maskedWriter)
			release := make(chan struct{})
			fail := func() { panic("4111 1111 1111 1111") }
			if c.hangs {
				fail = func() { <-release }
			}
			m.views[c.view].masker = &faulty{m.views[c.view].masker, fail}
			if _, err := io.WriteString(std.Out, "bob@example.com\n"); err != nil {
				t.Fatal(err)
			}
			_, err := io.WriteString(std.Out, "second line\n")
			var refusal *policy.Refusal
			if !errors.As(err, &refusal) || refusal.Rule != "masks" || !strings.Contains(err.Error(), c.reason) || strings.Contains(err.Error(), "4111") || context.Cause(ctx) != err {
				t.Errorf("%s: %v, ended by %v", c.name, err, context.Cause(ctx))
			}
			close(release)
			synctest.Wait()
			if _, again := io.WriteString(std.Out, "third line\n"); again != err {
				t.Errorf("%s: and then %v", c.name, again)
			}
			if again := flush(); again != err {
				t.Errorf("%s: at the end %v", c.name, again)
			}
		})
		p.Done(connectors.Outcome{})
		if out.String() != "[email]\n" {
			t.Errorf("%s: shown %q", c.name, out.String())
		}
		kept := strings.Join(w.evidence(t, s.ID(), recorder.KindOutput), "")
		if strings.Contains(kept, "second") || strings.Contains(kept, "third") {
			t.Errorf("%s: kept %q", c.name, kept)
		}
		outcome := w.evidence(t, s.ID(), recorder.KindOutcome)
		if len(outcome) != 1 || !strings.Contains(outcome[0], c.reason) || !strings.Contains(outcome[0], `"failed"`) || !strings.Contains(outcome[0], `"masked":1`) {
			t.Errorf("%s: on record %q", c.name, outcome)
		}
		_ = s.Close()
	}
}

// TestSlowClient: how long whoever looks takes is no time of masking.
func TestSlowClient(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	p, ctx := streaming(t, s, terms{rule: "engineer/reads"})
	synctest.Test(t, func(t *testing.T) {
		var out slow
		std, flush := p.Stdio(connectors.Stdio{In: strings.NewReader(""), Out: &out, Err: io.Discard})
		for range 3 {
			if _, err := io.WriteString(std.Out, "a line\n"); err != nil {
				t.Fatal(err)
			}
		}
		if err := flush(); err != nil || context.Cause(ctx) != nil || out.String() != strings.Repeat("a line\n", 3) {
			t.Errorf("%v, ended by %v, shown %q", err, context.Cause(ctx), out.String())
		}
	})
	p.Done(connectors.Outcome{})
	_ = s.Close()
}

// slow takes a minute for each write, on the clock of the test.
type slow struct{ bytes.Buffer }

func (s *slow) Write(b []byte) (int, error) {
	time.Sleep(time.Minute)
	return s.Buffer.Write(b)
}
