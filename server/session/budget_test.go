package session

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// TestBudget: what one statement tries of a column counts, in each session by
// itself, and a statement that would go beyond counts nothing.
func TestBudget(t *testing.T) {
	email, phone := mask.Column{Table: "customers", Name: "email"}, mask.Column{Table: "customers", Name: "phone"}
	plan, err := mask.New(mask.Options{Rules: []mask.Rule{
		{Name: "people", Column: "customers.email", Predicates: mask.EqualityAlone, Budget: 5},
		{Name: "numbers", Column: "customers.phone", Predicates: mask.AllowPredicates},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(tries int) []connectors.LookUp {
		trace := &connectors.Trace{Predicates: []connectors.Predicate{
			{Column: email, Equality: true, Clause: "WHERE", Tries: tries}, {Column: email, Equality: true, Clause: "HAVING", Tries: tries}, {Column: phone, Clause: "ORDER BY"}}}
		return trace.LookUps(plan)
	}
	var b budget
	for i, c := range []struct {
		tries int
		ok    bool
	}{{3, true}, {3, false}, {2, true}, {1, false}, {0, false}} {
		why := b.take(ask(c.tries))
		if (why == nil) != c.ok {
			t.Errorf("%d: %v", i, why)
		}
		if why != nil && (why.Rule != "masks/people" || !strings.Contains(fmt.Sprint(why), "customers.email") || !strings.Contains(why.Reason, "may try 5")) {
			t.Errorf("%d: %v", i, why)
		}
	}
	var other budget
	if why := other.take(ask(5)); why != nil {
		t.Errorf("another session: %v", why)
	}
	if n := len((&connectors.Trace{Why: "unclear"}).LookUps(plan)); n != 0 {
		t.Errorf("%d look-ups of what is not understood", n)
	}
}
