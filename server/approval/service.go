package approval

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/cluster"
)

const (
	prefix = "approval/"
	// maxPending bounds what one person may have waiting at a time.
	maxPending = 20
	// keep is how long an approval that is over stays listed.
	keep = 30 * 24 * time.Hour
)

// Options of a Service. Record is required.
type Options struct {
	// Record makes a change part of the evidence; it is durable when Record
	// returns, and an error stops the change.
	Record func(ctx context.Context, a policy.Approval) error
	// Groups tells with which groups a person was last seen; nil uses those of the vote.
	Groups func(ctx context.Context, id policy.Identity) []string
	Now    func() time.Time // nil: time.Now
}

// Service keeps approvals on a KV. It is safe for concurrent use, also by
// several processes on one KV.
type Service struct {
	kv cluster.KV
	o  Options
	// mu makes storing a change and recording it one step: nobody in this process
	// acts on a yes that is not on record yet.
	mu sync.RWMutex
}

// New returns a service. Call Recover once before the first request.
func New(kv cluster.KV, o Options) *Service {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Groups == nil {
		o.Groups = func(_ context.Context, id policy.Identity) []string { return id.Groups }
	}
	return &Service{kv: kv, o: o}
}

// Recover brings what an earlier process left into a state that is true:
// executing becomes unknown. Approvals that have been over for long are forgotten.
func (s *Service) Recover(ctx context.Context) error {
	all, err := s.load(ctx)
	if err != nil {
		return err
	}
	for _, v := range all {
		switch {
		case v.a.State == policy.ApprovalExecuting:
			v.a.State = policy.ApprovalUnknown
			err = s.save(ctx, v.a, v.version)
		case v.a.Over() && s.o.Now().Sub(v.a.Created) > keep:
			_, err = s.kv.Put(ctx, prefix+v.a.ID, nil, v.version)
		}
		if err != nil {
			return fmt.Errorf("recover approval %q: %w", v.a.ID, err)
		}
	}
	return nil
}

// Request asks for a yes. a carries everything but ID, State, Created, Expires
// and Votes. An unexpired request of the same person for the same operation is
// returned in its place, so that a granted one is used by asking again.
func (s *Service) Request(ctx context.Context, a policy.Approval) (policy.Approval, error) {
	all, err := s.load(ctx)
	if err != nil {
		return policy.Approval{}, err
	}
	now, pending := s.o.Now(), 0
	for _, v := range all {
		old := settled(v.a, now)
		if !old.Requester.Same(a.Requester) {
			continue
		}
		if old.State == policy.ApprovalPending {
			pending++
		}
		if old.Hash == a.Hash && (old.State == policy.ApprovalGranted || old.State == policy.ApprovalPending) {
			return old, nil
		}
	}
	if pending >= maxPending {
		return policy.Approval{}, ErrTooMany
	}
	a.ID, a.State, a.Votes = newID(), policy.ApprovalPending, nil
	a.Created, a.Need = now.UTC(), max(1, a.Need)
	a.Expires = a.Created.Add(a.Wait)
	return a, s.save(ctx, a, 0)
}

// Granted returns an unexpired granted approval of this person for these bytes.
func (s *Service) Granted(ctx context.Context, by policy.Identity, hash string) (policy.Approval, bool) {
	all, err := s.load(ctx)
	if err != nil {
		return policy.Approval{}, false
	}
	for _, v := range all {
		a := settled(v.a, s.o.Now())
		if a.State == policy.ApprovalGranted && a.Hash == hash && a.Requester.Same(by) {
			return a, true
		}
	}
	return policy.Approval{}, false
}

// Wait returns when the approval is not pending any more.
func (s *Service) Wait(ctx context.Context, id string) (policy.Approval, error) {
	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changed := s.kv.Watch(wctx, prefix+id)
	for {
		v, err := s.get(ctx, id)
		if err != nil {
			return policy.Approval{}, err
		}
		a := settled(v.a, s.o.Now())
		if a.State != policy.ApprovalPending {
			if a.State == policy.ApprovalExpired && v.a.State != a.State {
				// Best effort: someone else may have written it first.
				_ = s.save(ctx, a, v.version)
			}
			return a, nil
		}
		t := time.NewTimer(a.Expires.Sub(s.o.Now()))
		select {
		case <-ctx.Done():
			t.Stop()
			return a, context.Cause(ctx)
		case <-t.C:
		case <-changed:
		}
		t.Stop()
	}
}

// Vote casts one person's word on the approval as it was seen (hash). Errors are
// the sentinels of this package.
func (s *Service) Vote(ctx context.Context, id, hash string, by policy.Identity, yes bool, comment string) (policy.Approval, error) {
	return s.change(ctx, id, func(a policy.Approval) (policy.Approval, error) {
		return vote(a, by, hash, yes, comment, s.o.Now().UTC())
	})
}

// Consume takes a granted approval into executing, once: of racing callers one
// gets it. It is durable when Consume returns.
func (s *Service) Consume(ctx context.Context, id string, by policy.Identity, hash string, d policy.Decision) (policy.Approval, error) {
	return s.change(ctx, id, func(a policy.Approval) (policy.Approval, error) {
		groups := func(v policy.Identity) []string { return s.o.Groups(ctx, v) }
		return consume(a, by, hash, d, groups, s.o.Now())
	})
}

// Finish says how an executing approval ended: done, failed or unknown.
func (s *Service) Finish(ctx context.Context, id string, state policy.ApprovalState) error {
	_, err := s.change(ctx, id, func(a policy.Approval) (policy.Approval, error) {
		if a.State != policy.ApprovalExecuting {
			return a, ErrNotUsable
		}
		a.State = state
		return a, nil
	})
	return err
}

// Withdraw takes a pending request back; anything else stays as it is.
func (s *Service) Withdraw(ctx context.Context, id string) error {
	_, err := s.change(ctx, id, func(a policy.Approval) (policy.Approval, error) {
		if settled(a, s.o.Now()).State != policy.ApprovalPending {
			return a, ErrDecided
		}
		a.State = policy.ApprovalWithdrawn
		return a, nil
	})
	if errors.Is(err, ErrDecided) {
		return nil
	}
	return err
}

// Get returns one approval, also by a unique beginning of its id.
func (s *Service) Get(ctx context.Context, id string) (policy.Approval, error) {
	all, err := s.load(ctx)
	if err != nil {
		return policy.Approval{}, err
	}
	var found []policy.Approval
	for _, v := range all {
		if v.a.ID == id || (len(id) >= 4 && strings.HasPrefix(v.a.ID, id)) {
			found = append(found, settled(v.a, s.o.Now()))
		}
	}
	if len(found) != 1 {
		return policy.Approval{}, ErrNotFound
	}
	return found[0], nil
}

// List returns the approvals that concern this person, their own and those they
// may decide on: pending ones first, then the newest.
func (s *Service) List(ctx context.Context, id policy.Identity) ([]policy.Approval, error) {
	all, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	var out []policy.Approval
	for _, v := range all {
		if a := settled(v.a, s.o.Now()); a.Requester.Same(id) || id.InAny(a.Approvers) {
			out = append(out, a)
		}
	}
	rank := func(a policy.Approval) int {
		if a.State == policy.ApprovalPending {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(out, func(a, b policy.Approval) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// Changed is signalled after any approval changed; closed with ctx.
func (s *Service) Changed(ctx context.Context) <-chan struct{} { return s.kv.Watch(ctx, prefix) }

type versioned struct {
	a       policy.Approval
	version cluster.Version
}

func (s *Service) load(ctx context.Context) ([]versioned, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	entries, err := s.kv.List(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("list approvals: %w", err)
	}
	out := make([]versioned, 0, len(entries))
	for _, e := range entries {
		v, err := decode(e)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (s *Service) get(ctx context.Context, id string) (versioned, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, err := s.kv.Get(ctx, prefix+id)
	if errors.Is(err, cluster.ErrNotFound) {
		return versioned{}, ErrNotFound
	}
	if err != nil {
		return versioned{}, fmt.Errorf("read approval %q: %w", id, err)
	}
	return decode(e)
}

func decode(e cluster.Entry) (versioned, error) {
	v := versioned{version: e.Version}
	if err := json.Unmarshal(e.Value, &v.a); err != nil {
		return v, fmt.Errorf("approval %q is damaged: %w", strings.TrimPrefix(e.Key, prefix), err)
	}
	return v, nil
}

// change applies f until no one else wrote in between.
func (s *Service) change(ctx context.Context, id string, f func(policy.Approval) (policy.Approval, error)) (policy.Approval, error) {
	for {
		v, err := s.get(ctx, id)
		if err != nil {
			return policy.Approval{}, err
		}
		next, err := f(v.a)
		if err != nil {
			return next, err
		}
		err = s.save(ctx, next, v.version)
		if errors.Is(err, cluster.ErrConflict) {
			continue
		}
		return next, err
	}
}

// save stores a and makes it evidence. The state comes first: a record of a
// change that lost its race would be false. A change that cannot be recorded is
// taken back, so that no unrecorded yes can ever be used.
func (s *Service) save(ctx context.Context, a policy.Approval, expect cluster.Version) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	version, err := s.put(ctx, a, expect)
	if err != nil {
		return err
	}
	if err := s.o.Record(ctx, a); err != nil {
		a.State = policy.ApprovalWithdrawn
		_, undo := s.put(context.WithoutCancel(ctx), a, version)
		return errors.Join(err, undo)
	}
	return nil
}

func (s *Service) put(ctx context.Context, a policy.Approval, expect cluster.Version) (cluster.Version, error) {
	b, err := json.Marshal(a)
	if err != nil {
		return 0, fmt.Errorf("encode approval %q: %w", a.ID, err)
	}
	version, err := s.kv.Put(ctx, prefix+a.ID, b, expect)
	if err != nil {
		return 0, fmt.Errorf("store approval %q: %w", a.ID, err)
	}
	return version, nil
}

// newID is 40 random bits in lower-case base32: 8 characters.
func newID() string {
	var b [5]byte
	rand.Read(b[:]) // never fails: crypto/rand aborts the program instead
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}
