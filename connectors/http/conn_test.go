package http

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// shown takes an answer.
type shown struct {
	bytes.Buffer
	status int
	fields []connectors.Field
}

func (s *shown) Head(status int, fields []connectors.Field) error {
	s.status, s.fields = status, fields
	return nil
}

// all is everything that was shown.
func (s *shown) all() string { return connectors.HeadText(s.status, s.fields) + s.String() }

func open(t testing.TB, e connectors.Endpoint, secret string, g connectors.Guard) connectors.Conn {
	t.Helper()
	conn, err := New().Open(t.Context(), e, mask.NewSecret([]byte(secret)), g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// follow asks as the gate does: where an answer leads elsewhere, that is asked for.
func follow(ctx context.Context, conn connectors.Conn, g connectors.Guard, text string) (*shown, error) {
	for range 4 {
		s := &shown{}
		err := conn.(connectors.Requester).Request(ctx, g, text, s)
		var next *connectors.Elsewhere
		if !errors.As(err, &next) {
			return s, err
		}
		text = next.Text
	}
	return nil, errors.New("led elsewhere too often")
}

// TestRedirects: only what reads, at the same service, is followed, and each hop is
// asked for.
func TestRedirects(t *testing.T) {
	s := newService("")
	e := start(t, s, nil, nil)
	e.HTTP.Auth = ""
	u, _ := url.Parse(e.Address)
	conn := open(t, e, "", &connectortest.Guard{})
	same := e.Address + "/read"
	for _, c := range []struct {
		method   string
		status   int
		location string
		want     string // the second request, "" where it is not followed
	}{
		{"GET", 301, "/read", "GET /read"},
		{"GET", 302, same, "GET /read"},
		{"GET", 307, "../read?a=b%20c", "GET /read?a=b%20c"},
		{"GET", 308, "//" + u.Host + "/read", "GET /read"},
		{"HEAD", 302, "/read", "HEAD /read"},
		{"POST", 303, "/read", "GET /read"},
		{"POST", 302, "/read", "GET /read"},
		{"POST", 307, "/effect", ""},
		{"POST", 308, "/effect", ""},
		{"DELETE", 308, "/effect", ""},
		{"GET", 302, "http://example.com/read", ""},
		{"GET", 302, "https://" + u.Host + "/read", ""},
		{"GET", 302, "http://" + u.Hostname() + ":1/read", ""},
		{"GET", 302, "http://" + u.Host + "@example.com/", ""},
		{"GET", 302, "http://user:pw@" + u.Host + "/read", ""},
		{"GET", 302, "//example.com/", ""},
		{"GET", 302, "\\\\example.com/", ""},
		{"GET", 302, "http://169.254.169.254/latest/meta-data/", ""},
		{"GET", 302, "file:///etc/passwd", ""},
		{"GET", 302, "javascript:alert(1)", ""},
		{"GET", 302, "", ""},
		{"GET", 304, "/read", ""},
		{"GET", 300, "/read", ""},
		{"GET", 201, "/read", ""},
	} {
		g := &connectortest.Guard{}
		out, err := follow(t.Context(), conn, g, fmt.Sprintf("%s /to/%d?l=%s\nX-Mine: 1\nContent-Type: text/plain\n\n", c.method, c.status, url.QueryEscape(c.location)))
		var asked []string
		for _, op := range g.Operations() {
			asked = append(asked, strings.SplitN(op.Text, "\n", 2)[0])
		}
		switch {
		case c.want == "" && (err != nil || len(asked) != 1 || out.status != c.status):
			t.Errorf("%s %d to %q: asked %q, %v", c.method, c.status, c.location, asked, err)
		case c.want != "" && (err != nil || len(asked) != 2 || asked[1] != c.want || out.status != 200):
			t.Errorf("%s %d to %q: asked %q, want %q, %v", c.method, c.status, c.location, asked, c.want, err)
		}
		for i, p := range g.Permits() {
			if len(p.Outcomes()) != 1 || p.Outcomes()[0].Err != nil {
				t.Errorf("%s %d to %q: hop %d ended as %+v", c.method, c.status, c.location, i, p.Outcomes())
			}
		}
	}
	if s.effects.Load() != 0 {
		t.Error("a change was followed to")
	}
	// A hop that is denied does not arrive.
	denied := errors.New("refused by rule no-reads")
	g := &connectortest.Guard{Judge: func(op connectors.Operation) error {
		if strings.HasPrefix(op.Text, "GET /effect") {
			return denied
		}
		return nil
	}}
	if _, err := follow(t.Context(), conn, g, "GET /to/302?l=/effect\n\n"); !errors.Is(err, denied) || s.effects.Load() != 0 {
		t.Errorf("a denied hop: %v, %d effects", err, s.effects.Load())
	}
	// What a detector finds in a target's address is not asked for in clear.
	plan, err := mask.NewPlan(nil, []string{"email"})
	if err != nil {
		t.Fatal(err)
	}
	g = &connectortest.Guard{Kept: plan}
	if _, err := follow(t.Context(), conn, g, "GET /to/302?l=/read?who=ann@example.com\n\n"); err != nil || len(g.Operations()) != 1 {
		t.Errorf("an address in a redirect: %v, %d operations", err, len(g.Operations()))
	}
}

// TestSentAsTyped: what arrives is what was judged, byte for byte.
func TestSentAsTyped(t *testing.T) {
	var got atomic.Pointer[string]
	e := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		b, _ := io.ReadAll(r.Body)
		text := r.Method + " " + r.RequestURI + " " + r.Host + " " + r.Header.Get("X-Mine") + " " + r.Header.Get("Authorization") + " " + fmt.Sprint(r.ContentLength, r.TransferEncoding) + "\n" + string(b)
		got.Store(&text)
	}), nil, nil)
	host := strings.TrimPrefix(e.Address, "http://")
	conn := open(t, e, canary, &connectortest.Guard{})
	for text, want := range map[string]string{
		"GET /a%2Fb/%7Euser?q=a+b&q=%41&empty=&&x\nX-Mine: 1\n\n": "GET /a%2Fb/%7Euser?q=a+b&q=%41&empty=&&x " + host + " 1 Bearer " + canary + " 0 []\n",
		"GET /a/../b?\n\n":                                     "GET /a/../b? " + host + "  Bearer " + canary + " 0 []\n",
		"GET /it's(1);p=2,3:@!$&*+='\n\n":                      "GET /it's(1);p=2,3:@!$&*+=' " + host + "  Bearer " + canary + " 0 []\n",
		"PUT /x\r\nX-Mine:  two  \r\n\r\nline\r\n\r\nline\n\n": "PUT /x " + host + " two Bearer " + canary + " 14 []\nline\r\n\r\nline\n\n",
		"DELETE /x\n\n{\"why\": \"é\"}":                        "DELETE /x " + host + "  Bearer " + canary + " 13 []\n{\"why\": \"é\"}",
		"POST /x\n":                                            "POST /x " + host + "  Bearer " + canary + " 0 []\n",
	} {
		if _, err := follow(t.Context(), conn, &connectortest.Guard{}, text); err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if *got.Load() != want {
			t.Errorf("%q arrives as\n%q, want\n%q", text, *got.Load(), want)
		}
	}
}

// TestNotSent: what the gate sets, what is between it and the service, and what could
// be read in two ways is unknown to the judge and is not sent, even if it is permitted.
func TestNotSent(t *testing.T) {
	s := newService("")
	e := start(t, s, nil, nil)
	e.HTTP.Auth, e.HTTP.Header = "header", "X-Api-Key"
	conn := open(t, e, canary, &connectortest.Guard{})
	for text, why := range map[string]string{
		"POST /effect\nAuthorization: Basic eDp5\n\n":                     "Authorization is the gate's",
		"POST /effect\nauthorization:Basic eDp5\n\n":                      "Authorization is the gate's",
		"POST /effect\nX-API-KEY: mine\n\n":                               "is the gate's",
		"POST /effect\nCookie: a=b\n\n":                                   "Cookie is the gate's",
		"POST /effect\nHost: example.com\n\n":                             "Host is the gate's",
		"POST /effect\nConnection: close, X-Api-Key\n\n":                  "Connection is the gate's",
		"POST /effect\nTransfer-Encoding: chunked\n\n0\r\n\r\nGET /admin": "Transfer-Encoding is the gate's",
		"POST /effect\nContent-Length: 3\n\nabcdef":                       "Content-Length is the gate's",
		"POST /effect\nTE: trailers\n\n":                                  "Te is the gate's",
		"POST /effect\nExpect: 100-continue\n\n":                          "Expect is the gate's",
		"POST /effect\nProxy-Authorization: x\n\n":                        "Proxy-Authorization is the gate's",
		"POST /effect\nAccept-Encoding: br\n\n":                           "Accept-Encoding is the gate's",
		"POST /effect\nRange: bytes=0-1\n\n":                              "part of an answer",
		"GET /effect\nUpgrade: websocket\nSec-WebSocket-Key: x\n\n":       "websockets",
		"POST http://127.0.0.1/effect\n\n":                                "must begin with a slash",
		"POST //example.com/effect\n\n":                                   "two slashes",
		"POST /eff ect\n\n":                                               "must be percent-encoded",
		"POST /effect#x\n\n":                                              "must be percent-encoded",
		"POST /effect\\x\n\n":                                             "must be percent-encoded",
		"POST /effect\n X: folded\n\n":                                    "read in two ways",
		"POST /effect\nX-A: b\x00c\n\n":                                   "control character",
		"POST /effect\nX-A : b\n\n":                                       "read in two ways",
		"CONNECT /effect\n\n":                                             "CONNECT",
		"TRACE /effect\n\n":                                               "TRACE",
		"post /effect\n\n":                                                "method",
		"POST /effect HTTP/1.1\r\nX_Api_Key: x\n\n":                       "underscore",
		"POST": "no method and target",
		"POST /effect\n\n" + strings.Repeat("x", maxBody+1): "longer than",
		"POST /" + strings.Repeat("x", maxHead+1) + "\n\n":  "longer than",
		"POST /effect?a=\u00e9\n\n":                         "must be percent-encoded",
	} {
		g := &connectortest.Guard{}
		_, err := follow(t.Context(), conn, g, text)
		ops := g.Operations()
		if !errors.Is(err, connectors.ErrUnsupported) || !strings.Contains(err.Error(), why) {
			t.Errorf("%.60q: %v, want %q", text, err, why)
		}
		if len(ops) != 1 || ops[0].Facts.Class != policy.Unknown || !strings.Contains(ops[0].Facts.Why, why) {
			t.Errorf("%.60q: asked as %+v", text, ops)
		}
	}
	if s.effects.Load() != 0 {
		t.Error("something was sent")
	}
}

// TestCredentials: each way to present one arrives, and none comes back, in a head,
// a body or an error.
func TestCredentials(t *testing.T) {
	for name, c := range map[string]struct {
		target connectors.HTTPTarget
		user   string
		want   string
	}{
		"bearer": {connectors.HTTPTarget{Auth: "bearer"}, "", "Authorization: Bearer " + canary},
		"basic":  {connectors.HTTPTarget{Auth: "basic"}, "deploy", "Authorization: Basic ZGVwbG95OmM0bmFyeS8rY3JlZGVudGlhbD00NzEx"},
		"header": {connectors.HTTPTarget{Auth: "header", Header: "x-api-key"}, "", "X-Api-Key: " + canary},
	} {
		var got string
		e := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			got = ""
			for _, h := range []string{"Authorization", "X-Api-Key"} {
				if v := r.Header.Get(h); v != "" {
					got += h + ": " + v
				}
			}
			w.Header().Set("X-Echo", got)
			w.Header().Set("Location", "/next?token="+url.QueryEscape(got))
			w.WriteHeader(302)
			_ = json.NewEncoder(w).Encode(r.Header)
		}), nil, nil)
		c.target.Loopback = true
		e.HTTP, e.User = &c.target, c.user
		g := &connectortest.Guard{}
		conn := open(t, e, canary, g)
		out, err := follow(t.Context(), conn, g, "GET /\n\n")
		if err != nil || got != c.want {
			t.Errorf("%s: %q arrives, %v", name, got, err)
		}
		_, kept, _ := g.Permits()[0].Streams()
		for _, form := range append(forms(canary), forms("ZGVwbG95OmM0bmFyeS8rY3JlZGVudGlhbD00NzEx")...) {
			if strings.Contains(out.all()+kept, form) {
				t.Errorf("%s: %q comes back: %s", name, form, out.all())
			}
		}
	}
	if _, err := New().Open(t.Context(), connectors.Endpoint{Name: "x", Address: "http://127.0.0.1:1", HTTP: &connectors.HTTPTarget{Auth: "bearer"}}, mask.NewSecret([]byte("abc")), &connectortest.Guard{}); !errors.Is(err, connectors.ErrCredential) {
		t.Errorf("a credential of three bytes: %v", err)
	}
	if _, err := New().Open(t.Context(), connectors.Endpoint{Name: "x", Address: "http://127.0.0.1:1", HTTP: &connectors.HTTPTarget{Auth: "bearer"}}, mask.NewSecret([]byte("abcd\r\nX: y")), &connectortest.Guard{}); !errors.Is(err, connectors.ErrCredential) || strings.Contains(err.Error(), "abcd") {
		t.Errorf("a credential of two lines: %v", err)
	}
}

// tokens is a token endpoint (RFC 6749, section 4.4).
type tokens struct {
	mu     sync.Mutex
	given  int
	life   int
	status int
	form   url.Values
}

func (s *tokens) ServeHTTP(w nethttp.ResponseWriter, r *nethttp.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = r.ParseForm()
	s.form = r.PostForm
	user, secret, _ := r.BasicAuth()
	if unescaped, err := url.QueryUnescape(secret); err == nil {
		secret = unescaped
	}
	w.Header().Set("Content-Type", "application/json")
	if s.status != 0 || user != "client" || secret != canary || r.PostForm.Get("grant_type") != "client_credentials" {
		w.WriteHeader(max(401, s.status))
		fmt.Fprintf(w, `{"error":"invalid_client","error_description":"you sent %s"}`, secret)
		return
	}
	s.given++
	fmt.Fprintf(w, `{"access_token":"t0ken-number-%d","token_type":"Bearer","expires_in":%d}`, s.given, s.life)
}

// TestOAuth2: a token is fetched when the service is opened and when it is about to
// expire or was refused, on record each time, and does not come back.
func TestOAuth2(t *testing.T) {
	issuer := &tokens{life: 3600}
	at := httptest.NewServer(issuer)
	t.Cleanup(at.Close)
	refuse := atomic.Bool{}
	e := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if refuse.Load() {
			w.WriteHeader(401)
		}
		fmt.Fprintln(w, r.Header.Get("Authorization"))
	}), nil, nil)
	e.User, e.HTTP = "client", &connectors.HTTPTarget{Auth: "oauth2", TokenURL: at.URL + "/token", Scopes: []string{"a", "b"}, Audience: "billing", Loopback: true}
	g := &connectortest.Guard{}
	conn := open(t, e, canary, g)
	ask := func() (*shown, error) { return follow(t.Context(), conn, g, "GET /\n\n") }
	out, err := ask()
	if err != nil || out.String() != "Bearer "+stripped+"\n" || issuer.given != 1 || len(g.Notes()) != 1 || !strings.Contains(g.Notes()[0], at.URL+"/token") {
		t.Fatalf("%q, %v, %d tokens, notes %q", out, err, issuer.given, g.Notes())
	}
	if issuer.form.Get("scope") != "a b" || issuer.form.Get("audience") != "billing" {
		t.Errorf("asked with %v", issuer.form)
	}
	refuse.Store(true)
	if _, err := ask(); !errors.Is(err, connectors.ErrCredential) || issuer.given != 1 {
		t.Errorf("a refused token: %v, %d tokens", err, issuer.given)
	}
	refuse.Store(false)
	issuer.mu.Lock()
	issuer.life = 1
	issuer.mu.Unlock()
	if _, err := ask(); err != nil || issuer.given != 2 || len(g.Notes()) != 2 {
		t.Errorf("after it was refused: %v, %d tokens", err, issuer.given)
	}
	if _, err := ask(); err != nil || issuer.given != 3 {
		t.Errorf("after it expired: %v, %d tokens", err, issuer.given)
	}
	issuer.mu.Lock()
	issuer.status = 500
	issuer.mu.Unlock()
	if _, err := ask(); !errors.Is(err, connectors.ErrUnreachable) || strings.Contains(err.Error(), canary) {
		t.Errorf("the endpoint fails: %v", err)
	}
	issuer.mu.Lock()
	issuer.status = 0
	issuer.mu.Unlock()
	g.NoteErr = errors.New("recorder is full")
	if _, err := ask(); !errors.Is(err, g.NoteErr) || issuer.given != 3 {
		t.Errorf("without a record: %v, %d tokens", err, issuer.given)
	}
	for secret, want := range map[string]error{"wrong-secret": connectors.ErrCredential} {
		_, err := New().Open(t.Context(), e, mask.NewSecret([]byte(secret)), &connectortest.Guard{})
		if !errors.Is(err, want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	e.HTTP = &connectors.HTTPTarget{Auth: "oauth2", TokenURL: "http://169.254.169.254/token", Loopback: true}
	if _, err := New().Open(t.Context(), e, mask.NewSecret([]byte(canary)), &connectortest.Guard{}); !errors.Is(err, connectors.ErrUnreachable) || !strings.Contains(err.Error(), "allow_link_local") {
		t.Errorf("a token endpoint at a metadata address: %v", err)
	}
}

// TestSentOnce: a connection that dies under a request that changes something is not
// tried again, whatever the request says of itself; it is unknown what became of it.
func TestSentOnce(t *testing.T) {
	var arrived atomic.Int64
	e := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.URL.Path == "/ok" {
			return
		}
		arrived.Add(1)
		conn, _, _ := nethttp.NewResponseController(w).Hijack()
		_ = conn.Close()
	}), nil, nil)
	e.HTTP.Auth = ""
	conn := open(t, e, "", &connectortest.Guard{})
	for _, text := range []string{"POST /x\n\n", "POST /x\nIdempotency-Key: 1\n\n", "POST /x\nIdempotency-Key: 2\n\nbody", "PUT /x\n\nbody", "DELETE /x\n\n"} {
		for range 3 { // connections that could be reused
			if _, err := follow(t.Context(), conn, &connectortest.Guard{}, "GET /ok\n\n"); err != nil {
				t.Fatal(err)
			}
		}
		before := arrived.Load()
		g := &connectortest.Guard{}
		_, err := follow(t.Context(), conn, g, text)
		if !errors.Is(err, connectors.ErrVanished) || arrived.Load() != before+1 {
			t.Errorf("%q: %v, arrived %d times", text, err, arrived.Load()-before)
		}
		if o := g.Permits()[0].Outcomes(); len(o) != 1 || !o[0].Unknown {
			t.Errorf("%q: outcome %+v, want unknown", text, o)
		}
	}
}

// TestBomb: little that is compressed does not become much: the bound is on what it
// becomes, and memory does not grow with it.
func TestBomb(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	zeros := bytes.Repeat([]byte("0"), 1<<20)
	for range 256 {
		_, _ = z.Write(zeros)
	}
	_ = z.Close()
	e := start(t, nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.URL.Path == "/br" {
			w.Header().Set("Content-Encoding", "br")
			_, _ = w.Write([]byte("\x8b\x00\x80br"))
			return
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(bomb.Bytes())
	}), nil, nil)
	e.HTTP.Auth, e.HTTP.MaxBody = "", 3<<20
	conn := open(t, e, "", &connectortest.Guard{})
	out, err := follow(t.Context(), conn, &connectortest.Guard{}, "GET /\n\n")
	var why *policy.Refusal
	if err == nil || !strings.Contains(err.Error(), "longer than the 3145728 bytes") {
		t.Errorf("%v", err)
	}
	_ = why
	if out == nil || out.Len() > 3<<20 {
		t.Error("more than the bound was shown")
	}
	// What comes compressed without being asked for stays so, and says so.
	out, err = follow(t.Context(), conn, &connectortest.Guard{}, "GET /br\n\n")
	if err != nil || connectors.FieldValue(out.fields, "Content-Encoding") != "br" || connectors.Readable(out.fields) {
		t.Errorf("%v, %+v", err, out.fields)
	}
}

// TestTimeout: an answer that takes too long is ended, in words, and the service is
// told.
func TestTimeout(t *testing.T) {
	s := newService("")
	e := start(t, s, nil, nil)
	e.HTTP.Auth = ""
	conn := open(t, e, "", &connectortest.Guard{})
	g := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms {
		return connectors.Terms{ReadOnly: true, Timeout: time.Second}
	}}
	out, err := follow(t.Context(), conn, g, "GET /slow\n\n")
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "longer than the 1s") || out.status != 200 {
		t.Errorf("%v", err)
	}
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); {
		if s.active.Load() == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("the service still works on it")
}

// TestAliases: where paths are masked, GraphQL may not rename what it asks for.
func TestAliases(t *testing.T) {
	s := newService("")
	e := start(t, s, nil, nil)
	e.HTTP.Auth = ""
	conn := open(t, e, "", &connectortest.Guard{})
	plan, err := mask.New(mask.Options{Paths: []mask.PathRule{{Name: "m", Path: "$.**.email"}}})
	if err != nil {
		t.Fatal(err)
	}
	for body, ok := range map[string]bool{
		`{"query":"{ customers { email } }"}`:                                     true,
		`{"query":"query q($n: Int = 3) { customers(first: $n) { email } }"}`:     true,
		`{"query":"{ customers { x: email } }"}`:                                  false,
		`{"query":"{ customers { ...f } } fragment f on Customer { x : email }"}`: false,
		`{"query":"{ customers { email } }","extensions":{"persistedQuery":1}}`:   true,
		`[{"query":"{ a { b } }"},{"query":"{ a { x:email } }"}]`:                 false,
		`{"id":"persisted"}`: false,
	} {
		for _, g := range []*connectortest.Guard{{Kept: plan}, {Seen: plan, Kept: plan}} {
			_, err := follow(t.Context(), conn, g, "POST /graphql\nContent-Type: application/json\n\n"+body)
			var why *policy.Refusal
			if refused := errors.As(err, &why) && why.Rule == "masks"; refused == ok {
				t.Errorf("%s: %v", body, err)
			}
		}
		if _, err := follow(t.Context(), conn, &connectortest.Guard{}, "POST /graphql\nContent-Type: application/json\n\n"+body); err != nil {
			t.Errorf("%s without masks: %v", body, err)
		}
	}
}

// FuzzParse: what is parsed is sent as it was parsed: its text parses to the same
// request again, and the body is the end of the text.
func FuzzParse(f *testing.F) {
	f.Add("GET /a?b\nX: y\n\nbody\r\n\r\n")
	f.Add("POST /a HTTP/1.1\r\nX: y\r\nX: z\r\n\r\n{}")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text)
		if err != nil {
			return
		}
		if !strings.HasSuffix(text, string(r.Body)) {
			t.Errorf("%q: the body is %q", text, r.Body)
		}
		if len(r.Odd) > 0 {
			return
		}
		again, err := Parse(r.text())
		if err != nil || again.Method != r.Method || again.Target != r.Target || !bytes.Equal(again.Body, r.Body) || fmt.Sprint(again.Header) != fmt.Sprint(r.Header) {
			t.Errorf("%q becomes %q: %v", text, r.text(), err)
		}
	})
}
