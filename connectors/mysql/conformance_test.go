package mysql

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

const suiteSchema = `
create table customers (id int primary key, name varchar(100) not null, email varchar(200), note text);
insert into customers select seq, concat('Name ', seq), concat('person', seq, '@secret.example'), concat('note ', seq) from seq_1_to_400;
create table counters (id int primary key, n int not null);
insert into counters values (1, 0), (2, 0);
create view v_customers as select id, upper(email) as mail from customers;
create table scratch (e varchar(300));
create function peek(x int) returns varchar(200) reads sql data return (select email from customers where id = x);
create procedure show_mail(x int) select email from customers where id = x;
`

func TestConformance(t *testing.T) {
	s, name := database(t, suiteSchema)
	count := func(t testing.TB, where string) int {
		rows, err := s.Query(t.Context(), "", "select count(*) from information_schema.processlist where user = 'app' and "+where)
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
		Driver: New(Options{}), Endpoint: e, Secret: appPassword,
		Impatient: New(Options{Grace: 300 * time.Millisecond}),
		Greetings: [][]byte{{0xff, 0xff, 0xff, 0, 0x0a}},
		Faults: []connectortest.Fault{
			{Name: "wrong password", Endpoint: e, Secret: "wrong-Quince-5150", Want: connectors.ErrCredential},
			{Name: "no such database", Endpoint: gone, Secret: appPassword, Want: connectors.ErrUnreachable},
		},
		// The server counts a session as busy for a moment after it has answered; the gate's
		// own statements do not count.
		Sessions: func(t testing.TB) int { return count(t, "true") },
		Active: func(t testing.TB) int {
			return count(t, "info is not null and info not rlike 'information_schema|^set names|^rollback|^do 0|^show'")
		},
		SQL: &connectortest.SQL{
			Read:     "select id, name, null as nothing, x'00ff' as raw from customers where id < 3 order by id",
			ReadWant: [][]string{{"1", "Name 1", "NULL", `\x00ff`}, {"2", "Name 2", "NULL", `\x00ff`}},
			Write:    "update counters set n = n + 1 where id = 1",
			Observe: func(t testing.TB) string {
				rows, err := s.Query(t.Context(), name, "select n from counters order by id")
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(rows)
			},
			Affected:    1,
			Destructive: []string{"delete from counters", "update counters set n = 0 where true", "truncate counters", "drop table counters"},
			Harmless:    []string{"delete from counters where id = 9", "insert into counters values (7, 7)"},
			Unknown: []string{"execute nothing", "select 1 where 'a' = '\xff'", "frobnicate", "handler customers open", "delimiter //",
				"select /*M! email, */ id from customers", "select email into @x from customers limit 1"},
			SyntaxError: "select 1 from", ErrorCode: "42000",
			// It has something to say now and then: only so the server finds that a line is cut.
			Slow:      "select a.seq, repeat('x', 1000) from seq_1_to_1000000 a, seq_1_to_1000000 b where (a.seq * b.seq) % 999983 = 5",
			Oversized: "select repeat('x', 16000000) as a, repeat('x', 16000000) as b, repeat('x', 16000000) as c, repeat('x', 16000000) as d, repeat('x', 16000000) as e",
			Large:     func(n int) string { return fmt.Sprintf("select seq, repeat('x', 1000) from seq_1_to_%d", n) },
			Masks:     []mask.Rule{{Name: "contact", Column: "customers.email", Method: mask.Redact}},
			Masked:    "select id, name, email, upper(email) as loud from customers order by id",
			Cleartext: []string{"@secret.example", "@SECRET.EXAMPLE", "person17", "PERSON17"},
			Evasions:  evasions,
			Relation: connectors.Relation{Schema: name, Name: "customers", Kind: policy.TablePlain, Columns: []connectors.RelationColumn{
				{Name: "id", Type: "int(11)"}, {Name: "name", Type: "varchar(100)"}, {Name: "email", Type: "varchar(200)"}, {Name: "note", Type: "text"},
			}},
		},
	})
}

// evasions read customers.email by other ways.
var evasions = []string{
	"select lower(email) from customers", "select cast(email as char) from customers", "select min(email) from customers", "select group_concat(email) from customers",
	"select email from customers union select ''", "select e from scratch union all select email from customers", "select mail from v_customers", "select * from v_customers",
	"select peek(17)", "call show_mail(17)", "select * from (select email as name from customers) s", "with c as (select email as x from customers) select concat(x, '') from c",
	"select 1 from customers where email = 1", "select updatexml(1, concat('~', email), 1) from customers where id = 17", "select extractvalue(1, concat('~', email)) from customers where id = 17",
	"explain select * from customers where email = 'person17@secret.example'", "create table copied as select email as e from customers", "create view w as select email as e from customers",
	"alter table customers rename column email to mail", "alter table customers change email mail varchar(200)", "insert into scratch select email from customers", "update customers set note = email where id = 17",
	"select note from customers where id = 17", "set @x = (select email from customers where id = 17)", "select @x", "select @y := email from customers where id = 17", "select @y",
	"prepare p from 'select email from customers'", "execute p", "select e from scratch", "select id from customers order by email limit 1",
	"select hex(email), md5(email), substr(email, 1, 9), reverse(email), to_base64(email) from customers", "select (select email from customers where id = 17)",
	"select json_arrayagg(email) from customers", "select c.* from customers c join counters k on k.id = c.id", "select `email`, `customers`.`EMAIL`, c.email from customers, customers c",
	"insert into counters values (1, 0) on duplicate key update n = (select length(email) from customers where id = 17)", "handler customers open",
	"select /*! email, */ id from customers", "select id, row_number() over (order by email) from customers", "show processlist", "select * from information_schema.processlist",
	"insert into scratch values ('person17@secret.example' = (select email from customers where id = 17))", "select email from customers procedure analyse()",
	"create temporary table customers (id int, name varchar(9), email varchar(9), note text)", "table customers", "select * from customers natural join v_customers",
	"select exp(length(email) * 100) from customers where id = 17", "select name_const(email, 1) from customers", "do (select email from customers where id = 17) + 9e307 * 1e307",
}
