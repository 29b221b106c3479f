package sqlite

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/policy"
)

// statements are texts with their class, and ! where destructive.
var statements = map[string][]string{
	"read": {
		"select 1", "SELECT/**/1", "select * from orders where id = 1", "select count(*), max(total) from orders group by status having count(*) > 1",
		"with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select * from r", "values (1), (2)",
		"select 'delete from orders'", "select \"status\", [total], `id` from orders", "select 1 -- ; drop table orders", "select 1;;", ";select 1",
		"explain delete from orders", "explain query plan drop table orders", "select * from json_each('[1,2]')", "select name, sql from sqlite_schema",
		"select json_extract('{\"a\":1}', '$.a')", "select datetime('now')", "select random()", "select * from contacts", "select last_insert_rowid(), changes()",
		"select * from orders o join customers c on c.id = o.customer_id where c.tier like 'p%'", "select row_number() over (order by id) from orders",
		"begin", "begin immediate", "commit", "rollback", "savepoint a", "release a", "rollback to a", "end transaction",
	},
	"write": {
		"insert into orders (status) values ('x')", "insert or replace into orders (id, status) values (1, 'x')", "replace into orders (id) values (1)",
		"insert into orders (id, status) values (1, 'x') on conflict (id) do update set status = 'y'", "insert into scratch select status from orders",
		"insert into orders default values", "update orders set status = 'x' where id = 1", "update or ignore orders set status = 'x' where id in (1, 2)",
		"update orders set status = 'x' from customers c where c.id = orders.customer_id and c.email = 'a'", "delete from orders where id = 1 returning *",
		"with d as (select 5 as n) delete from orders where id = 5", "delete from orders where rowid = 7", "delete from orders where false and id = 1",
		"insert into log values ('x')", "DELETE FROM main.orders WHERE orders.id=1",
	},
	"write!": {
		"delete from orders", "delete from orders where 1", "delete from orders where true", "delete from orders where id = id", "update orders set status = 'x'",
		"update orders set status = 'x' where id is not null", "with d as (select 1 where 2) delete from orders", "delete from orders /* where id = 1 */", "delete from orders -- where id = 1",
		"delete from orders where id in (select id from orders)", "delete from orders where exists (select 1)", "delete from [orders] where not 0", "update \"orders\" set status = 'where id = 1'",
		"delete from orders where id = 1 or 1", "delete from orders returning id",
	},
	"ddl": {
		"create table n (a, b text)", "create table if not exists orders (x)", "create table n as select * from counter", "create view v as select 1", "create index i on orders (total)",
		"create unique index i on counter (n)", "create trigger t after insert on log begin delete from scratch; end", "alter table orders add column note text", "alter table orders rename to o2",
		"alter table orders rename column status to s", "analyze", "analyze orders", "reindex", "reindex orders_customer",
	},
	"ddl!": {
		"drop table orders", "drop table if exists orders", "drop view contacts", "drop index orders_customer", "drop trigger spy", "alter table orders drop column total", "delete from sqlite_sequence", "delete from sqlite_stat1",
	},
	"unknown": {
		"pragma user_version = 5", "pragma table_info(orders)", "select * from pragma_table_info('orders')", "pragma writable_schema = on", "attach 'x.db' as x", "attach ':memory:' as m", "detach main",
		"vacuum", "vacuum into '/tmp/none.db'", "select load_extension('x')", "select writefile('/tmp/none', 'x')", "select readfile('/etc/passwd')", "select fts3_tokenizer('x')", "select edit('x')", "select sqlite_log(1, 'x')",
		"create temp table n (a)", "create virtual table f using fts5(a)", "create virtual table g using generate_series", "insert into sqlite_schema values (1,2,3,4,5)", "update sqlite_schema set sql = 'x'",
		"select * from dbstat", "select * from nosuch", "selec 1", "", "--", "select 1; select 2", "select 1; delete from orders", "drop table nosuch", "select 'open",
	},
}

// TestStatements: the class of each, and that nothing but a change permitted as
// one changes the file: judging does not, and no read does, run or refused.
func TestStatements(t *testing.T) {
	n := 0
	for want, texts := range statements {
		for _, text := range texts {
			n++
			file := newFile(t)
			c := openTest(t, file)
			f, err := c.Judge(t.Context(), connectors.Statement{Text: text})
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			got := f.Class.String()
			if f.Destructive && f.Class != policy.Unknown {
				got += "!"
			}
			if got != want || f.Why == "" && (f.Destructive || f.Class == policy.Unknown) {
				t.Errorf("%q: %s (%s), want %s", text, got, f.Why, want)
			}
			if !untouched(t, file) {
				t.Errorf("judging %q changed the file", text)
			}
			// A guard that lets everything pass, as a change where it was not a read.
			g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }, Terms: func(op connectors.Operation) connectors.Terms {
				return connectors.Terms{ReadOnly: op.Facts.Class == policy.Read, Timeout: 5 * time.Second}
			}}
			err = drain(t, c, g, text)
			if changed := !untouched(t, file); changed && f.Class != policy.Write && f.Class != policy.DDL {
				t.Errorf("%q is %s and changed the file (%v)", text, f.Class, err)
			}
			_ = c.Close()
		}
	}
	if n < 100 {
		t.Errorf("only %d statements", n)
	}
}

// drain runs a text to its end.
func drain(t testing.TB, c *Conn, g connectors.Guard, text string) error {
	r, err := c.Query(t.Context(), g, connectors.Statement{Text: text})
	if err != nil {
		return err
	}
	defer r.Close()
	for err == nil {
		_, err = r.Batch(t.Context(), 100)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// TestBelt: a change that was judged a read on purpose does not happen: the
// connection that reads cannot write.
func TestBelt(t *testing.T) {
	for _, text := range append(append([]string(nil), statements["write"]...), statements["ddl"]...) {
		file := newFile(t)
		c := openTest(t, file)
		g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }, Terms: func(connectors.Operation) connectors.Terms {
			return connectors.Terms{ReadOnly: true}
		}}
		err := drain(t, c, g, text)
		var te *connectors.TargetError
		if err != nil && (!errors.As(err, &te) || strings.Contains(te.Text, "@planted")) {
			t.Errorf("%q: %v", text, err)
		}
		if !untouched(t, file) {
			t.Errorf("%q was run as a read and changed the file (%v)", text, err)
		}
	}
}

// TestClassify: what can be told without a file.
func TestClassify(t *testing.T) {
	d := New(Options{})
	for text, want := range map[string]policy.Class{
		"select 1": policy.Read, "begin": policy.Read, "create table t (a)": policy.DDL, "select * from t": policy.Unknown, "delete from t": policy.Unknown,
		"pragma user_version = 1": policy.Unknown, "vacuum": policy.Unknown, "attach 'x' as y": policy.Unknown, "": policy.Unknown, "select load_extension('x')": policy.Unknown,
	} {
		f, err := d.Classify(t.Context(), text)
		if err != nil || f.Class != want || want == policy.Unknown && f.Why == "" {
			t.Errorf("%q: %s (%s), %v, want %s", text, f.Class, f.Why, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if f, err := d.Classify(ctx, "select 1"); err == nil || f.Class != policy.Unknown {
		t.Errorf("after its context ended: %+v, %v", f, err)
	}
}
