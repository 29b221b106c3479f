package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// TestGroups: where a mask says that rows chosen by its column are told of in groups
// alone, an answer is counts of groups that are large enough. A smaller group does
// not show, neither does that it was there; whatever else could tell who is in a
// large one is refused.
func TestGroups(t *testing.T) {
	s, name := database(t, `create table staff (id int primary key, dept text, pay int, boss int);
		insert into staff select i, case when i <= 6 then 'ops' when i <= 8 then 'law' else 'it' end, i * 100, 1 from generate_series(1, 20) i;
		create view v as select * from staff`)
	c := openApp(t, s, name, allow())
	plan, err := mask.NewPlan([]mask.Rule{{Name: "pay", Column: "staff.pay", Predicates: mask.AllowPredicates, Group: 3}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := func() *connectortest.Guard {
		return &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
	}
	for text, want := range map[string]string{
		"select count(*) from staff where pay > 500":                                                   "15",
		"select count(*) from staff where pay > 1800":                                                  "",
		"select count(*) from staff where pay > 5000":                                                  "",
		"select dept, count(*) from staff where pay > 500 group by dept order by dept":                 "it|12",
		"select dept, count(*) from staff where pay > 300 and id > 0 group by 1 order by 2 desc, dept": "it|12,ops|3",
		"select count(*), dept from staff s where s.pay between 400 and 900 group by s.dept":           "3|ops",
		"select dept, count(*) from staff group by dept order by dept":                                 "it|12,law|2,ops|6",
		"select count(*) from staff where pay = 700":                                                   "",
		"select pay, count(*) from staff group by pay":                                                 "",
	} {
		r, err := c.Query(t.Context(), g(), connectors.Statement{Text: text})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for {
			rows, err := r.Batch(t.Context(), 100)
			for _, row := range rows {
				var cells []string
				for _, c := range row {
					cells = append(cells, c.Text)
				}
				got = append(got, strings.Join(cells, "|"))
			}
			if err != nil {
				break
			}
		}
		if d := cmp.Diff(want, strings.Join(got, ",")); d != "" {
			t.Errorf("%s: %s", text, d)
		}
		if sum := r.Summary(); sum.Tag != fmt.Sprintf("SELECT %d", len(got)) {
			t.Errorf("%s: the tag is %q for %d rows", text, sum.Tag, len(got))
		}
	}
	for _, text := range []string{
		"select id from staff where pay > 1800",
		"select count(*), min(id) from staff where pay > 500",
		"select sum(2 ^ id) from staff where pay > 500",
		"select count(*), array_agg(id) from staff where pay > 500",
		"select count(*) filter (where id = 7) from staff where pay > 500",
		"select count(*) from staff where pay > 500 and 1/(id-7) < 9",
		"select count(*) from staff where pay > 500 and exists (select from staff x where x.pay > 1900)",
		"select count(*) from staff where pay > 500 having min(id) = 6",
		"select count(*) from staff where pay > 500 order by sum(1/(id-7))",
		"select dept, count(*) from staff where pay > 1800 group by dept order by dept limit 1",
		"select dept, count(*) from staff where pay > 1800 group by dept order by dept offset 1",
		"select dept, count(*) from staff where pay > 1800 group by grouping sets (dept, ())",
		"select count(*) from staff, generate_series(1, 100) where pay > 1800",
		"select count(*) from staff a join staff b on a.boss = b.boss where a.pay > 1900",
		"select count(*) from v where pay > 500",
		"select count(*) from (select 1 from staff where pay > 1800) q",
		"with q as (select count(*) from staff where pay > 1800) select * from q",
		"select (select count(*) from staff where pay > 1800)",
		"select 1 where exists (select from staff where pay > 1900)",
		"select count(*) from staff where pay > 1800 union all select 5",
		"select count(pay) from staff where pay > 500",
		"select *, count(*) from staff where pay > 500 group by id, dept, pay, boss",
		"explain select count(*) from staff where pay > 500",
		"copy (select count(*) from staff where pay > 1800) to stdout",
		"update staff set dept = 'x' where pay > 1800",
		"delete from staff where pay > 1800",
		"select id from staff order by pay",
	} {
		_, rows, _, err := run(t, c, g(), text)
		var no *policy.Refusal
		if !errors.As(err, &no) || !strings.HasPrefix(no.Rule, "masks") {
			t.Errorf("%s: %v, %v", text, rows, err)
		}
	}
}

// TestTriesOfExecute: what EXECUTE is given counts like what is written in place: an
// array by its elements, whether it is one or a text that will be one.
func TestTriesOfExecute(t *testing.T) {
	s, name := database(t, fmt.Sprintf(twinSchema, "secret", 3, "i"))
	c := openApp(t, s, name, allow())
	plan, err := mask.NewPlan([]mask.Rule{{Name: "m", Column: "users.email", Predicates: mask.EqualityAlone, Budget: 100}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"prepare one(text) as select id from users where email = $1",
		"prepare many(text[]) as select id from users where email = any ($1)",
		"prepare pair(text, text) as select id from users where email in ($1, $2) or email = $1",
		"prepare odd(text) as select id from users where email = lower($1)",
	} {
		g := &connectortest.Guard{Seen: plan, Kept: plan}
		if _, _, _, err := run(t, c, g, text); err != nil && !strings.Contains(text, "odd") {
			t.Fatalf("%s: %v", text, err)
		}
	}
	for text, want := range map[string]int64{
		"execute one('a')":                                   1,
		"execute many('{a,b,c}')":                            3,
		"execute many('{a,b,c}'::text[])":                    3,
		"execute many(array['a', 'b', 'c', 'd'])":            4,
		"execute pair('a', 'b')":                             3,
		"explain execute many(array['a', 'b'])":              0, // a plan shows too much
		"execute many(string_to_array('a,b', ','))":          0, // nobody can count them
		"execute one((select note from orders limit 1))":     0,
		"execute many((select array_agg(note) from orders))": 0,
	} {
		var tries int64
		g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(op connectors.Operation) error {
			for _, l := range op.Trace.LookUps(plan) {
				tries += l.Tries
			}
			return nil
		}}
		_, _, _, err := run(t, c, g, text)
		var no *policy.Refusal
		if want == 0 && !strings.HasPrefix(text, "explain") && !errors.As(err, &no) || want > 0 && (err != nil || tries != want) {
			t.Errorf("%s: %d tries, want %d: %v", text, tries, want, err)
		}
	}
}

// TestMost: a mask bounds the rows of answers that show its column or are chosen by
// it, and of no others.
func TestMost(t *testing.T) {
	s, name := database(t, fmt.Sprintf(twinSchema, "secret", 3, "i"))
	c := openApp(t, s, name, allow())
	plan, err := mask.NewPlan([]mask.Rule{{Name: "m", Column: "users.email", Predicates: mask.AllowPredicates, Rows: 2}, {Name: "n", Column: "users.ssn", Rows: 4}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int64{
		"select id, email from users": 2, "select upper(ssn) from users": 4, "select id, tier from users": 0,
		"select ssn, email from users": 2, "select id from users where email > 'a'": 2, "select contact from v": 2,
	} {
		trace, err := c.Trace(t.Context(), connectors.Statement{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := trace.Most(plan); got != want {
			t.Errorf("%s: %d rows, want %d", text, got, want)
		}
	}
}
