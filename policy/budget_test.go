package policy

import "testing"

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
	for _, m := range []Mask{{Predicates: "equality", Budget: n(-1)}, {Budget: n(5)}, {Predicates: "deny", Budget: n(5)}} {
		m.Name, m.Resources, m.Columns = "m", all, []string{"t.a"}
		if _, err := Compile(nil, Masking{m}); err == nil {
			t.Errorf("%+v compiles", m)
		}
	}
}
