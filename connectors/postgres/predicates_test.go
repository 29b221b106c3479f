package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// TestPredicates: what a masked column may decide goes by its rule.
func TestPredicates(t *testing.T) {
	s, name := database(t, fmt.Sprintf(twinSchema, "secret", 3, "i"))
	c := openApp(t, s, name, allow())
	for _, tt := range []struct {
		text                  string
		deny, equality, allow bool
	}{
		{"select id from users", true, true, true},
		{"select email from users", true, true, true},
		{"select id from users where email = 'x'", false, true, true},
		{"select id from users where 'x' = email and id > 1", false, true, true},
		{"select id from users where email in ('x', 'y') or email = any (array['z'])", false, true, true},
		{"select id from v where contact = 'x'", false, true, true},
		{"with t as (select * from users) select id from t where email = 'x'", false, true, true},
		{"update orders set note = 'x' where user_id = (select id from users where email = 'x')", false, true, true},
		{"select id from users where not email = 'x'", false, false, true},
		{"select id from users where email like 'x%'", false, false, true},
		{"select id from users where lower(email) = 'x'", false, false, true},
		{"select id from users where email = tier", false, false, true},
		{"select id from users where email > 'x'", false, false, true},
		{"select id from users order by email", false, false, true},
		{"select count(*) from users group by email", false, false, true},
		{"select distinct email from users", false, false, true},
		{"select o.id from orders o join users u on u.email = o.note", false, false, true},
		{"select case when email = 'x' then 1 end from users", false, false, true},
	} {
		for mode, want := range map[mask.Predicates]bool{mask.DenyPredicates: tt.deny, mask.EqualityAlone: tt.equality, mask.AllowPredicates: tt.allow} {
			plan, err := mask.NewPlan([]mask.Rule{{Name: "m", Column: "users.email", Predicates: mode}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
			_, rows, _, err := run(t, c, g, tt.text)
			var refusal *policy.Refusal
			if (err == nil) != want || err != nil && (!errors.As(err, &refusal) || refusal.Rule != "masks/m" || !strings.Contains(refusal.Reason, "users.email")) {
				t.Errorf("%s with predicates %v: %v", tt.text, mode, err)
			}
			if strings.Contains(fmt.Sprint(rows), "secret") {
				t.Errorf("%s with predicates %v: %q", tt.text, mode, rows)
			}
		}
	}
}

// TestCarrying: a masked value goes only where the same mask is.
func TestCarrying(t *testing.T) {
	w := newTwins(t)
	for text, want := range map[string]bool{
		"update users set email = upper(email) where id = 1":                                                                                        true,
		"update users set ssn = email where id = 1":                                                                                                 true,
		"update users set tier = email where id = 1":                                                                                                false,
		"update users set tier = tier || 'x', email = 'new' where id = 1":                                                                           true,
		"update orders o set note = u.email from users u where u.id = o.user_id":                                                                    false,
		"update orders o set (note, total) = (select email, 1 from users limit 1)":                                                                  false,
		"insert into users select id + 100, email, ssn, pay, doc, tier, born from users returning id, email":                                        true,
		"insert into users (id, tier) select id + 200, ssn from users":                                                                              false,
		"insert into orders select id, 1, note, 2 from orders where id = 1 on conflict (id) do update set note = (select email from users limit 1)": false,
		"insert into orders values (1, 1, 'n', 2) on conflict (id) do update set note = excluded.note":                                              true,
		"insert into users (id, email) values (1, 'x') on conflict (id) do nothing":                                                                 true,
		"insert into users (id, email) values (1, 'x') on conflict do nothing":                                                                      false,
		"merge into orders o using users u on u.id = o.user_id when matched then update set note = u.email":                                         false,
		"merge into orders o using users u on u.id = o.user_id when matched then update set note = u.tier":                                          true,
		"merge into orders o using users u on u.id = o.user_id when matched and u.email like 's%' then delete":                                      false,
		"with x as (update orders set note = 'y' returning note) insert into orders select 99, 1, email, 1 from users where id = 1":                 false,
		"delete from orders using users u where u.email = 'x' and u.id = orders.user_id":                                                            false,
		"delete from orders using users u where u.tier = 'none' and u.id = orders.user_id returning u.email":                                        true,
		"create table copied as select id, email from users":                                                                                        false,
		"create table copied as select id, tier from users":                                                                                         true,
		"select email into stolen from users":                                                                                                       false,
		"create materialized view mm as select upper(email) from users":                                                                             false,
		"create view vv as select email from users":                                                                                                 true,
		"create view ww as select id from users where email like 's%'":                                                                              false,
		"update v set contact = 'x' where id = 1":                                                                                                   true,
		"update v set tier = contact where id = 1":                                                                                                  false,
		"alter table users rename email to shown":                                                                                                   false,
		"alter table orders add column extra int":                                                                                                   true,
		"truncate users":                                                            true,
		"create index on users (left(email, 1))":                                    false,
		"alter table users alter column tier type text using email":                 false,
		"alter schema public rename to elsewhere":                                   false,
		"create function f() returns int language plpgsql as 'begin return 1; end'": false,
	} {
		if got := w.permitted(t, text); got != want {
			t.Errorf("%s: permitted %v, want %v", text, got, want)
		}
	}
}

// permitted runs a statement that may write within a transaction that is rolled
// back, and reports whether the gate let it.
func (w *twins) permitted(t testing.TB, text string) bool {
	t.Helper()
	g := &connectortest.Guard{Seen: w.plan, Kept: w.plan} // which also judges forms that copy
	if _, _, _, err := run(t, w.a, allow(), "begin"); err != nil {
		t.Fatal(err)
	}
	_, _, _, err := run(t, w.a, g, text)
	if _, _, _, end := run(t, w.a, allow(), "rollback"); end != nil {
		t.Fatal(end)
	}
	var refusal *policy.Refusal
	if err != nil && !errors.As(err, &refusal) && !errors.Is(err, connectortest.ErrDenied) {
		t.Errorf("%s: %v", text, err)
	}
	return err == nil
}

// BenchmarkTrace is parse and lineage of a statement with a warm catalog.
func BenchmarkTrace(b *testing.B) {
	s := server(b)
	_, name := database(b, fmt.Sprintf(twinSchema, "secret", 3, "i"))
	c := openApp(b, s, name, allow())
	const text = "select u.id, v.contact, (select max(o.total) from orders o where o.user_id = u.id) from users u join v on v.id = u.id where u.tier = 'pro' order by u.id"
	tree, err := c.driver.pool.tree(b.Context(), text)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("lineage", func(b *testing.B) {
		for b.Loop() {
			if l := c.analyze(context.Background(), tree.GetStmts()[0].GetStmt()); !l.Understood {
				b.Fatal(l.Why)
			}
		}
	})
	b.Run("parse and lineage", func(b *testing.B) {
		for b.Loop() {
			tree, err := c.driver.pool.tree(context.Background(), text)
			if err != nil {
				b.Fatal(err)
			}
			if l := c.analyze(context.Background(), tree.GetStmts()[0].GetStmt()); !l.Understood {
				b.Fatal(l.Why)
			}
		}
	})
}
