package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/sallyport/sallyport/connectors"
)

// through reaches address by another host, to which it connects for this alone.
// The target's handshake runs inside: the host on the way sees none of it.
func (d *Driver) through(ctx context.Context, v connectors.Via, address string, g connectors.Guard) (net.Conn, error) {
	name := v.Endpoint.Name
	if err := g.Note(ctx, fmt.Sprintf("connect to %s through %s as %s", address, name, v.Endpoint.User)); err != nil {
		return nil, err
	}
	secret, err := v.Secret(ctx)
	if err != nil {
		return nil, fmt.Errorf("on the way, at %q: %w", name, err)
	}
	defer secret.Destroy()
	host := v.Endpoint
	host.Forwards = append(slices.Clone(host.Forwards), address) // a certificate says that it may
	jump, err := d.open(ctx, host, secret, g)
	if err != nil {
		return nil, fmt.Errorf("on the way, at %q: %w", name, err)
	}
	nc, err := jump.client.DialContext(ctx, "tcp", address)
	if err != nil {
		_ = jump.Close()
		return nil, fmt.Errorf("on the way, at %q: %w", name, errors.Join(connectors.ErrUnreachable, opened(err)))
	}
	return &throughConn{nc, jump}, nil
}

// throughConn is a connection within another, which ends with it.
type throughConn struct {
	net.Conn
	jump *Conn
}

func (c *throughConn) Close() error {
	err := c.Conn.Close()
	return errors.Join(err, c.jump.Close())
}
