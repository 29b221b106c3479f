package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	strictjson "github.com/go-jose/go-jose/v4/json"
)

// algorithms is what an ID token may be signed with. It is fixed: a provider's
// discovery document cannot widen it, and HMAC would make a public key a secret.
var algorithms = []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.EdDSA}

// claims are an ID token's, decoded without loss and without duplicates.
type claims map[string]any

// verify returns the claims of an ID token that holds to doc.go's list. It
// returns ErrToken, or ErrUnavailable where the signing keys cannot be fetched.
func (p *Provider) verify(ctx context.Context, at *endpoints, raw string, started time.Time) (claims, error) {
	if err := checkHeader(raw); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	keys := &witness{KeySet: at.keys}
	v := oidc.NewVerifier(p.config.Issuer, keys, &oidc.Config{
		ClientID: p.config.ClientID, SupportedSigningAlgs: algorithms, Now: p.config.Now,
	})
	tok, err := v.Verify(ctx, raw)
	if err != nil {
		return nil, verifyError(ctx, err, keys.err)
	}
	var payload json.RawMessage
	if err := tok.Claims(&payload); err != nil {
		return nil, fmt.Errorf("%w: the ID token's claims do not parse", ErrToken)
	}
	c, err := strictObject(payload)
	if err != nil {
		return nil, fmt.Errorf("%w: the ID token's claims: %w", ErrToken, err)
	}
	if err := p.checkClaims(c, started); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	return c, nil
}

// witness keeps the error of a key set, whose chain the verifier cuts.
type witness struct {
	oidc.KeySet
	err error
}

func (w *witness) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := w.KeySet.VerifySignature(ctx, jwt)
	w.err = err
	return payload, err
}

func verifyError(ctx context.Context, err, keys error) error {
	switch expired := (*oidc.TokenExpiredError)(nil); {
	case ctx.Err() != nil:
		return fmt.Errorf("verify the ID token: %w", context.Cause(ctx))
	case keys != nil && strings.HasPrefix(keys.Error(), "fetching keys"):
		return fmt.Errorf("%w: its signing keys: %s", ErrUnavailable, clean(keys.Error()))
	case keys != nil:
		return fmt.Errorf("%w: the ID token's signature does not verify", ErrToken)
	case errors.As(err, &expired):
		return fmt.Errorf("%w: the ID token expired at %s: compare the clocks", ErrToken, expired.Expiry.UTC().Format(time.RFC3339))
	}
	// The verifier's other texts name claims by value, quoted, and no token.
	return fmt.Errorf("%w: %s", ErrToken, clean(strings.TrimPrefix(err.Error(), "oidc: ")))
}

// checkHeader looks at what must not even reach a verifier.
func checkHeader(raw string) error {
	if len(raw) > maxToken {
		return fmt.Errorf("the ID token is larger than %d KiB: have it carry fewer claims", maxToken>>10)
	}
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return errors.New("the ID token is not of the form header.claims.signature")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	if err != nil {
		return errors.New("the ID token's header is not base64url")
	}
	h, err := strictObject(b)
	if err != nil {
		return fmt.Errorf("the ID token's header: %w", err)
	}
	if alg, _ := h["alg"].(string); !slices.Contains(algorithms, alg) {
		return fmt.Errorf("the ID token is signed with %q, not one of %s", clean(alg), strings.Join(algorithms, ", "))
	}
	if typ, ok := h["typ"]; ok {
		// at+jwt is an access token (RFC 9068), logout+jwt a logout token.
		if s, _ := typ.(string); !strings.EqualFold(s, "JWT") {
			return fmt.Errorf("it is no ID token but of type %q", clean(fmt.Sprint(typ)))
		}
	}
	for _, name := range []string{"jwk", "jku", "x5u", "crit", "b64", "zip", "enc"} {
		if _, ok := h[name]; ok {
			return fmt.Errorf("the ID token's header has %q, which is not accepted", name)
		}
	}
	return nil
}

// strictObject decodes a JSON object in which no key occurs twice, at any depth,
// and at the top not even in another case: decoders differ in which one they
// take, the verifier's own matches without regard to case.
func strictObject(b []byte) (claims, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("not UTF-8")
	}
	var c claims
	if err := strictjson.Unmarshal(b, &c); err != nil {
		if strings.Contains(err.Error(), "duplicate key") {
			return nil, errors.New("a key occurs twice")
		}
		return nil, errors.New("not a JSON object")
	}
	if c == nil {
		return nil, errors.New("not a JSON object")
	}
	seen := make(map[string]bool, len(c))
	for k := range c {
		folded := strings.ToLower(k)
		if seen[folded] {
			return nil, errors.New("a key occurs twice, in different case")
		}
		seen[folded] = true
	}
	return c, nil
}

// checkClaims repeats, on exact names, what the verifier did by names without
// case, and adds what it leaves out (OpenID Connect Core 3.1.3.7).
func (p *Provider) checkClaims(c claims, started time.Time) error {
	if iss, _ := c["iss"].(string); iss != p.config.Issuer {
		return fmt.Errorf("the ID token is of issuer %q", clean(iss))
	}
	if sub, _ := c["sub"].(string); !showable(sub, 255) {
		return errors.New("the ID token's subject is missing or not printable ASCII")
	}
	aud, ok := audience(c["aud"])
	if !ok || !slices.Contains(aud, p.config.ClientID) {
		return errors.New("the ID token is for another audience")
	}
	azp, has := c["azp"]
	if has && azp != any(p.config.ClientID) {
		return errors.New("the ID token was issued to another client (azp)")
	}
	if !has && len(aud) > 1 {
		return errors.New("the ID token is for several audiences and does not say to whom it was issued (azp)")
	}
	return p.checkTimes(c, started)
}

func (p *Provider) checkTimes(c claims, started time.Time) error {
	now := p.config.Now()
	exp, ok := instant(c["exp"])
	if !ok || !now.Before(exp) {
		return errors.New("the ID token has no expiry or is past it")
	}
	iat, ok := instant(c["iat"])
	switch {
	case !ok:
		return errors.New("the ID token does not say when it was issued (iat)")
	case iat.After(now.Add(leeway)):
		return fmt.Errorf("the ID token is issued in the future, at %s: compare the clocks", iat.Format(time.RFC3339))
	case iat.Before(started.Add(-leeway)):
		return fmt.Errorf("the ID token is older than this sign-in, of %s: compare the clocks", iat.Format(time.RFC3339))
	case exp.Before(iat):
		return errors.New("the ID token expires before it is issued")
	}
	if raw, has := c["nbf"]; has {
		if nbf, ok := instant(raw); !ok || nbf.After(now.Add(leeway)) {
			return errors.New("the ID token is not valid yet (nbf)")
		}
	}
	return nil
}

// audience reads a string or a list of strings (RFC 7519 section 4.1.3).
func audience(v any) ([]string, bool) {
	if s, ok := v.(string); ok {
		return []string{s}, true
	}
	return stringList(v)
}

// instant reads a NumericDate (RFC 7519 section 2) of this era.
func instant(v any) (time.Time, bool) {
	f, ok := v.(float64)
	if !ok || f < 1 || f > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(int64(f), 0).UTC(), true
}
