package mssql

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
)

// brittle is a line that breaks before one of the client's writes.
type brittle struct {
	net.Conn
	left *atomic.Int64 // writes that still pass
}

func (c brittle) Write(b []byte) (int, error) {
	if c.left.Add(-1) < 0 {
		_ = c.Close()
	}
	return c.Conn.Write(b)
}

// TestVanishedBeforeWrite: whatever the gate was about to say when the line broke, the
// target has vanished, and broke no protocol.
func TestVanishedBeforeWrite(t *testing.T) {
	s := server(t, tdstest.Options{})
	for writes := range int64(3) { // the session's own, BEGIN TRANSACTION, the statement
		var left atomic.Int64
		left.Store(1000)
		e := endpoint(s)
		e.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, address)
			return brittle{c, &left}, err
		}
		c := open(t, e, &connectortest.Guard{})
		left.Store(writes)
		g := &connectortest.Guard{}
		if _, err := ask(t, c, g, "SELECT 1 AS x"); !errors.Is(err, connectors.ErrVanished) || errors.Is(err, connectors.ErrProtocol) {
			t.Errorf("after %d writes: %v, want %v", writes, err, connectors.ErrVanished)
		}
		if o := g.Permits()[0].Outcomes(); len(o) != 1 || o[0].Unknown && writes < 2 {
			t.Errorf("after %d writes: outcome %+v", writes, o)
		}
	}
}
