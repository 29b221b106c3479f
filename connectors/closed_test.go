package connectors_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// breaking is a permit whose plan fails when it is asked for the n-th time.
type breaking struct {
	*connectortest.Permit
	seen, kept atomic.Int32 // how often each is given before it fails, once
	fail       func()
}

func (b *breaking) Seen() *mask.Plan {
	if b.seen.Add(-1) == -1 {
		b.fail()
	}
	return b.Permit.Seen()
}

func (b *breaking) Kept() *mask.Plan {
	if b.kept.Add(-1) == -1 {
		b.fail()
	}
	return b.Permit.Kept()
}

// TestMaskingFails: wherever masking panics, in either plan, no value is shown or
// kept that was not masked before, the answer ends with the error, and so does
// the record.
func TestMaskingFails(t *testing.T) {
	fails(t, func() { panic("the plan is broken at 4111 1111 1111 1111") })
}

// TestMaskingHangs: so it is where masking does not return, also when it does in
// the end.
func TestMaskingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		begin := time.Now()
		fails(t, func() { <-release })
		if took := time.Since(begin); took < 5*time.Second {
			t.Errorf("all of them ended within %v: none was waited for", took)
		}
		close(release)
	})
}

func fails(t *testing.T, fail func()) {
	const all = 1000
	other, err := mask.NewPlan(nil, []string{"iban"}) // one plan would be asked once for both
	if err != nil {
		t.Fatal(err)
	}
	for seen := range int32(8) { // three for the columns, one for the notice, one for each row
		for _, kept := range []int32{all, seen} {
			src := &fake{rows: [][]string{{"1"}, {"2"}, {"3"}, {"4"}}, notices: []string{"note"}}
			plain := permit(t, &connectortest.Guard{Seen: other, Kept: piiPlan(t)}, orders)
			p := &breaking{Permit: plain, fail: fail}
			p.seen.Store(seen)
			p.kept.Store(kept)
			if kept == seen {
				p.seen.Store(all)
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

// TestRowsKeepThemselves: a row is the caller's to keep and to change, and what it
// does not show is not in the memory of what it does.
func TestRowsKeepThemselves(t *testing.T) {
	columns := []connectors.Column{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	src := &fake{rows: [][]string{{"one", "NULL", ""}, {"two", "a@b.example.com", "x"}}}
	plan, err := mask.NewPlan(nil, []string{"email"})
	if err != nil {
		t.Fatal(err)
	}
	p := permit(t, &connectortest.Guard{Seen: plan, Kept: plan}, orders)
	r := connectors.NewResult(p, orders, columns, src)
	first, err := r.Batch(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Batch(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	want := []connectors.Row{
		{{Text: "one", State: connectors.Shown}, {Null: true, State: connectors.Shown}, {State: connectors.Shown}},
		{{Text: "two", State: connectors.Shown}, {Text: "[email]", State: connectors.Detected}, {Text: "x", State: connectors.Shown}},
	}
	if diff := cmp.Diff(want, append(first, second...)); diff != "" {
		t.Error(diff)
	}
	first[0][0].Text = "changed"
	first[0] = append(first[0], connectors.Cell{Text: "more"})
	if diff := cmp.Diff(want, p.Rows()); diff != "" {
		t.Error("what is kept follows what the caller does:", diff)
	}
}
