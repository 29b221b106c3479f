package sqlite

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

func openTest(t testing.TB, file string) *Conn {
	t.Helper()
	c, err := New(Options{}).Open(t.Context(), connectors.Endpoint{Name: "test", Database: file, User: "app"}, mask.Secret{}, &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c.(*Conn)
}

func tables(f policy.Facts) string {
	var out []string
	for _, t := range f.Tables {
		s := t.Name
		if t.Kind != policy.TablePlain {
			s += "?"
		}
		if t.Write {
			s += "!"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// TestFacts: class, destructive, form, tables (? not plain, ! written).
func TestFacts(t *testing.T) {
	tests := []struct {
		text, class string
		destructive bool
		form        string
		tables      string
	}{
		{"select 1", "read", false, "", ""},
		{"select count(*) from orders;", "read", false, "", "orders"},
		{"select * from contacts; -- a view", "read", false, "", "customers contacts?"},
		{"values (1), (2)", "read", false, "", ""},
		{"select name from sqlite_schema", "read", false, "", "sqlite_master"},
		{"select * from sqlite_stat4", "read", false, "", "sqlite_stat4?"},
		{"select value from json_each('[1]')", "read", false, "", "json_each?"},
		{"explain delete from orders", "read", false, "", "orders! customers"},
		{"EXPLAIN QUERY PLAN select 1", "read", false, "", ""},
		{"begin", "read", false, "", ""},
		{"commit", "read", false, "", ""},
		{"savepoint s", "read", false, "", ""},
		{"insert into scratch values ('x')", "write", false, "", "scratch!"},
		{"insert into scratch select status from orders", "write", false, "INSERT SELECT", "scratch! orders"},
		{"insert into log values (1)", "write", false, "INSERT with a trigger", "log! scratch! customers"},
		{"update orders set status = 'a' || upper('b') where id = 1", "write", false, "", "orders!"},
		{"update orders set total = total + 1 where id = 1", "write", false, "UPDATE from columns", "orders!"},
		{"delete from orders where id = 1 returning *", "write", false, "", "orders! customers"},
		{"delete from orders", "write", true, "", "orders! customers"},
		{"with x as (select 1 from log where 1) delete from orders", "write", true, "", "orders! customers log"},
		{"delete from sqlite_sequence where name = 'x'", "ddl", false, "", "sqlite_sequence!"},
		{"create table n (x)", "ddl", false, "", "n?!"},
		{"select o.status from orders o join customers using (id)", "read", false, "", "orders customers"},
		{"select status from orders natural join customers", "read", false, "", "orders customers"},
		{"create table n as select id from orders", "ddl", false, "CREATE TABLE AS", "n?! orders"},
		{"create view n as select email from customers", "ddl", false, "", "n?! customers"},
		{"create index n on orders(status)", "ddl", false, "", "orders!"},
		{"create trigger n after insert on log begin delete from orders; select 1; end", "ddl", false, "CREATE TRIGGER", "log!"},
		{"drop index orders_customer", "ddl", true, "", "orders!"},
		{"drop view contacts", "ddl", true, "", "contacts?!"},
		{"drop trigger spy", "ddl", true, "", "log!"},
		{"alter table orders add column x", "ddl", false, "", "orders!"},
		{"alter table orders rename to x", "ddl", false, "ALTER TABLE RENAME", "orders!"},
		{"alter table main.orders rename column status to x", "ddl", false, "ALTER TABLE RENAME", "orders!"},
		{"alter table orders drop column status", "ddl", true, "", "orders!"},
		{"reindex", "ddl", false, "", ""},
		{"select nosuch(1)", "unknown", false, "", ""},
		{"", "unknown", false, "", ""},
		{";;", "unknown", false, "", ""},
		{"select 1; select 2", "unknown", false, "", ""},
		{"select 1\x00; delete from orders", "unknown", false, "", ""},
		{"select " + strings.Repeat("(", 3000) + "1" + strings.Repeat(")", 3000), "unknown", false, "", ""},
		{"select '" + strings.Repeat("x", 1<<20) + "'", "unknown", false, "", ""},
	}
	c := openTest(t, newFile(t))
	for _, tt := range tests {
		f, err := c.Judge(t.Context(), connectors.Statement{Text: tt.text})
		if err != nil {
			t.Errorf("%.60q: %v", tt.text, err)
			continue
		}
		got := []any{f.Class.String(), f.Destructive, f.Form, tables(f)}
		want := []any{tt.class, tt.destructive, tt.form, tt.tables}
		if tt.class == "unknown" {
			got, want = got[:1], want[:1]
			if f.Why == "" {
				t.Errorf("%.60q: unknown without saying why", tt.text)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.60q: class, destructive, form, tables (-want +got):\n%s", tt.text, diff)
		}
	}
}

// TestUnbounded: which DELETE is destructive.
func TestUnbounded(t *testing.T) {
	tests := map[bool][]string{
		false: {
			"id = 1", "1 = id", "(id = 1)", "id = 1 and 1 = 1", "id = 1 or id = 2", "id in (1, 2)", "not (id <> 1)", "id between 1 and 2",
			"id between 1 and 2 and status = 'x'", "status like 'a%'", "status is null", "status isnull", "customer_id in (select id from customers where email = 'x')",
			"exists (select 1 from customers c where c.id = orders.customer_id and c.tier = 'x')", "lower(status) = 'x'", "id < 5 -- or 1 = 1", "total > customer_id", "[id] = 1", `"id" = 1`,
			"not (id <> 5 or 1 = 1)", "not (id <> 5 or total <> 3)", "id > 100", "id between 0 and 100", "total * 2 > 100", "id is 5", "status is not distinct from 'x'", "id < 5 or id > 10", "status glob 'x*'", "id = (1 + 2) * 3", "id = 1 /* or true", "id != 5 and status = 'or 1'",
		},
		true: {
			"id is not 5", "id != 0", "id <> -1", "id not in (0)", "status not like 'x'", "not (id = 1)", "not id = 1", "exists (select 1 from customers c where c.tier = 'x')", "id > 0", "id > -1", "0 <= id", "id < 9e9", "id between -1 and 9999999999",
			"id * 0 = 0", "id % 1 = 0", "id & 0 = 0", "id < 5 or id >= 5", "id = 5 or not id = 5", "id = 5 or id <> 5", "(id = 5) or (id != 5)", "status like 'a' or status not like 'a'", "length(status) >= 0", "id is distinct from 5", "not (id <> 5 and total <> 3) or 1",
			"1", "true", "1 = 1", "id = id", "orders.id = id", "id = +id", `"id" = [ID]`, "id = 1 or 1 = 1", "id = 1 or true", "1 = 1 or id = 1", "not 0", "not (id = 1 and 1 = 0)",
			"not (id <> id)", "id is not null", "id notnull", "id is id", "id in (id)", "id in (select id from orders)", "id in (select 1 union select id from orders where id = 1)",
			"exists (select 1)", "case when id = 1 then 1 else 1 end", "coalesce(1, id)", "status like '%'", "status glob '*'", "'x' = 'x'", "abs(random()) >= 0",
			"id between id and id", "id between -5 and id", "((((id)))) = ((id))", "id", "id <= id", "rowid = rowid", "(id, 1) = (id, 1)", "1 in (1)", "id in ()", "id not in ()", "current_date > '1'",
			"'where id = 1' is not null", "id collate nocase = id", "? = ?", "id = coalesce(id, 1)", "not exists (select 1 from log)", "id is not distinct from id",
		},
	}
	c := openTest(t, newFile(t))
	for want, conditions := range tests {
		for _, cond := range conditions {
			for _, text := range []string{"delete from orders where " + cond, "with w as (select 1 where 2) update orders set status = 'where' where " + cond} {
				f, err := c.Judge(t.Context(), connectors.Statement{Text: text})
				if err != nil || f.Class != policy.Write {
					t.Errorf("%q: %s (%s), %v", text, f.Class, f.Why, err)
				}
				if f.Destructive != want {
					t.Errorf("%q: destructive %v, want %v", text, f.Destructive, want)
				}
			}
		}
	}
}

// TestJudgingChangesNothing: PRAGMA acts while it is prepared, unless denied.
func TestJudgingChangesNothing(t *testing.T) {
	c := openTest(t, newFile(t))
	for _, text := range []string{"pragma writable_schema = 1", "pragma query_only = 0", "PRAGMA main.journal_mode = wal", "pragma user_version = 9"} {
		f, err := c.Judge(t.Context(), connectors.Statement{Text: text})
		if err != nil || f.Class != policy.Unknown {
			t.Errorf("%q: %s, %v", text, f.Class, err)
		}
	}
	for name, want := range map[string]string{"query_only": "1", "writable_schema": "0", "user_version": "0", "journal_mode": "delete"} {
		var got string
		err := c.judge.mine(t.Context(), func() error {
			s, _, err := c.judge.c.Prepare("pragma " + name)
			if err != nil {
				return err
			}
			defer s.Close()
			s.Step()
			got = s.ColumnText(0)
			return nil
		})
		if err != nil || got != want {
			t.Errorf("pragma %s is %q, want %q: %v", name, got, want, err)
		}
	}
}

// TestFile: what happens to the file beside the connection.
func TestFile(t *testing.T) {
	t.Run("changed schema", func(t *testing.T) {
		file := newFile(t)
		c := openTest(t, file)
		plan, err := mask.NewPlan([]mask.Rule{{Name: "pii", Column: "customers.email", Method: mask.Redact}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		// Between the judgement and the run, scratch becomes a view on what is masked.
		g := &connectortest.Guard{Seen: plan, Kept: plan, OnCheck: func(connectors.Operation) {
			beside(t, file, "drop trigger spy; drop trigger fills; drop table scratch; create view scratch as select email as e from customers;")
		}}
		r, err := c.Query(t.Context(), g, connectors.Statement{Text: "select e from scratch"})
		if err == nil { // SQLite looks at the schema again when it takes the first step
			_, err = r.Batch(t.Context(), 1)
		}
		if !errors.Is(err, errMoved) {
			t.Errorf("query: %v, want %v", err, errMoved)
		}
		if n := len(g.Permits()[0].Outcomes()); n != 1 {
			t.Errorf("Done was called %d times", n)
		}
	})
	t.Run("changed order of columns", func(t *testing.T) {
		file := newFile(t)
		c, plan := openTest(t, file), emailPlan(t)
		// The same actions, but what was described as the name is the address now.
		g := &connectortest.Guard{Seen: plan, Kept: plan, OnCheck: func(connectors.Operation) {
			beside(t, file, `pragma foreign_keys = 0; drop view contacts; drop trigger spy; drop trigger fills; create table c2 as select id, email, full_name, tier, balance from customers;
				drop table customers; alter table c2 rename to customers;`)
		}}
		r, err := c.Query(t.Context(), g, connectors.Statement{Text: "select * from customers"})
		var rows []connectors.Row
		for err == nil {
			var b []connectors.Row
			b, err = r.Batch(t.Context(), 100)
			rows = append(rows, b...)
		}
		if !errors.Is(err, connectors.ErrProtocol) || len(rows) > 0 {
			t.Errorf("query: %d rows, %v, want %v", len(rows), err, connectors.ErrProtocol)
		}
	})
	t.Run("locked", func(t *testing.T) {
		file := newFile(t)
		conn, err := New(Options{BusyTimeout: 1}).Open(t.Context(), connectors.Endpoint{Database: file}, mask.Secret{}, &connectortest.Guard{})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		g := &connectortest.Guard{}
		other, done := openTest(t, file), make(chan error, 1)
		other.writer.own = true
		if err := other.writer.c.Exec("begin immediate"); err != nil {
			t.Fatal(err)
		}
		go func() {
			r, err := conn.(*Conn).Query(t.Context(), g, connectors.Statement{Text: "update counter set n = 5"})
			if err == nil {
				_, err = r.Batch(t.Context(), 1)
			}
			done <- err
		}()
		var te *connectors.TargetError
		if err := <-done; !errors.As(err, &te) || te.Code != "SQLITE_BUSY" {
			t.Errorf("a locked file: %v", err)
		}
		if err := other.writer.c.Exec("rollback"); err != nil {
			t.Fatal(err)
		}
		other.writer.own = false
	})
}

// TestUnsupported: what the gate lets pass and this kind does not run.
func TestUnsupported(t *testing.T) {
	file := newFile(t)
	c := openTest(t, file)
	g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}
	for _, text := range []string{"begin", "commit", "rollback", "savepoint x", "release x", "pragma user_version = 3", "vacuum", "select 1; select 2", "attach 'x' as y"} {
		_, err := c.Query(t.Context(), g, connectors.Statement{Text: text})
		if !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%q: %v, want %v", text, err, connectors.ErrUnsupported)
		}
	}
	for _, p := range g.Permits() {
		if o := p.Outcomes(); len(o) != 1 || !errors.Is(o[0].Err, connectors.ErrUnsupported) {
			t.Errorf("%q: %+v", p.Op.Text, o)
		}
	}
	r, err := c.Query(t.Context(), g, connectors.Statement{Text: "select 1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Query(t.Context(), g, connectors.Statement{Text: "select 2"}); !errors.Is(err, connectors.ErrUnsupported) {
		t.Errorf("a second statement at the same time: %v", err)
	}
	_ = r.Close()
}

// TestMaskedWrites: a guard that lets everything pass does not make the driver
// move masked values.
func TestMaskedWrites(t *testing.T) {
	file := newFile(t)
	c, plan := openTest(t, file), emailPlan(t)
	before := content(t, file)
	for _, seen := range []bool{true, false} {
		g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }, Kept: plan}
		if seen {
			g.Seen, g.Kept = plan, nil
		}
		for _, text := range []string{
			"insert into scratch select email from customers", "update customers set full_name = email", "insert into log values (1)",
			"create table n as select email from customers", "update customers set balance = 1, full_name = upper(email) returning id",
			"update customers set tier = 'x'",
		} {
			_, err := c.Query(t.Context(), g, connectors.Statement{Text: text})
			var no *policy.Refusal
			if !errors.As(err, &no) || !strings.HasPrefix(no.Rule, "masks") {
				t.Errorf("%q: %v, want a refusal by the masks", text, err)
			}
		}
	}
	if content(t, file) != before {
		t.Error("the file changed")
	}
}

// TestStructure runs every kind of change of structure under the authorizer, and
// RETURNING, whose changes must not depend on how much of the answer is read.
func TestStructure(t *testing.T) {
	file := newFile(t)
	c := openTest(t, file)
	g := &connectortest.Guard{}
	for _, tt := range []struct{ text, tag string }{
		{"create table n (x int, y text default 'd')", "CREATE TABLE"}, {"create table m as select id from orders", "CREATE TABLE"},
		{"create table k (id integer primary key, name text, check (length(name) > 0))", "CREATE TABLE"},
		{"create index n_x on n(x) where x > 1", "CREATE INDEX"}, {"create view n_v as select x from n", "CREATE VIEW"},
		{"create trigger n_t after insert on n begin update counter set n = n + 1; end", "CREATE TRIGGER"},
		{"insert into n(x) values (1), (2), (3)", "INSERT 0 3"}, {"alter table n rename column y to z", "ALTER TABLE"}, {"alter table n add column w", "ALTER TABLE"},
		{"alter table n drop column w", "ALTER TABLE"}, {"alter table n rename to o", "ALTER TABLE"}, {"reindex", "REINDEX"}, {"analyze", "ANALYZE"},
		{"update o set z = 'q' where x = 1", "UPDATE 1"}, {"replace into o(x) values (9)", "INSERT 0 1"}, {"delete from o", "DELETE 4"},
		{"drop trigger n_t", "DROP TRIGGER"}, {"drop view n_v", "DROP VIEW"}, {"drop index n_x", "DROP INDEX"}, {"drop table o", "DROP TABLE"},
		{"select * from orders limit 20", "SELECT 20"}, {"with x as (select 1) select * from x", "SELECT 1"}, {"explain select 1", "EXPLAIN"},
	} {
		r, err := c.Query(t.Context(), g, connectors.Statement{Text: tt.text})
		for err == nil {
			_, err = r.Batch(t.Context(), 100)
		}
		if r == nil || r.Summary().Tag != tt.tag {
			t.Errorf("%q: %v, want tag %q", tt.text, err, tt.tag)
		}
	}
	r, err := c.Query(t.Context(), g, connectors.Statement{Text: "delete from orders where id <= 300 returning id"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Batch(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	if s := r.Summary(); s.Tag != "DELETE 300" || s.Affected != 300 || s.Rows != 1 {
		t.Errorf("summary %+v", s)
	}
	if left := beside(t, file, "select count(*) from orders"); left != "200" {
		t.Errorf("%s orders left, want 200", left)
	}
}

// TestGreed: what is too large for the bastion ends the statement, or at worst
// the connection.
func TestGreed(t *testing.T) {
	c := openTest(t, newFile(t))
	run := func(text string) error {
		g := &connectortest.Guard{Discard: true}
		r, err := c.Query(t.Context(), g, connectors.Statement{Text: text})
		for err == nil {
			_, err = r.Batch(t.Context(), 10)
		}
		if n := len(g.Permits()[0].Outcomes()); n != 1 {
			t.Errorf("%.40q: Done was called %d times", text, n)
		}
		return err
	}
	for _, tt := range []struct {
		text, code string
	}{
		{"select zeroblob(17 << 20)", "SQLITE_TOOBIG"},
		{"select randomblob(15000000), randomblob(15000000)", "SQLITE_TOOBIG"},
		{"select zeroblob(9000000)" + strings.Repeat(", zeroblob(9000000)", 20), "SQLITE_NOMEM"},
	} {
		var te *connectors.TargetError
		if err := run(tt.text); !errors.As(err, &te) || te.Code != tt.code {
			t.Errorf("%.40q: %v, want %s", tt.text, err, tt.code)
		}
	}
	if err := run("select 1"); !errors.Is(err, connectors.ErrVanished) {
		t.Errorf("after its memory is exhausted: %v, want %v", err, connectors.ErrVanished)
	}
}
