package mssql

import (
	"fmt"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/connectors/internal/sqltext"
)

// TestWide reads a catalog that says of one table what no table has: columns, each computed
// from all others. It is one that could neither be read nor held if each had a list of them.
func TestWide(t *testing.T) {
	cat := &catalog{relations: map[[2]string]*relation{}}
	for i := range maxCatalog {
		cat.addColumn([]string{"dbo", "t", "U", fmt.Sprintf("a_column_with_a_long_name_%d", i), "int", "4", "10", "0", "1"})
	}
	cat.compute()
	if r := cat.order[0]; len(r.Columns) != maxCatalog || len(r.Columns[0].From) != maxCatalog {
		t.Errorf("%d columns", len(r.Columns))
	}
}

// TestComputed: a computed column is of all others, before it and after, and is not shown
// where one of them is masked.
func TestComputed(t *testing.T) {
	cat := &catalog{relations: map[[2]string]*relation{}}
	for i, computed := range []string{"0", "1", "0"} {
		cat.addColumn([]string{"dbo", "t", "U", fmt.Sprintf("c%d", i), "int", "4", "10", "0", computed})
	}
	cat.compute()
	tokens, err := sqltext.Lex(sqltext.TSQL, "SELECT c0, c1, c2 FROM t")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqltext.ReadSelect(sqltext.TSQL, tokens)
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Resolve(func([]string) *sqltext.Table { return &cat.order[0].Table }, true)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{1, 3, 1} {
		var names []string
		for _, c := range res.Columns[i].Columns {
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
		if res.Columns[i].Direct != (want == 1) || len(names) != want {
			t.Errorf("c%d: %+v", i, res.Columns[i])
		}
	}
}
