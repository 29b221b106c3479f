package postgres

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/policy"
)

const estimateSchema = `
create table big (id int primary key, state text);
insert into big select g, case when g <= 100 then 'rare' else 'common' end from generate_series(1, 5000) g;
create view v_big as select * from big;
create function shout(int) returns int immutable language plpgsql as $$ begin raise exception 'it ran'; end $$;
create function shout(text) returns text stable language sql as 'select $1';
`

// TestEstimate: what the planner expects, and that nothing of the statement, no
// function either, runs for it.
func TestEstimate(t *testing.T) {
	s, name := database(t, estimateSchema)
	if err := s.Exec(t.Context(), name, "analyze"); err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{}
	c := openApp(t, s, name, g)
	for text, want := range map[string][2]int64{
		"select * from big": {5000, 5000}, "delete from big": {5000, 5000}, "delete from big where id = 3": {1, 1},
		"update big set state = 'x' where state = 'rare'":                {50, 200},
		"with d as (delete from big where id < 101 returning 1) table d": {50, 200},
		"insert into big select id + 10000, state from big":              {5000, 5000},
		"explain analyze delete from big":                                {-1, -1}, "truncate big": {-1, -1}, "select shout(1)": {-1, -1}, "select shout('x') from big": {-1, -1},
		"select * from v_big": {-1, -1}, "delete from big where id = $1": {-1, -1}, "select 1; select 2": {-1, -1}, "select nextval('x')": {-1, -1}, "": {-1, -1},
		"select * from nothing": {-1, -1}, "select lower(state) from big where id < 11 -- done": {5, 20}, "select pg_sleep(100)": {1, 1},
	} {
		rows, err := c.Estimate(t.Context(), g, connectors.Statement{Text: text})
		var refused *connectors.TargetError
		switch {
		case want[0] < 0 && !errors.Is(err, connectors.ErrUnsupported) && !errors.As(err, &refused):
			t.Errorf("%q: %d, %v, want no estimate", text, rows, err)
		case want[0] < 0 && strings.Contains(err.Error(), "it ran"):
			t.Errorf("%q: planning called a function of the user's", text)
		case want[0] >= 0 && (err != nil || rows < want[0] || rows > want[1]):
			t.Errorf("%q: %d, %v, want %d", text, rows, err, want)
		}
	}
	if _, rows, _, err := run(t, c, g, "select count(*) from big"); err != nil || rows[0] != "5000" {
		t.Errorf("%q, %v", rows, err)
	}
	noted := func(n string) bool {
		return strings.Contains(n, "explain (format json) delete from big where id = 3") && strings.Contains(n, "read only")
	}
	if !slices.ContainsFunc(g.Notes(), noted) {
		t.Errorf("it is not noted: %q", g.Notes())
	}
}

// asking is a guard that asks for the estimate while it decides.
type asking struct {
	*connectortest.Guard
	rows int64
	err  error
}

// TestEstimateWithinCheck: a guard may ask while the statement waits for leave,
// and the statement runs afterwards.
func TestEstimateWithinCheck(t *testing.T) {
	s, name := database(t, estimateSchema)
	c := openApp(t, s, name, allow())
	a := &asking{Guard: allow()}
	a.OnCheck = func(op connectors.Operation) { a.rows, a.err = op.Estimate(t.Context()) }
	_, _, sum, err := run(t, c, a.Guard, "delete from big where id > 4000")
	if err != nil || sum.Affected != 1000 || a.err != nil || a.rows < 1 {
		t.Errorf("estimated %d, %v; deleted %d, %v", a.rows, a.err, sum.Affected, err)
	}
}

// TestColumns: which columns are read and set, with the catalog.
func TestColumns(t *testing.T) {
	s, name := database(t, `create table users (id int, email text, phone text); create table orders (id int, user_id int, note text);
create schema other; create table other.users (id int, salary int)`)
	c := openApp(t, s, name, allow())
	for text, want := range map[string]string{
		"select email from users":                                                        "users.email",
		"select u.email from users u where u.phone = '1' order by id":                    "users.email users.phone users.id",
		"select * from users":                                                            "users.id users.email users.phone",
		"select u.* from users u, orders o":                                              "users.id users.email users.phone",
		"select u from users u":                                                          "users.id users.email users.phone",
		"select to_jsonb(u) ->> 'email' from users u":                                    "users.id users.email users.phone",
		"select note from orders where exists (select from users where email like 'a%')": "orders.note users.email",
		"select x.e from (select email e from users) x":                                  "users.email",
		"with c as (select email as e from users) select e from c":                       "users.email",
		"select salary from other.users":                                                 "other.users.salary",
		"select n.a from users n(a, b)":                                                  "users.id users.email users.phone",
		"select count(*) from users":                                                     "",
		"select ctid from users":                                                         "",
		"select g from generate_series(1, 2) g":                                          "",
		"select mystery from users":                                                      "users.id users.email users.phone",
		"select id from users join orders using (id)":                                    "users.id orders.id",
		"table orders":                                      "orders.id orders.user_id orders.note",
		"copy users (email) to stdout":                      "users.email",
		"copy users to stdout":                              "users.id users.email users.phone",
		"insert into orders (id, note) values (1, 'x')":     "! orders.id orders.note",
		"insert into orders select id, 1, phone from users": "users.id orders.id users.phone ! orders.id orders.user_id orders.note",
		"insert into orders (id) values (1) on conflict (id) do update set note = excluded.note":                                                            "! orders.id orders.note",
		"update orders set note = 'x' where id = 3 returning user_id":                                                                                       "orders.id orders.user_id ! orders.note",
		"update orders o set (note, user_id) = (select email, u.id from users u)":                                                                           "users.email users.id ! orders.note orders.user_id",
		"delete from users where email is null":                                                                                                             "users.email",
		"merge into orders o using users u on o.user_id = u.id when matched then update set note = u.phone when not matched then insert (id) values (u.id)": "orders.user_id users.id users.phone ! orders.note orders.id",
		"explain update orders set note = 'x'":                                                                                                              "",
		"do $$ begin update orders set note = (select max(email) from users) where id = 1; end $$":                                                          "users.email orders.id users.id ! orders.note",
	} {
		f, err := c.Judge(t.Context(), connectors.Statement{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		list := func(cols []policy.Column) []string {
			var out []string
			for _, col := range cols {
				out = append(out, strings.TrimPrefix(col.Schema+"."+col.Table+"."+col.Name, "public."))
			}
			slices.Sort(out)
			return out
		}
		reads, writes, _ := strings.Cut(want, "!")
		wantReads, wantWrites := strings.Fields(reads), strings.Fields(writes)
		slices.Sort(wantReads)
		slices.Sort(wantWrites)
		if !slices.Equal(list(f.Reads), wantReads) || !slices.Equal(list(f.Writes), wantWrites) {
			t.Errorf("%q: reads %q, writes %q; want %q", text, list(f.Reads), list(f.Writes), want)
		}
	}
}
