package mysql

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
	// connection is given up, and half of how long to answer what the gate itself asks;
	// 0 is 10 seconds.
	Grace time.Duration
}

// Driver opens connections to MySQL and MariaDB. It is safe for concurrent use.
type Driver struct{ grace time.Duration }

var _ connectors.Driver = (*Driver)(nil)

// New makes a driver.
func New(o Options) *Driver {
	if o.Grace <= 0 {
		o.Grace = 10 * time.Second
	}
	return &Driver{o.Grace}
}

// Kind returns "mysql".
func (*Driver) Kind() string { return "mysql" }

// Open connects twice, makes both sessions the gate's own and reads the catalog. On
// the second line it reads the catalog and cancels what runs on the first: a
// session that signs in for that later would need the secret, which is not kept.
// Its errors wrap ErrUnreachable, ErrCredential, ErrHostKey or ErrProtocol, or are
// those of g.Note.
func (d *Driver) Open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (connectors.Conn, error) {
	c := &Conn{grace: d.grace, endpoint: e, guard: g, now: time.Now, io: make(chan struct{}, 1), side: make(chan struct{}, 1), database: e.Database}
	var err error
	if c.main, c.id, c.version, err = signIn(ctx, e, secret); err != nil {
		return nil, openError(ctx, e.Name, err)
	}
	if c.second, _, _, err = signIn(ctx, e, secret); err != nil {
		_ = c.Close()
		return nil, openError(ctx, e.Name, err)
	}
	if err := c.takeOver(ctx, g); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("open %q: %w", e.Name, connectors.OpenEnded(ctx, err))
	}
	return c, nil
}
