package sqlite

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Options of a Driver. The zero value is right.
type Options struct {
	// BusyTimeout is how long a statement waits for another's lock on the file; 0
	// is 5 seconds.
	BusyTimeout time.Duration
}

// Driver opens SQLite files. It is safe for concurrent use.
type Driver struct{ options Options }

// Conn is an open file.
type Conn struct {
	guard connectors.Guard
	login string
	// ctx ends when the Conn is closed; its cause is errClosed.
	ctx    context.Context
	cancel context.CancelCauseFunc

	judging sync.Mutex // above judge
	judge   *engine
	trees   trees
	// structure is of the schema that was judged by last.
	structure *structure

	// running admits one operation: from Query to the end of its Result.
	running chan struct{}
	// stepping is held by each call into the reader or writer, so that Close does
	// not free them under it. It is never held together with judging.
	stepping       sync.Mutex
	reader, writer *engine
	closed         bool
}

var (
	_ connectors.Driver    = (*Driver)(nil)
	_ connectors.Conn      = (*Conn)(nil)
	_ connectors.Querier   = (*Conn)(nil)
	_ connectors.Judge     = (*Conn)(nil)
	_ connectors.Tracer    = (*Conn)(nil)
	_ connectors.Describer = (*Conn)(nil)
)

// New returns a driver.
func New(o Options) *Driver {
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 5 * time.Second
	}
	return &Driver{o}
}

// Kind is "sqlite".
func (*Driver) Kind() string { return "sqlite" }

// Open opens e.Database, which must exist; there is nothing to sign in to, and
// the secret is ignored. Errors wrap connectors.ErrUnreachable for a file that
// is missing or cannot be opened, ErrProtocol for one that is no database.
func (d *Driver) Open(ctx context.Context, e connectors.Endpoint, _ mask.Secret, g connectors.Guard) (connectors.Conn, error) {
	if err := regular(e.Database); err != nil {
		return nil, fmt.Errorf("open %q: %w: %w", e.Name, connectors.ErrUnreachable, err)
	}
	for _, text := range []string{"PRAGMA query_only = 1", schemaQuery + " -- again before each statement is judged"} {
		if err := g.Note(ctx, text); err != nil {
			return nil, fmt.Errorf("open %q: %w", e.Name, err)
		}
	}
	c := &Conn{guard: g, login: e.User, running: make(chan struct{}, 1)}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	if err := c.open(ctx, e.Database, d.options.BusyTimeout); err != nil {
		_ = c.Close()
		return nil, openError(e.Name, err)
	}
	return c, nil
}

// Classify finds the facts of a text without a file: what an empty database can
// tell. A text that names tables is of class unknown, and says so. The error is
// only set where ctx ended.
func (d *Driver) Classify(ctx context.Context, text string) (policy.Facts, error) {
	c := new(Conn)
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	defer c.cancel(nil)
	judge, err := openEngine(":memory:", sqlite3.OPEN_READWRITE|sqlite3.OPEN_MEMORY, d.options.BusyTimeout)
	if err != nil {
		return policy.Facts{Why: "no database to judge it with"}, err
	}
	defer judge.close()
	c.judge = judge
	j, err := c.assess(ctx, text)
	if err != nil {
		return policy.Facts{Why: err.Error()}, err
	}
	if j.fault != nil {
		j.facts.Why += "; it is judged without the file's schema"
	}
	return j.facts, nil
}

// regular refuses what the library would take for a URI or for memory, and
// tells a missing file before the library makes something of it.
func regular(file string) error {
	if strings.HasPrefix(file, "file:") || strings.HasPrefix(file, ":") || file == "" {
		return fmt.Errorf("the database %q is not the path of a file", file)
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%q is not a file", file)
	}
	return nil
}

// open opens the writer first: it is the one that can recover the file after a
// crash of another program.
func (c *Conn) open(ctx context.Context, file string, busy time.Duration) (err error) {
	if c.writer, err = openEngine(file, sqlite3.OPEN_READWRITE, busy); err != nil {
		return err
	}
	if c.reader, err = openEngine(file, sqlite3.OPEN_READONLY, busy); err != nil {
		return err
	}
	if c.judge, err = openEngine(file, sqlite3.OPEN_READONLY, busy); err != nil {
		return err
	}
	for _, e := range []*engine{c.writer, c.reader, c.judge} {
		err := e.mine(ctx, func() error {
			if e != c.writer {
				if err := e.c.Exec("PRAGMA query_only = 1"); err != nil {
					return err
				}
			}
			_, err := readKinds(e.c)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close interrupts what runs and frees the file. It may be called at any time
// and more than once.
func (c *Conn) Close() error {
	c.cancel(errClosed)
	c.stepping.Lock()
	if !c.closed {
		c.closed = true
		c.reader.close()
		c.writer.close()
	}
	c.stepping.Unlock()
	c.judging.Lock()
	defer c.judging.Unlock()
	c.judge.close()
	c.judge = nil
	return nil
}

// Judge finds the facts of a statement. Nothing runs. A text that does not
// compile is of class unknown; an error means that the file could not be read.
func (c *Conn) Judge(ctx context.Context, s connectors.Statement) (policy.Facts, error) {
	j, err := c.assess(ctx, s.Text)
	if err != nil {
		return policy.Facts{}, err
	}
	return j.facts, nil
}

// either ends when one of the two contexts does. stop frees it.
func (c *Conn) either(ctx context.Context) (both context.Context, stop func()) {
	both, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(c.ctx, func() { cancel(errClosed) })
	return both, func() { unhook(); cancel(nil) }
}

// assess judges a text on the judge.
func (c *Conn) assess(ctx context.Context, text string) (j *judgement, err error) {
	ctx, stop := c.either(ctx)
	defer stop()
	c.judging.Lock()
	defer c.judging.Unlock()
	if c.judge == nil {
		return nil, errClosed
	}
	if strings.IndexByte(text, 0) >= 0 {
		return faulty(text, &connectors.TargetError{Code: "SQLITE_ERROR", Text: "the text holds a NUL byte"}), nil
	}
	if len(text) > textMax {
		return faulty("", &connectors.TargetError{Code: "SQLITE_TOOBIG", Text: "the text is larger than 1 MiB"}), nil
	}
	var k kinds
	if err := c.judge.mine(ctx, func() (err error) { k, err = readKinds(c.judge.c); return err }); err != nil {
		return nil, ended(ctx, schemaQuery, err)
	}
	var log []action
	c.judge.may = func(a action) bool {
		log = append(log, a)
		return !neverPrepared(a.code)
	}
	defer func() { c.judge.may = nil }()
	err = c.judge.call(ctx, func() error {
		stmt, tail, err := c.judge.c.Prepare(text)
		if err != nil {
			return err
		}
		defer stmt.Close()
		j = assess(text, log, k)
		switch {
		case stmt == nil:
			j.facts = policy.Facts{Why: "there is no statement"}
			return nil
		case len(syntax.Lex(tail)) > 0 && !empty(tail):
			j.facts.Class, j.facts.Why = policy.Unknown, "more than one statement; run them one by one"
			return nil
		}
		for i := range stmt.ColumnCount() {
			j.labels = append(j.labels, stmt.ColumnName(i))
		}
		c.judge.own = true // to describe tables
		defer func() { c.judge.own = false }()
		j.follow(c.traced(text, k, stmt, log), text)
		return nil
	})
	switch {
	case err == nil:
		return j, nil
	case ctx.Err() != nil:
		return nil, ended(ctx, text, err)
	}
	for _, a := range log {
		if neverPrepared(a.code) {
			j := assess(text, log, k)
			j.facts.Class, j.facts.Why = policy.Unknown, j.facts.Verb+" is not run through the gate"
			return j, nil
		}
	}
	return faulty(text, targetError(text, err)), nil
}

// empty reports whether a text has nothing but semicolons.
func empty(text string) bool {
	for _, t := range syntax.Lex(text) {
		if !t.Op(";") {
			return false
		}
	}
	return true
}

// faulty is the judgement of a text that does not compile. Its tokens are not
// looked at: they may be of any depth.
func faulty(text string, fault error) *judgement {
	j := &judgement{fault: fault, facts: policy.Facts{Why: fault.Error()}}
	if toks := syntax.Lex(text); len(toks) > 0 && toks[0].Kind == syntax.Word {
		j.facts.Verb = toks[0].Text
	}
	return j
}
