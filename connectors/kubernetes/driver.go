package kubernetes

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"sync"
	"time"

	"github.com/go-logr/logr"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/lines"
	"github.com/sallyport/sallyport/mask"
)

// Options of a Driver. The zero value is right.
type Options struct {
	// Grace is how long a requester's stream may hold up the end of an operation
	// that was cancelled; 0 is 3 seconds.
	Grace time.Duration
}

// Driver opens connections to the API servers of clusters. It is safe for
// concurrent use.
type Driver struct{ options Options }

var _ connectors.Driver = (*Driver)(nil)

// New returns a driver.
func New(o Options) *Driver {
	if o.Grace <= 0 {
		o.Grace = 3 * time.Second
	}
	quiet.Do(func() { klog.SetLogger(logr.Discard()) })
	return &Driver{o}
}

// quiet turns off, once, what the library would write of a target's words to the
// process's stderr.
var quiet sync.Once

// Kind is "kubernetes".
func (*Driver) Kind() string { return "kubernetes" }

// Open signs in at e.Address, host:port of an API server, with the secret: a
// kubeconfig, a client certificate with its key, or a token. It asks for the
// server's version, which a refused credential fails. The server's certificate is
// always verified: by e.TLSRootCA, else by the kubeconfig's authority, else by
// the system's. Errors wrap connectors.ErrUnreachable, ErrHostKey, ErrCredential,
// ErrVanished, ErrProtocol or ErrCanceled.
func (d *Driver) Open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (connectors.Conn, error) {
	c, err := d.open(ctx, e, secret, g)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", e.Name, connectors.OpenEnded(ctx, err))
	}
	return c, nil
}

func (d *Driver) open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (*Conn, error) {
	cfg, err := restConfig(e, secret)
	if err != nil {
		return nil, err
	}
	c := &Conn{cfg: cfg, options: d.options, namespace: e.Namespace, login: login(e), dialed: e.Dial != nil, forwards: e.Forwards, room: connectors.NewRoom()}
	own := rest.CopyConfig(cfg)
	if own.Dial == nil {
		own.Dial = (&net.Dialer{Timeout: 30 * time.Second}).DialContext
	}
	own.Dial = c.lines.Dial(own.Dial)
	client, err := rest.HTTPClientFor(own)
	if err != nil {
		// The library's own words might quote the credential.
		return nil, fmt.Errorf("%w: it cannot be read: a certificate with its key, both in PEM, or a token", connectors.ErrCredential)
	}
	client.CheckRedirect = func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse }
	c.client = client
	if c.namespace == "" {
		c.namespace = "default"
	}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	if err := c.hello(ctx, g); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// login is as whom the API server sees the requester.
func login(e connectors.Endpoint) string {
	if e.Impersonate != nil {
		return e.Impersonate.User
	}
	return e.User
}

// hello learns whether the server is there and takes the credential.
func (c *Conn) hello(ctx context.Context, g connectors.Guard) error {
	if err := g.Note(ctx, "GET /version"); err != nil {
		return err
	}
	r, err := c.send(ctx, request{method: "GET", target: "/version"})
	if err != nil {
		return err
	}
	defer drain(r.Body)
	switch {
	case r.StatusCode == nethttp.StatusUnauthorized:
		return errUnauthorized
	case r.StatusCode/100 != 2 && r.StatusCode != nethttp.StatusForbidden: // signed in, with no right to that
		return fmt.Errorf("%w: its answer to a request for its version is %d", connectors.ErrProtocol, r.StatusCode)
	}
	return nil
}

var errUnauthorized = fmt.Errorf("%w (401 Unauthorized)", connectors.ErrCredential)

// drain lets the connection be used again where little is left.
func drain(r io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, r, 64<<10)
	_ = r.Close()
}

// Conn is a way to an API server, signed in. It is safe for concurrent use.
type Conn struct {
	cfg       *rest.Config
	client    *nethttp.Client
	options   Options
	namespace string
	login     string
	dialed    bool     // by a function, which upgraded connections cannot use
	forwards  []string // patterns of what may be forwarded to
	known     discovery
	lines     lines.Set // of client
	room      *connectors.Room

	// ctx ends with Close.
	ctx    context.Context
	cancel context.CancelCauseFunc
}

var (
	_ connectors.Conn      = (*Conn)(nil)
	_ connectors.Requester = (*Conn)(nil)
	_ connectors.Commander = (*Conn)(nil)
)

var errClosed = errors.New("the connection was closed")

// Close ends what is running and frees the connections.
func (c *Conn) Close() error {
	c.cancel(errClosed)
	c.release()
	c.lines.Close()
	return nil
}

// release closes connections that nothing runs on, through what the library wraps
// around them.
func (c *Conn) release() { utilnet.CloseIdleConnectionsFor(c.client.Transport) }

// bound ends with ctx and with the connection.
func (c *Conn) bound(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.ctx, func() { cancel(context.Cause(c.ctx)) })
	return ctx, func(cause error) {
		stop()
		cancel(cause)
	}
}

// failed puts why nothing came of a request in the words of errors.go. The
// credential is in none of them.
func failed(ctx context.Context, err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verify *tls.CertificateVerificationError
	var op *net.OpError
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return canceled(cause)
	case errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid), errors.As(err, &verify):
		return fmt.Errorf("%w: its certificate is not one of the authority that it should be of, or not for this address", connectors.ErrHostKey)
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("%w: %w", connectors.ErrUnreachable, op)
	case errors.As(err, &op) && op.Op == "local error":
		return fmt.Errorf("%w: what it sent over TLS is broken", connectors.ErrProtocol)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.As(err, &op):
		return connectors.ErrVanished
	}
	// The library's words quote what the server sent, which may be anybody's value.
	return fmt.Errorf("%w: what it sent is no answer in HTTP, and is withheld", connectors.ErrProtocol)
}

// canceled is connectors.ErrCanceled with the cause, where it says more.
func canceled(cause error) error {
	var f *failure
	switch {
	case errors.As(cause, &f):
		return f.error
	case cause == nil, errors.Is(cause, context.Canceled), errors.Is(cause, connectors.ErrCanceled):
		return connectors.ErrCanceled
	}
	return fmt.Errorf("%w: %w", connectors.ErrCanceled, cause)
}

// failure is a cause that is returned as it is.
type failure struct{ error }
