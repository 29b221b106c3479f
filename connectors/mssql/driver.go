package mssql

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// Options are the choices of a Driver. The zero value is right.
type Options struct {
	// Grace is how long the target may take to end a cancelled statement before the
	// connection is given up, 12 seconds if it is not set. The library itself waits twice
	// five seconds.
	Grace time.Duration
}

// Driver opens connections to SQL Server. It is safe for concurrent use.
type Driver struct{ grace time.Duration }

var _ connectors.Driver = (*Driver)(nil)

// New makes a driver.
func New(o Options) *Driver {
	heed()
	if o.Grace <= 0 {
		o.Grace = 12 * time.Second
	}
	return &Driver{o.Grace}
}

// Kind returns "mssql".
func (*Driver) Kind() string { return "mssql" }

// Open signs in and reads the catalog. Its errors wrap ErrUnreachable, ErrCredential,
// ErrHostKey or ErrProtocol, or are those of g.Note.
func (d *Driver) Open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (connectors.Conn, error) {
	c := &Conn{grace: d.grace, endpoint: e, guard: g, now: time.Now, io: make(chan struct{}, 1)}
	var err error
	if c.session, c.line, err = signIn(ctx, e, secret); err != nil {
		return nil, openError(e.Name, err)
	}
	if err := c.takeOver(ctx); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("open %q: %w", e.Name, connectors.OpenEnded(ctx, err))
	}
	return c, nil
}
