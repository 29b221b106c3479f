package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/storetest"
)

// heard is an Out that keeps what it was told, and fails while down.
type heard struct {
	mu    sync.Mutex
	down  bool
	lines []Line
	raw   []string
	more  chan struct{} // 1
	tried chan struct{} // 1
}

func newHeard() *heard { return &heard{more: make(chan struct{}, 1), tried: make(chan struct{}, 1)} }

func (h *heard) Send(_ context.Context, lines [][]byte) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	poke(h.tried)
	if h.down {
		return errors.New("down")
	}
	for _, b := range lines {
		var l Line
		if err := json.Unmarshal(b, &l); err != nil || b[len(b)-1] != '\n' {
			return fmt.Errorf("line %q: %w", b, err)
		}
		h.lines, h.raw = append(h.lines, l), append(h.raw, string(b))
	}
	poke(h.more)
	return nil
}

func (h *heard) Close() error { return nil }

func (h *heard) set(down bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = down
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// until waits for n different lines and returns all.
func (h *heard) until(t *testing.T, n int) []Line {
	t.Helper()
	for {
		h.mu.Lock()
		ids := map[string]bool{}
		for _, l := range h.lines {
			ids[l.ID] = true
		}
		lines := h.lines
		h.mu.Unlock()
		if len(ids) >= n {
			return lines
		}
		select {
		case <-h.more:
		case <-t.Context().Done():
			t.Fatal("ended")
		}
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// following is a recorder on a store, followed by a sink.
func following(t *testing.T, dir string, s recorder.Store, out Out, statements bool) (*recorder.Recorder, *Stream) {
	t.Helper()
	st, err := New(dir, []Sink{{Name: "test", Key: "k", Statements: statements, Out: out}}, slog.New(slog.DiscardHandler))
	ok(t, err)
	r, err := recorder.New(s, recorder.Options{Durable: st.Durable})
	ok(t, err)
	ok(t, st.Start(r))
	return r, st
}

// session records one: ten lines are told of it, and a secret in an answer is not.
func session(t *testing.T, r *recorder.Recorder, name string) recorder.ID {
	t.Helper()
	tr, err := r.Begin(t.Context(), recorder.Header{Resource: name, Kind: "postgres", Identity: recorder.Person{Subject: "u1", Email: "alice@example.com"}})
	ok(t, err)
	ok(t, tr.Stream(t.Context(), recorder.KindOutput, []byte("hunter2")))
	for op := 1; op <= 2; op++ {
		cell := "hunter2"
		for _, e := range []struct {
			k recorder.Kind
			v any
		}{
			{recorder.KindOperation, recorder.Operation{Op: op, Action: "sql", Text: "select 'typed'", SHA256: "abc", Facts: map[string]string{"class": "read"}}},
			{recorder.KindDecision, recorder.Decision{Op: op, Effect: "allow", Rule: "readers/reads"}},
			{recorder.KindApproval, json.RawMessage(`{"id":"a1","state":"granted","statement":"select 'typed'","requester":{"sub":"u1"},"resource":{"name":"x"},"votes":[{"by":{"sub":"u2"},"yes":true}]}`)},
			{recorder.KindRun, recorder.Run{Op: op}},
			{recorder.KindRows, recorder.Rows{Op: op, Rows: [][]*string{{&cell}}}},
			{recorder.KindOutcome, recorder.Outcome{Op: op, State: "failed", Error: "duplicate key hunter2"}},
		} {
			ok(t, tr.Record(t.Context(), e.k, e.v))
		}
	}
	ok(t, tr.End(t.Context(), recorder.End{Reason: "closed"}))
	return tr.ID()
}

const linesOfSession = 10

func TestLines(t *testing.T) {
	for _, statements := range []bool{false, true} {
		out := newHeard()
		r, st := following(t, t.TempDir(), storetest.NewMemory(), out, statements)
		id := session(t, r, "orders-db")
		lines := out.until(t, linesOfSession)
		var events []string
		last := uint64(0)
		for i, l := range lines {
			events = append(events, l.Event)
			if l.Transcript != id || l.ID != fmt.Sprintf("%s/%d", id, l.Seq) || i > 0 && l.Seq <= last || l.Person.Subject != "u1" {
				t.Errorf("line %d: %+v", i, l)
			}
			last = l.Seq
		}
		want := "session opened operation decision approval outcome operation decision approval outcome session closed"
		if got := strings.Join(events, " "); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
		all := strings.Join(out.raw, "")
		if strings.Contains(all, "hunter2") {
			t.Errorf("an answer is told: %s", all)
		}
		if strings.Contains(all, "typed") != statements {
			t.Errorf("statements %v: %s", statements, all)
		}
		ok(t, st.Close())
		ok(t, r.Close("stop"))
	}
}

// TestDeadSink: sessions go on without it, and it is told everything afterwards,
// also by a later process, each transcript in order.
func TestDeadSink(t *testing.T) {
	dir := t.TempDir()
	open := func() recorder.Store {
		s, err := boltstore.Open(dir, boltstore.Options{})
		ok(t, err)
		return s
	}
	out := newHeard()
	out.set(true)
	r, st := following(t, dir, open(), out, false)
	want := map[recorder.ID]int{}
	for i := range 40 {
		want[session(t, r, fmt.Sprint(i))] = linesOfSession
	}
	<-out.tried
	if s := st.Status()[0]; s.Behind == 0 || s.Error == "" {
		// it may not have settled yet: the second attempt comes after the first has
		<-out.tried
		if s := st.Status()[0]; s.Behind == 0 || s.Error == "" {
			t.Errorf("status of a dead sink: %+v", s)
		}
	}
	ok(t, st.Close())
	ok(t, r.Close("stop"))
	if all, err := ReadStatus(dir); err != nil || len(all) != 1 || all[0].Behind != 40 || all[0].Error != "down" {
		t.Errorf("status file: %+v, %v", all, err)
	}
	out.set(false)
	r, st = following(t, dir, open(), out, false)
	want[session(t, r, "after")] = linesOfSession
	lines := out.until(t, 41*linesOfSession)
	next := map[recorder.ID]uint64{}
	for _, l := range lines {
		if l.Seq+1 <= next[l.Transcript] {
			continue // twice, in order
		}
		next[l.Transcript] = l.Seq + 1
		want[l.Transcript]--
	}
	for id, n := range want {
		if n != 0 {
			t.Errorf("%s: %d lines too few", id, n)
		}
	}
	ok(t, st.Close())
	ok(t, r.Close("stop"))
	told := len(out.lines)
	r, st = following(t, dir, open(), out, false) // nothing is told again
	session(t, r, "last")
	out.until(t, 42*linesOfSession)
	if len(out.lines) != told+linesOfSession {
		t.Errorf("%d lines after a clean restart, want %d", len(out.lines)-told, linesOfSession)
	}
	ok(t, st.Close())
	ok(t, r.Close("stop"))
}

// TestNewSink: it is told what comes, not what was; and what is removed before it
// was told is a gap.
func TestNewSink(t *testing.T) {
	dir, out := t.TempDir(), newHeard()
	m := storetest.NewMemory()
	r, err := recorder.New(m, recorder.Options{})
	ok(t, err)
	session(t, r, "before")
	st, err := New(dir, []Sink{{Key: "k", Out: out}}, slog.New(slog.DiscardHandler))
	ok(t, err)
	ok(t, st.Start(r))
	ok(t, st.Close())
	id := session(t, r, "unheard")
	other := session(t, r, "heard")
	ok(t, m.Remove(t.Context(), []recorder.ID{id}))
	st, err = New(dir, []Sink{{Key: "k", Out: out}}, slog.New(slog.DiscardHandler))
	ok(t, err)
	st.Durable([]recorder.Group{{ID: id, Events: []recorder.Event{{Kind: recorder.KindStart}}}})
	ok(t, st.Start(r))
	gaps := 0
	for _, l := range out.until(t, linesOfSession+1) {
		switch {
		case l.Event == "gap" && l.Transcript == id && l.Until == 1:
			gaps++
		case l.Transcript != other:
			t.Errorf("told of %+v", l)
		}
	}
	if gaps != 1 {
		t.Errorf("%d gaps", gaps)
	}
	ok(t, st.Close())
	ok(t, r.Close("stop"))
}
