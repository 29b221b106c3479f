package mssql

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// emails is a plan that masks every column of that name.
func emails(t testing.TB, predicates mask.Predicates) *mask.Plan {
	t.Helper()
	p, err := mask.NewPlan([]mask.Rule{{Name: "contact", Column: "*.email", Method: mask.Redact, Predicates: predicates}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// shown are the only evasions that are answered: the column stands in the list by
// itself, so it is masked.
var shown = map[string]bool{
	"SELECT [email] FROM [dbo].[customers]": true, `SELECT "email" FROM dbo.customers`: true,
	"SELECT c.email FROM dbo.customers c": true, "SELECT c.* FROM dbo.customers c": true, "SELECT * FROM dbo.customers": true, "SELECT customers.email FROM shop.dbo.customers": true,
	"SELECT TOP 1 email FROM dbo.customers WHERE id = 17": true, "SELECT email FROM dbo.customers WITH (NOLOCK)": true, "SELECT EMAIL FROM DBO.CUSTOMERS": true, "SELECT email x FROM customers": true,
	// of other tables, into which nothing of the column came
	"SELECT e FROM dbo.scratch": true, "SELECT note FROM dbo.customers WHERE id = 17": true,
}

// TestMasksRefuse: of the ways to a masked column, each is refused before anything is
// sent, or the column is masked by itself; whatever the server would make of it.
func TestMasksRefuse(t *testing.T) {
	s := server(t, tdstest.Options{Setup: suiteSchema})
	c := open(t, endpoint(s), &connectortest.Guard{})
	plan := emails(t, mask.DenyPredicates)
	for _, text := range evasions {
		f, _ := c.Judge(t.Context(), connectors.Statement{Text: text})
		tr, _ := c.Trace(t.Context(), connectors.Statement{Text: text})
		refused := f.Class == policy.Unknown || f.Class == policy.Dangerous || tr.Refusal(plan, plan, f) != nil || f.Copies && connectors.Touches(plan, f)
		if refused == shown[text] {
			t.Errorf("%q: refused %v (%s, %q)", text, refused, f.Class, tr.Why)
		}
		if refused {
			continue
		}
		for i, col := range tr.Columns {
			if len(col.Columns) != 1 || !col.Direct {
				t.Errorf("%q: column %d is not traced to one: %+v", text, i, col)
			}
		}
	}
}

// TestPredicates: a masked column may decide rows only as its rule permits, and counts
// as many tries as it is compared with constants.
func TestPredicates(t *testing.T) {
	s := server(t, tdstest.Options{Setup: suiteSchema})
	c := open(t, endpoint(s), &connectortest.Guard{})
	equal := emails(t, mask.EqualityAlone)
	for text, want := range map[string]int{
		"SELECT id FROM dbo.customers WHERE email = N'person17@secret.example'": 1, "SELECT id FROM dbo.customers WHERE email IN ('a', 'b', 'c') AND id = 4": 4,
		"SELECT id FROM dbo.customers WHERE email LIKE 'p%'": 0, "SELECT id FROM dbo.customers WHERE email = 'a' OR 1 = 1": 0, "SELECT id FROM dbo.customers WHERE LEN(email) = 4": 0,
		"SELECT id FROM dbo.customers WHERE email > 'a'": 0, "SELECT id FROM dbo.customers ORDER BY email": 0, "SELECT COUNT(*) FROM dbo.customers GROUP BY email": 0,
		"SELECT a.id FROM dbo.customers a JOIN dbo.customers b ON a.email = b.email": 0, "SELECT id FROM dbo.customers WHERE email = note": 0, "SELECT id, email FROM dbo.customers ORDER BY 2": 0,
	} {
		f, _ := c.Judge(t.Context(), connectors.Statement{Text: text})
		tr, _ := c.Trace(t.Context(), connectors.Statement{Text: text})
		if !tr.Understood() {
			t.Errorf("%q: %s", text, tr.Why)
			continue
		}
		no := tr.Refusal(equal, equal, f)
		if (no == nil) != (want > 0) {
			t.Errorf("%q: %v, want permitted: %v", text, no, want > 0)
		}
		for _, p := range tr.Predicates {
			if want > 0 && p.Column.Name == "email" && (p.Tries != want || !p.Equality) {
				t.Errorf("%q: %+v, want %d tries", text, p, want)
			}
		}
	}
}

// TestErrorsSayNothing: what an error or a message of a statement that touches a masked
// column says is withheld, with the number that may tell what a value was.
func TestErrorsSayNothing(t *testing.T) {
	const text = "SELECT id, email FROM dbo.customers WHERE id = 17"
	fails := func(number byte, more byte) []byte {
		said := "Conversion failed when converting the nvarchar value 'person17@secret.example' to data type int."
		b := []byte{number, more, 0, 0, 1, 16, byte(len(said)), 0}
		for _, r := range said {
			b = append(b, byte(r), 0)
		}
		b = append(b, 0, 0, 1, 0, 0, 0)
		message := append([]byte{0xab, byte(len(b)), byte(len(b) >> 8)}, b...)
		return append(append(message, append([]byte{0xaa, byte(len(b)), byte(len(b) >> 8)}, b...)...), 0xfd, 2, 0, 0xc1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	s := server(t, tdstest.Options{Setup: suiteSchema, Raw: map[string][]byte{text: fails(245, 0), "SELECT id FROM dbo.counters": fails(245, 0)}})
	c := open(t, endpoint(s), &connectortest.Guard{})
	plan, err := mask.NewPlan([]mask.Rule{{Name: "contact", Column: "customers.email", Method: mask.Redact}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &connectortest.Guard{Seen: plan, Kept: plan}
	got, err := ask(t, c, g, text)
	var te *connectors.TargetError
	if !errors.As(err, &te) || strings.Contains(got+err.Error(), "person17") || strings.Contains(err.Error(), "245") {
		t.Errorf("%q, %v", got, err)
	}
	if _, err = ask(t, c, g, "SELECT id FROM dbo.counters"); !errors.As(err, &te) || te.Code != "245" || !strings.Contains(te.Text, "Conversion failed") {
		t.Errorf("of a table without masks: %v", err)
	}
}

// TestMoved: a table that changed since a statement was judged by it is looked at
// again before the statement runs.
func TestMoved(t *testing.T) {
	s := server(t, tdstest.Options{Setup: suiteSchema})
	c := open(t, endpoint(s), &connectortest.Guard{})
	plan := emails(t, mask.DenyPredicates)
	g := &connectortest.Guard{Seen: plan, Kept: plan}
	if _, err := ask(t, c, g, "SELECT note FROM dbo.customers WHERE id = 17"); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec("alter table dbo.customers rename column note to old; alter table dbo.customers rename column email to note"); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(t, c, g, "SELECT note FROM dbo.customers WHERE id = 17"); !errors.Is(err, connectors.ErrUnsupported) || strings.Contains(got, "person17") {
		t.Errorf("%q, %v", got, err)
	}
}

// TestSecondAnswer: what a procedure answers beside its first answer is not shown.
func TestSecondAnswer(t *testing.T) {
	set := joined(intColumn, []byte{0xd1, 4, 7, 0, 0, 0}, []byte{0xff, 0x11, 0, 0xc1, 0, 1, 0, 0, 0, 0, 0, 0, 0})
	end := []byte{0x79, 0, 0, 0, 0, 0xfe, 0, 0, 0xe0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	s := server(t, tdstest.Options{Raw: map[string][]byte{"EXEC p": joined(set, set, end)}})
	c := open(t, endpoint(s), &connectortest.Guard{})
	if got, err := ask(t, c, anything(), "EXEC p"); err != nil || got != "7|\nNOTICE 1 more answers of the statement are not shown\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestOrderAndFailure: the order in which rows come, and whether a change fails, may
// tell of a masked column that an index, a key or a CHECK is on.
func TestOrderAndFailure(t *testing.T) {
	s := server(t, tdstest.Options{Setup: `
create table dbo.people (id int primary key, email nvarchar(100), age int, check (age > length(email)) /* check */);
create unique index dbo.people_email on people (email);
create table dbo.orders (id int primary key, who nvarchar(100) references people (email), n int);
create table dbo.plain (id int primary key, note nvarchar(10));`})
	c := open(t, endpoint(s), &connectortest.Guard{})
	plan, err := mask.NewPlan([]mask.Rule{{Name: "contact", Column: "people.email", Method: mask.Redact}, {Name: "who", Column: "orders.who", Method: mask.Redact}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"SELECT id FROM dbo.people":                                     "the order of an index",
		"SELECT TOP (1) id FROM dbo.people":                             "the order of an index",
		"SELECT id, email FROM dbo.people ORDER BY age":                 "the order of an index",
		"SELECT id FROM dbo.people ORDER BY age, id DESC":               "",
		"SELECT id, email FROM dbo.people ORDER BY id":                  "",
		"SELECT age AS id FROM dbo.people ORDER BY id":                  "the order of an index",
		"SELECT id FROM dbo.people ORDER BY id % 2":                     "the order of an index",
		"SELECT id, email FROM dbo.people WHERE id = 4":                 "",
		"SELECT id, email FROM dbo.people WHERE id IN (4, 5)":           "the order of an index",
		"SELECT COUNT(*), MAX(age) FROM dbo.people":                     "",
		"SELECT COUNT(*) FROM dbo.people GROUP BY age":                  "the order of an index",
		"SELECT p.id FROM dbo.people p JOIN dbo.plain q ON q.id = p.id": "the order of an index",
		"SELECT id FROM dbo.plain":                                      "",
		"INSERT INTO dbo.people VALUES (1, 'a', 2)":                     "a unique key",
		"INSERT INTO dbo.people DEFAULT VALUES":                         "a unique key",
		"UPDATE dbo.people SET email = 'x' WHERE id = 1":                "a unique key",
		"UPDATE dbo.people SET age = 3 WHERE id = 1":                    "a CHECK",
		"UPDATE dbo.people SET id = 3 WHERE id = 1":                     "",
		"INSERT INTO dbo.orders VALUES (1, 'a', 2)":                     "a foreign key",
		"UPDATE dbo.orders SET n = 3 WHERE id = 1":                      "",
		"UPDATE dbo.orders SET who = 'x' WHERE id = 1":                  "a foreign key",
		"DELETE FROM dbo.people WHERE id = 1":                           "a foreign key",
		"DELETE FROM dbo.orders WHERE id = 1":                           "",
		"INSERT INTO dbo.plain VALUES (1, 'a')":                         "",
	} {
		f, _ := c.Judge(t.Context(), connectors.Statement{Text: text})
		tr, _ := c.Trace(t.Context(), connectors.Statement{Text: text})
		no := tr.Refusal(plan, plan, f)
		if (no == nil) != (want == "") || no != nil && !strings.Contains(no.Reason, want) {
			t.Errorf("%q: %v (%s), want %q", text, no, tr.Why, want)
		}
	}
}

// TestMentioned: what is not followed counts as about every table whose name it says, by
// whatever way; the same of other tables is answered.
func TestMentioned(t *testing.T) {
	s := server(t, tdstest.Options{Setup: suiteSchema})
	c := open(t, endpoint(s), &connectortest.Guard{})
	plan, err := mask.NewPlan([]mask.Rule{{Name: "contact", Column: "customers.email", Method: mask.Redact}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for text, refused := range map[string]bool{
		"WITH a AS (SELECT email FROM customers), customers AS (SELECT 1 AS x) SELECT email FROM a": true, "SELECT x FROM (SELECT 1 AS customers) AS x": true,
		"SELECT 1 WHERE EXISTS (SELECT 1 FROM [customers ])": true, "WITH a AS (SELECT 1 AS x) SELECT x FROM [cüstomers]": true, "WITH a AS (SELECT mail FROM v_customers) SELECT mail FROM a": true,
		"WITH a AS (SELECT n FROM counters) SELECT n FROM a": false, "SELECT n FROM counters UNION SELECT n FROM numbers": false, "SELECT n FROM (SELECT n FROM dbo.counters) AS x": false,
	} {
		f, _ := c.Judge(t.Context(), connectors.Statement{Text: text})
		tr, _ := c.Trace(t.Context(), connectors.Statement{Text: text})
		if no := tr.Refusal(plan, plan, f); tr.Understood() || (no != nil) != refused {
			t.Errorf("%q: %v, want refused %v", text, no, refused)
		}
	}
}
