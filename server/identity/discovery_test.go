package identity

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestNewProvider(t *testing.T) {
	for _, c := range []struct {
		issuer   string
		insecure bool
		says     string // empty: accepted
	}{
		{"https://login.company", false, ""},
		{"https://login.company/realms/a", true, ""},
		{"https://127.0.0.1:8443", false, ""},
		{"http://127.0.0.1:8080", true, ""},
		{"http://127.9.8.7:8080", true, ""},
		{"http://[::1]:8080", true, ""},
		{"http://[::ffff:127.0.0.1]:8080", true, ""},
		{"http://localhost:8080", true, ""},
		{"http://127.0.0.1:8080", false, "insecure_issuer"},
		{"http://localhost", false, "insecure_issuer"},
		{"http://login.company", true, "loopback only"},
		{"http://10.0.0.1", true, "loopback only"},
		{"http://0.0.0.0", true, "loopback only"},
		{"http://[::]", true, "loopback only"},
		{"http://2130706433", true, "loopback only"},
		{"http://127.1", true, "loopback only"},
		{"http://localhost.evil.test", true, "loopback only"},
		{"http://127.0.0.1.evil.test", true, "loopback only"},
		{"http://127.0.0.1@evil.test", true, "not part of an issuer"},
		{"ftp://127.0.0.1", true, "https is needed"},
		{"https://login.company?x", false, "not part of an issuer"},
		{"https://login.company#x", false, "not part of an issuer"},
		{"https://", false, "not a URL"},
		{"https://:443", false, "no host"},
		{"login.company", false, "not a URL"},
		{"", false, "not a URL"},
		{"https://login\x1b", false, "not a URL"},
	} {
		_, err := NewProvider(Config{Issuer: c.issuer, InsecureIssuer: c.insecure, ClientID: "x"})
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q, insecure %v: got %v, want %q", c.issuer, c.insecure, err, c.says)
		}
	}
	if _, err := NewProvider(Config{Issuer: testIssuer}); err == nil {
		t.Error("no client id was accepted")
	}
}

func TestDiscoveryRefuses(t *testing.T) {
	handle := func(h http.HandlerFunc) func(*fakeIDP) {
		return func(f *fakeIDP) { f.handle["/.well-known/openid-configuration"] = h }
	}
	fields := func(over m) func(*fakeIDP) { return func(f *fakeIDP) { f.discovery = over } }
	for _, c := range []struct {
		name string
		edit func(*fakeIDP)
		want error
		says string
	}{
		{"another issuer", fields(m{"issuer": "https://evil.test"}), ErrToken, `calls itself "https://evil.test"`},
		{"a slash more", fields(m{"issuer": testIssuer + "/"}), ErrToken, "calls itself"},
		{"no device grant", fields(m{"device_authorization_endpoint": nil}), ErrUnavailable, "RFC 8628"},
		{"tokens over http", fields(m{"token_endpoint": "http://login.test/token"}), ErrToken, "token_endpoint"},
		{"keys over http", fields(m{"jwks_uri": "http://login.test/keys"}), ErrToken, "jwks_uri"},
		{"keys from a file", fields(m{"jwks_uri": "file:///etc/passwd"}), ErrToken, "jwks_uri"},
		{"no keys", fields(m{"jwks_uri": nil}), ErrToken, "jwks_uri"},
		{"down", handle(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "down\x1b[2J\nfor now", http.StatusServiceUnavailable)
		}), ErrUnavailable, "503"},
		{"cut off", handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(dropped) }), ErrUnavailable, "connection reset"},
		{"HTML", handle(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }), ErrUnavailable, "discovery"},
		{"endless", handle(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", 2*maxAnswer)) }), ErrUnavailable, "too large"},
		{"hangs", handle(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), ErrUnavailable, ""},
		{"redirects away", handle(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.test/", http.StatusFound)
		}), ErrUnavailable, "another origin"},
		{"redirects to http", handle(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://login.test/", http.StatusFound)
		}), ErrUnavailable, "another origin"},
		{"redirects for ever", handle(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }), ErrUnavailable, "302"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIDP()
				c.edit(f)
				_, err := f.provider(t, nil).Check(t.Context())
				if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
					t.Fatalf("got %v, want %v that says %q", err, c.want, c.says)
				}
				if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
					t.Errorf("error %q is not one line", err)
				}
				for _, r := range f.seen {
					if r.URL.Host == "evil.test" || r.URL.Scheme != "https" {
						t.Errorf("%s was asked", r.URL)
					}
				}
			})
		})
	}
}

// A bastion starts while its provider is down, and recovers by itself.
func TestDiscoveryAgainAfterFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIDP()
		f.handle["/.well-known/openid-configuration"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) }
		p := f.provider(t, nil)
		if _, err := p.Start(t.Context()); !errors.Is(err, ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
		delete(f.handle, "/.well-known/openid-configuration")
		if _, err := p.Start(t.Context()); err != nil {
			t.Errorf("provider is back: %v", err)
		}
	})
}

// Many sign-ins at once share one discovery; one that leaves does not wait for it.
func TestDiscoveryIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIDP()
		f.handle["/.well-known/openid-configuration"] = func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(2 * time.Second)
			f.handleDefault(w, r)
		}
		p := f.provider(t, nil)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := p.Start(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		synctest.Wait()
		if _, err := p.Start(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the context's end", err)
		}
		wg.Wait()
		n := 0
		for _, r := range f.seen {
			if r.Method == http.MethodGet {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d discoveries, want 1", n)
		}
	})
}

// handleDefault serves discovery as if no handler were set.
func (f *fakeIDP) handleDefault(w http.ResponseWriter, _ *http.Request) {
	reply(w, m{"issuer": testIssuer, "token_endpoint": testIssuer + "/token", "jwks_uri": testIssuer + "/keys",
		"device_authorization_endpoint": testIssuer + "/device"})
}

// The dialer, not the name, decides what loopback is.
func TestLoopbackOnly(t *testing.T) {
	for addr, ok := range map[string]bool{
		"127.0.0.1:80": true, "[::1]:80": true, "[::ffff:127.0.0.1]:80": true, "127.255.255.254:1": true,
		"10.0.0.1:80": false, "[::]:80": false, "0.0.0.0:80": false, "[fe80::1]:80": false, "[::ffff:10.0.0.1]:80": false, "nonsense": false,
	} {
		if err := loopbackOnly("tcp", addr, nil); (err == nil) != ok {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// A name that passed for loopback and resolves elsewhere is not connected to.
func TestPlaintextDial(t *testing.T) {
	dial := newTransport(true).(*guarded).base.(*http.Transport).DialContext
	ctx := context.WithValue(t.Context(), plaintext{}, true)
	if _, err := dial(ctx, "tcp", "192.0.2.1:80"); err == nil || !strings.Contains(err.Error(), "loopback only") {
		t.Errorf("got %v, want a refusal before the first packet", err)
	}
}

func TestTransport(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "here") }))
	defer srv.Close()
	get := func(insecure bool, url string) (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := newTransport(insecure).RoundTrip(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return string(b), err
	}
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	for _, url := range []string{srv.URL, "http://localhost:" + port} {
		if body, err := get(true, url); err != nil || body != "here" {
			t.Errorf("%s: %q, %v", url, body, err)
		}
		if _, err := get(false, url); err == nil {
			t.Errorf("%s was asked over http without insecure_issuer", url)
		}
	}
}

// A provider that has a scope for the groups, which nobody asks for, is how a first
// configuration lets nobody in.
func TestCheckAdvisesScope(t *testing.T) {
	for _, c := range []struct {
		supported, asked []string
		advice           bool
	}{
		{[]string{"openid", "groups"}, []string{"email"}, true},
		{[]string{"openid", "groups"}, []string{"email", "groups"}, false},
		{[]string{"openid"}, []string{"email"}, false},
	} {
		f := newFakeIDP()
		f.discovery = m{"scopes_supported": c.supported}
		advice, err := f.provider(t, func(o *Config) { o.Scopes = c.asked }).Check(t.Context())
		if err != nil || (advice != "") != c.advice {
			t.Errorf("%v of %v: %q, %v", c.asked, c.supported, advice, err)
		}
	}
}
