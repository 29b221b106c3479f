package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/postgres/lineage"
	"github.com/sallyport/sallyport/policy"
)

// settleTime bounds COMMIT and ROLLBACK, which the requester cannot cancel.
func (c *Conn) settleTime() time.Duration { return 3 * c.driver.grace }

// Query runs one statement as connectors.Querier describes. A statement without
// rows has run, and its transaction is committed, when Query returns.
func (c *Conn) Query(ctx context.Context, g connectors.Guard, s connectors.Statement) (*connectors.Result, error) {
	run, err := c.begin(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.refresh(run, g); err != nil {
		c.end()
		return nil, err
	}
	j, err := c.driver.judge(run, s.Text)
	if err != nil {
		j = unknown(err.Error()) // the guard records the attempt, and decides
		j.Cannot = err.Error()
	}
	t := c.trace(run, s.Text)
	j = c.offered(t, c.behind(t, j))
	f := t.facts(resolve(j, c.catalog.Load()), len(c.catalog.Load().structure.filled) > 0)
	// What makes structure and nothing else would always fail there, which only reads.
	makes := f.Class == policy.DDL && !f.Opaque || t.statement == nil
	if !t.Understood && !makes && j.Cannot == "" && c.block == noBlock && c.secondLine(g, f) {
		return c.queryRestricted(run, g, s.Text, j, f)
	}
	trace := t.hub()
	permit, err := g.Check(run, connectors.Operation{
		Action: policy.ActionSQL, Text: s.Text, Facts: f, Trace: trace, Login: c.endpoint.User,
		Estimate: func(ctx context.Context) (int64, error) { return c.estimate(ctx, g, j, f, s.Text) },
	})
	if err != nil {
		c.end()
		return nil, err
	}
	if transacts(t.statement) && c.block != noBlock || trace.Touches(permit.Seen()) || trace.Touches(permit.Kept()) {
		// From here on this is about the target's words alone: what it says at the end
		// of a transaction may be about any statement within.
		f.Opaque = true
	}
	q := &source{c: c, g: g, j: j, f: f, t: t, readOnly: permit.Terms().ReadOnly}
	q.run, q.stop = context.WithCancelCause(run)
	// What is not understood may be a slip that the target will name when it parses.
	if q.no = trace.Refusal(permit.Seen(), permit.Kept(), f); q.no != nil && t.Understood && j.Cannot == "" {
		return nil, q.refused(permit, q.no)
	}
	columns, err := q.start(permit, f, s.Text)
	if err != nil {
		return nil, q.refused(permit, err)
	}
	return connectors.NewResult(permit, f, columns, q), nil
}

// refused ends an operation that was permitted and has no answer.
func (q *source) refused(p connectors.Permit, err error) error {
	o := q.Finish()
	o.Err = err
	return connectors.Settle(p, q.f, q.sent, o)
}

// refresh reads the catalog again where it is old or something may have changed it.
func (c *Conn) refresh(ctx context.Context, g connectors.Guard) error {
	cat := c.catalog.Load()
	if !c.dirty.Load() && c.now().Sub(cat.read) < catalogAge || c.block == failedBlock {
		return nil
	}
	c.io <- struct{}{}
	defer func() { <-c.io }()
	if c.dirty.Swap(false) {
		// What ran may have changed the session from within a function.
		if err := c.exec(ctx, g, sessionText(c.endpoint.SearchPath)+c.wishes.text()); err != nil {
			c.dirty.Store(true)
			return err
		}
	}
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
	c        *Conn
	g        connectors.Guard
	run      context.Context         //nolint:containedctx // the operation's lifetime, which is the source's
	stop     context.CancelCauseFunc // ends run, and nothing that follows on the connection
	j        *judgement
	f        policy.Facts
	t        *traced
	no       *policy.Refusal // why it is not executed, nil if it may be
	readOnly bool
	masks    bool // the permit's plans mask columns
	// limit is how long the statement may run, from since on; 0 is for ever.
	limit time.Duration
	since time.Time
	// timer ends run where the target itself does not in time.
	timer *time.Timer
	late  context.CancelCauseFunc

	rr        *pgconn.ResultReader
	began     bool // a transaction is open that ends with the statement
	step      bool // a savepoint is, within the requester's own transaction
	sent      bool // the statement was executed, so an error may speak of values
	abandoned bool // left by its reader, and cancelled for that
	over      bool // the statement has ended, as err says
	ended     bool // Finish was called
	err       error
	out       connectors.Outcome
	vals      []connectors.Value
	lines     *bytes.Buffer // of a COPY that has run
}

var _ connectors.Source = (*source)(nil)

// start opens the transaction, parses the statement at the target, learns its
// columns' origins and executes it.
func (q *source) start(p connectors.Permit, f policy.Facts, text string) ([]connectors.Column, error) {
	q.out.Affected = -1
	q.masks = p.Seen().MasksColumns() || p.Kept().MasksColumns()
	if q.t == nil { // not asked for: nothing is known of its values
		q.t = &traced{Result: &lineage.Result{Why: "it was not traced"}}
	}
	if q.j.Cannot != "" {
		return nil, fmt.Errorf("%w: %s", connectors.ErrUnsupported, q.j.Cannot)
	}
	c := q.c
	c.io <- struct{}{}
	defer func() { <-c.io }()
	if c.isClosed() {
		return nil, fmt.Errorf("%w: %w", connectors.ErrVanished, errConnClosed)
	}
	// The parser reads strings and bytes as the server does only while these hold.
	if c.pg.ParameterStatus("standard_conforming_strings") != "on" || c.pg.ParameterStatus("client_encoding") != "UTF8" {
		return nil, fmt.Errorf("%w: the session's standard_conforming_strings or encoding were changed; open the resource again", connectors.ErrUnsupported)
	}
	if transacts(q.t.statement) {
		return nil, q.transact(text)
	}
	if err := q.open(p.Terms()); err != nil {
		return nil, q.conclude("", err)
	}
	if copies(q.t.statement) {
		return q.copy(text, p)
	}
	sd, err := q.prepare(text)
	if err != nil {
		return nil, q.conclude("", err)
	}
	if q.no != nil {
		return nil, q.conclude("", q.no)
	}
	masks := q.masks
	again, err := q.learn(sd, f, masks)
	if err == nil && again {
		sd, err = q.prepare(text) // the gate's own statements took its place
	}
	if err != nil {
		return nil, q.conclude("", err)
	}
	fields := append([]pgconn.FieldDescription(nil), sd.Fields...)
	if err := q.agrees(fields, masks); err != nil {
		return nil, q.conclude("", err)
	}
	q.sent = true
	q.rr = c.pg.ExecPrepared(q.run, "", nil, nil, nil)
	if len(fields) == 0 && len(q.rr.FieldDescriptions()) == 0 {
		tag, err := q.rr.Close()
		return nil, q.conclude(tag.String(), q.failure(err))
	}
	if len(fields) == 0 { // FETCH: not told before it runs
		fields = append(fields, q.rr.FieldDescriptions()...)
	}
	return q.columns(p, fields), nil
}

func (c *Conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// open begins the transaction, or sets the limit for a statement that cannot
// run in one.
func (q *source) open(t connectors.Terms) error {
	mine := &q.c.wishes
	if q.c.of != nil {
		mine = &q.c.of.wishes
	}
	t.Timeout = mine.longest(t.Timeout)
	q.limit, q.since = t.Timeout, q.c.now()
	q.deadline()
	limit := fmt.Sprintf("statement_timeout = %d", t.Timeout.Milliseconds())
	if t.Timeout > 0 && t.Timeout < time.Millisecond {
		limit = "statement_timeout = 1"
	}
	if q.c.block != noBlock {
		return q.within(limit, t.ReadOnly)
	}
	if q.j.Alone && !t.ReadOnly {
		return q.c.exec(q.run, q.g, "set "+limit)
	}
	mode := "read write"
	if t.ReadOnly {
		mode = "read only"
	}
	text := "begin transaction " + mode + "; set local " + limit
	if err := q.g.Note(q.run, text+"; the statement; commit, or rollback where it fails"); err != nil {
		return err
	}
	q.began = true // or half so: ROLLBACK is harmless outside a transaction
	_, err := q.c.pg.Exec(q.run, text).ReadAll()
	return q.failure(err)
}

// deadline ends the statement where the target says nothing of its limit: it may
// have stalled.
func (q *source) deadline() {
	if q.limit <= 0 {
		return
	}
	run, cancel := context.WithCancelCause(q.run)
	q.run, q.late = run, cancel
	q.timer = time.AfterFunc(q.limit+time.Second, func() { cancel(errTime) })
}

func (q *source) prepare(text string) (*pgconn.StatementDescription, error) {
	sd, err := q.c.pg.Prepare(q.run, "", text, nil)
	if err != nil {
		return nil, q.failure(err)
	}
	if len(sd.ParamOIDs) > 0 {
		return nil, fmt.Errorf("%w: the statement has placeholders ($1), for which there are no values", connectors.ErrUnsupported)
	}
	return sd, nil
}

// learn reads what is not known of the answer's columns and, where masks are at
// stake, compares the relations with those judged. It reports whether it sent
// anything, which unmade the unnamed prepared statement.
func (q *source) learn(sd *pgconn.StatementDescription, f policy.Facts, masks bool) (sent bool, err error) {
	cat := q.c.catalog.Load()
	var relations, types []uint32
	for _, d := range sd.Fields {
		if _, ok := cat.origins[d.TableOID]; !ok && d.TableOID != 0 {
			relations = append(relations, d.TableOID)
		}
		if cat.typeName(d.DataTypeOID) == "" {
			types = append(types, d.DataTypeOID)
		}
	}
	if len(relations)+len(types) > 0 {
		sent = true
		if err := q.c.learn(q.run, q.g, cat, relations, types); err != nil {
			return sent, err
		}
	}
	if !masks {
		return sent, nil
	}
	if q.t.Understood {
		sent = true
		if err := q.c.unmoved(q.run, q.g, q.t); err != nil {
			return sent, err
		}
	}
	if len(q.j.Tables) == 0 {
		return sent, nil
	}
	return true, q.c.unchanged(q.run, q.g, q.j, f)
}

// agrees compares the lineage with what the target says of the answer: a column
// that it knows the origin of must have it in its lineage, too.
func (q *source) agrees(fields []pgconn.FieldDescription, masks bool) error {
	if !masks || !q.t.Understood || len(fields) == 0 {
		return nil
	}
	disagree := &policy.Refusal{Rule: "masks", Reason: "not understood: the target describes the answer in another way than its lineage does"}
	if len(fields) != len(q.t.Columns) {
		return disagree
	}
	cat := q.c.catalog.Load()
	for i, d := range fields {
		c := cat.column(d.Name, d.DataTypeOID, d.TableOID, d.TableAttributeNumber)
		if c.Origin != nil && !slices.Contains(q.t.Columns[i].Sources, *c.Origin) {
			return disagree
		}
	}
	return nil
}

func (q *source) columns(p connectors.Permit, fields []pgconn.FieldDescription) []connectors.Column {
	cat := q.c.catalog.Load()
	out := make([]connectors.Column, len(fields))
	for i, d := range fields {
		out[i] = cat.column(d.Name, d.DataTypeOID, d.TableOID, d.TableAttributeNumber)
		if q.t.Understood && len(fields) == len(q.t.Columns) {
			out[i].From = &connectors.ValueOrigin{Direct: q.t.Columns[i].Direct, Columns: q.t.Columns[i].Sources}
		}
	}
	if n, _ := q.t.hub().Least(p.Seen()); n > 0 {
		out[q.t.Counts-1].AtLeast = n // by Trace.Refusal it counts
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
	if q.lines != nil {
		return q.line()
	}
	if q.rr.NextRow() {
		q.vals = q.vals[:0]
		for _, b := range q.rr.Values() {
			q.vals = append(q.vals, connectors.Value{Bytes: b, Null: b == nil})
		}
		return q.vals, nil
	}
	tag, err := q.rr.Close()
	if err := q.conclude(tag.String(), q.failure(err)); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// Finish ends what still runs. A read that is left early is cancelled; a write
// was permitted and asked for whole, so the rest of its rows are passed over and
// it is committed.
func (q *source) Finish() connectors.Outcome {
	if q.ended {
		return q.out
	}
	q.ended = true
	if !q.over && q.rr != nil {
		q.c.io <- struct{}{}
		if q.readOnly {
			q.abandoned = true
			q.stop(context.Canceled)
		}
		tag, err := q.rr.Close()
		err = q.conclude(tag.String(), q.failure(err))
		if !q.abandoned || !errors.Is(err, connectors.ErrCanceled) {
			q.out.Err = err
		}
		<-q.c.io
	}
	if q.timer != nil {
		q.timer.Stop()
		q.late(nil)
	}
	q.c.end()
	return q.out
}

// Notices returns the messages that came.
func (q *source) Notices() []string {
	return append(q.c.takeNotices(), q.c.notifications(q.masks)...)
}
