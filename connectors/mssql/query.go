package mssql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

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
	permit, err := g.Check(run, connectors.Operation{Action: policy.ActionSQL, Text: s.Text, Facts: j.facts, Trace: j.trace, Login: c.endpoint.User})
	if err != nil {
		c.turn.End()
		return nil, err
	}
	if j.trace.Touches(permit.Seen()) || j.trace.Touches(permit.Kept()) {
		j.facts.Opaque = true // from here on this is about the target's words alone
	}
	q := &source{c: c, g: g, run: run, stop: stop, j: j, terms: permit.Terms(), heard: new(notices), out: connectors.Outcome{Affected: -1}}
	q.masks = permit.Seen().MasksColumns() || permit.Kept().MasksColumns()
	q.quiet = connectors.Touches(permit.Seen(), j.facts) || connectors.Touches(permit.Kept(), j.facts)
	if no := j.trace.Refusal(permit.Seen(), permit.Kept(), j.facts); no != nil {
		return nil, q.refused(permit, no)
	}
	columns, err := q.start(s.Text)
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
	quiet bool // nothing that the target says beside the rows may show
	heard *notices

	timer  *time.Timer
	answer rowsAnswer
	tx     driver.Tx // ends with the statement
	sent   bool      // the statement was sent, so an error may speak of values
	over   bool      // the statement has ended, as err says
	ended  bool      // Finish was called
	err    error
	n      int64
	raw    []driver.Value
	vals   []connectors.Value
	out    connectors.Outcome
	types  []valueType
	buf    []byte
}

var _ connectors.Source = (*source)(nil)

// start opens the transaction, sends the statement and learns its columns.
func (q *source) start(text string) ([]connectors.Column, error) {
	c := q.c
	if why := q.j.cannot; why != "" {
		return nil, fmt.Errorf("%w: %s", connectors.ErrUnsupported, why)
	}
	if why := peculiar(text); why != "" {
		return nil, fmt.Errorf("%w: %s", connectors.ErrUnsupported, why)
	}
	if q.masks && q.j.trace.Understood() {
		if err := c.unmoved(q.run, q.g, q.j.used); err != nil {
			return nil, err
		}
	}
	c.io <- struct{}{}
	defer func() { <-c.io }()
	if err := c.turn.Gone(); err != nil {
		return nil, err
	}
	if c.isBroken() {
		return nil, fmt.Errorf("%w: %w", connectors.ErrVanished, errLost)
	}
	if err := q.open(); err != nil {
		return nil, q.conclude(err)
	}
	if q.terms.Timeout > 0 {
		q.timer = time.AfterFunc(q.terms.Timeout, func() { q.stop(errTime) })
	}
	defer c.line.ask(rowMax)()
	defer c.watch(q.run)()
	q.sent = true
	if q.j.counts && !q.terms.ReadOnly {
		return nil, q.conclude(q.failure(guarded(func() error { return q.change(text) })))
	}
	err := guarded(func() (err error) {
		q.answer, err = c.ask(q.heard.within(q.run), text)
		return err
	})
	if err != nil {
		err = q.failure(err)
		if !q.j.followed {
			c.abandon(err)
		}
		return nil, q.conclude(pointed(err, text))
	}
	var columns []connectors.Column
	if err := guarded(func() (err error) { columns, err = q.columns(); return err }); err != nil || len(columns) == 0 {
		return nil, q.conclude(q.failure(err))
	}
	return columns, nil
}

// open sets the session up, and begins a transaction that is rolled back for what was
// judged a read. Within a transaction of the requester's own that is not possible.
func (q *source) open() error {
	c := q.c
	wrap := q.terms.ReadOnly && !q.j.control
	note := sessionText + "; the statement"
	if wrap {
		note = sessionText + "; BEGIN TRANSACTION; the statement; ROLLBACK TRANSACTION"
	}
	if err := q.g.Note(q.run, note); err != nil {
		return err
	}
	rows, err := c.rows(q.run, sessionText)
	if err != nil {
		return err
	}
	if len(rows) != 1 || len(rows[0]) != 3 {
		return fmt.Errorf("%w: it does not say where the session stands", connectors.ErrProtocol)
	}
	if !strings.EqualFold(rows[0][1], c.endpoint.Database) {
		return fmt.Errorf("%w: the session is in another database than was declared; open the resource again", connectors.ErrUnsupported)
	}
	if !wrap || rows[0][0] != "0" {
		return nil
	}
	settle, cancel := context.WithTimeout(context.WithoutCancel(q.run), settleTime)
	defer cancel()
	defer c.line.ask(signInMax)()
	defer c.watch(settle)()
	// The library goes back to this context when it rolls back.
	err = guarded(func() (err error) {
		q.tx, err = c.session.BeginTx(context.WithoutCancel(q.run), driver.TxOptions{})
		return err
	})
	return c.failed(settle, err)
}

// change runs a statement that changes rows and answers none.
func (q *source) change(text string) error {
	ctx := q.heard.within(q.run)
	st, err := q.c.session.PrepareContext(ctx, text)
	if err != nil {
		return err
	}
	r, err := st.(driver.StmtExecContext).ExecContext(ctx, nil)
	if err != nil {
		return err
	}
	q.out.Affected, err = r.RowsAffected()
	return err
}

// failure is an error of the session in the hub's words.
func (q *source) failure(err error) error {
	mapped := q.c.failed(q.run, err)
	var te *connectors.TargetError
	if mapped != nil && !errors.As(mapped, &te) && q.c.isBroken() {
		q.out.Unknown = q.out.Unknown || q.sent
	}
	if q.quiet {
		return blunted(mapped)
	}
	return mapped
}

// columns describes the answer, and compares it with what was understood of it.
func (q *source) columns() ([]connectors.Column, error) {
	names := q.answer.Columns()
	q.types = typesOf(q.answer)
	q.raw, q.vals = make([]driver.Value, len(names)), make([]connectors.Value, len(names))
	out := make([]connectors.Column, len(names))
	understood := q.j.trace.Understood() && q.j.named
	if understood && q.masks {
		if err := q.agrees(names); err != nil {
			return nil, err
		}
	}
	for i, name := range names {
		t := q.types[i]
		out[i] = connectors.Column{Name: strings.ToValidUTF8(name, "?"), Type: declared(q.answer, i, t), Numeric: t.numeric, Holds: t.holds}
		if understood && len(names) == len(q.j.trace.Columns) {
			out[i].From = &q.j.trace.Columns[i]
		}
	}
	return out, nil
}

// agrees compares what was understood of the answer with what the target says of it.
func (q *source) agrees(names []string) error {
	disagree := &policy.Refusal{Rule: "masks", Reason: "not understood: the target describes the answer in another way than its text does"}
	if len(names) != len(q.j.trace.Columns) {
		return disagree
	}
	for i, n := range names {
		if want := q.j.names[i]; want != "" && !strings.EqualFold(want, n) {
			return disagree
		}
	}
	return nil
}

func declared(a rowsAnswer, i int, t valueType) string {
	switch t.name {
	case "decimal":
		if p, s, ok := a.ColumnTypePrecisionScale(i); ok {
			return fmt.Sprintf("decimal(%d,%d)", p, s)
		}
	case "char", "varchar", "nchar", "nvarchar", "binary", "varbinary":
		if n, ok := a.ColumnTypeLength(i); ok && n > 0 && n <= 8000 {
			return t.name + "(" + strconv.FormatInt(n, 10) + ")"
		}
		return t.name + "(max)"
	}
	return t.name
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
	defer q.c.line.ask(rowMax)()
	defer q.c.watch(q.run)()
	err := guarded(func() error { return q.answer.Next(q.raw) })
	switch {
	case err == nil:
		if err = q.render(); err == nil {
			q.n++
			return q.vals, nil
		}
		q.stop(context.Canceled)
	case errors.Is(err, io.EOF):
		err = q.rest()
	}
	if err := q.conclude(q.failure(err)); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// rest reads the answers after the first, which are not shown.
func (q *source) rest() error {
	return guarded(func() error {
		for more := 0; ; more++ {
			if !q.answer.HasNextResultSet() {
				if more > 0 {
					q.heard.add(fmt.Sprintf("%d more answers of the statement are not shown", more))
				}
				return nil
			}
			if err := q.answer.NextResultSet(); err != nil {
				return nil //nolint:nilerr // io.EOF: there is none
			}
			vals := make([]driver.Value, len(q.answer.Columns()))
			for {
				err := q.answer.Next(vals)
				if errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					return err
				}
				q.c.line.ask(rowMax)
			}
		}
	})
}

// render makes text of the row's values.
func (q *source) render() error {
	q.buf = q.buf[:0]
	ends := make([]int, len(q.raw))
	for i, v := range q.raw {
		if q.types[i].tooLarge(v) {
			return &connectors.TargetError{Code: "too large", Text: fmt.Sprintf("a value of more than %d MiB in column %d; select a part of it", valueMax>>20, i+1)}
		}
		if v != nil {
			q.buf = q.types[i].render(q.buf, v)
		}
		ends[i] = len(q.buf)
	}
	from := 0
	for i, v := range q.raw {
		q.vals[i] = connectors.Value{Null: v == nil, Bytes: q.buf[from:ends[i]:ends[i]]}
		from = ends[i]
		q.raw[i] = nil
	}
	return nil
}

// Notices returns the messages that came.
func (q *source) Notices() []string { return q.heard.taken() }
