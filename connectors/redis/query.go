package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Query runs one command as connectors.Querier describes. A command whose answer is
// one value has run when Query returns.
func (c *Conn) Query(ctx context.Context, g connectors.Guard, s connectors.Statement) (*connectors.Result, error) {
	run, stop, err := c.turn.Begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.renew(run); err != nil {
		c.turn.End()
		return nil, err
	}
	j := c.assess(s.Text)
	trace := j.hub(c.database)
	permit, err := g.Check(run, connectors.Operation{
		Action: policy.ActionSQL, Text: s.Text, Facts: j.facts, Trace: trace, Login: c.endpoint.User,
	})
	if err != nil {
		c.turn.End()
		return nil, err
	}
	q := &source{c: c, run: run, stop: stop, j: j, out: connectors.Outcome{Affected: -1}}
	if err := q.refusal(permit, trace); err != nil {
		return nil, q.refused(permit, err)
	}
	columns, err := q.start(permit.Terms().Timeout)
	if err != nil {
		return nil, q.refused(permit, err)
	}
	return connectors.NewResult(permit, j.facts, columns, q), nil
}

// refusal says why a command that was permitted does not run.
func (q *source) refusal(p connectors.Permit, trace *connectors.Trace) error {
	j := q.j
	switch {
	case j.cannot != "":
		return &policy.Refusal{Rule: "redis", Reason: cmp.Or(j.facts.Verb, "it") + " does not run through the gate: " + j.cannot, Hint: hintFor(j)}
	case len(j.args) == 0:
		return fmt.Errorf("%w: %s", connectors.ErrUnsupported, j.facts.Why)
	case p.Terms().ReadOnly && j.facts.Class != policy.Read:
		// No server has a read-only mode for one command: the gate must be sure itself.
		return fmt.Errorf("%w: %s on terms that let one read alone", connectors.ErrUnsupported, j.facts.Verb)
	case j.facts.Copies && connectors.Touches(p.Kept(), j.facts):
		return &policy.Refusal{
			Rule: "masks", Reason: j.facts.Form + " would take masked values to where they are not masked",
			Hint: "copy keys that no mask covers",
		}
	}
	paths := p.Seen().Paths() != nil || p.Kept().Paths() != nil
	if no := j.places(p.Seen(), paths, trace); no != nil {
		return no
	}
	if paths && j.answer == untold && (len(j.keys) > 0 || j.facts.Opaque) && !counting[j.facts.Verb] {
		return &policy.Refusal{
			Rule: "masks", Reason: "values are masked by their paths in JSON, and " + j.facts.Verb + " answers with something that is made of values",
			Hint: wholeHint,
		}
	}
	if no := trace.Refusal(p.Seen(), p.Kept(), j.facts); no != nil {
		if j.cmd != nil && len(j.keys) > 0 {
			no.Hint = wholeHint
		}
		return no
	}
	return nil
}

const wholeHint = "read the key whole, with GET, HGETALL, LRANGE, SMEMBERS, ZRANGE by place or XRANGE: its masked values are hidden there"

func hintFor(j *judged) string {
	if j.facts.Verb == "MULTI" || j.facts.Verb == "EXEC" || j.facts.Verb == "WATCH" {
		return "ask for an EVAL of the whole to be approved, where it must be one step"
	}
	return ""
}

// refused ends an operation that was permitted and has no answer.
func (q *source) refused(p connectors.Permit, err error) error {
	o := q.Finish()
	o.Err = err
	return connectors.Settle(p, q.j.facts, q.sent, o)
}

// source is the answer of one command.
type source struct {
	c   *Conn
	run context.Context //nolint:containedctx // the operation's lifetime, which is the source's
	// stop cancels it, and nothing that follows on the connection.
	stop context.CancelCauseFunc
	j    *judged

	timer   *time.Timer
	unwatch func() // of the part that runs
	sent    bool   // the command was sent, so that it may have run
	heard   bool   // its answer has begun, so that it has
	over    bool   // the answer has ended, as err says
	ended   bool   // Finish was called
	err     error
	shape   *shape
	status  string // the answer, where it is but a word of success
	out     connectors.Outcome
}

var _ connectors.Source = (*source)(nil)

// start sends the command and reads the beginning of its answer.
func (q *source) start(limit time.Duration) ([]connectors.Column, error) {
	c := q.c
	c.io <- struct{}{}
	defer func() { <-c.io }()
	if err := c.turn.Gone(); err != nil {
		return nil, err
	}
	if c.main.broken {
		return nil, fmt.Errorf("%w: %w: open the resource again", connectors.ErrVanished, errLost)
	}
	if err := context.Cause(q.run); err != nil {
		return nil, canceled(q.run)
	}
	if limit > 0 {
		q.timer = time.AfterFunc(limit, func() { q.stop(errTime) })
	}
	q.unwatch = c.watch(q.run, q.j.ending())
	defer func() { q.unwatch() }()
	q.sent = true
	if err := c.main.send(q.j.args); err != nil {
		return nil, q.conclude(err)
	}
	it, err := c.main.begin()
	if err != nil {
		return nil, q.conclude(err)
	}
	q.heard = true
	if said, ok := refusal(it); ok {
		if q.run.Err() != nil && it.kind == isError {
			return nil, q.conclude(canceled(q.run)) // it ended by our own word
		}
		return nil, q.conclude(said)
	}
	return q.answer(it)
}

// answer begins to show what came.
func (q *source) answer(it item) ([]connectors.Column, error) {
	if q.run.Err() != nil && it.kind == isNull && q.waits() {
		return nil, q.conclude(canceled(q.run)) // it was woken, and has done nothing
	}
	if it.kind == isStatus && string(it.text) == "OK" {
		q.status = "OK"
		return nil, q.conclude(nil)
	}
	if it.kind == isNumber && q.j.cmd != nil && q.j.cmd.affects {
		q.out.Affected, _ = strconv.ParseInt(string(it.text), 10, 64)
	}
	var err error
	if q.shape, err = newShape(q.j, q.c.database, q.c.main, it); err != nil {
		return nil, q.conclude(err)
	}
	return q.shape.columns, nil
}

// script reports whether the command runs code at the server.
func (j *judged) script() bool {
	return j.cmd == nil || j.cmd.class == policy.Unknown && !j.cmd.never
}

// waits reports whether the command may wait at the server, and be woken.
func (q *source) waits() bool { return q.j.cmd == nil || q.j.cmd.blocks }

// Next returns the next row as the target sends it.
func (q *source) Next(ctx context.Context) ([]connectors.Value, error) {
	if q.over {
		if q.err != nil {
			return nil, q.err
		}
		return nil, io.EOF
	}
	defer context.AfterFunc(ctx, func() { q.stop(context.Cause(ctx)) })()
	q.c.io <- struct{}{}
	defer func() { <-q.c.io }()
	if q.run.Err() != nil && !q.shape.whole(q.waits()) {
		q.leave()
		return nil, q.conclude(canceled(q.run))
	}
	q.unwatch = q.c.watch(q.run, byItself)
	defer func() { q.unwatch() }()
	vals, err := q.shape.next()
	switch {
	case err == nil:
		return vals, nil
	case errors.Is(err, io.EOF) && !q.c.main.broken:
		err = nil
	case !q.c.main.broken:
		q.leave()
	}
	if err := q.conclude(err); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// leave passes over what is left of an answer that nobody wants any more, or gives the
// connection up. The caller holds io.
func (q *source) leave() {
	c := q.c
	if q.shape == nil || c.main.broken {
		return
	}
	_ = c.main.nc.SetReadDeadline(time.Now().Add(cancelGrace))
	if !q.shape.walk.pass(maxPassed) {
		c.main.broken = true
		return
	}
	_ = c.main.nc.SetReadDeadline(time.Time{})
}

// conclude ends the command. The caller holds io.
func (q *source) conclude(err error) error {
	q.over = true
	if q.unwatch != nil {
		q.unwatch()
	}
	w := q.c.main
	if w.broken {
		q.c.drop()
		q.out.Unknown = q.sent && !q.heard
	}
	q.err = failure(q.run, err)
	switch {
	case q.err == nil || q.j.facts.Class == policy.Read:
	case q.out.Unknown:
		q.err = also(q.err, "it may have happened all the same: look before you ask again")
	case q.shape != nil: // it has answered, and that was cut
		q.err = also(q.err, "it has happened: only its answer is not whole")
	}
	return q.err
}

// also says of an error that what was to change has changed, or may have.
func also(err error, may string) error {
	var te *connectors.TargetError
	if errors.As(err, &te) {
		said := *te
		said.Text += "; " + may
		return &said
	}
	return fmt.Errorf("%w; %s", err, may)
}

// Finish ends what still comes.
func (q *source) Finish() connectors.Outcome {
	if q.ended {
		return q.out
	}
	q.ended = true
	if q.sent && !q.over {
		q.c.io <- struct{}{}
		q.leave()
		_ = q.conclude(nil)
		<-q.c.io
	}
	if q.timer != nil {
		q.timer.Stop()
	}
	q.out.Err = q.err
	switch {
	case q.err != nil:
	case q.shape != nil:
		q.out.Tag = q.shape.tag()
	case q.status != "":
		q.out.Tag = q.status
	}
	q.c.turn.End()
	return q.out
}

// Notices returns nothing: a server says nothing beside its answers.
func (q *source) Notices() []string { return nil }
