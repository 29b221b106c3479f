package session

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// Visitor is a signed-in person on one connection.
type Visitor struct {
	Identity policy.Identity
	From     string // address
	Key      string // fingerprint of the SSH key, "" without one
	// Now is who the visitor is by now: a later sign-in may have told of other groups.
	// Its error, which is for people, says why they are nobody here any more. It is
	// asked whenever a live session is judged anew, and by Gate.Recheck at once. nil is
	// always who they were.
	Now func() (policy.Identity, error)
}

// now is who the visitor is by now.
func (v Visitor) now() (policy.Identity, error) {
	if v.Now == nil {
		return v.Identity, nil
	}
	id, err := v.Now()
	if err == nil && !id.Same(v.Identity) {
		err = &policy.Refusal{Rule: policy.DefaultDeny, Reason: "somebody else is signed in here"}
	}
	return id, err
}

// Person is the visitor as evidence keeps it.
func (v Visitor) Person() recorder.Person {
	i := v.Identity
	return recorder.Person{Issuer: i.Issuer, Subject: i.Subject, Email: i.Email, Groups: i.Groups,
		Claims: i.Claims, Method: i.Method, SignedIn: i.SignedIn}
}

// Address is the IP address of where somebody comes from, as conditions compare
// it: without port and zone, IPv4 as such. "" where it is none: then it is not
// known, and a condition that asks for it cannot be computed.
func Address(from string) string {
	ip, err := netip.ParseAddr(from)
	if err != nil {
		at, err := netip.ParseAddrPort(from)
		if err != nil {
			return ""
		}
		ip = at.Addr()
	}
	return ip.Unmap().WithZone("").String()
}

// Visit is what one signed-in person can do. It is safe for concurrent use.
type Visit struct {
	g *Gate
	v Visitor
}

// Visit returns the gate as this visitor sees it.
func (g *Gate) Visit(v Visitor) *Visit { return &Visit{g, v} }

// Identity is the signed-in person.
func (v *Visit) Identity() policy.Identity { return v.v.Identity }

// who is the person as they are by now: nobody, who has no group and owns nothing, where
// they are signed out.
func (v *Visit) who() policy.Identity {
	id, err := v.v.now()
	if err != nil {
		return policy.Identity{}
	}
	return id
}

// Person is the signed-in person as evidence keeps it.
func (v *Visit) Person() recorder.Person { return v.v.Person() }

// Listing is a resource that may be opened, with what policy says about it.
type Listing struct {
	Target
	// Rights and Masks are shared: they must not be written to.
	Rights   []policy.Right
	Masks    policy.Masks
	Sessions []recorder.Head // the person's last ones there, newest first
}

// Power is what opening does: "sql", "shell", "cluster", "http" or "command".
func (t Target) Power() string {
	switch t.Kind {
	case "ssh":
		return "shell"
	case "kubernetes":
		return "cluster"
	case "http":
		return "http"
	case "command":
		return "command"
	}
	return "sql"
}

// lastSessions is how many of a person's sessions a listing shows, of those among
// the newest recentSessions of everybody: a listing must not wait for all there are.
const (
	lastSessions   = 3
	recentSessions = 5000
)

// Resources lists what this person may open, by name.
func (v *Visit) Resources(ctx context.Context) ([]Listing, error) {
	r := v.g.rules.Load()
	heads, err := v.g.o.Recorder.Newest(ctx, "", recentSessions)
	if err != nil {
		return nil, fmt.Errorf("read transcripts: %w", err)
	}
	last := map[string][]recorder.Head{}
	for _, h := range heads {
		if name := h.Header.Resource; name != "" && v.owns(h) && len(last[name]) < lastSessions {
			last[name] = append(last[name], h)
		}
	}
	var out []Listing
	view := v.view(r)
	for _, t := range r.Targets {
		if a := view.Access(t.Resource); a.Open {
			out = append(out, Listing{Target: t, Rights: a.Rights, Masks: a.Masks, Sessions: last[t.Name]})
		}
	}
	slices.SortFunc(out, func(a, b Listing) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (v *Visit) owns(h recorder.Head) bool {
	i := v.v.Identity
	return h.Header.Kind != kindBastion && i.Same(policy.Identity{Issuer: h.Header.Identity.Issuer, Subject: h.Header.Identity.Subject})
}

// view is the policy as it is for this visitor now, before anything is open.
func (v *Visit) view(r *Rules) *policy.View {
	now := v.g.o.Now()
	return r.Policy.For(v.who(), v.arriving(now), now)
}

// arriving is the session of somebody who opens one now: it has begun, so that
// conditions on its age can be computed, and nothing was asked in it.
func (v *Visit) arriving(now time.Time) policy.Session {
	return policy.Session{From: Address(v.v.From), Opened: now}
}

// ofAction is what policy says of the actions that need no facts: a shell, a
// forward.
func (v *Visit) ofAction(r *Rules, t Target, action policy.Action) policy.Decision {
	if action != policy.ActionShell && action != policy.ActionForward {
		return policy.Decision{}
	}
	now := v.g.o.Now()
	return r.Policy.Decide(policy.Request{Identity: v.who(), Resource: t.Resource, Action: action, Session: v.arriving(now), Now: now})
}

// target finds a resource that this person may open. A resource that is not
// there and one that is not permitted are the same to the asker.
func (v *Visit) target(ctx context.Context, name string) (Target, *Rules, error) {
	r := v.g.rules.Load()
	t, ok := r.Targets[name]
	if ok {
		if v.view(r).MayOpen(t.Resource).Effect != policy.Deny {
			return t, r, nil
		}
	}
	err := v.g.Journal(ctx, recorder.Admin{Act: "open refused", By: v.v.Person(), From: v.v.From, Target: name})
	return Target{}, nil, errors.Join(&policy.Refusal{
		Rule:   policy.DefaultDeny,
		Reason: fmt.Sprintf("no resource %q is open to you", name),
		Hint:   "`ls` lists what you may open",
	}, err)
}

// Vote says yes or no to an approval as it was seen, by who the person is by now: a
// screen may be open for longer than they are signed in, or in a group.
func (v *Visit) Vote(ctx context.Context, id, hash string, yes bool, comment string) (policy.Approval, error) {
	who, err := v.v.now()
	if err != nil {
		return policy.Approval{}, err
	}
	return v.g.o.Approvals.Vote(ctx, id, hash, who, yes, comment)
}

// Approvals lists what this person may decide on and what is their own.
func (v *Visit) Approvals(ctx context.Context) ([]policy.Approval, error) {
	who, err := v.v.now()
	if err != nil {
		return nil, err
	}
	return v.g.o.Approvals.List(ctx, who)
}

// Approval returns one that concerns this person, also by a unique beginning of
// its id.
func (v *Visit) Approval(ctx context.Context, id string) (policy.Approval, error) {
	a, err := v.g.o.Approvals.Get(ctx, id)
	if who := v.who(); err == nil && !a.Requester.Same(who) && !who.InAny(a.Approvers) {
		return policy.Approval{}, errApprovalNotFound
	}
	return a, err
}

// ApprovalsChanged is signalled after any approval changed; closed with ctx.
func (v *Visit) ApprovalsChanged(ctx context.Context) <-chan struct{} {
	return v.g.o.Approvals.Changed(ctx)
}
