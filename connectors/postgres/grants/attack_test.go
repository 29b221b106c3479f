package grants

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// TestAttacks: what the check takes for closed is closed at the server. Each
// statement tries a way that the package's doc says is none.
func TestAttacks(t *testing.T) {
	const secret = "ada@mail.example.com"
	name := database(t, shopSchema+`
		insert into customers select n, n || 'ada@mail.example.com', 'pro' from generate_series(2, 400) n;
		insert into events values (1, 'ada@mail.example.com', '2024-05-05');
		insert into staff values (1, 'ada@mail.example.com', 'r1');
		insert into derived (email, n) values ('x@ada@mail.example.com', 1);
		create index customers_lower on customers (lower(email));
		create statistics s (mcv) on email, tier from customers; create statistics s2 on (upper(email)), (lower(email)) from customers;
		create view invoker with (security_invoker = true) as select * from customers;
		create function caller() returns text language sql as 'select email from customers limit 1';
		create function caller2() returns text language plpgsql as 'declare x text; begin execute ''select email from customers limit 1'' into x; return x; end';
		create function row_of(c customers) returns text language sql as 'select c.email';
		create materialized view mv as select email from customers;
		create schema private; create function private.f() returns text language sql security definer as 'select email from public.customers limit 1';
		create rule talk as on update to notes do also select email from customers;
		create type pair as (a customers, b int);
		analyze;`)
	role := newRole(t, name)
	plan := planOf(t, shopColumns...)
	_, l := makeRole(t, name, role, plan, Options{})
	if r, err := Check(t.Context(), l, plan, role); err != nil || !r.Closed {
		t.Fatalf("not closed: %v, %v", r.Open, err)
	}
	exec(t, name, "grant select on invoker to "+quote(role))
	oid, err := admin(t, name).Rows(t.Context(), "select 'private.f'::regproc::oid")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"select * from pg_stats", "select * from pg_stats_ext", "select * from pg_stats_ext_exprs", "select stavalues1::text from pg_statistic",
		"select stxdmcv from pg_statistic_ext_data", "select * from pg_stats where tablename = 'customers_lower'",
		"table customers", "copy customers to stdout", "copy (select email from customers) to stdout", "select c from customers c",
		"select customers.* from customers", "select row_of(c) from customers c", "select c.row_of from customers c", "select (c).email from customers c",
		"select to_jsonb(c) from customers c", "select count(*) from customers where email like '1ada%'", "select id from customers order by email",
		"select id from customers group by id, email", "explain (analyze, verbose) select * from customers", "explain select email from customers",
		"select * from events", "select email from events_2024", "select at from events_2024 where email <> ''", "select email from only people",
		"select email from staff", "select s from staff s", "select domain from derived", "select d from derived d",
		"select * from invoker", "select caller()", "select caller2()", "select * from mv", "select private.f()", "select query_to_xml('table customers', true, true, '')",
		"select table_to_xml('customers', true, true, '')", "select database_to_xml(true, true, '')", "select schema_to_xml('public', true, true, '')",
		"do $$ begin raise notice '%', (select email from customers limit 1); end $$", "do $$ begin raise exception '%', caller(); end $$",
		"begin; declare k cursor for table customers; fetch all from k", "prepare p as table customers; execute p",
		"insert into notes select 1, email from customers", "update notes set body = '' where id = 0", "create temp table x as table customers",
		"create view pg_temp.x as table customers", "create function pg_temp.f() returns text language sql security definer as 'select caller()'; select pg_temp.f()",
		"select row(c, 1)::pair from customers c", "lock customers", "analyze verbose customers", "select pg_read_file('postgresql.conf')", "select lo_export(1, '/tmp/x')",
		"set role postgres; table customers", "set session authorization postgres; table customers", "set role app; table customers", "reset role; table customers",
		"alter role current_user superuser", "grant postgres to current_user", "select set_config('role', 'postgres', false); table customers",
		"create operator === (leftarg = text, rightarg = text, function = texteq)", "select * from customers tablesample system (100)",
		"merge into customers c using notes n on false when not matched then do nothing", "select xmin, ctid, email from customers",
		"with x as (select email from customers) select 1 from x", "select 1 from customers natural join derived", "select 1 from customers join derived using (email)",
		"values ((select email from customers limit 1))", "select pg_typeof(c) from customers c", "listen x; select pg_notify('x', email) from customers",
		"select * from pg_stat_activity where query like '%ada%' and pid <> pg_backend_pid()", "select private.f from private.f()",
	} {
		c := connect(t, name, role, rolePassword)
		c.run(t, "set default_transaction_read_only = off", nil, 0)
		for step := range strings.SplitSeq(text, "; ") {
			c.run(t, step, nil, 0)
		}
		if out := c.out.String(); strings.Contains(strings.ToLower(out), secret) || strings.Contains(out, "x@ada") || strings.Contains(out, "mail.example.com") {
			t.Errorf("%q: %.400s", text, out)
		}
		_ = c.pg.Close(t.Context())
	}
	// The function by its number, past its name (message F), which asks for the schema, too.
	if got, err := callByNumber(l, oid[0][0]); err == nil || strings.Contains(got, secret) {
		t.Errorf("a function called by its number: %q, %v", got, err)
	}
	// The test can fail: the administrator sees it.
	c := admin(t, name)
	c.run(t, "select email from customers limit 1", nil, 0)
	if !strings.Contains(c.out.String(), secret) {
		t.Errorf("even the administrator sees nothing: %s", c.out)
	}
}

// callByNumber sends FunctionCall, which pgconn has no name for.
func callByNumber(l *login, number string) (string, error) {
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return "", err
	}
	hijacked, err := l.pg.Hijack()
	if err != nil {
		return "", err
	}
	defer hijacked.Conn.Close()
	f := hijacked.Frontend
	f.Send(&pgproto3.FunctionCall{Function: uint32(n), ResultFormatCode: 0})
	if err := f.Flush(); err != nil {
		return "", err
	}
	for {
		m, err := f.Receive()
		if err != nil {
			return "", err
		}
		switch m := m.(type) {
		case *pgproto3.FunctionCallResponse:
			return string(m.Result), nil
		case *pgproto3.ErrorResponse:
			return "", errors.New(m.Message)
		}
	}
}
