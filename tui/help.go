package tui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/widget"
)

// explainer is a page with more to its help than its keys.
type explainer interface{ explain() []string }

func (a *App) helpKey(k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "down", "j":
		a.helpTop++
	case "up", "k":
		a.helpTop = max(0, a.helpTop-1)
	case "pgdown", "space":
		a.helpTop += 10
	case "pgup":
		a.helpTop = max(0, a.helpTop-10)
	default:
		a.help = false
	}
	return nil
}

// drawHelp is every key that works on the page, and everywhere.
func (a *App) drawHelp() []string {
	w := min(a.w, 64)
	p := a.top()
	var lines []string
	section := func(title string, bs []key.Binding) {
		lines = append(lines, "", " "+a.bold.Render(title))
		for _, b := range bs {
			h := b.Help()
			lines = append(lines, "   "+a.accent.Render(widget.Fit(a.keyName(h.Key), 16))+h.Desc)
		}
	}
	section(widget.Escape(p.crumb()), p.keys())
	if e, ok := p.(explainer); ok {
		lines = append(lines, "")
		for _, l := range e.explain() {
			for _, part := range widget.Wrap(l, max(1, w-6)) {
				lines = append(lines, "   "+a.dim.Render(part))
			}
		}
	}
	if a.be != nil {
		actions := keys.Palette
		if binds(p, ":") {
			actions = bind("alt+:", actions.Help().Desc, "alt+:")
		}
		section("Everywhere", []key.Binding{keys.Tab1, keys.Tab2, keys.Tab3, keys.Next, keys.Prev, actions, keys.F1, keys.Quit, keys.SignOut})
		lines = append(lines, "   "+a.dim.Render("where you type text: alt+1 to alt+3, alt+:"))
	}
	h := min(a.h, len(lines)+3)
	a.helpTop = max(0, min(a.helpTop, len(lines)-(h-2)))
	foot := ""
	if len(lines) > h-2 {
		foot = a.dim.Render(a.glyphs.more + " more")
	}
	return widget.Box(a.border, a.accent, a.bold.Render("Keys"), foot, lines[a.helpTop:], w, h)
}
