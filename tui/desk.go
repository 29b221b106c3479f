package tui

import (
	"time"

	"github.com/sallyport/sallyport/policy"
)

// desk is the approvals that this person may decide on, and their own requests:
// kept by App, drawn by the approvals page and the badge.
type desk struct {
	me     policy.Identity
	list   []policy.Approval
	err    error
	loaded bool
	rung   map[string]bool // ids for which the bell has rung
}

// take sets the list and reports whether something new waits for this person's
// decision. What was there at the start does not ring.
func (d *desk) take(m approvalsMsg, now time.Time) (ring bool) {
	first := !d.loaded
	d.loaded, d.err = true, m.err
	if m.err != nil {
		return false
	}
	d.list = m.list
	rung := map[string]bool{}
	for _, a := range d.list {
		if a.Over() {
			continue
		}
		if d.mayDecide(a) && !d.rung[a.ID] && !first {
			ring = true
		}
		rung[a.ID] = d.mayDecide(a) || d.rung[a.ID]
	}
	d.rung = rung
	return ring
}

// waiting is how many approvals wait for this person.
func (d *desk) waiting() int {
	n := 0
	for _, a := range d.list {
		if d.mayDecide(a) {
			n++
		}
	}
	return n
}

func (d *desk) mayDecide(a policy.Approval) bool { return d.whyNot(a) == "" }

// whyNot says why this person cannot decide, "" if they can. The backend decides
// in the end; this only spares people a refusal.
func (d *desk) whyNot(a policy.Approval) string {
	switch {
	case a.State != policy.ApprovalPending:
		return "it is " + string(a.State)
	case a.Requester.Same(d.me):
		return "this is your own request: somebody else must decide"
	case !d.me.InAny(a.Approvers):
		return "only " + escapeAll(a.Approvers, " or ") + " may decide"
	}
	for _, v := range a.Votes {
		if v.By.Same(d.me) {
			return "you have decided already"
		}
	}
	return ""
}
