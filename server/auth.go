package server

import (
	"slices"
	"strings"

	"charm.land/ssh"
	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/server/identity"
)

var errKeyNotFound = identity.ErrNotFound

// serverConfig lets anybody in whose handshake completes, as a stranger: with the
// key that they proved to hold, or without one by keyboard-interactive with no
// prompts. Who they are is decided afterwards, by that key being remembered or by
// signing in. The user name is a hint that decides nothing.
func (s *Server) serverConfig(ctx ssh.Context) *gossh.ServerConfig {
	c := connOf(ctx)
	cfg := &gossh.ServerConfig{
		// A completed handshake keeps its seat; nothing else is taken from it here.
		AuthLogCallback: func(_ gossh.ConnMetadata, _ string, err error) {
			if err == nil {
				c.place.shaken()
			}
		},
		// The signature is checked by now. A remembered key gives the stranger's seat
		// back at once; whose it is, is looked up when the connection opens a session.
		VerifiedPublicKeyCallback: func(_ gossh.ConnMetadata, k gossh.PublicKey, p *gossh.Permissions, _ string) (*gossh.Permissions, error) {
			if _, err := s.o.Keys.Lookup(c.ctx, gossh.FingerprintSHA256(k)); err == nil {
				c.place.known()
			}
			return p, nil
		},
		// Agents offer many keys; each offer counts as a try.
		MaxAuthTries: 20,
		PublicKeyAuthAlgorithms: []string{
			gossh.KeyAlgoED25519, gossh.KeyAlgoSKED25519, gossh.KeyAlgoSKECDSA256,
			gossh.KeyAlgoECDSA256, gossh.KeyAlgoECDSA384, gossh.KeyAlgoECDSA521,
			gossh.KeyAlgoRSASHA256, gossh.KeyAlgoRSASHA512,
		},
		// An offered key is only asked about here. What it leaves in the permissions
		// counts when x/crypto hands them over with the completed handshake, that is,
		// after the signature of this very key was checked.
		PublicKeyCallback: func(_ gossh.ConnMetadata, k gossh.PublicKey) (*gossh.Permissions, error) {
			return &gossh.Permissions{Extensions: map[string]string{extKey: gossh.FingerprintSHA256(k)}}, nil
		},
		KeyboardInteractiveCallback: func(_ gossh.ConnMetadata, ask gossh.KeyboardInteractiveChallenge) (*gossh.Permissions, error) {
			_, err := ask("", "", nil, nil)
			return &gossh.Permissions{}, err
		},
	}
	cfg.Config = modern()
	return cfg
}

// modern is x/crypto's supported algorithms without those that rest on SHA-1.
func modern() gossh.Config {
	a := gossh.SupportedAlgorithms()
	weak := func(name string) bool { return strings.Contains(name, "sha1") || strings.Contains(name, "cbc") }
	return gossh.Config{
		KeyExchanges: slices.DeleteFunc(a.KeyExchanges, weak),
		Ciphers:      slices.DeleteFunc(a.Ciphers, weak),
		MACs:         slices.DeleteFunc(a.MACs, weak),
	}
}
