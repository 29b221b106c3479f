package session

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// planner is a connection with a planner, which answers when it is told to.
type planner struct {
	targetConn
	answer chan int64
	asked  chan struct{}
	ended  chan error // why the last estimate was not waited for
}

func (p *planner) Judge(_ context.Context, s connectors.Statement) (policy.Facts, error) {
	return facts(s.Text), nil
}

func (p *planner) Estimate(ctx context.Context, _ connectors.Guard, _ connectors.Statement) (int64, error) {
	p.asked <- struct{}{}
	select {
	case n := <-p.answer:
		return n, nil
	case <-ctx.Done():
		p.ended <- context.Cause(ctx)
		return 0, context.Cause(ctx)
	}
}

// planned opens a session of alice's on a target with a planner.
func planned(t *testing.T, labels map[string]string) (*Session, *planner) {
	t.Helper()
	w := newWorld(t)
	s := w.open(t, alice)
	p := &planner{targetConn: targetConn{w.target}, answer: make(chan int64, 1), asked: make(chan struct{}, 8), ended: make(chan error, 8)}
	s.conn = p
	s.target.Labels = labels
	return s, p
}

// What needs approval comes with how many rows it touches; what does not is not
// worth a plan, and while one types nor is anything in production.
func TestEstimateWhileTyping(t *testing.T) {
	s, p := planned(t, nil)
	p.answer <- 12400
	d, f, err := s.Judge(t.Context(), "write a")
	if err != nil || d.Effect != policy.Approve || f.Estimate == nil || *f.Estimate != 12400 {
		t.Errorf("%v, %+v, %v", d.Effect, f, err)
	}
	<-p.asked
	if _, f, err := s.Judge(t.Context(), "read a"); err != nil || f.Estimate != nil || len(p.asked) > 0 {
		t.Errorf("a read was planned: %+v, %v", f, err)
	}
	s, p = planned(t, map[string]string{"env": "prod"})
	if _, f, err := s.Judge(t.Context(), "write a"); err != nil || f.Estimate != nil || len(p.asked) > 0 {
		t.Errorf("production was asked: %+v, %v", f, err)
	}
	p.answer <- 7
	if y, err := s.Explain(t.Context(), "write a"); err != nil || y.Facts.Estimate == nil || *y.Facts.Estimate != 7 {
		t.Errorf("asked why, production was not: %+v, %v", y.Facts, err)
	}
}

// A statement does not wait for a plan that nobody needs any more.
func TestRunEndsEstimate(t *testing.T) {
	s, p := planned(t, nil)
	judged := make(chan policy.Facts)
	go func() {
		_, f, err := s.Judge(t.Context(), "write a")
		if err != nil {
			t.Error(err)
		}
		judged <- f
	}()
	<-p.asked
	a, err := s.Run(t.Context(), "read a", nil)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, a)
	if f := <-judged; f.Estimate != nil {
		t.Errorf("an estimate that was ended says %d", *f.Estimate)
	}
	if why := <-p.ended; !errors.Is(why, context.Canceled) {
		t.Errorf("the plan ended with %v: the statement waited for it", why)
	}
}

// A rule that asks for the estimate is decided with it.
func TestEstimateDecides(t *testing.T) {
	w := newWorld(t)
	roles := policy.Roles{{Name: "engineer", Groups: []string{"engineering"}, Resources: policy.Selector{Names: []string{"db"}}, Rules: []policy.Rule{
		{Name: "any", Allow: []string{"read", "write"}},
		{Name: "many", Approve: []string{"write"}, By: []string{"dba"}, When: "operation.estimate > 100"},
	}}}
	w.swap(t, nil, roles)
	s := w.open(t, alice)
	p := &planner{targetConn: targetConn{w.target}, answer: make(chan int64, 1), asked: make(chan struct{}, 8), ended: make(chan error, 8)}
	s.conn = p
	for rows, want := range map[int64]policy.Effect{3: policy.Allow, 1000: policy.Approve} {
		p.answer <- rows
		if d, _, err := s.Judge(t.Context(), "write a"); err != nil || d.Effect != want {
			t.Errorf("%d rows: %v by %s, %v; want %v", rows, d.Effect, d.Rule, err, want)
		}
		<-p.asked
	}
}

// shelf is a connection with a catalog, which is read when it is told to be, and on
// which one thing runs at a time.
type shelf struct {
	targetConn
	read, reading chan struct{}
	busy          atomic.Bool
}

func (s *shelf) Catalog(ctx context.Context) ([]connectors.Relation, error) {
	s.busy.Store(true)
	defer s.busy.Store(false)
	s.reading <- struct{}{}
	select {
	case <-s.read:
		return []connectors.Relation{{Name: "a"}}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *shelf) Query(ctx context.Context, g connectors.Guard, st connectors.Statement) (*connectors.Result, error) {
	if s.busy.Load() {
		return nil, errors.New("another statement still runs on this connection")
	}
	return s.targetConn.Query(ctx, g, st)
}

// A statement that is run while the catalog is still read runs after it, and can be
// cancelled before it does.
func TestRunWaitsForCatalog(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	c := &shelf{targetConn: targetConn{w.target}, read: make(chan struct{}), reading: make(chan struct{})}
	s.conn = c
	loaded := make(chan error)
	go func() {
		all, err := s.Catalog(t.Context())
		if err == nil && len(all) != 1 {
			err = fmt.Errorf("the catalog is %v", all)
		}
		loaded <- err
	}()
	<-c.reading
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Run(ctx, "read a", nil); !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("cancelled while it waits: %v", err)
	}
	ran := make(chan error)
	go func() {
		a, err := s.Run(t.Context(), "read a", nil)
		if err == nil {
			drain(t, a)
		}
		ran <- err
	}()
	select {
	case err := <-ran:
		t.Fatalf("it ran beside the catalog: %v", err)
	case c.read <- struct{}{}:
	}
	if err := <-loaded; err != nil {
		t.Error(err)
	}
	if err := <-ran; err != nil {
		t.Errorf("after the catalog: %v", err)
	}
}
