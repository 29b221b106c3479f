package session

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// TestBudget: what one statement tries of a column counts, for a person on a
// resource, and a statement that would go beyond counts nothing. Another session
// had counted anew: whoever opened one after the other could go through a list.
func TestBudget(t *testing.T) {
	email, phone := mask.Column{Table: "customers", Name: "email"}, mask.Column{Table: "customers", Name: "phone"}
	plan, err := mask.New(mask.Options{Rules: []mask.Rule{
		{Name: "people", Column: "customers.email", Predicates: mask.EqualityAlone, Budget: 5, Within: time.Hour},
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
	var b budgets
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	take := func(who policy.Identity, resource string, tries int) ([]recorder.LookUp, *policy.Refusal) {
		return b.take(now, who, resource, ask(tries))
	}
	for i, c := range []struct {
		tries int
		ok    bool
	}{{3, true}, {3, false}, {2, true}, {1, false}, {0, false}} {
		got, why := take(alice, "db", c.tries)
		if (why == nil) != c.ok {
			t.Errorf("%d: %v", i, why)
		}
		if why != nil && (why.Rule != "masks/people" || !strings.Contains(fmt.Sprint(why), "customers.email") || !strings.Contains(why.Reason, "may try 5") || !strings.Contains(why.Reason, "within 1h")) {
			t.Errorf("%d: %v", i, why)
		}
		if why == nil && (len(got) != 1 || got[0].Column != "customers.email" || got[0].Tried != int64(c.tries) || got[0].Spent+got[0].Left != 5) {
			t.Errorf("%d: on record: %+v", i, got)
		}
	}
	if _, why := take(bob, "db", 5); why != nil {
		t.Errorf("another person: %v", why)
	}
	if _, why := take(alice, "other", 5); why != nil {
		t.Errorf("another resource: %v", why)
	}
	now = now.Add(59 * time.Minute)
	if _, why := take(alice, "db", 1); why == nil {
		t.Error("it was forgotten before its time")
	}
	now = now.Add(time.Minute)
	if got, why := take(alice, "db", 5); why != nil || got[0].Left != 0 {
		t.Errorf("after its time: %v", why)
	}
	now = now.Add(forgetAfter + time.Minute)
	if _, why := take(alice, "db", 1); why != nil || len(b.spent[account{alice.Issuer, alice.Subject, "db", email}]) != 1 {
		t.Errorf("what is over is kept: %v, %+v", why, b.spent)
	}
	if n := len((&connectors.Trace{Why: "unclear"}).LookUps(plan)); n != 0 {
		t.Errorf("%d look-ups of what is not understood", n)
	}
}
