package tui

import (
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/tui/widget"
)

func (p *objects) view(w, h int) []string {
	lines := []string{p.head(w)}
	switch {
	case p.err != nil:
		for _, s := range widget.Wrap(p.glyphs.no+" "+p.kind+" cannot be listed: "+errorText(p.err), max(1, w-2)) {
			lines = append(lines, " "+p.danger.Render(s))
		}
		return append(lines, " "+p.dim.Render("ctrl+r tries again, : shows other types, esc goes back"))
	case !p.loaded:
		return append(lines, " "+p.spinner()+" loading "+widget.Escape(p.kind)+p.elapsed())
	case len(p.table.rows) == 0:
		return append(lines, "", " "+p.bold.Render("There are none."), " "+p.dim.Render(": shows other types, esc goes back"))
	case len(p.shown) == 0:
		return append(lines, "", " nothing matches", " "+p.dim.Render("esc clears the filter"))
	}
	use, widths := p.layout(w - 2)
	if !p.small {
		lines = append(lines, " "+p.dim.Render(p.row(p.table.columns, "NAMESPACE", use, widths, true)))
	}
	from, to := p.list.Window(max(1, h-len(lines)))
	for i := from; i < to; i++ {
		r := p.table.rows[p.shown[i]]
		text := p.row(r.cells, r.namespace, use, widths, false)
		switch {
		case i == p.list.Cursor():
			lines = append(lines, p.accent.Render(p.glyphs.pointer)+p.selected.Under(widget.Fit(text, w-1)))
		default:
			lines = append(lines, " "+p.tone(r).Render(widget.Fit(text, w-1)))
		}
	}
	return lines
}

// elapsed is how long a load takes, from a second on.
func (p *objects) elapsed() string {
	if d := p.now().Sub(p.since); p.loading && d >= time.Second {
		return " (" + clock(d) + ", ctrl+c cancels)"
	}
	return ""
}

// head is the filter, or what is asked; on the right what is seen.
func (p *objects) head(w int) string {
	if p.prompt != nil {
		return p.promptLine(p.prompt, w)
	}
	right := fmt.Sprintf("%d", len(p.table.rows))
	if len(p.shown) != len(p.table.rows) {
		right = fmt.Sprintf("%d of %d", len(p.shown), len(p.table.rows))
	}
	right = p.dim.Render(right + " ")
	if p.loading && p.loaded {
		right = p.spinner() + p.dim.Render(p.elapsed()+" ") + right
	}
	left := " " + p.bold.Render(widget.Escape(p.kind))
	switch {
	case p.of != "":
		left += p.dim.Render(" of " + widget.Escape(p.of))
	case p.ns != "":
		left += p.dim.Render(" in " + widget.Escape(p.ns))
	case !p.first:
		left += p.dim.Render(" in all namespaces")
	}
	if p.live || p.filter.Value() != "" {
		left = " " + p.accent.Render("/") + " "
		return left + p.filter.View(max(2, w-3-widget.Width(right)), p.text, p.cursor) + right
	}
	return widget.Sides(left, right, w)
}

const maxCell = 120

// layout picks the columns that fit, the first ones first, and their widths.
func (p *objects) layout(w int) (use, widths []int) {
	left := w
	if p.spaces() {
		n := len("NAMESPACE")
		for _, r := range p.table.rows {
			n = max(n, min(maxCell, widget.Width(widget.Clip(r.namespace, maxCell))))
		}
		use, widths = append(use, -1), append(widths, n)
		left -= n + 2
	}
	for i, c := range p.table.columns {
		if p.table.minor[i] && w < 120 {
			continue
		}
		n := widget.Width(widget.Escape(c))
		for _, j := range p.shown {
			if cells := p.table.rows[j].cells; i < len(cells) {
				n = max(n, widget.Width(widget.Clip(cells[i], maxCell)))
			}
		}
		if len(use) > 0 && left < min(n, 8) {
			break
		}
		n = min(n, max(left, 1))
		use, widths = append(use, i), append(widths, n)
		left -= n + 2
	}
	return use, widths
}

// spaces reports whether the namespace has a column of its own.
func (p *objects) spaces() bool {
	return p.ns == "" && len(p.table.rows) > 0 && p.table.rows[0].namespace != ""
}

func (p *objects) row(cells []string, ns string, use, widths []int, title bool) string {
	var b strings.Builder
	for n, i := range use {
		text := ns
		if i >= 0 {
			if text = ""; i < len(cells) {
				text = cells[i]
			}
		}
		if title {
			text = strings.ToUpper(text)
		}
		b.WriteString(widget.Fit(widget.Clip(text, widths[n]), widths[n]) + "  ")
	}
	return strings.TrimRight(b.String(), " ")
}

// tone is how well an object does, as far as its row says.
func (p *objects) tone(r objectRow) widget.Style {
	for i, c := range p.table.columns {
		if c != "Status" && c != "Type" || i >= len(r.cells) {
			continue
		}
		switch s := r.cells[i]; {
		case strings.Contains(s, "Error"), strings.Contains(s, "BackOff"), strings.Contains(s, "NotReady"), strings.Contains(s, "Failed"), strings.Contains(s, "OOM"), s == "Warning":
			return p.danger
		case strings.Contains(s, "Pending"), strings.Contains(s, "Creating"), strings.Contains(s, "Terminating"), strings.Contains(s, "Unknown"), strings.Contains(s, "SchedulingDisabled"):
			return p.warn
		}
	}
	return widget.Style{}
}
