package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/widget"
)

// signIn is the page of people who are not known yet: a device authorization
// (RFC 8628) that waits for its person.
type signIn struct {
	*env
	*scope
	state    signInState
	flow     SignIn
	err      error
	remember *atomic.Bool // read by Door.Wait, from its own goroutine
	asked    time.Time    // for a code
	hideQR   bool
	qr       []string
	cancel   context.CancelFunc // of the flow that waits
	try      int
}

type signInState uint8

const (
	signInStarting signInState = iota
	signInWaiting
	signInFailed
)

type (
	startedMsg struct {
		try  int
		flow SignIn
		err  error
	}
	admittedMsg struct {
		try     int
		backend Backend
		err     error
	}
)

func newSignIn(e *env) *signIn {
	p := &signIn{env: e, scope: newScope(e.root), remember: &atomic.Bool{}}
	p.remember.Store(true)
	return p
}

func (p *signIn) crumb() string { return "sign in" }
func (p *signIn) typing() bool  { return false }
func (p *signIn) busy() string  { return "" }

func (p *signIn) beat() time.Duration {
	if p.state == signInFailed {
		return 0
	}
	return 200 * time.Millisecond
}

// start asks for a new code. A flow that still waits is given up.
func (p *signIn) start() tea.Cmd {
	if p.cancel != nil {
		p.cancel()
	}
	ctx, cancel := context.WithCancel(p.ctx)
	p.cancel = cancel
	p.state, p.err, p.qr, p.flow, p.asked = signInStarting, nil, nil, SignIn{}, p.now()
	p.try++
	try := p.try
	return p.doWith(ctx, func(ctx context.Context) tea.Msg {
		flow, err := p.o.Door.SignIn(ctx)
		return startedMsg{try, flow, err}
	})
}

func (p *signIn) update(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case startedMsg:
		if m.try == p.try {
			return p.started(m)
		}
	case admittedMsg:
		if m.try != p.try {
			return nil
		}
		if m.err != nil {
			p.state, p.err = signInFailed, m.err
			return nil
		}
		return say(enteredMsg{m.backend})
	case tea.KeyPressMsg:
		return p.key(m)
	}
	return nil
}

func (p *signIn) started(m startedMsg) tea.Cmd {
	if m.err != nil {
		p.state, p.err = signInFailed, m.err
		return nil
	}
	p.state, p.flow = signInWaiting, m.flow
	target := m.flow.CompleteURL
	if target == "" {
		target = m.flow.URL
	}
	p.qr = widget.QR(target)
	ctx, cancel := context.WithCancel(p.ctx)
	p.cancel()
	p.cancel = cancel
	return p.doWith(ctx, func(ctx context.Context) tea.Msg {
		b, err := p.o.Door.Wait(ctx, m.flow, p.remember.Load)
		return admittedMsg{m.try, b, err}
	})
}

func (p *signIn) key(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case pressed(k, keys.Cancel):
		return tea.Quit
	case p.state == signInFailed && pressed(k, keys.Retry):
		return p.start()
	case p.state != signInWaiting:
	case pressed(k, keys.CopyCode):
		return tea.Batch(tea.SetClipboard(p.flow.Code), toast("code copied, if your terminal allows it"))
	case pressed(k, keys.CopyURL):
		return tea.Batch(tea.SetClipboard(p.flow.URL), toast("address copied, if your terminal allows it"))
	case pressed(k, keys.ToggleQR):
		p.hideQR = !p.hideQR
	case pressed(k, keys.Remember) && p.canRemember():
		p.remember.Store(!p.remember.Load())
	}
	return nil
}

func (p *signIn) canRemember() bool { return p.flow.Key != "" && p.flow.Remember > 0 }

func (p *signIn) keys() []key.Binding {
	if p.state != signInWaiting {
		return []key.Binding{keys.Retry, keys.Cancel}
	}
	out := []key.Binding{keys.CopyCode, keys.CopyURL}
	if p.canRemember() {
		out = append(out, keys.Remember)
	}
	return append(out, keys.ToggleQR, keys.Cancel)
}

const startedYourself = "Approve only a sign-in that you started yourself."

func (p *signIn) view(w, h int) []string {
	switch {
	case p.state == signInStarting:
		return p.middle(w, h, []string{p.pending("asking the identity provider for a code", p.asked)})
	case p.state == signInFailed:
		return p.failed(w, h)
	case p.small || w < 60 || h < 15:
		return p.compact(w, h)
	}
	return p.waiting(w, h)
}

// middle puts lines in the middle of the window.
func (p *signIn) middle(w, h int, lines []string) []string {
	top := max(0, (h-len(lines))/2)
	out := make([]string, top, top+len(lines))
	for _, l := range lines {
		out = append(out, widget.Center(l, w))
	}
	return out
}

func (p *signIn) failed(w, h int) []string {
	title, hint := "Sign-in did not complete", "Press enter for a new code, q to leave."
	switch {
	case p.flow.Code == "":
		title, hint = "Sign-in could not start", "Press enter to try again, q to leave."
	case errors.Is(p.err, context.Canceled):
		title = "Sign-in was cancelled"
	case !p.flow.Expires.IsZero() && !p.now().Before(p.flow.Expires):
		title = "The code has expired"
	}
	bw := min(w, 64)
	lines := []string{""}
	for _, l := range widget.Wrap(errorText(p.err), max(1, bw-4)) {
		lines = append(lines, " "+l)
	}
	lines = append(lines, "", " "+p.dim.Render(hint), "")
	box := widget.Box(p.border, p.danger, p.danger.Render(p.glyphs.no)+" "+p.bold.Render(title), "", lines, bw, min(h, len(lines)+2))
	return p.middle(w, h, box)
}

// left is the time to the code's expiry.
func (p *signIn) left() string {
	d := max(0, p.flow.Expires.Sub(p.now())).Truncate(time.Second)
	s := clock(d)
	if !p.small {
		s += " left"
	}
	if d < time.Minute {
		return p.warn.Render(s)
	}
	return p.dim.Render(s)
}

func (p *signIn) link(w int) []string {
	target := p.flow.CompleteURL
	if target == "" {
		target = p.flow.URL
	}
	var out []string
	for _, l := range widget.Chop(widget.Escape(p.flow.URL), w) {
		out = append(out, widget.Link(target, p.env.link.Render(l)))
	}
	return out
}

// compact is for small windows: the code and the address first of all.
func (p *signIn) compact(w, h int) []string {
	lines := []string{p.code.Render(" "+widget.Escape(p.flow.Code)+" ") + " " + p.left()}
	lines = append(lines, p.link(w)...)
	if p.canRemember() && h > 6 {
		lines = append(lines, p.remembers())
	}
	for _, l := range widget.Wrap(startedYourself+" From "+widget.Escape(p.flow.From), w) {
		lines = append(lines, p.dim.Render(l))
	}
	return lines
}

func (p *signIn) remembers() string {
	box := "[ ]"
	if p.remember.Load() {
		box = "[" + p.glyphs.yes + "]"
	}
	return p.accent.Render(box) + " remember this key for " + shortDuration(p.flow.Remember)
}

func shortDuration(d time.Duration) string {
	switch {
	case d >= time.Hour && d%time.Hour == 0:
		return fmt.Sprintf("%d h", int(d.Hours()))
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return d.String()
}

// waiting is the whole page: steps at the left, the QR code at the right.
func (p *signIn) waiting(w, h int) []string {
	foot := p.facts(w)
	url := widget.Escape(p.flow.URL)
	room := h - len(foot)
	qr := p.qr
	qw := 0
	if len(qr) > 0 {
		qw = widget.Width(qr[0])
	}
	if p.hideQR || len(qr) > room || w-qw-6 < 40 || (w-qw-6 < widget.Width(url)+5 && w < widget.Width(url)+5) {
		qr, qw = nil, 0
	}
	colW := w - 2
	if qr != nil {
		colW = w - qw - 4
	}
	var top []string
	fits := widget.Width(url)+4 <= colW
	if !fits { // alone on its lines, so that it can be selected
		top = append(top, " "+p.bold.Render(signInTitle), "", p.step(1)+"Open this address in your browser", "")
		top = append(append(top, p.link(w)...), "")
		if qr != nil && len(qr)+len(top) > room {
			qr, colW = nil, w-2
		}
	}
	steps := p.steps(colW, fits)
	if extra := room - len(top) - max(len(steps), len(qr)); extra > 2 && !p.small {
		top = append(make([]string, min(extra/2, 6)), top...)
	}
	height := room - len(top)
	steps = squeeze(steps, height)
	body := steps
	if qr != nil {
		colW = min(colW, 58)
		pad := max(0, (w-colW-qw-4)/2)
		height = min(height, max(len(qr), len(steps)))
		body = widget.Beside(widget.Fill(indent(steps, pad), pad+colW, height), "  ", qr)
	} else if w > 90 {
		body = indent(steps, (w-78)/2)
	}
	return append(append(top, widget.Fill(body, w, room-len(top))...), foot...)
}

// squeeze drops blank lines, and then the rest that does not fit.
func squeeze(lines []string, height int) []string {
	for i := 0; i < len(lines) && len(lines) > height; i++ {
		if lines[i] == "" {
			lines = slices.Delete(lines, i, i+1)
			i--
		}
	}
	return lines[:min(len(lines), height)]
}

func indent(lines []string, n int) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = widget.Spaces(n) + l
	}
	return out
}

const signInTitle = "Sign in with your company account"

func (p *signIn) step(n int) string { return " " + p.accent.Render(fmt.Sprint(n)) + "  " }

// steps is what to do, in order.
func (p *signIn) steps(w int, withURL bool) []string {
	var out []string
	if withURL {
		out = append(out, " "+p.bold.Render(signInTitle), "", p.step(1)+"Open this address in your browser", "    "+p.link(w)[0], "")
	}
	out = append(out, p.step(2)+"Check that the page shows this code", "")
	code := "     " + widget.Escape(p.flow.Code) + "     "
	blank := p.code.Render(widget.Spaces(widget.Width(code)))
	out = append(out, "    "+blank, "    "+p.code.Render(code), "    "+blank, "")
	out = append(out, p.step(3)+"Approve there; this screen goes on", "")
	return append(out, "    "+p.spinner()+" waiting for your approval "+p.faint.Render(p.glyphs.bullet)+" "+p.left())
}

// facts is what to compare, at the bottom.
func (p *signIn) facts(w int) []string {
	out := []string{p.faint.Render(widget.Rule(p.glyphs.rule, w))}
	w = min(w, 100)
	from := " " + p.dim.Render("from ") + widget.Escape(p.flow.From)
	if widget.Width(from)+len(startedYourself)+3 <= w {
		out = append(out, widget.Sides(from, p.bold.Render(startedYourself)+" ", w))
	} else {
		out = append(out, from, " "+p.bold.Render(startedYourself))
	}
	if p.flow.Key != "" {
		out = append(out, " "+p.dim.Render("key  ")+widget.Escape(p.flow.Key))
	}
	if p.canRemember() {
		out = append(out, " "+p.remembers())
	}
	return out
}
