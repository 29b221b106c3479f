package ssh

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
)

// hostCert certifies a host's key, as change makes it.
func hostCert(t testing.TB, authority, host gossh.Signer, change func(*gossh.Certificate)) *gossh.Certificate {
	t.Helper()
	c := &gossh.Certificate{
		Key: host.PublicKey(), CertType: gossh.HostCert, ValidPrincipals: []string{"127.0.0.1"},
		ValidAfter: uint64(time.Now().Add(-time.Hour).Unix()), ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	if change != nil {
		change(c)
	}
	if err := c.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	return c
}

func certSigner(t testing.TB, c *gossh.Certificate, s gossh.Signer) gossh.Signer {
	t.Helper()
	signer, err := gossh.NewCertSigner(c, s)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func TestHostCertificates(t *testing.T) {
	authority, other, host := newSigner(t), newSigner(t), newSigner(t)
	for name, tt := range map[string]struct {
		by     gossh.Signer
		change func(*gossh.Certificate)
		want   error
		says   string
	}{
		"good":            {authority, nil, nil, ""},
		"other authority": {other, nil, connectors.ErrHostKey, gossh.FingerprintSHA256(other.PublicKey())},
		"other host":      {authority, func(c *gossh.Certificate) { c.ValidPrincipals = []string{"web-2"} }, connectors.ErrHostKey, "not valid for 127.0.0.1"},
		"expired":         {authority, func(c *gossh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Minute).Unix()) }, connectors.ErrHostKey, "not valid"},
		"not yet":         {authority, func(c *gossh.Certificate) { c.ValidAfter = uint64(time.Now().Add(time.Minute).Unix()) }, connectors.ErrHostKey, "not valid"},
		"a person's":      {authority, func(c *gossh.Certificate) { c.CertType = gossh.UserCert }, connectors.ErrHostKey, "not valid"},
		// One that names nobody is good for every host that has it.
		"nobody's":  {authority, func(c *gossh.Certificate) { c.ValidPrincipals = nil }, connectors.ErrHostKey, "names no host"},
		"by itself": {host, nil, connectors.ErrHostKey, gossh.FingerprintSHA256(host.PublicKey())},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{}
			f.passwords()
			f.start(t, certSigner(t, hostCert(t, tt.by, host, tt.change), host))
			e := f.endpoint()
			e.HostKeys, e.HostCAs = nil, []string{line(authority.PublicKey())}
			_, err := f.try(t, Options{}, e, goodPassword)
			if !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			if err != nil && (!strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "nothing was sent")) {
				t.Errorf("%q does not say %q", err, tt.says)
			}
			if err != nil && len(f.secrets) > 0 {
				t.Errorf("it got %q", f.secrets)
			}
		})
	}
}

// A plain key is not known by an authority, nor a fingerprint as one.
func TestAuthorityIsForCertificatesOnly(t *testing.T) {
	f := &fake{}
	host := newSigner(t)
	f.passwords()
	f.start(t, host)
	e := f.endpoint()
	e.HostKeys, e.HostCAs = nil, []string{line(host.PublicKey())}
	if _, err := f.try(t, Options{}, e, goodPassword); !errors.Is(err, connectors.ErrHostKey) || len(f.secrets) > 0 {
		t.Errorf("plain key: %v, it got %q", err, f.secrets)
	}
	e.HostCAs = []string{gossh.FingerprintSHA256(host.PublicKey())}
	if _, err := f.try(t, Options{}, e, goodPassword); !errors.Is(err, connectors.ErrHostKey) {
		t.Errorf("fingerprint: %v", err)
	}
}

func TestKnownHosts(t *testing.T) {
	f := &fake{}
	authority, host, other := newSigner(t), newSigner(t), newSigner(t)
	f.passwords()
	f.start(t, host, certSigner(t, hostCert(t, authority, host, nil), host))
	name := knownhosts.Normalize(f.address)
	for what, tt := range map[string]struct {
		file string
		want error
		says []string
	}{
		"known":     {knownhosts.Line([]string{name}, host.PublicKey()), nil, nil},
		"hashed":    {knownhosts.Line([]string{knownhosts.HashHostname(name)}, host.PublicKey()), nil, nil},
		"pattern":   {knownhosts.Line([]string{strings.Replace(name, "127.0.0.1", "127.0.0.*", 1)}, host.PublicKey()), nil, nil},
		"authority": {"@cert-authority " + name + " " + line(authority.PublicKey()), nil, nil},
		"changed": {knownhosts.Line([]string{name}, other.PublicKey()), connectors.ErrHostKey,
			[]string{gossh.FingerprintSHA256(other.PublicKey()), gossh.FingerprintSHA256(host.PublicKey())}},
		"another's": {knownhosts.Line([]string{"web-2"}, host.PublicKey()), connectors.ErrHostKey, []string{"no key for"}},
		"revoked": {knownhosts.Line([]string{name}, host.PublicKey()) + "\n@revoked * " + line(host.PublicKey()),
			connectors.ErrHostKey, []string{"revoked"}},
		"other authority": {"@cert-authority " + name + " " + line(other.PublicKey()), connectors.ErrHostKey, []string{gossh.FingerprintSHA256(authority.PublicKey())}},
		"nonsense":        {"known?", connectors.ErrHostKey, []string{"cannot be read"}},
		"empty":           {"", connectors.ErrHostKey, []string{"no key for"}},
	} {
		t.Run(what, func(t *testing.T) {
			f.mu.Lock()
			f.secrets = nil
			f.mu.Unlock()
			e := f.endpoint()
			e.HostKeys, e.KnownHosts = nil, filepath.Join(t.TempDir(), "known_hosts")
			if err := os.WriteFile(e.KnownHosts, []byte(tt.file+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := f.try(t, Options{}, e, goodPassword)
			if !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			for _, s := range tt.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if err != nil && len(f.secrets) > 0 {
				t.Errorf("it got %q", f.secrets)
			}
		})
	}
	t.Run("no file", func(t *testing.T) {
		e := f.endpoint()
		e.HostKeys, e.KnownHosts = nil, filepath.Join(t.TempDir(), "known_hosts")
		if _, err := f.try(t, Options{}, e, goodPassword); !errors.Is(err, connectors.ErrHostKey) {
			t.Errorf("%v", err)
		}
	})
}

// What the known_hosts file revokes is refused, whatever else knows it: a pin, or an
// authority that certified it before, or is itself what was revoked.
func TestRevokedBesides(t *testing.T) {
	f := &fake{}
	authority, host := newSigner(t), newSigner(t)
	f.passwords()
	f.start(t, host, certSigner(t, hostCert(t, authority, host, nil), host))
	for what, tt := range map[string]struct {
		pins, authorities []string
		revoked           gossh.PublicKey
	}{
		"pinned key":               {[]string{line(host.PublicKey())}, nil, host.PublicKey()},
		"pinned fingerprint":       {[]string{gossh.FingerprintSHA256(host.PublicKey())}, nil, host.PublicKey()},
		"certified key":            {nil, []string{line(authority.PublicKey())}, host.PublicKey()},
		"authority":                {nil, []string{line(authority.PublicKey())}, authority.PublicKey()},
		"authority, known besides": {[]string{line(host.PublicKey())}, []string{line(authority.PublicKey())}, authority.PublicKey()},
	} {
		t.Run(what, func(t *testing.T) {
			e := f.endpoint()
			e.HostKeys, e.HostCAs, e.KnownHosts = tt.pins, tt.authorities, filepath.Join(t.TempDir(), "known_hosts")
			if err := os.WriteFile(e.KnownHosts, []byte("web-2 "+line(host.PublicKey())+"\n@revoked * "+line(tt.revoked)+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := f.try(t, Options{}, e, goodPassword)
			if !errors.Is(err, connectors.ErrHostKey) || !strings.Contains(err.Error(), "revoked") {
				t.Errorf("%v", err)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if len(f.secrets) > 0 {
				t.Errorf("it got %q", f.secrets)
			}
		})
	}
}

// OpenSSH's own server, with certificates both ways: it is known by an authority,
// and takes a key that another authority certified for this sign-in. Its log
// names the person.
func TestCertificatesWithOpenSSH(t *testing.T) {
	hosts, people := newSigner(t), newAuthority(t)
	s := sshdtest.StartWith(t, func(dir string) string {
		key, err := os.ReadFile(filepath.Join(dir, "host_key"))
		if err != nil {
			t.Fatal(err)
		}
		host, err := gossh.ParsePrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, "host_key-cert.pub", gossh.MarshalAuthorizedKey(hostCert(t, hosts, host, nil)))
		write(t, dir, "people.pub", []byte(people.line))
		return fmt.Sprintf("HostCertificate %[1]s/host_key-cert.pub\nTrustedUserCAKeys %[1]s/people.pub\n", dir)
	})
	e := connectors.Endpoint{Name: "web-1", Address: s.Address, User: s.User, HostCAs: []string{line(hosts.PublicKey())},
		Certify: &connectors.Certify{}, For: "alice@example.com 01JD\x1b[31m"}
	f := &fake{}
	c, err := f.try(t, Options{}, e, people.private)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec(t, c, allow()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(s.Log(), `sallyport alice@example.com 01JD?[31m`) {
		t.Errorf("the host's log does not say who came:\n%s", s.Log())
	}
	e.Certify = &connectors.Certify{Principals: []string{"nobody-here"}}
	if _, err := f.try(t, Options{}, e, people.private); !errors.Is(err, connectors.ErrCredential) || !strings.Contains(err.Error(), "nobody-here") {
		t.Errorf("another principal: %v", err)
	}
	e.Certify = &connectors.Certify{}
	if _, err := f.try(t, Options{}, e, newAuthority(t).private); !errors.Is(err, connectors.ErrCredential) {
		t.Errorf("another authority: %v", err)
	}
	e.Certify = nil
	if _, err := f.try(t, Options{}, e, people.private); !errors.Is(err, connectors.ErrCredential) {
		t.Errorf("the authority's own key signs nobody in: %v", err)
	}
}

// What a certificate says, and no more.
func TestCertificate(t *testing.T) {
	authority := newSigner(t)
	for name, tt := range map[string]struct {
		e       connectors.Endpoint
		names   []string
		valid   time.Duration
		forward bool
	}{
		"defaults":   {connectors.Endpoint{User: "deploy", Certify: &connectors.Certify{}}, []string{"deploy"}, 5 * time.Minute, false},
		"principals": {connectors.Endpoint{User: "deploy", Certify: &connectors.Certify{Principals: []string{"a", "b"}, Valid: time.Hour}}, []string{"a", "b"}, time.Hour, false},
		"forwards":   {connectors.Endpoint{User: "x", Certify: &connectors.Certify{}, Forwards: []string{"127.0.0.1:80"}}, []string{"x"}, 5 * time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := certified(authority, tt.e)
			if err != nil {
				t.Fatal(err)
			}
			c := s.PublicKey().(*gossh.Certificate)
			span := time.Unix(int64(c.ValidBefore), 0).Sub(time.Unix(int64(c.ValidAfter), 0))
			if span != tt.valid+certifySkew {
				t.Errorf("valid for %s", span)
			}
			if fmt.Sprint(c.ValidPrincipals) != fmt.Sprint(tt.names) || c.CertType != gossh.UserCert {
				t.Errorf("for %q, type %d", c.ValidPrincipals, c.CertType)
			}
			want := map[string]string{"permit-pty": ""}
			if tt.forward {
				want["permit-port-forwarding"] = ""
			}
			if fmt.Sprint(c.Extensions) != fmt.Sprint(want) || len(c.CriticalOptions) != 0 {
				t.Errorf("it permits %v, %v", c.Extensions, c.CriticalOptions)
			}
		})
	}
}

// Old devices have nothing better; nobody else is spoken to like that.
func TestLegacyDevice(t *testing.T) {
	f := &fake{}
	f.config.Config = gossh.Config{KeyExchanges: []string{gossh.InsecureKeyExchangeDH14SHA1}, Ciphers: []string{gossh.InsecureCipherAES128CBC}, MACs: []string{gossh.HMACSHA1}}
	f.passwords()
	f.start(t, newRSASigner(t))
	e := f.endpoint()
	if _, err := f.try(t, Options{}, e, goodPassword); !errors.Is(err, connectors.ErrProtocol) || len(f.secrets) > 0 {
		t.Errorf("%v, it got %q", err, f.secrets)
	}
	e.Legacy = true
	if _, err := f.try(t, Options{}, e, goodPassword); err != nil {
		t.Error(err)
	}
}

// A host on the way is known, signed in at and left like any other, and its part
// is on record.
func TestVia(t *testing.T) {
	jump, target := sshdtest.Start(t), sshdtest.Start(t)
	via := func() *connectors.Via { return viaOf(jump) }
	e := connectors.Endpoint{Name: "db-1", Address: target.Address, User: target.User, HostKeys: []string{target.HostKey}, Via: via(),
		Dial: func(_ ctx, _, _ string) (net.Conn, error) { return nil, errors.New("it must not be dialled") }}
	g := allow()
	c, err := New(Options{}).Open(t.Context(), e, secretOf(target.PrivateKey), g)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec(t, c, g); err != nil {
		t.Error(err)
	}
	if n := g.Notes(); len(n) != 1 || !strings.Contains(n[0], "through jump-1 as "+jump.User) || !strings.Contains(n[0], target.Address) {
		t.Errorf("noted %q", n)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	eventually(t, func() bool { return jump.Sessions() == 0 && target.Sessions() == 0 })
	for name, tt := range map[string]struct {
		change func(*connectors.Endpoint)
		want   error
	}{
		"wrong key on the way":   {func(e *connectors.Endpoint) { e.Via.Endpoint.HostKeys = []string{target.HostKey} }, connectors.ErrHostKey},
		"wrong key at the end":   {func(e *connectors.Endpoint) { e.HostKeys = []string{jump.HostKey} }, connectors.ErrHostKey},
		"refused on the way":     {func(e *connectors.Endpoint) { e.Via.Secret = always("wr0ng-h0rse") }, connectors.ErrCredential},
		"unreachable on the way": {func(e *connectors.Endpoint) { e.Address = "127.0.0.1:1" }, connectors.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			e := e
			e.Via = via()
			tt.change(&e)
			if _, err := New(Options{}).Open(t.Context(), e, secretOf(target.PrivateKey), allow()); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
			eventually(t, func() bool { return jump.Sessions() == 0 && target.Sessions() == 0 })
		})
	}
}
