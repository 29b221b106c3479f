package clickhouse

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// Options are the choices of a Driver. The zero value is right.
type Options struct {
	// Patience bounds each question that the gate asks for itself (the catalog): a
	// target that does not answer in that time is unreachable. 0 is 20 seconds.
	Patience time.Duration
}

// Driver opens connections to ClickHouse. It is safe for concurrent use.
type Driver struct{ o Options }

var _ connectors.Driver = (*Driver)(nil)

// New makes a driver.
func New(o Options) *Driver { return &Driver{o} }

// Kind returns "clickhouse".
func (*Driver) Kind() string { return "clickhouse" }

// Open asks the target what it is and reads the catalog. The secret is presented with
// every request, so a copy is kept until Close. Its errors wrap ErrUnreachable,
// ErrCredential, ErrHostKey or ErrProtocol, or are those of g.Note.
func (d *Driver) Open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (connectors.Conn, error) {
	l, err := newLine(e, secret)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", e.Name, err)
	}
	c := &Conn{endpoint: e, line: l, patience: cmp.Or(d.o.Patience, 20*time.Second), now: time.Now, newID: func() string { return "sallyport-" + strings.ToLower(rand.Text()) }}
	if err := c.takeOver(ctx, g); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}
