package mssql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/sallyport/sallyport/connectors"
)

// Conn is one session at the target.
//
// Only the goroutine that holds io uses the session.
type Conn struct {
	grace    time.Duration // of Options
	endpoint connectors.Endpoint
	guard    connectors.Guard // of Open: for what belongs to no operation
	now      func() time.Time

	io      chan struct{}
	session *mssql.Conn
	line    *line

	warnings []string
	home     string // the schema of names that say none

	catalog atomic.Pointer[catalog]
	dirty   atomic.Bool // the catalog must be read again

	turn connectors.Turn

	mu      sync.Mutex
	broken  bool
	tainted string // why names may not mean what the catalog says, "" if they do
}

var (
	_ connectors.Conn      = (*Conn)(nil)
	_ connectors.Querier   = (*Conn)(nil)
	_ connectors.Judge     = (*Conn)(nil)
	_ connectors.Describer = (*Conn)(nil)
	_ connectors.Tracer    = (*Conn)(nil)
)

// ownTime bounds a statement of the gate's own.
const ownTime = 30 * time.Second

const aboutText = "SELECT SCHEMA_NAME(), IS_SRVROLEMEMBER('sysadmin'), IS_SRVROLEMEMBER('securityadmin'), IS_SRVROLEMEMBER('serveradmin'), IS_ROLEMEMBER('db_owner'), IS_ROLEMEMBER('db_securityadmin')"

// sessionText makes the session the gate's own. It goes before each statement, since
// some texts that run may change what it sets, and asks where the session stands.
// QUOTED_IDENTIFIER decides how a text is read.
var sessionText = fmt.Sprintf("SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET ANSI_WARNINGS ON; SET CONCAT_NULL_YIELDS_NULL ON; SET IMPLICIT_TRANSACTIONS OFF; SET NOCOUNT OFF; SET ROWCOUNT 0; SET TEXTSIZE %d; SET LOCK_TIMEOUT 10000; SELECT @@TRANCOUNT, DB_NAME(), SUSER_SNAME()", valueMax+2)

// takeOver reads what the login may do, and the catalog.
func (c *Conn) takeOver(ctx context.Context) error {
	rows, err := c.own(ctx, c.guard, aboutText)
	if err != nil {
		return err
	}
	if len(rows) != 1 || len(rows[0]) != 6 {
		return fmt.Errorf("%w: it does not say what the login may do", connectors.ErrProtocol)
	}
	c.home = rows[0][0]
	for i, says := range []string{
		"is a member of sysadmin: it can do anything, whatever the policy says", "is a member of securityadmin: it can make itself anything",
		"is a member of serveradmin: it can stop the server", "is a member of db_owner: it can do anything in the database", "is a member of db_securityadmin: it can hand out rights",
	} {
		if rows[0][i+1] == "1" {
			c.warnings = append(c.warnings, "the login "+c.endpoint.User+" "+says)
		}
	}
	cat, err := c.readCatalog(ctx, c.guard)
	if err != nil {
		return err
	}
	c.catalog.Store(cat)
	return nil
}

// Warnings says what the login can do beyond what a gate should be given. It does
// not change.
func (c *Conn) Warnings() []string { return c.warnings }

// Login is the upstream user.
func (c *Conn) Login() string { return c.endpoint.User }

// own runs a statement of the gate's own and returns its rows. The caller does not
// hold io.
func (c *Conn) own(ctx context.Context, g connectors.Guard, text string, args ...any) ([][]string, error) {
	if err := g.Note(ctx, text); err != nil {
		return nil, err
	}
	c.io <- struct{}{}
	defer func() { <-c.io }()
	return c.rows(ctx, text, args...)
}

// rows runs a statement and returns what it answers, as texts. The caller holds io.
func (c *Conn) rows(ctx context.Context, text string, args ...any) (out [][]string, err error) {
	ctx, cancel := context.WithTimeout(ctx, ownTime)
	defer cancel()
	defer c.line.ask(catalogMax)()
	defer c.watch(ctx)()
	heard := new(notices)
	err = guarded(func() error {
		answer, err := c.ask(heard.within(ctx), text, args...)
		if err != nil {
			return err
		}
		defer answer.Close()
		types := typesOf(answer)
		vals := make([]driver.Value, len(types))
		for {
			if err := answer.Next(vals); errors.Is(err, io.EOF) {
				return heard.swallowed()
			} else if err != nil {
				return err
			}
			row := make([]string, len(vals))
			for i, v := range vals {
				if v != nil {
					row[i] = string(types[i].render(nil, v))
				}
			}
			if out = append(out, row); len(out) > maxCatalog {
				return fmt.Errorf("%w: its catalog has more than %d entries", connectors.ErrUnsupported, maxCatalog)
			}
		}
	})
	if err = c.failed(ctx, err); err != nil && !errors.Is(err, connectors.ErrCanceled) {
		c.breakOff() // see abandon
	}
	return out, err
}

// failed maps an error and remembers whether the session can be used after it.
func (c *Conn) failed(ctx context.Context, err error) error {
	mapped := c.failure(ctx, err)
	var te *connectors.TargetError
	if mapped != nil && (!errors.As(mapped, &te) && !errors.Is(mapped, connectors.ErrCanceled) && !errors.Is(mapped, connectors.ErrUnsupported) || !c.session.IsValid()) {
		c.breakOff()
	}
	return mapped
}

// abandon gives the session up after an error of a text that may have said more: the
// library reads no further then, and would wait for itself at the next statement. A
// text that does not compile says no more.
func (c *Conn) abandon(err error) {
	var te *connectors.TargetError
	if errors.As(err, &te) && !plain[te.Code] {
		c.breakOff()
	}
}

// breakOff gives the session up.
func (c *Conn) breakOff() {
	c.mu.Lock()
	c.broken = true
	c.mu.Unlock()
	_ = c.line.Close()
}

// isBroken reports whether the session was given up.
func (c *Conn) isBroken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// rowsAnswer is what the library's answers can say.
type rowsAnswer interface {
	driver.Rows
	driver.RowsNextResultSet
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypePrecisionScale
}

// ask sends a statement. The library calls some texts as procedures, and takes others
// for commands of its own; those are never sent.
func (c *Conn) ask(ctx context.Context, text string, args ...any) (rowsAnswer, error) {
	st, err := c.session.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	rows, err := st.(driver.StmtQueryContext).QueryContext(ctx, named(args))
	if err != nil {
		return nil, err
	}
	answer, ok := rows.(rowsAnswer)
	if !ok {
		return nil, fmt.Errorf("%w: an answer that was not asked for", connectors.ErrProtocol)
	}
	return answer, nil
}

func named(args []any) []driver.NamedValue {
	var out []driver.NamedValue
	for i, a := range args {
		out = append(out, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return out
}

// peculiar says why the library would not send a text as it is, "" if it would: one
// that is a name, beside what stands in brackets without white space or anything else
// that a name has not, it calls as a procedure.
func peculiar(text string) string {
	var rest strings.Builder
	for s := text; s != ""; {
		before, inner, ok := strings.Cut(s, "[")
		rest.WriteString(before)
		if !ok {
			break
		}
		if _, s, ok = strings.Cut(inner, "]"); !ok {
			break
		}
	}
	switch {
	case len(text) > 10 && strings.EqualFold(text[:10], "INSERTBULK"):
		return "rows are not copied in"
	case strings.EqualFold(text, "COMMIT"), strings.EqualFold(text, "ROLLBACK"):
	case !strings.ContainsAny(rest.String(), "\n\r\t';( "):
		return "a procedure is called by EXEC with its name"
	}
	return ""
}

func typesOf(a rowsAnswer) []valueType {
	names := a.Columns()
	out := make([]valueType, len(names))
	for i := range names {
		_, scale, _ := a.ColumnTypePrecisionScale(i)
		out[i] = typeOf(a.ColumnTypeDatabaseTypeName(i), int(min(scale, 9)))
	}
	return out
}

// watch gives the line up where the target does not end what ctx ended. stop must be
// called.
func (c *Conn) watch(ctx context.Context) (stop func()) {
	timer, done := make(chan struct{}), make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(done)
		c.line.ask(drainMax) // what comes until the target has heard of it
		t := time.NewTimer(c.grace)
		defer t.Stop()
		select {
		case <-t.C:
			c.breakOff()
		case <-timer:
		}
	})
	return sync.OnceFunc(func() {
		close(timer)
		if !unhook() {
			<-done
		}
	})
}

// begin makes the caller the one operation of the connection; turn.End ends it.
func (c *Conn) begin(ctx context.Context) (run context.Context, stop context.CancelCauseFunc, err error) {
	if run, stop, err = c.turn.Begin(ctx); err == nil && c.isBroken() {
		c.turn.End()
		return nil, nil, fmt.Errorf("%w: %w", connectors.ErrVanished, errLost)
	}
	return run, stop, err
}

// taint remembers why names may no longer mean what the catalog says.
func (c *Conn) taint(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tainted = why
}

func (c *Conn) taintedBy() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tainted
}

// Close cancels what runs at the target and ends the session. It may be called at any
// moment and more than once.
func (c *Conn) Close() error {
	if !c.turn.Close() {
		return nil
	}
	select {
	case c.io <- struct{}{}:
		_ = guarded(c.session.Close)
		<-c.io
	case <-time.After(c.grace + time.Second):
	}
	_ = c.line.Close()
	return nil
}
