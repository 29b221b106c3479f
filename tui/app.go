package tui

import (
	"context"
	"image/color"
	"slices"
	"time"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
)

var tabNames = [...]string{"Resources", "Approvals", "Transcripts"}

// App is the root model. It outlives its tea.Program: when a program ended with
// Next().Attach, the server attaches the terminal and then runs a new program
// with the same App, which is where it was before.
type App struct {
	*env
	stop context.CancelFunc
	self *scope // of the watch on approvals; a new one per program

	w, h    int
	dark    bool
	profile colorprofile.Profile

	next   Next
	ran    bool
	stacks [][]page // per tab; before sign-in the first holds the sign-in page
	tab    int

	confirm *confirmMsg
	actions *actions // the palette that is open, nil for none
	help    bool
	helpTop int
	toast   *toastMsg
	toastN  int
	beatN   int
	beatDue time.Time
}

// Init starts the pages, or starts them again in a new program.
func (a *App) Init() tea.Cmd {
	a.next, a.beatDue = Next{}, time.Time{}
	a.self.stop(errLeft)
	a.self = newScope(a.root)
	cmds := []tea.Cmd{tea.RequestBackgroundColor, tea.RequestCapability("RGB")}
	if !a.ran && a.o.Notice != "" {
		a.toast = &toastMsg{text: a.o.Notice}
	}
	a.ran = true
	if a.toast != nil {
		cmds = append(cmds, a.showToast(*a.toast))
	}
	for _, stack := range a.stacks {
		for _, p := range stack {
			cmds = append(cmds, p.start())
		}
	}
	if a.be != nil {
		cmds = append(cmds, a.watch())
	}
	cmds = append(cmds, a.schedule())
	return tea.Batch(cmds...)
}

// enter makes the app that of a signed-in person.
func (a *App) enter(b Backend) {
	a.be, a.me = b, b.Identity()
	a.desk.me = a.me
	for _, stack := range a.stacks {
		for _, p := range stack {
			p.leave()
		}
	}
	a.stacks = [][]page{{newPicker(a.env)}, {newApprovals(a.env)}, {newTranscripts(a.env)}}
	a.tab = 0
}

func (a *App) resize(w, h int) {
	if w <= 0 || h <= 0 {
		w, h = 80, 24
	}
	a.w, a.h = w, h
	a.small = w < 60 || h < 18
}

// restyle picks the theme for what the terminal has told so far.
func (a *App) restyle() {
	p := a.profile
	if a.o.NoColor {
		p = min(p, colorprofile.ASCII)
	}
	a.theme = newTheme(p, a.dark, asciiTerm(a.o.Term))
}

// top is the page that is seen, nil for none.
func (a *App) top() page {
	s := a.stacks[a.tab]
	if len(s) == 0 {
		return nil
	}
	return s[len(s)-1]
}

// Update handles one message.
func (a *App) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := a.handle(msg)
	return a, tea.Batch(cmd, a.schedule())
}

func (a *App) handle(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case tea.WindowSizeMsg:
		a.resize(m.Width, m.Height)
	case tea.BackgroundColorMsg:
		a.dark = isDark(m.Color)
		a.restyle()
	case tea.ColorProfileMsg:
		a.profile = m.Profile
		a.restyle()
	case tea.KeyPressMsg:
		return a.key(m)
	case tea.PasteMsg:
		if a.actions != nil {
			a.actions.filter.Insert(m.Content)
			a.actions.refilter()
			return nil
		}
		if a.confirm == nil && !a.help && a.top() != nil {
			return a.top().update(m)
		}
	case delivery:
		return a.deliver(m)
	default:
		return a.said(msg)
	}
	return nil
}

func isDark(c color.Color) bool {
	if c == nil {
		return true
	}
	r, g, b, _ := c.RGBA()
	return 299*r+587*g+114*b < 1000*0x8000
}

// said handles what pages say.
func (a *App) said(msg tea.Msg) tea.Cmd {
	switch m := msg.(type) {
	case enteredMsg:
		a.enter(m.backend)
		cmds := []tea.Cmd{a.watch()}
		for _, s := range a.stacks {
			cmds = append(cmds, s[0].start())
		}
		return tea.Batch(cmds...)
	case pushMsg:
		a.stacks[a.tab] = append(a.stacks[a.tab], m.page)
		return m.page.start()
	case backMsg:
		return a.back(m.from)
	case toastMsg:
		return a.showToast(m)
	case toastOver:
		if m.n == a.toastN {
			a.toast = nil
		}
	case confirmMsg:
		a.confirm = &m
	case attachMsg:
		a.next = Next{Attach: m.resource, Line: m.line}
		return tea.Quit
	case signOutMsg:
		a.next = Next{SignOut: true}
		return tea.Quit
	case quitMsg:
		return a.quit()
	case beatMsg:
		if m.n == a.beatN {
			a.beatDue = time.Time{}
			a.spin++
			if p := a.top(); p != nil {
				return p.update(m)
			}
		}
	}
	return nil
}

type (
	signOutMsg struct{}
	toastOver  struct{ n int }
)

// deliver brings a result to the page that asked, if it is still there.
func (a *App) deliver(d delivery) tea.Cmd {
	if d.msg == nil {
		return nil
	}
	if d.to == a.self {
		return a.watched(d.msg)
	}
	for _, stack := range a.stacks {
		for _, p := range stack {
			if p.in() == d.to {
				return p.update(d.msg)
			}
		}
	}
	if x, ok := d.msg.(discarder); ok {
		return func() tea.Msg { x.discard(); return nil }
	}
	return nil
}

// back leaves the page with the scope; the last page of a tab stays.
func (a *App) back(from *scope) tea.Cmd {
	for i, stack := range a.stacks {
		if n := len(stack); n > 1 && stack[n-1].in() == from {
			a.stacks[i] = stack[:n-1]
			return inTurn(stack[n-1].leave(), stack[n-2].start())
		}
	}
	return nil
}

// quit ends the program, asking first if something would be lost.
func (a *App) quit() tea.Cmd {
	var lost []string
	for _, stack := range a.stacks {
		for _, p := range stack {
			if b := p.busy(); b != "" {
				lost = append(lost, b)
			}
		}
	}
	if len(lost) == 0 {
		return tea.Quit
	}
	a.confirm = &confirmMsg{title: "Quit?", lines: lost, then: tea.Quit}
	return nil
}

// showToast shows a line for a while; bad news stays longer.
func (a *App) showToast(m toastMsg) tea.Cmd {
	a.toast = &m
	a.toastN++
	n, d := a.toastN, 5*time.Second
	if m.bad {
		d = 20 * time.Second
	}
	return tea.Tick(d, func(time.Time) tea.Msg { return toastOver{n} })
}

// schedule keeps one ticker running, as fast as the seen page wants, and none
// where nothing moves.
func (a *App) schedule() tea.Cmd {
	p := a.top()
	if p == nil {
		return nil
	}
	want := p.beat()
	if want <= 0 {
		return nil
	}
	due := time.Now().Add(want)
	if !a.beatDue.IsZero() && !due.Before(a.beatDue) {
		return nil
	}
	a.beatDue = due
	a.beatN++
	n := a.beatN
	return tea.Tick(want, func(time.Time) tea.Msg { return beatMsg{n} })
}

// key handles a key: the question first, then the help, the page, and what is
// left over.
func (a *App) key(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case a.confirm != nil:
		return a.answer(k)
	case a.help:
		return a.helpKey(k)
	case a.actions != nil:
		return a.actionsKey(k)
	}
	p := a.top()
	if p == nil {
		return nil
	}
	if a.toast != nil && a.toast.bad {
		a.toast = nil // read, for a key was pressed
	}
	if cmd, ok := a.global(k, p); ok {
		return cmd
	}
	return p.update(k)
}

func (a *App) answer(k tea.KeyPressMsg) tea.Cmd {
	c := a.confirm
	switch {
	case pressed(k, keys.Yes):
		a.confirm = nil
		return c.then
	case pressed(k, keys.No):
		a.confirm = nil
	}
	return nil
}

// global handles the keys that work everywhere; plain ones not where the page
// takes them as text.
func (a *App) global(k tea.KeyPressMsg, p page) (tea.Cmd, bool) {
	text := p.typing()
	_, printable := typed(k)
	if text && printable {
		return nil, false
	}
	switch {
	case pressed(k, keys.Help), pressed(k, keys.F1):
		a.help, a.helpTop = true, 0
		return nil, true
	case a.be == nil:
		return nil, false
	}
	for i := range tabNames {
		if pressed(k, tabKey(i)) {
			return a.goTab(i), true
		}
	}
	n := len(a.stacks)
	switch {
	case k.String() == "alt+:", pressed(k, keys.Palette) && !binds(p, ":"):
		a.openActions(p)
		return nil, true
	case pressed(k, keys.Next):
		return a.goTab((a.tab + 1) % n), true
	case pressed(k, keys.Prev):
		return a.goTab((a.tab + n - 1) % n), true
	case len(a.stacks[a.tab]) > 1 || text:
		return nil, false
	case pressed(k, keys.Quit), pressed(k, keys.Leave):
		return a.quit(), true
	case pressed(k, keys.SignOut):
		return a.askSignOut(), true
	}
	return nil, false
}

func (a *App) askSignOut() tea.Cmd {
	a.confirm = &confirmMsg{title: "Sign out?", lines: []string{
		"The SSH key of this connection is forgotten:", "the next sign-in needs the browser again."}, then: say(signOutMsg{})}
	return nil
}

// binds reports whether the page takes the key for itself now.
func binds(p page, k string) bool {
	return slices.ContainsFunc(p.keys(), func(b key.Binding) bool { return b.Enabled() && slices.Contains(b.Keys(), k) })
}

// goTab shows a tab; lists are loaded anew when they come up.
func (a *App) goTab(i int) tea.Cmd {
	a.tab = i
	if p := a.top(); p != nil && len(a.stacks[i]) == 1 {
		return p.start()
	}
	return nil
}
