package connectors_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// breaking is a permit whose plan fails when it is asked for the n-th time.
type breaking struct {
	*connectortest.Permit
	seen, kept int // how often each is given before it fails, once
}

func (b *breaking) Seen() *mask.Plan {
	if b.seen--; b.seen == -1 {
		panic("the plan is broken at 4111 1111 1111 1111")
	}
	return b.Permit.Seen()
}

func (b *breaking) Kept() *mask.Plan {
	if b.kept--; b.kept == -1 {
		panic("the plan is broken at 4111 1111 1111 1111")
	}
	return b.Permit.Kept()
}

// TestMaskingFails: wherever masking fails, in either plan, no value is shown or
// kept that was not masked before, the answer ends with the error, and so does
// the record.
func TestMaskingFails(t *testing.T) {
	const all = 1000
	other, err := mask.NewPlan(nil, []string{"iban"}) // one plan would be asked once for both
	if err != nil {
		t.Fatal(err)
	}
	for seen := range 8 { // three for the columns, one for the notice, one for each row
		for _, kept := range []int{all, seen} {
			src := &fake{rows: [][]string{{"1"}, {"2"}, {"3"}, {"4"}}, notices: []string{"note"}}
			plain := permit(t, &connectortest.Guard{Seen: other, Kept: piiPlan(t)}, orders)
			p := &breaking{Permit: plain, seen: seen, kept: kept}
			if kept == seen {
				p.seen = all
			}
			r := connectors.NewResult(p, orders, []connectors.Column{{Name: "c"}}, src)
			var rows []connectors.Row
			var err error
			for err == nil {
				var batch []connectors.Row
				batch, err = r.Batch(t.Context(), 2)
				rows = append(rows, batch...)
			}
			if !errors.Is(err, connectors.ErrMasking) || strings.Contains(err.Error(), "4111") {
				t.Errorf("%d, %d: %v", seen, kept, err)
			}
			if _, again := r.Batch(t.Context(), 2); !errors.Is(again, connectors.ErrMasking) {
				t.Errorf("%d, %d: and then %v", seen, kept, again)
			}
			for i, row := range rows {
				if row[0].Text != string(rune('1'+i)) {
					t.Errorf("%d, %d: row %d is %v", seen, kept, i, row)
				}
			}
			if len(rows) > len(plain.Rows()) {
				t.Errorf("%d, %d: %d rows shown, %d on record", seen, kept, len(rows), len(plain.Rows()))
			}
			if out := plain.Outcomes(); src.finished != 1 || len(out) != 1 || !errors.Is(out[0].Err, connectors.ErrMasking) {
				t.Errorf("%d, %d: finished %d times, on record %v", seen, kept, src.finished, out)
			}
		}
	}
}
