package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// Limits of a replay.
const (
	pageEvents = 256  // read at a time
	stepEvents = 4096 // handled before the page is drawn again
	stepBytes  = 256 << 10
	maxMarks   = 4096 // operations remembered for going back
	maxTyped   = 400
)

// feeder turns a transcript's events into frames. It belongs to one goroutine at
// a time. Its memory is bounded: a page of events, a screen, the newest entries
// of the time line.
type feeder struct {
	player  Player
	started time.Time
	shell   bool
	exec    bool // its operations are commands, and nobody typed

	buf    []recorder.Event
	next   uint64 // number of the event behind buf
	ended  bool   // nothing behind buf
	live   bool   // more may come
	seen   uint64 // number of the event after the last one shown
	tail   []byte // of output, in lower case: what is looked for may be cut in two
	at     time.Duration
	screen *widget.Screen
	rough  bool // the screen is drawn from where it was cleared, not from all that came before
	typed  []rune
	ran    string // the command of an exec, and how it ended
	line   timeline
	marks  []time.Duration
}

// frame is what a replay shows at one moment.
type frame struct {
	at      time.Duration // of the last event shown
	next    time.Duration // of the next one; far away at the end
	end     bool
	live    bool // at the end, and more may come
	lost    bool // what was looked for is not there
	jumped  bool // the play head goes to at
	rough   bool // see feeder
	more    goal // the way there was long: this remains
	screen  []string
	cursor  int // row of the screen that is in use furthest down
	typed   string
	ran     string
	entries []entry
	dropped int
	marks   []time.Duration
}

const farAway = time.Duration(1) << 62

// previous is the operation before the play head, with a second of grace so that
// pressing again goes on.
func (f *frame) previous(pos time.Duration) time.Duration {
	for _, m := range slices.Backward(f.marks) {
		if m < pos-time.Second {
			return m
		}
	}
	return 0
}

func newFeeder(pl Player) *feeder {
	h := pl.Head().Header
	f := &feeder{player: pl, started: h.Started, live: pl.Head().Ended == nil}
	_, _, f.shell = h.Drawn()
	f.exec = h.Action == "exec"
	f.reset()
	return f
}

// reset goes back to the start.
func (f *feeder) reset() {
	h := f.player.Head().Header
	f.buf, f.next, f.ended, f.at = nil, 0, false, 0
	f.typed, f.ran, f.marks, f.line, f.seen, f.tail, f.rough = nil, "", nil, timeline{}, 0, nil, false
	if w, t, ok := h.Drawn(); ok {
		f.screen = widget.NewScreen(w, t)
	}
}

// run goes towards a goal, as far as one step reaches.
func (f *feeder) run(ctx context.Context, g goal) (frame, error) {
	back := g.kind == goalTime && g.to < f.at || g.kind == goalEvent && g.event < f.seen
	if there, err := f.approach(ctx, g, back); err != nil {
		return frame{}, err
	} else if back && !there {
		f.reset()
	}
	seen, bytes, found := 0, 0, false
	for seen < stepEvents && bytes < stepBytes {
		e, err := f.peek(ctx)
		if err != nil {
			return frame{}, err
		}
		if e == nil || f.beyond(e, g) {
			fr := f.frame(goal{}, found || e == nil || g.kind == goalEvent)
			fr.lost = g.kind == goalFind
			return fr, nil
		}
		f.buf = f.buf[1:]
		seen++
		bytes += len(e.Data)
		mark := f.handle(e)
		if mark && g.kind == goalNextOp || g.kind == goalFind && e.Seq >= g.event && f.says(e, g.text) { // with all that happened at that moment
			g, found = goal{kind: goalTime, to: f.at}, true
		}
	}
	return f.frame(g, false), nil
}

// beyond reports whether an event is behind the goal.
func (f *feeder) beyond(e *recorder.Event, g goal) bool {
	return g.kind == goalTime && f.offset(e) > g.to || g.kind == goalEvent && e.Seq > g.event
}

// maxTail is how much of what was shown before is looked at with what is new.
const maxTail = 256

// says reports whether a text, in lower case, is in what happened.
func (f *feeder) says(e *recorder.Event, text string) bool {
	now := bytes.ToLower(e.Data)
	if e.Kind == recorder.KindOutput || e.Kind == recorder.KindError {
		now = append(f.tail, now...)
		f.tail = slices.Clone(now[max(0, len(now)-maxTail):])
	}
	if !bytes.Contains(now, []byte(text)) {
		return false
	}
	f.tail = nil
	return true
}

func (f *feeder) offset(e *recorder.Event) time.Duration { return max(0, e.At.Sub(f.started)) }

// peek is the next event, nil at the end.
func (f *feeder) peek(ctx context.Context) (*recorder.Event, error) {
	if len(f.buf) == 0 && (!f.ended || f.live) {
		evs, err := f.player.Events(ctx, f.next, pageEvents)
		if err != nil {
			return nil, err
		}
		f.buf, f.ended = evs, len(evs) == 0
		if len(evs) > 0 {
			f.next = evs[len(evs)-1].Seq + 1
		}
	}
	if len(f.buf) == 0 {
		return nil, nil
	}
	return &f.buf[0], nil
}

// handle shows one event and reports whether an operation begins with it.
func (f *feeder) handle(e *recorder.Event) bool {
	f.at, f.seen = max(f.at, f.offset(e)), e.Seq+1
	f.live = f.live && e.Kind != recorder.KindEnd
	mark := e.Kind == recorder.KindOperation
	if f.shell {
		mark = f.play(e) || mark
	} else {
		f.line.add(f.at, e)
	}
	if mark {
		f.marks = append(f.marks, f.at)
		if len(f.marks) > maxMarks {
			f.marks = slices.Delete(f.marks, 0, 1)
		}
	}
	return mark
}

// play shows one event of a shell; a line that was entered counts as an operation.
func (f *feeder) play(e *recorder.Event) bool {
	recorder.Draw(f.screen, *e)
	f.keys(e)
	return e.Kind == recorder.KindInput && bytes.ContainsAny(e.Data, "\r\n")
}

// keys shows what was typed, or run.
func (f *feeder) keys(e *recorder.Event) {
	switch e.Kind {
	case recorder.KindInput:
		f.typed = append(f.typed, []rune(typedText(string(e.Data)))...)
	case recorder.KindHidden:
		var h recorder.Hidden
		if json.Unmarshal(e.Data, &h) == nil {
			f.typed = append(f.typed, []rune(" "+hiddenText(h)+" ")...)
		}
	case recorder.KindOperation, recorder.KindOutcome:
		if en, ok := newEntry(0, e); ok && f.exec {
			f.tells(en)
		}
	}
	f.typed = f.typed[max(0, len(f.typed)-maxTyped):]
}

// tells keeps which command runs, or how it ended.
func (f *feeder) tells(en entry) {
	if en.kind == recorder.KindOperation {
		f.ran = widget.Escape(en.text)
		return
	}
	f.ran += ": " + widget.Escape(en.text)
}

// hiddenText stands for keys that are not kept.
func hiddenText(h recorder.Hidden) string {
	return "[" + count(int64(h.Keys), "key") + " without echo]"
}

// typedText is recorded input as it is shown: escaped, lines ended by a sign.
func typedText(s string) string {
	parts := strings.Split(s, "\r")
	for i := range parts {
		parts[i] = widget.Escape(parts[i])
	}
	return strings.Join(parts, "⏎ ")
}

func (f *feeder) frame(more goal, jumped bool) frame {
	fr := frame{at: f.at, next: farAway, more: more, jumped: jumped, typed: string(f.typed), ran: f.ran, marks: slices.Clone(f.marks), rough: f.rough}
	if len(f.buf) > 0 {
		fr.next = f.offset(&f.buf[0])
	}
	fr.end = f.ended && len(f.buf) == 0
	fr.live = fr.end && f.live
	if f.shell {
		fr.screen = f.screen.Lines()
		fr.cursor = f.screen.Used()
	} else {
		fr.entries, fr.dropped = slices.Clone(f.line.entries), f.line.dropped
	}
	return fr
}
