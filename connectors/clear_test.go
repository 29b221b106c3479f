package connectors_test

import (
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// TestClear: a value of cleared columns alone shows whole, whatever detectors find
// in it; one that another masked column has a part in does not; and the record
// keeps nothing of either.
func TestClear(t *testing.T) {
	rules := []mask.Rule{{Name: "pii", Column: "customers.*"}}
	col := func(name string) mask.Column { return mask.Column{Schema: "public", Table: "customers", Name: name} }
	kept, err := mask.New(mask.Options{Rules: rules, Detect: []string{"email"}})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := mask.New(mask.Options{Rules: rules, Detect: []string{"email"}, Clear: []mask.Column{col("email")}})
	if err != nil {
		t.Fatal(err)
	}
	id := mask.Column{Schema: "public", Table: "orders", Name: "id"}
	from := func(direct bool, c ...mask.Column) connectors.Column {
		return connectors.Column{Name: "x", From: &connectors.ValueOrigin{Direct: direct, Columns: c}}
	}
	const value = "ann@example.com"
	for _, c := range []struct {
		name       string
		col        connectors.Column
		seen, kept string
	}{
		{"the column", from(true, col("email")), value, "[masked]"},
		{"computed from it", from(false, col("email"), col("email")), value, "[masked]"},
		{"with another masked one", from(false, col("email"), col("phone")), "[masked]", "[masked]"},
		{"with one that is not masked", from(false, col("email"), id), "[email]", "[masked]"},
		{"another", from(true, col("phone")), "[masked]", "[masked]"},
		{"of nothing", from(false), "[email]", "[email]"},
		{"by the server's word alone", connectors.Column{Name: "x"}, "[withheld]", "[withheld]"},
	} {
		p := permit(t, &connectortest.Guard{Seen: seen, Kept: kept}, customers)
		rows, err := connectors.NewResult(p, customers, []connectors.Column{c.col}, &fake{rows: [][]string{{value}}}).Batch(t.Context(), 1)
		if err != nil || len(rows) != 1 || len(p.Rows()) != 1 {
			t.Fatalf("%s: %v, %v", c.name, rows, err)
		}
		if rows[0][0].Text != c.seen || p.Rows()[0][0].Text != c.kept {
			t.Errorf("%s: shown %q, on record %q", c.name, rows[0][0].Text, p.Rows()[0][0].Text)
		}
	}
}
