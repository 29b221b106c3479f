package session

import (
	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// unsaid refuses what needs a yes and depends on what nobody could see who says it:
// between the yes and its use it may change.
func unsaid(op connectors.Operation, d policy.Decision) *policy.Refusal {
	if op.Unsaid == "" || d.Effect != policy.Approve {
		return nil
	}
	return &policy.Refusal{Rule: d.Rule, Hint: "write the value itself", Reason: "it needs approval, and what it does depends on " + op.Unsaid + ", which its text does not tell"}
}
