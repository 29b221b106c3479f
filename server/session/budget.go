package session

import (
	"fmt"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// budget counts the values of masked columns that a session has tried: what a
// rule permits to look rows up by lets one guess values, and is bounded. It is
// used by the one operation that runs.
type budget struct {
	spent map[mask.Column]int64
}

// take counts what an operation tries, or refuses it and counts nothing.
func (b *budget) take(all []connectors.LookUp) *policy.Refusal {
	for _, l := range all {
		if had := b.spent[l.Column]; had+l.Tries > l.Rule.Budget {
			return &policy.Refusal{Rule: "masks/" + l.Rule.Name, Hint: "open the resource again for another session, which is on record, too",
				Reason: fmt.Sprintf("it looks rows up by the masked column %s.%s: %d values were tried in this session, and it may try %d",
					l.Column.Table, l.Column.Name, had+l.Tries, l.Rule.Budget)}
		}
	}
	for _, l := range all {
		if b.spent == nil {
			b.spent = map[mask.Column]int64{}
		}
		b.spent[l.Column] += l.Tries
	}
	return nil
}
