package mongodb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/mongodb/judge"
	"github.com/sallyport/sallyport/connectors/mongodb/shell"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Conn is one session at the target, and a second one beside it.
//
// Only the goroutine that holds io uses the main line, only the one that holds side
// the second. Whoever needs both takes io first.
type Conn struct {
	endpoint connectors.Endpoint
	guard    connectors.Guard // of Open: for what belongs to no operation
	secret   mask.Secret

	io   chan struct{}
	main *wire

	side   chan struct{}
	second *wire

	views atomic.Pointer[views]

	mu     sync.Mutex
	cancel context.CancelCauseFunc // of the operation that runs, or nil
	closed bool
}

var (
	_ connectors.Conn      = (*Conn)(nil)
	_ connectors.Querier   = (*Conn)(nil)
	_ connectors.Judge     = (*Conn)(nil)
	_ connectors.Describer = (*Conn)(nil)
	_ connectors.Tracer    = (*Conn)(nil)
)

var (
	errBusy       = errors.New("another command still runs on this connection")
	errConnClosed = errors.New("the connection was closed")
	errTime       = errors.New("the command took longer than its time limit")
)

// Login is the upstream user.
func (c *Conn) Login() string { return c.endpoint.User }

// assessed is a text with its judgement.
type assessed struct {
	*judge.Judgement
	cmd   shell.Command
	wrong error // why it is no command
}

// assess judges a text by the catalog as last read.
func (c *Conn) assess(text string) *assessed {
	cmd, err := shell.Parse(text, c.endpoint.Database)
	if err != nil {
		return &assessed{Judgement: judge.Unparsed(err.Error()), wrong: err}
	}
	a := &assessed{Judgement: judge.Judge(cmd.Doc, cmd.Admin, c.endpoint.Database, c.views.Load()), cmd: cmd}
	if len(a.Columns) > maxColumns {
		a.Cannot = cmp.Or(a.Cannot, fmt.Sprintf("it names more than %d fields of its answer", maxColumns))
	}
	for _, col := range a.answer() {
		a.Trace.Columns = append(a.Trace.Columns, connectors.ValueOrigin{Columns: col.Document.Columns()})
	}
	return a
}

// Judge finds the facts of a command from its text and the catalog as last read. It
// asks the target nothing.
func (c *Conn) Judge(_ context.Context, s connectors.Statement) (policy.Facts, error) {
	return c.assess(s.Text).Facts, nil
}

// Trace tells where a command's values come from, as Judge does facts.
func (c *Conn) Trace(_ context.Context, s connectors.Statement) (*connectors.Trace, error) {
	return c.assess(s.Text).Trace, nil
}

// aside asks on the second line, which is made anew where it was lost. What is asked
// is read to its end, whoever has left meanwhile: the line is needed again.
func (c *Conn) aside(ctx context.Context, db string, cmd bsoncore.Document) (bsoncore.Document, error) {
	return c.beside(ctx, db, cmd, false)
}

func (c *Conn) beside(ctx context.Context, db string, cmd bsoncore.Document, ending bool) (said bsoncore.Document, err error) {
	select {
	case c.side <- struct{}{}:
	case <-ctx.Done():
		return nil, canceled(ctx)
	}
	defer func() { <-c.side }()
	// What Close ends is ended over this line, which it gives up last.
	if c.isClosed() && !ending {
		return nil, fmt.Errorf("%w: %w", connectors.ErrVanished, errConnClosed)
	}
	run, cancel := context.WithTimeout(context.WithoutCancel(ctx), sideTime)
	defer cancel()
	if c.second, err = c.renewed(run, c.second); err != nil {
		return nil, err
	}
	w := c.second
	_ = w.nc.SetDeadline(time.Now().Add(sideTime))
	defer func() { _ = w.nc.SetDeadline(time.Time{}) }()
	if said, err = w.ask(cmd, db); err == nil {
		err = failed(said)
	}
	if err != nil {
		return nil, err
	}
	return append(bsoncore.Document(nil), said...), nil
}

// renewed is the line, or a new one where it was lost.
func (c *Conn) renewed(ctx context.Context, w *wire) (*wire, error) {
	if w != nil && !w.broken {
		return w, nil
	}
	if w != nil {
		_ = w.nc.Close()
	}
	n, err := signIn(ctx, c.endpoint, c.secret)
	if err != nil {
		return w, openError(c.endpoint.Name, err)
	}
	return n, nil
}

// watch ends what the main line runs once ctx has ended. stop must be called, once or
// more; nothing is ended after it.
func (c *Conn) watch(ctx context.Context) (stop func()) {
	w := c.main
	done := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = w.nc.SetReadDeadline(time.Now().Add(cancelGrace))
		c.kill(w)
	})
	return sync.OnceFunc(func() {
		if !unhook() {
			<-done
			_ = w.nc.SetReadDeadline(time.Time{})
		}
	})
}

// kill ends what a line runs at the target: by killOp of its own operation, and
// where that cannot be had, by cutting the line, which the target notices by itself.
func (c *Conn) kill(w *wire) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace/2)
	defer cancel()
	if !c.killed(ctx, w.connection) {
		_ = w.nc.Close()
	}
}

func (c *Conn) killed(ctx context.Context, connection int64) bool {
	if connection == 0 {
		return false
	}
	said, err := c.beside(ctx, "admin", command("currentOp", 1).boolean("$ownOps", true).long("connectionId", connection).done(), true)
	if err != nil {
		return false
	}
	list, _ := said.Lookup("inprog").ArrayOK()
	ops, err := list.Values()
	done := false
	for _, v := range ops {
		op, _ := v.DocumentOK()
		id, err := op.LookupErr("opid")
		if err != nil {
			continue
		}
		if n, ok := number(op, "connectionId"); !ok || n != connection {
			continue
		}
		if _, err := c.beside(ctx, "admin", command("killOp", 1).value("op", id).done(), true); err == nil {
			done = true
		}
	}
	return done && err == nil
}

// begin makes the caller the one operation of the connection. end ends it.
func (c *Conn) begin(ctx context.Context) (context.Context, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, fmt.Errorf("%w: %w", connectors.ErrVanished, errConnClosed)
	case c.cancel != nil:
		return nil, errBusy
	}
	run, cancel := context.WithCancelCause(ctx)
	c.cancel = cancel
	return run, nil
}

func (c *Conn) end() { c.stop(nil, true) }

// stop cancels the operation that runs.
func (c *Conn) stop(cause error, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel(cause)
		if over {
			c.cancel = nil
		}
	}
}

func (c *Conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// Close cancels what runs at the target and ends both sessions. It may be called at
// any moment and more than once.
func (c *Conn) Close() error {
	// What runs is cancelled while the second line still serves.
	c.stop(errConnClosed, false)
	c.mu.Lock()
	again := c.closed
	c.closed = true
	c.mu.Unlock()
	if again {
		return nil
	}
	for _, l := range []struct {
		turn chan struct{}
		line **wire
	}{{c.io, &c.main}, {c.side, &c.second}} {
		select {
		case l.turn <- struct{}{}:
		case <-time.After(cancelGrace + time.Second):
		}
		if w := *l.line; w != nil {
			w.broken = true
			_ = w.nc.Close()
		}
		select {
		case <-l.turn:
		default:
		}
	}
	c.secret.Destroy()
	return nil
}
