package connectors_test

import (
	"context"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// mixed is an answer whose values come from where each says.
type mixed struct{ rows [][]connectors.Value }

func (m *mixed) Next(context.Context) ([]connectors.Value, error) {
	if len(m.rows) == 0 {
		return nil, io.EOF
	}
	row := m.rows[0]
	m.rows = m.rows[1:]
	return row, nil
}

func (m *mixed) Finish() connectors.Outcome { return connectors.Outcome{} }
func (m *mixed) Notices() []string          { return nil }

// TestDocuments tells the fate of values that are JSON under a plan with paths.
func TestDocuments(t *testing.T) {
	p, err := mask.New(mask.Options{Paths: []mask.PathRule{{Name: "mail", Path: "$.**.email"}}, Rules: []mask.Rule{{Name: "all", Column: "t.hidden"}}})
	if err != nil {
		t.Fatal(err)
	}
	shown := &connectors.ValueOrigin{Direct: true, Columns: []mask.Column{{Table: "t", Name: "shown"}}}
	hidden := &connectors.ValueOrigin{Direct: true, Columns: []mask.Column{{Table: "t", Name: "hidden"}}}
	g := &connectortest.Guard{Seen: p, Kept: p}
	var rows [][]connectors.Value
	var want []string
	for _, c := range []struct {
		text string
		doc  bool
		from *connectors.ValueOrigin
		want string
	}{
		{`{"a":1,"b":[{"email":"x@y.example"}]}`, true, shown, `{"a":1,"b":[{"email":"[masked]"}]}`},
		{`{"email":"x@y.example"}`, true, hidden, "[masked]"},
		{`{"email":"x@y.example"`, true, shown, "[withheld]"},
		{`{"email":"x@y.example"}{"email":1} {`, true, shown, "[withheld]"},
		{`"{\"email\":\"x@y.example\xff\"}"`, true, shown, "[withheld]"},
		{`{"EMAIL" : "x@y.example"}`, true, shown, `{"EMAIL" : "[masked]"}`},
		{"plain", false, shown, "plain"},
	} {
		rows = append(rows, []connectors.Value{{Bytes: []byte(c.text), From: c.from, Document: c.doc}})
		want = append(want, c.want)
	}
	r := connectors.NewResult(permit(t, g, orders), orders, []connectors.Column{{Name: "value"}}, &mixed{rows})
	got, err := r.Batch(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range got {
		if row[0].Text != want[i] {
			t.Errorf("row %d shows %q, want %q", i, row[0].Text, want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d rows", len(got))
	}
}

// TestValueOrigin tells the fate of values in one column that come from several: each
// by its own origin, and by the column's where it has none.
func TestValueOrigin(t *testing.T) {
	of := func(table, name string, direct bool) *connectors.ValueOrigin {
		return &connectors.ValueOrigin{Direct: direct, Columns: []mask.Column{{Schema: "public", Table: table, Name: name}}}
	}
	text := func(s string, from *connectors.ValueOrigin) []connectors.Value {
		return []connectors.Value{{Bytes: []byte(s), From: from}}
	}
	g := &connectortest.Guard{Seen: piiPlan(t), Kept: piiPlan(t)}
	p := permit(t, g, customers)
	r := connectors.NewResult(p, customers, []connectors.Column{{Name: "value"}}, &mixed{[][]connectors.Value{
		text("in clear", of("customers", "id", true)),
		text("a@b.example", of("customers", "email", true)),
		text("length", of("customers", "email", false)),
		text("nobody knows", nil),
		text("a name", &connectors.ValueOrigin{}),
		{{Null: true, From: of("customers", "id", true)}},
	}})
	rows, err := r.Batch(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	var states []connectors.CellState
	for _, row := range rows {
		got, states = append(got, row[0].Text), append(states, row[0].State)
	}
	want := []string{"in clear", mask.Redacted, mask.Redacted, "[withheld]", "a name", ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	wantStates := []connectors.CellState{connectors.Shown, connectors.Masked, connectors.Masked, connectors.Withheld, connectors.Shown, connectors.Shown}
	if diff := cmp.Diff(wantStates, states); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	if s := r.Summary(); s.Masked != 2 || s.Withheld != 1 {
		t.Errorf("summary: %+v", s)
	}
}
