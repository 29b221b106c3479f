package connectors_test

import (
	"context"
	"io"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// same yields one row, over and over.
type same struct {
	row  []connectors.Value
	left int
}

func (s *same) Next(context.Context) ([]connectors.Value, error) {
	if s.left--; s.left < 0 {
		return nil, io.EOF
	}
	return s.row, nil
}

func (s *same) Finish() connectors.Outcome { return connectors.Outcome{} }
func (s *same) Notices() []string          { return nil }

// BenchmarkRow is what a row of ten columns costs from the target to who asked:
// a masked column, nine that are shown, of which detectors find something in two
// and must look into two more.
func BenchmarkRow(b *testing.B) {
	p, err := mask.NewPlan([]mask.Rule{{Name: "pii", Column: "customers.email", Method: mask.Redact}},
		[]string{"card", "email", "ssn", "phone", "iban", "secret"})
	if err != nil {
		b.Fatal(err)
	}
	names := []string{"id", "email", "name", "tier", "city", "created", "total", "card", "note", "contact"}
	texts := []string{"48213", "tomas.fontaine@example.com", "Tomas Fontaine", "gold", "Springfield", "2024-11-23 10:15:30.123456+00", "1729.50",
		"4111 1111 1111 1111", "called back about the order of last week; paid", "call +44 20 7946 0349 before noon"}
	var columns []connectors.Column
	s := &same{left: b.N}
	for i, n := range names {
		columns = append(columns, connectors.Column{Name: n, Origin: &mask.Column{Schema: "public", Table: "customers", Name: n}, OriginKind: policy.TablePlain})
		s.row = append(s.row, connectors.Value{Bytes: []byte(texts[i])})
	}
	r := connectors.NewResult(permit(b, &connectortest.Guard{Seen: p, Kept: p, Discard: true}, customers), customers, columns, s)
	b.ReportAllocs()
	b.ResetTimer()
	for {
		if _, err := r.Batch(b.Context(), 500); err == io.EOF {
			break
		} else if err != nil {
			b.Fatal(err)
		}
	}
	if got := r.Summary(); got.Rows != int64(b.N) || got.Masked != 3*got.Rows {
		b.Fatalf("%+v", got)
	}
}
