package mysql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Query runs one statement as connectors.Querier describes. A statement without
// rows has run when Query returns.
func (c *Conn) Query(ctx context.Context, g connectors.Guard, s connectors.Statement) (*connectors.Result, error) {
	run, stop, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.refresh(run, g); err != nil {
		c.turn.End()
		return nil, err
	}
	j := c.assess(s.Text)
	trace := j.hub()
	permit, err := g.Check(run, connectors.Operation{
		Action: policy.ActionSQL, Text: s.Text, Facts: j.facts, Trace: trace, Login: c.endpoint.User,
		Within: c.within(), Unsaid: j.unsaid(),
		Estimate: func(ctx context.Context) (int64, error) { return c.estimate(ctx, g, j, s.Text) },
	})
	if err != nil {
		c.turn.End()
		return nil, err
	}
	if trace.Touches(permit.Seen()) || trace.Touches(permit.Kept()) {
		j.facts.Opaque = true // from here on this is about the target's words alone
	}
	q := &source{c: c, g: g, run: run, stop: stop, j: j, terms: permit.Terms(), out: connectors.Outcome{Affected: -1}}
	q.masks = permit.Seen().MasksColumns() || permit.Kept().MasksColumns()
	q.quiet = connectors.Touches(permit.Seen(), j.facts) || connectors.Touches(permit.Kept(), j.facts)
	no := trace.Refusal(permit.Seen(), permit.Kept(), j.facts)
	if no != nil && j.Understood && j.cannot == "" {
		return nil, q.refused(permit, no)
	}
	columns, err := q.start(no, s.Text)
	if err != nil {
		return nil, q.refused(permit, err)
	}
	return connectors.NewResult(permit, j.facts, columns, q), nil
}

// refused ends an operation that was permitted and has no answer.
func (q *source) refused(p connectors.Permit, err error) error {
	o := q.Finish()
	o.Err = err
	return connectors.Settle(p, q.j.facts, q.sent, o)
}

// refresh reads the catalog again where it is old or something may have changed it.
func (c *Conn) refresh(ctx context.Context, g connectors.Guard) error {
	if !c.dirty.Load() && c.now().Sub(c.catalog.Load().read) < catalogAge {
		return nil
	}
	c.dirty.Store(false)
	cat, err := c.readCatalog(ctx, g)
	if err != nil {
		c.dirty.Store(true)
		return fmt.Errorf("read the catalog of %q: %w", c.endpoint.Name, err)
	}
	c.catalog.Store(cat)
	return nil
}

// source is the answer of one statement, and its transaction.
type source struct {
	c   *Conn
	g   connectors.Guard
	run context.Context //nolint:containedctx // the operation's lifetime, which is the source's
	// stop cancels it, and nothing that follows on the connection.
	stop  context.CancelCauseFunc
	j     *judged
	terms connectors.Terms
	masks bool // a plan masks columns
	quiet bool // nothing that the target says beside the rows may show, nor how much it is

	timer     *time.Timer
	late      context.CancelCauseFunc // ends run when timer fires
	unwatch   func()                  // of the part that runs
	began     bool                    // a transaction is open that ends with the statement
	sent      bool                    // the statement was sent, so an error may speak of values
	abandoned bool                    // left by its reader, and cancelled for that
	over      bool                    // the statement has ended, as err says
	ended     bool                    // Finish was called
	err       error
	n         int64
	vals      []connectors.Value
	out       connectors.Outcome
	types     []valueType
	buf       []byte
}

var _ connectors.Source = (*source)(nil)

// start opens the transaction, sends the statement and learns its columns. no is
// why it is not executed; a text that the parser does not take is only prepared, so
// that the target says what is wrong with it.
func (q *source) start(no *policy.Refusal, text string) ([]connectors.Column, error) {
	c := q.c
	if q.j.cannot != "" && !q.j.unparsed {
		return nil, fmt.Errorf("%w: %s", connectors.ErrUnsupported, q.j.cannot)
	}
	if q.masks && q.j.Understood {
		if err := c.unmoved(q.run, q.g, c.catalog.Load(), q.j.Relations); err != nil {
			return nil, err
		}
	}
	c.io <- struct{}{}
	defer func() { <-c.io }()
	if err := c.turn.Gone(); err != nil {
		return nil, err
	}
	q.limit()
	q.unwatch = c.watch(q.run)
	defer q.unwatch()
	if err := q.open(); err != nil {
		return nil, q.conclude(err)
	}
	if q.j.cannot != "" {
		return nil, q.conclude(q.prepared(text))
	}
	if no != nil {
		return nil, q.conclude(no)
	}
	q.sent = true
	if err := c.main.command(comQuery, text); err != nil {
		return nil, q.conclude(q.failure(err))
	}
	n, d, err := c.main.reply()
	if err != nil {
		return nil, q.conclude(pointed(q.failure(err), text))
	}
	if n == 0 {
		q.out.Affected = q.affected(d)
		return nil, q.conclude(nil)
	}
	fields, err := c.main.fields(n)
	if err != nil {
		return nil, q.conclude(q.failure(err))
	}
	if err := q.agrees(fields); err != nil {
		q.vals = make([]connectors.Value, n)
		q.leave()
		return nil, q.conclude(err)
	}
	return q.columns(fields), nil
}

// open sets the session up, and begins a read-only transaction for what was judged
// a read. Within a transaction of the requester's own that is not possible.
func (q *source) open() error {
	c := q.c
	text, begin := c.sessionText(q.terms.Timeout), "start transaction read only"
	control := controls(q.j.statement)
	note := text + "; the statement"
	if q.terms.ReadOnly && !control {
		note = text + "; " + begin + "; the statement; rollback"
	}
	if err := q.g.Note(q.run, note); err != nil {
		return err
	}
	if err := c.main.run(text); err != nil {
		return q.failure(err)
	}
	if !q.terms.ReadOnly || control || c.main.status&statusTrans != 0 {
		return nil
	}
	q.began = true
	return q.failure(c.main.run(begin))
}

// limit ends the statement in time where the target does not do so itself: MySQL's
// own limit is for SELECT alone.
func (q *source) limit() {
	if q.terms.Timeout > 0 {
		// Of this statement alone: when it fires, another may run already.
		run, cancel := context.WithCancelCause(q.run)
		q.run, q.late = run, cancel
		q.timer = time.AfterFunc(q.terms.Timeout+time.Second, func() { cancel(errTime) })
	}
}

// controls reports whether a statement is about the requester's own transaction or
// the session, which a transaction around it would undo.
func controls(n ast.StmtNode) bool {
	switch n.(type) {
	case *ast.BeginStmt, *ast.CommitStmt, *ast.RollbackStmt, *ast.SavepointStmt, *ast.ReleaseSavepointStmt, *ast.UseStmt, *ast.SetStmt:
		return true
	}
	return false
}

// prepared has the target parse a text that the parser here does not take. Nothing
// of it runs. It says why it will not be.
func (q *source) prepared(text string) error {
	w := q.c.main
	if err := w.command(comPrepare, text); err != nil {
		return q.failure(err)
	}
	p, err := w.read(maxReply)
	if err != nil {
		return q.failure(err)
	}
	c := cursor{p: p}
	if head := c.byte(); head == headErr {
		var r *refusal
		if err := refused(p); errors.As(err, &r) && r.code == errSyntax || !q.masks {
			return pointed(q.failure(err), text)
		}
		return fmt.Errorf("%w: %s", connectors.ErrUnsupported, q.j.cannot) // it may speak of more than the text
	} else if head != headOK {
		w.broken = true
		return malformed("an answer that was not asked for")
	}
	id, columns, params := c.take(4), int(c.uint16()), int(c.uint16())
	if err := w.sound(c); err != nil {
		return err
	}
	handle := string(id)
	for _, n := range []int{params, columns} {
		if n == 0 {
			continue
		}
		if _, err := w.fields(n); err != nil {
			return q.failure(err)
		}
	}
	if err := w.command(comStmtClose, handle); err != nil {
		return q.failure(err)
	}
	return fmt.Errorf("%w: %s", connectors.ErrUnsupported, q.j.cannot)
}

// agrees compares the lineage with what the target says of the answer: how many
// columns there are, what they are called, and where it says that one is of a base
// table, that the lineage has it, too.
func (q *source) agrees(fields []field) error {
	if !q.masks || !q.j.Understood || !q.j.Named {
		return nil
	}
	disagree := &policy.Refusal{Rule: "masks", Reason: "not understood: the target describes the answer in another way than its lineage does"}
	if len(fields) != len(q.j.Columns) {
		return disagree
	}
	cat := q.c.catalog.Load()
	for i, f := range fields {
		o := q.j.Columns[i]
		if o.Plain && !strings.EqualFold(o.Name, f.name) {
			return disagree
		}
		r := cat.relations[cat.key(f.schema, f.orgTable)]
		if r == nil || r.kind != policy.TablePlain || f.orgName == "" || f.schema == "" {
			continue // a view, a subquery's alias, or computed
		}
		found := r.spelledIn(f.orgName) == ""
		for _, s := range o.Sources {
			found = found || s.Schema == r.Schema && s.Table == r.Name && strings.EqualFold(s.Name, f.orgName)
		}
		if !found {
			return disagree
		}
	}
	return nil
}

// spelledIn is a column's name as the catalog has it, "" where it has none: an
// alias may be called like a table.
func (r *relation) spelledIn(name string) string {
	for _, c := range r.Columns {
		if strings.EqualFold(c.Name, name) {
			return c.Name
		}
	}
	return ""
}

func (q *source) columns(fields []field) []connectors.Column {
	out := make([]connectors.Column, len(fields))
	q.types = make([]valueType, len(fields))
	q.vals = make([]connectors.Value, len(fields))
	for i, f := range fields {
		q.types[i] = typeOf(f)
		out[i] = connectors.Column{Name: f.name, Type: q.types[i].name, Numeric: q.types[i].numeric, Holds: q.types[i].holds}
		switch {
		case q.j.Understood && q.j.Named && len(fields) == len(q.j.Columns):
			out[i].From = &connectors.ValueOrigin{Direct: q.j.Columns[i].Direct, Columns: q.j.Columns[i].Sources}
		case q.j.Understood: // SHOW, EXPLAIN
			out[i].From = &connectors.ValueOrigin{}
		}
	}
	return out
}

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
	q.unwatch = q.c.watch(q.run)
	defer q.unwatch()
	err := q.c.main.row(q.vals)
	for err == nil && q.run.Err() != nil { // what has come already of an answer that may not go on
		err = q.c.main.row(q.vals)
	}
	switch {
	case err == nil:
		q.n++
		q.render()
		return q.vals, nil
	case !errors.Is(err, io.EOF) || q.c.main.broken:
		err = q.failure(err)
	case q.c.main.status&statusMore != 0:
		q.c.main.broken = true
		err = malformed("more than one answer")
	case q.run.Err() != nil:
		// A server may end what was killed as though it were whole: MySQL does for sleep(),
		// and MariaDB was seen to answer without rows.
		err = canceled(q.run)
	default:
		err = nil
	}
	if err := q.conclude(err); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// Finish ends what still runs. A read that is left early is cancelled.
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
		q.late(nil)
	}
	q.out.Err = q.err
	if q.err == nil {
		q.out.Tag = q.tag()
	}
	q.c.turn.End()
	return q.out
}

// leave cancels a statement whose rows nobody wants any more, and reads on to its
// end.
func (q *source) leave() {
	q.abandoned = true
	q.unwatch()
	q.stop(context.Canceled)
	defer q.c.watch(q.run)()
	vals := make([]connectors.Value, len(q.vals))
	for q.c.main.row(vals) == nil {
	}
}

// Notices returns the warnings that came.
func (q *source) Notices() []string {
	q.c.mu.Lock()
	defer q.c.mu.Unlock()
	n := q.c.notices
	q.c.notices = nil
	return n
}

// failure is an error of the main line in the hub's words.
func (q *source) failure(err error) error {
	mapped := q.c.failure(q.run, err)
	var te *connectors.TargetError
	if err != nil && !errors.As(mapped, &te) && q.c.main.broken {
		q.out.Unknown = q.out.Unknown || q.sent
	}
	return mapped
}
