package http

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	nethttp "net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// Driver opens HTTP services. It is safe for concurrent use.
type Driver struct{}

var _ connectors.Driver = (*Driver)(nil)

// New returns a driver.
func New() *Driver { return &Driver{} }

// Kind is "http".
func (*Driver) Kind() string { return "http" }

// maxHeader bounds the head of an answer.
const maxHeader = 256 << 10

// Open checks that the service is there and is who it should be, and fetches a
// token where the credential is for one. It keeps the credential until Close, since
// every request carries it. Errors wrap connectors.ErrUnreachable, ErrHostKey (its
// certificate), ErrCredential, ErrProtocol or ErrCanceled.
func (d *Driver) Open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (connectors.Conn, error) {
	c, err := d.open(ctx, e, secret, g)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", e.Name, err)
	}
	return c, nil
}

func (d *Driver) open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (*Conn, error) {
	if e.HTTP == nil {
		e.HTTP = &connectors.HTTPTarget{}
	}
	base, err := Origin(e.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrUnsupported, err)
	}
	config, err := tlsConfig(ctx, e, base)
	if err != nil {
		return nil, err
	}
	c := &Conn{endpoint: e, base: base}
	e.Dial = c.lines.Dial(dialer(e))
	c.kept, c.once = transport(e, config), transport(e, config)
	c.once.DisableKeepAlives = true
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	if c.auth, err = newCredential(e, secret, transport(e, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.RootCAs})); err != nil {
		c.cancel(errClosed)
		return nil, err
	}
	if err = probe(ctx, e, base, config); err == nil {
		err = c.auth.fetch(ctx, g)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// Origin reads the address of a service: a scheme and a host, and nothing else.
func Origin(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("the address is no URL") // which may hold a password
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the address must begin with https:// (or http://)")
	case u.User != nil:
		return nil, errors.New("the address holds a user name: give the credential by reference")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("the address names no host")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, errors.New("the address ends with the host: paths are what requests name")
	}
	u.Host, u.Path = strings.ToLower(u.Host), ""
	return u, nil
}

// hostPort is where the origin is connected to.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

func tlsConfig(ctx context.Context, e connectors.Endpoint, base *url.URL) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: base.Hostname()}
	if e.TLSRootCA != "" {
		pem, err := os.ReadFile(e.TLSRootCA)
		if err != nil {
			return nil, fmt.Errorf("%w: its root certificates cannot be read", connectors.ErrHostKey)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: the file of its root certificates holds none", connectors.ErrHostKey)
		}
	}
	if e.HTTP.Certificate == "" || e.HTTP.Key == nil {
		return c, nil
	}
	key, err := e.HTTP.Key(ctx)
	if err != nil {
		return nil, err
	}
	defer key.Destroy()
	cert, err := os.ReadFile(e.HTTP.Certificate)
	if err != nil {
		return nil, fmt.Errorf("%w: the client's certificate cannot be read", connectors.ErrCredential)
	}
	pair, err := tls.X509KeyPair(cert, key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("%w: the client's certificate and key are no pair", connectors.ErrCredential)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// transport sends requests, by way of no proxy.
func transport(e connectors.Endpoint, c *tls.Config) *nethttp.Transport {
	return &nethttp.Transport{
		DialContext: dialer(e), TLSClientConfig: c.Clone(), ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: 15 * time.Second, IdleConnTimeout: 30 * time.Second, MaxIdleConns: 2,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// probeTime bounds finding out whether the service is there.
const probeTime = 15 * time.Second

// probe connects and, with https, shakes hands.
func probe(ctx context.Context, e connectors.Endpoint, base *url.URL, config *tls.Config) error {
	limited, cancel := context.WithTimeoutCause(ctx, probeTime, errSlow)
	defer cancel()
	conn, err := dialer(e)(limited, "tcp", hostPort(base))
	if err != nil {
		return ended(limited, dialError(err))
	}
	defer func() { _ = conn.Close() }()
	if base.Scheme != "https" {
		return nil
	}
	if err := tls.Client(conn, config.Clone()).HandshakeContext(limited); err != nil {
		return ended(limited, tlsError(err))
	}
	return nil
}
