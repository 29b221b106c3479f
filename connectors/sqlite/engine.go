package sqlite

import (
	"context"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Bounds on what one statement may cost the bastion. The engine's memory is its
// own; beyond memoryMax it fails with errMemory.
const (
	textMax   = 1 << 20  // bytes of a statement
	valueMax  = 16 << 20 // bytes of a value, or of a row of a table
	rowMax    = 32 << 20 // bytes of a row of an answer, as text
	maskedMax = 64 << 10 // bytes of a masked value that its mask is given
	memoryMax = 128 << 20
	depthMax  = 500 // of expressions and of compounds
)

// engine is one connection of the library with its authorizer. It is not safe
// for concurrent use.
type engine struct {
	c *sqlite3.Conn
	// may decides on an action; nil allows the gate's own statements only.
	may func(action) bool
	// hide reports whether a column that may be read is read as NULL.
	hide func(action) bool
	own  bool // the gate's own statement runs
	// broken is set after a panic: nothing more can be asked of it.
	broken bool
}

func openEngine(file string, flags sqlite3.OpenFlag, busy time.Duration) (*engine, error) {
	e := new(engine)
	err, _ := guarded(func() (err error) {
		if e.c, err = sqlite3.OpenFlags(file, flags); err != nil {
			return err
		}
		return e.configure(busy)
	})
	if err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

func (e *engine) configure(busy time.Duration) error {
	if err := e.c.BusyTimeout(busy); err != nil {
		return err
	}
	for op, on := range map[sqlite3.DBConfig]bool{
		sqlite3.DBCONFIG_DEFENSIVE:      true,
		sqlite3.DBCONFIG_TRUSTED_SCHEMA: false,
	} {
		if _, err := e.c.Config(op, on); err != nil {
			return err
		}
	}
	e.c.HardHeapLimit(memoryMax)
	e.c.Limit(sqlite3.LIMIT_SQL_LENGTH, textMax)
	e.c.Limit(sqlite3.LIMIT_LENGTH, valueMax)
	e.c.Limit(sqlite3.LIMIT_EXPR_DEPTH, depthMax)
	e.c.Limit(sqlite3.LIMIT_COMPOUND_SELECT, depthMax)
	e.c.Limit(sqlite3.LIMIT_ATTACHED, 0)
	return e.c.SetAuthorizer(e.authorize)
}

func (e *engine) authorize(code sqlite3.AuthorizerActionCode, a, b, schema, inner string) sqlite3.AuthorizerReturnCode {
	switch x := (action{code, a, b, schema, inner}); {
	case e.own:
		return sqlite3.AUTH_OK
	case e.may == nil || !e.may(x):
		return sqlite3.AUTH_DENY
	case e.hide != nil && e.hide(x):
		return sqlite3.AUTH_IGNORE
	}
	return sqlite3.AUTH_OK
}

// call runs f on the engine; ctx interrupts it.
func (e *engine) call(ctx context.Context, f func() error) error {
	if e.broken {
		return errBroken
	}
	e.c.SetInterrupt(ctx)
	err, broken := guarded(f)
	e.broken = e.broken || broken
	return err
}

// mine runs f with leave for the gate's own statements.
func (e *engine) mine(ctx context.Context, f func() error) error {
	e.own = true
	defer func() { e.own = false }()
	return e.call(ctx, f)
}

// close frees the engine, with statements that are still open.
func (e *engine) close() {
	if e == nil || e.c == nil {
		return
	}
	_, _ = guarded(func() error {
		e.c.SetInterrupt(context.Background())
		for s := range e.c.Stmts() {
			_ = s.Close()
		}
		return e.c.Close()
	})
}
