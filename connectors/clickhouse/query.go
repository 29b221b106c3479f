package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Query runs one statement as connectors.Querier describes. A statement without rows
// has run when Query returns.
func (c *Conn) Query(ctx context.Context, g connectors.Guard, s connectors.Statement) (*connectors.Result, error) {
	run, stop, err := c.turn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.refresh(run, g); err != nil {
		c.turn.End()
		return nil, err
	}
	j := c.assess(s.Text)
	permit, err := g.Check(run, connectors.Operation{Action: policy.ActionSQL, Text: s.Text, Facts: j.facts, Trace: j.trace, Login: c.endpoint.User})
	if err != nil {
		c.turn.End()
		return nil, err
	}
	if j.trace.Touches(permit.Seen()) || j.trace.Touches(permit.Kept()) {
		j.facts.Opaque = true // from here on this is about the target's words alone
	}
	q := &source{c: c, g: g, run: run, stop: stop, j: j, text: s.Text, terms: permit.Terms(), over: make(chan struct{}), out: connectors.Outcome{Affected: -1}}
	q.masks = permit.Seen().MasksColumns() || permit.Kept().MasksColumns()
	q.quiet = connectors.Touches(permit.Seen(), j.facts) || connectors.Touches(permit.Kept(), j.facts)
	if no := j.trace.Refusal(permit.Seen(), permit.Kept(), j.facts); no != nil {
		return nil, q.refused(permit, no)
	}
	columns, err := q.start()
	if err != nil {
		return nil, q.refused(permit, err)
	}
	return connectors.NewResult(permit, j.facts, columns, q), nil
}

// refused ends an operation that was permitted and has no answer.
func (q *source) refused(p connectors.Permit, err error) error {
	if q.err == nil {
		q.err = err
	}
	o := q.Finish()
	o.Err = err
	return connectors.Settle(p, q.j.facts, q.sent, o)
}

// source is the answer of one statement.
type source struct {
	c   *Conn
	g   connectors.Guard
	run context.Context //nolint:containedctx // the operation's lifetime, which is the source's
	// stop cancels it, and nothing that follows on the connection.
	stop  context.CancelCauseFunc
	j     *judged
	text  string
	terms connectors.Terms
	masks bool // a plan masks columns
	quiet bool // nothing that the target says beside the rows may show

	id      string
	sent    bool          // the statement was sent, so an error may speak of values
	over    chan struct{} // closed when the statement has ended, or is nobody's business any more
	close   func()        // ends the request
	unwatch func()
	release func() // the line
	answers atomic.Bool
	timer   *time.Timer
	answer  *answer
	ended   bool
	all     bool // the answer was read to its end
	err     error
	out     connectors.Outcome
	notices []string
}

var _ connectors.Source = (*source)(nil)

// start sends the statement and learns its columns.
func (q *source) start() ([]connectors.Column, error) {
	if q.j.cannot != "" {
		return nil, fmt.Errorf("%w: %s", connectors.ErrUnsupported, q.j.cannot)
	}
	if q.masks && q.j.trace.Understood() {
		if err := q.c.unmoved(q.run, q.g, q.j.used); err != nil {
			if no, ok := noted(err); ok {
				return nil, no
			}
			if errors.As(err, new(*policy.Refusal)) {
				return nil, err
			}
			return nil, failure(q.run, err, "")
		}
	}
	if q.run.Err() != nil {
		return nil, canceled(q.run)
	}
	settings := q.c.settings(q.terms, q.j.functions)
	if len(settings) > 0 {
		if err := q.g.Note(q.run, "the statement, with "+settings.Encode()); err != nil {
			return nil, err
		}
	}
	if !q.c.use() {
		return nil, q.c.turn.Gone()
	}
	q.release = sync.OnceFunc(q.c.using.Done)
	q.id = q.c.newID()
	life, cut := context.WithCancel(context.WithoutCancel(q.run))
	q.watch(cut)
	q.sent = true
	res, err := q.c.line.post(life, request{text: q.text, database: q.c.endpoint.Database, id: q.id, settings: settings})
	if err != nil {
		return nil, q.fail(err)
	}
	q.answers.Store(true)
	q.close = func() { cut(); _ = res.Body.Close() }
	if q.answer, err = newAnswer(res); err != nil {
		return nil, q.fail(err)
	}
	if len(q.answer.columns) == 0 {
		if q.j.answers() {
			return nil, q.fail(malformed("it answers with nothing where there are columns at least"))
		}
		q.all = true
		q.maybeMore()
		return nil, nil
	}
	if err := q.agrees(); err != nil {
		q.err = err
		return nil, err
	}
	return q.columns(), nil
}

// watch ends the statement at the target, and then the request, once its context has
// ended; and ends its context when its time is over.
func (q *source) watch(cut func()) {
	q.close = cut
	if q.terms.Timeout > 0 {
		q.timer = time.AfterFunc(q.terms.Timeout, func() { q.stop(errTime) })
	}
	done := make(chan struct{})
	unhook := context.AfterFunc(q.run, func() {
		defer close(done)
		defer q.release()
		q.c.kill(q.id, q.answers.Load, q.over)
		cut()
	})
	q.unwatch = sync.OnceFunc(func() {
		if !unhook() {
			<-done
		}
	})
}

// fail maps an error of the line, and says whether the target may have done all the
// same what it was asked for.
func (q *source) fail(err error) error {
	mapped := failure(q.run, err, q.text)
	var te *connectors.TargetError
	if !errors.As(mapped, &te) && !errors.Is(mapped, connectors.ErrUnsupported) && !errors.As(err, new(*refusal)) {
		q.out.Unknown = true
	}
	if te != nil && q.quiet {
		mapped = q.discreet(te)
	}
	q.err = mapped
	return mapped
}

// discreet leaves out the number of an error that may depend on values.
func (q *source) discreet(te *connectors.TargetError) error {
	for code := range public {
		if te.Code == fmt.Sprint(code) {
			return te
		}
	}
	return &connectors.TargetError{Code: "0", Text: te.Text, Late: te.Late}
}

// agrees compares the trace with what the target says of the answer: how many columns
// there are, and what they are called.
func (q *source) agrees() error {
	if !q.masks || !q.j.trace.Understood() || q.j.names == nil {
		return nil
	}
	disagree := &policy.Refusal{Rule: "masks", Reason: "not understood: the target describes the answer in another way than the gate reads the statement"}
	if len(q.answer.columns) != len(q.j.names) {
		return disagree
	}
	for i, c := range q.answer.columns {
		if want := q.j.names[i]; want != "" && want != c.Name {
			return disagree
		}
	}
	return nil
}

func (q *source) columns() []connectors.Column {
	out := make([]connectors.Column, len(q.answer.columns))
	for i, c := range q.answer.columns {
		k := kindOf(c.Type)
		out[i] = connectors.Column{Name: c.Name, Type: c.Type, Numeric: k.numeric, Holds: k.holds}
		switch {
		case !q.j.trace.Understood():
		case q.j.lists:
			out[i].From = &connectors.ValueOrigin{}
		case len(q.j.trace.Columns) == len(out):
			out[i].From = &q.j.trace.Columns[i]
		}
	}
	return out
}

// Next returns the next row as the target sends it.
func (q *source) Next(ctx context.Context) ([]connectors.Value, error) {
	switch {
	case q.err != nil:
		return nil, q.err
	case q.all:
		return nil, io.EOF
	}
	defer context.AfterFunc(ctx, func() { q.stop(context.Cause(ctx)) })()
	vals, err := q.answer.next()
	switch {
	case err == nil:
		return vals, nil
	case errors.Is(err, io.EOF) && q.run.Err() != nil:
		return nil, q.fail(canceled(q.run)) // it was killed: nobody knows whether that was all
	case errors.Is(err, io.EOF):
		q.all = true
		if q.answer.totals != "" {
			q.notices = append(q.notices, "totals: "+q.answer.totals)
		}
		q.maybeMore()
		return nil, io.EOF
	}
	return nil, q.fail(err)
}

// Finish ends what still runs. A statement that is left early is ended at the target.
func (q *source) Finish() connectors.Outcome {
	if q.ended {
		return q.out
	}
	q.ended = true
	if q.timer != nil {
		q.timer.Stop()
	}
	if q.sent {
		q.settle()
	}
	q.out.Err = q.err
	if q.err == nil {
		q.out.Tag = q.j.facts.Verb
		if q.answer != nil && len(q.answer.columns) > 0 {
			q.out.Tag = fmt.Sprintf("%s %d", q.j.facts.Verb, q.answer.rows)
		}
	}
	if q.j.facts.Class != policy.Read {
		q.c.dirty.Store(true)
	}
	q.c.turn.End()
	return q.out
}

// settle leaves nothing behind at the target: what did not end by itself is told to.
func (q *source) settle() {
	var te *connectors.TargetError
	if !q.all && !errors.As(q.err, &te) {
		q.stop(context.Canceled)
		q.unwatch() // waits until the target was told
	}
	close(q.over)
	q.unwatch()
	q.close()
	q.release()
}

// Notices returns what came beside the rows.
func (q *source) Notices() []string {
	n := q.notices
	q.notices = nil
	return n
}
