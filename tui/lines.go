package tui

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// lines is text that a line of kubectl shows, as it comes: a log that is followed,
// or a description.
type lines struct {
	*env
	*scope
	cl     Cluster
	on     policy.Resource
	title  string
	line   []string
	first  []string // the line as it was at first, where another was run since
	log    bool
	follow bool

	all    []string // whole lines, escaped; the last maxLines
	part   []byte   // a line that has not come whole
	lost   int      // lines that were forgotten
	shown  []int
	held   int // bytes of all
	top    int
	left   int // cells that are scrolled away, where lines are not wrapped
	height int
	filter widget.Input
	words  []string // of the filter
	live   bool
	wrap   bool
	prompt *prompt

	feed   *feed
	over   bool
	err    error
	since  time.Time
	cancel context.CancelFunc
	run    int
}

const (
	maxLines = 100_000
	maxHeld  = 32 << 20 // bytes of all lines
	maxLine  = 8 << 10  // bytes of a line that are kept
)

func newLines(e *env, cl Cluster, on policy.Resource, title string, line []string, log bool) *lines {
	return &lines{env: e, scope: newScope(e.root), cl: cl, on: on, title: title, line: line, log: log, follow: log}
}

func (p *lines) crumb() string { return p.title }

func (p *lines) note(w int) string { return p.recorded(p.on, p.cl.ID(), false, w) }

func (p *lines) typing() bool { return p.live || p.prompt != nil }
func (p *lines) busy() string { return "" }

func (p *lines) beat() time.Duration {
	if !p.over {
		return 250 * time.Millisecond
	}
	return 0
}

type (
	// fedMsg is a piece of text, of the run that has the number.
	fedMsg struct {
		run  int
		text []byte
	}
	// fedAllMsg says that the run has ended.
	fedAllMsg struct {
		run int
		err error
	}
)

// start runs the line, anew where it ran before.
func (p *lines) start() tea.Cmd {
	if p.feed != nil {
		return nil // it goes on, or has ended, since a terminal came in between
	}
	return p.begin(nil)
}

func (p *lines) begin(ask *Ask) tea.Cmd {
	if p.cancel != nil {
		p.cancel()
	}
	ctx, cancel := context.WithCancel(p.ctx)
	p.cancel, p.over, p.err, p.since = cancel, false, nil, p.now()
	p.all, p.part, p.lost, p.held, p.top = nil, nil, 0, 0, 0
	p.run++
	p.feed = &feed{run: p.run, text: make(chan []byte, 1)}
	f := p.feed
	p.refilter()
	cl, line := p.cl, p.line
	work := p.doWith(ctx, func(ctx context.Context) tea.Msg {
		f.err = cl.Do(ctx, line, ask, pipe{ctx, f.text})
		close(f.text)
		cancel()
		return nil
	})
	return tea.Batch(work, p.next(f))
}

// feed is the text of one run on its way; err is set once text is closed.
type feed struct {
	run  int
	text chan []byte
	err  error
}

// next waits for a piece of text, and then for the end.
func (p *lines) next(f *feed) tea.Cmd {
	return p.do(func(ctx context.Context) tea.Msg {
		select {
		case b, ok := <-f.text:
			if ok {
				return fedMsg{f.run, b}
			}
			return fedAllMsg{f.run, f.err}
		case <-ctx.Done():
			return nil
		}
	})
}

// pipe hands what is written to the page. A page that is slow holds the writer up.
type pipe struct {
	ctx  context.Context
	feed chan<- []byte
}

func (f pipe) Write(b []byte) (int, error) {
	select {
	case f.feed <- bytes.Clone(b):
		return len(b), nil
	case <-f.ctx.Done():
		return 0, context.Cause(f.ctx)
	}
}

func (p *lines) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case fedMsg:
		if m.run != p.run {
			return nil
		}
		p.take(m.text)
		return p.next(p.feed)
	case fedAllMsg:
		return p.ended(m)
	case tea.PasteMsg:
		if p.prompt != nil {
			p.prompt.words.Insert(m.Content)
			return nil
		}
		p.live = true
		p.filter.Insert(m.Content)
		p.refilter()
	case tea.KeyPressMsg:
		return p.key(m)
	}
	return nil
}

func (p *lines) ended(m fedAllMsg) tea.Cmd {
	if m.run != p.run {
		return nil
	}
	p.over = true
	if len(p.part) > 0 {
		p.add(p.part)
		p.part = nil
	}
	var needed *policy.ApprovalNeeded
	if errors.As(m.err, &needed) {
		p.prompt = &prompt{label: "reason, for " + strings.Join(needed.Decision.Approvers, " or "), then: func(why string) tea.Cmd { return p.begin(&Ask{Reason: why}) }}
	}
	if !errors.Is(m.err, context.Canceled) {
		p.err = m.err
	}
	return nil
}

func (p *lines) key(k tea.KeyPressMsg) tea.Cmd {
	if pr := p.prompt; pr != nil {
		over, cmd := pr.key(k)
		if over && p.prompt == pr {
			p.prompt = nil
		}
		return cmd
	}
	switch s := k.String(); {
	case pressed(k, keys.Back), p.live && pressed(k, keys.Stop):
		if p.live || p.filter.Value() != "" {
			p.live = false
			p.filter.Set("")
			p.refilter()
			return nil
		}
		return say(backMsg{p.scope})
	case !p.over && pressed(k, keys.Stop):
		p.cancel()
	case pressed(k, keys.Refresh):
		return p.begin(nil)
	case p.live && s == "enter":
		p.live = false
	case p.scroll(s):
	case p.live:
		if p.filter.Key(k) {
			p.refilter()
		}
	case pressed(k, keys.Filter):
		p.live = true
	case pressed(k, keys.Follow):
		p.follow = !p.follow
		p.refilter()
	case pressed(k, keys.Wrap):
		p.wrap, p.left = !p.wrap, 0
	case p.log && pressed(k, keys.Whole):
		return p.other(withoutTail)
	case p.log && pressed(k, keys.Previous):
		return p.other(ofPrevious)
	case s == "q":
		return say(backMsg{p.scope})
	}
	return nil
}

// scroll moves the window, and reports whether the key was one of those.
func (p *lines) scroll(s string) bool {
	page := max(1, p.height-1)
	bottom := max(0, len(p.shown)-p.height)
	top := min(p.top, bottom)
	switch {
	case s == "up", s == "k" && !p.live:
		top--
	case s == "down", s == "j" && !p.live:
		top++
	case s == "pgup":
		top -= page
	case s == "pgdown", s == "space" && !p.live:
		top += page
	case s == "home", s == "g" && !p.live:
		top = 0
	case s == "end", s == "G" && !p.live:
		top = bottom
	case (s == "left" || s == "right") && !p.live && !p.wrap:
		p.sideways(s == "right")
		return true
	default:
		return false
	}
	p.top = max(0, min(top, bottom))
	p.follow = p.log && p.top == bottom && (s == "end" || s == "G" || s == "down" || s == "pgdown")
	return true
}

func (p *lines) keys() []key.Binding {
	switch {
	case p.prompt != nil:
		return []key.Binding{keys.Go, keys.Back}
	case p.live:
		return []key.Binding{bind("enter", "keep filter", "enter"), bind("esc", "clear filter", "esc")}
	}
	follow := keys.Follow
	follow.SetEnabled(p.log)
	stop := bind("ctrl+c", "stop", "ctrl+c")
	stop.SetEnabled(!p.over)
	whole, previous := keys.Whole, keys.Previous
	whole.SetEnabled(p.log)
	previous.SetEnabled(p.log)
	sides := keys.Sideways
	sides.SetEnabled(!p.wrap)
	return []key.Binding{keys.Filter, follow, keys.Wrap, keys.Back, whole, previous, stop, keys.Refresh, sides, keys.Ends, keys.Page}
}

func (p *lines) view(w, h int) []string {
	out := []string{p.head(w)}
	if p.err != nil {
		for _, s := range widget.Wrap(p.glyphs.no+" "+errorText(p.err), max(1, w-2)) {
			out = append(out, " "+p.danger.Render(s))
		}
	}
	p.height = max(1, h-len(out))
	switch {
	case len(p.shown) == 0 && len(p.all) > 0:
		return append(out, " "+p.dim.Render("nothing matches; esc clears the filter"))
	case len(p.all) == 0 && p.over && p.err == nil:
		return append(out, " "+p.dim.Render("there is nothing"))
	case len(p.all) == 0 && p.err == nil:
		return append(out, " "+p.dim.Render("nothing yet, for "+clock(p.now().Sub(p.since))))
	}
	var rows []string
	from := max(0, min(p.top, len(p.shown)-p.height))
	for _, i := range p.shown[from:min(len(p.shown), from+p.height)] {
		if !p.wrap {
			rows = append(rows, " "+widget.Truncate(widget.From(p.all[i], p.left), w-1))
			continue
		}
		for _, s := range widget.Chop(p.all[i], max(1, w-1)) {
			rows = append(rows, " "+s)
		}
	}
	if n := len(rows) - p.height; n > 0 && p.follow {
		rows = rows[n:]
	}
	return append(out, rows[:min(len(rows), p.height)]...)
}

func (p *lines) head(w int) string {
	if p.prompt != nil {
		return p.promptLine(p.prompt, w)
	}
	right := fmt.Sprintf("%d lines", len(p.all)+p.lost)
	if len(p.shown) != len(p.all) {
		right = fmt.Sprintf("%d of %d lines", len(p.shown), len(p.all))
	}
	right = p.dim.Render(right + " ")
	state, sep := "", p.dim.Render(" "+p.glyphs.bullet+" ")
	switch {
	case p.over:
	case p.log && p.follow:
		state = p.spinner() + p.dim.Render(" following") + sep
	case p.log:
		state = p.dim.Render("held, f follows") + sep
	default:
		state = p.spinner() + p.dim.Render(" "+clock(p.now().Sub(p.since))) + sep
	}
	right = state + right
	if p.live || p.filter.Value() != "" {
		left := " " + p.accent.Render("/") + " "
		return left + p.filter.View(max(2, w-3-widget.Width(right)), p.text, p.cursor) + right
	}
	return widget.Sides(" "+p.bold.Render(widget.Clip(p.title, max(4, w/2)))+p.dim.Render(p.which()), right, w)
}
