package grants

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/mask"
)

const shopSchema = `
create table customers (id int primary key, email text, tier text);
insert into customers values (1, 'ada@mail.example.com', 'pro');
create table notes (id int primary key, body text);
create table events (id int, email text, at date) partition by range (at);
create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01');
create table people (id int, email text); create table staff (room text) inherits (people);
create table derived (email text, domain text generated always as (split_part(email, '@', 2)) stored, n int);
create view harmless as select id, tier from customers;
create schema quiet;
`

var shopColumns = []string{"customers.email", "events.email", "people.email", "derived.email"}

// TestHoles makes one hole after another by hand; each must be found, and must
// be all that is found.
func TestHoles(t *testing.T) {
	name := database(t, shopSchema+"create role shop_owner; create role shop_middle;")
	t.Cleanup(func() { exec(t, name, "drop role shop_owner; drop role shop_middle") })
	role := newRole(t, name)
	plan := planOf(t, append(shopColumns, "lists.email")...)
	makeRole(t, name, role, plan, Options{})
	l := admin(t, name)
	for _, c := range []struct {
		name, hole string // %ROLE% is the restricted role
		want       []string
	}{
		{"none", "", nil},
		{"a column", "grant select (email) on customers to %ROLE%", []string{`column "public"."customers"."email"`}},
		{"a table", "grant select on customers to %ROLE%", []string{`column "public"."customers"."email"`}},
		{"a table for everybody", "grant select on customers to public", []string{`column "public"."customers"."email", by PUBLIC`}},
		{"a partition", "grant select on events_2024 to %ROLE%", []string{`column "public"."events_2024"."email"`}},
		{"a child", "grant select on staff to %ROLE%", []string{`column "public"."staff"."email"`}},
		{"a generated column", "grant select (domain) on derived to %ROLE%", []string{`column "public"."derived"."domain"`}},
		{"a view", "create view v as select email as x from customers; grant select on v to public", []string{`view "public"."v", by PUBLIC`}},
		{"one column of a view", "create view v as select id, email as x from customers; grant select (id) on v to %ROLE%", []string{`view "public"."v"`}},
		{"a predicate", "create view v as select id from customers where email like 'a%'; grant select on v to %ROLE%", []string{`view "public"."v"`}},
		{"a whole row", "create view v as select to_jsonb(c) from customers c; grant select on v to %ROLE%", []string{`view "public"."v"`}},
		{"a view of a view", "create view v as select email from customers; create view w as select * from v; grant select on w to %ROLE%", []string{`view "public"."w"`}},
		{"a view of a partition", "create view v as select email from events_2024; grant select on v to %ROLE%", []string{`view "public"."v"`}},
		{"a view of statistics", "create view v as select most_common_vals::text from pg_stats; grant select on v to %ROLE%", []string{`view "public"."v"`}},
		{"a view with its reader's rights", "create view v with (security_invoker = true) as select email from customers; grant select on v to %ROLE%", nil},
		{"a view of such a view", "create view v with (security_invoker = true) as select email from customers; create view w as select * from v; grant select on w to %ROLE%", []string{`view "public"."w"`}},
		{"a view of what no mask hides", "create view v as select tier from customers; grant select on v to public", nil},
		{"a materialised view", "create materialized view m as select upper(email) from customers; grant select on m to %ROLE%", []string{`view "public"."m"`}},
		{"a materialised call", "create function f() returns text language sql as 'select email from customers limit 1'; create materialized view m as select f(); grant select on m to %ROLE%", []string{`view "public"."m"`}},
		{"a materialised call behind a view", "create function f() returns text language sql as 'select email from customers limit 1'; create view v as select f() as x; create materialized view m as select x from v; grant select on m to %ROLE%", []string{`view "public"."m"`}},
		{"a materialised text", "create materialized view m as select query_to_xml('select email from customers', true, false, '')::text as x; grant select on m to %ROLE%", []string{`view "public"."m"`}},
		{"an owner's function", "create function f() returns text language sql security definer as 'select email from customers limit 1'", []string{`function public.f(), by PUBLIC`}},
		{"an owner's procedure", "create procedure f(inout x text) language plpgsql security definer as 'begin end'", []string{`function public.f(INOUT x text), by PUBLIC`}},
		{"an owner's function in a schema of its own", "create function quiet.f() returns text language sql security definer as 'select email from customers limit 1'", nil},
		{"... that the role may use", "create function quiet.f() returns text language sql security definer as 'select 1::text'; grant usage on schema quiet to %ROLE%", []string{`function quiet.f(), by PUBLIC`}},
		{"a caller's function", "create function f() returns text language sql as 'select email from customers limit 1'", nil},
		{"an owner's function taken from all", "create function f() returns text language sql security definer as 'select 1::text'; revoke execute on function f() from public", nil},
		{"membership", "grant shop_owner to %ROLE%; alter table customers owner to shop_owner", []string{`by shop_owner: an owner`, `column "public"."customers"."email", by shop_owner`, `write "public"."customers", by shop_owner`}},
		{"membership of a membership", "grant shop_middle to %ROLE%; grant shop_owner to shop_middle; grant select on customers to shop_owner; alter role shop_middle noinherit", []string{`column "public"."customers"."email", by shop_owner`}},
		{"harmless membership", "grant shop_middle to %ROLE%; grant select on notes to shop_middle", nil},
		{"reads everything", "grant pg_read_all_data to %ROLE%", []string{`membership "pg_read_all_data"`, `column "public"."customers"."email"`, `system`}},
		{"reads files", "grant pg_read_server_files to %ROLE%", []string{`membership "pg_read_server_files"`}},
		{"monitors", "grant pg_monitor to %ROLE%", []string{`membership "pg_read_all_stats"`}},
		{"superuser", "alter role %ROLE% superuser", []string{"SUPERUSER"}},
		{"replication", "alter role %ROLE% replication", []string{"REPLICATION"}},
		{"bypasses row security", "alter role %ROLE% bypassrls", []string{"BYPASSRLS"}},
		{"makes roles", "alter role %ROLE% createrole", []string{"CREATEROLE"}},
		{"makes databases", "alter role %ROLE% createdb", []string{"CREATEDB"}},
		{"owns", "alter table notes owner to %ROLE%", []string{"ownership table notes", `write "public"."notes"`}},
		{"statistics", "grant select on pg_statistic to %ROLE%", []string{"system pg_statistic"}},
		{"passwords", "grant select on pg_authid to public", []string{"system pg_authid, by PUBLIC"}},
		{"a file function", "grant execute on function pg_read_file(text) to %ROLE%", []string{"system pg_read_file(text)"}},
		{"dblink without a password", "create extension dblink; grant execute on function dblink_connect_u(text) to %ROLE%", []string{"system dblink_connect_u(text)", "function public.dblink_connect_u(text)"}},
		{"dblink as installed", "create extension dblink", nil},
		{"a foreign server", "create extension postgres_fdw; create server s foreign data wrapper postgres_fdw; create user mapping for public server s options (user 'x', password 'y'); grant usage on foreign server s to public", []string{"foreign server s, by PUBLIC"}},
		{"a foreign table", "create extension postgres_fdw; create server s foreign data wrapper postgres_fdw; create foreign table ft (x text) server s; grant select on ft to %ROLE%", []string{`foreign table "public"."ft"`}},
		{"a view of a foreign table", "create extension postgres_fdw; create server s foreign data wrapper postgres_fdw; create foreign table ft (x text) server s; create view v as select x from ft; grant select on v to %ROLE%", []string{`view "public"."v"`}},
		{"a large object", "select lo_from_bytea(4711, 'x'); grant select on large object 4711 to public", []string{"large object 4711, by PUBLIC"}},
		{"default privileges", "alter default privileges grant select on tables to public", []string{"default privilege tables of \"postgres\", by PUBLIC"}},
		{"default privileges of a schema", "alter default privileges in schema public grant select on tables to %ROLE%", []string{`default privilege tables of "postgres" in schema "public"`}},
		{"a trigger", "grant trigger on notes to %ROLE%", []string{`write "public"."notes"`}},
		{"a write", "grant insert (id) on customers to public", []string{`write "public"."customers", by PUBLIC: it may INSERT`}},
		{"a schema to make things in", "grant create on schema public to public", []string{"create SCHEMA public, by PUBLIC"}},
		{"a database to make schemas in", "do $$ begin execute format('grant create on database %I to public', current_database()); end $$", []string{"create DATABASE"}},
		{"statistics of expressions as old servers show them", `create statistics s on (upper(email)), (lower(email)) from customers; set local allow_system_table_mods = on;
			do $$ begin execute 'create or replace view pg_catalog.pg_stats_ext_exprs as ' || replace(pg_get_viewdef('pg_stats_ext_exprs'::regclass), 'pg_has_role(c.relowner, ''USAGE''::text)', 'true'); end $$`,
			[]string{"system pg_catalog.\"pg_stats_ext_exprs\", by PUBLIC"}},
		{"statistics of expressions", "create statistics s on (upper(email)), (lower(email)) from customers", nil},
		{"a partition key", "create table lists (email text) partition by list (email); create table lists_a partition of lists for values in ('ada@mail.example.com')", []string{`partition key "public"."lists"`}},
	} {
		t.Run(c.name, func(t *testing.T) { testHole(t, l, role, plan, c.hole, c.want) })
	}
}

// testHole makes the hole in a transaction that is not kept, and looks at it as
// the administrator and as the role.
func testHole(t *testing.T, l *login, role string, plan *mask.Plan, hole string, want []string) {
	must := func(text string) {
		t.Helper()
		if _, err := l.pg.Exec(t.Context(), text).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	fingerprint := func() string {
		t.Helper()
		f, err := Fingerprint(t.Context(), l)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	must("begin")
	defer must("rollback")
	before := fingerprint()
	must("create temp table passing (x int)")
	if fingerprint() != before {
		t.Error("a temporary table changes the fingerprint")
	}
	must(strings.ReplaceAll(hole, "%ROLE%", quote(role)))
	if len(want) > 0 && fingerprint() == before {
		t.Error("the fingerprint is the same with the hole")
	}
	for _, who := range []string{"none", quote(role)} {
		must("set local role " + who)
		r, err := Check(t.Context(), l, plan, role)
		if err != nil {
			t.Fatal(err)
		}
		if r.Closed != (len(want) == 0) || r.Closed != (len(r.Open) == 0) || r.Closed != (r.Why() == "") {
			t.Errorf("closed %v with findings %v", r.Closed, r.Open)
		}
		for _, w := range want {
			if !slices.ContainsFunc(r.Open, func(f Finding) bool { return strings.Contains(f.String(), w) }) {
				t.Errorf("%q was not found among %v", w, r.Open)
			}
		}
		if len(want) == 1 && len(r.Open) > 1 && !strings.HasPrefix(want[0], "membership") {
			t.Errorf("more than one finding: %v", r.Open)
		}
	}
}

// TestRepair: the text makes a role that was left open closed again, and what
// all may do where it is told to.
func TestRepair(t *testing.T) {
	name := database(t, shopSchema+`
		create view v as select email from customers; grant select on v to public;
		create function f() returns text language sql security definer as 'select email from customers limit 1';
		alter default privileges grant select on tables to public;
		grant create on schema public to public;`)
	role := newRole(t, name)
	plan := planOf(t, shopColumns...)
	makeRole(t, name, role, plan, Options{})
	q := quote(role)
	exec(t, name, `create role shop_owner; grant shop_owner to `+q+`; grant all on customers to `+q+`; grant select (email) on people to `+q+`;
		grant usage on schema quiet to `+q+`; grant select on pg_statistic to `+q+`; grant execute on function pg_read_file(text) to `+q+`;
		alter default privileges grant all on tables to `+q+`; alter role `+q+` superuser createrole; grant temp on database `+name+` to `+q)
	t.Cleanup(func() { exec(t, name, "drop role shop_owner") })
	r, err := Check(t.Context(), admin(t, name), plan, role)
	if err != nil || r.Closed {
		t.Fatalf("closed %v, %v", r.Closed, err)
	}
	_, l := makeRole(t, name, role, plan, Options{})
	if r, err = Check(t.Context(), l, plan, role); err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, f := range r.Open {
		left = append(left, string(f.Kind)+" "+f.Via)
	}
	want := []string{"view PUBLIC", "function PUBLIC", "create PUBLIC", "default privilege PUBLIC"}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("what is left without --revoke-public (-want +got):\n%s", diff)
	}
	makeRole(t, name, role, plan, Options{RevokePublic: true})
	if r, err = Check(t.Context(), l, plan, role); err != nil || !r.Closed {
		t.Errorf("after --revoke-public: %v, %v", r.Open, err)
	}
}

// TestIdempotent: the text is the same for the same database, before the role is
// there and after, and may be run any number of times.
func TestIdempotent(t *testing.T) {
	name := database(t, shopSchema+`create table "Odd ""Name" ("E-Mail" text, "select" int, email text);
		create schema "s; drop table customers --"; create table "s; drop table customers --"."x
y" (email text, a int)`)
	role := newRole(t, name)
	plan := planOf(t, append(shopColumns, "*.email", "*.E-Mail")...)
	first, l := makeRole(t, name, role, plan, Options{})
	for range 2 {
		again, _ := makeRole(t, name, role, plan, Options{})
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("another text (-first +again):\n%s", diff)
		}
	}
	if r, err := Check(t.Context(), l, plan, role); err != nil || !r.Closed {
		t.Errorf("%v, %v", r.Open, err)
	}
	if !strings.Contains(first, `GRANT SELECT ("select") ON "public"."Odd ""Name"`) {
		t.Errorf("no grant on the oddly named table:\n%s", first)
	}
	if strings.Contains(strings.ToUpper(first), "PASSWORD '") {
		t.Error("a password stands in the text")
	}
	// A column that is masked later is taken away.
	makeRole(t, name, role, planOf(t, append(shopColumns, "*.email", "*.E-Mail", "notes.body")...), Options{})
	if _, err := l.Rows(t.Context(), "select body from notes"); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("a column masked later: %v", err)
	}
}

// TestByOwner: whoever owns database and tables, and may create roles, needs no
// superuser.
func TestByOwner(t *testing.T) {
	name := database(t, "create role shop_admin createrole; set role shop_admin")
	t.Cleanup(func() {
		exec(t, name, "reassign owned by shop_admin to postgres; drop owned by shop_admin; drop role shop_admin")
	})
	exec(t, name, "alter database "+name+" owner to shop_admin; set role shop_admin; "+shopSchema)
	role := newRole(t, name)
	plan := planOf(t, shopColumns...)
	for range 2 {
		text, err := RoleSQL(t.Context(), admin(t, name), plan, role, Options{})
		if err != nil {
			t.Fatal(err)
		}
		exec(t, name, "set role shop_admin; "+text)
	}
	if r, err := Check(t.Context(), admin(t, name), plan, role); err != nil || !r.Closed {
		t.Errorf("%v, %v", r.Open, err)
	}
	l := admin(t, name)
	if _, err := l.Rows(t.Context(), "set role "+quote(role)); err != nil {
		t.Fatal(err)
	}
	if rows, err := l.Rows(t.Context(), "select id, tier from customers"); err != nil || len(rows) != 1 {
		t.Errorf("what no mask hides: %v, %v", rows, err)
	}
}

func TestRefusals(t *testing.T) {
	name := database(t, shopSchema)
	c, plan := admin(t, name), planOf(t, shopColumns...)
	role := newRole(t, name)
	if _, err := Check(t.Context(), c, plan, role); !errors.Is(err, ErrNoRole) {
		t.Errorf("a role that is not there: %v", err)
	}
	for _, bad := range []string{"", "app", "pg_monitor", "Public", "none"} {
		if text, err := RoleSQL(t.Context(), c, plan, bad, Options{Login: "app"}); err == nil {
			t.Errorf("a role %q: %s", bad, text)
		}
	}
	exec(t, name, "create role "+quote(role)+"; alter table notes owner to "+quote(role))
	if _, err := RoleSQL(t.Context(), c, plan, role, Options{}); err == nil || !strings.Contains(err.Error(), "owns") {
		t.Errorf("a role that owns a table: %v", err)
	}
	// Without a plan everything is masked, and nothing is given.
	text, err := RoleSQL(t.Context(), c, nil, role+"x", Options{})
	if err != nil || strings.Contains(text, "GRANT SELECT") {
		t.Errorf("no plan: %v\n%s", err, text)
	}
	var zero Report
	if zero.Closed || zero.Why() == "" {
		t.Error("the zero report is closed")
	}
}
