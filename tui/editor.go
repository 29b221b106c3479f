package tui

import (
	"context"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/widget"
)

// editorKey handles a key while the editor has the focus.
func (p *workspace) editorKey(k tea.KeyPressMsg) tea.Cmd {
	empty := p.spent || p.editor.Empty()
	switch s := k.String(); {
	case pressed(k, keys.Run):
		return p.submit()
	case s == "enter" && !p.spent && p.editor.AtEnd() && p.runsHere():
		return p.submit()
	case s == "enter" && p.spent:
		return nil
	case pressed(k, keys.Stop):
		p.clearEditor()
		return p.edited()
	case pressed(k, keys.LeaveSQL) && empty, pressed(k, keys.Back) && empty:
		return p.askLeave()
	case pressed(k, keys.Back):
		if p.leaving {
			return p.askLeave()
		}
		p.leaving = true
		return toast("esc again leaves " + p.listing.Name)
	case s == "up" && p.editor.AtTop() && (empty || p.recall >= 0):
		p.goBack(-1)
		return p.edited()
	case s == "down" && p.recall >= 0 && p.editor.AtEnd():
		p.goBack(1)
		return p.edited()
	}
	if _, ok := typed(k); ok {
		p.replaceSpent()
	}
	before := p.editor.Revision()
	p.editor.Key(k)
	p.spent = false
	if p.editor.Revision() == before {
		return nil
	}
	p.recall = -1
	return p.edited()
}

// runsHere reports whether enter ends the statement here: after a semicolon or what
// the language says, and after \x.
func (p *workspace) runsHere() bool {
	s := p.editor.Value()
	return p.lang.ends(s) || strings.TrimSpace(s) == `\x`
}

// replaceSpent empties an editor whose text was run.
func (p *workspace) replaceSpent() {
	if p.spent {
		p.clearEditor()
	}
}

func (p *workspace) clearEditor() {
	p.editor.Set("")
	p.spent, p.recall = false, -1
}

// goBack walks through the history.
func (p *workspace) goBack(d int) {
	n := len(p.history)
	if n == 0 {
		return
	}
	if p.recall < 0 {
		p.recall = n
	}
	p.recall += d
	p.spent = false
	if p.recall >= n {
		p.clearEditor()
		return
	}
	p.recall = max(0, p.recall)
	p.editor.Set(p.history[p.recall])
}

// edited asks for a verdict once the keys rest.
func (p *workspace) edited() tea.Cmd {
	if p.verdict.stop != nil {
		p.verdict.stop() // nobody waits for what is stale
	}
	p.verdict = verdict{seq: p.verdict.seq + 1, rows: p.verdict.rows}
	if p.editor.Empty() {
		p.verdict.rows = 0
	}
	if p.editor.Empty() {
		return nil
	}
	return p.after(judgeDelay, judgeDue{p.verdict.seq})
}

func (p *workspace) judge(seq int) tea.Cmd {
	if seq != p.verdict.seq || p.over {
		return nil
	}
	text, ws := p.editor.Value(), p.ws
	if strings.HasPrefix(strings.TrimSpace(text), `\`) {
		return nil
	}
	ctx, stop := context.WithCancel(p.ctx)
	p.verdict.stop = stop
	return p.doWith(ctx, func(ctx context.Context) tea.Msg {
		defer stop()
		d, f, err := ws.Judge(ctx, text)
		return judgedMsg{verdict{seq: seq, known: true, decision: d, facts: f, err: err}}
	})
}

// submit runs what is in the editor.
func (p *workspace) submit() tea.Cmd {
	text := p.editor.Value()
	switch {
	case p.run != nil:
		return alarm("a " + p.lang.statement + " is still running: ctrl+c cancels it")
	case strings.TrimSpace(text) == "":
		return nil
	case strings.TrimSpace(text) == `\x`:
		p.record.on = !p.record.on
		p.clearEditor()
		return p.edited()
	}
	p.remember(text)
	p.spent, p.recall = true, -1
	return p.execute(text, nil)
}

const maxHistory = 500

// remember adds a statement to the session's history.
func (p *workspace) remember(text string) {
	if n := len(p.history); n > 0 && p.history[n-1] == text {
		return
	}
	p.history = append(p.history, text)
	if len(p.history) > maxHistory {
		p.history = p.history[1:]
	}
}

// askLeave leaves the session, asking first if something would be lost.
func (p *workspace) askLeave() tea.Cmd {
	back := say(backMsg{p.scope})
	if lost := p.busy(); lost != "" {
		return say(confirmMsg{title: "Leave?", lines: []string{lost}, then: back})
	}
	return back
}

// finder searches the history.
type finder struct {
	input widget.Input
	list  widget.List
	all   []string // newest first
	shown []int
}

func (p *workspace) openFinder() tea.Cmd {
	if len(p.history) == 0 {
		return toast("no " + p.lang.statement + " was run in this session yet")
	}
	f := &finder{}
	for i := len(p.history) - 1; i >= 0; i-- {
		f.all = append(f.all, p.history[i])
	}
	f.refilter()
	p.finder = f
	return nil
}

func (f *finder) refilter() {
	f.shown = f.shown[:0]
	words := strings.Fields(strings.ToLower(f.input.Value()))
next:
	for i, s := range f.all {
		s = strings.ToLower(s)
		for _, w := range words {
			if !strings.Contains(s, w) {
				continue next
			}
		}
		f.shown = append(f.shown, i)
	}
	f.list.SetLen(len(f.shown))
}

func (p *workspace) finderKey(k tea.KeyPressMsg) tea.Cmd {
	f := p.finder
	switch s := k.String(); {
	case pressed(k, keys.Back), pressed(k, keys.Stop):
		p.finder = nil
	case s == "enter":
		p.finder = nil
		if i := f.list.Cursor(); i < len(f.shown) {
			p.editor.Set(f.all[f.shown[i]])
			p.spent, p.focus = false, focusEditor
			return p.edited()
		}
	case pressed(k, keys.History):
		f.list.Move(1)
	case f.list.Key(s, false):
	default:
		f.input.Key(k)
		f.refilter()
	}
	return nil
}

func (p *workspace) drawFinder(w, h int) []string {
	f := p.finder
	lines := []string{" " + p.accent.Render("/") + " " + f.input.View(max(2, w-6), p.text, p.cursor)}
	from, to := f.list.Window(max(1, h-3))
	for i := from; i < to; i++ {
		text := widget.Truncate(widget.Escape(strings.Join(strings.Fields(f.all[f.shown[i]]), " ")), max(1, w-5))
		if i == f.list.Cursor() {
			lines = append(lines, p.accent.Render(p.glyphs.pointer)+p.selected.Under(widget.Fit(" "+text, w-3)))
			continue
		}
		lines = append(lines, "  "+text)
	}
	return widget.Box(p.border, p.accent, p.bold.Render("History"), "", lines, w, h)
}
