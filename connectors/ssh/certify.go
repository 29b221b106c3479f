package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
)

const (
	certifyFor = 5 * time.Minute
	// certifySkew is how far a target's clock may be behind ours.
	certifySkew = time.Minute
	maxKeyID    = 256
)

// certified makes a key for one sign-in, and its certificate (PROTOCOL.certkeys of
// OpenSSH): valid for minutes, for the principals, with leave for a terminal and,
// where the target has declared forwards, for these; for agents and X11 where a rule
// lets them be used there; not for ~/.ssh/rc. Nothing of it is kept.
func certified(authority gossh.Signer, e connectors.Endpoint) (gossh.Signer, error) {
	signer, err := newKey()
	if err != nil {
		return nil, err
	}
	var serial [8]byte
	_, _ = rand.Read(serial[:]) // it never fails
	cert := &gossh.Certificate{
		Key: signer.PublicKey(), CertType: gossh.UserCert, Serial: binary.BigEndian.Uint64(serial[:]), KeyId: keyID(e.For),
		ValidPrincipals: principals(e),
		Permissions:     gossh.Permissions{Extensions: map[string]string{}},
	}
	for _, name := range leave(e) {
		cert.Extensions[name] = ""
	}
	valid := e.Certify.Valid
	if valid <= 0 {
		valid = certifyFor
	}
	now := time.Now()
	cert.ValidAfter, cert.ValidBefore = uint64(now.Add(-certifySkew).Unix()), uint64(now.Add(valid).Unix())
	if err := cert.SignCert(rand.Reader, authority); err != nil {
		return nil, fmt.Errorf("%w: the authority's key cannot certify", connectors.ErrCredential)
	}
	return gossh.NewCertSigner(cert, signer)
}

// newKey makes a key for one sign-in.
func newKey() (gossh.Signer, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	signer, err := gossh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return signer, nil
}

// leave is what a certificate has leave for.
func leave(e connectors.Endpoint) []string {
	all := []string{"permit-pty"}
	if len(e.Forwards) > 0 {
		all = append(all, "permit-port-forwarding")
	}
	if e.Borrows.Agent {
		all = append(all, "permit-agent-forwarding")
	}
	if e.Borrows.Display {
		all = append(all, "permit-X11-forwarding")
	}
	return all
}

// principals are never none: a certificate without is good for everybody.
func principals(e connectors.Endpoint) []string {
	if len(e.Certify.Principals) > 0 {
		return slices.Clone(e.Certify.Principals)
	}
	return []string{e.User}
}

// keyID is what the target's log says of who came. A name is another system's
// text, so that it is made plain.
func keyID(who string) string {
	who = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, who)
	return "sallyport " + who[:min(len(who), maxKeyID)]
}

// named is a key as errors tell of it.
func named(key gossh.PublicKey) string {
	cert, ok := key.(*gossh.Certificate)
	if !ok {
		return "the key " + gossh.FingerprintSHA256(key)
	}
	return fmt.Sprintf("a certificate for %q by %s", cert.ValidPrincipals, gossh.FingerprintSHA256(cert.SignatureKey))
}
