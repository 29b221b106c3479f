package ssh

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/sallyport/sallyport/connectors"
)

// trust is what a target is known by: pinned keys, authorities that certify host
// keys, and a known_hosts file. One of them must know what the target shows.
type trust struct {
	address     string
	pins        pins
	authorities pins
	known       gossh.HostKeyCallback // nil where there is no file
	// wanted are the keys that the file has for this target; certified is set where
	// it names authorities.
	wanted    []gossh.PublicKey
	certified bool
	// legacy accepts a host key's signature with SHA-1.
	legacy bool
}

func newTrust(e connectors.Endpoint) (*trust, error) {
	t := &trust{address: e.Address, legacy: e.Legacy}
	var err error
	if t.pins, err = parsePins(e.HostKeys); err != nil {
		return nil, err
	}
	if t.authorities, err = parsePins(e.HostCAs); err != nil {
		return nil, err
	}
	for _, ca := range t.authorities {
		if ca.key == nil {
			return nil, fmt.Errorf("%w: an authority is known by its whole key, not by %s: nothing was sent", connectors.ErrHostKey, ca.fingerprint)
		}
	}
	if e.KnownHosts != "" {
		if err := t.read(e.KnownHosts); err != nil {
			return nil, err
		}
	}
	if len(t.pins)+len(t.authorities) == 0 && t.known == nil {
		return nil, fmt.Errorf("%w: no host key is pinned, so that nobody could tell: put the line that ssh-keyscan prints, once you have checked it, under host_keys; nothing was sent", connectors.ErrHostKey)
	}
	if len(t.algorithms()) == 0 { // the library would take that for its defaults
		if e.KnownHosts != "" && len(t.wanted) == 0 {
			return nil, fmt.Errorf("%w: %q has no key for %s: nothing was sent", connectors.ErrHostKey, e.KnownHosts, e.Address)
		}
		return nil, fmt.Errorf("%w: pinned is only %s, of a type that is not accepted: nothing was sent", connectors.ErrHostKey, t)
	}
	return t, nil
}

// read reads a known_hosts file (sshd(8)), each time a connection is made: it may
// be managed by others. The library tells what it has for a host only in the
// error about a key that is not it.
func (t *trust) read(file string) error {
	var err error
	if t.known, err = knownhosts.New(file); err != nil {
		return fmt.Errorf("%w: %q cannot be read as a known_hosts file: %w: nothing was sent", connectors.ErrHostKey, file, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w: %w: nothing was sent", connectors.ErrHostKey, err)
	}
	t.certified = bytes.Contains(data, []byte("@cert-authority"))
	nobody, err := gossh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return err
	}
	var differ *knownhosts.KeyError
	if errors.As(t.known(t.address, anywhere, nobody), &differ) {
		for _, k := range differ.Want {
			t.wanted = append(t.wanted, k.Key)
		}
	}
	return nil
}

// anywhere is the address that a name resolved to, by which no target is known.
var anywhere = &net.TCPAddr{IP: net.IPv4zero}

// check is asked with what the target proved to have. What the file revokes counts
// for what is known otherwise, too: a pin, or what an authority certified.
func (t *trust) check(key gossh.PublicKey) error {
	if cert, ok := key.(*gossh.Certificate); ok {
		for _, k := range []gossh.PublicKey{cert.Key, cert.SignatureKey} {
			if t.revoked(k) {
				return fmt.Errorf("%w: %s (%s), which its certificate rests on, is revoked: nothing was sent", connectors.ErrHostKey, gossh.FingerprintSHA256(k), k.Type())
			}
		}
		return t.checkCertificate(cert)
	}
	if t.revoked(key) {
		return fmt.Errorf("%w: its key is revoked, it shows %s (%s): nothing was sent", connectors.ErrHostKey, gossh.FingerprintSHA256(key), key.Type())
	}
	if t.pins.has(key) {
		return nil
	}
	shows := fmt.Sprintf("it shows %s (%s): nothing was sent", gossh.FingerprintSHA256(key), key.Type())
	if t.known == nil {
		return fmt.Errorf("%w: pinned is %s, %s", connectors.ErrHostKey, t, shows)
	}
	var differ *knownhosts.KeyError
	switch err := t.known(t.address, anywhere, key); {
	case err == nil:
		return nil
	case errors.As(err, &differ) && len(t.wanted)+len(t.pins) == 0:
		return fmt.Errorf("%w: nothing is known of %s, %s", connectors.ErrHostKey, t.address, shows)
	}
	return fmt.Errorf("%w: known is %s, %s", connectors.ErrHostKey, t, shows)
}

// revoked reports whether the file revokes a key, for whatever host.
func (t *trust) revoked(key gossh.PublicKey) bool {
	var revoked *knownhosts.RevokedError
	return t.known != nil && errors.As(t.known(t.address, anywhere, key), &revoked)
}

// checkCertificate accepts a host certificate (PROTOCOL.certkeys of OpenSSH) by an
// authority, for the name under which the target was called, that is valid now.
func (t *trust) checkCertificate(cert *gossh.Certificate) error {
	by := gossh.FingerprintSHA256(cert.SignatureKey)
	shows := fmt.Sprintf("it shows %s, certified by %s (%s): nothing was sent", gossh.FingerprintSHA256(cert.Key), by, cert.SignatureKey.Type())
	if f := cert.Signature.Format; f == gossh.KeyAlgoRSA || f == "ssh-dss" {
		return fmt.Errorf("%w: its certificate is signed with SHA-1, %s", connectors.ErrHostKey, shows)
	}
	if len(cert.ValidPrincipals) == 0 { // the library takes it for a certificate of every host
		return fmt.Errorf("%w: its certificate names no host, %s", connectors.ErrHostKey, shows)
	}
	checker := gossh.CertChecker{IsHostAuthority: func(ca gossh.PublicKey, _ string) bool { return t.authorities.has(ca) }}
	err := checker.CheckHostKey(t.address, anywhere, cert)
	if err != nil && t.known != nil {
		err = t.known(t.address, anywhere, cert)
	}
	if err == nil {
		return nil
	}
	if len(t.authorities) > 0 && !t.authorities.has(cert.SignatureKey) {
		return fmt.Errorf("%w: its authority should be %s, %s", connectors.ErrHostKey, t.authorities, shows)
	}
	return fmt.Errorf("%w: its certificate is not valid for %s (%.200q), %s", connectors.ErrHostKey, t.address, err.Error(), shows)
}

// algorithms are the host key algorithms with which the target can prove to be
// known, so that one with keys of several types shows one that is.
func (t *trust) algorithms() []string {
	var out []string
	names := gossh.SupportedAlgorithms().HostKeys
	if t.legacy {
		names = append(names, gossh.KeyAlgoRSA)
	}
	for _, name := range names {
		certificate := strings.Contains(name, "-cert-")
		switch {
		case certificate && (len(t.authorities) > 0 || t.certified):
			out = append(out, name)
		case !certificate && (t.pins.ofType(keyType(name)) || slices.ContainsFunc(t.wanted, func(k gossh.PublicKey) bool { return k.Type() == keyType(name) })):
			out = append(out, name)
		}
	}
	return out
}

// String is the fingerprints of the keys that the target may have.
func (t *trust) String() string {
	all := slices.Clone(t.pins)
	for _, k := range t.wanted {
		all = append(all, pin{k, gossh.FingerprintSHA256(k)})
	}
	if len(all) == 0 {
		return "a certificate by " + t.authorities.String()
	}
	return all.String()
}
