package widget

import (
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

func gridStyles() *GridStyles {
	return &GridStyles{Mask: "▒", Hatch: "░", Bar: "│", Cross: "┼", Cursor: NewStyle(Attributes{Reverse: true}), Row: NewStyle(Attributes{Bold: true})}
}

func fill(g *Grid, from, n int64) {
	for i := from; i < from+n; i++ {
		g.Add([]Cell{{Text: fmt.Sprint(i)}, {Text: "text of a row"}, {Null: true}, {Text: "1111", Kind: CellMasked}, {Kind: CellWithheld, Text: "x"}})
	}
}

func TestGridView(t *testing.T) {
	g := &Grid{Columns: []GridColumn{{Name: "n", Numeric: true}, {Name: "te\x1bxt"}, {Name: "nil"}, {Name: "m"}, {Name: "w"}}}
	fill(g, 0, 3)
	got := ansi.Strip(strings.Join(g.View(80, 6, gridStyles(), true), "\n"))
	for _, want := range []string{`te\x1bxt`, "    0 │ text of a row", "NULL", "▒ 1111", "░ withheld"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
	for w := 1; w < 90; w += 7 {
		for _, l := range g.View(w, 6, gridStyles(), true) {
			if Width(l) != w {
				t.Errorf("width %d: line %q is %d cells wide", w, l, Width(l))
			}
		}
	}
}

func TestGridForgetsOldRows(t *testing.T) {
	g := &Grid{Columns: make([]GridColumn, 5), MaxRows: 100}
	fill(g, 0, 250)
	if g.Len() != 250 || g.Forgotten() != 150 || g.Row(149) != nil || g.Row(150)[0].Text != "150" {
		t.Fatalf("len %d, forgotten %d", g.Len(), g.Forgotten())
	}
	if row, _ := g.Cursor(); row != 150 {
		t.Errorf("the cursor is at a forgotten row: %d", row)
	}
	g.Key("g")
	if row, _ := g.Cursor(); row != 150 {
		t.Errorf("g goes to %d", row)
	}
	g = &Grid{Columns: make([]GridColumn, 1), MaxBytes: 1000}
	for range 100 {
		g.Add([]Cell{{Text: strings.Repeat("x", 100)}})
	}
	if g.Bytes() > 1000 {
		t.Errorf("%d bytes are kept", g.Bytes())
	}
}

func TestGridSideways(t *testing.T) {
	g := &Grid{}
	row := make([]Cell, 50)
	for i := range row {
		g.Columns = append(g.Columns, GridColumn{Name: fmt.Sprint("column", i)})
		row[i].Text = fmt.Sprint("value", i)
	}
	g.Add(row)
	for i := range row {
		got := ansi.Strip(strings.Join(g.View(40, 4, gridStyles(), true), "\n"))
		if !strings.Contains(got, fmt.Sprint("value", i)) {
			t.Fatalf("column %d has the cursor, but does not show:\n%s", i, got)
		}
		g.Key("right")
	}
}

func BenchmarkGridMillion(b *testing.B) {
	st := gridStyles()
	g := &Grid{Columns: make([]GridColumn, 5)}
	peak := 0
	row := []Cell{{Text: "12345"}, {Text: "text of a row"}, {Null: true}, {Text: "1111", Kind: CellMasked}, {Kind: CellWithheld}}
	for i := range 1_000_000 {
		g.Add(row)
		if i%50_000 == 0 {
			g.Key("G")
			g.View(120, 40, st, true)
		}
		peak = max(peak, g.Bytes())
	}
	b.ReportMetric(float64(peak)/(1<<20), "MiB-kept")
	for b.Loop() {
		g.Key("up")
		g.View(120, 40, st, true)
	}
}

// The last column that shows has what room is left: what fits there is not cut, and
// one that could show nothing is left out.
func TestGridLastColumn(t *testing.T) {
	g := &Grid{Columns: []GridColumn{{Name: "id"}, {Name: "country"}, {Name: "more"}}}
	g.Add([]Cell{{Text: "1"}, {Text: "AU"}, {Text: "x"}})
	st := &GridStyles{Bar: "|", Cross: "+"}
	for _, c := range []struct {
		width int
		row   string
		to    int
	}{
		{30, " 1    | AU      | x", 3}, {13, " 1    | AU", 2}, {11, " 1", 1}, {6, " 1", 1},
	} {
		row := strings.TrimRight(g.View(c.width, 3, st, false)[2], " ")
		if _, to := g.Seen(); row != c.row || to != c.to {
			t.Errorf("in %d cells: %q and %d columns, want %q and %d", c.width, row, to, c.row, c.to)
		}
	}
}

// A name is not torn at its hyphens, unless it is longer than a line.
func TestWrapKeepsNames(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"denied on orders-lite: no", 14, "denied on|orders-lite:|no"},
		{"on data-prod-407.eu-west-1", 10, "on|data-prod-|407.eu-wes|t-1"},
		{"a non\u2011breaking hy-phen", 12, "a|non\u2011breaking|hy-phen"},
		{"one\ntwo", 9, "one|two"},
	} {
		if got := strings.Join(Wrap(c.text, c.width), "|"); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.text, c.width, got, c.want)
		}
	}
}
