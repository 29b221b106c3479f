package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

func open(t testing.TB, e connectors.Endpoint, g connectors.Guard) *Conn {
	t.Helper()
	c, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte(appPassword)), g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*Conn)
}

// ask runs a statement and returns its rows, cells with tabs between them.
func ask(t testing.TB, c *Conn, g connectors.Guard, text string) (rows []string, err error) {
	t.Helper()
	r, err := c.Query(t.Context(), g, connectors.Statement{Text: text})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		batch, err := r.Batch(t.Context(), 100)
		for _, row := range batch {
			var cells []string
			for _, cell := range row {
				if cell.Null {
					cell.Text = "NULL"
				}
				cells = append(cells, cell.Text)
			}
			rows = append(rows, strings.Join(cells, "\t"))
		}
		switch {
		case errors.Is(err, io.EOF):
			return append(rows, r.Notices()...), nil
		case err != nil:
			return rows, err
		}
	}
}

func plan(t testing.TB, rules ...mask.Rule) *mask.Plan {
	t.Helper()
	p, err := mask.NewPlan(rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestValues holds that values come through as the server has them.
func TestValues(t *testing.T) {
	s, name := database(t)
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	for _, k := range []struct{ text, want, typ string }{
		{"toUInt64(18446744073709551615)", "18446744073709551615", "UInt64"},
		{"toInt64(-9223372036854775808)", "-9223372036854775808", "Int64"},
		{"toDecimal128('12345678901234567890.123456789', 9)", "12345678901234567890.123456789", "Decimal(38, 9)"},
		{"toFloat64(1) / 3", "0.3333333333333333", "Float64"},
		{"nan", "nan", "Float64"},
		{"-1 / 0", "-inf", "Float64"},
		{"toDate('2020-02-29')", "2020-02-29", "Date"},
		{"toDateTime('2020-02-29 23:59:58', 'UTC')", "2020-02-29 23:59:58", "DateTime('UTC')"},
		{"NULL", "NULL", "Nullable(Nothing)"},
		{"cast('x' as Nullable(String))", "x", "Nullable(String)"},
		{"'null'", "null", "String"},
		{"''", "", "String"},
		{`'a\tb\nc\\d"e\0f'`, "a\tb\nc\\d\"e\x00f", "String"},
		{"'\U0001F600 é'", "\U0001F600 é", "String"},
		{"unhex('ff41')", "\uFFFDA", "String"},
		{"[1, 2]", "[1,2]", "Array(UInt8)"},
		{"[['a', 'b\"'], []]", `[["a","b\""],[]]`, "Array(Array(String))"},
		{"[NULL, 'a']", `[null,"a"]`, "Array(Nullable(String))"},
		{"(1, 'x', [toUInt64(5)])", `[1,"x",["5"]]`, "Tuple(UInt8, String, Array(UInt64))"},
		{"toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0')", "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "UUID"},
		{"cast('b' as Enum8('a' = 1, 'b' = 2))", "b", "Enum8('a' = 1, 'b' = 2)"},
		{"toFixedString('ab', 3)", "ab\x00", "FixedString(3)"},
	} {
		r, err := c.Query(t.Context(), &connectortest.Guard{}, connectors.Statement{Text: "select " + k.text + " as v, 1"})
		if err != nil {
			t.Errorf("%s: %v", k.text, err)
			continue
		}
		rows, err := r.Batch(t.Context(), 10)
		if err != nil || len(rows) != 1 {
			t.Errorf("%s: %v, %v", k.text, rows, err)
		} else if cell := rows[0][0]; cell.Text != k.want && !(cell.Null && k.want == "NULL") || cell.Null != (k.want == "NULL") {
			t.Errorf("%s: %q (null: %v), want %q", k.text, cell.Text, cell.Null, k.want)
		}
		if got := r.Columns()[0].Type; got != k.typ {
			t.Errorf("%s: type %s, want %s", k.text, got, k.typ)
		}
		_ = r.Close()
	}
}

// TestBelt judges wrongly on purpose: the server stops what was taken for a read.
func TestBelt(t *testing.T) {
	s, name := database(t, "create table t (a UInt8) engine = MergeTree order by a")
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	wrong := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{ReadOnly: true} }}
	for _, text := range []string{
		"insert into t values (1)", "insert into t select 1", "create table u (a UInt8) engine = Memory", "drop table t", "alter table t delete where a = 1",
		"truncate table t", "rename table t to u", "optimize table t", "system flush logs", "detach table t", "create database x",
		"select * from url('http://127.0.0.1:1/', CSV, 'a String')", "select * from remote('127.0.0.1:1', system.one)", "select * from file('x', CSV, 'a String')",
	} {
		j := c.assess(text)
		j.functions = false // the strictest, as for what was not known to have one
		_, err := c.line.rows(t.Context(), request{text: text, database: name, id: c.newID(), settings: c.settings(connectors.Terms{ReadOnly: true}, j.functions)}, 10)
		var r *refusal
		if !errors.As(err, &r) || r.code != codeReadonly {
			t.Errorf("%s on read-only terms: %v", text, err)
		}
		if _, err := ask(t, c, wrong, text); err == nil {
			t.Errorf("%s ran on read-only terms", text)
		}
	}
	if rows, err := s.Query(t.Context(), name, "select count() from t"); err != nil || rows[0][0] != "0" {
		t.Errorf("the table changed: %v, %v", rows, err)
	}
}

// TestProfiles signs in with profiles that fix settings, in whole or in part.
func TestProfiles(t *testing.T) {
	s, name := database(t, "create table t (a UInt8) engine = Memory", "insert into t values (7)")
	for _, user := range []string{"reader", "setter"} {
		e := endpoint(s, name)
		e.User = user
		c := open(t, e, &connectortest.Guard{})
		g := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms {
			return connectors.Terms{ReadOnly: true, Timeout: time.Minute, MaxRows: 100}
		}}
		if rows, err := ask(t, c, g, "select a, toUInt64(5) from t"); err != nil || fmt.Sprint(rows) != "[7\t5]" {
			t.Errorf("%s: %v, %v", user, rows, err)
		}
		_, err := ask(t, c, &connectortest.Guard{}, "insert into t values (8)")
		var te *connectors.TargetError
		if !errors.As(err, &te) || te.Code != "164" {
			t.Errorf("%s writes: %v", user, err)
		}
		if got := strings.Join(c.Warnings(), "\n"); strings.Contains(got, "readonly = 1") != (user == "reader") || strings.Contains(got, "can do anything") {
			t.Errorf("%s: warnings %s", user, got)
		}
		// Cancel reaches the server, or, where the profile forbids it, that is known.
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(0, cancel)
		r, err := c.Query(ctx, &connectortest.Guard{}, connectors.Statement{Text: "select number from system.numbers where cityHash64(number) = 5"})
		if err == nil {
			_, err = r.Batch(t.Context(), 1)
			_ = r.Close()
		}
		if !errors.Is(err, connectors.ErrCanceled) {
			t.Errorf("%s cancels: %v", user, err)
		}
		n := running(t, s, user)
		for end := time.Now().Add(10 * time.Second); n > 0 && time.Now().Before(end); n = running(t, s, user) {
		}
		if n > 0 {
			t.Errorf("%s: %d statements still run at the server", user, n)
			_ = s.Exec(t.Context(), "", "kill query where user = '"+user+"' sync")
		}
	}
}

func running(t testing.TB, s interface {
	Query(ctx context.Context, database, text string) ([][]string, error)
}, user string) (n int) {
	rows, err := s.Query(t.Context(), "", "select count() from system.processes where user = '"+user+"'")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(rows[0][0], &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestErrorsUnderMasks holds that an error that quotes data says nothing of it, not
// even its number, and one about the text alone does.
func TestErrorsUnderMasks(t *testing.T) {
	s, name := database(t, suiteSchema[:2]...)
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	p := plan(t, mask.Rule{Name: "contact", Column: "customers.email", Predicates: mask.AllowPredicates})
	for _, k := range []struct{ text, code string }{
		{"select toUInt64(email) from customers", "0"},
		{"select toDate(email) from customers where id = 17", "0"},
		{"select id from customers where toUInt64(email) = 1", "0"},
		{"select email + 1 from customers", "0"},
		{"select email from customers where id = 'x'", "0"},
	} {
		g := &connectortest.Guard{Seen: p, Kept: p}
		_, err := ask(t, c, g, k.text)
		var te *connectors.TargetError
		if !errors.As(err, &te) || te.Code != k.code || strings.Contains(err.Error(), "person") || strings.Contains(err.Error(), "secret.example") {
			t.Errorf("%s: %v", k.text, err)
		}
		for _, permit := range g.Permits() {
			for _, o := range permit.Outcomes() {
				if o.Err == nil || strings.Contains(o.Err.Error(), "person") {
					t.Errorf("%s: recorded %v", k.text, o.Err)
				}
			}
		}
	}
	// The same without masks is the server's own, which quotes the value: the test above
	// could fail.
	if _, err := ask(t, c, &connectortest.Guard{}, "select toUInt64(email) from customers"); err == nil || !strings.Contains(err.Error(), "person") {
		t.Errorf("without masks: %v", err)
	}
	rows, err := ask(t, c, &connectortest.Guard{Seen: p, Kept: p}, "select id, lower(email), email = 'x' from customers where email like 'person17@%'")
	if err != nil || fmt.Sprint(rows) != "[17\t[masked]\tNULL]" {
		t.Errorf("where predicates are allowed: %q, %v", rows, err)
	}
}

// TestMoved holds that a table which changed after it was traced is noticed before a
// statement runs under masks.
func TestMoved(t *testing.T) {
	s, name := database(t, "create table a (x String) engine = Memory", "create table b (x String) engine = Memory", "insert into b values ('person17')")
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	p := plan(t, mask.Rule{Name: "m", Column: "b.x"})
	g := &connectortest.Guard{Seen: p, Kept: p}
	if err := s.Exec(t.Context(), name, "drop table a", "create view a as select x from b"); err != nil {
		t.Fatal(err)
	}
	rows, err := ask(t, c, g, "select x from a")
	var no *policy.Refusal
	if !errors.As(err, &no) || len(rows) > 0 {
		t.Errorf("%v, %v", rows, err)
	}
	if _, err := ask(t, c, g, "select x from a"); err == nil || !strings.Contains(err.Error(), "view") {
		t.Errorf("again: %v", err)
	}
}

// TestTotals holds that the row of WITH TOTALS is not lost.
func TestTotals(t *testing.T) {
	s, name := database(t)
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	rows, err := ask(t, c, &connectortest.Guard{}, "select number % 2 as k, count() as n from numbers(10) group by k with totals order by k")
	if err != nil || fmt.Sprint(rows) != `[0	5 1	5 totals: [0,"10"]]` {
		t.Errorf("%q, %v", rows, err)
	}
}

// TestPaused closes a connection whose answer is half read: nothing is left at the
// server, and nobody waits for the reader.
func TestPaused(t *testing.T) {
	s, name := database(t)
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	r, err := c.Query(t.Context(), &connectortest.Guard{}, connectors.Statement{Text: "select number from system.numbers"})
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := r.Batch(t.Context(), 5); err != nil || len(rows) != 5 {
		t.Fatalf("%v, %v", rows, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	n := running(t, s, "app")
	for end := time.Now().Add(10 * time.Second); n > 0 && time.Now().Before(end); n = running(t, s, "app") {
	}
	if n > 0 {
		t.Errorf("%d statements still run", n)
	}
	for range 1000 { // what was on the way may still come
		if _, err = r.Batch(t.Context(), 10_000); err != nil {
			break
		}
	}
	if !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("the rest: %v", err)
	}
	_ = r.Close()
}

// TestDatabaseSystem holds that tables without a database's name are those of the
// resource's database, the server's own too.
func TestDatabaseSystem(t *testing.T) {
	s := server(t)
	c := open(t, endpoint(s, "system"), &connectortest.Guard{})
	f, err := c.Judge(t.Context(), connectors.Statement{Text: "select query from processes"})
	if err != nil || f.Class != policy.Dangerous {
		t.Errorf("%+v, %v", f, err)
	}
}

// TestBusy holds that one operation runs at a time.
func TestBusy(t *testing.T) {
	s, name := database(t)
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	r, err := c.Query(t.Context(), &connectortest.Guard{}, connectors.Statement{Text: "select number from system.numbers limit 10"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, c, &connectortest.Guard{}, "select 1"); err == nil || !strings.Contains(err.Error(), "another statement still runs") {
		t.Errorf("a second one: %v", err)
	}
	_ = r.Close()
	if _, err := ask(t, c, &connectortest.Guard{}, "select 1"); err != nil {
		t.Error(err)
	}
}

// TestAttacksAreRefused holds that the gate itself refuses every attack that names the
// masked column or a relation that shows it, also in syntax that the server of these
// tests does not have: no server's refusal is relied on.
func TestAttacksAreRefused(t *testing.T) {
	s, name := database(t, suiteSchema...)
	c := open(t, endpoint(s, name), &connectortest.Guard{})
	p := plan(t, masks...)
	refused := 0
	for _, text := range attacks() {
		j := c.assess(text)
		no := j.trace.Refusal(p, p, j.facts)
		switch {
		case no != nil, j.cannot != "":
			refused++
		case j.facts.Class == policy.Dangerous || j.facts.Class == policy.Unknown || j.facts.Class == policy.Privilege:
			refused++ // by the policy, which is not asked here
		default:
			if !harmlessAttacks[text] {
				t.Errorf("not refused: %s (%s, %+v)", text, j.facts.Class, j.trace)
			}
		}
	}
	if refused < 200 {
		t.Errorf("%d of %d are refused", refused, len(attacks()))
	}
}

// harmlessAttacks are not refused: the column is a plain item of theirs, and masked, by
// whatever name, or they show nothing of it.
var harmlessAttacks = map[string]bool{
	"select email from counters any left join customers using (id)":                       true,
	"select x.* from customers as x":                                                      true,
	"select customers.* from customers":                                                   true,
	"select c.email as ok from customers as c":                                            true,
	"select customers.email from customers":                                               true,
	"select email as `e``x` from customers":                                               true,
	`select "email" from "customers"`:                                                     true,
	"select `email` as \"name\" from customers":                                           true,
	"select note from customers where id = 17":                                            true,
	"select e from scratch":                                                               true,
	"select customers.email, counters.n from customers any left join counters using (id)": true,
}
