package ssh

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
)

// pin is one host key that a target may have: the key, or its fingerprint alone.
type pin struct {
	key         gossh.PublicKey // nil where only the fingerprint is known
	fingerprint string
}

type pins []pin

// parsePins reads lines in authorized_keys form (sshd(8)) and fingerprints
// ("SHA256:" and unpadded base64).
func parsePins(lines []string) (pins, error) {
	var all pins
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "SHA256:") {
			sum, err := base64.RawStdEncoding.Strict().DecodeString(line[len("SHA256:"):])
			if err != nil || len(sum) != 32 {
				return nil, fmt.Errorf("%w: host key %d is no fingerprint as ssh-keygen -l prints it: nothing was sent", connectors.ErrHostKey, i+1)
			}
			all = append(all, pin{fingerprint: line})
			continue
		}
		key, _, options, rest, err := gossh.ParseAuthorizedKey([]byte(line))
		_, isCert := key.(*gossh.Certificate)
		if err != nil || isCert || len(options) > 0 || len(bytes.TrimSpace(rest)) > 0 {
			return nil, fmt.Errorf("%w: host key %d is neither a public key (ssh-ed25519 AAAA...) nor a fingerprint (SHA256:...): nothing was sent",
				connectors.ErrHostKey, i+1)
		}
		all = append(all, pin{key, gossh.FingerprintSHA256(key)})
	}
	return all, nil
}

// has compares the whole key, or, where only that is known, its fingerprint.
func (p pins) has(key gossh.PublicKey) bool {
	fingerprint := gossh.FingerprintSHA256(key)
	return slices.ContainsFunc(p, func(pin pin) bool {
		return pin.key != nil && bytes.Equal(pin.key.Marshal(), key.Marshal()) || pin.key == nil && pin.fingerprint == fingerprint
	})
}

// ofType reports whether a key of that type may be one of them.
func (p pins) ofType(name string) bool {
	return slices.ContainsFunc(p, func(pin pin) bool { return pin.key == nil || pin.key.Type() == name })
}

// String is the fingerprints.
func (p pins) String() string {
	var all []string
	for _, pin := range p {
		s := pin.fingerprint
		if pin.key != nil {
			s += " (" + pin.key.Type() + ")"
		}
		all = append(all, s)
	}
	return strings.Join(all, " or ")
}

// keyType is the type of the keys that an algorithm signs with (RFC 8332).
func keyType(algorithm string) string {
	if algorithm == gossh.KeyAlgoRSASHA256 || algorithm == gossh.KeyAlgoRSASHA512 {
		return gossh.KeyAlgoRSA
	}
	return algorithm
}
