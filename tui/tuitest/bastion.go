package tuitest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui"
)

// Bastion is a fake of everything behind the face, shared by its people. It is
// safe for concurrent use.
type Bastion struct {
	Now func() time.Time
	// Listings are what people may open; Heads and Events their transcripts.
	Listings []tui.Listing
	Heads    []recorder.Head
	Events   map[recorder.ID][]recorder.Event
	// Favoured are the resources that are marked.
	Favoured []string
	// Fail makes the named call ("resources", "open", "transcripts", "approvals",
	// "vote", "key") return an error.
	Fail map[string]error
	// Slow is how long a statement takes.
	Slow time.Duration
	// Rows is how many rows "big" has.
	Rows int64
	// Catalog is what a database shows of itself; nil: DemoCatalog.
	Catalog []connectors.Relation
	// Listed, where it is not nil, is called when resources are listed.
	Listed func()
	// Hold makes the named call ("resources", "open", "transcripts", "replay", "search",
	// "approvals", "catalog", "explain") wait until the channel is closed.
	Hold map[string]chan struct{}
	// Judging, where it is not nil, holds judgements up until it is sent to.
	Judging chan string

	// AskReason: no replay without a reason. Integrity is what verifying finds; nil
	// is that all is well.
	AskReason bool
	Integrity *tui.Integrity
	// Ends and Notes are the sessions that were ended and the notes that were made.
	Ends, Notes []string

	mu        sync.Mutex
	approvals []policy.Approval
	watchers  []chan struct{}
	votes     map[string]chan policy.Vote
	spaces    []*Workspace
	cluster   *Cluster
	services  []*Service
	seq       int
}

// NewBastion is a bastion with the demo's resources.
func NewBastion(now func() time.Time) *Bastion {
	return &Bastion{Now: now, Listings: DemoListings(now()), Events: map[recorder.ID][]recorder.Event{},
		Fail: map[string]error{}, Rows: 1_000_000, votes: map[string]chan policy.Vote{}}
}

// The people of the stories.
var (
	Alice = policy.Identity{Issuer: "http://idp", Subject: "alice", Email: "alice@example.com", Groups: []string{"engineering"}}
	Bob   = policy.Identity{Issuer: "http://idp", Subject: "bob", Email: "bob@example.com", Groups: []string{"dba"}}
	Carol = policy.Identity{Issuer: "http://idp", Subject: "carol", Email: "carol@example.com", Groups: []string{"auditors"}}
	Dave  = policy.Identity{Issuer: "http://idp", Subject: "dave", Email: "dave@example.com", Groups: []string{"visitors"}}
)

// hold waits where the call is held up.
func (b *Bastion) hold(ctx context.Context, call string) error {
	ch := b.Hold[call]
	if ch == nil {
		return nil
	}
	select {
	case <-ch:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// As is the bastion as one person sees it.
func (b *Bastion) As(id policy.Identity) tui.Backend { return &backend{b, id} }

// Space is the workspace that was opened last.
func (b *Bastion) Space() *Workspace {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spaces[len(b.spaces)-1]
}

type backend struct {
	*Bastion
	id policy.Identity
}

func (b *backend) Identity() policy.Identity { return b.id }

func (b *backend) Resources(ctx context.Context) ([]tui.Listing, error) {
	if err := b.hold(ctx, "resources"); err != nil {
		return nil, err
	}
	if b.Listed != nil {
		b.Listed()
	}
	if b.id.Same(Dave) {
		return nil, nil
	}
	return b.Listings, b.Fail["resources"]
}

func (b *backend) Open(ctx context.Context, resource string) (tui.Workspace, error) {
	if err := b.hold(ctx, "open"); err != nil {
		return nil, err
	}
	if err := b.Fail["open"]; err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq++
	w := &Workspace{b: b, resource: resource, id: recorder.ID(fmt.Sprintf("20261123T1930-%04d", b.seq)), ended: make(chan struct{})}
	b.spaces = append(b.spaces, w)
	return w, nil
}

func (b *backend) Transcripts(ctx context.Context) ([]recorder.Head, error) {
	if err := b.hold(ctx, "transcripts"); err != nil {
		return nil, err
	}
	return b.Heads, b.Fail["transcripts"]
}

// needsReason is what a replay without one fails with.
type needsReason struct{}

func (needsReason) Error() string { return "role auditors asks why you look at sessions of others" }
func (needsReason) NeedsReason()  {}

func (b *backend) Replay(ctx context.Context, id recorder.ID, l tui.Look) (tui.Player, error) {
	if err := b.hold(ctx, "replay"); err != nil {
		return nil, err
	}
	if b.AskReason && l.Reason == "" {
		return nil, needsReason{}
	}
	for _, h := range b.Heads {
		if h.ID == id {
			return &player{b.Bastion, h}, nil
		}
	}
	return nil, recorder.ErrNotFound
}

// Search finds the statements that hold the text, and the output: there, as the
// index does, by the event with which its run begins.
func (b *backend) Search(ctx context.Context, q tui.Query) (f tui.Found, err error) {
	if err := b.hold(ctx, "search"); err != nil {
		return f, err
	}
	for _, h := range b.Heads {
		if q.Person != "" && !strings.Contains(h.Header.Identity.Email, q.Person) {
			continue
		}
		for _, e := range b.Bastion.Events[h.ID] {
			if before, after, ok := strings.Cut(string(e.Data), q.Text); ok && e.Kind == recorder.KindOutput {
				f.Hits = append(f.Hits, tui.Hit{ID: h.ID, Event: 1, At: e.At, Person: h.Header.Identity.Email, Resource: h.Header.Resource,
					What: "output", Before: before, Match: q.Text, After: after})
			}
			var op recorder.Operation
			if e.Kind != recorder.KindOperation || json.Unmarshal(e.Data, &op) != nil {
				continue
			}
			if before, after, ok := strings.Cut(op.Text, q.Text); ok {
				f.Hits = append(f.Hits, tui.Hit{ID: h.ID, Event: e.Seq, At: e.At, Person: h.Header.Identity.Email, Resource: h.Header.Resource,
					What: "statement", Verdict: "allow", Rule: "engineers-read", Before: before, Match: q.Text, After: after})
			}
		}
	}
	return f, b.Fail["search"]
}

// End notes what was ended, and why.
func (b *backend) End(_ context.Context, id recorder.ID, why string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Ends = append(b.Ends, string(id)+": "+why)
	return b.Fail["end"]
}

type player struct {
	b    *Bastion
	head recorder.Head
}

func (p *player) Verify(context.Context) (tui.Integrity, error) {
	if p.b.Integrity != nil {
		return *p.b.Integrity, nil
	}
	return tui.Integrity{Events: p.head.Next, Signed: p.head.Next}, p.b.Fail["verify"]
}

// Note notes the note.
func (p *player) Note(_ context.Context, at, text string) error {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	p.b.Notes = append(p.b.Notes, string(p.head.ID)+"@"+at+": "+text)
	return p.b.Fail["note"]
}

func (p *player) Head() recorder.Head { return p.head }

func (p *player) Events(_ context.Context, from uint64, max int) ([]recorder.Event, error) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	events := p.b.Events[p.head.ID]
	if from >= uint64(len(events)) {
		return nil, nil
	}
	return slices.Clone(events[from:min(len(events), int(from)+max)]), nil
}

func (b *backend) Approvals(ctx context.Context) ([]policy.Approval, error) {
	if err := b.hold(ctx, "approvals"); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []policy.Approval
	for _, a := range slices.Backward(b.approvals) {
		if a.Requester.Same(b.id) || b.id.InAny(a.Approvers) {
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(x, y policy.Approval) int {
		return boolInt(x.Over()) - boolInt(y.Over())
	})
	return out, b.Fail["approvals"]
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Request adds an approval, as if somebody had asked.
func (b *Bastion) Request(a policy.Approval) policy.Approval {
	b.mu.Lock()
	b.seq++
	a.ID = fmt.Sprintf("ap-%04d", b.seq)
	a.State, a.Created, a.Expires = policy.ApprovalPending, b.Now(), b.Now().Add(15*time.Minute)
	if a.Hash == "" {
		a.Hash = "3f2a9c1be77d40aa51f0"
	}
	b.votes[a.ID] = make(chan policy.Vote, 1)
	b.approvals = append(b.approvals, a)
	b.mu.Unlock()
	b.changed()
	return a
}

func (b *Bastion) changed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
}

// Set changes an approval.
func (b *Bastion) Set(id string, f func(*policy.Approval)) {
	b.mu.Lock()
	for i := range b.approvals {
		if b.approvals[i].ID == id {
			f(&b.approvals[i])
		}
	}
	b.mu.Unlock()
	b.changed()
}

func (b *backend) Vote(_ context.Context, id, hash string, yes bool, comment string) error {
	if err := b.Fail["vote"]; err != nil {
		return err
	}
	v := policy.Vote{By: b.id, Yes: yes, Comment: comment, At: b.Now()}
	err := errors.New("no such approval")
	b.Set(id, func(a *policy.Approval) {
		switch {
		case a.Hash != hash:
			err = errors.New("the request changed since it was shown: look again")
			return
		case a.Requester.Same(b.id):
			err = errors.New("nobody approves their own request")
			return
		}
		err = nil
		a.Votes = append(a.Votes, v)
		a.State = policy.ApprovalDenied
		if yes {
			a.State = policy.ApprovalGranted
		}
		b.votes[id] <- v
	})
	return err
}

func (b *backend) Changed(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	b.mu.Lock()
	b.watchers = append(b.watchers, ch)
	b.mu.Unlock()
	out := make(chan struct{})
	go func() {
		defer close(out)
		for {
			select {
			case <-ch:
			case <-ctx.Done():
				return
			}
			select {
			case out <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
