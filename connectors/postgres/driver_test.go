package postgres

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

func openAs(t testing.TB, e connectors.Endpoint, password string, g *connectortest.Guard) *Conn {
	t.Helper()
	c, err := testDriver().Open(t.Context(), e, mask.NewSecret([]byte(password)), g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*Conn)
}

func openApp(t testing.TB, s *pgserver.Server, name string, g *connectortest.Guard) *Conn {
	t.Helper()
	return openAs(t, endpoint(s, name), appPassword, g)
}

// run returns an answer's columns and rows.
func run(t testing.TB, c *Conn, g *connectortest.Guard, text string) (cols []connectors.Column, rows []string, sum connectors.Summary, err error) {
	t.Helper()
	r, err := c.Query(t.Context(), g, connectors.Statement{Text: text})
	if err != nil {
		return nil, nil, sum, err
	}
	defer r.Close()
	for {
		batch, err := r.Batch(t.Context(), 100)
		for _, row := range batch {
			var cells []string
			for _, cell := range row {
				cells = append(cells, cell.Text)
			}
			rows = append(rows, strings.Join(cells, "|"))
		}
		if errors.Is(err, io.EOF) {
			return r.Columns(), rows, r.Summary(), nil
		}
		if err != nil {
			return r.Columns(), rows, r.Summary(), err
		}
	}
}

// allow permits everything, also what is unknown, read-only where it is a read.
func allow() *connectortest.Guard {
	return &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}
}

const originSchema = `
create table users (id int primary key, email text, phone text, doc jsonb, ssn text);
create table orders (id int primary key, user_id int, note text);
insert into users values (1, 'a@b.c', '+1', '{"x": 1}', '999'), (2, 'd@e.f', '+2', '{"x": 2}', '998');
insert into orders values (1, 1, 'n');
create view v_users as select id, email as mail, upper(phone) as up from users;
create materialized view mv as select id, email from users;
create function get_users() returns setof users language sql stable as 'select * from users';
create table part (id int, email text) partition by range (id);
create table part1 partition of part for values from (0) to (10);
create domain emaild as text;
create table dom (email emaild);
create table child (extra int) inherits (users);
create temp table unused (x int);
`

// TestOrigins: what the server says of where a column's values are from, as the
// hub is told it. plain means that the kind is that of a plain table.
func TestOrigins(t *testing.T) {
	s, name := database(t, originSchema)
	c := openApp(t, s, name, allow())
	const parent = policy.TablePartitioned // users has an inheritance child
	for text, want := range map[string]struct {
		origin string
		kind   policy.TableKind
	}{
		"select email from users":        {"users.email", parent},
		"select email as x from users u": {"users.email", parent},
		"select note from orders":        {"orders.note", policy.TablePlain},
		"select u.email from orders o left join users u on o.user_id = u.id":                                                      {"users.email", parent},
		"select id from users full join orders using (id)":                                                                        {},
		"select e from (select email e from users) s":                                                                             {"users.email", parent},
		"with c as materialized (select email from users) select email from c":                                                    {"users.email", parent},
		"with recursive c as (select email, 1 n from users union all select email, n + 1 from c where n < 2) select email from c": {},
		"select l.e from orders o, lateral (select email e from users u where u.id = o.user_id) l":                                {"users.email", parent},
		"select mail from v_users":                                  {"v_users.mail", policy.TableView},
		"select up from v_users":                                    {"v_users.up", policy.TableView},
		"select email from mv":                                      {"mv.email", policy.TableView},
		"select email from part":                                    {"part.email", policy.TablePartitioned},
		"select email from part1":                                   {"part1.email", policy.TableUnknown},
		"select email from child":                                   {"child.email", policy.TableUnknown},
		"select email from dom":                                     {"dom.email", policy.TablePlain},
		"select email from users union select note from orders":     {},
		"select email || '' from users":                             {},
		"select email::text from users":                             {"users.email", parent},
		"select email::varchar from users":                          {},
		"select (select email from users limit 1)":                  {},
		"select u from users u":                                     {},
		"select to_jsonb(u) from users u":                           {},
		"select email from get_users()":                             {},
		"select distinct email from users":                          {"users.email", parent},
		"select email from users group by email":                    {"users.email", parent},
		"update users set phone = '1' where id = 1 returning email": {"users.email", parent},
		"with c as (update users set phone = '1' where id = 1 returning email) select email from c": {"users.email", parent},
		"explain select email from users":                          {},
		"show search_path":                                         {},
		"select ctid from orders":                                  {},
		"select relname from pg_class limit 1":                     {"pg_class.relname", policy.TablePlain},
		"select query from pg_stat_activity limit 1":               {"pg_stat_activity.query", policy.TableUnknown},
		"select most_common_vals from pg_stats limit 1":            {"pg_stats.most_common_vals", policy.TableUnknown},
		"select table_name from information_schema.tables limit 1": {"tables.table_name", policy.TablePlain},
	} {
		cols, _, _, err := run(t, c, allow(), text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		var got string
		if o := cols[0].Origin; o != nil {
			got = o.Table + "." + o.Name
		}
		if got != want.origin || got != "" && cols[0].OriginKind != want.kind {
			t.Errorf("%q: origin %q of kind %d, want %q of %d", text, got, cols[0].OriginKind, want.origin, want.kind)
		}
	}
}

// TestKinds: what the catalog adds to a statement's facts.
func TestKinds(t *testing.T) {
	s, name := database(t, originSchema+`
create function safe(int) returns int language sql stable as 'select $1';
create function loose(int) returns int language sql as 'select $1';
create function upper(users) returns text language sql stable as 'select $1.email';
create function peek(users) returns text language sql stable as 'select $1.email';
create function eq(text, int) returns boolean language sql volatile as 'select true';
create operator === (leftarg = text, rightarg = int, function = eq);
create function boss() returns int language sql security definer as 'select 1';
create function wise() returns int language sql stable security definer as 'select 1';
create type mood as enum ('sad');
create schema other; create table other.users (id int);
`)
	c := openApp(t, s, name, allow())
	for text, want := range map[string]struct {
		class  policy.Class
		opaque bool
		tables string
	}{
		"select 1 from orders":              {policy.Read, false, "public.orders:1"},
		"select 1 from other.users":         {policy.Read, false, "other.users:1"},
		"select 1 from v_users, mv":         {policy.Read, false, "public.v_users:3 public.mv:3"},
		"select 1 from part, part1":         {policy.Read, false, "public.part:2 public.part1:0"},
		"select 1 from nothing":             {policy.Read, false, ".nothing:0"},
		"select 1 from pg_stats, pg_class":  {policy.Read, false, "pg_catalog.pg_stats:0 pg_catalog.pg_class:1"},
		"create table fresh as select 1":    {policy.DDL, false, ".fresh:1"},
		"select safe(1)":                    {policy.Read, true, ""},
		"select loose(1)":                   {policy.Write, true, ""},
		"select no_such(1)":                 {policy.Write, true, ""},
		"select boss()":                     {policy.Privilege, true, ""},
		"select wise()":                     {policy.Read, true, ""},
		"select lower('x')":                 {policy.Read, false, ""},
		"select upper('x')":                 {policy.Read, true, ""}, // the user's own upper may be meant
		"select pg_catalog.upper('x')":      {policy.Read, false, ""},
		"select u.peek from orders u":       {policy.Read, true, "public.orders:1"},
		"select (u).peek from orders u":     {policy.Read, true, "public.orders:1"},
		"select u.note from orders u":       {policy.Read, false, "public.orders:1"},
		"select 'x' === 1":                  {policy.Write, true, ""},
		"select 'sad'::mood, '1'::int":      {policy.Read, false, ""},
		"select 'x'::emaild":                {policy.Read, true, ""},
		"select pg_get_viewdef('v_users')":  {policy.Read, false, ""},
		"select pg_stat_get_activity(null)": {policy.Read, true, ""},
	} {
		f, err := c.Judge(t.Context(), connectors.Statement{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		var tables []string
		for _, tab := range f.Tables {
			tables = append(tables, fmt.Sprintf("%s.%s:%d", tab.Schema, tab.Name, tab.Kind))
		}
		if got := strings.Join(tables, " "); f.Class != want.class || f.Opaque != want.opaque || got != want.tables {
			t.Errorf("%q: %s, opaque %v, tables %q (%s); want %s, %v, %q", text, f.Class, f.Opaque, got, f.Why, want.class, want.opaque, want.tables)
		}
	}
}

// TestUnsupported: forms that are permitted, but that the gate cannot run.
func TestUnsupported(t *testing.T) {
	s, name := database(t, "create table t (n int)")
	c := openApp(t, s, name, allow())
	for _, text := range []string{
		"select 1; select 2", "commit", "savepoint s", "release s", "prepare transaction 'x'", "copy t to stdout (format binary)", "copy t from stdin", "set role postgres", "set search_path = x",
		"set standard_conforming_strings = off", "select set_config('search_path', 'x', false)", "reset all", "discard all", "set idle_session_timeout = 5", "set statement_timeout = x",
		"select $1::int", "set transaction read write", "",
	} {
		g := allow()
		_, _, _, err := run(t, c, g, text)
		if !errors.Is(err, connectors.ErrUnsupported) || strings.Count(err.Error(), ":") == 0 {
			t.Errorf("%q: %v, want %v with words", text, err, connectors.ErrUnsupported)
		}
		if p := g.Permits(); len(p) != 1 || len(p[0].Outcomes()) != 1 || p[0].Outcomes()[0].Unknown {
			t.Errorf("%q: permits %+v", text, p)
		}
	}
	if _, rows, _, err := run(t, c, allow(), "show search_path"); err != nil || rows[0] != `public, pg_temp` {
		t.Errorf("search_path %q, %v", rows, err)
	}
}

// TestOwnSession: what the gate sets, against what the role is set up with.
func TestOwnSession(t *testing.T) {
	s, name := database(t, "create schema evil; create schema mine; create table evil.t (n int); create table mine.t (n text)")
	if err := s.Exec(t.Context(), name, "alter role app in database "+name+" set search_path = evil; alter role app in database "+name+" set standard_conforming_strings = off; alter role app in database "+name+" set statement_timeout = 2000"); err != nil {
		t.Fatal(err)
	}
	e := endpoint(s, name)
	e.SearchPath = `mine, "public"`
	g := &connectortest.Guard{}
	c := openAs(t, e, appPassword, g)
	for show, want := range map[string]string{
		"search_path": "mine, public, pg_temp", "standard_conforming_strings": "on", "client_encoding": "UTF8",
		"application_name": "sallyport", "lock_timeout": "10s", "statement_timeout": "0",
	} {
		if _, rows, _, err := run(t, c, g, "show "+show); err != nil || rows[0] != want {
			t.Errorf("%s is %q, %v; want %q", show, rows, err, want)
		}
	}
	if f, _ := c.Judge(t.Context(), connectors.Statement{Text: "select n from t"}); len(f.Tables) != 1 || f.Tables[0].Schema != "mine" {
		t.Errorf("t is %+v", f.Tables)
	}
	if len(g.Notes()) < 5 || !strings.Contains(g.Notes()[0], "set search_path") {
		t.Errorf("notes: %q", g.Notes())
	}
}

// TestHarmlessSetStays: a SET that is allowed outlives its transaction.
func TestHarmlessSetStays(t *testing.T) {
	s, name := database(t, "")
	c := openApp(t, s, name, allow())
	if _, _, _, err := run(t, c, &connectortest.Guard{}, "set timezone = 'Asia/Tokyo'"); err != nil {
		t.Fatal(err)
	}
	if _, rows, _, err := run(t, c, &connectortest.Guard{}, "show timezone"); err != nil || rows[0] != "Asia/Tokyo" {
		t.Errorf("%q, %v", rows, err)
	}
}

// TestTemporaryTablesComeLast: none stands in for a masked one.
func TestTemporaryTablesComeLast(t *testing.T) {
	s, name := database(t, "create table users (email text); insert into users values ('real')")
	c := openApp(t, s, name, allow())
	if _, _, _, err := run(t, c, allow(), "create temp table users as select 'false'::text as email"); err != nil {
		t.Fatal(err)
	}
	if _, rows, _, err := run(t, c, allow(), "select email from users"); err != nil || rows[0] != "real" {
		t.Errorf("%q, %v", rows, err)
	}
}

// TestAlone: statements that cannot run in a transaction, and their effects.
func TestAlone(t *testing.T) {
	s, name := database(t, "create table t (n int); insert into t select generate_series(1, 10)")
	c := openApp(t, s, name, allow())
	for _, text := range []string{"vacuum t", "vacuum (full, analyze) t", "create index concurrently i on t (n)", "reindex (verbose) table t", "drop index concurrently i"} {
		g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }, Terms: func(connectors.Operation) connectors.Terms {
			return connectors.Terms{Timeout: time.Minute}
		}}
		if _, _, sum, err := run(t, c, g, text); err != nil || sum.Tag == "" {
			t.Errorf("%q: %v, %+v", text, err, sum)
		}
	}
}

// TestParseErrorsShow: an error that comes before a value was read is shown, one
// that comes after is not.
func TestParseErrorsShow(t *testing.T) {
	s, name := database(t, "create table users (email text); insert into users values ('secret-value')")
	plan, err := mask.NewPlan([]mask.Rule{{Name: "m", Column: "users.email"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := openApp(t, s, name, allow())
	g := &connectortest.Guard{Seen: plan, Kept: plan}
	_, _, _, err = run(t, c, g, "select emial from users")
	var te *connectors.TargetError
	if !errors.As(err, &te) || !strings.Contains(te.Text, "emial") || te.Position != 8 {
		t.Errorf("%+v", err)
	}
	_, _, _, err = run(t, c, g, "select email::int from users")
	if !errors.As(err, &te) || strings.Contains(te.Text, "secret") || te.Code != "22000" {
		t.Errorf("%+v", err)
	}
}

func TestNoticesAndNotifications(t *testing.T) {
	s, name := database(t, "create function shout() returns int language plpgsql as $$ begin raise notice 'hello'; perform pg_notify('c', 'payload'); return 1; end $$")
	c := openApp(t, s, name, allow())
	g := allow()
	r, err := c.Query(t.Context(), g, connectors.Statement{Text: "select shout()"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Batch(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"NOTICE: hello"}, r.Notices()); diff != "" {
		t.Error(diff)
	}
}

// TestOneAtATime: a second statement is refused while the first one's answer is open.
func TestOneAtATime(t *testing.T) {
	s, name := database(t, "")
	c := openApp(t, s, name, allow())
	r, err := c.Query(t.Context(), allow(), connectors.Statement{Text: "select generate_series(1, 1000)"})
	if err != nil {
		t.Fatal(err)
	}
	g := allow()
	if _, err := c.Query(t.Context(), g, connectors.Statement{Text: "select 1"}); !errors.Is(err, errBusy) || len(g.Operations()) != 0 {
		t.Errorf("%v", err)
	}
	if _, err := c.Judge(t.Context(), connectors.Statement{Text: "select 1"}); err != nil {
		t.Errorf("judging meanwhile: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, _, _, err := run(t, c, allow(), "select 1"); err != nil {
		t.Error(err)
	}
}

// TestExtensionFunctions: what an extension brings under a name of pg_catalog
// does not make every use of the name suspicious.
func TestExtensionFunctions(t *testing.T) {
	s, name := database(t, "create table t (s text)")
	if rows, err := s.Query(t.Context(), name, "select from pg_available_extensions where name = 'citext'"); err != nil || len(rows) == 0 {
		t.Skipf("SKIPPED: this server has no citext (%v)", err)
	}
	if err := s.Exec(t.Context(), name, "create extension citext"); err != nil {
		t.Fatal(err)
	}
	c := openApp(t, s, name, allow())
	for _, text := range []string{"select replace(s, 'a', 'b'), max(s) from t", "select s = 'x' from t"} {
		f, err := c.Judge(t.Context(), connectors.Statement{Text: text})
		if err != nil || f.Class != policy.Read || f.Opaque {
			t.Errorf("%q: %s, opaque %v (%s), %v", text, f.Class, f.Opaque, f.Why, err)
		}
	}
}
