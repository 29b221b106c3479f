package identity

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/mask"
)

const (
	testIssuer = "https://login.test"
	testClient = "bastion"
	testDevice = "device-code-that-nobody-may-see"
	testSecret = "client-secret-that-nobody-may-see"
)

var signer = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

// fakeIDP is a provider that may lie. It is reached through a RoundTripper, so
// that tests run it in the virtual time of testing/synctest.
type fakeIDP struct {
	discovery map[string]any // replaces fields of the discovery document
	device    map[string]any // and of the device authorization
	jwks      any
	handle    map[string]http.HandlerFunc // replaces whole endpoints
	token     func(poll int) (status int, body string)

	mu    sync.Mutex
	polls []time.Time
	seen  []*http.Request // with bodies parsed
}

func newFakeIDP() *fakeIDP {
	f := &fakeIDP{handle: map[string]http.HandlerFunc{}}
	f.jwks = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &signer().PublicKey, KeyID: "k1", Algorithm: "RS256", Use: "sig"}}}
	f.token = func(int) (int, string) { return answerWith(sign(header(nil), payload(nil))) }
	return f
}

// provider is one of ours, pointed at the fake.
func (f *fakeIDP) provider(t *testing.T, edit func(*Config)) *Provider {
	t.Helper()
	c := Config{Issuer: testIssuer, ClientID: testClient}
	if edit != nil {
		edit(&c)
	}
	p, err := NewProvider(c)
	if err != nil {
		t.Fatal(err)
	}
	p.base = &guarded{base: f, insecure: c.InsecureIssuer}
	return p
}

// RoundTrip serves in place of a network.
func (f *fakeIDP) RoundTrip(r *http.Request) (*http.Response, error) {
	body := []byte{}
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(body))
	in.Header = r.Header
	w := httptest.NewRecorder()
	if err := in.ParseForm(); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.seen = append(f.seen, in)
	f.mu.Unlock()
	f.serve(w, in)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if w.Code == dropped {
		return nil, fmt.Errorf("connection reset by peer")
	}
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// dropped stands for no answer at all.
const dropped = 599

func (f *fakeIDP) serve(w http.ResponseWriter, r *http.Request) {
	if h := f.handle[r.URL.Path]; h != nil {
		h(w, r)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		reply(w, merge(map[string]any{
			"issuer": testIssuer, "token_endpoint": testIssuer + "/token", "jwks_uri": testIssuer + "/keys",
			"device_authorization_endpoint":         testIssuer + "/device",
			"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "none"},
		}, f.discovery))
	case "/keys":
		reply(w, f.jwks)
	case "/device":
		reply(w, merge(map[string]any{
			"device_code": testDevice, "user_code": "WDJB-MJHT", "verification_uri": testIssuer + "/go",
			"verification_uri_complete": testIssuer + "/go?user_code=WDJB-MJHT", "expires_in": 300, "interval": 2,
		}, f.device))
	case "/token":
		f.mu.Lock()
		f.polls = append(f.polls, time.Now())
		n := len(f.polls)
		f.mu.Unlock()
		status, body := f.token(n)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	default:
		http.NotFound(w, r)
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// merge lays over on base; a nil value removes its key.
func merge(base, over map[string]any) map[string]any {
	maps.Copy(base, over)
	maps.DeleteFunc(base, func(_ string, v any) bool { return v == nil })
	return base
}

func oauthError(code string) (int, string) {
	return http.StatusBadRequest, fmt.Sprintf(`{"error":%q}`, code)
}

func answerWith(idToken string) (int, string) {
	b, _ := json.Marshal(map[string]any{"access_token": "access-token-that-nobody-may-see", "token_type": "Bearer", "id_token": idToken, "expires_in": 300})
	return http.StatusOK, string(b)
}

// header and payload are a good token's, as JSON, with fields replaced.
func header(over map[string]any) string {
	return text(merge(map[string]any{"alg": "RS256", "kid": "k1", "typ": "JWT"}, over))
}

func payload(over map[string]any) string {
	now := time.Now()
	return text(merge(map[string]any{
		"iss": testIssuer, "sub": "u-1", "aud": testClient, "exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(),
		"email": "alice@company.test", "email_verified": true, "name": "Alice", "groups": []string{"engineering", "oncall"},
	}, over))
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// sign makes a compact token of any header and payload, RS256 whatever they say.
func sign(header, payload string) string { return signBy(signer(), header, payload) }

func signBy(key *rsa.PrivateKey, header, payload string) string {
	in := b64(header) + "." + b64(payload)
	sum := sha256.Sum256([]byte(in))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return in + "." + base64.RawURLEncoding.EncodeToString(sig)
}

func confidential(c *Config) { c.ClientSecret = mask.NewSecret([]byte(testSecret)) }
