package tui

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"github.com/sallyport/sallyport/tui/widget"
)

// cellView is one cell, or nothing else.
type cellView struct {
	title string
	place string
	text  string
	// document is the text with each value on a line of its own, where it is JSON.
	document string
	kind     widget.CellKind
	why      string
	top      int
	lines    int
}

func (p *workspace) openCell() {
	c, col, ok := p.answer.grid.Current()
	if !ok {
		return
	}
	row, i := p.answer.grid.Cursor()
	v := &cellView{title: widget.Escape(col.Name), place: fmt.Sprintf("  %s  row %s", widget.Escape(col.Type), number(row+1)), kind: c.Kind}
	t := p.answer.columns[i].Seen
	switch {
	case c.Kind == widget.CellWithheld:
		v.why = "withheld: " + widget.Escape(t.Reason)
	case c.Kind == widget.CellMasked:
		v.why = "masked by " + widget.Escape(t.Mask)
	case c.Kind == widget.CellDetected:
		v.why = "parts of it look sensitive and are masked"
	}
	v.text, v.document = c.Text, document(c.Text)
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
	case "g", "home":
		v.top = 0
	case "G", "end":
		v.top = v.lines
	case "esc", "enter", "q", "ctrl+c":
		p.cell = nil
	}
	v.top = max(0, min(v.top, v.lines-1))
	return nil
}

func (p *workspace) drawCellView(w, h int) []string {
	v := p.cell
	text := p.cellText(v, max(1, w-4))
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
	return widget.Box(p.border, p.accent, v.title+p.dim.Render(v.place), foot, lines, w, h)
}

// cellText is a cell's text in lines, all of it.
func (p *workspace) cellText(v *cellView, w int) []string {
	if v.document != "" {
		return widget.PaintChopped(v.document, widget.HighlightScript, p.sql, w)
	}
	return widget.Chop(widget.EscapeLines(v.text), w)
}
