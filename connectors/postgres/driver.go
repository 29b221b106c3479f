package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Options are the choices of a Driver. The zero value is right.
type Options struct {
	// Worker is the command that runs ParserWorker on its standard streams. nil
	// is this binary with WorkerArgument.
	Worker []string
	// Grace is how long the target may take to end a cancelled statement before the
	// connection is given up, and a third of how long a transaction's end may take; 0
	// is 10 seconds.
	Grace time.Duration
}

// Driver opens connections to PostgreSQL and judges statements. It owns the
// parser workers, which it starts in the background when first needed. Only New
// makes one. It is safe for concurrent use.
type Driver struct {
	grace time.Duration
	pool  *pool
	cache cache
	trees treeCache
	// systems are the system catalogs that were met, *system by what tells them apart.
	systems sync.Map
}

var (
	_ connectors.Driver     = (*Driver)(nil)
	_ connectors.Classifier = (*Driver)(nil)
)

// New makes a driver. The caller closes it.
func New(o Options) *Driver {
	argv := slices.Clone(o.Worker)
	if len(argv) == 0 {
		argv = []string{self(), WorkerArgument}
	}
	if o.Grace <= 0 {
		o.Grace = 10 * time.Second
	}
	return &Driver{pool: newPool(argv), grace: o.Grace}
}

// self is the path of this binary, also after a new one replaced it on disk.
func self() string {
	if runtime.GOOS == "linux" {
		return "/proc/self/exe"
	}
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// Close ends the parser workers and waits for them. Connections must be closed
// before; what is judged afterwards is Unknown.
func (d *Driver) Close() error {
	d.pool.Close()
	return nil
}

// Warm starts the parser workers without waiting for them.
func (d *Driver) Warm() { d.pool.warm() }

// Kind returns "postgres".
func (d *Driver) Kind() string { return "postgres" }

// Classify finds the facts of a text without a connection: kinds of tables are
// unknown, and functions that are not on the list of harmless ones count as
// writes. A text that cannot be judged has class Unknown and says why; the error
// is only set where no parser could be had or ctx ended.
func (d *Driver) Classify(ctx context.Context, text string) (policy.Facts, error) {
	j, err := d.judge(ctx, text)
	if err != nil {
		return policy.Facts{Class: policy.Unknown, Opaque: true, Why: err.Error()}, err
	}
	return resolve(j, nil), nil
}

// judge is the judgement of a text, from the cache or from a worker. Its error
// says that there was no worker to ask.
func (d *Driver) judge(ctx context.Context, text string) (*judgement, error) {
	if why := refused(text); why != "" {
		j := unknown(why)
		j.Cannot = why
		return j, nil
	}
	if j, ok := d.cache.get(text); ok {
		return j, nil
	}
	j, err := d.pool.judge(ctx, text)
	var syntax *syntaxError
	switch {
	case errors.As(err, &syntax):
		j = unknown(fmt.Sprintf("PostgreSQL's grammar does not take it: %s", syntax.Message))
	case errors.Is(err, errKilled):
		j = unknown(errKilled.Error() + ": it is too deep or too large to be judged")
		j.Cannot = errKilled.Error()
	case err != nil:
		return nil, fmt.Errorf("judge the statement: %w", err)
	}
	d.cache.put(text, j)
	return j, nil
}

// Open connects, takes over the session and reads what the login may do. Its
// errors wrap ErrUnreachable, ErrCredential, ErrHostKey or ErrProtocol, or are
// those of g.Note.
func (d *Driver) Open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (connectors.Conn, error) {
	d.pool.warm()
	c, err := connect(ctx, d, e, secret)
	if err != nil {
		return nil, err
	}
	if err := c.takeOver(ctx, g); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("open %q: %w", e.Name, connectors.OpenEnded(ctx, err))
	}
	return c, nil
}
