package mask

import "testing"

// TestReach: fields of documents are masked by rules for them, for what they are in,
// and, where a value is taken whole, for what is in them.
func TestReach(t *testing.T) {
	for _, c := range []struct {
		rule, name  string
		exact       bool
		field, tree bool
	}{
		{"customers.email", "email", true, true, true},
		{"customers.email", "emails", false, false, false},
		{"customers.contact", "contact.email", false, true, true},
		{"customers.contact", "contacts.email", false, false, false},
		{"customers.contact*email", "contact", false, false, true},
		{"customers.contact*email", "contact.work", false, false, true},
		{"customers.contact*email", "contact.work.email", true, true, true},
		{"customers.contact*email", "con", false, false, false},
		{"customers.*mail", "anything", false, false, true},
		{"customers.email", "", false, false, true},
		{"customers.contact.email", "contact.email", false, true, true}, // a table's column and a field's path
		{"customers.contact.email", "contact", false, false, true},
		{"customers.contact.email", "contact.email.work", false, true, true},
		{"customers.contact.email", "email", false, false, false},
		{"shop.customers.Email", "email", true, true, true},
		{"other.customers.email", "email", false, false, false},
		{"orders.email", "", false, false, false},
	} {
		p, err := NewPlan([]Rule{{Name: "r", Column: c.rule}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for reach, want := range map[Reach]bool{Exact: c.exact, Field: c.field, Tree: c.tree} {
			if _, got := p.Column(Column{Schema: "shop", Table: "customers", Name: c.name, Reach: reach}); got != want {
				t.Errorf("rule %s, field %q, reach %d: masked %v, want %v", c.rule, c.name, reach, got, want)
			}
		}
		if want := c.rule != "orders.email" && c.rule != "other.customers.email"; p.MasksDocuments("shop", "customers") != want {
			t.Errorf("rule %s: of the documents %v", c.rule, !want)
		}
	}
}
