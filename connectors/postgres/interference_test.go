package postgres

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// twinSchema makes two databases that differ in masked columns alone.
const twinSchema = `
create table users (id int primary key, email text, ssn text, pay numeric(10,2), doc jsonb, tier text, born date);
create table orders (id int primary key, user_id int, note text, total int);
insert into users select i, '%[1]s' || repeat('x', k * %[2]d) || k, chr(48 + k) || '-' || (k * 37 * %[2]d), k * %[2]d * 11.5, jsonb_build_object('k', '%[1]s' || k, 'n', repeat('y', k * %[2]d)), case when i %% 2 = 0 then 'pro' else 'free' end, date '1980-01-01' + k * %[2]d * 31 from (select i, %[3]s as k from generate_series(1, 6) i) s;
update users set email = null, doc = null where id = 3;
insert into orders select i, 1 + i %% 6, 'note ' || i, i * 10 from generate_series(1, 8) i;
create view v as select id, email as contact, tier, upper(ssn) as code from users;
create materialized view m as select id, email || '/' || tier as entry from users;
create function mails(t text) returns setof users language sql stable as 'select * from users where tier = t order by id';
create function mail(i int) returns text language sql stable as 'select email from users where id = i';
create function join_up(u users) returns text language sql immutable as 'select u.email || u.ssn';
create function wrap(x text) returns text language sql immutable as $$ select '<' || x || '>' $$;
create type pair as (a int, b text);
`

// twins are sessions at the two databases.
type twins struct {
	a, b *Conn
	plan *mask.Plan
}

func newTwins(t testing.TB) *twins {
	t.Helper()
	plan, err := mask.NewPlan([]mask.Rule{
		{Name: "m", Column: "users.email"}, {Name: "m", Column: "users.ssn"}, {Name: "m", Column: "users.pay"},
		{Name: "m", Column: "users.doc"}, {Name: "m", Column: "users.born"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, a := database(t, fmt.Sprintf(twinSchema, "secret", 3, "i"))
	_, b := database(t, fmt.Sprintf(twinSchema, "hidden-word", 7, "(i * 5) % 7"))
	return &twins{a: openApp(t, s, a, allow()), b: openApp(t, s, b, allow()), plan: plan}
}

// answer is all that a requester sees of a statement.
func (w *twins) answer(t testing.TB, c *Conn, text string) (dump string, refused bool) {
	t.Helper()
	g := &connectortest.Guard{Seen: w.plan, Kept: w.plan, Judge: func(connectors.Operation) error { return nil },
		Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{ReadOnly: true} }}
	cols, rows, sum, err := run(t, c, g, text)
	var b strings.Builder
	for _, col := range cols {
		fmt.Fprintf(&b, "%s %s %v|", col.Name, col.Type, col.Seen)
	}
	fmt.Fprintf(&b, "\n%s\n%s %d\n", strings.Join(rows, "\n"), sum.Tag, sum.Rows)
	var refusal *policy.Refusal
	var target *connectors.TargetError
	switch {
	case errors.As(err, &refusal), errors.Is(err, connectors.ErrUnsupported):
		return b.String() + "refused", true
	case errors.As(err, &target):
		fmt.Fprintf(&b, "error %s %s", target.Code, target.Text)
	case err != nil:
		t.Fatalf("%s: %v", text, err)
	}
	return b.String(), false
}

// check fails where the two databases can be told apart. It reports whether the
// statement was answered.
func (w *twins) check(t testing.TB, text string) bool {
	t.Helper()
	x, refused := w.answer(t, w.a, text)
	y, _ := w.answer(t, w.b, text)
	if x != y {
		t.Errorf("it tells masked values apart: %s\n--- %s\n+++ %s", text, x, y)
	}
	return !refused && !strings.Contains(x, "error ")
}

// writer makes random statements that are likely to use masked columns.
type writer struct {
	r *rand.Rand
	n int // names given
}

func (w *writer) pick(list ...string) string { return list[w.r.IntN(len(list))] }

func (w *writer) name() string { w.n++; return fmt.Sprintf("n%d", w.n) }

// text is an expression of type text over u, an alias of users.
func (w *writer) text(u string, depth int) string {
	if depth <= 0 {
		return u + "." + w.pick("email", "ssn", "tier", "email")
	}
	e := func() string { return w.text(u, depth-1) }
	switch w.r.IntN(28) {
	case 0:
		return "lower(" + e() + ")"
	case 1:
		return "(" + e() + " || " + e() + ")"
	case 2:
		return "substr(" + e() + ", 2, 3)"
	case 3:
		return "md5(" + e() + ")"
	case 4:
		return "coalesce(" + e() + ", 'none')"
	case 5:
		return "case when " + w.boolean(u, depth-1) + " then " + e() + " else 'x' end"
	case 6:
		return "(select " + w.text("q", depth-1) + " from users q where q.id = " + u + ".id)"
	case 7:
		return "concat(" + e() + ", " + u + ".id)"
	case 8:
		return "format('%s', " + e() + ")"
	case 9:
		return "(" + u + ".doc ->> 'k')"
	case 10:
		return "to_jsonb(" + u + ")::text"
	case 11:
		return "row(" + e() + ", 1)::pair::text"
	case 12:
		return "wrap(" + e() + ")"
	case 13:
		return "join_up(" + u + ")"
	case 14:
		return "mail(" + u + ".id)"
	case 15:
		return "(" + u + ").email"
	case 16:
		return "(array[" + e() + ", " + e() + "])[1]"
	case 17:
		return "greatest(" + e() + ", 'm')"
	case 18:
		return "cast(" + u + ".pay as text)"
	case 19:
		return "replace(" + e() + ", 'e', 'f')"
	case 20:
		return "(" + w.boolean(u, depth-1) + ")::text"
	case 21:
		return "xmlelement(name a, " + e() + ")::text"
	case 22:
		return "nullif(" + e() + ", 'z')"
	case 23:
		return "length(" + e() + ")::text"
	case 24:
		return u + ".born::text"
	case 25:
		return "(" + e() + " collate \"C\")"
	case 26:
		return "(select max(x.b) from (values (1, " + e() + ")) x(a, b))"
	}
	return u + ".join_up"
}

func (w *writer) boolean(u string, depth int) string {
	switch w.r.IntN(10) {
	case 0:
		return w.text(u, depth) + " like '%e%'"
	case 1:
		return u + ".pay > 50"
	case 2:
		return "exists (select 1 from users z where z.id = " + u + ".id and " + w.boolean("z", depth-1) + ")"
	case 3:
		return u + ".email is null"
	case 4:
		return w.text(u, depth) + " in (select contact from v)"
	case 5:
		return u + ".doc @> '{\"k\": \"secret1\"}'"
	case 6, 7:
		return u + ".id > 2"
	}
	return u + ".tier = 'pro'"
}

// from is a source of rows that is known as u and has the columns of users.
func (w *writer) from(u string, depth int) string {
	if depth <= 0 {
		return "users " + u
	}
	in := w.name()
	switch w.r.IntN(9) {
	case 0:
		return "(select * from " + w.from(in, depth-1) + " where " + w.boolean(in, 0) + ") " + u
	case 1:
		return "mails('pro') " + u
	case 2:
		return "(select * from users union all select * from " + w.from(in, depth-1) + ") " + u
	case 3:
		return "(select " + in + ".* from orders o join " + w.from(in, depth-1) + " on o.user_id = " + in + ".id) " + u
	case 4:
		return "(select id, " + w.text(in, 1) + " as email, ssn, pay, doc, tier, born from " + w.from(in, depth-1) + ") " + u
	case 5:
		return "orders o" + in + " cross join lateral (select * from users y where y.id = o" + in + ".user_id) " + u
	case 6:
		return "(with c as (select * from " + w.from(in, depth-1) + ") select * from c) " + u
	case 7:
		return "(select distinct on (id) * from " + w.from(in, depth-1) + " order by id) " + u
	}
	return "users " + u
}

// statement is a whole query.
func (w *writer) statement() string {
	u := w.name()
	body := w.text(u, 3)
	switch w.r.IntN(12) {
	case 0:
		return "select " + w.pick("count(", "count(distinct ", "max(", "array_agg(", "string_agg(',' || ", "json_agg(") + body + closing(w) + " from " + w.from(u, 2)
	case 1:
		return "select " + u + ".tier, count(" + u + ".email), max(" + body + ") from " + w.from(u, 2) + " group by " + w.pick(u+".tier", "1", u+".tier, "+body)
	case 2:
		return "select " + u + ".id, " + body + " from " + w.from(u, 2) + " order by " + w.pick(u+".id", "1", "2", body) + " limit 3"
	case 3:
		return "select " + body + " from " + w.from(u, 1) + " union " + w.pick("", "all ") + "select note from orders"
	case 4:
		return "select " + u + ".id from " + w.from(u, 2) + " where " + w.boolean(u, 2)
	case 5:
		return "select " + u + " from " + w.from(u, 1)
	case 6:
		return "select " + u + ".*, " + body + " from " + w.from(u, 1)
	case 7:
		return "with recursive r(i, s) as (select 1, " + body + " from " + w.from(u, 1) + " where " + u + ".id = 1 union all select i + 1, s || 'z' from r where i < 3) select * from r"
	case 8:
		return "select id, first_value(" + body + ") over (" + w.pick("order by id", "partition by tier", "order by "+u+".pay") + ") from " + w.from(u, 1)
	case 9:
		return "select x.v from " + w.from(u, 1) + ", lateral (values (" + body + "), (" + u + ".tier)) x(v)"
	case 10:
		return "select contact, code, entry from v join m using (id) where " + w.pick("v.id = 1", "contact = 'x'", "true")
	}
	return "select " + body + ", " + u + ".id as e from " + w.from(u, 2)
}

func closing(w *writer) string {
	return w.pick(")", ")", ") filter (where true)")
}

// TestNonInterference: whatever is asked, the answers at two databases that differ
// in masked values alone are the same. Enough of it must be answered, or refusing
// everything would pass.
func TestNonInterference(t *testing.T) {
	w := newTwins(t)
	answered := 0
	const n = 250
	for seed := range uint64(n) {
		g := &writer{r: rand.New(rand.NewPCG(seed, 7))}
		if w.check(t, g.statement()) {
			answered++
		}
	}
	t.Logf("%d of %d answered", answered, n)
	if answered < n/4 {
		t.Errorf("only %d of %d answered", answered, n)
	}
}

// FuzzNonInterference is TestNonInterference over any seed.
func FuzzNonInterference(f *testing.F) {
	w := newTwins(f)
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		w.check(t, (&writer{r: rand.New(rand.NewPCG(a, b))}).statement())
	})
}

// TestAttacks: none of the questions of testdata/attacks.sql is answered in a way
// that tells masked values apart.
func TestAttacks(t *testing.T) {
	w := newTwins(t)
	b, err := os.ReadFile(filepath.Join("testdata", "attacks.sql"))
	if err != nil {
		t.Fatal(err)
	}
	answered := 0
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		if w.check(t, line) {
			answered++
			t.Logf("answered: %s", line)
		}
	}
	t.Logf("%d answered", answered)
}
