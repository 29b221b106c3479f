package tui

import (
	"errors"
	"strings"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// view lays out the workspace: tables at the left, the editor with its verdict,
// the result and its status.
func (p *workspace) view(w, h int) []string {
	if p.over {
		return p.drawOver(w, h)
	}
	tw := p.tablesWidth(w)
	p.screen.seen = tw > 0
	main := p.drawMain(w-tw, h)
	if tw == 0 {
		return main
	}
	return widget.Beside(p.drawTables(tw, h), "", main)
}

// tablesWidth is how wide the list of tables is: on narrow windows it makes room
// for a result.
func (p *workspace) tablesWidth(w int) int {
	busy := p.run != nil || p.ask != nil || p.answer != nil || p.why != nil
	switch {
	case !p.screen.schema || p.small:
		return 0
	case w >= 160:
		return 36
	case w >= 110:
		return 30
	case w >= 60 && (!busy || p.focus == focusTables):
		return 25
	}
	return 0
}

func (p *workspace) drawMain(w, h int) []string {
	var out []string
	if p.small {
		n := max(1, min(p.editor.Lines(max(1, w-3)), h/3))
		out = p.drawPlainEditor(w, n)
	} else {
		least := 3
		if p.run != nil || p.ask != nil || p.answer != nil || p.why != nil {
			least = 1 // the result needs the room more
		}
		n := max(least, min(p.editor.Lines(max(1, w-5)), h/3))
		out = p.drawEditor(w, n+2)
	}
	if h-len(out) > 1 && !(p.small && (p.spent || p.ask != nil)) {
		for _, l := range p.drawVerdict(w) {
			out = append(out, widget.Fit(l, w))
		}
	}
	if room := h - len(out); room > 0 {
		out = append(out, p.drawResult(w, room)...)
	}
	return widget.Fill(out, w, h)
}

func (p *workspace) drawEditor(w, h int) []string {
	focused := p.focus == focusEditor && p.ask == nil && p.finder == nil && p.cell == nil && p.mask == nil
	style := p.faint
	if focused {
		style = p.accent
	}
	foot := ""
	if p.spent {
		foot = p.dim.Render("type to replace, arrows to edit")
	}
	lines := p.editorLines(w-3, h-2, focused)
	for i := range lines {
		lines[i] = " " + lines[i]
	}
	return widget.Box(p.border, style, p.bold.Render(p.lang.name), foot, lines, w, h)
}

// drawPlainEditor is the editor without a frame, for small windows.
func (p *workspace) drawPlainEditor(w, h int) []string {
	lines := p.editorLines(w-2, h, p.focus == focusEditor)
	for i := range lines {
		lines[i] = p.accent.Render(p.glyphs.crumb) + " " + lines[i]
	}
	return lines
}

func (p *workspace) editorLines(w, h int, focused bool) []string {
	styles := p.sql
	if p.spent {
		styles = [7]widget.Style{}
		for i := range styles {
			styles[i] = p.dim
		}
	}
	if p.editor.Value() == "" {
		out := widget.Fill(nil, w, h)
		cursor := ""
		if focused {
			cursor = p.cursor.Render(" ")
		}
		example := p.lang.example
		if asciiTerm(p.o.Term) {
			example = strings.ReplaceAll(example, widget.Ellipsis, "...")
		}
		out[0] = widget.Fit(cursor+p.dim.Render(example), w)
		return out
	}
	return p.editor.View(w, h, styles, p.cursor, focused && !p.spent)
}

// drawVerdict says what the gate would do with the text.
func (p *workspace) drawVerdict(w int) []string {
	most := 2
	switch {
	case p.completing() && p.focus == focusEditor && !p.spent:
		return []string{p.drawCompletions(w)}
	case p.spent || p.ask != nil || p.editor.Empty():
		return []string{""}
	case p.small:
		most = 1
	case p.answer == nil: // nothing below needs the room
		most = 5
	}
	return p.verdict.steady(p.verdictLines(p.verdict, w, most), most)
}

// steady keeps what is below from moving at every key: while a text is judged, the
// line takes the room of the verdict before.
func (v *verdict) steady(lines []string, most int) []string {
	if v.known {
		v.rows = len(lines)
	}
	for len(lines) < min(v.rows, most) {
		lines = append(lines, "")
	}
	return lines
}

// verdictLines are a verdict in at most so many lines.
func (p *env) verdictLines(v verdict, w, most int) []string {
	switch {
	case !v.known:
		return []string{" " + p.dim.Render(widget.Ellipsis)}
	case v.err != nil:
		return []string{" " + p.dim.Render(p.glyphs.ask+" "+widget.Truncate(widget.Escape(v.err.Error()), max(1, w-4)))}
	}
	d := v.decision
	what := shortFacts(v.facts)
	if rows := estimate(v.facts); rows != "" {
		what += ", " + rows
	}
	var line string
	switch d.Effect {
	case policy.Allow:
		line = p.ok.Render(p.glyphs.yes+" allowed") + " by rule " + p.bold.Render(widget.Escape(d.Rule)) + p.dim.Render(prefix(": ", what))
	case policy.Approve:
		line = p.warn.Render(p.glyphs.ask+" needs approval") + " from " + people(d.Need) + p.bold.Render(escapeAll(d.Approvers, " or ")) + prefix(": ", what)
	default:
		line = p.danger.Render(p.glyphs.no+" denied") + " by rule " + p.bold.Render(widget.Escape(d.Rule)) + because(d.Reason)
	}
	return indent(wrapAtMost(line, max(1, w-2), most), 1)
}

// wrapAtMost wraps to at most n lines; what is left over is cut from the last.
func wrapAtMost(line string, w, n int) []string {
	out := widget.Wrap(line, w)
	if len(out) <= n {
		return out
	}
	rest := strings.Join(out[n-1:], " ")
	return append(out[:n-1:n-1], widget.Truncate(rest, w))
}

// people is how many must say yes, where it is more than one.
func people(n int) string {
	if n > 1 {
		return need(n)
	}
	return ""
}

func prefix(pre, s string) string {
	if s == "" {
		return ""
	}
	return pre + s
}

// shortFacts is the facts in a few words: the reason, or the verb and the tables.
func shortFacts(f policy.Facts) string {
	what := widget.Escape(f.Why)
	if what == "" {
		what = widget.Escape(f.Verb)
	}
	var names []string
	for _, t := range f.Tables {
		names = append(names, widget.Escape(t.Name))
	}
	if len(names) > 0 && !strings.Contains(what, " on ") {
		what += " on " + strings.Join(names, ", ")
	}
	return strings.TrimSpace(what)
}

// maxPanel is how wide a panel of prose gets.
const maxPanel = 84

func (p *workspace) drawResult(w, h int) []string {
	switch {
	case p.cell != nil:
		return p.drawCellView(w, h)
	case p.mask != nil:
		return p.drawMask(min(w, maxPanel), h)
	case p.why != nil:
		return p.drawWhy(min(w, 100), h)
	case p.finder != nil:
		return p.drawFinder(w, min(h, max(6, len(p.finder.shown)+3)))
	case p.ask != nil:
		return p.drawAsk(min(w, maxPanel), h)
	case p.run != nil:
		return []string{"", p.drawRunning()}
	case p.answer == nil:
		return p.drawIdle(w)
	case p.answer.err != nil && p.answer.grid.Len() == 0:
		return p.failure(min(w, maxPanel))
	}
	return p.drawAnswer(w, h)
}

func (p *workspace) drawRunning() string {
	d := p.now().Sub(p.run.began)
	line := " " + p.spinner() + " running"
	if p.run.cancelled {
		line = " " + p.spinner() + " cancelling"
	}
	if d >= 1e9 {
		line += "  " + clock(d)
	}
	return line + p.dim.Render("   ctrl+c cancels")
}

func (p *workspace) drawIdle(w int) []string {
	var out []string
	text := "Every " + p.lang.statement + " is judged before it runs, and recorded, with its keys and its masked answer."
	for _, s := range widget.Wrap(text, max(1, w-2)) {
		out = append(out, " "+p.dim.Render(s))
	}
	return append([]string{""}, out...)
}

func (p *workspace) drawAnswer(w, h int) []string {
	a := p.answer
	status, most := []string{}, 2 // lines of a notice
	if p.small {
		most = 1
	}
	for _, n := range a.notices[max(0, len(a.notices)-3):] {
		for i, l := range wrapAtMost(widget.Escape(n), max(1, w-4), most) {
			sign := " "
			if i == 0 {
				sign = p.glyphs.bullet
			}
			status = append(status, " "+p.dim.Render(sign+" "+l))
		}
	}
	if a.err != nil {
		status = append(status, " "+p.danger.Render(p.glyphs.no+" "+widget.Truncate(widget.Escape(a.err.Error()), max(1, w-4))))
	}
	status = append(status, p.status(w))
	if !a.rows() {
		sign := " " + p.ok.Render(p.glyphs.yes)
		return append([]string{"", sign + status[len(status)-1]}, status[:len(status)-1]...)
	}
	room := max(0, h-len(status))
	var grid []string
	if p.record.on {
		grid = p.recordView(w, room)
	} else {
		grid = a.grid.View(w, room, &p.grid, p.focus == focusGrid)
		if a.grid.Len() == 0 && room > 2 {
			grid[2] = widget.Fit(p.dim.Render(" no rows"), w)
		}
	}
	status[len(status)-1] = p.status(w) // what is seen of the grid is known by now
	return append(grid, status...)
}

// drawOver says why the session has ended.
func (p *workspace) drawOver(w, h int) []string { return p.drawEnded(p.ended, w, h) }

// drawEnded says why a session has ended.
func (p *env) drawEnded(ended error, w, h int) []string {
	why := "it was closed"
	if ended != nil {
		why = errorText(ended)
		var r *policy.Refusal
		if errors.As(ended, &r) {
			t, b, _ := refused(r)
			why = t + ": " + b
		}
	}
	bw := min(w, 70)
	lines := []string{""}
	for _, s := range widget.Wrap(why, max(1, bw-4)) {
		lines = append(lines, " "+s)
	}
	lines = append(lines, "", " "+p.dim.Render("What ran until now is in the transcript. Any key goes back."), "")
	box := widget.Box(p.border, p.danger, p.danger.Render(p.glyphs.no)+" "+p.bold.Render("The session has ended"), "", lines, bw, min(h, len(lines)+2))
	out := make([]string, max(0, (h-len(box))/3))
	for _, l := range box {
		out = append(out, widget.Center(l, w))
	}
	return out
}
