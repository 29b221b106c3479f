package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// TestTransaction: statements between BEGIN and its end are one transaction, each
// of them read-only where it was judged a read.
func TestTransaction(t *testing.T) {
	s, name := database(t, "create table t (n int); insert into t values (1), (2), (3); create function sneaky() returns int language sql immutable as 'select 1'")
	c := openApp(t, s, name, allow())
	do := func(text, wantTag string) {
		t.Helper()
		_, _, sum, err := run(t, c, allow(), text)
		if err != nil || sum.Tag != wantTag {
			t.Errorf("%q: tag %q, %v; want %q", text, sum.Tag, err, wantTag)
		}
	}
	count := func(want string) {
		t.Helper()
		if rows, err := s.Query(t.Context(), name, "select count(*) from t"); err != nil || rows[0][0] != want {
			t.Errorf("%q rows, %v; want %s", rows, err, want)
		}
	}
	do("begin", "BEGIN")
	do("insert into t values (4)", "INSERT 0 1")
	count("3")
	do("rollback", "ROLLBACK")
	count("3")
	do("begin isolation level serializable", "BEGIN")
	do("insert into t values (4)", "INSERT 0 1")
	do("select n from t where n = 4", "SELECT 1")
	do("declare k cursor for select n from t order by n", "DECLARE CURSOR")
	do("fetch 2 from k", "FETCH 2")
	do("insert into t values (5)", "INSERT 0 1")
	do("commit", "COMMIT")
	count("5")

	// A read within it cannot write, and what writes afterwards still can.
	do("begin", "BEGIN")
	g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }, Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{ReadOnly: true} }}
	var te *connectors.TargetError
	if _, _, _, err := run(t, c, g, "insert into t values (6)"); !errors.As(err, &te) || te.Code != "25006" {
		t.Errorf("a write under read-only terms: %v", err)
	}
	if _, _, _, err := run(t, c, allow(), "select 1"); !errors.As(err, &te) || te.Code != "25P02" {
		t.Errorf("a step after one that failed: %v", err)
	}
	do("commit", "ROLLBACK")
	do("begin", "BEGIN")
	if _, _, _, err := run(t, c, g, "select 1"); err != nil {
		t.Error(err)
	}
	do("insert into t values (6)", "INSERT 0 1")
	for _, text := range []string{"begin", "savepoint sallyport", "rollback to savepoint sallyport", "commit and chain"} {
		if _, _, _, err := run(t, c, allow(), text); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%q: %v", text, err)
		}
	}
	do("commit", "COMMIT")
	count("6")
}

// TestCursorsAndPrepared: an answer under a name is masked like that of the query
// behind it, also after another took the name.
func TestCursorsAndPrepared(t *testing.T) {
	s, name := database(t, "create table users (id int, email text); insert into users values (1, 'secret-value'), (2, 'secret-other')")
	c := openApp(t, s, name, allow())
	plan, err := mask.NewPlan([]mask.Rule{{Name: "m", Column: "users.email"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
	for _, text := range []string{"prepare bad as select email::int from users", "explain analyze execute bad", "execute bad", "deallocate bad"} {
		if _, rows, _, err := run(t, c, g, text); strings.Contains(fmt.Sprint(rows, err), "secret") {
			t.Errorf("%s: %q, %v", text, rows, err)
		}
	}
	for _, step := range []struct{ text, want string }{
		{"prepare p(int) as select id, email from users where id = $1", ""},
		{"execute p(1)", "1|[masked]"},
		{"execute p(2)", "2|[masked]"},
		{"deallocate p", ""},
		{"prepare p(int) as select email, id from users where id = $1", ""},
		{"execute p(2)", "[masked]|2"},
		{"prepare q(text) as select $1 || id from users where id = 1", ""},
		{"execute q('x')", "x1"},
		{"execute q((select email from users where id = 1))", "ERROR"},
		{"prepare e(text) as select id from users where email = $1", "ERROR"},
		{"execute nobody", "ERROR"},
		{"begin", ""},
		{"declare k cursor for select email, id from users order by id", ""},
		{"fetch k", "[masked]|1"},
		{"move k", ""},
		{"close k", ""},
		{"declare k cursor for select id, email from users order by id", ""},
		{"fetch first from k", "1|[masked]"},
		{"fetch from other", "ERROR"},
		{"commit", ""},
		{"copy (select id from users order by id) to stdout", "1 2"},
		{"copy users to stdout", "ERROR"},
		{"copy users (id) to stdout", "1 2"},
		{"copy (select upper(email) from users) to stdout", "ERROR"},
		{"copy (select id, 'a' || E'\\nb' from users order by id limit 1) to stdout csv", `1,"a b"`},
	} {
		_, rows, _, err := run(t, c, g, step.text)
		got := strings.Join(rows, " ")
		if err != nil {
			got = "ERROR"
		}
		if got != step.want {
			t.Errorf("%s: %q, %v; want %q", step.text, got, err, step.want)
		}
	}
}

// TestTemporaryTables: what a temporary table was made of stays with it, by
// whatever name and in whatever shape.
func TestTemporaryTables(t *testing.T) {
	s, name := database(t, "create table users (id int, email text, tier text); insert into users values (1, 'secret-value', 'pro'), (2, 'secret-other', 'free'); create table plain (id int, note text)")
	c := openApp(t, s, name, allow())
	plan, err := mask.NewPlan([]mask.Rule{{Name: "m", Column: "users.email"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
	for _, step := range []struct{ text, want string }{
		{"create temp table tt as select id, email as note, tier from users", ""},
		{"select * from tt order by id", "1|[masked]|pro 2|[masked]|free"},
		{"select upper(note) from pg_temp.tt", "[masked] [masked]"},
		{"select id from tt where note like 's%'", "REFUSED"},
		{"select note::int from tt", "ERROR"},
		{"update tt set tier = note", "REFUSED"},
		{"update tt set note = 'x' where id = 2", ""},
		{"insert into plain select id, note from tt", "REFUSED"},
		{"create table kept as select note from tt", "REFUSED"},
		{"alter table tt rename note to x", "REFUSED"},
		{"alter table tt rename to t2", "REFUSED"},
		{"alter table tt alter column tier type text using note", "REFUSED"},
		{"do $$ begin raise notice '%', (select note from tt limit 1); end $$", "REFUSED"},
		{"copy tt to stdout", "REFUSED"},
		{"create temp table if not exists tt as select id, tier as note, tier from users", ""},
		{"select note from tt", "[masked] [masked]"},
		{"create temp table t3 as select note as n from tt", ""},
		{"select n from t3", "[masked] [masked]"},
		{"select email as e into temp t4 from users", ""},
		{"select e from t4", "[masked] [masked]"},
		{"create temp view tv as select note as v from tt", ""},
		{"select v from tv", "[masked] [masked]"},
		{"drop view tv", ""},
		{"drop table tt", ""},
		{"create temp table tt (id int, note text)", "REFUSED"},
		{"create temp table tt as select id, tier as note from users", ""},
		{"select note from tt order by id", "pro free"},
		{"begin", ""},
		{"create temp table t5 on commit drop as select email from users", ""},
		{"select * from t5", "[masked] [masked]"},
		{"commit", ""},
		{"select email from users union all select note from tt", "[masked] [masked] [masked] [masked]"},
	} {
		_, rows, _, err := run(t, c, g, step.text)
		got := strings.Join(rows, " ")
		var refusal *policy.Refusal
		switch {
		case errors.As(err, &refusal):
			got = "REFUSED"
		case err != nil:
			got = "ERROR"
		}
		if got != step.want || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: %q, %v; want %q", step.text, got, err, step.want)
		}
	}
}
