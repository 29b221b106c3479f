package tui

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/sallyport/sallyport/tui/widget"
)

// record is the view of one row: a line for each value, and several for one that
// is a JSON document.
type record struct {
	on     bool
	line   int // the cursor
	of     *answer
	row    int64
	width  int
	theme  *theme // that the fields are painted in
	fields []field
}

// field is a value in lines. Those of a document are painted, others are drawn
// when they are seen.
type field struct{ lines []string }

func (f field) len() int { return max(1, len(f.lines)) }

// maxDocument bounds what is laid out as a document.
const maxDocument = 256 << 10

// document is a JSON object or array with each value on a line of its own, "" for
// any other text, and for one that is too large.
func document(text string) string {
	if len(text) < 2 || len(text) > maxDocument || text[0] != '{' && text[0] != '[' {
		return ""
	}
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return ""
	}
	return b.String()
}

// layRecord lays out the selected row, once for each row and width.
func (p *workspace) layRecord(w int) {
	g, r := &p.answer.grid, &p.record
	at, col := g.Cursor()
	if r.of == p.answer && r.row == at && r.width == w && r.theme == p.theme && len(r.fields) == len(g.Columns) {
		return
	}
	moved := r.of != p.answer || r.row != at
	r.of, r.row, r.width, r.theme, r.fields = p.answer, at, w, p.theme, make([]field, len(g.Columns))
	inner := max(1, w-p.nameWidth()-6)
	for i, c := range g.Row(at) {
		if i >= len(r.fields) || c.Null || c.Kind == widget.CellWithheld {
			continue
		}
		if text := document(c.Text); text != "" {
			r.fields[i].lines = widget.PaintChopped(text, widget.HighlightScript, p.sql, inner)
		}
	}
	if moved {
		r.line = 0
		for i := range col {
			r.line += r.fields[i].len()
		}
	}
}

// nameWidth is the room of the names of columns.
func (p *workspace) nameWidth() int {
	n := 4
	for _, c := range p.answer.grid.Columns {
		n = max(n, min(24, widget.Width(widget.Escape(c.Name))))
	}
	return n
}

// key moves within the row; it reports whether the key meant that. What it moves
// to becomes the grid's column.
func (r *record) key(g *widget.Grid, k string) bool {
	page := 10
	switch k {
	case "down", "j":
		r.line++
	case "up", "k":
		r.line--
	case "pgdown", "space", "ctrl+f":
		r.line += page
	case "pgup", "ctrl+b":
		r.line -= page
	case "home", "0":
		r.line = 0
	case "end", "$":
		r.line = 1 << 30
	case "n", "right", "l":
		g.Move(1, 0)
		return true
	case "p", "left", "h":
		g.Move(-1, 0)
		return true
	default:
		return false
	}
	n := 0
	for _, f := range r.fields {
		n += f.len()
	}
	r.line = max(0, min(r.line, n-1))
	_, was := g.Cursor()
	col, _ := r.field(r.line)
	g.Move(0, col-was)
	return true
}

// field is which field a line is in, and which line of it.
func (r *record) field(line int) (col, in int) {
	for i, f := range r.fields {
		if line < f.len() {
			return i, line
		}
		line -= f.len()
	}
	return max(0, len(r.fields)-1), 0
}

// recordView draws the selected row as name and value lines.
func (p *workspace) recordView(w, h int) []string {
	p.layRecord(w)
	g, r := &p.answer.grid, &p.record
	out := []string{p.dim.Render(fmt.Sprintf(" row %s of %s", number(r.row+1), number(g.Len())))}
	row, name := g.Row(r.row), p.nameWidth()
	total := 0
	for _, f := range r.fields {
		total += f.len()
	}
	from := max(0, min(r.line-(h-2)/2, total-(h-1)))
	for i := from; i < min(total, from+h-1); i++ {
		col, in := r.field(i)
		if col >= len(row) {
			break
		}
		line := p.recordLine(g.Columns[col], row[col], r.fields[col], in, name, w)
		if i == r.line && p.focus == focusGrid {
			line = p.selected.Under(widget.Fit(line, w))
		}
		out = append(out, line)
	}
	return widget.Fill(out, w, h)
}

// recordLine draws a line of a field.
func (p *workspace) recordLine(c widget.GridColumn, v widget.Cell, f field, in, name, w int) string {
	var value string
	switch {
	case v.Kind == widget.CellWithheld:
		value = p.withheld.Render(p.glyphs.withheld + " withheld")
	case v.Null && v.Kind == widget.CellMasked:
		value = p.masked.Render(p.glyphs.mask + " NULL")
	case v.Null:
		value = p.dim.Render("NULL")
	case len(f.lines) > 0 && v.Kind != widget.CellShown && in == 0:
		value = f.lines[in] + " " + p.masked.Render(p.glyphs.mask)
	case len(f.lines) > 0:
		value = f.lines[in]
	case v.Kind != widget.CellShown:
		value = p.masked.Render(p.glyphs.mask + " " + widget.Clip(v.Text, max(1, w-name-7)))
	default:
		value = p.text.Render(widget.Clip(v.Text, max(1, w-name-5)))
	}
	label := ""
	if in == 0 {
		label = widget.Escape(c.Name)
	}
	return " " + p.bold.Render(widget.Fit(label, name)) + p.faint.Render(" "+p.border.V+" ") + value
}
