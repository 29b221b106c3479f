package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

const (
	// near is what is played up to, and not sought.
	near = 5 * time.Second
	// lookBack is how many events are looked through for a cleared screen, where
	// drawing has to begin further away than that.
	lookBack = 4096
)

// approach goes as near to a goal as can be without playing all that lies before
// it: to the state of the screen before it, or else to where the screen was last
// cleared. It reports whether it went anywhere; back says that the goal lies behind.
func (f *feeder) approach(ctx context.Context, g goal, back bool) (bool, error) {
	sk, ok := f.player.(Seeker)
	if !ok || !f.shell {
		return false, nil
	}
	event := g.event
	switch g.kind {
	case goalTime:
		if !back && g.to-f.at < near {
			return false, nil
		}
		var err error
		if event, err = sk.Seek(ctx, f.started.Add(g.to)); err != nil {
			return false, err
		}
	case goalEvent, goalFind:
		if !back && event < f.seen+pageEvents {
			return false, nil
		}
	default:
		return false, nil
	}
	from := f.seen // where drawing would begin
	if back {
		from = 0
	}
	snap, ok := sk.Snapshot(ctx, event)
	if ok && snap.Next > from && snap.Next <= event {
		if screen, err := widget.RestoreScreen(snap.State); err == nil {
			from = snap.Next
			f.reset()
			f.screen, f.next, f.seen, f.at = screen, snap.Next, snap.Next, max(0, snap.At.Sub(f.started))
			if err := f.typedBefore(ctx); err != nil {
				return false, err
			}
		}
	}
	if event > from+lookBack {
		if cleared, err := f.cleared(ctx, from, event); cleared || err != nil {
			return cleared, err
		}
	}
	return from > 0 && from == snap.Next, nil
}

// typedBefore shows the keys that were typed just before.
func (f *feeder) typedBefore(ctx context.Context) error {
	first := f.next - min(f.next, pageEvents)
	events, err := f.player.Events(ctx, first, int(f.next-first))
	for _, e := range events {
		if e.Seq < f.next {
			f.keys(&e)
		}
	}
	return err
}

// cleared begins with the last event before another in which the screen was
// cleared, if there is one not too far from it. What a cleared screen keeps, such
// as margins and modes, is unknown then.
func (f *feeder) cleared(ctx context.Context, from, event uint64) (bool, error) {
	for end := event; end > from && event-end < lookBack; {
		first := max(from, end-min(end, pageEvents))
		c := clearing{prologue: f.player.Head().Header.Prologue()}
		c.width, c.height = f.screen.Size()
		for next := first; next < end; {
			events, err := f.player.Events(ctx, next, int(end-next))
			if err != nil || len(events) == 0 {
				return false, err
			}
			for _, e := range events {
				c.look(e)
				next = e.Seq + 1
			}
		}
		if c.found != nil {
			f.reset()
			f.screen = c.screen
			f.next, f.seen, f.at, f.rough = c.found.Seq+1, c.found.Seq+1, f.offset(c.found), true
			return true, f.typedBefore(ctx)
		}
		end = first
	}
	return false, nil
}

// clearing finds where the screen was last cleared.
type clearing struct {
	width, height int // of the screen, as far as it is known
	prologue      []byte
	found         *recorder.Event
	screen        *widget.Screen // with what the event found left on it
}

// clears are sequences after which nothing is left of what was on the screen.
var clears = [][]byte{[]byte("\x1b[2J"), []byte("\x1bc"), []byte("\x1b[?1049h")}

func (c *clearing) look(e recorder.Event) {
	switch e.Kind {
	case recorder.KindResize:
		var r recorder.Resize
		if json.Unmarshal(e.Data, &r) == nil {
			c.width, c.height = r.Width, r.Height
		}
	case recorder.KindOutput:
		last := -1
		for _, seq := range clears {
			last = max(last, bytes.LastIndex(e.Data, seq))
		}
		if last >= 0 {
			c.found, c.screen = &e, widget.NewScreen(c.width, c.height)
			c.screen.Write(c.prologue)
			c.screen.Write(e.Data[last:])
		}
	}
}

// previous is the operation before the play head: one that was played, or one that
// was read ahead.
func (p *replay) previous() time.Duration {
	to := p.frame.previous(p.pos)
	for _, m := range p.marks {
		if m.at < p.pos-time.Second {
			to = max(to, m.at)
		}
	}
	return to
}
