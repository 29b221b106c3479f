package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// answer is what came of a statement: rows, a tag, or an error.
type answer struct {
	text    string
	stream  *stream
	columns []connectors.Column
	grid    widget.Grid
	sum     connectors.Summary
	notices []string
	err     error
	took    time.Duration

	done, fetching bool
	toEnd          bool  // G: fetch all
	cancelled      bool  // by ctrl+c
	want           int64 // rows to have
}

const maxNotices = 20

func (a *answer) notice(ns []string) {
	a.notices = append(a.notices, ns...)
	if n := len(a.notices); n > maxNotices {
		a.notices = a.notices[n-maxNotices:]
	}
}

// rows reports whether there is a grid to look at.
func (a *answer) rows() bool { return len(a.grid.Columns) > 0 }

// gridKey handles a key while the result has the focus.
func (p *workspace) gridKey(k tea.KeyPressMsg) tea.Cmd {
	a := p.answer
	if a == nil {
		p.focus = focusEditor
		return nil
	}
	switch s := k.String(); {
	case a.toEnd && pressed(k, keys.Back):
		a.toEnd = false
		return nil
	case pressed(k, keys.Editor):
		p.focus = focusEditor
		return nil
	case s == "q", pressed(k, keys.LeaveSQL):
		return p.askLeave()
	case pressed(k, keys.Masks):
		return p.openMask()
	case pressed(k, keys.Record):
		p.record = !p.record
		return nil
	case pressed(k, keys.Enter):
		p.openCell()
		return nil
	case pressed(k, keys.ToEnd):
		a.grid.Key(s)
		a.toEnd = !a.done
		return p.fetch()
	case p.record && (s == "n" || s == "p"):
		a.grid.Move(map[string]int64{"n": 1, "p": -1}[s], 0)
	default:
		a.grid.Key(s)
	}
	row, _ := a.grid.Cursor()
	if need := row + aheadRows; need > a.grid.Len() {
		a.want = need
	}
	return p.fetch()
}

// status is the line below the result.
func (p *workspace) status() string {
	a := p.answer
	if a == nil || a.err != nil && !a.rows() {
		return ""
	}
	sep := p.faint.Render(" " + p.glyphs.bullet + " ")
	var parts []string
	switch {
	case a.rows() && a.toEnd:
		parts = append(parts, p.spinner()+" "+count(a.grid.Len(), "row")+", going to the end, esc stops")
	case a.rows() && !a.done:
		parts = append(parts, count(a.grid.Len(), "row")+" so far")
	case a.rows():
		parts = append(parts, count(a.grid.Len(), "row"))
	case a.sum.Affected > 0 || a.sum.Affected == 0 && a.sum.Tag != "":
		parts = append(parts, count(a.sum.Affected, "row")+" affected")
	}
	if a.sum.Tag != "" && !a.rows() {
		parts = append(parts, widget.Escape(a.sum.Tag))
	}
	if a.sum.Masked > 0 {
		parts = append(parts, p.masked.Render(p.glyphs.mask+" "+count(a.sum.Masked, "cell")+" masked"))
	}
	if a.sum.Withheld > 0 {
		parts = append(parts, p.withheld.Render(p.glyphs.withheld+" "+count(a.sum.Withheld, "cell")+" withheld"))
	}
	if a.sum.Cut {
		parts = append(parts, p.warn.Render("cut by "+widget.Escape(p.answer.cutBy())))
	}
	if n := a.grid.Forgotten(); n > 0 {
		parts = append(parts, p.warn.Render("the first "+number(n)+" scrolled out, run again to see them"))
	}
	if a.cancelled {
		parts = append(parts, p.warn.Render("cancelled"))
	}
	parts = append(parts, p.dim.Render(elapsed(a.took)))
	return " " + strings.Join(parts, sep)
}

// cutBy is what ended the answer early.
func (a *answer) cutBy() string {
	if a.stream != nil {
		if c, ok := a.stream.a.(Cutter); ok {
			return c.CutBy()
		}
	}
	return "the row limit"
}

func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// number writes a number in groups of three.
func number(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func elapsed(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return lasted(d)
}

// failure is an error of a statement, in place: what happened, by whom or which
// rule, and what to do.
func (p *workspace) failure(w int) []string {
	a := p.answer
	title, body, hint := "The statement failed", errorText(a.err), ""
	style := p.danger
	var refusal *policy.Refusal
	var target *connectors.TargetError
	switch {
	case errors.As(a.err, &refusal) && a.cancelled && refusal.By == "":
		title, body, style = "Withdrawn", "the request was withdrawn, nothing ran", p.warn
	case errors.As(a.err, &refusal):
		title, body, hint = refused(refusal)
		if hint == "" && refusal.By == "" {
			hint = "f5 tells which rules were tried, and what is missing"
		}
	case errors.As(a.err, &target):
		body = widget.EscapeLines(target.Text)
		if target.Code != "" {
			title += " (" + widget.Escape(target.Code) + ")"
		}
		if target.Position > 0 {
			hint = fmt.Sprintf("at character %d: the cursor stands there, an arrow key edits", target.Position)
		}
	case a.cancelled, errors.Is(a.err, connectors.ErrCanceled), errors.Is(a.err, context.Canceled):
		title, body, style = "Cancelled", "the statement was cancelled and the database was told", p.warn
	}
	lines := []string{""}
	for _, s := range widget.Wrap(body, max(1, w-6)) {
		lines = append(lines, "  "+s)
	}
	for _, n := range a.notices {
		for _, s := range widget.Wrap(widget.EscapeLines(n), max(1, w-6)) {
			lines = append(lines, "  "+p.dim.Render(s))
		}
	}
	if hint != "" {
		lines = append(lines, "")
		for _, s := range widget.Wrap(hint, max(1, w-6)) {
			lines = append(lines, "  "+p.dim.Render(s))
		}
	}
	lines = append(lines, "")
	head := style.Render(p.glyphs.no) + " " + p.bold.Render(title)
	return widget.Box(p.border, style, head, "", lines, w, len(lines)+2)
}

// refused says in words for people why an operation was refused.
func refused(r *policy.Refusal) (title, body, hint string) {
	title, body = "Refused", widget.EscapeLines(r.Reason)
	switch {
	case r.By != "":
		title = "Denied by " + widget.Escape(r.By)
		body = "no comment was given"
		if r.Comment != "" {
			body = `"` + widget.EscapeLines(r.Comment) + `"`
		}
	case r.Rule != "":
		title = "Refused by rule " + widget.Escape(r.Rule)
	}
	if body == "" {
		body = "the rule gives no further reason"
	}
	hint = widget.EscapeLines(r.Hint)
	if r.ApprovalID != "" {
		hint = strings.TrimSpace(hint + "  approval " + widget.Escape(r.ApprovalID))
	}
	return title, body, hint
}

// cellView is one cell, or nothing else.
type cellView struct {
	title string
	text  string
	kind  widget.CellKind
	why   string
	top   int
	lines int
}

func (p *workspace) openCell() {
	c, col, ok := p.answer.grid.Current()
	if !ok {
		return
	}
	row, i := p.answer.grid.Cursor()
	v := &cellView{title: widget.Escape(col.Name) + p.dim.Render(fmt.Sprintf("  %s  row %s", widget.Escape(col.Type), number(row+1))), kind: c.Kind}
	t := p.answer.columns[i].Seen
	switch {
	case c.Kind == widget.CellWithheld:
		v.why = "withheld: " + widget.Escape(t.Reason)
	case c.Kind == widget.CellMasked:
		v.why = "masked by " + widget.Escape(t.Mask)
	case c.Kind == widget.CellDetected:
		v.why = "parts of it look sensitive and are masked"
	}
	v.text = laidOut(c.Text)
	if c.Null {
		v.text = "NULL"
	}
	p.cell = v
}

func (p *workspace) cellKey(k tea.KeyPressMsg) tea.Cmd {
	v := p.cell
	switch k.String() {
	case "down", "j":
		v.top++
	case "up", "k":
		v.top--
	case "pgdown", "space":
		v.top += 10
	case "pgup":
		v.top -= 10
	case "esc", "enter", "q", "ctrl+c":
		p.cell = nil
	}
	v.top = max(0, min(v.top, v.lines-1))
	return nil
}

func (p *workspace) drawCellView(w, h int) []string {
	v := p.cell
	text := widget.Chop(widget.EscapeLines(v.text), max(1, w-4))
	v.lines = len(text)
	v.top = max(0, min(v.top, len(text)-(h-4)))
	var lines []string
	if v.why != "" {
		style, sign := p.masked, p.glyphs.mask
		if v.kind == widget.CellWithheld {
			style, sign = p.withheld, p.glyphs.withheld
		}
		lines = append(lines, " "+style.Render(sign+" "+v.why), "")
	}
	for _, s := range text[v.top:] {
		lines = append(lines, " "+s)
	}
	foot := p.dim.Render(count(int64(len(v.text)), "byte"))
	return widget.Box(p.border, p.accent, p.bold.Render("")+v.title, foot, lines, w, h)
}

// recordView shows the selected row as name and value lines.
func (p *workspace) recordView(w, h int) []string {
	g := &p.answer.grid
	at, col := g.Cursor()
	row := g.Row(at)
	out := []string{p.dim.Render(fmt.Sprintf(" row %s of %s", number(at+1), number(g.Len())))}
	name := 4
	for _, c := range g.Columns {
		name = max(name, min(24, widget.Width(widget.Escape(c.Name))))
	}
	from := max(0, min(col-(h-2)/2, len(g.Columns)-(h-1)))
	for i := from; i < len(g.Columns) && i < len(row); i++ {
		out = append(out, p.recordLine(g.Columns[i], row[i], name, w, i == col && p.focus == focusGrid))
		out = append(out, p.documentLines(g.Columns[i], row[i], w, h-len(out)-(len(g.Columns)-i-1))...)
	}
	return widget.Fill(out, w, h)
}

func (p *workspace) recordLine(c widget.GridColumn, v widget.Cell, name, w int, selected bool) string {
	value := p.text.Render(widget.Clip(v.Text, max(1, w-name-5)))
	switch {
	case v.Kind == widget.CellWithheld:
		value = p.withheld.Render(p.glyphs.withheld + " withheld")
	case v.Null && v.Kind == widget.CellMasked:
		value = p.masked.Render(p.glyphs.mask + " NULL")
	case v.Null:
		value = p.dim.Render("NULL")
	case v.Kind != widget.CellShown:
		value = p.masked.Render(p.glyphs.mask + " " + widget.Clip(v.Text, max(1, w-name-7)))
	}
	line := " " + p.bold.Render(widget.Fit(widget.Escape(c.Name), name)) + p.faint.Render(" "+p.border.V+" ") + value
	if selected {
		return p.selected.Under(widget.Fit(line, w))
	}
	return line
}
