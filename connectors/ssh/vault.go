package ssh

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// maxVaultAnswer bounds what is read of Vault's answer, in bytes.
const maxVaultAnswer = 64 << 10

// vaultCertified makes a key for one sign-in and has it certified by Vault's SSH engine
// (POST /v1/MOUNT/sign/ROLE); the secret is the token for it. What Vault answers is
// used only where it is what was asked for. That it was asked, and what came, is noted.
// Errors hold nothing of the token.
func vaultCertified(ctx context.Context, e connectors.Endpoint, token mask.Secret, g connectors.Guard) (gossh.Signer, error) {
	signer, err := newKey()
	if err != nil {
		return nil, err
	}
	v, valid := e.Certify.Vault, e.Certify.Valid
	if valid <= 0 {
		valid = certifyFor
	}
	where := fmt.Sprintf("Vault's SSH engine %s, role %s", v.Mount, v.Role)
	if err := g.Note(ctx, fmt.Sprintf("ask %s for a certificate for %q, valid for %s", where, principals(e), valid)); err != nil {
		return nil, err
	}
	line, err := askVault(ctx, v, token, map[string]any{
		"public_key":       strings.TrimSpace(string(gossh.MarshalAuthorizedKey(signer.PublicKey()))),
		"valid_principals": strings.Join(principals(e), ","), "ttl": fmt.Sprintf("%ds", int(valid.Seconds())), "cert_type": "user",
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	cert, err := vaultCertificate(line, signer.PublicKey(), principals(e), valid, time.Now())
	if err != nil {
		return nil, fmt.Errorf("%w: %s: what it signed is not what was asked for: %w", connectors.ErrCredential, where, err)
	}
	err = g.Note(ctx, fmt.Sprintf("%s signed certificate %d (%.200q) by %s until %s: extensions %q, critical options %q", where, cert.Serial, cert.KeyId,
		gossh.FingerprintSHA256(cert.SignatureKey), time.Unix(int64(cert.ValidBefore), 0).UTC().Format(time.RFC3339),
		slices.Sorted(maps.Keys(cert.Extensions)), slices.Sorted(maps.Keys(cert.CriticalOptions))))
	if err != nil {
		return nil, err
	}
	return gossh.NewCertSigner(cert, signer)
}

// askVault asks for a signature, and returns the line that came.
func askVault(ctx context.Context, v *connectors.VaultSigner, token mask.Secret, body map[string]any) (string, error) {
	client, err := vaultClient(v)
	if err != nil {
		return "", err
	}
	defer client.CloseIdleConnections()
	b, err := json.Marshal(body)
	if err != nil {
		return "", fmt.Errorf("encode request: %w", err)
	}
	to := strings.TrimRight(v.Address, "/") + "/v1/" + strings.Trim(v.Mount, "/") + "/sign/" + url.PathEscape(v.Role)
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(b))
	if err != nil {
		return "", fmt.Errorf("%w: its address cannot be used", connectors.ErrUnreachable)
	}
	q.Header.Set("X-Vault-Token", string(token.Reveal()))
	q.Header.Set("X-Vault-Request", "true")
	q.Header.Set("Content-Type", "application/json")
	if v.Namespace != "" {
		q.Header.Set("X-Vault-Namespace", v.Namespace)
	}
	a, err := client.Do(q)
	if err != nil {
		return "", unspoken(ctx, err, token)
	}
	defer a.Body.Close()
	var answer struct {
		Data struct {
			SignedKey string `json:"signed_key"`
		} `json:"data"`
		Errors []string `json:"errors"`
	}
	text, err := io.ReadAll(io.LimitReader(a.Body, maxVaultAnswer+1))
	if err != nil {
		return "", unspoken(ctx, err, token)
	}
	readable := len(text) <= maxVaultAnswer && json.Unmarshal(text, &answer) == nil
	switch {
	case a.StatusCode != http.StatusOK:
		return "", refusedByVault(a.StatusCode, answer.Errors, token)
	case !readable || answer.Data.SignedKey == "":
		return "", fmt.Errorf("%w: its answer holds no signed key", connectors.ErrProtocol)
	}
	return answer.Data.SignedKey, nil
}

// vaultClient speaks to Vault alone: it takes no proxy from the environment, and follows
// nobody elsewhere with the token.
func vaultClient(v *connectors.VaultSigner) (*http.Client, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if v.RootCA != "" {
		pem, err := os.ReadFile(v.RootCA)
		if err != nil {
			return nil, fmt.Errorf("read Vault's authority: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read Vault's authority: %q holds no certificate", v.RootCA)
		}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil
}

// unspoken is a failure of the network, without the token, should its text hold it.
func unspoken(ctx context.Context, err error, token mask.Secret) error {
	if cause := context.Cause(ctx); cause != nil {
		return ended(ctx, cause)
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		err = failed.Err
	}
	if holds(err.Error(), token) {
		return connectors.ErrUnreachable
	}
	return fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
}

func holds(text string, token mask.Secret) bool {
	return !token.Empty() && strings.Contains(text, string(token.Reveal()))
}

// refusedByVault is an answer that says no, in Vault's own words.
func refusedByVault(status int, said []string, token mask.Secret) error {
	text := strings.Join(said, "; ")
	if text == "" || holds(text, token) {
		text = http.StatusText(status)
	}
	base := connectors.ErrCredential
	if status >= 500 {
		base = connectors.ErrUnreachable
	}
	return fmt.Errorf("%w: it answers %d: %.200q", base, status, text)
}

// vaultCertificate reads what was signed, and says what is wrong with it.
func vaultCertificate(line string, key gossh.PublicKey, principals []string, valid time.Duration, now time.Time) (*gossh.Certificate, error) {
	read, _, _, rest, err := gossh.ParseAuthorizedKey([]byte(line))
	cert, ok := read.(*gossh.Certificate)
	switch {
	case err != nil || !ok || len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("it is no certificate")
	case cert.CertType != gossh.UserCert:
		return nil, errors.New("it is not for a user")
	case !bytes.Equal(cert.Key.Marshal(), key.Marshal()):
		return nil, errors.New("it is for another key")
	case !alike(cert.ValidPrincipals, principals):
		return nil, fmt.Errorf("it is for %.200q", cert.ValidPrincipals)
	case cert.ValidBefore > uint64(now.Add(valid+certifySkew).Unix()):
		return nil, fmt.Errorf("it is valid for longer than %s", valid)
	}
	for name := range cert.CriticalOptions {
		// Of the others one makes the host run another command than the one that was judged.
		if name != "source-address" {
			return nil, fmt.Errorf("it has the critical option %.64q", name)
		}
	}
	check := &gossh.CertChecker{IsUserAuthority: func(gossh.PublicKey) bool { return true }, SupportedCriticalOptions: []string{"source-address"},
		Clock: func() time.Time { return now }}
	if err := check.CheckCert(principals[0], cert); err != nil {
		return nil, err
	}
	return cert, nil
}

// alike reports whether both are the same names, in any order.
func alike(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
