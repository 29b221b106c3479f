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
	"github.com/sallyport/sallyport/policy"
)

// Conn is one session at the target, and a second one beside it.
//
// Only the goroutine that holds io uses the main line, only the one that holds side
// the second. Whoever needs both takes io first.
type Conn struct {
	endpoint connectors.Endpoint
	guard    connectors.Guard // of Open: for what belongs to no operation

	io   chan struct{}
	main *wire

	side   chan struct{}
	second *wire

	views atomic.Pointer[views]

	turn connectors.Turn

	mu   sync.Mutex
	open openCursor // at the target
}

var (
	_ connectors.Conn      = (*Conn)(nil)
	_ connectors.Querier   = (*Conn)(nil)
	_ connectors.Judge     = (*Conn)(nil)
	_ connectors.Describer = (*Conn)(nil)
	_ connectors.Tracer    = (*Conn)(nil)
)

var errTime = errors.New("the command took longer than its time limit")

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
	if gone := c.turn.Gone(); gone != nil && !ending {
		return nil, gone
	}
	limit := sideTime
	if ending { // a target that does not answer holds up nobody who leaves
		limit = cancelGrace
	}
	run, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if c.second, err = c.renewed(run, c.second); err != nil {
		return nil, err
	}
	w := c.second
	_ = w.nc.SetDeadline(time.Now().Add(limit))
	defer func() { _ = w.nc.SetDeadline(time.Time{}) }()
	if said, err = w.ask(cmd, db); err == nil {
		err = failed(said)
	}
	if err != nil {
		return nil, err
	}
	return append(bsoncore.Document(nil), said...), nil
}
