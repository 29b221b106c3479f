package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/ledger"
	"github.com/sallyport/sallyport/recorder/search"
)

// kindBastion is the kind of the bastion's own transcripts.
const kindBastion = "bastion"

// Evidence is what is known about transcripts beside what the recorder has.
type Evidence interface {
	// Search finds text. complete is false where what is newest may be missing.
	// Errors wrap recorder.ErrSealed where the bastion cannot read what it records.
	Search(ctx context.Context, q search.Query) (hits []search.Hit, complete bool, err error)
	// Prove proves what the signed log says about a transcript: ledger.Prove.
	Prove(id recorder.ID) (ledger.Inclusion, error)
}

// page is how many heads are read at a time.
const page = 1000

// Transcripts lists those that this person may see, newest first, up to max; 0 is
// all of them.
func (v *Visit) Transcripts(ctx context.Context, max int) (all []recorder.Head, err error) {
	r := v.g.rules.Load()
	view := v.view(r)
	for before := recorder.ID(""); max <= 0 || len(all) < max; {
		heads, err := v.g.o.Recorder.Newest(ctx, before, page)
		if err != nil {
			return nil, fmt.Errorf("read transcripts: %w", err)
		}
		if len(heads) == 0 {
			return all, nil
		}
		before = heads[len(heads)-1].ID
		all = append(all, slices.DeleteFunc(heads, func(h recorder.Head) bool {
			_, ok := under(r, view, h)
			return !ok
		})...)
	}
	return all[:min(max, len(all))], nil
}

// oversight is on what terms this person may see a transcript now.
func (v *Visit) oversight(h recorder.Head) (policy.Oversight, bool) {
	r := v.g.rules.Load()
	return under(r, v.view(r), h)
}

// under is oversight by a view of rules.
func under(r *Rules, view *policy.View, h recorder.Head) (policy.Oversight, bool) {
	owner := policy.Identity{Issuer: h.Header.Identity.Issuer, Subject: h.Header.Identity.Subject}
	return view.Oversees(owner, r.resourceOf(h.Header))
}

// resourceOf is the resource that a transcript is about, as it is now configured;
// zero for the bastion's own.
func (r *Rules) resourceOf(h recorder.Header) policy.Resource {
	if h.Kind == kindBastion {
		return policy.Resource{}
	}
	if t, ok := r.Targets[h.Resource]; ok {
		return t.Resource
	}
	return policy.Resource{Name: h.Resource, Kind: h.Kind}
}

// see returns the head of a transcript that this person may see, and on what
// terms. One that is not there and one that is not to be seen are the same.
func (v *Visit) see(ctx context.Context, id recorder.ID) (recorder.Head, policy.Oversight, error) {
	h, err := v.g.o.Recorder.Head(ctx, id)
	if err == nil {
		if o, ok := v.oversight(h); ok {
			return h, o, nil
		}
	}
	return recorder.Head{}, policy.Oversight{}, &policy.Refusal{
		Rule:   policy.DefaultDeny,
		Reason: fmt.Sprintf("no transcript %q that you may see", id),
		Hint:   "`transcripts` lists them",
	}
}

// Access is how a transcript is looked at: what is done with it, in words of the
// record, and why.
type Access struct {
	Act    string // "replay", "watch", "export text"; "" is "replay"
	Reason string
}

// ReasonNeeded refuses a look at somebody else's transcript without a reason.
type ReasonNeeded struct{ Role string }

func (r *ReasonNeeded) Error() string {
	return fmt.Sprintf("role %s asks why you look at sessions of others", r.Role)
}

// NeedsReason makes it a tui.ReasonNeeded.
func (r *ReasonNeeded) NeedsReason() {}

// Replay opens a transcript. Opening one that is not the person's own is recorded
// in the bastion's own transcript first. Errors: *policy.Refusal, *ReasonNeeded.
func (v *Visit) Replay(ctx context.Context, id recorder.ID, a Access) (*Player, error) {
	h, o, err := v.see(ctx, id)
	if err != nil {
		return nil, err
	}
	if !v.owns(h) {
		a.Reason = strings.TrimSpace(a.Reason)
		if o.Reason && a.Reason == "" {
			return nil, &ReasonNeeded{o.Role}
		}
		if err := v.looks(ctx, id, a); err != nil {
			return nil, err
		}
	}
	return &Player{v: v, head: h, looked: v.g.o.Now()}, nil
}

// looks records that a transcript of somebody else is looked at.
func (v *Visit) looks(ctx context.Context, id recorder.ID, a Access) error {
	act := recorder.Admin{Act: a.Act, By: v.v.Person(), From: v.v.From, Target: string(id)}
	if act.Act == "" {
		act.Act = "replay"
	}
	if a.Reason != "" {
		act.Details = map[string]string{"reason": a.Reason}
	}
	if err := v.g.Journal(ctx, act); err != nil {
		return err
	}
	return v.joins(ctx, id, act.Act)
}

// joins has a session that goes on say on its own time line who looks on. One that
// ended is never changed: the bastion's transcript alone tells of those.
func (v *Visit) joins(ctx context.Context, id recorder.ID, act string) error {
	v.g.mu.Lock()
	s := v.g.live[id]
	v.g.mu.Unlock()
	if s == nil {
		return nil
	}
	err := s.transcript.Record(ctx, recorder.KindNote, recorder.Note{Text: act + " by " + v.v.Identity.Display()})
	if errors.Is(err, recorder.ErrEnded) {
		return nil // in between
	}
	return err
}

// Player reads one transcript's events in order, for as long as its person may see it.
type Player struct {
	v    *Visit
	head recorder.Head

	mu     sync.Mutex
	looked time.Time // when it was last asked whether they may
	why    error     // they may not
}

// lookAgain is for how long a look at a transcript is not asked for again.
const lookAgain = time.Second

// may is why the person may see the transcript no longer: they signed out, or lost the
// role by which they did. Whoever watches a session does so for long.
func (p *Player) may() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.v.g.o.Now()
	if p.why != nil || now.Sub(p.looked) < lookAgain {
		return p.why
	}
	p.looked = now
	if _, ok := p.v.oversight(p.head); !ok {
		p.why = &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("transcript %s is not yours to see any more", p.head.ID)}
	}
	return p.why
}

// Head describes the transcript as it was when it was opened.
func (p *Player) Head() recorder.Head { return p.head }

// Now is the head as it is by now: that of a live session goes on.
func (p *Player) Now(ctx context.Context) (recorder.Head, error) {
	return p.v.g.o.Recorder.Head(ctx, p.head.ID)
}

// Events returns up to max events from number from on; none at the end.
func (p *Player) Events(ctx context.Context, from uint64, max int) ([]recorder.Event, error) {
	if err := p.may(); err != nil {
		return nil, err
	}
	return p.v.g.o.Recorder.Read(ctx, p.head.ID, from, max)
}

// Screens is the power of Evidence to know what a session's screen was.
type Screens interface {
	// Snapshot returns the newest state at or before an event, false where there is
	// none yet.
	Snapshot(ctx context.Context, id recorder.ID, before uint64) (recorder.Snapshot, bool)
}

// Seek returns the number of the first event that did not happen before the time.
func (p *Player) Seek(ctx context.Context, at time.Time) (uint64, error) {
	return p.v.g.o.Recorder.Seek(ctx, p.head.ID, at)
}

// Snapshot is Screens.Snapshot of this transcript.
func (p *Player) Snapshot(ctx context.Context, before uint64) (recorder.Snapshot, bool) {
	if s, ok := p.v.g.o.Evidence.(Screens); ok && p.may() == nil {
		return s.Snapshot(ctx, p.head.ID, before)
	}
	return recorder.Snapshot{}, false
}

// Note puts a note to a moment of the transcript on record: in the bastion's own
// transcript, since that of the session is never changed.
func (p *Player) Note(ctx context.Context, at, text string) error {
	return p.v.g.Journal(ctx, recorder.Admin{Act: "note", By: p.v.v.Person(), From: p.v.v.From, Target: string(p.head.ID) + "@" + at,
		Details: map[string]string{"text": text}})
}

// Proof returns what the signed log says about the transcript: the inclusion that
// a bundle carries. Errors wrap ledger.ErrUnproven before the next checkpoint.
func (p *Player) Proof() (ledger.Inclusion, error) {
	proof, err := ledger.Inclusion{}, ledger.ErrUnproven
	if e := p.v.g.o.Evidence; e != nil {
		proof, err = e.Prove(p.head.ID)
	}
	if errors.Is(err, ledger.ErrUnproven) {
		return proof, &Problem{Message: fmt.Sprintf("the log has signed nothing about %s yet", p.head.ID), Hint: "try again after the next checkpoint", cause: err}
	}
	return proof, err
}

// Integrity is how far a transcript is proved to be what was recorded.
type Integrity struct {
	// Events are in the chain that holds; Signed of them are under a signature of
	// the log.
	Events, Signed uint64
	// Broken says what is wrong at event At, "" for nothing.
	Broken string
	At     uint64
}

// Verify follows the whole chain and compares it with what the signed log says.
func (p *Player) Verify(ctx context.Context) (Integrity, error) {
	stored, err := p.Now(ctx)
	if err != nil {
		return Integrity{}, err
	}
	proof, perr := p.Proof()
	if perr == nil {
		_, perr = proof.Check(proof.Key)
	}
	if perr != nil && !errors.Is(perr, ledger.ErrUnproven) {
		return Integrity{Broken: "the signed log: " + perr.Error()}, nil
	}
	var in Integrity
	at := recorder.Head{ID: stored.ID}
	for e, err := range recorder.Events(ctx, 0, p.Events) {
		if err == nil && at.Next < stored.Next {
			at, err = recorder.Advance(at, e)
		}
		if ctx.Err() != nil {
			return in, context.Cause(ctx)
		}
		if errors.Is(err, recorder.ErrCorrupt) {
			return Integrity{Events: at.Next, At: at.Next, Broken: err.Error()}, nil
		}
		if err != nil {
			return in, err
		}
		if perr == nil && at.Next == proof.Leaf.Next && in.Signed == 0 {
			if at.Hash != proof.Leaf.Hash {
				return Integrity{Events: at.Next, At: at.Next - 1, Broken: "the signed log has another hash"}, nil
			}
			in.Signed = at.Next
		}
		if at.Next == stored.Next {
			break
		}
	}
	in.Events = at.Next
	switch {
	case at.Next != stored.Next || at.Hash != stored.Hash:
		in.Broken, in.At = "the chain does not lead to its head", at.Next
	case perr == nil && in.Signed == 0:
		in.Broken, in.At = "events that the signed log has are missing", at.Next
	}
	return in, nil
}
