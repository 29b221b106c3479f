package connectors_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// fake is an answer made of texts.
type fake struct {
	rows     [][]string
	err      error // instead of io.EOF
	notices  []string
	outcome  connectors.Outcome
	finished int
	fetched  int
}

func (f *fake) Next(context.Context) ([]connectors.Value, error) {
	if f.fetched == len(f.rows) {
		if f.err != nil {
			return nil, f.err
		}
		return nil, io.EOF
	}
	var out []connectors.Value
	for _, v := range f.rows[f.fetched] {
		out = append(out, connectors.Value{Bytes: []byte(v), Null: v == "NULL"})
	}
	f.fetched++
	return out, nil
}

func (f *fake) Finish() connectors.Outcome { f.finished++; return f.outcome }

func (f *fake) Notices() []string {
	n := f.notices
	f.notices = nil
	return n
}

func piiPlan(t testing.TB) *mask.Plan {
	t.Helper()
	p, err := mask.NewPlan([]mask.Rule{{Name: "pii", Column: "customers.email", Method: mask.Redact}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func permit(t testing.TB, g *connectortest.Guard, f policy.Facts) *connectortest.Permit {
	t.Helper()
	g.Judge = func(connectors.Operation) error { return nil }
	p, err := g.Check(t.Context(), connectors.Operation{Action: policy.ActionSQL, Facts: f})
	if err != nil {
		t.Fatal(err)
	}
	return p.(*connectortest.Permit)
}

var (
	customers = policy.Facts{Class: policy.Read, Tables: []policy.Table{{Schema: "public", Name: "customers", Kind: policy.TablePlain}}}
	orders    = policy.Facts{Class: policy.Read, Tables: []policy.Table{{Schema: "public", Name: "orders", Kind: policy.TablePlain}}}
)

// TestTreatment tells the fate of a cell by its origin and by what the statement
// reaches.
func TestTreatment(t *testing.T) {
	email := &mask.Column{Schema: "public", Table: "customers", Name: "email"}
	id := &mask.Column{Schema: "public", Table: "customers", Name: "id"}
	with := func(f policy.Facts, change func(*policy.Facts)) policy.Facts { change(&f); return f }
	tests := []struct {
		name   string
		facts  policy.Facts
		origin *mask.Column
		kind   policy.TableKind
		want   connectors.CellState
	}{
		{"masked column", customers, email, policy.TablePlain, connectors.Masked},
		{"masked column of a partitioned table", customers, email, policy.TablePartitioned, connectors.Masked},
		{"open column of a masked table", customers, id, policy.TablePlain, connectors.Shown},
		{"no origin over a masked table", customers, nil, 0, connectors.Withheld},
		{"no origin over an open table", orders, nil, 0, connectors.Shown},
		{"no origin, no table", policy.Facts{Class: policy.Read}, nil, 0, connectors.Shown},
		{"a view's column", with(orders, func(f *policy.Facts) { f.Tables = []policy.Table{{Name: "v", Kind: policy.TableView}} }), id, policy.TableView, connectors.Withheld},
		{"a foreign table's column", with(orders, func(f *policy.Facts) { f.Tables = []policy.Table{{Name: "v", Kind: policy.TableForeign}} }), id, policy.TableForeign, connectors.Withheld},
		{"an unknown kind's column", customers, id, policy.TableUnknown, connectors.Withheld},
		{"opaque", with(orders, func(f *policy.Facts) { f.Opaque = true }), nil, 0, connectors.Withheld},
		{"unknown class", with(orders, func(f *policy.Facts) { f.Class = policy.Unknown }), nil, 0, connectors.Withheld},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := &connectortest.Guard{Seen: piiPlan(t), Kept: piiPlan(t)}
			p := permit(t, g, tt.facts)
			r := connectors.NewResult(p, tt.facts, []connectors.Column{{Name: "c", Origin: tt.origin, OriginKind: tt.kind}}, &fake{rows: [][]string{{"cleartext"}, {"NULL"}}})
			rows, err := r.Batch(t.Context(), 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range rows {
				if row[0].State != tt.want {
					t.Errorf("state %d, want %d", row[0].State, tt.want)
				}
				if tt.want != connectors.Shown && strings.Contains(row[0].Text, "cleartext") {
					t.Errorf("shows %q", row[0].Text)
				}
				if row[0].Null && tt.want == connectors.Withheld {
					t.Error("a withheld cell tells that it is null")
				}
			}
			if diff := cmp.Diff(rows, p.Rows()); diff != "" {
				t.Errorf("recorded differs from shown:\n%s", diff)
			}
		})
	}
}

// TestNull: the method that shows nothing is drawn as the target's null.
func TestNull(t *testing.T) {
	plan, err := mask.NewPlan([]mask.Rule{{Name: "pii", Column: "customers.email", Method: mask.Null}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := permit(t, &connectortest.Guard{Seen: plan, Kept: plan}, customers)
	columns := []connectors.Column{{Name: "c", Origin: &mask.Column{Table: "customers", Name: "email"}, OriginKind: policy.TablePlain}}
	rows, err := connectors.NewResult(p, customers, columns, &fake{rows: [][]string{{"a@b.c"}}}).Batch(t.Context(), 1)
	if want := (connectors.Cell{Null: true, State: connectors.Masked}); err != nil || rows[0][0] != want {
		t.Errorf("%+v, %v", rows, err)
	}
}

// TestSettled: however an answer ends, Done is called once, with what was told.
func TestSettled(t *testing.T) {
	lost := errors.New("lost")
	tests := []struct {
		name  string
		src   *fake
		n     int // batches read before Close; -1 for all
		want  error
		guard *connectortest.Guard
	}{
		{"to the end", &fake{rows: [][]string{{"1"}, {"2"}}}, -1, nil, &connectortest.Guard{}},
		{"without rows", &fake{}, -1, nil, &connectortest.Guard{}},
		{"closed at once", &fake{rows: [][]string{{"1"}}}, 0, nil, &connectortest.Guard{}},
		{"closed in the middle", &fake{rows: [][]string{{"1"}, {"2"}}}, 1, nil, &connectortest.Guard{}},
		{"an error", &fake{rows: [][]string{{"1"}}, err: lost}, -1, lost, &connectortest.Guard{}},
		{"an error at the end", &fake{rows: [][]string{{"1"}}, outcome: connectors.Outcome{Err: lost}}, -1, lost, &connectortest.Guard{}},
		{"an error at the end of nothing", &fake{outcome: connectors.Outcome{Err: lost}}, -1, lost, &connectortest.Guard{}},
		{"too many values", &fake{rows: [][]string{{"1", "2"}}}, -1, connectors.ErrProtocol, &connectortest.Guard{}},
		{"too few values", &fake{rows: [][]string{{}}}, -1, connectors.ErrProtocol, &connectortest.Guard{}},
		{"no record", &fake{rows: [][]string{{"1"}}}, -1, lost, &connectortest.Guard{ObserveErr: lost}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := permit(t, tt.guard, orders)
			r := connectors.NewResult(p, orders, []connectors.Column{{Name: "c"}}, tt.src)
			var err error
			for i := 0; i != tt.n && err == nil; i++ {
				_, err = r.Batch(t.Context(), 1)
			}
			_, _ = r.Close(), r.Close()
			if errors.Is(err, io.EOF) {
				err = nil
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if again, err := r.Batch(t.Context(), 1); again != nil || err == nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("after its end: %v, %v", again, err)
			}
			o := p.Outcomes()
			if len(o) != 1 || tt.src.finished != 1 {
				t.Fatalf("Done was called %d times, Finish %d times", len(o), tt.src.finished)
			}
			if !errors.Is(o[0].Err, tt.want) {
				t.Errorf("outcome %v, want %v", o[0].Err, tt.want)
			}
		})
	}
}

// TestBatch: what is returned was recorded before, in the same order, and
// nothing is fetched ahead.
func TestBatch(t *testing.T) {
	src := &fake{rows: [][]string{{"a"}, {"b"}, {"c"}, {strings.Repeat("x", 300<<10)}, {"d"}}}
	p := permit(t, &connectortest.Guard{}, orders)
	r := connectors.NewResult(p, orders, []connectors.Column{{Name: "c"}}, src)
	if src.fetched != 0 {
		t.Error("rows were fetched before Batch")
	}
	for _, want := range []int{2, 2, 1} {
		before := src.fetched
		rows, err := r.Batch(t.Context(), 2)
		if err != nil || len(rows) != want || src.fetched != before+want {
			t.Fatalf("%d rows and %d fetched, want %d: %v", len(rows), src.fetched-before, want, err)
		}
		if int(p.Count()) != src.fetched {
			t.Errorf("%d rows recorded, %d returned", p.Count(), src.fetched)
		}
	}
	if chunks := p.Chunks(); len(chunks[0].Columns) != 1 || len(chunks[1].Columns) != 0 {
		t.Error("the columns belong into the first chunk alone")
	}
	large := connectors.NewResult(permit(t, &connectortest.Guard{}, orders), orders, []connectors.Column{{Name: "c"}},
		&fake{rows: [][]string{{strings.Repeat("x", 300<<10)}, {"d"}}})
	if rows, err := large.Batch(t.Context(), 100); len(rows) != 1 || err != nil {
		t.Errorf("a batch of %d rows (%v) though the first one fills it", len(rows), err)
	}
}

// TestWords: errors and notices are templated for whom the statement touches
// masked data, and only for them.
func TestWords(t *testing.T) {
	said := &connectors.TargetError{Code: "22P02", Text: `invalid input: "a@b.c"`, Position: 7}
	src := func() *fake { return &fake{err: said, notices: []string{"saw a@b.c"}} }
	for _, masked := range []bool{false, true} {
		g := &connectortest.Guard{Kept: piiPlan(t)}
		if masked {
			g.Seen = piiPlan(t)
		}
		p := permit(t, g, customers)
		r := connectors.NewResult(p, customers, nil, src())
		_, err := r.Batch(t.Context(), 1)
		var te *connectors.TargetError
		if !errors.As(err, &te) || te.Code != said.Code || te.Position != 7 {
			t.Fatalf("error: %v", err)
		}
		if shows := strings.Contains(err.Error()+strings.Join(r.Notices(), ""), "a@b.c"); shows == masked {
			t.Errorf("masked: %v, but the words show: %v", masked, shows)
		}
		if o := p.Outcomes()[0]; o.Err == nil || strings.Contains(o.Err.Error(), "a@b.c") {
			t.Errorf("the outcome's error: %v", o.Err)
		}
		for _, c := range p.Chunks() {
			if strings.Contains(c.Notice, "a@b.c") {
				t.Error("the record holds the notice's words")
			}
		}
	}
}

// TestSettle: the same without a Result; what never reached the target cannot
// hold its data.
func TestSettle(t *testing.T) {
	said := &connectors.TargetError{Code: "22P02", Text: `invalid input: "a@b.c"`}
	for _, reached := range []bool{false, true} {
		g := &connectortest.Guard{Kept: piiPlan(t)}
		p := permit(t, g, customers)
		err := connectors.Settle(p, customers, reached, connectors.Outcome{Err: said, Affected: -1})
		if !strings.Contains(err.Error(), "a@b.c") {
			t.Errorf("the requester is told: %v", err)
		}
		o := p.Outcomes()
		if len(o) != 1 || strings.Contains(o[0].Err.Error(), "a@b.c") == reached {
			t.Errorf("reached: %v, outcome: %+v", reached, o)
		}
	}
}

func TestMaskedRead(t *testing.T) {
	reads := []mask.Column{{Schema: "main", Table: "orders", Name: "email"}, {Schema: "main", Table: "customers", Name: "email"}}
	if c, ok := connectors.MaskedRead(piiPlan(t), reads); !ok || c != reads[1] {
		t.Errorf("found %v, %v", c, ok)
	}
	if c, ok := connectors.MaskedRead(piiPlan(t), reads[:1]); ok {
		t.Errorf("found %v", c)
	}
}
