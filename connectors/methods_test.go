package connectors_test

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// TestMethods: a masked cell is of its column's type or null, equal values show
// equal under hash and token, and nothing of the value shows.
func TestMethods(t *testing.T) {
	key, err := mask.NewKey([]byte("sixteen bytes or more"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method mask.Method
		holds  connectors.Holds
		whole  bool
		value  string
		like   string // a prefix, or NULL
	}{
		{mask.Hash, connectors.AnyText, false, "ann@example.com", "[hash "},
		{mask.Token, connectors.AnyText, false, "ann@example.com", ""},
		{mask.Hash, connectors.AnyText, true, "ann@example.com", "[masked]"},
		{mask.Hash, connectors.JSONText, false, `{"a":1}`, `"[hash `},
		{mask.Token, connectors.JSONText, false, `{"a":1}`, `"[masked]"`},
		{mask.Hash, connectors.JSONText, true, `{"a":1}`, `"[masked]"`},
		{mask.Token, connectors.Integer, false, "-48213377", "-"},
		{mask.Token, connectors.Integer, true, "48213377", "NULL"},
		{mask.Hash, connectors.Integer, false, "48213377", "NULL"},
		{mask.Redact, connectors.Integer, false, "48213377", "NULL"},
		{mask.Partial, connectors.Integer, false, "4111111111111111", "NULL"},
		{mask.Token, connectors.Integer, false, "NaN", "NULL"},
		{mask.Token, connectors.Decimal, false, "1234.56", ""},
		{mask.Token, connectors.NullOnly, false, "2026-01-02", "NULL"},
		{mask.Hash, connectors.NullOnly, false, "2026-01-02", "NULL"},
	} {
		plan, err := mask.New(mask.Options{Key: key, Rules: []mask.Rule{{Name: "m", Column: "customers.x", Method: c.method}}})
		if err != nil {
			t.Fatal(err)
		}
		g := &connectortest.Guard{Seen: plan, Kept: plan}
		col := connectors.Column{Name: "x", Holds: c.holds, From: &connectors.ValueOrigin{Direct: !c.whole, Columns: []mask.Column{{Schema: "public", Table: "customers", Name: "x"}}}}
		r := connectors.NewResult(permit(t, g, customers), customers, []connectors.Column{col}, &fake{rows: [][]string{{c.value}, {c.value}}})
		rows, err := r.Batch(t.Context(), 10)
		if err != nil || len(rows) != 2 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		got := rows[0][0]
		switch {
		case got.State != connectors.Masked || got != rows[1][0]:
			t.Errorf("%s %d: %+v and %+v", c.method, c.holds, got, rows[1][0])
		case c.like == "NULL":
			if !got.Null {
				t.Errorf("%s %d of %q: %+v", c.method, c.holds, c.value, got)
			}
		case got.Null || !strings.HasPrefix(got.Text, c.like) || strings.Contains(got.Text, c.value) || strings.Contains(got.Text, "ann"):
			t.Errorf("%s %d of %q: %+v", c.method, c.holds, c.value, got)
		}
	}
}

// TestLeastShows: a value that may be of several columns shows as the one that
// shows the least, whatever their order.
func TestLeastShows(t *testing.T) {
	key, err := mask.NewKey([]byte("sixteen bytes or more"))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := mask.New(mask.Options{Key: key, Rules: []mask.Rule{
		{Name: "a", Column: "t.a", Method: mask.Partial}, {Name: "b", Column: "t.b", Method: mask.Token},
		{Name: "c", Column: "t.c", Method: mask.Hash}, {Name: "d", Column: "t.d", Method: mask.Redact}}})
	if err != nil {
		t.Fatal(err)
	}
	from := []mask.Column{{Schema: "s", Table: "t", Name: "a"}, {Schema: "s", Table: "t", Name: "b"}, {Schema: "s", Table: "t", Name: "c"}, {Schema: "s", Table: "t", Name: "d"}}
	for i, want := range []string{"a", "b", "c", "d"} {
		for _, order := range [][]mask.Column{from[:i+1], {from[i], from[0]}} {
			f := policy.Facts{Class: policy.Read}
			g := &connectortest.Guard{Seen: plan, Kept: plan}
			r := connectors.NewResult(permit(t, g, f), f, []connectors.Column{{Name: "x", From: &connectors.ValueOrigin{Direct: true, Columns: order}}}, &fake{})
			if got := r.Columns()[0].Seen.Mask; got != want {
				t.Errorf("%v: masked by %s, want %s", order, got, want)
			}
		}
	}
}
