package clickhouse

import (
	"fmt"
	"slices"
	"testing"
)

// TestComputed holds what columns are computed from, through others, and that a table which
// somebody made to take forever is closed.
func TestComputed(t *testing.T) {
	made := func(expressions ...string) *relation {
		cat := &catalog{relations: map[[2]string]*relation{}}
		var columns [][]string
		for i, e := range expressions {
			kind := "ALIAS"
			if e == "" {
				kind = ""
			}
			columns = append(columns, []string{"d", "t", fmt.Sprintf("c%d", i), "UInt8", kind, e, "0"})
		}
		if err := cat.fill([][]string{{"d", "t", "Memory"}}, columns); err != nil {
			t.Fatal(err)
		}
		return cat.relations[[2]string{"d", "t"}]
	}
	r := made("", "lower(c0)", "concat(c1, c3)", "c2 + 1", "c4", "1")
	for i, want := range [][]string{nil, {"c0"}, {"c1", "c3", "c0"}, {"c2", "c1", "c0"}, nil, nil} {
		if got := r.Columns[i].From; !slices.Equal(got, want) || r.closed != "" {
			t.Errorf("c%d is computed from %v, want %v (%s)", i, got, want, r.closed)
		}
	}
	for _, text := range []string{"tuple(*)", "toString(tuple(* except (c0)))", "concat(d.t.*, '')", "[*]", "dictGet('d', 'a', c0)", "columns('c')", "(select 1)", "c0 +"} {
		if r := made("", text); text != "c0 +" && r.closed == "" {
			t.Errorf("%s is taken to be computed from %v", text, r.Columns[1].From)
		}
	}
	if r := made("", "c0 * 2", "2 * c0 * count()"); r.closed != "" {
		t.Errorf("what is multiplied: %s", r.closed)
	}
	chain := make([]string, 4000)
	for i := range chain {
		chain[i] = fmt.Sprintf("c%d + 1", (i+1)%len(chain))
	}
	if r := made(chain...); r.closed == "" {
		t.Error("a chain of 4000 columns is followed")
	}
}

// TestWide reads a catalog that says of one table what no table has. It is one that could
// not be read in an hour if each column copied what is known of those before it.
func TestWide(t *testing.T) {
	cat := &catalog{relations: map[[2]string]*relation{}}
	columns := make([][]string, maxCatalog)
	for i := range columns {
		columns[i] = []string{"d", "t", fmt.Sprintf("a_column_with_a_long_name_%d", i), "UInt8", "", "", "0"}
	}
	if err := cat.fill([][]string{{"d", "t", "Memory"}}, columns); err != nil || len(cat.order[0].Columns) != maxCatalog {
		t.Error(err)
	}
}
