package mask

import "testing"

// TestClear: a column that is cleared is not masked; every other that the same
// rule masks is, and what the column may decide stays as it was.
func TestClear(t *testing.T) {
	rules := []Rule{{Name: "all", Column: "customers.*"}, {Name: "twice", Column: "*.email"}}
	base, err := New(Options{Rules: rules})
	if err != nil {
		t.Fatal(err)
	}
	email := Column{Schema: "public", Table: "customers", Name: "email"}
	p, err := New(Options{Rules: rules, Clear: []Column{email}})
	if err != nil {
		t.Fatal(err)
	}
	for c, masked := range map[Column]bool{
		email: false, {Schema: "public", Table: "customers", Name: "phone"}: true, {Schema: "other", Table: "customers", Name: "email"}: true,
		{Schema: "public", Table: "Customers", Name: "EMAIL"}: false, {Schema: "", Table: "customers", Name: "email"}: true, {Schema: "public", Table: "payers", Name: "email"}: true,
	} {
		if _, got := p.Column(c); got != masked {
			t.Errorf("%+v: masked %t", c, got)
		}
		if may, _ := p.Predicates(c); may != DenyPredicates {
			t.Errorf("%+v may decide rows: %s", c, may)
		}
	}
	if p.Revision() == base.Revision() || !p.MasksTable("public", "customers") || !p.Clears(email) || base.Clears(email) || (*Plan)(nil).Clears(email) {
		t.Error("the plan is not told from the one without")
	}
}
