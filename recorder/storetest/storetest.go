// Package storetest answers: does an implementation of recorder.Store keep its
// word? It also has stores for the tests of others: Memory, and Faulty, which
// fails on demand.
package storetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/recorder"
)

// Test runs the suite. open opens the store of one test, which it names by the
// directory. With durable, opening the directory again after Close must find
// what was appended.
func Test(t *testing.T, durable bool, open func(t *testing.T, dir string) recorder.Store) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, recorder.Store)
	}{
		{"Empty", empty},
		{"Append", appendAndRead},
		{"Ranges", ranges},
		{"Large", large},
		{"Several", several},
		{"Concurrent", concurrent},
		{"Canceled", canceled},
		{"Remove", remove},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, t.TempDir())
			c.run(t, s)
			Close(t, s)
		})
	}
	for name, change := range wrong {
		t.Run("Refuses/"+name, func(t *testing.T) { refuses(t, open(t, t.TempDir()), change) })
	}
	if durable {
		t.Run("Reopen", func(t *testing.T) { reopen(t, open) })
	}
}

// Close verifies that the store is whole and closes it: the end of every test
// that records something.
func Close(t testing.TB, s recorder.Store) {
	t.Helper()
	r, err := recorder.Verify(context.Background(), s)
	if err != nil || len(r.Faults) > 0 {
		t.Errorf("verify: %v, faults %v", err, r.Faults)
	}
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// Chain makes events of transcripts that follow their heads.
type Chain struct{ Head recorder.Head }

// start is when the events of Chain happened.
var start = time.Date(2026, 11, 23, 19, 15, 30, 123456789, time.UTC)

// Begin starts a chain; its header is the group's first event.
func Begin(t testing.TB, id recorder.ID) (*Chain, recorder.Group) {
	t.Helper()
	c := &Chain{Head: recorder.Head{ID: id}}
	data, err := json.Marshal(recorder.Header{ID: id, Started: start, Resource: "orders-db", Kind: "postgres",
		Identity: recorder.Person{Issuer: "https://idp.example", Subject: "alice"}})
	if err != nil {
		t.Fatal(err)
	}
	return c, c.Group(t, Event{recorder.KindStart, data})
}

// Event is the kind and payload of an event to make.
type Event struct {
	Kind recorder.Kind
	Data []byte
}

// Group makes the group of the events that come next.
func (c *Chain) Group(t testing.TB, events ...Event) recorder.Group {
	t.Helper()
	g := recorder.Group{ID: c.Head.ID}
	for i, e := range events {
		seq := c.Head.Next + uint64(i)
		g.Events = append(g.Events, recorder.Event{Seq: seq, At: start.Add(time.Duration(seq) * time.Millisecond), Kind: e.Kind, Data: e.Data})
	}
	var err error
	if c.Head, g.Hashes, err = recorder.Extend(c.Head, nil, g.Events...); err != nil {
		t.Fatal(err)
	}
	g.Head = c.Head
	return g
}

func must(t testing.TB, s recorder.Store, groups ...recorder.Group) {
	t.Helper()
	if err := s.Append(groups); err != nil {
		t.Fatalf("Append: %v", err)
	}
}

func readAll(t testing.TB, s recorder.Store, id recorder.ID) (all []recorder.Event) {
	t.Helper()
	read := func(ctx context.Context, from uint64, max int) ([]recorder.Event, error) {
		return s.Read(ctx, id, from, max)
	}
	for e, err := range recorder.Events(t.Context(), 0, read) {
		if err != nil {
			t.Fatalf("Read(%q): %v", id, err)
		}
		all = append(all, e)
	}
	return all
}

func empty(t *testing.T, s recorder.Store) {
	if heads, err := s.Heads(t.Context()); err != nil || len(heads) != 0 {
		t.Errorf("Heads of an empty store: %v, %v", heads, err)
	}
	for _, id := range []recorder.ID{"20261123T191530-7k2f9q", ""} {
		if _, err := s.Head(t.Context(), id); !errors.Is(err, recorder.ErrNotFound) {
			t.Errorf("Head(%q): %v, want ErrNotFound", id, err)
		}
		if _, err := s.Read(t.Context(), id, 0, 10); !errors.Is(err, recorder.ErrNotFound) {
			t.Errorf("Read(%q): %v, want ErrNotFound", id, err)
		}
	}
}

func appendAndRead(t *testing.T, s recorder.Store) {
	c, g := Begin(t, "a")
	var want []recorder.Event
	for _, g := range []recorder.Group{
		g,
		c.Group(t, Event{recorder.KindOutput, []byte("one")}, Event{recorder.KindOperation, []byte(`{"op":1}`)}),
		c.Group(t, Event{recorder.KindOutput, nil}, Event{recorder.KindEnd, []byte(`{"reason":"closed"}`)}),
	} {
		for _, e := range g.Events {
			want = append(want, clone(e))
		}
		must(t, s, g)
		for _, e := range g.Events {
			clear(e.Data) // the caller's again
		}
		h, err := s.Head(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(g.Head, h); diff != "" {
			t.Errorf("Head (-want +got):\n%s", diff)
		}
	}
	if diff := cmp.Diff(want, readAll(t, s, "a")); diff != "" {
		t.Errorf("Read (-want +got):\n%s", diff)
	}
	got, err := s.Read(t.Context(), "a", 1, 1)
	if err != nil || len(got) != 1 {
		t.Fatalf("Read(1, 1): %v, %v", got, err)
	}
	clear(got[0].Data) // the reader's own
	if diff := cmp.Diff(want, readAll(t, s, "a")); diff != "" {
		t.Errorf("what was handed out can change the record (-want +got):\n%s", diff)
	}
}

// ranges: every from and max over groups of different length.
func ranges(t *testing.T, s recorder.Store) {
	c, g := Begin(t, "a")
	must(t, s, g)
	n := uint64(1)
	for i := range 7 {
		var events []Event
		for range i + 1 {
			events = append(events, Event{recorder.KindOutput, fmt.Append(nil, n)})
			n++
		}
		must(t, s, c.Group(t, events...))
	}
	_, other := Begin(t, "b") // a neighbour in order, which must never show
	must(t, s, other)
	for from := range n + 3 {
		for max := range int(n) + 2 {
			events, err := s.Read(t.Context(), "a", from, max)
			if err != nil {
				t.Fatalf("Read(%d, %d): %v", from, max, err)
			}
			want := 0
			if from < n {
				want = min(max, int(n-from))
			}
			if len(events) != want {
				t.Errorf("Read(%d, %d): %d events, want %d", from, max, len(events), want)
			}
			for i, e := range events {
				if e.Seq != from+uint64(i) {
					t.Errorf("Read(%d, %d): event %d at %d", from, max, e.Seq, i)
				}
			}
		}
	}
}

// large: events around every size at which a store may cut.
func large(t *testing.T, s recorder.Store) {
	c, g := Begin(t, "a")
	must(t, s, g)
	want := g.Events
	for _, size := range []int{64<<10 - 64, 64<<10 - 60, 64<<10 - 59, 64<<10 - 58, 64 << 10, 3 * (64 << 10), 1<<20 + 17, 5 << 20} {
		small := Event{recorder.KindOutput, []byte("x")}
		big := Event{recorder.KindRows, bytes.Repeat([]byte{byte(size)}, size)}
		g := c.Group(t, small, big, small, big)
		want = append(want, g.Events...)
		must(t, s, g)
	}
	if !slices.EqualFunc(want, readAll(t, s, "a"), equal) {
		t.Error("large events are not read as they were written")
	}
	for i := range want {
		events, err := s.Read(t.Context(), "a", uint64(i), 1)
		if err != nil || len(events) != 1 || !equal(events[0], want[i]) {
			t.Errorf("Read(%d, 1): %d events, %v", i, len(events), err)
		}
	}
}

// equal is for large events, over which cmp takes minutes.
func equal(a, b recorder.Event) bool {
	return a.Seq == b.Seq && a.At.Equal(b.At) && a.Kind == b.Kind && bytes.Equal(a.Data, b.Data)
}

// several: groups of many transcripts in one transaction; heads come by ID.
func several(t *testing.T, s recorder.Store) {
	ids := []recorder.ID{"b", "a-1", "a", "B", "a-10", "20261123T191530-7k2f9q"}
	var groups []recorder.Group
	for _, id := range ids {
		c, g := Begin(t, id)
		next := c.Group(t, Event{recorder.KindOutput, []byte(id)})
		groups = append(groups, recorder.Group{ID: id, Events: append(g.Events, next.Events...), Hashes: append(g.Hashes, next.Hashes...), Head: c.Head})
	}
	must(t, s, groups...)
	heads, err := s.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []recorder.ID
	for _, h := range heads {
		got = append(got, h.ID)
		events := readAll(t, s, h.ID)
		if len(events) != 2 || string(events[1].Data) != string(h.ID) {
			t.Errorf("transcript %q has %d events, or those of another", h.ID, len(events))
		}
	}
	if diff := cmp.Diff([]recorder.ID{"20261123T191530-7k2f9q", "B", "a", "a-1", "a-10", "b"}, got); diff != "" {
		t.Errorf("order of Heads (-want +got):\n%s", diff)
	}
}

// wrong are ways in which a group does not follow what is stored.
var wrong = map[string]func(*recorder.Group){
	"gap":           func(g *recorder.Group) { g.Events[0].Seq++; g.Events[1].Seq++; g.Head.Next++ },
	"overwriting":   func(g *recorder.Group) { g.Events[0].Seq--; g.Events[1].Seq--; g.Head.Next-- },
	"disorder":      func(g *recorder.Group) { g.Events[0], g.Events[1] = g.Events[1], g.Events[0] },
	"nothing":       func(g *recorder.Group) { g.Events = nil; g.Head.Next -= 2 },
	"head astray":   func(g *recorder.Group) { g.Head.Next++ },
	"new, not at 0": func(g *recorder.Group) { g.ID, g.Head.ID = "new", "new" },
	"other's head":  func(g *recorder.Group) { g.Head.ID = "b" },
	"no name":       func(g *recorder.Group) { g.ID, g.Head.ID = "", "" },
	"no hashes":     func(g *recorder.Group) { g.Hashes = g.Hashes[:1] },
	"hash astray":   func(g *recorder.Group) { g.Hashes[1][0] ^= 1 },
	"odd name":      func(g *recorder.Group) { g.ID, g.Head.ID = "a\x00b", "a\x00b" },
}

// refuses: a wrong group is refused together with the good one before it, and
// nothing is taken afterwards.
func refuses(t *testing.T, s recorder.Store, change func(*recorder.Group)) {
	c, g := Begin(t, "a")
	d, h := Begin(t, "b")
	must(t, s, g, h)
	before := []recorder.Head{c.Head, d.Head}
	good := d.Group(t, Event{recorder.KindOutput, []byte("good")})
	bad := c.Group(t, Event{recorder.KindOutput, []byte("1")}, Event{recorder.KindOutput, []byte("2")})
	change(&bad)
	if err := s.Append([]recorder.Group{good, bad}); err == nil {
		t.Error("Append takes it")
	}
	heads, err := s.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, heads); diff != "" {
		t.Errorf("a refused transaction left something (-want +got):\n%s", diff)
	}
	if err := s.Append([]recorder.Group{good}); err == nil {
		t.Error("Append works after an error, which must be final")
	}
	Close(t, s)
}

// concurrent: readers see whole transactions while one writer appends.
func concurrent(t *testing.T, s recorder.Store) {
	a, ga := Begin(t, "a")
	b, gb := Begin(t, "b")
	must(t, s, ga, gb)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				heads, err := s.Heads(t.Context())
				if err != nil || len(heads) != 2 || heads[0].Next != heads[1].Next {
					t.Errorf("Heads sees half a transaction: %v, %v", heads, err)
					return
				}
				r, err := recorder.Verify(t.Context(), s)
				if err != nil || len(r.Faults) > 0 {
					t.Errorf("verify while written to: %v, %v", err, r.Faults)
					return
				}
			}
		})
	}
	for i := range 100 {
		e := Event{recorder.KindOutput, fmt.Append(nil, i)}
		must(t, s, a.Group(t, e), b.Group(t, e))
	}
	cancel()
	wg.Wait()
}

func canceled(t *testing.T, s recorder.Store) {
	_, g := Begin(t, "a")
	must(t, s, g)
	cause := errors.New("the viewer left")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	_, err1 := s.Heads(ctx)
	_, err2 := s.Head(ctx, "a")
	_, err3 := s.Read(ctx, "a", 0, 1)
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, cause) {
			t.Errorf("with an ended context: %v, want its cause", err)
		}
	}
}

func reopen(t *testing.T, open func(t *testing.T, dir string) recorder.Store) {
	dir := t.TempDir()
	var c *Chain
	var want []recorder.Event
	for i := range 3 {
		s := open(t, dir)
		var g recorder.Group
		if c == nil {
			c, g = Begin(t, "a")
		} else {
			g = c.Group(t, Event{recorder.KindOutput, fmt.Append(nil, i)})
		}
		must(t, s, g)
		want = append(want, g.Events...)
		Close(t, s)
	}
	s := open(t, dir)
	if diff := cmp.Diff(want, readAll(t, s, "a")); diff != "" {
		t.Errorf("after reopening (-want +got):\n%s", diff)
	}
	Close(t, s)
}
