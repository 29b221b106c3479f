package sqltext

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestLong holds that the longest texts are not looked at for longer: what is done grows
// with their length, or ends.
func TestLong(t *testing.T) {
	for _, unit := range []string{"from a f ", "from a sample 1 ", "from a on ", "from a join b on c ", "join a on b ", "(select 1 from a f) ", "from a array join b "} {
		for _, d := range []Dialect{ClickHouse, TSQL} {
			tokens, err := Lex(d, "select 1 "+strings.Repeat(unit, 2500))
			if err != nil {
				t.Fatal(err)
			}
			s := scan{d: &d, t: tokens, m: Mentions{Words: map[string]bool{}}}
			if s.all(); s.looked > 2*len(tokens) {
				t.Errorf("%s, %q: looked at %d of %d tokens", d.Name, unit, s.looked, len(tokens))
			}
		}
	}
	wide := &Table{Schema: "d", Name: "t"}
	for i := range 1000 {
		wide.Columns = append(wide.Columns, TableColumn{Name: fmt.Sprintf("c%d", i)})
	}
	sum := "c0"
	for i := range 400 {
		sum += fmt.Sprintf("+c%d", i)
	}
	computed := &Table{Schema: "d", Name: "t", Columns: slices.Clone(wide.Columns)}
	for i := range computed.Columns {
		for _, c := range wide.Columns {
			computed.Columns[i].From = append(computed.Columns[i].From, c.Name)
		}
	}
	for text, traced := range map[string]bool{
		"select * from computed": false, "select c1 from computed": true,
		"select " + strings.Repeat("c1, ", 700) + "c2 from t": true, "select * from t": true,
		"select " + strings.Repeat("c1, ", 9000) + "c2 from t": false, "select " + strings.Repeat("c1 b, ", 6000) + "c2 from t": false,
		"select " + sum + " as s, " + strings.Repeat("s+1, ", 2000) + "c2 from t": false,
	} {
		tokens, err := Lex(ClickHouse, text)
		if err != nil {
			t.Fatal(err)
		}
		s, err := ReadSelect(ClickHouse, tokens)
		if err != nil {
			t.Fatal(err)
		}
		find := func(parts []string) *Table { return map[string]*Table{"t": wide, "computed": computed}[parts[0]] }
		if res, err := s.Resolve(find, false); (err == nil) != traced || res != nil && len(res.Predicates) > 2*maxFound {
			t.Errorf("%.30s: %v", text, err)
		}
	}
}
