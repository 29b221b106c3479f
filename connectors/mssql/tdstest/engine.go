package tdstest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// engine is SQLite as one session sees it.
type engine struct {
	db    *sqlite3.Conn
	depth int               // of BEGIN TRANSACTION
	words map[string]string // what @@ names and functions of the session are
}

func openEngine(file, database, login string) (*engine, error) {
	db, err := sqlite3.Open(":memory:")
	if err != nil {
		return nil, err
	}
	e := &engine{db: db, words: map[string]string{"DB_NAME": database, "SUSER_SNAME": login, "SCHEMA_NAME": "dbo"}}
	_ = db.BusyTimeout(5 * time.Second)
	for _, text := range []string{"attach 'file:" + file + "?vfs=memdb' as dbo", "attach ':memory:' as sys"} {
		if err := db.Exec(text); err != nil {
			e.close()
			return nil, err
		}
	}
	return e, e.functions()
}

func (e *engine) close() { _ = e.db.Close() }

// functions are those of T-SQL that the tests use and SQLite lacks.
func (e *engine) functions() error {
	var errs []error
	scalar := func(name string, args int, f sqlite3.ScalarFunction) {
		errs = append(errs, e.db.CreateFunction(name, args, sqlite3.DETERMINISTIC, f))
	}
	scalar("replicate", 2, func(c sqlite3.Context, arg ...sqlite3.Value) {
		c.ResultText(strings.Repeat(arg[0].Text(), max(0, int(arg[1].Int64()))))
	})
	scalar("len", 1, func(c sqlite3.Context, arg ...sqlite3.Value) { c.ResultInt(len([]rune(arg[0].Text()))) })
	scalar("is_srvrolemember", 1, func(c sqlite3.Context, _ ...sqlite3.Value) { c.ResultInt(0) })
	scalar("is_rolemember", 1, func(c sqlite3.Context, _ ...sqlite3.Value) { c.ResultInt(0) })
	for name, text := range e.words {
		scalar(strings.ToLower(name), 0, func(c sqlite3.Context, _ ...sqlite3.Value) { c.ResultText(text) })
	}
	return errors.Join(errs...)
}

func (e *engine) begin() error {
	if e.depth++; e.depth > 1 {
		return nil
	}
	return e.db.Exec("begin")
}

//lint:ignore ST1005 the server's own words
var errNoTransaction = errors.New("The request has no corresponding BEGIN TRANSACTION.")

func (e *engine) commit() error {
	if e.depth == 0 {
		return errNoTransaction
	}
	if e.depth--; e.depth > 0 {
		return nil
	}
	return e.db.Exec("commit")
}

func (e *engine) rollback() error {
	if e.depth == 0 {
		return errNoTransaction
	}
	e.depth = 0
	return e.db.Exec("rollback")
}

// run runs the statements of a batch and writes their answers. It reports whether
// the answer is complete: what ctx ended has yet to be ended by a word of that.
func (e *engine) run(ctx context.Context, a *answer, text string, args map[string]any) (complete bool) {
	old := e.db.SetInterrupt(ctx)
	defer e.db.SetInterrupt(old)
	list, err := statements(text)
	if err == nil && len(list) == 0 {
		a.done(0, 0)
		return true
	}
	for i, st := range list {
		var more uint16
		if i+1 < len(list) {
			more = doneMore
		}
		if err = e.statement(a, st, more, args); err != nil {
			break
		}
	}
	switch {
	case err == nil:
		return true
	case ctx.Err() != nil:
		return false
	}
	a.fault(faultOf(err))
	a.done(doneError, 0)
	return true
}

// faultOf gives SQLite's errors the numbers that SQL Server's have.
func faultOf(err error) fault {
	var f fault
	if errors.As(err, &f) {
		return f
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "no such table"):
		return fault{208, 1, 16, "Invalid object name '" + last(text) + "'."}
	case strings.Contains(text, "no such column"):
		return fault{207, 1, 16, "Invalid column name '" + last(text) + "'."}
	case strings.Contains(text, "UNIQUE constraint"):
		return fault{2627, 1, 14, "Violation of PRIMARY KEY constraint. Cannot insert duplicate key."}
	case strings.Contains(text, "locked"):
		return fault{1222, 51, 16, "Lock request time out period exceeded."}
	}
	return fault{102, 1, 15, "Incorrect syntax. " + text}
}

func last(s string) string { return s[strings.LastIndex(s, " ")+1:] }

func (e *engine) statement(a *answer, st statement, more uint16, args map[string]any) error {
	switch st.verb {
	case "SET":
		a.done(more, 0)
		return nil
	case "BEGIN":
		return e.control(a, more, e.begin)
	case "COMMIT":
		return e.control(a, more, e.commit)
	case "ROLLBACK":
		return e.control(a, more, e.rollback)
	case "PRINT":
		a.info(fault{0, 1, 0, st.text})
		a.done(more, 0)
		return nil
	}
	if strings.Contains(st.text, "sys.") {
		if err := e.catalog(); err != nil {
			return err
		}
	}
	p, _, err := e.db.Prepare(strings.ReplaceAll(st.text, "@@TRANCOUNT", fmt.Sprint(e.depth)))
	if err != nil {
		return err
	}
	defer p.Close()
	for name, v := range args {
		if at := p.BindIndex(name); at > 0 {
			if s, ok := v.(string); ok {
				_ = p.BindText(at, s)
			} else if n, ok := v.(int64); ok {
				_ = p.BindInt64(at, n)
			}
		}
	}
	if p.ColumnCount() == 0 {
		if err := p.Exec(); err != nil {
			return err
		}
		switch st.verb {
		case "INSERT", "UPDATE", "DELETE":
			a.done(more|doneCount, uint64(e.db.Changes()))
		default:
			a.done(more, 0)
		}
		return nil
	}
	return e.answerRows(a, p, more)
}

func (e *engine) control(a *answer, more uint16, f func() error) error {
	if err := f(); err != nil {
		return fault{3902, 1, 16, err.Error()}
	}
	if e.depth == 0 {
		a.environment(envRollback, []byte{0}, append([]byte{8}, make([]byte, 8)...))
	} else {
		a.environment(envBegin, []byte{8, 1, 0, 0, 0, 0, 0, 0, 0}, []byte{0})
	}
	a.done(more, 0)
	return nil
}

func (e *engine) answerRows(a *answer, p *sqlite3.Stmt, more uint16) error {
	ok := p.Step()
	if err := p.Err(); err != nil {
		return err
	}
	list := make([]column, p.ColumnCount())
	for i := range list {
		list[i] = column{p.ColumnName(i), kindOf(p, i, ok)}
	}
	a.columns(list)
	n := uint64(0)
	for ; ok; ok = p.Step() {
		values := make([]any, len(list))
		for i, c := range list {
			values[i] = valueOf(p, i, c.kind)
		}
		a.row(list, values)
		n++
	}
	if err := p.Err(); err != nil {
		return err
	}
	a.done(more|doneCount, n)
	return nil
}

// kindOf is a column's type: its declared one, or that of the first row's value.
func kindOf(p *sqlite3.Stmt, i int, row bool) string {
	name, _, _ := strings.Cut(strings.ToUpper(p.ColumnDeclType(i)), "(")
	if _, ok := types[name]; ok {
		return name
	}
	if !row {
		return "NVARCHAR"
	}
	switch p.ColumnType(i) {
	case sqlite3.INTEGER:
		return "BIGINT"
	case sqlite3.FLOAT:
		return "FLOAT"
	case sqlite3.BLOB:
		return "BINARY"
	case sqlite3.NULL:
		return "INT"
	}
	return "MAX"
}

func valueOf(p *sqlite3.Stmt, i int, kind string) any {
	if p.ColumnType(i) == sqlite3.NULL {
		return nil
	}
	switch kind {
	case "NVARCHAR", "VARCHAR", "MAX":
		return p.ColumnText(i)
	case "BINARY":
		return append([]byte{}, p.ColumnRawBlob(i)...)
	case "FLOAT":
		return p.ColumnFloat(i)
	}
	return p.ColumnInt64(i)
}
