package tui

import (
	"context"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// replay plays a transcript back with its timing: the screen of a shell, or the
// time line of everything else. Its feeder belongs to the command in flight, of
// which there is at most one; the page draws the frame that came last.
type replay struct {
	*env
	*scope
	player  Player
	head    recorder.Head
	feeder  *feeder
	frame   frame
	pos     time.Duration // where the play head is
	total   time.Duration // 0 while the session is still open
	speed   int           // index into speeds
	paused  bool
	skip    bool
	working bool
	goal    goal // asked for while a command was in flight
	beatAt  time.Time
	back    int // lines the time line is scrolled up
	err     error

	first    goal // where it begins
	watching bool // the end is followed as it moves
	own      bool // all that the gate did by itself is shown
	find     string
	hit      uint64 // the event that led here
	prompt   *prompt
	marks    []mark // of all operations, where they are known
	proof    *Integrity
	unproved error // why there is no proof
}

var speeds = [...]float64{0.25, 0.5, 1, 2, 4, 8, 16}

// idle is the longest pause that skipping idle time leaves.
const idle = time.Second

// goal is where a seek goes: to a time, to an event, to the next operation or text,
// or nowhere.
type goal struct {
	kind  goalKind
	to    time.Duration
	event uint64
	text  string // in lower case
}

type goalKind uint8

const (
	goalNone goalKind = iota
	goalTime
	goalNextOp
	goalEvent
	goalFind
)

type frameMsg struct {
	frame frame
	err   error
}

func newReplay(e *env, pl Player) *replay {
	h := pl.Head()
	p := &replay{env: e, player: pl, scope: newScope(e.root), head: h, feeder: newFeeder(pl), speed: 2, skip: true}
	if h.Ended != nil {
		p.total = max(0, h.EndedAt.Sub(h.Header.Started))
	}
	return p
}

func (p *replay) crumb() string {
	on := p.head.Header.Resource
	if on == "" {
		on = "the bastion"
	}
	return person(p.head.Header) + " on " + on
}

func (p *replay) note(w int) string {
	whole := p.badge() + "  " + p.dim.Render(p.head.Header.Started.UTC().Format("2006-01-02 15:04 UTC"))
	if widget.Width(whole) <= w {
		return whole
	}
	return p.badge()
}

func (p *replay) typing() bool { return p.prompt != nil }
func (p *replay) busy() string { return "" }

func (p *replay) beat() time.Duration {
	switch {
	case p.err != nil:
		return 0
	case p.watching && p.frame.live:
		return 200 * time.Millisecond
	case p.paused || p.frame.end && !p.working:
		return 0
	}
	return 50 * time.Millisecond
}

func (p *replay) start() tea.Cmd {
	p.beatAt = p.now()
	to := goal{kind: goalTime, to: p.pos}
	if p.first.kind != goalNone {
		to, p.first = p.first, goal{}
	} else if p.watching {
		to.to = farAway
	}
	return tea.Batch(p.seek(to), p.survey())
}

func (p *replay) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case beatMsg:
		return p.tick()
	case frameMsg:
		return p.framed(m)
	case surveyMsg:
		p.marks = m.marks
	case integrityMsg:
		p.proof, p.unproved = m.integrity, m.err
	case notedMsg:
		if m.err != nil {
			return alarm("the note is not on record: " + m.err.Error())
		}
		return say(toastMsg{text: "the note is on record", good: true})
	case tea.PasteMsg:
		if p.prompt != nil {
			p.prompt.words.Insert(m.Content)
		}
	case tea.KeyPressMsg:
		return p.key(m)
	}
	return nil
}

// tick moves the play head by the time that has passed.
func (p *replay) tick() tea.Cmd {
	now := p.now()
	dt := min(now.Sub(p.beatAt), time.Second)
	p.beatAt = now
	if p.watching && p.frame.live && !p.working {
		return p.seek(goal{kind: goalTime, to: farAway})
	}
	if p.paused || p.working || p.frame.end {
		return nil
	}
	to := p.pos + time.Duration(float64(dt)*speeds[p.speed])
	if p.skip && p.frame.next-to > idle {
		to = p.frame.next - idle/2
	}
	p.pos = to
	if p.frame.next > to {
		return nil // nothing happens until then
	}
	return p.seek(goal{kind: goalTime, to: to})
}

// seek sends the feeder to a goal; one that comes meanwhile is kept for later.
func (p *replay) seek(g goal) tea.Cmd {
	if p.working {
		p.goal = g
		return nil
	}
	p.working = true
	f := p.feeder
	return p.do(func(ctx context.Context) tea.Msg {
		fr, err := f.run(ctx, g)
		return frameMsg{fr, err}
	})
}

func (p *replay) framed(m frameMsg) tea.Cmd {
	p.working = false
	if m.err != nil {
		p.err = m.err
		return nil
	}
	p.frame = m.frame
	next := p.goal
	p.goal = goal{}
	switch {
	case next.kind != goalNone:
		return p.seek(next)
	case m.frame.more.kind != goalNone: // a long way: on it goes
		return p.seek(m.frame.more)
	case m.frame.lost && p.hit > 0: // cut up by escape sequences: where its run begins
		to := goal{kind: goalEvent, event: p.hit}
		p.hit = 0
		return p.seek(to)
	case m.frame.lost:
		return alarm("from here on nothing says " + p.find)
	case m.frame.jumped:
		p.pos, p.beatAt = m.frame.at, p.now()
	}
	return nil
}

func (p *replay) key(k tea.KeyPressMsg) tea.Cmd {
	if pr := p.prompt; pr != nil {
		over, cmd := pr.key(k)
		if over && p.prompt == pr {
			p.prompt = nil
		}
		return cmd
	}
	switch s := k.String(); s {
	case "esc", "q", "ctrl+c", "backspace":
		return say(backMsg{p.scope})
	case "space":
		p.paused, p.beatAt, p.watching = !p.paused, p.now(), false
	case "left", "h":
		return p.jump(p.pos - 10*time.Second)
	case "right", "l":
		return p.jump(p.pos + 10*time.Second)
	case "g", "home":
		return p.jump(0)
	case "G", "end":
		cmd := p.jump(1 << 62)
		p.watching = p.head.Ended == nil
		return cmd
	case "n":
		p.back, p.watching = 0, false
		return p.seek(goal{kind: goalNextOp})
	case "p":
		return p.jump(p.previous())
	case "/":
		p.prompt = &prompt{label: "find from here", then: p.look}
	case "N":
		if p.find != "" {
			return p.look(p.find)
		}
	case "y":
		return tea.Batch(tea.SetClipboard(p.link()), toast("copied, if your terminal allows it: "+p.link()))
	case "o":
		p.own = !p.own
	case "m":
		p.paused = true
		p.prompt = &prompt{label: "note at " + clock(p.pos) + ", on record", then: p.write}
	default:
		p.tune(s)
	}
	return nil
}

// tune changes how it is shown.
func (p *replay) tune(s string) {
	switch s {
	case "+", "=":
		p.speed = min(p.speed+1, len(speeds)-1)
	case "-":
		p.speed = max(p.speed-1, 0)
	case "i":
		p.skip = !p.skip
	case "up", "k":
		p.back++
	case "down", "j":
		p.back = max(0, p.back-1)
	case "pgup":
		p.back += 10
	case "pgdown":
		p.back = max(0, p.back-10)
	}
}

// jump moves the play head.
func (p *replay) jump(to time.Duration) tea.Cmd {
	to = max(0, to)
	if p.total > 0 {
		to = min(to, p.total)
	}
	p.back, p.watching = 0, false
	if to < 1<<61 {
		p.pos = to
	}
	return p.seek(goal{kind: goalTime, to: to})
}

func (p *replay) keys() []key.Binding {
	if p.prompt != nil {
		return []key.Binding{keys.Send, keys.Back}
	}
	own := keys.Own
	own.SetEnabled(p.frame.screen == nil)
	return []key.Binding{keys.Pause, keys.Seek, keys.Op, keys.Speed, keys.Idle, keys.Find, keys.Link, keys.Write, own, keys.Start, keys.End, keys.Again, keys.Back}
}

func (p *replay) explain() []string {
	return []string{"In a time line the arrows up and down scroll. In a shell n and p go from one entered line to the next. What is drawn comes from an emulator: nothing of a recording reaches your terminal but its cells.",
		"The link leads here: " + p.link()}
}

func (p *replay) view(w, h int) []string {
	if p.err != nil {
		out := []string{""}
		for _, s := range widget.Wrap("the transcript cannot be read on: "+errorText(p.err), max(1, w-4)) {
			out = append(out, " "+p.danger.Render(p.glyphs.no)+" "+s)
		}
		return out
	}
	bar := p.bar(w)
	if p.prompt != nil {
		bar = p.promptLine(p.prompt, w)
	}
	if h < 3 {
		return []string{bar}
	}
	var body []string
	if p.frame.screen != nil {
		body = append(p.drawScreen(w, h-2), p.typedLine(w))
	} else {
		body = p.drawTimeline(w, h-1)
	}
	return append(widget.Fill(body, w, h-1), bar)
}

// drawScreen crops the recorded screen to the window, from the bottom of what
// is in use.
func (p *replay) drawScreen(w, h int) []string {
	lines := p.frame.screen
	if over := len(lines) - h; over > 0 {
		from := max(0, min(over, p.frame.cursor-h+1))
		lines = lines[from : from+h]
	}
	return widget.Fill(lines, w, h)
}

// typedLine is the last keys typed, newest at the right, or what ran by itself.
func (p *replay) typedLine(w int) string {
	if p.frame.ran != "" && p.frame.typed == "" {
		return widget.Fit(p.dim.Render(" ran ")+widget.Truncate(p.frame.ran, max(1, w-6)), w)
	}
	text := p.frame.typed
	room := max(1, w-8)
	for widget.Width(text) > room {
		_, rest, _ := cutRune(text)
		text = rest
	}
	return widget.Fit(p.dim.Render(" typed ")+p.accent.Render(text), w)
}

func cutRune(s string) (first, rest string, ok bool) {
	for i := range s {
		if i > 0 {
			return s[:i], s[i:], true
		}
	}
	return s, "", s != ""
}
