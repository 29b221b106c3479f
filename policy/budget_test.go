package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A budget counts what predicates permit: 100 where nothing is said, and of masks
// on one column that which leaves less.
func TestBudget(t *testing.T) {
	n := func(n int64) *int64 { return &n }
	all := Selector{Names: []string{"*"}}
	p, err := Compile(nil, Masking{
		{Name: "denied", Resources: all, Columns: []string{"t.a"}},
		{Name: "usual", Resources: all, Columns: []string{"t.b", "t.c", "t.d"}, Predicates: "equality"},
		{Name: "less", Resources: all, Columns: []string{"t.b"}, Predicates: "equality", Budget: n(7)},
		{Name: "any", Resources: all, Columns: []string{"t.c", "t.e"}, Predicates: "equality", Budget: n(0)},
		{Name: "looser", Resources: all, Columns: []string{"t.d"}, Predicates: "allow", Budget: n(3)},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]MaskRule{
		"t.a": {Predicates: "deny"}, "t.b": {Predicates: "equality", Budget: 7}, "t.c": {Predicates: "equality", Budget: 100},
		"t.d": {Predicates: "equality", Budget: 100}, "t.e": {Predicates: "equality"},
	}
	for _, r := range p.MasksFor(Identity{}, Resource{Name: "x", Kind: "postgres"}).Kept {
		if w := want[r.Column]; r.Predicates != w.Predicates || r.Budget != w.Budget {
			t.Errorf("%s: %s, %d", r.Column, r.Predicates, r.Budget)
		}
		delete(want, r.Column)
	}
	if len(want) > 0 {
		t.Errorf("not masked: %v", want)
	}
	for _, m := range []Mask{{Predicates: "equality", Budget: n(-1)}, {Budget: n(5)}, {Predicates: "deny", Budget: n(5)}, {Within: "1h"},
		{Predicates: "equality", Budget: n(0), Within: "1h"}, {Predicates: "equality", Within: "soon"}, {Rows: n(-1)}, {Group: n(5)}, {Predicates: "allow", Group: n(-1)}} {
		m.Name, m.Resources, m.Columns = "m", all, []string{"t.a"}
		if _, err := Compile(nil, Masking{m}); err == nil {
			t.Errorf("%+v compiles", m)
		}
	}
}

// Where masks on one column say how many rows an answer may have, or of how many it
// must be at least, the tighter counts, whichever of them says what may be asked.
func TestMaskBounds(t *testing.T) {
	n := func(n int64) *int64 { return &n }
	all := Selector{Names: []string{"*"}}
	p, err := Compile(nil, Masking{
		{Name: "a", Resources: all, Columns: []string{"t.a"}, Predicates: "allow", Rows: n(50), Group: n(5), Within: "1h"},
		{Name: "b", Resources: all, Columns: []string{"*.t.a"}, Predicates: "equality", Group: n(3), Rows: n(20)},
		{Name: "c", Resources: all, Columns: []string{"t.c"}, Rows: n(7)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range p.MasksFor(Identity{}, Resource{Name: "x", Kind: "postgres"}).Kept {
		got := []any{r.Predicates, r.Budget, r.Within, r.Rows, r.Group}
		want := []any{"deny", int64(0), time.Duration(0), int64(7), int64(0)}
		if r.Column != "t.c" {
			want = []any{"equality", int64(100), 24 * time.Hour, int64(20), int64(5)}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", r.Column, d)
		}
	}
}
