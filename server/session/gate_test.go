package session

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/server/approval"
	"github.com/sallyport/sallyport/server/cluster/boltkv"
)

// target is a driver that only remembers what reached it. A statement's first
// word is its class; "copy ..." is a form that carries rows elsewhere.
type target struct {
	mu     sync.Mutex
	opened int
	ran    []string
	secret string
	// of the operations: where names are looked for, and what their text does not tell
	within, unsaid string
}

func (d *target) Kind() string { return "postgres" }

func (d *target) Open(ctx context.Context, e connectors.Endpoint, s mask.Secret, g connectors.Guard) (connectors.Conn, error) {
	if err := g.Note(ctx, "select catalog"); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.opened++
	d.secret = string(s.Reveal())
	return &targetConn{d}, nil
}

func (d *target) reached() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ran)
}

type targetConn struct{ d *target }

func (c *targetConn) Close() error { return nil }

func facts(text string) policy.Facts {
	f := policy.Facts{Verb: strings.ToUpper(text), Statements: 1, Tables: []policy.Table{{Name: "customers", Kind: policy.TablePlain}}}
	switch word, _, _ := strings.Cut(text, " "); word {
	case "read":
		f.Class = policy.Read
	case "write":
		f.Class = policy.Write
	case "ddl":
		f.Class = policy.DDL
	case "copy":
		f.Class, f.Copies, f.Form = policy.Read, true, "COPY"
	}
	return f
}

func (c *targetConn) Query(ctx context.Context, g connectors.Guard, s connectors.Statement) (*connectors.Result, error) {
	f := facts(s.Text)
	p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionSQL, Text: s.Text, Facts: f, Login: "app", Within: c.d.within, Unsaid: c.d.unsaid})
	if err != nil {
		return nil, err
	}
	c.d.mu.Lock()
	c.d.ran = append(c.d.ran, s.Text)
	c.d.mu.Unlock()
	email := connectors.Column{Name: "email", Origin: &mask.Column{Table: "customers", Name: "email"}, OriginKind: policy.TablePlain}
	return connectors.NewResult(p, f, []connectors.Column{email}, &rows{n: 3, over: ctx.Err}), nil
}

// rows are three, as long as the statement's context lives.
type rows struct {
	n    int
	over func() error
}

func (r *rows) Next(context.Context) ([]connectors.Value, error) {
	if err := r.over(); err != nil {
		return nil, connectors.ErrCanceled
	}
	if r.n == 0 {
		return nil, io.EOF
	}
	r.n--
	return []connectors.Value{{Bytes: []byte("ann@example.com")}}, nil
}
func (r *rows) Finish() connectors.Outcome { return connectors.Outcome{Tag: "SELECT 3"} }
func (r *rows) Notices() []string          { return nil }

// fullDisk is a store that can be told to fail.
type fullDisk struct {
	recorder.Store
	full atomic.Bool
	// before is called before something is appended.
	before atomic.Pointer[func()]
}

func (s *fullDisk) Append(g []recorder.Group) error {
	if s.full.Load() {
		return errors.New("no space left on device")
	}
	if f := s.before.Load(); f != nil {
		(*f)()
	}
	return s.Store.Append(g)
}

type world struct {
	gate   *Gate
	target *target
	disk   *fullDisk
	rec    *recorder.Recorder
	dir    string
}

var (
	alice = policy.Identity{Issuer: "https://id", Subject: "1", Email: "alice@x.example", Groups: []string{"engineering"}}
	bob   = policy.Identity{Issuer: "https://id", Subject: "2", Email: "bob@x.example", Groups: []string{"dba"}}
	dave  = policy.Identity{Issuer: "https://id", Subject: "4", Email: "dave@x.example"}
)

var testRoles = policy.Roles{
	{Name: "engineer", Groups: []string{"engineering"}, Resources: policy.Selector{Names: []string{"db"}}, Rules: []policy.Rule{
		{Name: "reads", Allow: []string{"read"}},
		{Name: "writes", Approve: []string{"write"}, By: []string{"dba"}, Wait: "1m"},
		{Name: "no-schema", Deny: []string{"ddl"}},
	}},
	{Name: "dba", Groups: []string{"dba"}, Resources: policy.Selector{Names: []string{"db"}}, Rules: []policy.Rule{
		{Name: "all", Allow: []string{"read", "write"}},
	}, Reveal: []string{"customers.email"}},
}

var testMasks = policy.Masking{{Name: "pii", Resources: policy.Selector{Names: []string{"db"}}, Columns: []string{"customers.email"}, Method: "redact"}}

type fixedSecret string

func (s fixedSecret) Get(context.Context) (mask.Secret, error) { return mask.NewSecret([]byte(s)), nil }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{target: &target{}, dir: t.TempDir()}
	store, err := boltstore.Open(w.dir, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.disk = &fullDisk{Store: store}
	if w.rec, err = recorder.New(w.disk, recorder.Options{}); err != nil {
		t.Fatal(err)
	}
	kv, err := boltkv.Open(filepath.Join(w.dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := policy.Compile(testRoles, testMasks)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := w.rec.Begin(t.Context(), recorder.Header{Kind: "bastion"})
	if err != nil {
		t.Fatal(err)
	}
	approvals := approval.New(kv, approval.Options{Record: func(ctx context.Context, a policy.Approval) error { return w.gate.RecordApproval(ctx, a) }})
	w.gate = New(Options{Drivers: []connectors.Driver{w.target}, Recorder: w.rec, Approvals: approvals, Journal: journal,
		Log: slog.New(slog.DiscardHandler), Rules: Rules{Policy: compiled, Revision: "r1", Targets: map[string]Target{
			"db": {Resource: policy.Resource{Name: "db", Kind: "postgres", Revision: "v1"}, Secret: fixedSecret("hunter2")}}}})
	t.Cleanup(func() {
		_ = w.gate.Shutdown(context.Background(), "test over") // fails where the test broke the recorder
		_ = w.rec.Close("test over")
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) visit(id policy.Identity) *Visit {
	return w.gate.Visit(Visitor{Identity: id, From: "192.0.2.1:1", Key: "SHA256:x"})
}

func (w *world) open(t *testing.T, id policy.Identity) *Session {
	t.Helper()
	s, err := w.visit(id).Open(t.Context(), "db", policy.ActionSQL, Screen{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// evidence is a transcript's events by kind.
func (w *world) evidence(t *testing.T, id recorder.ID, k recorder.Kind) []string {
	t.Helper()
	events, err := w.rec.Read(t.Context(), id, 0, 10000)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range events {
		if e.Kind == k {
			out = append(out, string(e.Data))
		}
	}
	return out
}

func drain(t *testing.T, a *Answer) []string {
	t.Helper()
	var out []string
	for {
		batch, err := a.Batch(t.Context(), 2)
		for _, r := range batch {
			out = append(out, r[0].Text)
		}
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Nobody without a right gets as far as a credential, and cannot tell a resource
// that is hidden from one that is not there.
func TestOpenDenied(t *testing.T) {
	w := newWorld(t)
	_, hidden := w.visit(dave).Open(t.Context(), "db", policy.ActionSQL, Screen{})
	_, missing := w.visit(dave).Open(t.Context(), "xx", policy.ActionSQL, Screen{})
	var refusal *policy.Refusal
	if !errors.As(hidden, &refusal) || w.target.opened != 0 {
		t.Errorf("open by a stranger: %v, target opened %d times", hidden, w.target.opened)
	}
	if strings.ReplaceAll(hidden.Error(), "db", "") != strings.ReplaceAll(missing.Error(), "xx", "") {
		t.Errorf("hidden %q and missing %q differ", hidden, missing)
	}
	if list, err := w.visit(dave).Resources(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("a stranger's list: %v, %v", list, err)
	}
}

// What is denied never reaches the target, and the record says what was asked,
// what was decided and by which rule.
func TestDenied(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	for text, rule := range map[string]string{"ddl drop": "engineer/no-schema", "what": policy.DefaultDeny, "copy customers": "masks/pii"} {
		_, err := s.Run(t.Context(), text, &Ask{Reason: "please"})
		var refusal *policy.Refusal
		if !errors.As(err, &refusal) || refusal.Rule != rule {
			t.Errorf("%q: %v, want a refusal by %s", text, err, rule)
		}
	}
	if ran := w.target.reached(); len(ran) != 0 {
		t.Errorf("the target ran %q", ran)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(w.evidence(t, s.ID(), recorder.KindOperation)); n != 3 {
		t.Errorf("%d operations on record, want 3", n)
	}
	for _, o := range w.evidence(t, s.ID(), recorder.KindOutcome) {
		if !strings.Contains(o, "refused") {
			t.Errorf("outcome %s", o)
		}
	}
}

// Two plans: what a person with the right sees, the transcript still keeps masked.
func TestTwoPlans(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		who  policy.Identity
		sees bool
	}{{alice, false}, {bob, true}} {
		s := w.open(t, tt.who)
		a, err := s.Run(t.Context(), "read email", nil)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(drain(t, a), " ")
		if strings.Contains(got, "ann@example.com") != tt.sees || (!tt.sees && strings.Contains(got, "@")) {
			t.Errorf("%s sees %q", tt.who.Email, got)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		events, err := w.rec.Read(t.Context(), s.ID(), 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if strings.Contains(string(e.Data), "ann@") || strings.Contains(string(e.Data), "hunter2") {
				t.Errorf("the transcript of %s holds %s", tt.who.Email, e.Data)
			}
		}
	}
}

// approve says yes as id to the next request that waits.
func (w *world) vote(t *testing.T, id policy.Identity, yes bool) func(policy.Approval) {
	return func(a policy.Approval) {
		if _, err := w.visit(id).Vote(t.Context(), a.ID, a.Hash, yes, "words"); err != nil {
			t.Error(err)
		}
	}
}

func TestApproval(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	var needed *policy.ApprovalNeeded
	if _, err := s.Run(t.Context(), "write a", nil); !errors.As(err, &needed) {
		t.Fatalf("without asking: %v", err)
	}
	if _, err := w.visit(alice).Vote(t.Context(), "none", "", true, ""); err == nil {
		t.Error("a vote on nothing counts")
	}
	a, err := s.Run(t.Context(), "write a", &Ask{Reason: "r", Waiting: w.vote(t, bob, true)})
	if err != nil {
		t.Fatal(err)
	}
	drain(t, a)
	_, err = s.Run(t.Context(), "write b", &Ask{Reason: "r", Waiting: w.vote(t, bob, false)})
	var refusal *policy.Refusal
	if !errors.As(err, &refusal) || refusal.By != "bob@x.example" || refusal.Comment != "words" {
		t.Errorf("after bob's no: %v", err)
	}
	// The yes is used up: the same bytes need another.
	_, err = s.Run(t.Context(), "write a", &Ask{Reason: "r", Wait: -1})
	if !errors.As(err, &refusal) {
		t.Errorf("a second run on one yes: %v", err)
	}
	if ran := w.target.reached(); !slices.Equal(ran, []string{"write a"}) {
		t.Errorf("the target ran %q", ran)
	}
	all, err := w.visit(alice).Approvals(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	states := map[policy.ApprovalState]int{}
	for _, a := range all {
		states[a.State]++
	}
	if states[policy.ApprovalDone] != 1 || states[policy.ApprovalDenied] != 1 || states[policy.ApprovalPending] != 1 {
		t.Errorf("states: %v", states)
	}
}

// The requester leaves: nobody can approve what nobody waits for.
func TestLeavingWithdraws(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	ctx, leave := context.WithCancel(t.Context())
	_, err := s.Run(ctx, "write a", &Ask{Reason: "r", Waiting: func(policy.Approval) { leave() }})
	if err == nil {
		t.Fatal("it ran")
	}
	all, err := w.visit(bob).Approvals(t.Context())
	if err != nil || len(all) != 1 || all[0].State != policy.ApprovalWithdrawn {
		t.Errorf("approvals: %v, %v", all, err)
	}
}

// The right goes while the requester waits: the yes comes too late.
func TestRightLostWhileWaiting(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	_, err := s.Run(t.Context(), "write a", &Ask{Reason: "r", Waiting: func(a policy.Approval) {
		stricter := slices.Clone(testRoles)
		stricter[0].Rules = []policy.Rule{stricter[0].Rules[0], {Name: "freeze", Deny: []string{"write", "ddl"}}}
		p, err := policy.Compile(stricter, testMasks)
		if err != nil {
			t.Error(err)
		}
		r := *w.gate.rules.Load()
		r.Policy = p
		w.gate.rules.Store(&r)
		w.vote(t, bob, true)(a)
	}})
	var refusal *policy.Refusal
	if !errors.As(err, &refusal) || len(w.target.reached()) != 0 {
		t.Errorf("%v; the target ran %q", err, w.target.reached())
	}
}

// No record, no access. The disk is full: nothing reaches the target any more,
// the session ends and says why, and nobody gets in.
func TestDiskFull(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	w.disk.full.Store(true)
	_, err := s.Run(t.Context(), "read a", nil)
	if err == nil || !strings.Contains(err.Error(), "recording is unavailable") {
		t.Errorf("run: %v", err)
	}
	if ran := w.target.reached(); len(ran) != 0 {
		t.Errorf("the target ran %q without a record", ran)
	}
	select {
	case <-s.Ended():
	case <-time.After(30 * time.Second):
		t.Fatal("the session goes on without a record")
	}
	if s.Err() == nil || !strings.Contains(s.Err().Error(), "recording is unavailable") {
		t.Errorf("the session ended with %v", s.Err())
	}
	if _, err := w.visit(alice).Open(t.Context(), "db", policy.ActionSQL, Screen{}); err == nil {
		t.Error("a session was opened without a record")
	}
	if w.target.opened != 1 {
		t.Errorf("the target was opened %d times", w.target.opened)
	}
}

// The gate shuts down: sessions end with the reason on record.
func TestShutdownSeals(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	if _, err := s.Run(t.Context(), "read a", nil); err != nil { // its answer stays open
		t.Fatal(err)
	}
	if err := w.gate.Shutdown(t.Context(), "the bastion is shutting down"); err != nil {
		t.Fatal(err)
	}
	h, err := w.rec.Head(t.Context(), s.ID())
	if err != nil || h.Ended == nil || h.Ended.Reason != "the bastion is shutting down" {
		t.Errorf("head %+v, %v", h.Ended, err)
	}
	if _, err := w.visit(alice).Open(t.Context(), "db", policy.ActionSQL, Screen{}); !errors.Is(err, ErrClosing) {
		t.Errorf("open while shutting down: %v", err)
	}
}
