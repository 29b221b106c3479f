package oidctest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func start(t *testing.T, edit func(*Options)) *Provider {
	t.Helper()
	o := Options{ClientID: "bastion", People: []Person{{Name: "alice", Email: "alice@demo.example", Groups: []string{"engineering"}}, {Name: "dave"}}}
	if edit != nil {
		edit(&o)
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return p
}

// post sends a form to an endpoint and decodes the JSON answer.
func post(t *testing.T, p *Provider, path string, fields url.Values) (int, map[string]any) {
	t.Helper()
	resp, err := http.PostForm(p.Issuer()+path, fields)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var v map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return resp.StatusCode, v
}

// begin starts a device authorization.
func begin(t *testing.T, p *Provider) (user, device string) {
	t.Helper()
	status, v := post(t, p, "/device_authorization", url.Values{"client_id": {"bastion"}, "scope": {"openid groups"}})
	user, _ = v["user_code"].(string)
	device, _ = v["device_code"].(string)
	if status != http.StatusOK || device == "" {
		t.Fatalf("device authorization: %d %v", status, v)
	}
	return user, device
}

func poll(t *testing.T, p *Provider, device string) (int, map[string]any) {
	t.Helper()
	return post(t, p, "/oauth/token", url.Values{"client_id": {"bastion"}, "device_code": {device},
		"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}})
}

func TestDeviceAuthorization(t *testing.T) {
	p := start(t, nil)
	_, v := post(t, p, "/device_authorization", url.Values{"client_id": {"bastion"}, "scope": {"openid"}})
	if code, _ := v["user_code"].(string); !regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$`).MatchString(code) {
		t.Errorf("user code %q", code)
	}
	if v["verification_uri"] != p.URL() || v["expires_in"] != 300.0 || v["interval"] != 1.0 {
		t.Errorf("answer %v", v)
	}
	if status, v := post(t, p, "/device_authorization", url.Values{"client_id": {"stranger"}}); status != http.StatusUnauthorized || v["error"] != "invalid_client" {
		t.Errorf("unknown client: %d %v", status, v)
	}
}

// What RFC 8628 section 3.5 says of polls; and tokens are given once.
func TestToken(t *testing.T) {
	p := start(t, nil)
	user, device := begin(t, p)
	want := func(why, code string) {
		t.Helper()
		if status, v := poll(t, p, device); v["error"] != code || status != http.StatusBadRequest {
			t.Errorf("%s: %d %v, want %s", why, status, v, code)
		}
	}
	rested := func() { // as if the interval had passed
		p.codes.mu.Lock()
		defer p.codes.mu.Unlock()
		p.codes.byDevice[device].polled = time.Time{}
	}
	want("first poll", "authorization_pending")
	want("at once again", "slow_down")
	if err := Approve(t.Context(), nil, p.URL(), user, "alice"); err != nil {
		t.Fatal(err)
	}
	rested()
	if status, v := poll(t, p, device); status != http.StatusOK || v["id_token"] == nil || v["refresh_token"] != nil {
		t.Errorf("approved: %d %v", status, v)
	}
	rested()
	want("after the tokens were given", "access_denied")
	device = "nonsense"
	want("another code", "access_denied")
	if status, v := post(t, p, "/oauth/token", url.Values{"client_id": {"bastion"}, "grant_type": {"client_credentials"}}); status != http.StatusBadRequest || v["error"] != "unsupported_grant_type" {
		t.Errorf("another grant: %d %v", status, v)
	}
}

// An approval does not outlive its code.
func TestApprovedButExpired(t *testing.T) {
	p := start(t, nil)
	user, device := begin(t, p)
	if err := Approve(t.Context(), nil, p.URL(), user, "alice"); err != nil {
		t.Fatal(err)
	}
	p.codes.mu.Lock()
	p.codes.byDevice[device].expires = time.Now().Add(-time.Second)
	p.codes.mu.Unlock()
	if status, v := poll(t, p, device); status != http.StatusBadRequest || v["error"] != "expired_token" {
		t.Errorf("got %d %v", status, v)
	}
}

// Waiting sign-ins are bounded, and expired ones make room.
func TestTooManyPending(t *testing.T) {
	c := newCodes(time.Second)
	soon := time.Now().Add(time.Hour)
	for i := range maxPending {
		if err := c.add(&grant{user: fmt.Sprint("u", i), device: fmt.Sprint("d", i), expires: soon}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.add(&grant{user: "one more", expires: soon}); err == nil {
		t.Error("no bound")
	}
	for _, g := range c.byUser {
		g.expires = time.Now().Add(-time.Hour)
	}
	if err := c.add(&grant{user: "one more", expires: soon}); err != nil || len(c.byUser) != 1 || len(c.byDevice) != 1 {
		t.Errorf("%v, %d codes", err, len(c.byUser))
	}
}

// Only what is served is announced, and nothing else is served.
func TestEndpoints(t *testing.T) {
	p := start(t, nil)
	resp, err := http.Get(p.Issuer() + "/.well-known/openid-configuration")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var doc map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	for name, v := range doc {
		if s, ok := v.(string); ok && strings.HasSuffix(name, "_endpoint") && name != "token_endpoint" && name != "device_authorization_endpoint" {
			t.Errorf("announces %s %s", name, s)
		}
	}
	for _, path := range []string{"/", "/authorize", "/userinfo", "/revoke", "/end_session", "/oauth/introspect", "/healthz"} {
		resp, err := http.Get(p.Issuer() + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
}

func TestLoopbackOnly(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0", "login.test:0", "127.0.0.1.evil.test:0", "127.0.0.1", "2130706433:0"} {
		if l, err := listen(addr); err == nil {
			_ = l.Close()
			t.Errorf("listens on %q", addr)
		}
	}
	for _, addr := range []string{"127.0.0.1:0", "127.0.0.2:0", "localhost:0"} {
		l, err := listen(addr)
		if err != nil {
			t.Error(err)
			continue
		}
		_ = l.Close()
	}
	p := start(t, nil)
	for name, edit := range map[string]func(*http.Request){
		"peer elsewhere": func(r *http.Request) { r.RemoteAddr = "192.0.2.1:5" },
		"peer unknown":   func(r *http.Request) { r.RemoteAddr = "@" },
		"other host":     func(r *http.Request) { r.Host = "evil.test" },
		"other port":     func(r *http.Request) { r.Host = "127.0.0.1:1" },
		"host by name":   func(r *http.Request) { r.Host = strings.Replace(r.Host, "127.0.0.1", "localhost", 1) },
		"no host":        func(r *http.Request) { r.Host = "" },
	} {
		for _, path := range []string{pagePath, "/keys", "/.well-known/openid-configuration"} {
			r := httptest.NewRequest(http.MethodGet, p.Issuer()+path, nil)
			r.RemoteAddr = "127.0.0.1:5"
			edit(r)
			w := httptest.NewRecorder()
			p.Handler().ServeHTTP(w, r)
			if w.Code != http.StatusForbidden {
				t.Errorf("%s, %s: %d", name, path, w.Code)
			}
		}
	}
}

// The op package's own handlers log each pending poll through slog.Default.
func TestQuiet(t *testing.T) {
	var said bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)
	var own bytes.Buffer
	p := start(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&own, nil)) })
	user, device := begin(t, p)
	poll(t, p, device)
	poll(t, p, "nonsense")
	if err := Approve(t.Context(), nil, p.URL(), user, "alice"); err != nil {
		t.Fatal(err)
	}
	if said.Len() > 0 {
		t.Errorf("slog.Default was given %s", said.String())
	}
	if !strings.Contains(own.String(), "sign-in answered") || strings.Contains(own.String(), device) {
		t.Errorf("own log: %s", own.String())
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.pem")
	keys := func(o *Options) { o.Key = path }
	published := func(p *Provider) string {
		resp, err := http.Get(p.Issuer() + "/keys")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(`"d"`)) {
			t.Error("the private key is published")
		}
		return string(b)
	}
	if a, b := published(start(t, keys)), published(start(t, keys)); a != b {
		t.Errorf("another key after a restart: %s, %s", a, b)
	}
	one, other := published(start(t, nil)), published(start(t, nil))
	if one == other {
		t.Error("without a file the key is the same")
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if err := os.WriteFile(path, []byte("not a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{ClientID: "x", People: []Person{{Name: "a"}}, Key: path}); err == nil {
		t.Error("a damaged key file was overlooked")
	}
}

func TestOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"no client": {People: []Person{{Name: "a"}}},
		"no people": {ClientID: "x"},
		"no name":   {ClientID: "x", People: []Person{{}}},
		"twins":     {ClientID: "x", People: []Person{{Name: "a"}, {Name: "a"}}},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
