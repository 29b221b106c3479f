package sqlite

import (
	"context"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Query judges the statement, asks the guard, and runs it: on the reader where
// the terms are read-only, else on the writer. A statement without an answer has
// run when Query returns; its error comes with the first Batch. A second
// operation before the end of a Result is refused with ErrUnsupported.
func (c *Conn) Query(ctx context.Context, g connectors.Guard, s connectors.Statement) (*connectors.Result, error) {
	select {
	case c.running <- struct{}{}:
	default:
		return nil, fmt.Errorf("another statement runs on this connection: %w", connectors.ErrUnsupported)
	}
	r, err := c.query(ctx, g, s)
	if err != nil {
		<-c.running
		return nil, err
	}
	return r, nil
}

func (c *Conn) query(ctx context.Context, g connectors.Guard, s connectors.Statement) (*connectors.Result, error) {
	j, err := c.assess(ctx, s.Text)
	if err != nil {
		return nil, err
	}
	p, err := g.Check(ctx, connectors.Operation{
		Action: policy.ActionSQL, Text: s.Text, Facts: j.facts, Login: c.login, Reads: j.reads, Trace: j.trace,
	})
	if err != nil {
		return nil, err
	}
	if err := refuse(p, j); err != nil {
		return nil, connectors.Settle(p, j.facts, false, connectors.Outcome{Err: err, Affected: -1})
	}
	src := &rows{conn: c, text: s.Text, j: j, engine: c.writer, seen: p.Seen(), kept: p.Kept()}
	if p.Terms().ReadOnly {
		src.engine = c.reader
	}
	src.begin(ctx, p.Terms().Timeout)
	var columns []connectors.Column
	if err = src.disorder(ctx, g); err == nil {
		columns, err = src.prepare()
	}
	if err != nil {
		src.release()
		return nil, connectors.Settle(p, j.facts, true, connectors.Outcome{Err: err, Affected: -1})
	}
	if len(columns) == 0 {
		src.run()
	}
	return connectors.NewResult(p, j.facts, columns, src), nil
}

// refuse is for what the gate may permit and this kind cannot run safely.
func refuse(p connectors.Permit, j *judgement) error {
	if j.fault != nil {
		return j.fault
	}
	if j.control {
		return fmt.Errorf("%s: each statement runs in a transaction of its own: %w", j.facts.Verb, connectors.ErrUnsupported)
	}
	if j.facts.Class == policy.Unknown {
		return fmt.Errorf("%s: %w", j.facts.Why, connectors.ErrUnsupported)
	}
	if no := j.trace.Refusal(p.Seen(), p.Kept(), j.facts); no != nil {
		return no
	}
	if no := j.trace.Carries(p.Seen()); no != nil {
		return no
	}
	for _, plan := range []*mask.Plan{p.Seen(), p.Kept()} {
		if c, ok := connectors.MaskedRead(plan, j.reads); ok {
			return fmt.Errorf("a statement that changes rows and reads the masked column %s.%s: %w", c.Table, c.Name, connectors.ErrUnsupported)
		}
	}
	return nil
}

// allows is the authorizer's judgement while the statement is prepared and
// stepped: nothing that was not in the judge's log.
func (j *judgement) allows(a action) bool {
	if j.allowed[a] {
		return true
	}
	// A table of which no column is left, as those that are hidden are taken for NULL.
	if a.code == sqlite3.AUTH_READ && a.b == "" && j.readsAny(a.a) {
		return true
	}
	// A change of structure makes SQLite read its own schema again as it runs.
	if j.facts.Class != policy.DDL {
		return false
	}
	switch a.code {
	case sqlite3.AUTH_SELECT:
		return true
	case sqlite3.AUTH_READ:
		return internal(a.a) || j.makes(a.a)
	case sqlite3.AUTH_FUNCTION:
		return renaming[a.b] || harmless[a.b]
	}
	return false
}

// readsAny reports whether any column of a table may be read.
func (j *judgement) readsAny(table string) bool {
	for a := range j.allowed {
		if a.code == sqlite3.AUTH_READ && a.a == table {
			return true
		}
	}
	return false
}

// makes reports whether the statement makes or alters the table: the engine reads
// the definition again, with what its constraints name.
func (j *judgement) makes(table string) bool {
	return j.allowed[action{code: sqlite3.AUTH_CREATE_TABLE, a: table, schema: "main"}] ||
		j.allowed[action{code: sqlite3.AUTH_ALTER_TABLE, a: "main", b: table}]
}
