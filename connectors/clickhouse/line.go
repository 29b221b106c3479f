package clickhouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// maxHeader bounds the head of an answer.
const maxHeader = 64 << 10

// line is a target's HTTP interface. Every request signs in anew and stands alone:
// there is no session that would keep a setting, a table or a transaction. It is safe
// for concurrent use.
type line struct {
	transport *http.Transport
	base      url.URL
	user      string
	secret    mask.Secret // a copy of its own
}

// newLine makes a line and connects to nothing.
func newLine(e connectors.Endpoint, secret mask.Secret) (*line, error) {
	address, host, err := place(e)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
	}
	secure, err := connectors.TLSConfig(e, host)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
	}
	if strings.ContainsAny(string(secret.Reveal())+e.User, "\r\n\x00") {
		return nil, fmt.Errorf("%w: the login or its password holds a line break", connectors.ErrCredential)
	}
	dial := e.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	l := &line{
		base: url.URL{Scheme: "http", Host: address, Path: "/"}, user: e.User,
		secret: mask.NewSecret(append([]byte(nil), secret.Reveal()...)),
		transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := dial(ctx, network, address)
				if err != nil {
					return nil, &dialError{err}
				}
				return c, nil
			},
			TLSClientConfig: secure, TLSHandshakeTimeout: 20 * time.Second, DisableCompression: true,
			MaxResponseHeaderBytes: maxHeader,
			// One request a connection. No statement is sent into one that the server is
			// closing, and what a target says on one that idles, which net/http writes to
			// the process's log, is never read.
			DisableKeepAlives: true, WriteBufferSize: 64 << 10, ReadBufferSize: 64 << 10,
		},
	}
	if secure != nil {
		secure.ClientSessionCache = tls.NewLRUClientSessionCache(4)
		l.base.Scheme = "https"
	}
	return l, nil
}

// dialError is of a connection that could not be made.
type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

// place reads host:port or a host.
func place(e connectors.Endpoint) (address, host string, err error) {
	if e.Address == "" {
		return "", "", errors.New("clickhouse address is empty: give host:port of the HTTP interface")
	}
	host, port, err := net.SplitHostPort(e.Address)
	if err != nil {
		host, port = e.Address, "8443"
		if e.TLS == "disable" {
			port = "8123"
		}
	}
	return net.JoinHostPort(host, port), host, nil
}

// request is one statement on its way.
type request struct {
	text, database, id string
	settings           url.Values
}

// post sends one statement and returns what answers it, once its head is there. ctx
// bounds the answer's body, too. The caller closes it.
func (l *line) post(ctx context.Context, q request) (*http.Response, error) {
	at := l.base
	params := url.Values{"default_format": {"JSONCompact"}, "query_id": {q.id}}
	if q.database != "" {
		params.Set("database", q.database)
	}
	for k, v := range q.settings {
		params[k] = v
	}
	at.RawQuery = params.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at.String(), strings.NewReader(q.text))
	if err != nil {
		return nil, err
	}
	req.GetBody = nil // nothing is sent twice
	req.Header.Set("X-ClickHouse-User", l.user)
	req.Header.Set("X-ClickHouse-Key", string(l.secret.Reveal()))
	req.Header.Set("User-Agent", "sallyport")
	req.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	return l.transport.RoundTrip(req)
}

// rows runs a statement of the gate's own, and reads all that it answers, up to most
// rows.
func (l *line) rows(ctx context.Context, q request, most int) ([][]string, error) {
	res, err := l.post(ctx, q)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	a, err := newAnswer(res)
	if err != nil {
		return nil, err
	}
	if len(a.columns) == 0 && strings.HasPrefix(q.text, "select ") {
		return nil, malformed("it answers with nothing where there are columns at least")
	}
	var out [][]string
	for {
		vals, err := a.next()
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		case len(out) == most:
			return nil, malformed("it answers with more rows than there can be")
		}
		row := make([]string, len(vals))
		for i, v := range vals {
			row[i] = string(v.Bytes)
		}
		out = append(out, row)
	}
}

// close forgets the secret. Nothing may run any more.
func (l *line) close() {
	l.transport.CloseIdleConnections() // of a dial that came too late
	l.secret.Destroy()
}
