package ledger

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/sallyport/sallyport/recorder"
)

const (
	// KeyFile is the signing key's in the data directory, PubFile its public key's.
	KeyFile = "transcripts.key"
	PubFile = "transcripts.pub"

	// signTimeout is how long a signing command may take.
	signTimeout = 10 * time.Second
)

// PublicKey reads the public key beside a log.
func PublicKey(dir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(dir, PubFile))
	return strings.TrimSpace(string(b)), err
}

// verifier reads a public key ("name+hash+key"). Its one spelling alone is taken:
// hexadecimal and base64 have others, and a byte that changed must show.
func verifier(key string) (note.Verifier, error) {
	v, err := note.NewVerifier(key)
	if err != nil {
		return nil, err
	}
	text := strings.SplitN(key, "+", 3)[2] // no name holds a plus, as NewVerifier knows
	if _, err := base64.StdEncoding.Strict().DecodeString(text); err != nil || key != fmt.Sprintf("%s+%08x+%s", v.Name(), v.KeyHash(), text) {
		return nil, errors.New("it is not spelt as it was made")
	}
	return v, nil
}

// keys finds the signer of the log in dir, and makes one where there is no log
// yet. A log whose key is gone is not given another one.
func keys(dir, name string, fresh bool) (note.Signer, string, error) {
	path := filepath.Join(dir, KeyFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) && fresh {
		return newKey(dir, name)
	}
	if err != nil {
		return nil, "", fmt.Errorf("signing key: %w", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
		return nil, "", errors.Join(err, fmt.Errorf("signing key %q: others may touch it: chmod 600", path))
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, "", fmt.Errorf("signing key %q: malformed", path) // not the cause: it may quote the key
	}
	pub, err := PublicKey(dir)
	if err != nil {
		return nil, "", fmt.Errorf("public key: %w", err)
	}
	if v, err := verifier(pub); err != nil || v.Name() != signer.Name() || v.KeyHash() != signer.KeyHash() {
		return nil, "", fmt.Errorf("%w: %s is not the key in %s", recorder.ErrCorrupt, PubFile, KeyFile)
	}
	return signer, pub, nil
}

// newKey makes a key for a log of the name; a random part tells logs apart that
// were given the same one.
func newKey(dir, name string) (note.Signer, string, error) {
	if name = strings.Map(nameByte, name); name == "" {
		name = "bastion"
	}
	name = "sallyport/" + name + "/" + strings.ToLower(rand.Text()[:8])
	secret, pub, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, "", fmt.Errorf("make signing key: %w", err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, "", err
	}
	err = replace(filepath.Join(dir, PubFile), []byte(pub+"\n"), 0o644)
	if err == nil { // second: a key that is there has its public key
		err = replace(filepath.Join(dir, KeyFile), []byte(secret+"\n"), 0o600)
	}
	return signer, pub, err
}

// nameByte drops what the name of a key cannot hold.
func nameByte(r rune) rune {
	if r <= ' ' || r >= 0x7f || r == '+' {
		return -1
	}
	return r
}

// Command is a signer that runs a program: a bridge to a key in hardware or in a
// cloud's KMS. The program gets the note's text on stdin and prints the Ed25519
// signature in base64.
type Command struct {
	note.Verifier
	argv []string
}

// NewCommand returns the signer of a public key (format of sumdb/note).
func NewCommand(key string, argv ...string) (*Command, error) {
	v, err := verifier(key)
	if err != nil {
		return nil, fmt.Errorf("signing command: public key: %w", err)
	}
	if len(argv) == 0 {
		return nil, errors.New("signing command: none given")
	}
	return &Command{v, argv}, nil
}

// Sign implements note.Signer.
func (c *Command) Sign(msg []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), signTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Stdin = bytes.NewReader(msg)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("signing command %q: %w", c.argv[0], err)
	}
	sig, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(out)))
	if err != nil || !c.Verify(msg, sig) {
		return nil, fmt.Errorf("signing command %q: what it printed is no signature by its key", c.argv[0])
	}
	return sig, nil
}
