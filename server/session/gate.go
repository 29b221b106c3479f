package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server/approval"
)

// Target is a resource with the way to it.
type Target struct {
	policy.Resource
	Description string
	// Unavailable says why it cannot be opened, "" if it can.
	Unavailable string
	Endpoint    connectors.Endpoint
	Secret      SecretSource
	// Masked fetches the credential of Endpoint.Masked, where there is one; asked
	// only when that login is needed.
	Masked SecretSource
	// Via is the host through which the target is reached, nil for none. That somebody
	// may open the target is leave to pass through it, and for nothing else there.
	Via *Target
	// Impersonate is set where the target acts as the person, not as the login.
	Impersonate *Impersonate
}

// SecretSource fetches a credential. It is asked once per session, after the
// decision to open; the secret is destroyed when the connection stands.
type SecretSource interface {
	Get(ctx context.Context) (mask.Secret, error)
}

// Limits bound every operation.
type Limits struct {
	Rows      int64
	Bytes     int64
	Statement time.Duration
	// Kept is how many bytes of one operation's answer or output the transcript
	// keeps; digests stand for what goes beyond. 0 keeps everything. What is shown on
	// a terminal is always kept.
	Kept int64
}

// Rules is what the administrator said, swapped whole.
type Rules struct {
	Policy   *policy.Policy
	Targets  map[string]Target
	Limits   Limits
	Masking  Masking
	Revision string
}

// Options of a Gate; all fields but Evidence, Classify and Now are required.
type Options struct {
	Drivers  []connectors.Driver
	Recorder *recorder.Recorder
	// Evidence finds and proves what the recorder has; nil can do neither.
	Evidence  Evidence
	Approvals *approval.Service
	// Journal is the bastion's own transcript.
	Journal *recorder.Transcript
	Rules   Rules
	// Classify finds facts where no target is asked; nil finds none.
	Classify Classifier
	Log      *slog.Logger
	Now      func() time.Time // nil: time.Now
}

// Gate is the one place where an access is composed. It is safe for concurrent use.
type Gate struct {
	o       Options
	drivers map[string]connectors.Driver
	rules   atomic.Pointer[Rules]
	refused atomic.Pointer[string] // the notice of rules that were not taken
	looked  budgets
	held    atomic.Int64 // bytes of files that wait for a yes

	mu     sync.Mutex
	live   map[recorder.ID]*Session
	closed bool
	wg     sync.WaitGroup
}

// New returns a gate with the rules of o.
func New(o Options) *Gate {
	if o.Now == nil {
		o.Now = time.Now
	}
	g := &Gate{o: o, drivers: map[string]connectors.Driver{}, live: map[recorder.ID]*Session{}}
	for _, d := range o.Drivers {
		g.drivers[d.Kind()] = d
	}
	g.rules.Store(&o.Rules)
	return g
}

// Journal records an act on the bastion itself.
func (g *Gate) Journal(ctx context.Context, a recorder.Admin) error {
	if err := g.o.Journal.Record(ctx, recorder.KindAdmin, a); err != nil {
		return fmt.Errorf("record %q: %w", a.Act, err)
	}
	return nil
}

// RecordApproval makes a change of an approval part of the evidence: in the
// bastion's own transcript and, while it is open, in the requester's.
func (g *Gate) RecordApproval(ctx context.Context, a policy.Approval) error {
	if err := g.o.Journal.Record(ctx, recorder.KindApproval, a); err != nil {
		return err
	}
	g.mu.Lock()
	s := g.live[recorder.ID(a.Session)]
	g.mu.Unlock()
	if s == nil {
		return nil
	}
	err := s.transcript.Record(ctx, recorder.KindApproval, a)
	if errors.Is(err, recorder.ErrEnded) {
		return nil // the requester left just now; the bastion's own transcript has it
	}
	return err
}

// Shutdown ends every session with the reason and waits until each has closed
// its transcript, or until ctx ends.
func (g *Gate) Shutdown(ctx context.Context, reason string) error {
	g.mu.Lock()
	g.closed = true
	for _, s := range g.live {
		s.end(&Problem{Message: reason, Hint: "connect again in a moment", cause: ErrClosing})
	}
	g.mu.Unlock()
	done := make(chan struct{})
	go func() { g.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for sessions to end: %w", ctx.Err())
	}
}

// ErrClosing ends what is asked of a gate that shuts down.
var ErrClosing = errors.New("the bastion is shutting down")

// enter counts a session in, unless the decisions that open it say that its
// person has enough of them there.
func (g *Gate) enter(s *Session, of ...policy.Decision) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosing
	}
	if why := crowded(s.target.Name, g.older(s), of...); why != nil {
		return why
	}
	g.live[s.ID()] = s
	g.wg.Add(1)
	return nil
}

// older counts the sessions of the same person on the same resource that began
// before this one. Called with g.mu held.
func (g *Gate) older(s *Session) int {
	n := 0
	for id, o := range g.live {
		if id < s.ID() && o.target.Name == s.target.Name && o.v.Identity.Same(s.v.Identity) {
			n++
		}
	}
	return n
}

// others is older for a session that is counted in.
func (g *Gate) others(s *Session) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.older(s)
}

func (g *Gate) leave(s *Session) {
	g.mu.Lock()
	delete(g.live, s.ID())
	g.mu.Unlock()
	g.wg.Done()
}
