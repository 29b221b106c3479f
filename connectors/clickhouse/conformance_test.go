package clickhouse

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// suiteSchema has, beside the masked column, what shows it by another way: views, a
// materialized view with its inner table, a Merge and a Buffer table, a Join and a Set
// table, and columns computed from it.
var suiteSchema = []string{
	`create table customers (id UInt32, name String, email String, note Nullable(String), shout String alias upper(email), copy String materialized email) engine = MergeTree order by id`,
	`insert into customers (id, name, email, note) select number + 1, concat('Name ', toString(number + 1)), concat('person', toString(number + 1), '@secret.example'), concat('note ', toString(number + 1)) from numbers(400)`,
	`create table counters (id UInt32, n UInt64) engine = MergeTree order by id`,
	`insert into counters values (1, 0), (2, 0)`,
	`create view v_customers as select id, upper(email) as mail from customers`,
	"create materialized view m_customers engine = Memory populate as select id, email as mail from customers",
	`create table scratch (e String) engine = Memory`,
	`create table mrg (id UInt32, email String) engine = Merge(currentDatabase(), '^customers$')`,
	`create table buf as customers engine = Buffer(currentDatabase(), customers, 1, 100, 100, 100000, 1000000, 1000000, 10000000)`,
	`create table j_customers (id UInt32, email String) engine = Join(ANY, LEFT, id)`,
	`insert into j_customers select id, email from customers`,
	`create table by_mail (email String, name String, id UInt32) engine = MergeTree order by email`,
	`insert into by_mail select email, name, id from customers`,
	`create table s_customers (email String) engine = Set`,
	`insert into s_customers select email from customers`,
	"create table d_customers (id UInt32, email String, `d.x` String) engine = Memory",
	`insert into d_customers select id, email, '' from customers`,
}

// masks are those of the tables that hold the addresses; a view's are of what it shows.
var masks = []mask.Rule{{Name: "contact", Column: "customers.email", Method: mask.Redact}, {Name: "copies", Column: "*_customers.email", Method: mask.Redact},
	{Name: "stored", Column: "by_mail.email", Method: mask.Redact}}

func attacks() (list []string) {
	text := ""
	for line := range strings.Lines(attacksText) {
		if strings.HasPrefix(line, "-- ") {
			continue
		}
		text += line
		if strings.Contains(line, " -- ") { // goes on in the next line
			continue
		}
		list = append(list, strings.TrimSpace(text))
		text = ""
	}
	return list
}

func TestConformance(t *testing.T) {
	s, name := database(t, suiteSchema...)
	count := func(t testing.TB, text string) int {
		rows, err := s.Query(t.Context(), "", text)
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
	connectortest.Run(t, connectortest.Target{
		Driver: New(Options{Patience: 2 * time.Second}), Endpoint: e, Secret: appPassword,
		Faults: []connectortest.Fault{
			{Name: "wrong password", Endpoint: e, Secret: "wrong-Quince-5150", Want: connectors.ErrCredential},
			{Name: "no such database", Endpoint: gone, Secret: appPassword, Want: connectors.ErrUnreachable},
		},
		Sessions: func(t testing.TB) int {
			return count(t, "select value from system.metrics where metric = 'HTTPConnection'")
		},
		Active: func(t testing.TB) int {
			return count(t, "select count() from system.processes where user = 'app' and query not like 'select database, %' and query not like 'KILL%'")
		},
		SQL: &connectortest.SQL{
			Read:     "select id, name, null as nothing, toUInt64(18446744073709551615) as most, ['a\"b'] as list from customers where id < 3 order by id",
			ReadWant: [][]string{{"1", "Name 1", "NULL", "18446744073709551615", `["a\"b"]`}, {"2", "Name 2", "NULL", "18446744073709551615", `["a\"b"]`}},
			Write:    "insert into counters values (1, 1)",
			Observe: func(t testing.TB) string {
				rows, err := s.Query(t.Context(), name, "select count(), sum(n) from counters")
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(rows)
			},
			Affected:    -1, // the server does not say
			Destructive: []string{"alter table counters delete where id = 1", "alter table counters update n = 0 where 1", "truncate table counters", "drop table counters", "detach table counters"},
			Harmless:    []string{"insert into counters (id, n) values (7, 7)", "insert into counters select id, n from counters where id = 9"},
			Unknown: []string{"execute nothing", "select 1 where 'a' = '\xff'", "frobnicate", "select nosuch(1)", "select 1; select 2", "select {x:UInt8}",
				"select /* /* */ 1 */ 2", "insert into counters format CSV 1,2"},
			SyntaxError: "select 1 from", ErrorCode: "62",
			Slow:      "select number from system.numbers where cityHash64(number) = 5",
			Oversized: "select arrayStringConcat(arrayMap(x -> '" + strings.Repeat("x", 1000) + "', range(20000))) as v",
			Large: func(n int) string {
				return fmt.Sprintf("select number, concat('%s', toString(number)) as filler from system.numbers limit %d", strings.Repeat("x", 1000), n)
			},
			Masks:     masks,
			Masked:    "select id, name, email from customers order by id",
			Cleartext: []string{"@secret.example", "person17", "person399"},
			Evasions:  attacks(),
			Relation: connectors.Relation{Schema: name, Name: "scratch", Kind: policy.TablePlain, Columns: []connectors.RelationColumn{
				{Name: "e", Type: "String"},
			}},
		},
	})
}
