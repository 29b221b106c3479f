package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// signIn is one sign-in at a target (RFC 4252). It is used by one handshake.
type signIn struct {
	signer gossh.Signer // nil for a password
	secret mask.Secret

	proved   bool // the host key matched
	sent     bool // a credential may have been sent
	answered bool // the one prompt was answered
	refused  error
}

// newSignIn tells a private key from a password by its first line.
func newSignIn(e connectors.Endpoint, secret mask.Secret) (*signIn, error) {
	s := &signIn{secret: secret}
	if secret.Empty() {
		return nil, fmt.Errorf("%w: there is none: give the resource a password, a private_key or a certificate_authority", connectors.ErrCredential)
	}
	if e.Certify != nil && e.Certify.Vault != nil {
		return s, nil // its key is made, and certified, when there is a context to ask in
	}
	isKey := bytes.HasPrefix(bytes.TrimLeft(secret.Reveal(), " \t\r\n"), []byte("-----BEGIN"))
	if !isKey && e.Certify == nil {
		return s, nil
	}
	signer, err := parseKey(secret)
	if err != nil {
		return nil, err
	}
	if s.signer = signer; e.Certify != nil {
		s.signer, err = certified(signer, e)
	}
	return s, err
}

func parseKey(secret mask.Secret) (gossh.Signer, error) {
	signer, err := gossh.ParsePrivateKey(secret.Reveal())
	var locked *gossh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, fmt.Errorf("%w: the private key is encrypted: give one without a passphrase", connectors.ErrCredential)
	case err != nil:
		// The parser's own words might quote the key.
		return nil, fmt.Errorf("%w: the private key cannot be read: it must be in PEM or OpenSSH form", connectors.ErrCredential)
	}
	strong, err := strongSigner(signer)
	if err != nil {
		return nil, fmt.Errorf("%w: the private key is of a type that is not accepted (%q)", connectors.ErrCredential, signer.PublicKey().Type())
	}
	return strong, nil
}

// strongSigner signs with SHA-2 only.
func strongSigner(signer gossh.Signer) (gossh.Signer, error) {
	as, ok := signer.(gossh.AlgorithmSigner)
	if !ok {
		return nil, errors.New("signer without algorithms")
	}
	if signer.PublicKey().Type() == gossh.KeyAlgoRSA {
		return gossh.NewSignerWithAlgorithms(as, []string{gossh.KeyAlgoRSASHA512, gossh.KeyAlgoRSASHA256})
	}
	if !slices.Contains(gossh.SupportedAlgorithms().PublicKeyAuths, signer.PublicKey().Type()) {
		return nil, errors.New("weak key type")
	}
	return signer, nil
}

// next is asked by the library before each attempt; its error ends the sign-in.
// A method that failed is never tried again, so that a wrong credential locks
// nobody out.
func (s *signIn) next(c *gossh.ClientAuthContext) (gossh.AuthMethod, error) {
	can := func(method string) bool {
		return slices.Contains(c.AllowedMethods, method) && !slices.Contains(c.TriedMethods, method) &&
			!slices.Contains(c.PartialSuccessMethods, method)
	}
	switch {
	case !s.proved: // impossible: the key exchange comes first
		s.refused = fmt.Errorf("%w: it was never shown", connectors.ErrHostKey)
		return nil, s.refused
	case s.signer != nil && can("publickey"):
		s.sent = true
		return gossh.PublicKeys(s.signer), nil
	case s.signer == nil && can("password"):
		s.sent = true
		return gossh.Password(string(s.secret.Reveal())), nil
	case s.signer == nil && can("keyboard-interactive"):
		s.sent = true
		return gossh.KeyboardInteractive(s.answer), nil
	}
	if s.refused == nil {
		s.refused = s.why(c)
	}
	return nil, s.refused
}

func (s *signIn) why(c *gossh.ClientAuthContext) error {
	have := "a password"
	if s.signer != nil {
		have = named(s.signer.PublicKey())
	}
	switch {
	case len(c.PartialSuccessMethods) > 0:
		return fmt.Errorf("%w: %s was accepted, but it wants more (%q)", connectors.ErrCredential, have, c.AllowedMethods)
	case !s.sent:
		return fmt.Errorf("%w: it takes %q only, and there is %s", connectors.ErrCredential, c.AllowedMethods, have)
	}
	return fmt.Errorf("%w: tried %s", connectors.ErrCredential, have)
}

// answer answers one prompt, once, if it hides what is typed (RFC 4256): a
// second one asks for something else.
func (s *signIn) answer(_, _ string, questions []string, echos []bool) ([]string, error) {
	switch {
	case len(questions) == 0:
		return nil, nil
	case len(questions) == 1 && !echos[0] && !s.answered:
		s.answered = true
		return []string{string(s.secret.Reveal())}, nil
	}
	s.refused = fmt.Errorf("%w: it asks for more than a password", connectors.ErrCredential)
	return nil, s.refused
}
