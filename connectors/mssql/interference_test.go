package mssql

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
	"github.com/sallyport/sallyport/mask"
)

// world is a schema whose masked values are a function of n alone.
func world(n int) string {
	var b strings.Builder
	b.WriteString(`create table dbo.customers (id int primary key, name nvarchar(100), email nvarchar(200), note nvarchar(200));
create index dbo.customers_email on customers (email, name);
create table dbo.orders (id int primary key, customer_id int, total int);
create table dbo.scratch (id int primary key, e nvarchar(300));
create view dbo.v_customers as select id, upper(email) as mail from customers;
`)
	for i := range 40 {
		fmt.Fprintf(&b, "insert into dbo.customers values (%d, 'Name %d', 'p%d@x.example', 'note %d'); insert into dbo.orders values (%d, %d, %d);\n", i, i, (i*17+n*23)%97, i%7, i, i%9, i*3)
	}
	return b.String()
}

// asked are statements that are honest, beside the evasions.
var asked = []string{
	"SELECT id, name, email FROM dbo.customers WHERE id < 9 ORDER BY id", "SELECT id, name FROM dbo.customers", "SELECT TOP (3) id FROM dbo.customers", "SELECT name FROM dbo.customers", "SELECT TOP (3) name FROM dbo.customers", "SELECT name FROM dbo.customers ORDER BY name",
	"SELECT c.id, c.email, o.total FROM dbo.customers c JOIN dbo.orders o ON o.customer_id = c.id ORDER BY c.id", "SELECT COUNT(*), MIN(name) FROM dbo.customers WHERE note = 'note 3'",
	"SELECT note, COUNT(*) FROM dbo.customers GROUP BY note ORDER BY note", "SELECT id, total FROM dbo.orders WHERE customer_id IN (1, 2) ORDER BY id", "SELECT email FROM dbo.customers WHERE id = 4",
	"SELECT email AS e, email, id FROM dbo.customers WHERE id = 4", "UPDATE dbo.customers SET note = 'x' WHERE id = 4", "UPDATE dbo.customers SET email = 'p4@x.example' WHERE id = 4",
	"INSERT INTO dbo.scratch VALUES (1, 'e')", "DELETE FROM dbo.customers WHERE email = 'p5@x.example'", "DELETE FROM dbo.customers WHERE id = 5", "SELECT id FROM dbo.customers WHERE name = email",
	"SELECT id FROM dbo.customers ORDER BY id OFFSET 5 ROWS FETCH NEXT 2 ROWS ONLY", "SELECT id FROM dbo.customers c WHERE EXISTS (SELECT 1 FROM dbo.orders o WHERE o.id = c.id AND c.email > 'p5')",
	"SELECT CASE WHEN email > 'p5' THEN 1 ELSE 0 END FROM dbo.customers ORDER BY id", "SELECT 1 / (LEN(email) - 12) FROM dbo.customers", "SELECT id FROM dbo.customers WHERE email IS NULL", "SELECT DISTINCT note FROM dbo.customers ORDER BY note",
}

// TestInterference: what a requester gets does not depend on values that are masked.
func TestInterference(t *testing.T) {
	plan, err := mask.NewPlan([]mask.Rule{{Name: "contact", Column: "customers.email", Method: mask.Redact}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got [2][]string
	answered := 0
	for n := range got {
		c := open(t, endpoint(server(t, tdstest.Options{Setup: world(n)})), &connectortest.Guard{})
		for _, text := range slices.Concat(asked, evasions) {
			g := &connectortest.Guard{Seen: plan, Kept: plan}
			out, err := ask(t, c, g, text)
			if err == nil && out != "" {
				answered++
			}
			affected := int64(-1)
			if p := g.Permits(); len(p) > 0 && len(p[0].Outcomes()) > 0 {
				affected = p[0].Outcomes()[0].Affected
			}
			got[n] = append(got[n], fmt.Sprintf("%s\n%s%v %d", text, out, err, affected))
		}
	}
	for i := range got[0] {
		if got[0][i] != got[1][i] {
			t.Errorf("in one world:\n%s\nin the other:\n%s", got[0][i], got[1][i])
		}
	}
	if answered < 12 {
		t.Errorf("%d statements were answered with rows: the test shows little", answered)
	}
	c := open(t, endpoint(server(t, tdstest.Options{Setup: world(0)})), &connectortest.Guard{})
	d := open(t, endpoint(server(t, tdstest.Options{Setup: world(1)})), &connectortest.Guard{})
	differ := 0
	for _, text := range slices.Concat(asked, evasions) {
		a, _ := ask(t, c, anything(), text)
		b, _ := ask(t, d, anything(), text)
		if a != b {
			differ++
		}
	}
	if differ < 15 {
		t.Errorf("without masks %d statements differ: the worlds are too much alike", differ)
	}
}
