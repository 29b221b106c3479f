package session

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// budgets counts the values of masked columns that people have tried: what a rule
// permits to look rows up by lets one guess values, and is bounded. It counts for a
// person on a resource, whatever sessions they open, and forgets with the process.
// The zero value is ready; it is safe for concurrent use.
type budgets struct {
	mu    sync.Mutex
	spent map[account][]spending
}

// account is whose look-ups are counted together.
type account struct {
	issuer, subject, resource string
	column                    mask.Column
}

// spending is what one operation tried.
type spending struct {
	at    time.Time
	tries int64
}

// take counts what an operation tries and says what that comes to, or refuses it
// and counts nothing.
func (b *budgets) take(now time.Time, who policy.Identity, resource string, all []connectors.LookUp) ([]recorder.LookUp, *policy.Refusal) {
	if len(all) == 0 {
		return nil, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent == nil {
		b.spent = map[account][]spending{}
	}
	var out []recorder.LookUp
	for _, l := range all {
		had := b.within(now, account{who.Issuer, who.Subject, resource, l.Column}, l.Rule.Within)
		if had+l.Tries > l.Rule.Budget {
			return nil, &policy.Refusal{Rule: "masks/" + l.Rule.Name, Hint: "wait, or ask for approval to see the column in clear, if a rule offers it",
				Reason: fmt.Sprintf("it looks rows up by the masked column %s.%s: %d values would be tried here within %s, in all your sessions, and you may try %d (%d left)",
					l.Column.Table, l.Column.Name, had+l.Tries, spelled(l.Rule.Within), l.Rule.Budget, max(0, l.Rule.Budget-had))}
		}
		out = append(out, recorder.LookUp{Column: nameOf(l.Column), Mask: l.Rule.Name, Tried: l.Tries, Spent: had + l.Tries,
			Left: l.Rule.Budget - had - l.Tries, Within: spelled(l.Rule.Within)})
	}
	for _, l := range all {
		a := account{who.Issuer, who.Subject, resource, l.Column}
		b.spent[a] = append(b.spent[a], spending{now, l.Tries})
	}
	return out, nil
}

// forgetAfter is how long at most a look-up is remembered: the longest time that a
// mask may count within.
const forgetAfter = 31 * 24 * time.Hour

// within is what an account spent in the time before now. What is too old for any
// rule is forgotten; a rule that changes may look further back than the one before.
func (b *budgets) within(now time.Time, a account, span time.Duration) (n int64) {
	left := slices.DeleteFunc(b.spent[a], func(s spending) bool { return now.Sub(s.at) > forgetAfter })
	if b.spent[a] = left; len(left) == 0 {
		delete(b.spent, a)
	}
	for _, s := range b.spent[a] {
		if now.Sub(s.at) < span || span <= 0 {
			n += s.tries
		}
	}
	return n
}

// spelled is a time as people write it: 24h, not 24h0m0s.
func spelled(d time.Duration) string {
	s := d.String()
	for _, end := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, end) {
			s = s[:len(s)-2]
		}
	}
	return s
}
