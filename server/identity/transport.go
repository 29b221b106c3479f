package identity

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// guarded is the way to the provider: every request, redirects included, goes to
// a permitted URL, and no answer is longer than maxAnswer.
type guarded struct {
	base     http.RoundTripper
	insecure bool
}

func newTransport(insecure bool) http.RoundTripper {
	d := &net.Dialer{Timeout: callTimeout}
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           d.DialContext,
		ForceAttemptHTTP2:     true,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   callTimeout,
		ResponseHeaderTimeout: callTimeout,
		IdleConnTimeout:       30 * time.Second,
		MaxIdleConnsPerHost:   4,
		// Bytes of headers; the bodies are bounded by guarded.
		MaxResponseHeaderBytes: 64 << 10,
	}
	if insecure {
		// localhost is a name like any other to a resolver, and a proxy is not
		// loopback: what counts is the address that is dialed.
		t.Proxy = nil
		plain := &net.Dialer{Timeout: callTimeout, Control: loopbackOnly}
		t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if ctx.Value(plaintext{}) != nil {
				return plain.DialContext(ctx, network, addr)
			}
			return d.DialContext(ctx, network, addr)
		}
	}
	return &guarded{base: t, insecure: insecure}
}

// plaintext marks the context of an http request, for the dialer.
type plaintext struct{}

func loopbackOnly(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil || !a.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("http to %q: insecure_issuer permits loopback only", address)
	}
	return nil
}

func (g *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := checkURL(r.URL, g.insecure); err != nil {
		return nil, err
	}
	if r.URL.Scheme == "http" {
		r = r.WithContext(context.WithValue(r.Context(), plaintext{}, true))
	}
	resp, err := g.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxAnswer)
	return resp, nil
}

// checkRedirect follows a GET within its own origin. A POST is never sent
// again: it carries the device code.
func checkRedirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	if first.Method != http.MethodGet || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	if r.URL.Scheme != first.URL.Scheme || r.URL.Host != first.URL.Host {
		return fmt.Errorf("redirected to another origin, %q", r.URL.Host)
	}
	return nil
}

// asking sends one flow's requests. It binds them to the flow's context (the
// oauth2 package does so for tokens alone), and proves a confidential client at
// the device authorization endpoint too (RFC 8628 section 3.1).
type asking struct {
	ctx        context.Context // of one call, which this value does not outlive
	base       http.RoundTripper
	user, pass string
}

func (a *asking) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(a.ctx)
	if a.user != "" && r.Header.Get("Authorization") == "" {
		r.SetBasicAuth(a.user, a.pass)
	}
	return whole(a.base, r)
}

// whole makes one request and reads its whole answer within callTimeout.
func whole(base http.RoundTripper, r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeoutCause(r.Context(), callTimeout,
		fmt.Errorf("no answer within %s", callTimeout))
	defer cancel()
	resp, err := base.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, because(ctx, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, because(ctx, err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil && errors.Is(err, ctx.Err()) {
		return cause
	}
	return err
}

// maxMisses is how many polls in a row may go unanswered.
const maxMisses = 4

// patient answers slow_down in place of a provider that could not: RFC 8628
// section 3.5 wants a client to poll less often after a timeout, and the oauth2
// package would give up at once. After maxMisses it lets the failure through.
// Owned by one goroutine.
type patient struct {
	base   http.RoundTripper
	misses int    // in a row
	last   string // why, in words
}

func (p *patient) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := whole(p.base, r)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	switch {
	case err != nil:
		p.last = clean(err.Error())
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		p.last = "it answered " + clean(resp.Status)
	default:
		p.misses = 0
		return resp, nil
	}
	p.misses++
	if p.misses >= maxMisses {
		return resp, err
	}
	return &http.Response{
		Status: "400 Bad Request", StatusCode: http.StatusBadRequest,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(`{"error":"slow_down"}`)),
	}, nil
}

// clean makes a provider's words fit for one line of a screen or a log.
func clean(s string) string {
	const longest = 200
	var b strings.Builder
	for _, r := range s {
		if b.Len() >= longest {
			b.WriteString("…")
			break
		}
		if !unicode.IsPrint(r) {
			r = ' '
		}
		b.WriteRune(r)
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
