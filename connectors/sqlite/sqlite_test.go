package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// schema has each kind of thing that a file may hold. customers.email is masked.
const schema = `
	CREATE TABLE customers (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, email TEXT NOT NULL UNIQUE,
		tier TEXT CHECK (length(tier) > 0), balance REAL);
	CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INT REFERENCES customers(id), status TEXT, total NUMERIC);
	CREATE TABLE counter (n INT);
	CREATE TABLE scratch (e TEXT);
	CREATE TABLE log (x TEXT);
	CREATE INDEX orders_customer ON orders(customer_id);
	CREATE VIEW contacts AS SELECT id AS ref, email AS contact, upper(full_name) AS label FROM customers;
	CREATE TRIGGER spy AFTER INSERT ON log BEGIN INSERT INTO scratch SELECT email FROM customers; END;
	CREATE TRIGGER fills AFTER UPDATE OF tier ON customers BEGIN INSERT INTO scratch VALUES (new.email); END;
	INSERT INTO counter VALUES (0);
	WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM i WHERE n < 500)
		INSERT INTO customers SELECT n, 'Person ' || n, 'person' || n || '@planted.example', 'pro', n / 2.0 FROM i;
	INSERT INTO orders SELECT id, id, 'paid', id * 1.5 FROM customers;
	ANALYZE;`

// newFile makes a database and returns its path.
func newFile(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(file, template(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// template is a database with the schema, made once.
var template = sync.OnceValue(func() []byte {
	dir, err := os.MkdirTemp("", "sallyport")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "test.db")
	c, err := sqlite3.Open(file)
	if err != nil {
		panic(err)
	}
	if err := errors.Join(c.Exec(schema), c.Close()); err != nil {
		panic(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		panic(err)
	}
	return b
})

// beside runs statements on the file without the driver, and returns the first
// column of the first row.
func beside(t testing.TB, file, text string) string {
	t.Helper()
	c, err := sqlite3.Open(file)
	if err != nil {
		t.Fatalf("open %s: %v", file, err)
	}
	defer c.Close()
	for {
		s, tail, err := c.Prepare(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		row := s.Step()
		value := s.ColumnText(0)
		if err := s.Close(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if row {
			return value
		}
		if text = tail; empty(text) {
			return ""
		}
	}
}

func fileOf(t testing.TB, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSuite(t *testing.T) {
	file := newFile(t)
	connectortest.Run(t, connectortest.Target{
		Driver:   New(Options{}),
		Endpoint: connectors.Endpoint{Name: "orders-lite", Database: file},
		Faults: []connectortest.Fault{
			{Name: "missing", Endpoint: connectors.Endpoint{Database: file + "x"}, Want: connectors.ErrUnreachable},
			{Name: "a folder", Endpoint: connectors.Endpoint{Database: filepath.Dir(file)}, Want: connectors.ErrUnreachable},
			{Name: "a URI", Endpoint: connectors.Endpoint{Database: "file:" + file + "?_pragma=writable_schema(1)"}, Want: connectors.ErrUnreachable},
			{Name: "memory", Endpoint: connectors.Endpoint{Database: ":memory:"}, Want: connectors.ErrUnreachable},
			{Name: "no database", Endpoint: connectors.Endpoint{Database: fileOf(t, fmt.Sprintf("%5000s", "text"))}, Want: connectors.ErrProtocol},
		},
		Sessions: func(t testing.TB) int { return handles(t, file) },
		Proofs:   []connectortest.Proof{{Power: connectortest.ToQuery, Property: connectortest.Malformed, Name: "broken pages", Test: testBrokenPages}},
		Cannot: map[connectortest.Property]string{
			connectortest.NoSecret:                             "a file has no credential",
			connectortest.WrongPassword:                        "a file has no credential",
			connectortest.Vanished:                             "the engine runs in this process: there is no connection that could end",
			connectortest.SlowSignIn:                           "the engine runs in this process: nobody has to answer",
			connectortest.Oversized.Of(connectortest.ToSignIn): "the engine runs in this process: there are no messages",
		},
		SQL: &connectortest.SQL{
			Read:     "select id, full_name, balance, null as none, x'00ff' as bytes from customers where id <= 2 order by id",
			ReadWant: [][]string{{"1", "Person 1", "0.5", "NULL", `\x00ff`}, {"2", "Person 2", "1.0", "NULL", `\x00ff`}},
			Write:    "update counter set n = 1 - n where n < 9",
			Observe:  func(t testing.TB) string { return beside(t, file, "select n from counter") },
			Affected: 1,
			Destructive: []string{
				"delete from orders", "delete from orders where 1 = 1", "update orders set status = 'x'", "drop table orders",
				"/* where */ delete from orders -- where id = 1", "with w as (select 1 where 1) delete from orders", "alter table orders drop column total",
			},
			Harmless: []string{
				"delete from orders where id = 5", "update orders set status = 'x' where id = 5", "insert into orders(status) values ('new')",
				"replace into counter values (1)",
			},
			Unknown: []string{
				"pragma user_version = 7", "pragma query_only = 0", "pragma table_info(customers)", "vacuum", "vacuum into '" + file + ".copy'",
				"attach '" + file + "' as again", "detach main", "select * from pragma_table_info('customers')", "select count(*) from pragma_table_list", "select 1; delete from orders",
				"create temp table t(x)", "create virtual table v using rtree(a, b, c)", "select sqlite_log(1, 'x')", "explain pragma user_version = 7", "-- nothing",
			},
			SyntaxError: "selekt 1", ErrorCode: "SQLITE_ERROR",
			Oversized: "select zeroblob(500000000)",
			Slow:      "with recursive i(n) as (select 1 union all select n+1 from i) select count(*) from i",
			Large: func(rows int) string {
				return fmt.Sprintf("with recursive i(n) as (select 1 union all select n+1 from i where n < %d) select n, printf('%%01000d', n) from i", rows)
			},
			Masks:     []mask.Rule{{Name: "pii", Column: "customers.email", Method: mask.Redact}},
			Masked:    "select id, full_name, email from customers",
			Cleartext: []string{"person1@planted", "person77@planted", "person500@planted"},
			Evasions:  evasions,
			Relation: connectors.Relation{Schema: "main", Name: "orders", Kind: policy.TablePlain, Columns: []connectors.RelationColumn{
				{Name: "id", Type: "integer"}, {Name: "customer_id", Type: "int"}, {Name: "status", Type: "text"}, {Name: "total", Type: "numeric"},
			}},
		},
	})
}

// testBrokenPages: a file whose pages are none behind its schema's is told as that,
// and nothing of it shows.
func testBrokenPages(t *testing.T) {
	file := newFile(t)
	root, err := strconv.Atoi(beside(t, file, "select rootpage from sqlite_schema where name = 'customers'"))
	if err != nil {
		t.Fatal(err)
	}
	size, err := strconv.Atoi(beside(t, file, "pragma page_size"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt(bytes.Repeat([]byte{0x93}, size), int64((root-1)*size))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{}
	c, err := New(Options{}).Open(t.Context(), connectors.Endpoint{Name: "broken", Database: file}, mask.Secret{}, g)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := c.(connectors.Querier).Query(t.Context(), g, connectors.Statement{Text: "select * from customers"})
	if err == nil {
		var rows []connectors.Row
		rows, err = r.Batch(t.Context(), 10)
		if len(rows) > 0 {
			t.Errorf("it shows %v", rows)
		}
		_ = r.Close()
	}
	var te *connectors.TargetError
	if !errors.As(err, &te) || !strings.HasPrefix(te.Code, "SQLITE_CORRUPT") {
		t.Errorf("query: %v, want SQLITE_CORRUPT", err)
	}
}

// evasions read customers.email by other ways than its name in one SELECT.
var evasions = []string{
	"select e from scratch union all select email from customers",
	"select email from customers union all select e from scratch",
	"select x from (select email as x from customers)",
	"with c as (select email from customers) select email || '!' from c",
	"with c(x) as materialized (select email from customers) select * from c",
	"with recursive c(x) as (select e from scratch union select email from customers) select x from c",
	"select (select email from customers where id = 77)",
	"select 1, (values ((select email from customers where id = 77)))",
	"select upper(email), lower(email), email || '', +email, (email), cast(email as blob), email collate nocase from customers",
	"select group_concat(email), max(email), min(email), json_group_array(email) from customers",
	"select first_value(email) over (order by id) from customers",
	"select value from json_each((select json_group_array(email) from customers))",
	"select contact from contacts", "select * from contacts", "select label, contact from contacts where ref = 77",
	"select coalesce(a.email, b.email) from customers a left join customers b using (id)",
	"select email from customers a full join customers b using (email)",
	"select email from customers natural join contacts",
	"select c.email from orders o left join customers c on c.id = o.customer_id",
	"select case when 1 then email end, iif(1, email, ''), ifnull(email, '') from customers",
	"select * from customers order by email limit 80", "select distinct email from customers", "select email from customers group by email",
	"select \"email\", [email], `email`, customers.\"EMAIL\", main.customers.email from customers",
	"select sample from sqlite_stat4", "select * from sqlite_stat4 where tbl = 'customers'",
	"select count(*) from (select email from customers) s group by s.email", "with c as (select email from customers) select count(*), c.* from c",
	"select substr(email, 1, 20) from customers", "select hex(email), quote(email), printf('%s', email) from customers",
	"select json_extract('{}', email) from customers where id = 1", "select abs(email) from customers", "select json(email) from customers where id = 77",
	"insert into scratch select email from customers", "insert into scratch values ((select email from customers where id = 77))",
	"insert into log values ('fires a trigger')", "update customers set tier = 'x' where id = 77",
	"create table copy as select email from customers", "update customers set full_name = email where id = 77",
	"update orders set status = (select email from customers where id = 77) where id = 1",
	"update orders set status = c.email from customers c where c.id = orders.customer_id",
	"insert into customers(id, full_name, email) values (77, 'x', 'y') on conflict (id) do update set full_name = email",
	"update customers set balance = 1 where id = 77 returning email", "delete from customers where id = 500 returning *",
	"update customers set full_name = 'x' where email like 'person77@%' returning full_name",
	"create trigger leak after update on counter begin insert into scratch select email from customers; end",
	"alter table customers rename column email to plain", "alter table customers rename to plain",
	"select e from scratch", "explain select email from customers where email = 'person1'", "select full_name from customers where id = 77",
}

// handles counts the open descriptors of this process on the file.
func handles(t testing.TB, file string) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("this system does not list open files: %v", err)
	}
	n := 0
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && (to == file || to == file+"-wal" || to == file+"-journal") {
			n++
		}
	}
	return n
}
