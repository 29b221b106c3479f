package clickhouse

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// writer makes up statements in which names stand for columns, for items and for tables
// at once.
type writer struct{ r *rand.Rand }

func (w writer) one(of ...string) string { return of[w.r.IntN(len(of))] }

func (w writer) column() string {
	return w.one("id", "name", "email", "note", "shout", "copy", "x", "y", "c.email", "c.id", "c.name", "customers.email", "customers.name", "customers.note", "e.email", "`email`", "\"id\"", "true", "n")
}

func (w writer) expression(depth int) string {
	if depth == 0 || w.r.IntN(3) == 0 {
		return w.one(w.column(), w.column(), "1", "'x'", "NULL", "17")
	}
	a, b := w.expression(depth-1), w.expression(depth-1)
	return w.one(
		"lower("+a+")", "concat("+a+", "+b+")", "toString("+a+")", "("+a+")", "["+a+", "+b+"][1]", "("+a+", "+b+").1", "if("+a+" = "+b+", "+a+", "+b+")",
		"case when "+a+" = "+b+" then "+a+" else "+b+" end", "coalesce("+a+", "+b+")", a+" || "+b, "any("+a+")", "max("+a+")", "count("+a+")", "("+a+" as y)",
		"cast("+a+" as String)", "assumeNotNull("+a+")", "materialize("+a+")", "arrayJoin(["+a+"])", "arrayMap(x -> "+a+", ["+b+"])", "identity("+a+")",
		"(select any("+w.column()+") from customers)", "ifNull(toString("+a+"), '')",
	)
}

func (w writer) item() string {
	e := w.expression(w.r.IntN(3))
	switch w.r.IntN(6) {
	case 0:
		return w.one("*", "c.*", "customers.*")
	case 1, 2:
		return e + w.one(" as ", " ") + w.one("id", "name", "email", "x", "y", "note", "shout", "copy")
	}
	return e
}

func (w writer) from() string {
	return w.one("customers", "customers", "customers as c", "customers c", "customers as id", "customers final", "(select email as x, id from customers)", "v_customers as c",
		"counters as c any left join customers using (id)", "customers as c any left join (select id, email as name from customers) as e using (id)", "copies as c", "customers as email")
}

func (w writer) statement() string {
	var items []string
	for range 1 + w.r.IntN(3) {
		items = append(items, w.item())
	}
	s := w.one("select ", "select ", "select distinct ", "with email as x select ") + strings.Join(items, ", ") + " from " + w.from()
	if w.r.IntN(4) == 0 {
		s += " array join [" + w.column() + "] as " + w.one("x", "id", "name")
	}
	if w.r.IntN(3) == 0 {
		s += w.one(" where ", " prewhere ") + w.expression(1) + w.one(" = ", " != ") + w.expression(1)
	}
	if w.r.IntN(4) == 0 {
		s += " group by " + w.column()
	}
	if w.r.IntN(3) == 0 {
		s += " order by " + w.one("1", w.column())
	}
	return s + w.one("", "", " limit 3", " limit 1 by id")
}

// TestRandom runs statements that were made up, by the real server, under masks: no
// value of the column shows, and what shows is what the server answers without.
func TestRandom(t *testing.T) {
	s, name := database(t, append(append([]string(nil), suiteSchema[:7]...), "create table copies (id UInt32, email String) engine = MergeTree order by id")...)
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	p := plan(t, mask.Rule{Name: "contact", Column: "customers.email"})
	seed := [2]uint64{rand.Uint64(), rand.Uint64()}
	w := writer{rand.New(rand.NewPCG(seed[0], seed[1]))}
	var shown, masked, refused, failed int
	for range 1500 {
		text := w.statement()
		g := &connectortest.Guard{Seen: p, Kept: p}
		rows, err := ask(t, c, g, text)
		all := strings.Join(rows, "\n") + fmt.Sprint(err)
		if strings.Contains(strings.ToLower(all), "person") || strings.Contains(strings.ToLower(all), "secret.example") {
			t.Fatalf("seeds %d: %s\n%.300s", seed, text, all)
		}
		var te *connectors.TargetError
		switch {
		case errors.As(err, &te):
			failed++
		case err != nil:
			refused++
		case strings.Contains(all, mask.Redacted):
			masked++
		default:
			shown++
		}
	}
	t.Logf("%d answered, %d with masks, %d refused, %d failed at the server", shown, masked, refused, failed)
	if shown+masked < 20 || masked == 0 || refused < 100 {
		t.Errorf("%d answered, %d with masks, %d refused, %d failed: too few of a kind to tell anything", shown, masked, refused, failed)
	}
}
