package connectortest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// Web is what the suite asks of a Requester. Requests are texts as
// Requester.Request takes them.
type Web struct {
	// Action is what the guard is asked about.
	Action string
	// Read answers Status and Body, exactly.
	Read   string
	Status int
	Body   string
	// Effect changes what Observe tells, each time it is sent. Observe looks beside
	// the gate.
	Effect  string
	Observe func(t testing.TB) string
	// Missing is answered by the status 404.
	Missing string
	// Stream answers one line at once, and the rest only once Release was called.
	Stream, FirstLine string
	Release           func()
	// Slow sends the head of its answer, or not even that, and is counted by Active for
	// minutes if it is not cancelled.
	Slow string
	// Endless says that Slow may go on for ever: Terms.Timeout does not end it.
	Endless bool
	// Large answers so many bytes; LargeBytes is how many are asked for to see
	// that they stream, 0 for 64 MiB.
	Large      func(bytes int) string
	LargeBytes int
	// Masked is answered in pieces of so many bytes under the plan of Plan; no
	// fragment of Cleartext may show, and Remains must.
	Plan      mask.Options
	Masked    func(piece int) string
	Pieces    int // the largest piece that is tried
	Cleartext []string
	Remains   []string
	// Echo answers with all that it was sent, the credential too.
	Echo string
	// Faults are requests whose exchange must fail.
	Faults []WebFault
}

// WebFault is a request whose exchange must fail.
type WebFault struct {
	Name, Text string
	Want       error
	// At is another target that the request is sent to, nil for the suite's own.
	At *connectors.Endpoint
	// Proves is the property that it is an example of, "" for none.
	Proves Property
}

// page takes an answer.
type page struct {
	screen
	status int
	fields []connectors.Field
}

func (p *page) Head(status int, fields []connectors.Field) error {
	p.status, p.fields = status, fields
	return nil
}

// text is all that was shown.
func (p *page) text() string {
	if p.status == 0 {
		return ""
	}
	return connectors.HeadText(p.status, p.fields) + p.String()
}

func (s *suite) request(ctx context.Context, conn connectors.Conn, g *Guard, text string) (*page, error) {
	g.said = &s.said
	p := &page{}
	err := conn.(connectors.Requester).Request(ctx, g, text, p)
	s.said.add(p.text())
	if err != nil {
		s.said.add(err.Error())
	}
	return p, err
}

func (s *suite) testRequest(t *testing.T) {
	t.Run("limit", s.testRequestLimit)
	if s.Web.Stream != "" {
		t.Run("streams", s.testRequestStreams)
	}
	s.prove(t, ToRequest,
		proof{GateFirst, "", s.testRequestFirst, false},
		proof{Denied, "", s.testRequestDenied, false},
		proof{MasksHold, "", s.testRequestMasks, s.Web.Masked == nil},
		proof{MasksHold, "two plans", s.testRequestPlans, s.Web.Masked == nil},
		proof{RecordedShown, "", s.testPage, false},
		proof{RecordedShown, "no record, no answer", s.testRequestNoRecord, false},
		proof{NoSecret, "an echo of the credential", s.testEcho, s.Web.Echo == ""},
		proof{SlowOperation, "over its time", s.testRequestTimeout, s.Web.Slow == "" || s.Web.Endless})
	for _, f := range s.Web.Faults {
		if f.Proves == "" {
			t.Run(f.Name, func(t *testing.T) { s.testWebFault(t, f) })
			continue
		}
		s.prove(t, ToRequest, proof{f.Proves, f.Name, func(t *testing.T) { s.testWebFault(t, f) }, false})
	}
	s.prove(t, ToRequest, s.general(s.requestWork())...)
}

func (s *suite) testRequestTimeout(t *testing.T) {
	g := &Guard{Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{ReadOnly: true, Timeout: brief} }}
	s.with(t, g, func(conn connectors.Conn) {
		_, err := s.request(s.context(t), conn, g, s.Web.Slow)
		if err == nil || !late.MatchString(err.Error()) || errors.Is(err, connectors.ErrVanished) {
			t.Errorf("a request over its time: %v, which does not say so", err)
		}
		s.idle(t)
	})
}

func (s *suite) testPage(t *testing.T) {
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		p, err := s.request(s.context(t), conn, g, s.Web.Read)
		if err != nil || p.status != s.Web.Status || p.String() != s.Web.Body {
			t.Errorf("%d %q, %v, want %d %q", p.status, clip(p.String()), err, s.Web.Status, s.Web.Body)
		}
		permit := only(t, g)
		if string(permit.Op.Action) != s.Web.Action || permit.Op.Text != s.Web.Read {
			t.Errorf("operation: %+v", permit.Op)
		}
		if _, out, _ := permit.Streams(); out != p.text() {
			t.Errorf("recorded %q, shown %q", out, p.text())
		}
		if o := permit.outcome(t); o.Err != nil || !strings.HasPrefix(o.Tag, fmt.Sprint(s.Web.Status)) {
			t.Errorf("outcome: %+v", o)
		}
	})
	if s.Web.Missing == "" {
		return
	}
	g = &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		p, err := s.request(s.context(t), conn, g, s.Web.Missing)
		if err != nil || p.status != 404 {
			t.Errorf("what is not there: %d, %v, want 404 and no error", p.status, err)
		}
	})
}

func (s *suite) testRequestFirst(t *testing.T) {
	before := s.Web.Observe(t)
	g := &Guard{OnCheck: func(connectors.Operation) {
		if now := s.Web.Observe(t); now != before {
			t.Errorf("the target changed before the guard was asked: %s, then %s", before, now)
		}
	}}
	s.with(t, g, func(conn connectors.Conn) {
		if _, err := s.request(s.context(t), conn, g, s.Web.Effect); err != nil {
			t.Errorf("request: %v", err)
		}
	})
	if s.Web.Observe(t) == before {
		t.Error("the request had no effect once permitted")
	}
}

func (s *suite) testRequestDenied(t *testing.T) {
	refusal := errors.New("refused by rule no-requests")
	var written int64
	g := &Guard{
		OnCheck: func(connectors.Operation) { written = s.wire.written.Load() },
		Judge:   func(connectors.Operation) error { return refusal },
	}
	before := s.Web.Observe(t)
	s.with(t, g, func(conn connectors.Conn) {
		p, err := s.request(s.context(t), conn, g, s.Web.Effect)
		if !errors.Is(err, refusal) || p.text() != "" {
			t.Errorf("request: %v, want the guard's refusal as it is; shown %q", err, p.text())
		}
		if n := s.wire.written.Load() - written; n != 0 {
			t.Errorf("%d bytes went to the target after it was denied", n)
		}
		if now := s.Web.Observe(t); now != before {
			t.Errorf("the target changed: %s, then %s", before, now)
		}
		again := &Guard{}
		if p, err := s.request(s.context(t), conn, again, s.Web.Read); err != nil || p.status != s.Web.Status {
			t.Errorf("the connection does not live on: %d, %v", p.status, err)
		}
	})
}

func (s *suite) webPlan(t testing.TB) *mask.Plan {
	t.Helper()
	p, err := mask.New(s.Web.Plan)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *suite) testRequestMasks(t *testing.T) {
	plan := s.webPlan(t)
	g := &Guard{Seen: plan, Kept: plan}
	s.with(t, g, func(conn connectors.Conn) {
		want := ""
		for piece := 1; piece <= s.Web.Pieces; piece++ {
			p, err := s.request(s.context(t), conn, g, s.Web.Masked(piece))
			if err != nil {
				t.Fatalf("pieces of %d: %v", piece, err)
			}
			if want == "" {
				want = p.String()
			}
			permits := g.Permits()
			_, kept, _ := permits[len(permits)-1].Streams()
			if p.String() != want || kept != p.text() {
				t.Fatalf("pieces of %d: shown %q, recorded %q, want %q", piece, p.text(), kept, want)
			}
			for _, c := range s.Web.Cleartext {
				if strings.Contains(p.text(), c) {
					t.Fatalf("pieces of %d show %q: %q", piece, c, p.text())
				}
			}
			for _, c := range s.Web.Remains {
				if !strings.Contains(p.String(), c) {
					t.Fatalf("pieces of %d lost %q: %q", piece, c, p.text())
				}
			}
		}
	})
}

func (s *suite) testRequestPlans(t *testing.T) {
	g := &Guard{Kept: s.webPlan(t)}
	s.with(t, g, func(conn connectors.Conn) {
		p, err := s.request(s.context(t), conn, g, s.Web.Masked(7))
		if err != nil {
			t.Fatal(err)
		}
		_, kept, _ := only(t, g).Streams()
		for _, c := range s.Web.Cleartext {
			if strings.Contains(kept, c) || !strings.Contains(p.text(), c) {
				t.Errorf("%q: shown to who may see it: %t, on record: %t", c, strings.Contains(p.text(), c), strings.Contains(kept, c))
			}
		}
	})
}

func (s *suite) testRequestStreams(t *testing.T) {
	g := &Guard{said: &s.said}
	s.with(t, g, func(conn connectors.Conn) {
		p := &page{}
		done := make(chan error, 1)
		go func() { done <- conn.(connectors.Requester).Request(s.context(t), g, s.Web.Stream, p) }()
		if !eventually(func() bool { return strings.Contains(p.String(), s.Web.FirstLine) }) {
			t.Errorf("the first line does not arrive before the rest: %q", p.String())
		}
		s.Web.Release()
		if err := s.ended(t, done); err != nil {
			t.Errorf("stream: %v", err)
		}
	})
}

func (s *suite) testRequestNoRecord(t *testing.T) {
	g := &Guard{ObserveErr: errors.New("recorder is full")}
	s.with(t, g, func(conn connectors.Conn) {
		p, err := s.request(s.context(t), conn, g, s.Web.Read)
		if !errors.Is(err, g.ObserveErr) || p.text() != "" {
			t.Errorf("request: %v, want what the recorder said; shown %q", err, p.text())
		}
	})
}

func (s *suite) testRequestLimit(t *testing.T) {
	const most = 100_000
	g := &Guard{Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{ReadOnly: true, MaxBytes: most} }}
	s.with(t, g, func(conn connectors.Conn) {
		p, err := s.request(s.context(t), conn, g, s.Web.Large(1<<20))
		if err == nil || !strings.Contains(err.Error(), "longer than the 100000 bytes") || len(p.String()) > most {
			t.Errorf("%d bytes of at most %d, %v", len(p.String()), most, err)
		}
	})
}

func (s *suite) testEcho(t *testing.T) {
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		p, err := s.request(s.context(t), conn, g, s.Web.Echo)
		if err != nil || !strings.Contains(p.text(), "[credential]") {
			t.Errorf("%q, %v: there is no echo in it", p.text(), err)
		}
		_, kept, _ := only(t, g).Streams()
		s.said.check(t, p.text()+kept, s.Secret)
	})
}

func (s *suite) testWebFault(t *testing.T, f WebFault) {
	g := &Guard{}
	if f.At == nil {
		s.with(t, g, func(conn connectors.Conn) {
			s.webFault(t, conn, g, f)
			if p, err := s.request(s.context(t), conn, &Guard{}, s.Web.Read); err != nil || p.status != s.Web.Status {
				t.Errorf("the connection does not live on: %d, %v", p.status, err)
			}
		})
		return
	}
	conn, err := s.Driver.Open(s.context(t), *f.At, mask.NewSecret([]byte(s.Secret)), g)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	defer s.close(t, conn)
	s.webFault(t, conn, g, f)
}

func (s *suite) webFault(t *testing.T, conn connectors.Conn, g *Guard, f WebFault) {
	t.Helper()
	_, err := s.request(s.context(t), conn, g, f.Text)
	told(t, err, f.Want)
	if o := only(t, g).Outcomes(); len(o) != 1 || o[0].Err == nil {
		t.Errorf("outcome: %+v", o)
	}
}
