package tui

import (
	"fmt"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui/widget"
)

// drawTimeline draws the newest entries, or those further up when scrolled.
func (p *replay) drawTimeline(w, h int) []string {
	need := h + p.back
	var lines []string
	i := len(p.frame.entries) - 1
	for ; i >= 0 && len(lines) < need; i-- {
		lines = append(p.drawEntry(&p.frame.entries[i], w), lines...)
	}
	if i < 0 {
		if p.frame.dropped > 0 {
			lines = append([]string{p.dim.Render(fmt.Sprintf(" %d earlier entries scrolled out, g starts again", p.frame.dropped))}, lines...)
		}
		p.back = max(0, min(p.back, len(lines)-h))
	}
	to := max(0, len(lines)-p.back)
	from := max(0, to-h)
	return lines[from:to]
}

const timeWidth, labelWidth = 9, 10

func (p *replay) drawEntry(en *entry, w int) []string {
	inner := max(8, w-timeWidth-labelWidth-2)
	var body []string
	switch en.kind {
	case recorder.KindKey:
		body = p.styled(widget.Chop(widget.Escape(en.text), inner), p.dim)
	case recorder.KindOperation:
		body = p.paint(p.player.Head().Header.Kind, en.text, inner)
	case recorder.KindRows:
		body = p.drawRows(en, inner)
	case recorder.KindNote: // the gate's own statements are long, and nobody's doing
		body = p.drawOwn(en, inner)
	default:
		body = widget.Wrap(widget.EscapeLines(en.text), inner)
	}
	if en.extra != "" {
		body = append(body, p.styled(widget.Wrap(widget.EscapeLines(en.extra), inner), p.dim)...)
	}
	label := en.label
	if en.kind == recorder.KindKey {
		label = "types"
	}
	out := make([]string, len(body))
	for i, l := range body {
		if i > 0 {
			out[i] = widget.Spaces(timeWidth+labelWidth+1) + l
			continue
		}
		out[i] = " " + p.dim.Render(widget.Fit(clock(en.at), timeWidth-2)) + p.entrySign(en) + " " + p.entryStyle(en).Render(widget.Fit(widget.Escape(label), labelWidth)) + l
	}
	return out
}

// drawOwn is what the gate did by itself, on a line, or all of it.
func (p *replay) drawOwn(en *entry, w int) []string {
	if len(en.own) == 0 || p.own {
		out := []string{widget.Clip(en.text, w)}
		for _, s := range en.own {
			out = append(out, widget.Clip(s, w))
		}
		return p.styled(out, p.dim)
	}
	more := fmt.Sprintf(" and %d more, o shows them", len(en.own))
	return p.styled([]string{widget.Clip(en.text, max(1, w-len(more))) + more}, p.dim)
}

func (p *replay) styled(lines []string, st widget.Style) []string {
	for i := range lines {
		lines[i] = st.Render(lines[i])
	}
	return lines
}

func (p *replay) entryStyle(en *entry) widget.Style {
	switch en.kind {
	case recorder.KindOperation:
		return p.bold
	case recorder.KindKey, recorder.KindNote:
		return p.dim
	}
	return p.accent
}

// entrySign is an entry's state at a glance.
func (p *replay) entrySign(en *entry) string {
	switch en.state {
	case "allow", "ok", "granted", "done", "executing":
		return p.ok.Render(p.glyphs.yes)
	case "deny", "denied", "failed", "refused", "unknown":
		return p.danger.Render(p.glyphs.no)
	case "approve", "pending":
		return p.warn.Render(p.glyphs.ask)
	case "":
		return " "
	}
	return p.dim.Render(p.glyphs.bullet)
}

const shownRows = 8

// drawRows draws the beginning of an answer as it is kept.
func (p *replay) drawRows(en *entry, w int) []string {
	if en.text != "" {
		return p.styled(widget.Wrap(widget.EscapeLines(en.text), w), p.dim)
	}
	g := &widget.Grid{}
	kinds := make([]widget.CellKind, len(en.cols))
	for i, c := range en.cols {
		g.Columns = append(g.Columns, widget.GridColumn{Name: c.Name, Type: c.Type})
		kinds[i] = map[string]widget.CellKind{"shown": widget.CellShown, "masked": widget.CellMasked}[c.Treatment]
		if c.Treatment != "shown" && c.Treatment != "masked" {
			kinds[i] = widget.CellWithheld
		}
	}
	for _, r := range en.rows[:min(shownRows, len(en.rows))] {
		row := make([]widget.Cell, len(r))
		for i, c := range r {
			if c == nil {
				row[i].Null = true
			} else {
				row[i].Text = *c
			}
			if i < len(kinds) {
				row[i].Kind = kinds[i]
			}
		}
		g.Add(row)
	}
	if len(g.Columns) == 0 {
		return []string{p.dim.Render(count(int64(en.total), "more row"))}
	}
	out := g.View(w, int(g.Len())+2, &p.grid, false)
	if n := en.total - int(g.Len()); n > 0 {
		out = append(out, p.dim.Render(fmt.Sprintf(" and %s", count(int64(n), "more row"))))
	}
	return out
}
