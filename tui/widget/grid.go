package widget

import "strings"

// CellKind is how a cell of a grid is drawn.
type CellKind uint8

const (
	CellShown CellKind = iota
	CellMasked
	CellDetected // parts of it are masked
	CellWithheld
)

// Cell is one value of a grid, raw: drawing escapes it.
type Cell struct {
	Text string
	Null bool
	Kind CellKind
}

// GridColumn heads a column.
type GridColumn struct {
	Name    string
	Type    string
	Numeric bool
}

// GridStyles are the looks of a Grid.
type GridStyles struct {
	Header, Line, Cell, Null, Masked, Withheld, Cursor, Row Style
	Mask, Hatch, Bar, Cross                                 string // glyphs: masked, withheld, column and header lines
}

// Grid is a window on the rows of an answer of any length. It keeps the newest
// rows within a limit in number and bytes; older ones are forgotten. The zero
// value is an empty grid; set Columns before adding rows.
type Grid struct {
	Columns []GridColumn
	// MaxRows and MaxBytes bound what is kept; 0 means 20,000 rows and 16 MiB.
	MaxRows  int
	MaxBytes int

	rows  [][]Cell
	base  int64 // number of the first row kept
	bytes int

	cursor int64
	col    int
	top    int64
	left   int
	height int

	from, to int // columns drawn last
}

const (
	defaultMaxRows  = 20000
	defaultMaxBytes = 16 << 20
	minColumn       = 4
	maxColumn       = 40
)

// Add appends a row, forgetting the oldest where the limits are reached.
func (g *Grid) Add(row []Cell) {
	maxRows, maxBytes := g.MaxRows, g.MaxBytes
	if maxRows == 0 {
		maxRows = defaultMaxRows
	}
	if maxBytes == 0 {
		maxBytes = defaultMaxBytes
	}
	g.rows = append(g.rows, row)
	g.bytes += weight(row)
	for len(g.rows) > 1 && (len(g.rows) > maxRows || g.bytes > maxBytes) {
		g.bytes -= weight(g.rows[0])
		g.rows[0] = nil
		g.rows = g.rows[1:]
		g.base++
	}
	g.cursor = max(g.cursor, g.base)
}

// weight is about what a row takes in memory.
func weight(row []Cell) int {
	n := 24
	for _, c := range row {
		n += len(c.Text) + 24
	}
	return n
}

// Len is how many rows came, the forgotten ones too.
func (g *Grid) Len() int64 { return g.base + int64(len(g.rows)) }

// Forgotten is how many rows are no longer kept.
func (g *Grid) Forgotten() int64 { return g.base }

// Bytes is about how much memory the kept rows take.
func (g *Grid) Bytes() int { return g.bytes }

// Cursor is the selected row (counted from the answer's start) and column.
func (g *Grid) Cursor() (row int64, col int) { return g.cursor, g.col }

// Current is the selected cell, false in an empty grid.
func (g *Grid) Current() (Cell, GridColumn, bool) {
	r := g.Row(g.cursor)
	if g.col >= len(r) || g.col >= len(g.Columns) {
		return Cell{}, GridColumn{}, false
	}
	return r[g.col], g.Columns[g.col], true
}

// Row is a row that is kept, nil for others.
func (g *Grid) Row(i int64) []Cell {
	if i < g.base || i >= g.Len() {
		return nil
	}
	return g.rows[i-g.base]
}

// Move moves the cursor by rows and columns within what is kept.
func (g *Grid) Move(rows int64, cols int) {
	g.cursor = max(g.base, min(g.cursor+rows, g.Len()-1))
	g.col = max(0, min(g.col+cols, len(g.Columns)-1))
}

// Key moves the cursor and reports whether the key meant that.
func (g *Grid) Key(k string) bool {
	page := int64(max(1, g.height-1))
	switch k {
	case "down", "j":
		g.Move(1, 0)
	case "up", "k":
		g.Move(-1, 0)
	case "left", "h":
		g.Move(0, -1)
	case "right", "l":
		g.Move(0, 1)
	case "pgdown", "ctrl+f", "space":
		g.Move(page, 0)
	case "pgup", "ctrl+b":
		g.Move(-page, 0)
	case "home", "0":
		g.Move(0, -len(g.Columns))
	case "end", "$":
		g.Move(0, len(g.Columns))
	case "g":
		g.Move(-g.Len(), 0)
	case "G":
		g.Move(g.Len(), 0)
	default:
		return false
	}
	return true
}

// Widths measures the columns from the rows in the window [from, to).
func (g *Grid) widths(from, to int64) []int {
	w := make([]int, len(g.Columns))
	for i, c := range g.Columns {
		w[i] = max(minColumn, min(maxColumn, Width(Escape(c.Name))))
	}
	for r := from; r < to; r++ {
		for i, c := range g.Row(r) {
			if i >= len(w) || w[i] >= maxColumn {
				continue
			}
			w[i] = max(w[i], min(maxColumn, cellWidth(c)))
		}
	}
	return w
}

func cellWidth(c Cell) int {
	switch {
	case c.Null:
		return 4
	case c.Kind == CellWithheld:
		return 10
	}
	n := Width(Clip(c.Text, maxColumn))
	if c.Kind != CellShown {
		n += 2
	}
	return n
}

// window scrolls so that the cursor shows and returns the rows [from, to).
func (g *Grid) window(height int) (from, to int64) {
	g.height = max(1, height)
	g.cursor = max(g.base, min(g.cursor, g.Len()-1))
	g.top = max(g.base, min(g.top, g.Len()-int64(g.height)))
	if g.cursor < g.top {
		g.top = g.cursor
	}
	if g.cursor >= g.top+int64(g.height) {
		g.top = g.cursor - int64(g.height) + 1
	}
	g.top = max(g.base, g.top)
	return g.top, min(g.Len(), g.top+int64(g.height))
}

// fit scrolls sideways so that the cursor's column shows whole, narrows the last one
// to what is left, and returns the columns [from, to) that show.
func (g *Grid) fit(w []int, width int) (from, to int) {
	g.col = max(0, min(g.col, len(w)-1))
	g.left = max(0, min(g.left, len(w)-1))
	if g.col < g.left {
		g.left = g.col
	}
	total := func(a, b int) int {
		n := 0
		for i := a; i < b; i++ {
			n += w[i] + 3
		}
		return n - 1
	}
	for g.left < g.col && total(g.left, g.col+1) > width {
		g.left++
	}
	// Draw as far left as everything to the right still fits.
	for g.left > 0 && total(g.left-1, len(w)) <= width {
		g.left--
	}
	to = g.left
	for used := 0; to < len(w) && used < width; to++ {
		if room := width - used - 2; room < w[to] { // the last one has what is left
			if to > g.left && room < minColumn {
				break
			}
			w[to] = max(1, room)
		}
		used += w[to] + 3
	}
	g.from, g.to = g.left, to
	return g.left, to
}

// Seen is which columns were drawn last, [from, to).
func (g *Grid) Seen() (from, to int) { return g.from, g.to }

// View draws the header and the rows around the cursor in width by height cells.
func (g *Grid) View(width, height int, st *GridStyles, focused bool) []string {
	if height < 3 || len(g.Columns) == 0 {
		return Fill(nil, width, max(0, height))
	}
	from, to := g.window(height - 2)
	w := g.widths(from, to)
	c0, c1 := g.fit(w, width)
	out := []string{g.header(w, c0, c1, width, st), g.rule(w, c0, c1, width, st)}
	for r := from; r < to; r++ {
		out = append(out, g.line(r, w, c0, c1, width, st, focused))
	}
	return Fill(out, width, height)
}

func (g *Grid) header(w []int, c0, c1, width int, st *GridStyles) string {
	var b strings.Builder
	for i := c0; i < c1; i++ {
		name := Clip(g.Columns[i].Name, w[i])
		if g.Columns[i].Numeric {
			name = FitRight(name, w[i])
		}
		b.WriteString(" " + st.Header.Render(Fit(name, w[i])) + " ")
		if i < c1-1 {
			b.WriteString(st.Line.Render(st.Bar))
		}
	}
	return Fit(b.String(), width)
}

func (g *Grid) rule(w []int, c0, c1, width int, st *GridStyles) string {
	h := "─"
	if st.Cross == "+" {
		h = "-"
	}
	var b strings.Builder
	for i := c0; i < c1; i++ {
		b.WriteString(repeat(h, w[i]+2))
		if i < c1-1 {
			b.WriteString(st.Cross)
		}
	}
	line := []rune(b.String())
	return st.Line.Render(string(line[:min(len(line), width)]))
}

func (g *Grid) line(r int64, w []int, c0, c1, width int, st *GridStyles, focused bool) string {
	row := g.Row(r)
	var b strings.Builder
	for i := c0; i < c1; i++ {
		var c Cell
		if i < len(row) {
			c = row[i]
		}
		text := " " + drawCell(c, w[i], g.Columns[i].Numeric, st) + " "
		if focused && r == g.cursor && i == g.col {
			text = st.Cursor.Under(text)
		}
		b.WriteString(text)
		if i < c1-1 {
			b.WriteString(st.Line.Render(st.Bar))
		}
	}
	line := Fit(b.String(), width)
	if focused && r == g.cursor {
		return st.Row.Under(line)
	}
	return line
}

// drawCell draws one value in exactly width cells.
func drawCell(c Cell, width int, numeric bool, st *GridStyles) string {
	fit := Fit
	if numeric {
		fit = FitRight
	}
	switch {
	case c.Kind == CellWithheld:
		return st.Withheld.Render(fit(st.Hatch+" withheld", width))
	case c.Kind == CellMasked && c.Null: // what is masked looks masked, also where the type leaves no text
		return st.Masked.Render(fit(st.Mask+" NULL", width))
	case c.Null:
		return st.Null.Render(fit("NULL", width))
	case c.Kind == CellShown:
		return st.Cell.Render(fit(Clip(c.Text, width), width))
	}
	return st.Masked.Render(fit(st.Mask+" "+Clip(c.Text, width-2), width))
}
