package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	jose "github.com/go-jose/go-jose/v4"
)

type m = map[string]any

// signIn runs one whole flow in which the provider answers the first poll with
// what token returns.
func signIn(t *testing.T, f *fakeIDP, token func() string) error {
	t.Helper()
	f.token = func(int) (int, string) { return answerWith(token()) }
	flow, err := f.provider(t, nil).Start(t.Context())
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	id, err := flow.Wait(t.Context())
	if err != nil && id.Subject != "" {
		t.Errorf("an identity came with the error: %+v", id)
	}
	return err
}

func claim(over m) func() string { return func() string { return sign(header(nil), payload(over)) } }
func head(over m) func() string  { return func() string { return sign(header(over), payload(nil)) } }

// text replaces part of a good payload or header by hand.
func edited(old, new string) func() string {
	return func() string { return sign(header(nil), strings.Replace(payload(nil), old, new, 1)) }
}

func hs256(secret []byte) func() string {
	return func() string {
		in := b64(header(m{"alg": "HS256"})) + "." + b64(payload(nil))
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(in))
		return in + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	}
}

func publicPEM() []byte {
	der, _ := x509.MarshalPKIXPublicKey(&signer().PublicKey)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func rs512() string {
	in := b64(header(m{"alg": "RS512"})) + "." + b64(payload(nil))
	sum := sha512.Sum512([]byte(in))
	sig, _ := rsa.SignPKCS1v15(nil, signer(), crypto.SHA512, sum[:])
	return in + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// swap signs one payload and sends another.
func swap() string {
	p := strings.Split(sign(header(nil), payload(nil)), ".")
	return p[0] + "." + b64(payload(m{"sub": "root"})) + "." + p[2]
}

func stranger(over m) func() string {
	return func() string {
		k, _ := rsa.GenerateKey(rand.Reader, 2048)
		if over != nil {
			over["jwk"] = jose.JSONWebKey{Key: &k.PublicKey, KeyID: "k1"}
		}
		return signBy(k, header(over), payload(nil))
	}
}

func in(d time.Duration) int64 { return time.Now().Add(d).Unix() }

// at delays a claim's making to the moment of the poll.
func at(name string, d time.Duration) func() string {
	return func() string { return sign(header(nil), payload(m{name: in(d)})) }
}

type forgery struct {
	name, says string
	token      func() string
}

var forgeries = []forgery{
	{"algorithm none, unsigned", `signed with "none"`, func() string { return b64(header(m{"alg": "none"})) + "." + b64(payload(nil)) + "." }},
	{"algorithm none, signed", `signed with "none"`, head(m{"alg": "none"})},
	{"algorithm nOnE", `signed with "nOnE"`, head(m{"alg": "nOnE"})},
	{"algorithm missing", `signed with ""`, head(m{"alg": nil})},
	{"algorithm not text", `signed with ""`, head(m{"alg": 256})},
	{"HS256 with the public key's PEM", `signed with "HS256"`, hs256(publicPEM())},
	{"HS256 with the public key's DER", `signed with "HS256"`, hs256(x509.MarshalPKCS1PublicKey(&signer().PublicKey))},
	{"HS256 with an empty secret", `signed with "HS256"`, hs256(nil)},
	{"algorithm beyond the list", `signed with "RS512"`, rs512},
	{"ES256 over an RSA signature", "signature does not verify", head(m{"alg": "ES256"})},
	{"PS256 over a PKCS1 signature", "signature does not verify", head(m{"alg": "PS256"})},
	{"claims swapped", "signature does not verify", swap},
	{"signature cut", "signature does not verify", func() string { s := sign(header(nil), payload(nil)); return s[:len(s)-40] }},
	{"signature missing", "signature does not verify", func() string { return b64(header(nil)) + "." + b64(payload(nil)) + "." }},
	{"another's key, our kid", "signature does not verify", stranger(nil)},
	{"unknown kid", "signature does not verify", head(m{"kid": "k2"})},
	{"kid is a path", "signature does not verify", head(m{"kid": "../../../../dev/null"})},
	{"kid is SQL", "signature does not verify", head(m{"kid": "k1' OR '1'='1"})},
	{"key brought along", `"jwk"`, stranger(m{})},
	{"key pointed at, jku", `"jku"`, head(m{"jku": "https://evil.test/keys"})},
	{"key pointed at, x5u", `"x5u"`, head(m{"x5u": "https://evil.test/cert"})},
	{"critical extension", `"crit"`, head(m{"crit": []string{"exp"}})},
	{"unencoded payload", `"b64"`, head(m{"b64": false})},
	{"compressed", `"zip"`, head(m{"zip": "DEF"})},
	{"access token", `of type "at+jwt"`, head(m{"typ": "at+jwt"})},
	{"logout token", `of type "logout+jwt"`, head(m{"typ": "logout+jwt"})},
	{"type not text", `of type "7"`, head(m{"typ": 7})},
	{"header with a key twice", "header: a key occurs twice", func() string { return sign(`{"alg":"RS256","alg":"none","kid":"k1"}`, payload(nil)) }},
	{"header with a key in two cases", "in different case", func() string { return sign(`{"alg":"RS256","Alg":"none","kid":"k1"}`, payload(nil)) }},
	{"header not an object", "header: not a JSON object", func() string { return sign(`["RS256"]`, payload(nil)) }},
	{"header null", "header: not a JSON object", func() string { return sign(`null`, payload(nil)) }},
	{"header not base64url", "header is not base64url", func() string { return "!!." + b64(payload(nil)) + ".AA" }},
	{"two parts", "not of the form", func() string { return b64(header(nil)) + "." + b64(payload(nil)) }},
	{"five parts", "not of the form", func() string { return "a.b.c.d.e" }},
	{"JSON serialization", "not of the form", func() string {
		p := strings.Split(sign(header(nil), payload(nil)), ".")
		return text(m{"protected": p[0], "payload": p[1], "signature": p[2]})
	}},
	{"too large", "larger than 16 KiB", claim(m{"pad": strings.Repeat("x", maxToken)})},
	{"claims not an object", "claims", func() string { return sign(header(nil), `[1]`) }},
	{"claims not UTF-8", "not UTF-8", edited("Alice", "Al\xffice")},
	{"issuer twice", "claims: a key occurs twice", edited(`"iss":`, `"iss":"https://login.test","iss":`)},
	{"subject in two cases", "in different case", edited(`"sub":`, `"Sub":"root","sub":`)},
	{"key twice further down", "claims: a key occurs twice", claimText(`"x":{"a":1,"a":2},`)},
	{"another issuer", "different provider", claim(m{"iss": "https://evil.test"})},
	{"issuer with a slash more", "different provider", claim(m{"iss": testIssuer + "/"})},
	{"issuer in capitals", "different provider", claim(m{"iss": strings.ToUpper(testIssuer)})},
	{"issuer missing", "different provider", claim(m{"iss": nil})},
	{"issuer a list", "unmarshal", claim(m{"iss": []string{testIssuer}})},
	{"issuer under another case", `of issuer ""`, claim(m{"iss": nil, "Iss": testIssuer})},
	{"another audience", "expected audience", claim(m{"aud": "other"})},
	{"audience of which ours is a prefix", "expected audience", claim(m{"aud": testClient + "-2"})},
	{"audience missing", "expected audience", claim(m{"aud": nil})},
	{"several audiences, no azp", "several audiences", claim(m{"aud": []string{testClient, "other"}})},
	{"several audiences, another's azp", "another client (azp)", claim(m{"aud": []string{testClient, "other"}, "azp": "other"})},
	{"our audience, another's azp", "another client (azp)", claim(m{"azp": "other"})},
	{"azp not text", "another client (azp)", claim(m{"azp": []string{testClient}})},
	{"expired", "expired at", at("exp", -time.Second)},
	{"expiry missing", "expired at", claim(m{"exp": nil})},
	{"expiry under another case", "no expiry", func() string { return sign(header(nil), payload(m{"exp": nil, "Exp": in(time.Hour)})) }},
	{"expiry a text", "unmarshal", claim(m{"exp": "tomorrow"})},
	{"expiry beyond all time", "", claim(m{"exp": 1e300})},
	{"issued in the future", "issued in the future", at("iat", leeway+time.Second)},
	{"issued before the sign-in", "older than this sign-in", at("iat", -leeway-3*time.Second)},
	{"no time of issue", "does not say when", claim(m{"iat": nil})},
	{"expires before it is issued", "expires before", func() string {
		return sign(header(nil), payload(m{"exp": in(10 * time.Second), "iat": in(50 * time.Second)}))
	}},
	{"not valid yet", "not valid yet", at("nbf", leeway+time.Second)},
	{"subject missing", "subject is missing", claim(m{"sub": nil})},
	{"subject empty", "subject is missing", claim(m{"sub": ""})},
	{"subject a number", "unmarshal", claim(m{"sub": 7})},
	{"subject with an escape", "subject is missing", claim(m{"sub": "u\x1b[31m"})},
	{"subject endless", "subject is missing", claim(m{"sub": strings.Repeat("u", 256)})},
	{"claim source missing", "source does not exist", claim(m{"_claim_names": m{"groups": "src1"}})},
	{"no token", "no ID token", func() string { return "" }},
}

func claimText(insert string) func() string {
	return func() string { return sign(header(nil), "{"+insert+payload(nil)[1:]) }
}

func TestForgedTokens(t *testing.T) {
	for _, c := range forgeries {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sent string
				err := signIn(t, newFakeIDP(), func() string { sent = c.token(); return sent })
				if !errors.Is(err, ErrToken) {
					t.Fatalf("got %v, want ErrToken", err)
				}
				if !strings.Contains(err.Error(), c.says) {
					t.Errorf("error %q does not say %q", err, c.says)
				}
				checkSilent(t, err, sent)
			})
		})
	}
}

// checkSilent fails if an error holds a secret, or a run of a token.
func checkSilent(t *testing.T, err error, token string) {
	t.Helper()
	for _, secret := range []string{testDevice, testSecret, "access-token-that-nobody-may-see"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error %q holds %q", err, secret)
		}
	}
	for _, part := range strings.Split(token, ".") {
		if len(part) >= 24 && strings.Contains(err.Error(), part[:24]) {
			t.Errorf("error %q holds part of the token", err)
		}
	}
}

func TestHonestTokens(t *testing.T) {
	es, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	edPub, ed, _ := ed25519.GenerateKey(rand.Reader)
	by := func(alg jose.SignatureAlgorithm, key any, kid string) func() string {
		return func() string {
			s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			o, err := s.Sign([]byte(payload(nil)))
			if err != nil {
				t.Fatal(err)
			}
			c, _ := o.CompactSerialize()
			return c
		}
	}
	for name, token := range map[string]func() string{
		"RS256":                   claim(nil),
		"PS256":                   by(jose.PS256, signer(), "k0"),
		"ES256":                   by(jose.ES256, es, "k2"),
		"EdDSA":                   by(jose.EdDSA, ed, "k3"),
		"no kid":                  head(m{"kid": nil}),
		"no typ":                  head(m{"typ": nil}),
		"audience in a list":      claim(m{"aud": []string{testClient}}),
		"several audiences, azp":  claim(m{"aud": []string{"other", testClient}, "azp": testClient}),
		"issuer's clock ahead":    at("iat", leeway-time.Second),
		"not before a minute":     at("nbf", leeway-time.Second),
		"times with a fraction":   func() string { return sign(header(nil), payload(m{"iat": float64(time.Now().Unix()) + 0.5})) },
		"201 groups":              claim(m{"groups": strings.Split(strings.Repeat("group,", 200)+"last", ",")}),
		"certificate thumbprints": head(m{"x5t": "AAAA"}),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeIDP()
				f.jwks = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
					{Key: &signer().PublicKey, KeyID: "k1", Algorithm: "RS256"}, {Key: &signer().PublicKey, KeyID: "k0"},
					{Key: &es.PublicKey, KeyID: "k2"}, {Key: edPub, KeyID: "k3"},
				}}
				if err := signIn(t, f, token); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// An HMAC key in the issuer's own key set does not make HMAC acceptable.
func TestSharedKeyInKeySet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIDP()
		f.jwks = m{"keys": []m{{"kty": "oct", "kid": "k1", "alg": "HS256", "k": b64("0123456789abcdef0123456789abcdef")}}}
		f.discovery = m{"id_token_signing_alg_values_supported": []string{"HS256", "none"}}
		err := signIn(t, f, hs256([]byte("0123456789abcdef0123456789abcdef")))
		if !errors.Is(err, ErrToken) {
			t.Fatalf("got %v, want ErrToken", err)
		}
	})
}

// A rotated key is found; a removed one is not trusted for longer than an hour.
func TestKeyRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeIDP()
		p := f.provider(t, nil)
		next, _ := rsa.GenerateKey(rand.Reader, 2048)
		try := func(token string) error {
			f.token = func(int) (int, string) { return answerWith(token) }
			flow, err := p.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = flow.Wait(t.Context())
			return err
		}
		if err := try(sign(header(nil), payload(nil))); err != nil {
			t.Fatalf("first key: %v", err)
		}
		f.jwks = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &next.PublicKey, KeyID: "k9"}}}
		if err := try(signBy(next, header(m{"kid": "k9"}), payload(nil))); err != nil {
			t.Errorf("rotated key: %v", err)
		}
		f.jwks = jose.JSONWebKeySet{}
		time.Sleep(rediscover + time.Minute)
		if err := try(signBy(next, header(m{"kid": "k9"}), payload(nil))); !errors.Is(err, ErrToken) {
			t.Errorf("removed key after an hour: got %v, want ErrToken", err)
		}
	})
}
