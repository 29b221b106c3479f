package approval

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
)

// Sentinels of Service; their texts are for people.
var (
	ErrNotFound  = errors.New("no such approval")
	ErrOwn       = errors.New("nobody decides on their own request")
	ErrNotYours  = errors.New("you are not in a group that may decide on this")
	ErrChanged   = errors.New("the request is not what you saw any more: look again")
	ErrDecided   = errors.New("this was decided already")
	ErrVoted     = errors.New("you have voted on this already")
	ErrTooMany   = errors.New("you have too many requests waiting: withdraw one or wait")
	ErrNotUsable = errors.New("this approval cannot be used")
)

// settled is a as it stands at now: what is past its time has expired.
func settled(a policy.Approval, now time.Time) policy.Approval {
	if (a.State == policy.ApprovalPending || a.State == policy.ApprovalGranted) && !now.Before(a.Expires) {
		a.State = policy.ApprovalExpired
	}
	return a
}

// vote applies one person's word to a. It is the whole of who may decide.
func vote(a policy.Approval, by policy.Identity, hash string, yes bool, comment string, now time.Time) (policy.Approval, error) {
	a = settled(a, now)
	switch {
	case by.Same(a.Requester):
		return a, ErrOwn
	case !by.InAny(a.Approvers):
		return a, ErrNotYours
	case hash != a.Hash:
		return a, ErrChanged
	case a.State != policy.ApprovalPending:
		return a, ErrDecided
	case slices.ContainsFunc(a.Votes, func(v policy.Vote) bool { return v.By.Same(by) }):
		return a, ErrVoted
	}
	a.Votes = append(slices.Clone(a.Votes), policy.Vote{By: by, Yes: yes, Comment: strings.TrimSpace(comment), At: now})
	switch {
	case !yes:
		a.State = policy.ApprovalDenied
	case len(a.Votes) >= a.Need:
		a.State = policy.ApprovalGranted
		a.Expires = now.Add(cmp.Or(a.Lasts, a.Wait))
	}
	return a, nil
}

// consume takes a granted approval into executing for this requester and these
// bytes. groups tells with which groups a voter was last seen; d is what policy
// says now.
func consume(a policy.Approval, by policy.Identity, hash string, d policy.Decision, groups func(policy.Identity) []string, now time.Time) (policy.Approval, error) {
	a = settled(a, now)
	if a.State != policy.ApprovalGranted || !by.Same(a.Requester) || hash != a.Hash || d.Effect != policy.Approve {
		return a, ErrNotUsable
	}
	valid := 0
	for _, v := range a.Votes {
		v.By.Groups = groups(v.By)
		if v.Yes && v.By.InAny(d.Approvers) {
			valid++
		}
	}
	if valid < max(1, d.Need) {
		return a, ErrNotUsable
	}
	a.State = policy.ApprovalExecuting
	return a, nil
}
