package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// content is all that the file holds, as text.
func content(t testing.TB, file string) string {
	t.Helper()
	c, err := sqlite3.OpenFlags(file, sqlite3.OPEN_READONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var b strings.Builder
	dump := func(query string) (first []string) {
		s, _, err := c.Prepare(query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		defer s.Close()
		for s.Step() {
			first = append(first, s.ColumnText(0))
			for i := range s.ColumnCount() {
				fmt.Fprintf(&b, "%d %q|", s.ColumnType(i), s.ColumnRawBlob(i))
			}
			b.WriteByte('\n')
		}
		return first
	}
	dump("pragma user_version")
	dump("pragma schema_version")
	for _, table := range dump("select name, type, sql from sqlite_schema where type = 'table' order by 1") {
		dump(`select * from "` + strings.ReplaceAll(table, `"`, `""`) + `"`)
	}
	return b.String()
}

func emailPlan(t testing.TB) *mask.Plan {
	t.Helper()
	plan, err := mask.NewPlan([]mask.Rule{{Name: "pii", Column: "customers.email", Method: mask.Redact}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// untouched reports whether no byte of the file changed.
func untouched(t testing.TB, file string) bool {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(b, template())
}

// planted counts the addresses in a new file: in customers and in the samples
// of sqlite_stat4.
func planted(t testing.TB) int {
	t.Helper()
	return strings.Count(content(t, newFile(t)), "@planted")
}

// prove runs a text on writable terms: judging changes nothing, what is judged a
// read changes nothing, and no cleartext of a masked column comes out or is
// copied. It tells the class.
func prove(t *testing.T, plan *mask.Plan, addresses int, text string) policy.Class {
	file := newFile(t)
	c := openTest(t, file)
	defer c.Close()
	facts, err := c.Judge(t.Context(), connectors.Statement{Text: text})
	if err != nil {
		t.Fatalf("judge %q: %v", text, err)
	}
	if !untouched(t, file) {
		t.Errorf("judging %q changed the file", text)
	}
	g := &connectortest.Guard{Seen: plan, Kept: plan, Terms: func(connectors.Operation) connectors.Terms {
		return connectors.Terms{MaxRows: 600, Timeout: 300 * time.Millisecond}
	}}
	r, err := c.Query(t.Context(), g, connectors.Statement{Text: text})
	for err == nil {
		var rows []connectors.Row
		rows, err = r.Batch(t.Context(), 100)
		for _, row := range rows {
			for _, cell := range row {
				if strings.Contains(cell.Text, "@planted") {
					t.Errorf("%q shows %q", text, cell.Text)
				}
			}
		}
	}
	if !errors.Is(err, io.EOF) && strings.Contains(err.Error(), "@planted") {
		t.Errorf("%q says %q", text, err)
	}
	if facts.Class == policy.Read && !untouched(t, file) {
		t.Errorf("%q was judged a read and changed the file", text)
	}
	if facts.Class == policy.Write && !untouched(t, file) && strings.Count(content(t, file), "@planted") > addresses {
		t.Errorf("%q copied what is masked", text)
	}
	for _, p := range g.Permits() {
		if n := len(p.Outcomes()); n != 1 {
			t.Errorf("%q: Done was called %d times", text, n)
		}
	}
	return facts.Class
}

// TestGrammar proves statements of the grammar.
func TestGrammar(t *testing.T) {
	plan, addresses := emailPlan(t), planted(t)
	classes := make(map[policy.Class]int)
	for seed := range uint64(400) {
		classes[prove(t, plan, addresses, grammar{rand.New(rand.NewPCG(seed, 1))}.statement())]++
	}
	t.Log(classes)
	for _, c := range []policy.Class{policy.Unknown, policy.Read, policy.Write, policy.DDL} {
		if classes[c] < 10 {
			t.Errorf("only %d statements of class %s: the grammar makes too few", classes[c], c)
		}
	}
}

// FuzzJudge proves texts of any kind, and statements of the grammar where the
// text is empty.
func FuzzJudge(f *testing.F) {
	for _, text := range evasions {
		f.Add(text, uint64(0))
	}
	f.Add("", uint64(1))
	for _, text := range []string{"pragma user_version = 1", "vacuum", "select 1;delete from orders", "explain delete from orders", "\ufeffselect 1", "with w as (select 1) delete from orders", "select /* ", "select [", "select 'x"} {
		f.Add(text, uint64(0))
	}
	plan, addresses := emailPlan(f), planted(f)
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if len(text) > 4<<10 {
			return
		}
		if text == "" {
			text = grammar{rand.New(rand.NewPCG(seed, 1))}.statement()
		}
		prove(t, plan, addresses, text)
	})
}

// FuzzShape: the tokens of a text never break it, and white space, comments and
// the case of words change nothing.
func FuzzShape(f *testing.F) {
	for _, text := range evasions {
		f.Add(text)
	}
	for _, text := range []string{"delete from t where 1=1 or x between 1 and 2", "update t set a=case when b then c end where [x]=`y`", "with a(b) as (select 1) delete from t", "1e+", "0x", "'", "((", "case end end", ") or ("} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 || !utf8.ValidString(text) { // the gate takes no other, and lower case would change its bytes
			return
		}
		want := shapeOf(text)
		var b strings.Builder
		for _, tok := range syntax.Lex(text) {
			switch tok.Kind {
			case syntax.Word:
				b.WriteString(strings.ToLower(tok.Text))
			case syntax.Quoted:
				b.WriteString(`"` + strings.ReplaceAll(tok.Text, `"`, `""`) + `"`)
			case syntax.String:
				b.WriteString("'" + strings.ReplaceAll(tok.Text, "'", "''") + "'")
			default:
				b.WriteString(tok.Text)
			}
			b.WriteString(" /* where x = 1 */\n-- where\n")
		}
		if strings.Contains(text, "/") || strings.ContainsAny(text, "[#$@:?x.X0123456789\x00") && !sameTokens(text, b.String()) {
			return // an unfinished token swallows the comments
		}
		if got := shapeOf(b.String()); got != want && sameTokens(text, b.String()) {
			t.Errorf("%q: %+v, rewritten %q: %+v", text, want, b.String(), got)
		}
	})
}

func sameTokens(a, b string) bool {
	x, y := syntax.Lex(a), syntax.Lex(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].Kind != y[i].Kind || !strings.EqualFold(x[i].Text, y[i].Text) {
			return false
		}
	}
	return true
}

// grammar makes statements at random, most of them valid.
type grammar struct{ *rand.Rand }

func (g grammar) one(s ...string) string { return s[g.IntN(len(s))] }

func (g grammar) expr(depth int) string {
	if depth <= 0 {
		return g.one("email", "email", "email", "id", "e", "full_name", "tier", "1", "'x'", "null", `"EMAIL"`, "[email]", "rowid")
	}
	e := func() string { return g.expr(depth - 1) }
	switch g.IntN(9) {
	case 0:
		return e() + g.one(" || ", " = ", " and ", " or ", "+", " like ", " is ", " ->> ") + e()
	case 1:
		return g.one("upper", "hex", "group_concat", "max", "json_array", "quote", "typeof", "printf", "lower", "min", "json_group_array") + "(" + e() + ")"
	case 2:
		return "(" + g.selects(depth-1) + ")"
	case 3:
		return "case when " + e() + " then " + e() + " else " + e() + " end"
	case 4:
		return "cast(" + e() + " as " + g.one("text", "blob", "int") + ")"
	case 5:
		return "(" + e() + ")"
	case 6:
		return e() + " collate nocase"
	case 7:
		return "max(" + e() + ") over (order by id)"
	}
	return "exists (" + g.selects(depth-1) + ")"
}

func (g grammar) from(depth int) string {
	switch t := g.one("customers", "customers", "customers", "customers", "main.[Customers]", "contacts", "scratch", "orders", "sqlite_stat4",
		"pragma_table_list", "json_each('[1]')", "sub", "sub", "join", "join"); t {
	case "sub":
		if depth > 0 {
			return "(" + g.selects(depth-1) + ") " + g.one("customers", "s")
		}
		return "customers"
	case "join":
		return "customers " + g.one("natural join contacts", "left join orders using (id)", "full join customers c using (id, email, full_name, tier)", ", scratch", "left join scratch on e = email")
	default:
		return t
	}
}

func (g grammar) selects(depth int) string {
	s := "select " + g.one("", "distinct ") + g.one("*", g.expr(depth), g.expr(depth)+" as e", g.expr(depth)+", "+g.expr(depth)) + " from " + g.from(depth)
	if g.IntN(3) == 0 {
		s += " where " + g.expr(depth)
	}
	if g.IntN(5) == 0 {
		s += " group by " + g.expr(0)
	}
	if g.IntN(4) == 0 && depth > 0 {
		s += g.one(" union ", " union all ", " except ", " intersect ") + g.selects(depth-1)
	}
	return s + g.one("", "", " limit 3", " order by 1")
}

func (g grammar) statement() string {
	s := g.selects(2)
	switch g.IntN(14) {
	case 0:
		s = "insert into scratch " + s
	case 1:
		s = "insert into scratch values (" + g.expr(2) + ") returning e"
	case 2:
		s = "delete from " + g.one("orders", "customers", "scratch") + " where " + g.expr(1) + g.one("", " returning *")
	case 3:
		s = "update " + g.one("orders set status = ", "customers set full_name = ", "scratch set e = ") + g.expr(1) + g.one("", " where id = 1", " from customers c", " returning *")
	case 4:
		s = "create " + g.one("table", "view", "temp table") + " n as " + s
	case 5:
		s = g.one("explain ", "explain query plan ") + s
	case 6:
		s = g.one("pragma user_version = 5", "vacuum", "begin", "reindex", "analyze", "drop table scratch", "attach ':memory:' as m", "alter table customers rename column email to e")
	case 7:
		s = "insert into log values (" + g.expr(0) + ")"
	case 8:
		s = "with " + g.one("", "recursive ") + "c(e) as (" + s + ") " + g.one("select e from c", "select * from c, customers", "insert into scratch select e from c", "delete from scratch where e in c")
	}
	return g.one("", "", "-- x\n", "/* */") + s + g.one("", "", ";", "; -- end", "; select 1")
}
