package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

const suiteSchema = `
create table customers (id int primary key, name text not null, email text, note text);
insert into customers select g, 'Name ' || g, 'person' || g || '@secret.example', 'note ' || g from generate_series(1, 400) g;
create table counters (id int primary key, n int not null);
insert into counters values (1, 0), (2, 0);
create view v_customers as select id, upper(email) as mail from customers;
create table parts (id int, email text) partition by range (id);
create table parts_low partition of parts for values from (0) to (1000);
insert into parts select id, email from customers;
create function peek(int) returns text language sql stable as 'select email from customers where id = $1';
create function row_mail(c customers) returns text language sql stable as 'select c.email';
create function shout(int) returns int language plpgsql as $$ begin raise notice 'it is %', (select email from customers where id = $1); return $1; end $$;
create function lower(customers) returns text language sql stable as 'select $1.email';
create type mood as enum ('sad', 'glad');
create domain mail_address as text;
`

func endpoint(s *pgserver.Server, name string) connectors.Endpoint {
	return connectors.Endpoint{Name: "orders-db", Address: s.SocketDir(), User: "app", Database: name}
}

func TestConformance(t *testing.T) {
	s, name := database(t, suiteSchema)
	count := func(t testing.TB, where string) int {
		rows, err := s.Query(t.Context(), "postgres", "select count(*) from pg_stat_activity where usename = 'app' and datname = '"+name+"' and "+where)
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if _, err := fmt.Sscan(rows[0][0], &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	e := endpoint(s, name)
	gone := e
	gone.Database = "no_such_database"
	impatient := New(Options{Worker: testDriver().pool.argv, Grace: 300 * time.Millisecond})
	defer impatient.Close()
	connectortest.Run(t, connectortest.Target{
		Driver: testDriver(), Endpoint: e, Secret: appPassword, Impatient: impatient,
		Greetings: [][]byte{[]byte("R\x7f\xff\xff\xff"), []byte("E\x7f\xff\xff\xff"), []byte("N\x7f\xff\xff\xff")},
		Faults: []connectortest.Fault{
			{Name: "wrong password", Endpoint: e, Secret: "wrong-Quince-5150", Want: connectors.ErrCredential},
			{Name: "no such database", Endpoint: gone, Secret: appPassword, Want: connectors.ErrUnreachable},
		},
		Sessions: func(t testing.TB) int { return count(t, "true") },
		Active:   func(t testing.TB) int { return count(t, "state <> 'idle'") },
		SQL: &connectortest.SQL{
			Read:     "select id, name, null as nothing from customers where id < 3 order by id",
			ReadWant: [][]string{{"1", "Name 1", "NULL"}, {"2", "Name 2", "NULL"}},
			Write:    "update counters set n = n + 1 where id = 1",
			Observe: func(t testing.TB) string {
				rows, err := s.Query(t.Context(), name, "select n from counters order by id")
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(rows)
			},
			Affected:    1,
			Destructive: []string{"delete from counters", "update counters set n = 0 where true", "truncate counters", "drop table counters", "with d as (delete from counters) select 1"},
			Harmless:    []string{"delete from counters where id = 9", "insert into counters values (7, 7)"},
			Unknown:     []string{"execute nothing", "select query_to_xml('update counters set n = 9' || name, true, true, '') from customers", "select 1 where 'a' = '\xff'", "frobnicate"},
			SyntaxError: "select 1 from", ErrorCode: "42601",
			Slow:      "select pg_sleep(300)",
			Oversized: "select repeat('x', 70000000)",
			Large:     func(n int) string { return fmt.Sprintf("select g, repeat('x', 1000) from generate_series(1, %d) g", n) },
			Masks:     []mask.Rule{{Name: "contact", Column: "customers.email", Method: mask.Redact}, {Name: "contact", Column: "parts.email", Method: mask.Redact}},
			Masked:    "select id, name, email, upper(email) as loud from customers order by id",
			Cleartext: []string{"@secret.example", "@SECRET.EXAMPLE", "person17", "PERSON17"},
			Evasions:  evasions,
			Relation: connectors.Relation{Schema: "public", Name: "customers", Kind: policy.TablePlain, Columns: []connectors.RelationColumn{
				{Name: "id", Type: "integer"}, {Name: "name", Type: "text"}, {Name: "email", Type: "text"}, {Name: "note", Type: "text"},
			}},
		},
	})
}

// evasions read customers.email by other ways.
var evasions = []string{
	"select lower(email) from customers", "select email::varchar from customers", "select min(email) from customers",
	"select c from customers c", "select to_jsonb(c) from customers c", "select (c).email || '' from customers c",
	"select email from customers union select '' ", "select string_agg(email, ',') from customers",
	"select mail from v_customers", "select * from v_customers", "select email from parts_low", "select email from parts", "select p from parts_low p",
	"select peek(17)", "select shout(17)", "select peek(id) from counters", "select c.row_mail from customers c", "select lower(c) from customers c",
	"select * from (select email as name from customers) s", "with c as (select email as x from customers) select x || '' from c",
	"select 1 from customers where email::int = 1", "select cast(email as int) from customers where id = 17",
	"explain analyze select * from customers where email = 'person17@secret.example'",
	"create table copied as select email as e from customers", "select email as e into copied from customers",
	"create view w as select email as e from customers", "create function g() returns setof text language sql as 'select email from customers'",
	"alter table customers rename email to mail", "insert into counters select length(email), 1 from customers",
	"update customers set note = email where id = 17 returning note", "update customers set note = (select email from customers where id = 17) where id = 18 returning note",
	"copy customers to stdout", "copy (select email from customers) to stdout", "prepare p as select email || '' from customers", "execute p",
	"declare c cursor with hold for select email || '' from customers", "fetch 1 from c",
	"select most_common_vals from pg_stats where tablename = 'customers'", "select * from pg_stat_activity",
	"select query_to_xml('select email from customers', true, true, '')", "select table_to_xml('customers', true, true, '')",
	"do $$ begin raise notice '%', (select email from customers where id = 17); end $$",
	"select row(email) from customers", "select array(select email from customers)", "values ((select email from customers where id = 17))",
	"insert into customers (id, name) values (1, 'x') on conflict (id) do update set name = customers.email returning name",
	"merge into counters using customers c on c.id = counters.id when matched then update set n = length(c.email)",
	"delete from customers where id = 17 returning email || ''", "select email collate \"C\" from customers",
	"select * from customers c, lateral (select c.email || '' as x) l", "table customers",
	"select xmlelement(name e, email) from customers", "select set_config('a.b', (select email from customers where id = 17), false)",
}
