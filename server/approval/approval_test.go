package approval

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/cluster/boltkv"
)

var (
	alice = policy.Identity{Issuer: "https://id", Subject: "1", Email: "alice@x", Groups: []string{"engineering"}}
	bob   = policy.Identity{Issuer: "https://id", Subject: "2", Email: "bob@x", Groups: []string{"dba"}}
	dan   = policy.Identity{Issuer: "https://id", Subject: "3", Email: "dan@x", Groups: []string{"dba"}}
	ask   = policy.Decision{Effect: policy.Approve, Rule: "r", Approvers: []string{"dba"}, Need: 1, Wait: time.Minute}
)

func binding() Binding {
	return Binding{Requester: alice, Resource: policy.Resource{Name: "db", Revision: "v1"}, Action: policy.ActionSQL,
		Text: "delete from orders", Binds: []Bind{{Type: "int4", Value: []byte("1")}}, Login: "app", Masks: "m1"}
}

func request() policy.Approval {
	b := binding()
	return policy.Approval{Requester: alice, Resource: b.Resource, Action: b.Action, Statement: b.Text, Hash: b.Hash(),
		Rule: "r", Approvers: []string{"dba"}, Need: 1, Reason: "clean up", Wait: time.Minute}
}

// What was approved is what runs: every field of the record changes the hash,
// and no field can borrow bytes from its neighbour.
func TestHashBindsEverything(t *testing.T) {
	base := binding().Hash()
	change := map[string]func(*Binding){
		"issuer":     func(b *Binding) { b.Requester.Issuer += "x" },
		"subject":    func(b *Binding) { b.Requester.Subject += "x" },
		"resource":   func(b *Binding) { b.Resource.Name += "x" },
		"revision":   func(b *Binding) { b.Resource.Revision += "x" },
		"action":     func(b *Binding) { b.Action = policy.ActionExec },
		"text":       func(b *Binding) { b.Text += " " },
		"bind value": func(b *Binding) { b.Binds[0].Value = []byte("2") },
		"bind type":  func(b *Binding) { b.Binds[0].Type = "text" },
		"bind null":  func(b *Binding) { b.Binds[0].Null = true },
		"no bind":    func(b *Binding) { b.Binds = nil },
		"login":      func(b *Binding) { b.Login = "root" },
		"masks":      func(b *Binding) { b.Masks = "m2" },
		"agent":      func(b *Binding) { b.Agent = true },
		"display":    func(b *Binding) { b.Display = true },
		"moved byte": func(b *Binding) { b.Requester.Issuer, b.Requester.Subject = "https://id1", "" },
	}
	for name, f := range change {
		b := binding()
		f(&b)
		if b.Hash() == base {
			t.Errorf("%s does not change the hash", name)
		}
	}
	agent, display := binding(), binding()
	agent.Agent, display.Display = true, true
	if agent.Hash() == display.Hash() {
		t.Error("a yes to one of agent and display is a yes to the other")
	}
	// People are compared by issuer and subject alone.
	b := binding()
	b.Requester.Email, b.Requester.Groups = "other@x", nil
	if b.Hash() != base {
		t.Error("e-mail or groups change the hash")
	}
}

func TestVote(t *testing.T) {
	now := time.Unix(1000, 0)
	pending := request()
	pending.State, pending.Expires = policy.ApprovalPending, now.Add(time.Minute)
	two := pending
	two.Need = 2
	granted := pending
	granted.State = policy.ApprovalGranted
	secondAccount := alice
	secondAccount.Email, secondAccount.Groups = "alice.admin@x", []string{"dba"}
	for _, tt := range []struct {
		name  string
		a     policy.Approval
		by    policy.Identity
		hash  string
		yes   bool
		at    time.Time
		state policy.ApprovalState
		err   error
	}{
		{"yes", pending, bob, pending.Hash, true, now, policy.ApprovalGranted, nil},
		{"no", pending, bob, pending.Hash, false, now, policy.ApprovalDenied, nil},
		{"first of two", two, bob, two.Hash, true, now, policy.ApprovalPending, nil},
		{"own", pending, alice, pending.Hash, true, now, policy.ApprovalPending, ErrOwn},
		{"own with another name and group", pending, secondAccount, pending.Hash, true, now, policy.ApprovalPending, ErrOwn},
		{"not in group", pending, policy.Identity{Issuer: "https://id", Subject: "9", Groups: []string{"DBA"}}, pending.Hash, true, now, policy.ApprovalPending, ErrNotYours},
		{"saw something else", pending, bob, "00", true, now, policy.ApprovalPending, ErrChanged},
		{"too late", pending, bob, pending.Hash, true, now.Add(time.Minute), policy.ApprovalExpired, ErrDecided},
		{"decided", granted, bob, granted.Hash, false, now, policy.ApprovalGranted, ErrDecided},
	} {
		got, err := vote(tt.a, tt.by, tt.hash, tt.yes, "words", tt.at)
		if got.State != tt.state || !errors.Is(err, tt.err) {
			t.Errorf("%s: %s, %v; want %s, %v", tt.name, got.State, err, tt.state, tt.err)
		}
	}
	once, err := vote(two, bob, two.Hash, true, "", now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vote(once, bob, two.Hash, true, "", now); !errors.Is(err, ErrVoted) {
		t.Errorf("the same person's second vote: %v", err)
	}
	if got, err := vote(once, dan, two.Hash, true, "", now); err != nil || got.State != policy.ApprovalGranted {
		t.Errorf("the second person's vote: %s, %v", got.State, err)
	}
}

// A yes holds from when it was given, for as long as its rule says; where it says
// nothing, as long as a request waits.
func TestYesLasts(t *testing.T) {
	now := time.Unix(1000, 0)
	a := request()
	a.State, a.Expires, a.Wait = policy.ApprovalPending, now.Add(time.Minute), 15*time.Minute
	for lasts, want := range map[time.Duration]time.Duration{0: 15 * time.Minute, time.Hour: time.Hour, 5 * time.Second: 5 * time.Second} {
		a.Lasts = lasts
		got, err := vote(a, bob, a.Hash, true, "", now)
		if err != nil || !got.Expires.Equal(now.Add(want)) {
			t.Errorf("lasts %v: until %v (%v), want %v", lasts, got.Expires, err, now.Add(want))
		}
		if s := settled(got, now.Add(want)); s.State != policy.ApprovalExpired {
			t.Errorf("lasts %v: %s after it", lasts, s.State)
		}
	}
}

// A yes of somebody who has left the group since is no yes any more.
func TestConsumeAsksGroupsAgain(t *testing.T) {
	now := time.Unix(1000, 0)
	a := request()
	a.State, a.Expires, a.Votes = policy.ApprovalGranted, now.Add(time.Minute), []policy.Vote{{By: bob, Yes: true}}
	same := func(v policy.Identity) []string { return v.Groups }
	for name, tt := range map[string]struct {
		by     policy.Identity
		hash   string
		d      policy.Decision
		groups func(policy.Identity) []string
		at     time.Time
		ok     bool
	}{
		"good":             {alice, a.Hash, ask, same, now, true},
		"other bytes":      {alice, "00", ask, same, now, false},
		"other person":     {bob, a.Hash, ask, same, now, false},
		"voter left":       {alice, a.Hash, ask, func(policy.Identity) []string { return nil }, now, false},
		"policy changed":   {alice, a.Hash, policy.Decision{Effect: policy.Deny}, same, now, false},
		"other approvers":  {alice, a.Hash, policy.Decision{Effect: policy.Approve, Approvers: []string{"ciso"}}, same, now, false},
		"more people now":  {alice, a.Hash, policy.Decision{Effect: policy.Approve, Approvers: []string{"dba"}, Need: 2}, same, now, false},
		"expired meantime": {alice, a.Hash, ask, same, now.Add(time.Hour), false},
	} {
		got, err := consume(a, tt.by, tt.hash, tt.d, tt.groups, tt.at)
		if (err == nil) != tt.ok || (got.State == policy.ApprovalExecuting) != tt.ok {
			t.Errorf("%s: %s, %v", name, got.State, err)
		}
	}
}

func newService(t *testing.T, path string, record func(context.Context, policy.Approval) error) *Service {
	t.Helper()
	kv, err := boltkv.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kv.Close() })
	if record == nil {
		record = func(context.Context, policy.Approval) error { return nil }
	}
	return New(kv, Options{Record: record})
}

// One yes is enough for one run, whoever races for it.
func TestOneRun(t *testing.T) {
	ctx := t.Context()
	s := newService(t, filepath.Join(t.TempDir(), "state.db"), nil)
	a, err := s.Request(ctx, request())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Vote(ctx, a.ID, a.Hash, bob, true, ""); err != nil {
		t.Fatal(err)
	}
	var won atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			_, err := s.Consume(ctx, a.ID, alice, a.Hash, ask)
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrNotUsable):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d runs of one yes", won.Load())
	}
	if err := s.Finish(ctx, a.ID, policy.ApprovalDone); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Granted(ctx, alice, a.Hash); ok {
		t.Error("a used approval is offered again")
	}
}

// The process dies while an approved statement runs: nobody knows whether the
// target did it, so it must never be run again. A granted one that was not used
// is still good, for the same bytes.
func TestRestart(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "state.db")
	kv, err := boltkv.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s := New(kv, Options{Record: func(context.Context, policy.Approval) error { return nil }})
	running, err := s.Request(ctx, request())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Vote(ctx, running.ID, running.Hash, bob, true, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Consume(ctx, running.ID, alice, running.Hash, ask); err != nil {
		t.Fatal(err)
	}
	other := request()
	other.Hash = "other"
	unused, err := s.Request(ctx, other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Vote(ctx, unused.ID, unused.Hash, bob, true, ""); err != nil {
		t.Fatal(err)
	}
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}

	s = newService(t, path, nil)
	if err := s.Recover(ctx); err != nil {
		t.Fatal(err)
	}
	a, err := s.Get(ctx, running.ID)
	if err != nil || a.State != policy.ApprovalUnknown {
		t.Errorf("after the restart: %s, %v; want unknown", a.State, err)
	}
	if _, err := s.Consume(ctx, running.ID, alice, running.Hash, ask); !errors.Is(err, ErrNotUsable) {
		t.Errorf("it can run again: %v", err)
	}
	if a, ok := s.Granted(ctx, alice, unused.Hash); !ok || a.ID != unused.ID {
		t.Error("the unused yes is gone")
	}
	if _, ok := s.Granted(ctx, bob, unused.Hash); ok {
		t.Error("the yes is offered to somebody else")
	}
}

// A yes that is not on record must not be usable, not even later.
func TestUnrecordedYesIsTakenBack(t *testing.T) {
	ctx := t.Context()
	full := false
	s := newService(t, filepath.Join(t.TempDir(), "state.db"), func(context.Context, policy.Approval) error {
		if full {
			return errors.New("disk full")
		}
		return nil
	})
	a, err := s.Request(ctx, request())
	if err != nil {
		t.Fatal(err)
	}
	full = true
	if _, err := s.Vote(ctx, a.ID, a.Hash, bob, true, ""); err == nil {
		t.Fatal("the vote was taken without a record")
	}
	full = false
	if _, ok := s.Granted(ctx, alice, a.Hash); ok {
		t.Error("an unrecorded yes can be used")
	}
}

func TestWaitExpires(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	kv, err := boltkv.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer kv.Close()
	synctest.Test(t, func(t *testing.T) {
		s := New(kv, Options{Record: func(context.Context, policy.Approval) error { return nil }})
		a, err := s.Request(t.Context(), request())
		if err != nil {
			t.Fatal(err)
		}
		a, err = s.Wait(t.Context(), a.ID)
		if err != nil || a.State != policy.ApprovalExpired {
			t.Errorf("after a minute: %s, %v; want expired", a.State, err)
		}
	})
}

// The requester leaving withdraws what waits, and only that.
func TestWithdraw(t *testing.T) {
	ctx := t.Context()
	s := newService(t, filepath.Join(t.TempDir(), "state.db"), nil)
	a, err := s.Request(ctx, request())
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.Request(ctx, request())
	if err != nil || again.ID != a.ID {
		t.Errorf("asking again made %s beside %s, %v", again.ID, a.ID, err)
	}
	if err := s.Withdraw(ctx, a.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Vote(ctx, a.ID, a.Hash, bob, true, ""); !errors.Is(err, ErrDecided) {
		t.Errorf("a withdrawn request can be approved: %v", err)
	}
}
