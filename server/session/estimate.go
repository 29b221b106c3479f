package session

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// estimateTime bounds how long a judgement waits for the target's planner.
const estimateTime = 3 * time.Second

// estimating is an estimate that is under way outside of an operation.
type estimating struct {
	stop context.CancelFunc
	done chan struct{}
}

// estimate asks the target's planner how many rows a statement would touch; nil
// where it cannot tell, does not answer soon, or something runs. Nobody's
// statement waits for it: see quiet.
func (s *Session) estimate(ctx context.Context, text string) *int64 {
	e, ok := s.conn.(connectors.Estimator)
	if !ok {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, estimateTime)
	defer stop()
	mine := &estimating{stop, make(chan struct{})}
	defer close(mine.done)
	s.mu.Lock()
	if s.calls > 0 || s.estimating != nil {
		s.mu.Unlock()
		return nil
	}
	s.estimating = mine
	s.mu.Unlock()
	n, err := e.Estimate(ctx, &guard{s: s}, connectors.Statement{Text: text})
	s.mu.Lock()
	s.estimating = nil
	s.mu.Unlock()
	if err != nil {
		return nil // not told is better than told wrongly; what is decided does not hang on it
	}
	return &n
}

// quiet ends an estimate that is under way and keeps others from beginning until
// the returned function is called.
func (s *Session) quiet() func() {
	s.mu.Lock()
	s.calls++
	e := s.estimating
	s.mu.Unlock()
	if e != nil {
		e.stop()
		<-e.done
	}
	return func() {
		s.mu.Lock()
		s.calls--
		s.mu.Unlock()
	}
}

// alone waits until no catalog is read and no statement begins, so that neither
// finds the connection taken by the other. The caller calls done.
func (s *Session) alone(ctx context.Context) (done func(), err error) {
	select {
	case s.turn <- struct{}{}:
		return func() { <-s.turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", connectors.ErrCanceled, context.Cause(ctx))
	case <-s.ctx.Done():
		return nil, context.Cause(s.ctx)
	}
}

// weighed is the decision on an operation that people are to approve with the
// estimate that they would want to know; by the same rules, which may ask for it.
// An estimate that cannot be had changes nothing.
func (s *Session) weighed(op *connectors.Operation, before int64, d policy.Decision, m masks, estimate func() *int64) (policy.Decision, masks, error) {
	if d.Effect != policy.Approve || op.Facts.Estimate != nil {
		return d, m, nil
	}
	if op.Facts.Estimate = estimate(); op.Facts.Estimate == nil {
		return d, m, nil
	}
	return s.decide(*op, before)
}
