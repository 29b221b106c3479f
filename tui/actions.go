package tui

import (
	"slices"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/widget"
)

// actions is what can be done on the seen page and everywhere, to be found by its
// words. What is chosen is done as by its key.
type actions struct {
	all    []action
	items  []widget.Item
	shown  []int
	list   widget.List
	filter widget.Input
}

// action is one thing that can be done; do is called after the palette is gone.
type action struct {
	key, does string
	do        func() tea.Cmd
}

// openActions shows the palette for the page.
func (a *App) openActions(p page) {
	x := &actions{}
	for _, b := range p.keys() {
		if k, ok := alone(b); ok && !(p.typing() && k.Text != "") {
			x.all = append(x.all, action{b.Help().Key, b.Help().Desc, func() tea.Cmd { return a.key(k) }})
		}
	}
	alt := 0
	if p.typing() {
		alt = 1
	}
	for i, name := range tabNames {
		if i != a.tab {
			x.all = append(x.all, action{tabKey(i).Keys()[alt], "go to " + strings.ToLower(name), func() tea.Cmd { return a.goTab(i) }})
		}
	}
	x.everywhere(a, p)
	for _, y := range x.all {
		x.items = append(x.items, widget.NewItem(y.does, map[string]string{"key": y.key}))
	}
	x.refilter()
	a.actions = x
}

// everywhere adds what no page has of its own.
func (x *actions) everywhere(a *App, p page) {
	add := func(b key.Binding, does string, works bool, do func() tea.Cmd) {
		name := b.Help().Key
		if slices.ContainsFunc(x.all, func(y action) bool { return works && y.key == name }) {
			return // the page tells of it
		}
		if !works {
			name = ""
		}
		x.all = append(x.all, action{name, does, do})
	}
	help := keys.Help
	if p.typing() {
		help = keys.F1
	}
	plain := !p.typing() && len(a.stacks[a.tab]) == 1
	add(help, "help", true, func() tea.Cmd { a.help, a.helpTop = true, 0; return nil })
	add(keys.SignOut, "sign out", plain, a.askSignOut)
	add(keys.Quit, "quit sallyport", plain, a.quit)
}

func (p *actions) refilter() {
	p.shown = widget.ParseFilter(p.filter.Value()).Apply(p.items)
	p.list.SetLen(len(p.shown))
}

// actionsKey handles a key while the palette is open.
func (a *App) actionsKey(k tea.KeyPressMsg) tea.Cmd {
	p := a.actions
	switch {
	case pressed(k, keys.Back), pressed(k, keys.Leave):
		a.actions = nil
		return nil
	case pressed(k, keys.Enter):
		if len(p.shown) == 0 {
			return nil
		}
		a.actions = nil
		return p.all[p.shown[p.list.Cursor()]].do()
	case k.String() == "backspace" && p.filter.Value() == "":
		a.actions = nil
		return nil
	case p.list.Key(k.String(), false):
		return nil
	case p.filter.Key(k):
		p.list.Go(0)
		p.refilter()
	}
	return nil
}

// drawActions is the words that are typed and what they find.
func (a *App) drawActions() []string {
	p, w := a.actions, min(a.w, 52)
	h := min(a.h, min(len(p.all), 12)+3)
	lines := []string{" " + a.accent.Render(":") + " " + p.filter.View(max(2, w-6), a.text, a.cursor)}
	from, to := p.list.Window(h - 3)
	for i := from; i < to; i++ {
		x := p.all[p.shown[i]]
		point, does := " ", x.does
		if i == p.list.Cursor() {
			point, does = a.accent.Render(a.glyphs.pointer), a.bold.Render(does)
		}
		line := widget.Sides(" "+does, a.dim.Render(a.keyName(x.key))+" ", w-3)
		if i == p.list.Cursor() {
			line = a.selected.Under(line)
		}
		lines = append(lines, point+line)
	}
	if len(p.shown) == 0 {
		lines = append(lines, "  "+a.dim.Render("nothing here is called that"))
	}
	foot := a.dim.Render("enter does it, esc leaves")
	return widget.Box(a.border, a.accent, a.bold.Render("Actions"), foot, lines, w, h)
}

// alone is the key of a binding that is one thing to do: not a pair of directions,
// nor what only moves.
func alone(b key.Binding) (k tea.KeyPressMsg, ok bool) {
	shown := b.Help().Key
	if !b.Enabled() || shown != "/" && strings.ContainsAny(shown, "/↑↓←→") {
		return k, false
	}
	for _, name := range b.Keys() {
		if k, ok = keyOf(name); ok {
			return k, true
		}
	}
	return k, false
}

var keyCodes = map[string]rune{
	"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown, "left": tea.KeyLeft, "right": tea.KeyRight,
	"home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "f1": tea.KeyF1, "f2": tea.KeyF2, "f5": tea.KeyF5,
}

// keyOf is the key press with that name; see pressed.
func keyOf(name string) (tea.KeyPressMsg, bool) {
	var mod tea.KeyMod
	for prefix, m := range map[string]tea.KeyMod{"ctrl+": tea.ModCtrl, "alt+": tea.ModAlt} {
		if rest, ok := strings.CutPrefix(name, prefix); ok && rest != "" {
			name, mod = rest, m
		}
	}
	if c, ok := keyCodes[name]; ok {
		return tea.KeyPressMsg{Code: c, Mod: mod}, true
	}
	if name == "space" {
		name = " "
	}
	r := []rune(name)
	switch {
	case len(r) != 1:
		return tea.KeyPressMsg{}, false
	case mod != 0:
		return tea.KeyPressMsg{Code: r[0], Mod: mod}, true
	}
	return tea.KeyPressMsg{Code: r[0], Text: name}, true
}
