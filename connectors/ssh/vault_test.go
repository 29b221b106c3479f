package ssh

import (
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
)

const vaultToken = "hvs.c4nary-t0ken"

// vaultServer answers as Vault's SSH engine does, as far as its documentation and its
// source tell: one role, that signs for whom it is asked. change may lie.
type vaultServer struct {
	authority gossh.Signer
	// change changes a certificate before it is signed; nil changes nothing.
	change func(*gossh.Certificate)
	// answer answers in its place; false leaves it to it.
	answer func(w http.ResponseWriter) bool

	mu    sync.Mutex
	asked []map[string]any
	heads []http.Header
}

func (v *vaultServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q map[string]any
	b, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	_ = json.Unmarshal(b, &q)
	v.mu.Lock()
	v.asked, v.heads = append(v.asked, q), append(v.heads, r.Header)
	v.mu.Unlock()
	say := func(status int, errors ...string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": errors})
	}
	switch {
	case v.answer != nil && v.answer(w):
		return
	case r.Method != http.MethodPost || r.URL.Path != "/v1/teams/ssh/sign/people":
		say(http.StatusNotFound)
		return
	case r.Header.Get("X-Vault-Token") != vaultToken:
		say(http.StatusForbidden, "permission denied")
		return
	}
	key, _, _, _, err := gossh.ParseAuthorizedKey([]byte(fmt.Sprint(q["public_key"])))
	ttl, err2 := time.ParseDuration(fmt.Sprint(q["ttl"]))
	if err != nil || err2 != nil || q["cert_type"] != "user" {
		say(http.StatusBadRequest, "bad request")
		return
	}
	now := time.Now()
	cert := &gossh.Certificate{Key: key, CertType: gossh.UserCert, Serial: 7, KeyId: "vault-token-7f", ValidPrincipals: strings.Split(fmt.Sprint(q["valid_principals"]), ","),
		ValidAfter: uint64(now.Add(-30 * time.Second).Unix()), ValidBefore: uint64(now.Add(ttl).Unix()),
		Permissions: gossh.Permissions{Extensions: map[string]string{"permit-pty": ""}}}
	if v.change != nil {
		v.change(cert)
	}
	_ = cert.SignCert(rand.Reader, v.authority)
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"serial_number": strconv.FormatUint(cert.Serial, 16), "signed_key": line(cert) + "\n"}})
}

// start serves over TLS, and returns where, and the file of its authority.
func (v *vaultServer) start(t *testing.T) (address, ca string) {
	t.Helper()
	s := httptest.NewTLSServer(v)
	t.Cleanup(s.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return s.URL, ca
}

// trusting is a real sshd that takes certificates by the authority.
func trusting(t *testing.T, authority gossh.PublicKey) *sshdtest.Server {
	t.Helper()
	return sshdtest.StartWith(t, func(dir string) string {
		write(t, dir, "authority", []byte(line(authority)+"\n"))
		return "TrustedUserCAKeys " + filepath.Join(dir, "authority") + "\n"
	})
}

func vaultEndpoint(s *sshdtest.Server, address, ca string) connectors.Endpoint {
	return connectors.Endpoint{Name: "web-1", Address: s.Address, User: s.User, HostKeys: []string{s.HostKey}, Certify: &connectors.Certify{Valid: 2 * time.Minute,
		Vault: &connectors.VaultSigner{Address: address, Mount: "teams/ssh", Role: "people", Namespace: "shop", RootCA: ca}}}
}

// A sign-in by Vault's certificate, at a real sshd: asked for once, for minutes, with
// the token in no other place than its header, and told of on record.
func TestVaultSigns(t *testing.T) {
	v := &vaultServer{authority: newSigner(t)}
	address, ca := v.start(t)
	s := trusting(t, v.authority.PublicKey())
	g := &connectortest.Guard{}
	conn, err := New(Options{}).Open(t.Context(), vaultEndpoint(s, address, ca), secretOf(vaultToken), g)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var out strings.Builder
	if _, err := conn.(connectors.Executor).Exec(t.Context(), allow(), "echo signed in", connectors.Stdio{Out: &out, Err: io.Discard}); err != nil || out.String() != "signed in\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if len(v.asked) != 1 || v.asked[0]["valid_principals"] != s.User || v.asked[0]["ttl"] != "120s" || v.heads[0].Get("X-Vault-Namespace") != "shop" {
		t.Errorf("Vault was asked %v", v.asked)
	}
	notes := strings.Join(g.Notes(), "\n")
	for _, want := range []string{"ask Vault's SSH engine teams/ssh, role people for a certificate", "signed certificate 7", "vault-token-7f", `extensions ["permit-pty"]`, gossh.FingerprintSHA256(v.authority.PublicKey())} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in the notes:\n%s", want, notes)
		}
	}
	if strings.Contains(notes+fmt.Sprint(v.asked), vaultToken) || !strings.Contains(s.Log(), `ID vault-token-7f (serial 7)`) {
		t.Errorf("the token is in %s %v, or sshd says something else:\n%s", notes, v.asked, s.Log())
	}
}

// What Vault answers is used only where it is what was asked for; nothing reaches the
// target else, and no error holds the token.
func TestVaultLies(t *testing.T) {
	other := newSigner(t)
	cert := func(change func(*gossh.Certificate)) *vaultServer { return &vaultServer{change: change} }
	says := func(status int, body string) *vaultServer {
		return &vaultServer{answer: func(w http.ResponseWriter) bool {
			if status == http.StatusTemporaryRedirect {
				w.Header().Set("Location", "http://127.0.0.1:1/"+body)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
			return true
		}}
	}
	for name, c := range map[string]struct {
		v    *vaultServer
		is   error
		text string
	}{
		"another key":         {cert(func(c *gossh.Certificate) { c.Key = other.PublicKey() }), connectors.ErrCredential, "another key"},
		"a host's":            {cert(func(c *gossh.Certificate) { c.CertType = gossh.HostCert }), connectors.ErrCredential, "not for a user"},
		"other principals":    {cert(func(c *gossh.Certificate) { c.ValidPrincipals = append(c.ValidPrincipals, "root2") }), connectors.ErrCredential, "root2"},
		"no principals":       {cert(func(c *gossh.Certificate) { c.ValidPrincipals = nil }), connectors.ErrCredential, "it is for"},
		"for too long":        {cert(func(c *gossh.Certificate) { c.ValidBefore += 3600 }), connectors.ErrCredential, "longer than 2m0s"},
		"for ever":            {cert(func(c *gossh.Certificate) { c.ValidBefore = gossh.CertTimeInfinity }), connectors.ErrCredential, "longer than"},
		"expired":             {cert(func(c *gossh.Certificate) { c.ValidBefore = c.ValidAfter + 1 }), connectors.ErrCredential, "expired"},
		"not yet":             {cert(func(c *gossh.Certificate) { c.ValidAfter += 90 }), connectors.ErrCredential, "not yet valid"},
		"a command":           {cert(func(c *gossh.Certificate) { c.CriticalOptions = map[string]string{"force-command": "id"} }), connectors.ErrCredential, "force-command"},
		"an unknown option":   {cert(func(c *gossh.Certificate) { c.CriticalOptions = map[string]string{"odd": ""} }), connectors.ErrCredential, "odd"},
		"a plain key":         {says(200, `{"data":{"signed_key":"`+line(other.PublicKey())+`"}}`), connectors.ErrCredential, "no certificate"},
		"two lines":           {says(200, `{"data":{"signed_key":"`+line(other.PublicKey())+`\n`+line(other.PublicKey())+`"}}`), connectors.ErrCredential, "no certificate"},
		"nothing":             {says(200, `{"data":{}}`), connectors.ErrProtocol, "no signed key"},
		"no JSON":             {says(200, `<html>`), connectors.ErrProtocol, "no signed key"},
		"endless":             {says(200, `{"data":{"signed_key":"`+strings.Repeat("a", 1<<20)+`"}}`), connectors.ErrProtocol, "no signed key"},
		"denied":              {says(403, `{"errors":["permission denied"]}`), connectors.ErrCredential, `403: "permission denied"`},
		"denied by an echo":   {says(400, `{"errors":["bad token `+vaultToken+`"]}`), connectors.ErrCredential, "400"},
		"sealed":              {says(503, `{"errors":["Vault is sealed"]}`), connectors.ErrUnreachable, "sealed"},
		"escapes":             {says(400, `{"errors":["\u001b[2J"]}`), connectors.ErrCredential, `\x1b[2J`},
		"elsewhere":           {says(307, vaultToken), connectors.ErrCredential, "307"},
		"no permission at it": {&vaultServer{answer: func(w http.ResponseWriter) bool { return false }}, nil, ""},
	} {
		c.v.authority = newSigner(t)
		address, ca := c.v.start(t)
		s := trusting(t, c.v.authority.PublicKey())
		conn, err := New(Options{}).Open(t.Context(), vaultEndpoint(s, address, ca), secretOf(vaultToken), &connectortest.Guard{})
		if c.is == nil {
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			_ = conn.Close()
			continue
		}
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s: signed in", name)
			continue
		}
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.text) || strings.Contains(err.Error(), vaultToken) || strings.ContainsRune(err.Error(), '\x1b') {
			t.Errorf("%s: %v", name, err)
		}
		if log := s.Log(); log != "" {
			t.Errorf("%s: the target was reached: %s", name, log)
		}
	}
}

// Vault is known by its certificate, and its absence is told as that.
func TestVaultUnreachable(t *testing.T) {
	v := &vaultServer{authority: newSigner(t)}
	address, _ := v.start(t)
	e := connectors.Endpoint{Name: "web-1", Address: "127.0.0.1:1", User: "deploy", HostKeys: []string{line(newSigner(t).PublicKey())}, Certify: &connectors.Certify{
		Vault: &connectors.VaultSigner{Address: address, Mount: "ssh", Role: "people"}}}
	for name, to := range map[string]string{"unknown authority": address, "nobody there": "https://127.0.0.1:1"} {
		e.Certify.Vault.Address = to
		_, err := New(Options{}).Open(t.Context(), e, secretOf(vaultToken), &connectortest.Guard{})
		if !errors.Is(err, connectors.ErrUnreachable) || strings.Contains(fmt.Sprint(err), vaultToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(v.asked) > 0 {
		t.Error("the token was sent to who could not be known")
	}
	full := &connectortest.Guard{NoteErr: errors.New("the disk is full")}
	if _, err := New(Options{}).Open(t.Context(), e, secretOf(vaultToken), full); err == nil || len(v.asked) > 0 {
		t.Errorf("asked without a record: %v", err)
	}
}
