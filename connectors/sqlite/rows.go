package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// rows is a running statement as the source of a Result. Its connection admits
// no other until Finish.
type rows struct {
	conn   *Conn
	engine *engine
	text   string
	j      *judgement
	// again is the judgement of the text where that is not the one that was judged;
	// masks go by j all the same.
	again      *judgement
	seen, kept *mask.Plan

	// ctx is the operation's: it ends with the requester's, the connection, the
	// time allowed, or a context given to Next (hooked).
	ctx    context.Context
	cancel context.CancelCauseFunc
	hooked context.Context
	unhook []func() bool

	stmt     *sqlite3.Stmt
	masked   []bool // columns that the requester sees masked
	prepared bool
	columns  []connectors.Column
	values   []connectors.Value
	buf      []byte
	n        int64
	changes  int64
	finished bool  // the statement has come to its end or failed
	err      error // how it failed
}

var _ connectors.Source = (*rows)(nil)

func (r *rows) begin(ctx context.Context, timeout time.Duration) {
	r.ctx, r.cancel = context.WithCancelCause(ctx)
	r.hooked = ctx
	r.unhook = append(r.unhook, context.AfterFunc(r.conn.ctx, func() { r.cancel(errClosed) }))
	if timeout > 0 {
		t := time.AfterFunc(timeout, func() { r.cancel(errTime) })
		r.unhook = append(r.unhook, t.Stop)
	}
}

// release frees the operation's context.
func (r *rows) release() {
	for _, stop := range r.unhook {
		stop()
	}
	r.cancel(nil)
}

// call runs f on the engine unless the connection is closed.
func (r *rows) call(f func() error) error {
	r.conn.stepping.Lock()
	defer r.conn.stepping.Unlock()
	if r.conn.closed {
		return errClosed
	}
	r.engine.may = r.allows
	r.engine.hide = func(a action) bool { return r.judged().hides(a, r.seen) }
	defer func() { r.engine.may, r.engine.hide = nil, nil }()
	err := r.engine.call(r.ctx, f)
	var te *connectors.TargetError
	if err == nil || errors.As(err, &te) || codeOf(err) == 0 {
		return err
	}
	if codeOf(err) == sqlite3.AUTH {
		return &connectors.TargetError{Code: "SQLITE_AUTH", Text: errMoved.Error()}
	}
	return ended(r.ctx, r.text, err)
}

func (r *rows) prepare() ([]connectors.Column, error) {
	err := r.call(func() (err error) {
		if err := r.unmoved(); err != nil {
			return err
		}
		if r.stmt, _, err = r.engine.c.Prepare(r.text); err != nil {
			return err
		}
		r.columns = r.describe()
		r.prepared = true
		return nil
	})
	if err == nil {
		r.values = make([]connectors.Value, len(r.columns))
		r.masked = make([]bool, len(r.columns))
		for i, c := range r.columns {
			if c.From != nil {
				_, r.masked[i] = connectors.MaskedRead(r.seen, c.From.Columns)
			}
		}
	}
	return r.columns, err
}

// judged is the judgement of the text that runs.
func (r *rows) judged() *judgement {
	if r.again != nil {
		return r.again
	}
	return r.j
}

// unmoved makes sure that the schema is the one that the statement was judged by,
// and that the engine has read it. If it changes from now on, the engine prepares
// the statement again when it is stepped, which allows refuses.
func (r *rows) unmoved() error {
	r.engine.own = true
	defer func() { r.engine.own = false }()
	k, err := readKinds(r.engine.c)
	if err == nil && k.stamp != r.judged().kinds.stamp {
		err = fmt.Errorf("%w: %w", errMoved, connectors.ErrProtocol)
	}
	return err
}

// allows is the authorizer's judgement while the statement is prepared and stepped.
func (r *rows) allows(a action) bool {
	if r.prepared && r.j.facts.Class != policy.DDL {
		return false // it is being prepared again: the schema has changed
	}
	return r.judged().allows(a)
}

// describe tells the columns, with an origin where SQLite's word on it can be
// trusted: see the package's documentation.
func (r *rows) describe() []connectors.Column {
	out := make([]connectors.Column, r.stmt.ColumnCount())
	for i := range out {
		typ := r.stmt.ColumnDeclType(i)
		out[i] = connectors.Column{Name: r.stmt.ColumnName(i), Type: strings.ToLower(typ), Numeric: numeric(typ)}
		if r.again != nil { // the label may be of the statement's text
			out[i].Name = r.j.labels[i]
		}
		if t := r.j.trace; t.Understood() && len(t.Columns) == len(out) {
			out[i].From = &t.Columns[i]
		}
		table, column := r.stmt.ColumnTableName(i), r.stmt.ColumnOriginName(i)
		if table == "" || column == "" || r.j.selects > 1 {
			continue
		}
		out[i].Origin = &mask.Column{Schema: r.stmt.ColumnDatabaseName(i), Table: table, Name: column}
		out[i].OriginKind, _ = r.j.kinds.of(table)
	}
	return out
}

// numeric tells whether a declared type has a number's affinity
// (sqlite.org/datatype3.html, section 3.1).
func numeric(typ string) bool {
	typ = strings.ToUpper(typ)
	for _, s := range []string{"INT", "REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL"} {
		if strings.Contains(typ, s) {
			return true
		}
	}
	return false
}

// run steps a statement without columns to its end.
func (r *rows) run() {
	if _, err := r.step(); err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
}

// step moves to the next row, or says io.EOF.
func (r *rows) step() (row bool, err error) {
	if r.finished {
		return false, r.end()
	}
	err = r.call(func() error {
		row = r.stmt.Step()
		if row && r.n == 0 {
			return r.unchanged()
		}
		if row {
			return nil
		}
		if err := r.stmt.Err(); err != nil {
			return err
		}
		r.changes = r.engine.c.Changes()
		return nil
	})
	if err == nil && row {
		r.n++
		return true, nil
	}
	r.finished, r.err = true, err
	return false, r.end()
}

func (r *rows) end() error {
	if r.err != nil {
		return r.err
	}
	return io.EOF
}

// unchanged makes sure that the columns are those that were described: SQLite
// prepares a statement again by itself if the schema changed before its first
// step.
func (r *rows) unchanged() error {
	same := slices.EqualFunc(r.columns, r.describe(), func(a, b connectors.Column) bool {
		return a.Name == b.Name && (a.Origin == nil) == (b.Origin == nil) && (a.Origin == nil || *a.Origin == *b.Origin)
	})
	if !same {
		return fmt.Errorf("the schema has changed since the statement was judged; run it again: %w", connectors.ErrProtocol)
	}
	return nil
}

// Next steps to the next row.
func (r *rows) Next(ctx context.Context) ([]connectors.Value, error) {
	if ctx != r.hooked {
		r.hooked = ctx
		r.unhook = append(r.unhook, context.AfterFunc(ctx, func() { r.cancel(context.Cause(ctx)) }))
	}
	row, err := r.step()
	if !row {
		return nil, err
	}
	if err := r.call(r.read); err != nil {
		r.finished, r.err = true, err
		return nil, err
	}
	return r.values, nil
}

func (r *rows) read() error {
	r.buf = r.buf[:0]
	spared := 0
	for i := range r.values {
		from := len(r.buf)
		v := connectors.Value{}
		switch r.stmt.ColumnType(i) {
		case sqlite3.NULL:
			v.Null = true
		case sqlite3.BLOB:
			r.buf = fmt.Appendf(append(r.buf, `\x`...), "%x", r.stmt.ColumnRawBlob(i))
		default:
			r.buf = append(r.buf, r.stmt.ColumnRawText(i)...)
		}
		// How much more fits into a row must not tell the size of what is masked.
		if r.masked[i] {
			r.buf = r.buf[:min(len(r.buf), from+maskedMax)]
			spared += len(r.buf) - from
		}
		if !v.Null {
			v.Bytes = r.buf[from:len(r.buf):len(r.buf)]
		}
		r.values[i] = v
		if len(r.buf)-spared > rowMax {
			return errRow
		}
	}
	return r.stmt.Err()
}

// Notices is empty: SQLite sends none.
func (*rows) Notices() []string { return nil }

// Finish ends the statement. A statement that changes rows and answers
// (RETURNING) is first run to its end, if nothing forbids it: what it did would
// otherwise depend on how much of its answer was looked at.
func (r *rows) Finish() connectors.Outcome {
	for !r.finished && r.j.facts.Class.Severity() > readSeverity {
		_, _ = r.step()
	}
	// What Close says of a statement is what stepping it said already.
	_ = r.call(func() error { return r.stmt.Close() })
	o := connectors.Outcome{Err: r.err, Affected: r.affected()}
	// SQLite undoes a statement that failed. One that was cut off after its changes
	// and within its answer may have been committed.
	o.Unknown = r.n > 0 && r.j.facts.Class != policy.Read && (errors.Is(r.err, errClosed) || errors.Is(r.err, errMemory))
	if o.Err == nil {
		o.Tag = r.tag(o.Affected)
	}
	r.release()
	<-r.conn.running
	return o
}
