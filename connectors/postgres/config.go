package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// maxMessage bounds one row on its way here.
const maxMessage = 64 << 20

// blankConfig is a connection string that leaves nothing to the environment:
// each setting that PG* variables or files in the home directory could give is
// given here. What matters is set on the result afterwards.
const blankConfig = "host=localhost port=5432 user=x dbname=x password=x passfile='' sslmode=disable sslcert='' sslkey='' " +
	"sslrootcert='' sslpassword='' sslsni=1 sslnegotiation=postgres sslcertmode=disable target_session_attrs=any " +
	"connect_timeout=0 krbsrvname='' krbspn='' min_protocol_version='' max_protocol_version='' channel_binding=prefer require_auth=''"

// newConfig is a configuration of pgconn, which only its own parser can make,
// with nothing ambient in it.
func newConfig() (*pgconn.Config, error) {
	text := blankConfig
	// A service named in the environment cannot be overridden, only satisfied.
	if os.Getenv("PGSERVICE") != "" {
		f, err := os.CreateTemp("", "sallyport-service-*")
		if err != nil {
			return nil, fmt.Errorf("set PGSERVICE aside: %w", err)
		}
		defer os.Remove(f.Name())
		_, err = f.WriteString("[sallyport]\n")
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, fmt.Errorf("set PGSERVICE aside: %w", err)
		}
		text += " service=sallyport servicefile='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(f.Name()) + "'"
	}
	return pgconn.ParseConfig(text)
}

// config is how to reach e, with the grace of Options.
func config(e connectors.Endpoint, secret mask.Secret, grace time.Duration) (*pgconn.Config, error) {
	c, err := newConfig()
	if err != nil {
		return nil, err
	}
	host, port, err := address(e.Address)
	if err != nil {
		return nil, err
	}
	c.Host, c.Port, c.User, c.Database, c.Password = host, port, e.User, e.Database, string(secret.Reveal())
	c.Fallbacks = nil
	c.MaxProtocolMessageBodyLen = maxMessage
	c.RuntimeParams = map[string]string{"application_name": "sallyport", "client_encoding": "UTF8"}
	network, _ := pgconn.NetworkAddress(host, port)
	if c.TLSConfig, err = tlsConfig(e, host, network); err != nil {
		return nil, err
	}
	if c.TLSConfig == nil && network != "unix" {
		c.RequireAuth = "!password" // never the secret itself over a line in the clear
	}
	// Names are resolved by the dialer, which may be at another place.
	c.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	dial := e.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	var session atomic.Bool
	c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "tcp" && network != "unix" { // a cancel request over something in memory
			network, address = pgconn.NetworkAddress(host, port)
		}
		nc, err := dial(ctx, network, address)
		if err == nil && session.Swap(true) {
			// What comes after the session are requests to cancel it. pgconn waits longer for
			// a target that does not answer.
			_ = nc.SetDeadline(time.Now().Add(grace))
		}
		return nc, err
	}
	c.BuildContextWatcherHandler = func(p *pgconn.PgConn) ctxwatch.Handler {
		return &canceller{conn: p, grace: grace}
	}
	return c, nil
}

// address reads host:port, a host, a socket's directory or a socket's path.
func address(s string) (host string, port uint16, err error) {
	const prefix = ".s.PGSQL."
	number := "5432"
	switch {
	case strings.HasPrefix(s, "/"):
		host = s
		if base := filepath.Base(s); strings.HasPrefix(base, prefix) {
			host, number = filepath.Dir(s), strings.TrimPrefix(base, prefix)
		}
	case s == "":
		return "", 0, errors.New("postgres address is empty: give host:port or the directory of a socket")
	default:
		host = s
		if h, p, err := net.SplitHostPort(s); err == nil {
			host, number = h, p
		}
	}
	n, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return "", 0, fmt.Errorf("postgres address %q: port %q is not a number up to 65535", s, number)
	}
	return host, uint16(n), nil
}

// tlsConfig is TLS's over TCP: a Unix socket has none.
func tlsConfig(e connectors.Endpoint, host, network string) (*tls.Config, error) {
	if network == "unix" {
		return nil, nil
	}
	return connectors.TLSConfig(e, host)
}
