package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// steps runs statements one after the other and compares their rows, or ERROR and a
// code or word of it.
func steps(t *testing.T, c *Conn, g func() *connectortest.Guard, list [][2]string) {
	t.Helper()
	for _, s := range list {
		_, rows, _, err := run(t, c, g(), s[0])
		got := strings.Join(rows, " ")
		if want, isErr := strings.CutPrefix(s[1], "ERROR "); isErr && err != nil && strings.Contains(err.Error(), want) {
			continue
		}
		if err != nil {
			got = "ERROR " + err.Error()
		}
		if got != s[1] {
			t.Errorf("%s: %q, want %q", s[0], got, s[1])
		}
	}
}

// TestWishes: a session's own limits are kept beside the gate's, and the tighter of
// two counts; nothing that a requester sets is wider than what the gate allows.
func TestWishes(t *testing.T) {
	s, name := database(t, "")
	c := openApp(t, s, name, allow())
	g := func() *connectortest.Guard {
		return &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms {
			return connectors.Terms{ReadOnly: true, Timeout: time.Minute}
		}}
	}
	steps(t, c, g, [][2]string{
		{"show statement_timeout", "1min"},
		{"set statement_timeout = '5s'", ""},
		{"show statement_timeout", "5s"},
		{"set statement_timeout to 50", ""},
		{"select pg_sleep(30)", "ERROR 57014"},
		{"set statement_timeout = '2h'", ""},
		{"show statement_timeout", "1min"},
		{"set statement_timeout = 0", ""},
		{"show statement_timeout", "1min"},
		{"set lock_timeout = '3s'", ""},
		{"show lock_timeout", "3s"},
		{"begin", ""},
		{"set local statement_timeout = '7s'", ""},
		{"show statement_timeout", "7s"},
		{"commit", ""},
		{"show statement_timeout", "1min"},
		{"reset lock_timeout", ""},
		{"show lock_timeout", "10s"},
		{"set search_path = public", ""},
		{"show search_path", "public, pg_temp"},
		{"set search_path to public, pg_temp", ""},
		{"set search_path = pg_temp, public", "ERROR search path of the configuration"},
		{"set search_path = public, other", "ERROR search path of the configuration"},
		{"set local search_path = 'public,other'", "ERROR search path of the configuration"},
		{"set schema 'other'", "ERROR search path of the configuration"},
		{"reset search_path", "ERROR search path of the configuration"},
		{"set idle_in_transaction_session_timeout = 0", "ERROR the gate sets the limits"},
		{"discard plans", ""},
		{"discard sequences", ""},
		{"discard all", "ERROR the gate owns"},
	})
	if f, err := c.Judge(t.Context(), connectors.Statement{Text: "set search_path = other"}); err != nil || f.Class.String() != "privilege" {
		t.Errorf("another path is %s, %v", f.Class, err)
	}
	if f, err := c.Judge(t.Context(), connectors.Statement{Text: "set search_path = public"}); err != nil || f.Class.String() != "read" {
		t.Errorf("the path that is there anyway is %s, %v", f.Class, err)
	}
}

// TestMilliseconds: what is read as a time is what the server makes of it.
func TestMilliseconds(t *testing.T) {
	s, name := database(t, "")
	for _, text := range []string{"0", "1", "100", "5s", "1.5s", "2min", "1h", "1d", "250us", "700us", " 3 s ", "1 min", "0.1", "-1", "x", "1x", "", "1e3", "1 S", "99999999999", "20d"} {
		want, queryErr := s.Query(t.Context(), name, fmt.Sprintf("begin; set local lock_timeout = '%s'; select setting from pg_settings where name = 'lock_timeout'", text))
		got, ok := milliseconds(text)
		switch {
		case queryErr != nil && ok:
			t.Errorf("%q: %v, the server does not take it", text, got)
		case queryErr == nil && ok && fmt.Sprint(max(got.Milliseconds(), 0)) != want[0][0] && !(want[0][0] == "0" && got == time.Millisecond):
			t.Errorf("%q: %v, the server has %sms", text, got, want[0][0])
		}
	}
	if _, _, ok := limitOf(&pg.VariableSetStmt{Kind: pg.VariableSetKind_VAR_SET_CURRENT}); ok {
		t.Error("SET FROM CURRENT is taken for a time")
	}
}

// TestSavepoints: a part of a transaction is taken back, and one that failed goes on
// from a savepoint.
func TestSavepoints(t *testing.T) {
	s, name := database(t, "create table t (n int)")
	c := openApp(t, s, name, allow())
	steps(t, c, allow, [][2]string{
		{"savepoint a", "ERROR begin one first"},
		{"begin", ""},
		{"insert into t values (1)", ""},
		{"savepoint a", ""},
		{"insert into t values (2)", ""},
		{"rollback to savepoint a", ""},
		{"select n from t", "1"},
		{"select 1/0", "ERROR 22012"},
		{"select n from t", "ERROR 25P02"},
		{"savepoint b", "ERROR 25P02"},
		{"rollback to a", ""},
		{"insert into t values (3)", ""},
		{"release savepoint a", ""},
		{"rollback to savepoint a", "ERROR 3B001"},
		{"rollback", ""},
		{"begin", ""},
		{"savepoint sallyport", "ERROR not supported"},
		{"savepoint x", ""},
		{"create table made (n int)", ""},
		{"select count(*) from made", "0"},
		{"rollback to x", ""},
		{"select count(*) from made", "ERROR 42P01"},
		{"rollback", ""},
		{"select count(*) from t", "0"},
	})
}

// TestListen: what one listens to is told, without its payload where columns are
// masked: it is whatever somebody, or a trigger, put there.
func TestListen(t *testing.T) {
	s, name := database(t, "create table users (id int, email text)")
	for _, masked := range []bool{false, true} {
		c := openApp(t, s, name, allow())
		rules := []mask.Rule{{Name: "m", Column: "users.email"}}
		if !masked {
			rules = nil
		}
		plan, err := mask.NewPlan(rules, []string{"email"})
		if err != nil {
			t.Fatal(err)
		}
		g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }}
		if _, _, _, err := run(t, c, g, "listen jobs"); err != nil {
			t.Fatal(err)
		}
		if err := s.Exec(t.Context(), name, "notify jobs, 'for secret-value@example.com'; notify jobs; notify others, 'x'"); err != nil {
			t.Fatal(err)
		}
		r, err := c.Query(t.Context(), g, connectors.Statement{Text: "select 1"})
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Batch(t.Context(), 10)
		}
		got := strings.Join(r.Notices(), "; ")
		if want := "NOTIFY jobs: for [email]; NOTIFY jobs"; masked && (strings.Contains(got, "secret") || !strings.Contains(got, "payload is withheld") || strings.Contains(got, "others")) || !masked && got != want {
			t.Errorf("masked %v: %q", masked, got)
		}
		if err := errors.Join(r.Close(), c.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestOrdinaryMaking: what people make every day was refused where anything was
// masked: serial is no type, and gen_random_uuid of an extension is the system's.
func TestOrdinaryMaking(t *testing.T) {
	w := newTwins(t)
	for text, want := range map[string]bool{
		"create table a (id serial primary key, n bigserial, name text)":               true,
		"create table b (id bigint generated always as identity)":                      true,
		"create table c (id serial[], x int)":                                          false,
		"create type serial as enum ('a')":                                             true,
		"create index on users (tier)":                                                 true,
		"create unique index on orders (id)":                                           true,
		"create unique index on users (id, tier)":                                      true,
		"create unique index on users (email)":                                         false,
		"create index on users (upper(email))":                                         false,
		"create index on users (tier) where email > 'm'":                               false,
		"create index on users (id) include (email)":                                   true,
		"alter table users add column seen timestamptz default now()":                  true,
		"alter table users add column note text not null default 'none'":               true,
		"alter table users add column x text check (x > 'a')":                          false,
		"alter table users add column g bool generated always as (email > 'm') stored": false,
		"alter table users add constraint k check (email > 'm')":                       false,
		"alter table users alter column email set not null":                            false,
		"alter table users alter column email type varchar(5)":                         false,
		"alter table users alter column tier set default 'free'":                       true,
		"alter table users alter column tier set statistics 500":                       true,
		"alter table users drop column born":                                           true,
		"alter table users set (fillfactor = 80)":                                      true,
		"alter table users set schema pg_temp":                                         false,
		"alter table users inherit orders":                                             false,
		"alter index users_pkey rename to people_pkey":                                 true,
		"alter index users rename to people":                                           false,
		"alter table users rename to people":                                           false,
		"reindex table users":                                                          true,
		"reindex index users_pkey":                                                     true,
		"show all":                                                                     true,
	} {
		if got := w.permitted(t, text); got != want {
			t.Errorf("%s: permitted %v, want %v", text, got, want)
		}
	}
}
