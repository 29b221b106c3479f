package tui

import (
	"fmt"
	"strings"

	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sallyport/sallyport/tui/widget"
)

// noter is a page that has something to say beside the bread crumbs, in at most w
// cells, or in the fewest that it can.
type noter interface{ note(w int) string }

// View draws the whole window.
func (a *App) View() tea.View {
	v := tea.NewView(strings.Join(a.draw(), "\n"))
	v.AltScreen = true
	v.WindowTitle = a.title()
	return v
}

func (a *App) title() string {
	t := "sallyport"
	if p := a.top(); p != nil {
		t += ": " + widget.Escape(p.crumb())
	}
	return t
}

// draw makes exactly h lines of w cells.
func (a *App) draw() []string {
	p := a.top()
	if p == nil {
		return widget.Fill(nil, a.w, a.h)
	}
	head, foot := a.header(), []string(nil)
	if a.h >= 8 {
		foot = make([]string, 1)
	}
	room := max(1, a.h-len(head)-len(foot))
	body := widget.Fill(p.view(a.w, room), a.w, room)
	if len(foot) > 0 {
		foot[0] = a.footer(p) // after the page is laid out, which its keys may hang on
	}
	lines := append(append(head, body...), foot...)
	if a.toast != nil { // it covers the keys for a while, and of the page what an error needs
		t := a.drawToast(*a.toast)
		copy(lines[len(lines)-len(t):], t)
	}
	switch {
	case a.confirm != nil:
		lines = a.overlay(lines, a.drawConfirm())
	case a.help:
		lines = a.overlay(lines, a.drawHelp())
	case a.actions != nil:
		lines = a.overlay(lines, a.drawActions())
	}
	lines = widget.Fill(lines, a.w, a.h)
	if asciiTerm(a.o.Term) {
		for i := range lines {
			lines[i] = toASCII.Replace(lines[i])
		}
	}
	return lines
}

// toASCII replaces the signs that are not drawn through glyphs.
var toASCII = strings.NewReplacer(widget.Ellipsis, "~", "⏎", "<", "╋", "+", "┼", "+")

// header is the tabs and a rule that marks the one that is seen; on small windows
// a single line, on tiny ones nothing.
func (a *App) header() []string {
	if a.h < 6 {
		return nil
	}
	if a.small {
		return []string{a.smallHeader()}
	}
	left := " " + a.brand.Render(a.glyphs.mark+" sallyport")
	if a.be != nil && a.w < 72 {
		left = " " + a.brand.Render(a.glyphs.mark) // who one is here tells more
	}
	from, to := 0, 0
	if a.be != nil {
		left += "  "
		for i, name := range tabNames {
			left += " "
			start := widget.Width(left)
			left += a.tabLabel(i, name)
			if i == a.tab {
				from, to = start, widget.Width(left)
			}
			left += " "
		}
	}
	rule := a.faint.Render(widget.Rule(a.glyphs.rule, from)) +
		a.accent.Render(widget.Rule(a.glyphs.heavy, to-from)) +
		a.faint.Render(widget.Rule(a.glyphs.rule, a.w-to))
	who := a.who() + " "
	if room := a.w - widget.Width(left) - 1; widget.Width(who) > room { // the tabs come first
		name, _, _ := strings.Cut(a.me.Display(), "@")
		who = widget.Escape(name) + " "
	}
	if room := a.w - widget.Width(left) - 1; widget.Width(who) > room {
		who = widget.Truncate(who, max(0, room))
	}
	out := []string{widget.Sides(left, who, a.w), rule}
	if a.be != nil && len(a.stacks[a.tab]) > 1 {
		out = append(out, a.crumbs())
	}
	return out
}

func (a *App) tabLabel(i int, name string) string {
	num, label := fmt.Sprint(i+1), name
	style := a.dim
	if i == a.tab {
		style = a.bold
	}
	s := a.accent.Render(num) + " " + style.Render(label)
	if n := a.desk.waiting(); i == 1 && n > 0 {
		s += " " + a.button.Render(fmt.Sprintf(" %d ", n))
	}
	return s
}

// who is the right side of the header.
func (a *App) who() string {
	site := widget.Escape(a.o.Site)
	if a.be == nil {
		return a.dim.Render(site)
	}
	name := widget.Truncate(widget.Escape(a.me.Display()), 32)
	if a.w >= 110 && site != "" {
		return a.dim.Render(site+" "+a.glyphs.bullet) + " " + name
	}
	return name
}

func (a *App) smallHeader() string {
	if a.be == nil {
		return widget.Fit(a.brand.Render(a.glyphs.mark+" sallyport"), a.w)
	}
	s := a.stacks[a.tab]
	name := a.accent.Render(fmt.Sprint(a.tab+1)) + " " + a.bold.Render(tabNames[a.tab])
	if len(s) > 1 {
		name = a.bold.Render(widget.Escape(s[len(s)-1].crumb()))
	}
	right := ""
	if n, ok := a.top().(noter); ok {
		if note := n.note(a.w - widget.Width(name) - 3); widget.Width(name)+widget.Width(note)+3 <= a.w {
			right = note + " "
		}
	}
	if n := a.desk.waiting(); n > 0 {
		right = a.button.Render(fmt.Sprintf(" %d to approve ", n))
	}
	return widget.Sides(" "+name, right, a.w)
}

// crumbs is the way here.
func (a *App) crumbs() string {
	s := a.stacks[a.tab]
	parts := []string{a.dim.Render(tabNames[a.tab])}
	for _, p := range s[1:] {
		parts = append(parts, a.bold.Render(widget.Escape(p.crumb())))
	}
	way := func() string { return " " + strings.Join(parts, a.faint.Render(" "+a.glyphs.crumb+" ")) }
	right := ""
	if n, ok := s[len(s)-1].(noter); ok {
		right = n.note(a.w-widget.Width(way())-2) + " "
	}
	for len(parts) > 2 && widget.Width(way())+1+widget.Width(right) > a.w {
		parts = append([]string{a.dim.Render(widget.Ellipsis)}, parts[2:]...) // where one is matters most
	}
	return widget.Sides(way(), right, a.w)
}

// footer is the page's keys, as many as fit.
func (a *App) footer(p page) string {
	more := a.hint(keys.Help)
	if p.typing() {
		more = a.hint(keys.F1)
	}
	s := ""
	room := a.w - 2 - widget.Width(more)
	for _, b := range p.keys() {
		if !b.Enabled() {
			continue
		}
		h := a.hint(b)
		if widget.Width(s)+widget.Width(h)+2 > room {
			break
		}
		s += " " + h + " "
	}
	return widget.Sides(s, more+" ", a.w)
}

func (a *App) hint(b key.Binding) string {
	h := b.Help()
	return a.accent.Render(a.keyName(h.Key)) + " " + a.dim.Render(h.Desc)
}

// keyName is a key's name in glyphs that the terminal has.
func (a *App) keyName(s string) string {
	if !asciiTerm(a.o.Term) {
		return s
	}
	return strings.NewReplacer("↑↓←→", "arrows", "↑/↓", "up/down", "←/→", "left/right", "↑", "up").Replace(s)
}

// drawToast is a line; an error that needs more has up to four, but half the window.
func (a *App) drawToast(m toastMsg) []string {
	style, sign := a.accent, a.glyphs.bullet
	switch {
	case m.bad:
		style, sign = a.danger, a.glyphs.no
	case m.good:
		style, sign = a.ok, a.glyphs.yes
	}
	room := max(1, a.w-6)
	text := widget.Escape(m.text)
	if !m.bad || widget.Width(text) <= room {
		return []string{widget.FitRight(style.Render(sign)+" "+a.bold.Render(widget.Truncate(text, room))+"  ", a.w)}
	}
	var out []string
	for i, l := range wrapAtMost(text, room, max(1, min(4, a.h/2))) {
		first := "  "
		if i == 0 {
			first = style.Render(sign) + " "
		}
		out = append(out, widget.Fit("  "+first+a.bold.Render(l), a.w))
	}
	return out
}

// overlay lays a box over the middle of the window.
func (a *App) overlay(lines, box []string) []string {
	lines = widget.Fill(lines, a.w, a.h)
	if len(box) == 0 {
		return lines
	}
	bw := widget.Width(box[0])
	x, y := max(0, (a.w-bw)/2), max(0, (a.h-len(box))/2)
	for i, b := range box {
		if y+i >= len(lines) {
			break
		}
		under := lines[y+i]
		lines[y+i] = widget.Fit(ansi.TruncateWc(under, x, ""), x) + b + ansi.TruncateLeftWc(under, x+bw, "")
	}
	return lines
}

func (a *App) drawConfirm() []string {
	c := a.confirm
	w := min(a.w, 60)
	var lines []string
	for _, l := range c.lines {
		for _, part := range widget.Wrap(widget.Escape(l), max(1, w-4)) {
			lines = append(lines, " "+part)
		}
	}
	lines = append(lines, "", " "+a.hint(keys.Yes)+"   "+a.hint(keys.No))
	if !a.small {
		lines = append(append([]string{""}, lines...), "")
	}
	return widget.Box(a.border, a.accent, a.bold.Render(c.title), "", lines, w, min(a.h, len(lines)+2))
}
