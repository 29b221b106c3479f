package postgres

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/mask"
)

// traceDatabase is loaded once, from testdata/corpus.
var traceDatabase = sync.OnceValues(func() (string, error) {
	s, err := theServer()
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "corpus", "schema.sql"))
	if err != nil {
		return "", err
	}
	ctx := context.Background()
	if _, err := s.CreateDatabase(ctx, "corpus"); err != nil {
		return "", err
	}
	if err := s.Exec(ctx, "corpus", string(text)); err != nil {
		return "", err
	}
	return "corpus", s.Exec(ctx, "corpus", traceSchema+"; grant app_rw to app; grant select on all tables in schema public to app_rw; grant create on database corpus to app")
})

const traceSchema = `
create schema other; grant all on schema other to app_rw;
create table other.orders (id int, email text); grant all on other.orders to app_rw;
create table parts (id int, email text, note text) partition by range (id);
create table parts_1 partition of parts for values from (0) to (100);
create table made (id int, email text, up text generated always as (upper(email)) stored);
create view v_twice as select ref, contact || line as both, contact from v_customer_contact;
create type pair as (a int, b text);
create table pairs (id int, p pair, list text[]);
create function atomic_email(i int) returns text language sql begin atomic select email from customers where id = i; end;
create function opaque_email(i int) returns text language plpgsql as 'begin return (select email from customers where id = i); end';
create function two(out a text, out b int) language sql as 'select email, id from customers limit 1';
grant all on all tables in schema public to app_rw;
`

// traceConn is a session of an ordinary login at the corpus database.
func traceConn(t testing.TB) *Conn {
	t.Helper()
	s := server(t)
	name, err := traceDatabase()
	if err != nil {
		t.Fatal(err)
	}
	return openApp(t, s, name, allow())
}

// traceTexts are single statements of the corpora that begin like queries.
func traceTexts(t testing.TB) []string {
	t.Helper()
	var out []string
	for _, name := range []string{"masking_public.sql.jsonl", "benign.sql.jsonl"} {
		f, err := os.Open(filepath.Join("..", "..", "testdata", "corpus", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var l struct {
				SQL        string   `json:"sql"`
				Statements []string `json:"statements"`
			}
			if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
				t.Fatal(err)
			}
			if len(l.Statements) == 0 && !strings.Contains(l.SQL, "$1") {
				out = append(out, l.SQL)
			}
		}
	}
	return out
}

// oracle is what the server itself says a query refers to: table and column, as
// the dependencies of a view on it. ok is false where no view can be made of it.
func oracle(t testing.TB, c *Conn, text string) (cols map[mask.Column]bool, ok bool) {
	t.Helper()
	ctx := t.Context()
	exec := func(sql string) ([]*pgconn.Result, error) { return c.pg.Exec(ctx, sql).ReadAll() }
	if _, err := exec("begin"); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = exec("rollback") }()
	if _, err := c.pg.ExecParams(ctx, "create temp view zz_oracle as "+text, nil, nil, nil, nil).Close(); err != nil {
		return nil, false
	}
	r, err := exec(`select n.nspname, c.relname, a.attname from pg_depend d join pg_rewrite w on w.oid = d.objid and d.classid = 'pg_rewrite'::regclass join pg_class z on z.oid = w.ev_class and z.relname = 'zz_oracle'
		join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
		where d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and c.oid <> z.oid and c.relkind <> 'c'`)
	if err != nil {
		t.Fatal(err)
	}
	cols = map[mask.Column]bool{}
	for _, row := range r[0].Rows {
		cols[mask.Column{Schema: string(row[0]), Table: string(row[1]), Name: string(row[2])}] = true
	}
	return cols, true
}

// checkOracle compares our lineage with the server's own resolution: each column
// that it reports must be in ours.
func checkOracle(t *testing.T, c *Conn, text string) (understood bool) {
	t.Helper()
	l := c.trace(t.Context(), text)
	sd, err := c.pg.Prepare(t.Context(), "", text, nil)
	if err != nil {
		return false // it does not run at all
	}
	if !l.Understood {
		return false
	}
	if strings.HasPrefix(text, "copy") {
		return true // described by another message
	}
	if len(sd.Fields) != len(l.Columns) {
		t.Errorf("%s\n%d columns, the server has %d", text, len(l.Columns), len(sd.Fields))
		return true
	}
	var relations []uint32
	for _, d := range sd.Fields {
		relations = append(relations, d.TableOID)
	}
	cat := c.catalog.Load()
	if err := c.learn(t.Context(), allow(), cat, relations, nil); err != nil {
		t.Fatal(err)
	}
	all := map[mask.Column]bool{}
	for i, d := range sd.Fields {
		col := cat.column(d.Name, d.DataTypeOID, d.TableOID, d.TableAttributeNumber)
		for _, s := range l.Columns[i].Sources {
			all[s] = true
		}
		if col.Origin != nil && !contain(l.Columns[i].Sources, *col.Origin) {
			t.Errorf("%s\ncolumn %d: the server says %v, we %v", text, i, *col.Origin, l.Columns[i].Sources)
		}
		if d.Name != l.Columns[i].Name && !strings.HasPrefix(strings.ToLower(text), "show") && !strings.HasPrefix(text, "explain") {
			t.Errorf("%s\ncolumn %d: the server calls it %q, we %q", text, i, d.Name, l.Columns[i].Name)
		}
	}
	for _, s := range l.Reads {
		all[s] = true
	}
	for _, p := range l.Predicates {
		all[p.Column] = true
	}
	want, ok := oracle(t, c, text)
	if !ok {
		return true
	}
	for col := range want {
		if !all[col] {
			t.Errorf("%s\nthe server refers to %v, we do not: %v", text, col, l.Reads)
		}
	}
	return true
}

func contain(list []mask.Column, c mask.Column) bool {
	for _, x := range list {
		if x == c {
			return true
		}
	}
	return false
}

// TestTraceOracle compares lineages with what the server itself resolves, over the
// corpora and the queries of testdata/lineage.sql.
func TestTraceOracle(t *testing.T) {
	c := traceConn(t)
	own, err := os.ReadFile(filepath.Join("testdata", "lineage.sql"))
	if err != nil {
		t.Fatal(err)
	}
	texts := traceTexts(t)
	n := len(texts)
	for line := range strings.Lines(string(own)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "--") {
			texts = append(texts, line)
		}
	}
	understood := 0
	for i, text := range texts {
		switch {
		case checkOracle(t, c, text):
			understood++
		case i >= n:
			l := c.trace(t.Context(), text)
			_, err := c.pg.Prepare(t.Context(), "", text, nil)
			t.Errorf("%s\nis not understood: %s (server: %v)", text, l.Why, err)
		default:
			t.Logf("not understood: %s: %s", c.trace(t.Context(), text).Why, text)
		}
	}
	t.Logf("%d of %d understood", understood, len(texts))
}
