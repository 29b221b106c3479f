package widget

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
)

// maxEditor bounds what an editor holds, in characters.
const maxEditor = 1 << 20

// Editor is a text of several lines being typed. The zero value is empty.
type Editor struct {
	text []rune
	pos  int
	top  int // first visible row
	goal int // column that up and down aim at, -1: the cursor's own

	rev   int
	rows  []textRow // visual rows at width
	width int
	seen  int // rev of rows and toks
	toks  []Token

	// Highlight says what each character is; nil is HighlightSQL.
	Highlight func([]rune) []Token
}

// textRow is a visual row: characters [from, to) of the text.
type textRow struct{ from, to int }

// Value is the text.
func (e *Editor) Value() string { return string(e.text) }

// Empty reports whether there is nothing but blanks.
func (e *Editor) Empty() bool { return strings.TrimSpace(string(e.text)) == "" }

// Revision changes whenever the text does.
func (e *Editor) Revision() int { return e.rev }

// Set replaces the text and puts the cursor at its end.
func (e *Editor) Set(s string) {
	e.text = []rune(clean(s))
	e.text = e.text[:min(len(e.text), maxEditor)]
	e.pos = len(e.text)
	e.changed()
}

// Insert puts text at the cursor. What does not fit is cut.
func (e *Editor) Insert(s string) {
	add := []rune(clean(s))
	add = add[:max(0, min(len(add), maxEditor-len(e.text)))]
	e.text = slices.Insert(e.text, e.pos, add...)
	e.pos += len(add)
	e.changed()
}

// clean brings the line ends of a paste to newlines.
func clean(s string) string { return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s) }

func (e *Editor) changed() {
	e.rev++
	e.goal = -1
}

// MoveTo puts the cursor before character i.
func (e *Editor) MoveTo(i int) { e.pos, e.goal = max(0, min(i, len(e.text))), -1 }

// AtTop reports whether the cursor is on the first line.
func (e *Editor) AtTop() bool { return e.bol(e.pos) == 0 }

// AtEnd reports whether the cursor is behind everything but blanks.
func (e *Editor) AtEnd() bool { return strings.TrimSpace(string(e.text[e.pos:])) == "" }

// Lines is how many rows the text takes in width cells.
func (e *Editor) Lines(width int) int {
	e.layout(width)
	return len(e.rows)
}

func (e *Editor) bol(p int) int {
	for p > 0 && e.text[p-1] != '\n' {
		p--
	}
	return p
}

func (e *Editor) eol(p int) int {
	for p < len(e.text) && e.text[p] != '\n' {
		p++
	}
	return p
}

// Key handles a key and reports whether it meant anything here.
func (e *Editor) Key(k tea.KeyPressMsg) bool {
	if k.Text != "" && k.Mod&^tea.ModShift == 0 {
		e.Insert(k.Text)
		return true
	}
	switch s := k.Keystroke(); s {
	case "enter", "shift+enter", "alt+enter":
		e.Insert("\n")
	case "up", "down":
		e.vertical(s == "up")
	default:
		return e.move(s) || e.erase(s)
	}
	return true
}

func (e *Editor) move(k string) bool {
	p := e.pos
	switch k {
	case "left", "ctrl+b":
		p--
	case "right", "ctrl+f":
		p++
	case "home", "ctrl+a":
		p = e.bol(p)
	case "end", "ctrl+e":
		p = e.eol(p)
	case "ctrl+home":
		p = 0
	case "ctrl+end":
		p = len(e.text)
	case "alt+b", "ctrl+left":
		p = wordLeft(e.text, p)
	case "alt+f", "ctrl+right":
		p = wordRight(e.text, p)
	default:
		return false
	}
	e.MoveTo(p)
	return true
}

func (e *Editor) erase(k string) bool {
	from, to := e.pos, e.pos
	switch k {
	case "backspace", "ctrl+h", "shift+backspace":
		from--
	case "delete":
		to++
	case "ctrl+u":
		from = e.bol(from)
	case "ctrl+k":
		if to = e.eol(to); to == from {
			to++
		}
	case "ctrl+w", "alt+backspace":
		from = wordLeft(e.text, from)
	default:
		return false
	}
	from, to = max(0, from), min(len(e.text), to)
	if from < to {
		e.text = slices.Delete(e.text, from, to)
		e.pos = from
		e.changed()
	}
	return true
}

// vertical moves by visual rows of the width that was drawn last.
func (e *Editor) vertical(up bool) {
	if e.width == 0 { // not drawn yet: lines do not wrap
		e.layout(maxEditor)
	}
	e.layout(e.width)
	row := e.row(e.pos)
	if e.goal < 0 {
		e.goal = e.pos - e.rows[row].from
	}
	goal := e.goal
	if up {
		row--
	} else {
		row++
	}
	switch {
	case row < 0:
		e.pos = 0
	case row >= len(e.rows):
		e.pos = len(e.text)
	default:
		e.pos = min(e.rows[row].from+goal, e.lastIn(row))
	}
	e.goal = goal
}

// lastIn is the last cursor position of a row: before the newline or the wrap.
func (e *Editor) lastIn(row int) int {
	r := e.rows[row]
	if row+1 < len(e.rows) && e.rows[row+1].from == r.to && r.to > r.from {
		return r.to - 1 // wrapped: the position behind belongs to the next row
	}
	return r.to
}

func (e *Editor) row(p int) int {
	for i := len(e.rows) - 1; i > 0; i-- {
		if e.rows[i].from <= p {
			return i
		}
	}
	return 0
}

// layout breaks the text into rows and finds its tokens, once per change.
func (e *Editor) layout(width int) {
	if e.seen == e.rev+1 && e.width == width {
		return
	}
	e.seen, e.width = e.rev+1, width
	if e.toks = nil; e.Highlight != nil {
		e.toks = e.Highlight(e.text)
	} else {
		e.toks = HighlightSQL(e.text)
	}
	e.rows = e.rows[:0]
	from, col := 0, 0
	for i, r := range e.text {
		if r == '\n' {
			e.rows = append(e.rows, textRow{from, i})
			from, col = i+1, 0
			continue
		}
		w := Width(glyph(r, col))
		if col > 0 && col+w > width {
			e.rows = append(e.rows, textRow{from, i})
			from, col = i, 0
			w = Width(glyph(r, 0))
		}
		col += w
	}
	e.rows = append(e.rows, textRow{from, len(e.text)})
}

// View draws the text in exactly width by height cells; the cursor only where
// focused. Its row keeps one cell free for the cursor behind the text.
func (e *Editor) View(width, height int, styles [7]Style, cursor Style, focused bool) []string {
	e.layout(max(1, width-1))
	at := e.row(e.pos)
	if at < e.top {
		e.top = at
	}
	if at >= e.top+height {
		e.top = at - height + 1
	}
	e.top = max(0, min(e.top, len(e.rows)-height))
	var out []string
	for i := e.top; i < min(len(e.rows), e.top+height); i++ {
		out = append(out, e.drawRow(i, styles, cursor, focused && i == at))
	}
	return Fill(out, width, height)
}

func (e *Editor) drawRow(i int, styles [7]Style, cursor Style, focused bool) string {
	r := e.rows[i]
	var b strings.Builder
	col := 0
	for p := r.from; p < r.to; p++ {
		g := glyph(e.text[p], col)
		col += Width(g)
		if focused && p == e.pos {
			b.WriteString(cursor.Render(g))
			continue
		}
		b.WriteString(styles[e.toks[p]].Render(g))
	}
	if focused && e.pos >= r.to {
		b.WriteString(cursor.Render(" "))
	}
	return b.String()
}
