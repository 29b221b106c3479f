package tui

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// tape is a Player over events in memory.
type tape struct {
	head   recorder.Head
	events []recorder.Event
	read   int // events read
}

func (p *tape) Head() recorder.Head { return p.head }

func (p *tape) Events(_ context.Context, from uint64, max int) ([]recorder.Event, error) {
	some := p.events[min(from, uint64(len(p.events))):]
	some = some[:min(max, len(some))]
	p.read += len(some)
	return slices.Clone(some), nil
}

func (p *tape) Verify(context.Context) (Integrity, error) { return Integrity{}, nil }
func (p *tape) Note(_ context.Context, _, _ string) error { return nil }
func (p *tape) add(k recorder.Kind, after time.Duration, d string) {
	at := p.head.Header.Started
	if n := len(p.events); n > 0 {
		at = p.events[n-1].At
	}
	p.events = append(p.events, recorder.Event{Seq: uint64(len(p.events)), At: at.Add(after), Kind: k, Data: []byte(d)})
}

// marked is a tape with states of its screen.
type marked struct {
	*tape
	snaps []recorder.Snapshot
}

func (p *marked) Seek(_ context.Context, at time.Time) (uint64, error) {
	for _, e := range p.events {
		if !e.At.Before(at) {
			return e.Seq, nil
		}
	}
	return uint64(len(p.events)), nil
}

func (p *marked) Snapshot(_ context.Context, before uint64) (s recorder.Snapshot, ok bool) {
	for _, x := range p.snaps {
		if x.Next <= before {
			s, ok = x, true
		}
	}
	return s, ok
}

// longShell is hours of a shell.
func longShell(r *rand.Rand, n int) *tape {
	p := &tape{}
	p.head.Header = recorder.Header{Action: "shell", Width: 60, Height: 12, Started: time.Unix(1_800_000_000, 0).UTC()}
	p.head.Ended, p.head.EndedAt = &recorder.End{}, p.head.Header.Started.Add(10*time.Hour)
	p.add(recorder.KindStart, 0, "{}")
	for i := range n {
		gap := time.Duration(r.IntN(3000)) * time.Millisecond
		switch r.IntN(8) {
		case 0:
			p.add(recorder.KindInput, gap, fmt.Sprintf("echo %d\r", i))
		case 1:
			p.add(recorder.KindOutput, gap, fmt.Sprintf("\x1b[H\x1b[2J\x1b[3%dmtop %d\x1b[m", i%8, i))
		case 2:
			p.add(recorder.KindOutput, gap, fmt.Sprintf("\x1b[%d;%dHat %d", r.IntN(12), r.IntN(60), i))
		case 3:
			if r.IntN(10) == 0 {
				p.add(recorder.KindResize, gap, fmt.Sprintf(`{"width":%d,"height":%d}`, 20+r.IntN(60), 5+r.IntN(20)))
			}
		default:
			p.add(recorder.KindOutput, gap, fmt.Sprintf("line %d of the log\r\n", i))
		}
	}
	p.add(recorder.KindEnd, time.Second, "{}")
	return p
}

// snap keeps the state of the screen every so many events.
func (p *marked) snap(every int) {
	s := widget.NewScreen(60, 12)
	for i, e := range p.events {
		recorder.Draw(s, e)
		if state, ok := s.State(); ok && (i+1)%every == 0 {
			p.snaps = append(p.snaps, recorder.Snapshot{Next: e.Seq + 1, At: e.At, State: state})
		}
	}
}

// arrive runs a feeder until it is where it was sent.
func arrive(t *testing.T, f *feeder, g goal) frame {
	t.Helper()
	for {
		fr, err := f.run(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		if g = fr.more; g.kind == goalNone {
			return fr
		}
	}
}

func sameFrame(t *testing.T, what string, got, want frame) {
	t.Helper()
	if got.at != want.at || got.next != want.next || got.end != want.end || got.lost != want.lost || !slices.Equal(got.screen, want.screen) {
		t.Fatalf("%s: at %v, next %v, end %v:\n%q\nand not at %v, next %v, end %v:\n%q",
			what, got.at, got.next, got.end, got.screen, want.at, want.next, want.end, want.screen)
	}
}

// TestSeekByStates: wherever one goes, forwards and back, by time, by event and by
// text, the frame is that of a replay that plays everything; but little is read.
func TestSeekByStates(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 9))
	p := &marked{tape: longShell(r, 3_000)}
	p.snap(150)
	plain := *p.tape
	f, all := newFeeder(p), newFeeder(&plain)
	ways := 30
	if testing.Short() {
		ways = 10
	}
	for i := range ways {
		event := uint64(r.IntN(len(p.events)))
		g := goal{kind: goalTime, to: p.events[event].At.Sub(p.head.Header.Started)}
		switch i % 5 {
		case 3:
			g = goal{kind: goalEvent, event: event}
		case 4:
			g = goal{kind: goalFind, event: max(event, f.seen, all.seen), text: "of the log"}
		}
		if i == 7 {
			g.to = farAway
		}
		p.read = 0
		got := arrive(t, f, g)
		if g.kind != goalFind && p.read > 4*pageEvents {
			t.Errorf("%+v: %d events were read", g, p.read)
		}
		want := arrive(t, all, g)
		sameFrame(t, fmt.Sprintf("%d: %+v", i, g), got, want)
		if got.rough {
			t.Errorf("%+v: from a cleared screen", g)
		}
		if n := min(len(got.typed), len(want.typed), 20); got.typed[len(got.typed)-n:] != want.typed[len(want.typed)-n:] {
			t.Errorf("%+v: typed %q and not %q", g, got.typed, want.typed)
		}
	}
}

// TestSeekByClearedScreen: before there are states, a long way begins where the
// screen was cleared, and says so.
func TestSeekByClearedScreen(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 11))
	p := &marked{tape: longShell(r, 10_000)}
	plain := *p.tape
	f, all := newFeeder(p), newFeeder(&plain)
	for range 10 {
		event := uint64(lookBack + 500 + r.IntN(len(p.events)-lookBack-600))
		p.read = 0
		f.reset()
		got, want := arrive(t, f, goal{kind: goalEvent, event: event}), arrive(t, all, goal{kind: goalEvent, event: event})
		if !got.rough || p.read > 8*pageEvents {
			t.Errorf("event %d: rough %v, %d events read", event, got.rough, p.read)
		}
		if len(got.screen) == len(want.screen) { // else a resize lies further back
			sameFrame(t, fmt.Sprint("event ", event), got, want)
		}
	}
	if fr := arrive(t, f, goal{kind: goalTime, to: time.Second}); fr.rough {
		t.Error("the start is drawn from a cleared screen")
	}
}
