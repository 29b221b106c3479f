package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
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
