package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/sallyport/sallyport/recorder"
)

// emptyRoot is the root of a tree without leaves (RFC 6962, 2.1).
var emptyRoot = recorder.Hash(sha256.Sum256(nil))

// Checkpoint is what a signed note says about the log.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   recorder.Hash
}

func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// OpenCheckpoint verifies a signed checkpoint by a public key in the format of
// sumdb/note ("name+hash+key"). Errors wrap recorder.ErrCorrupt unless the key
// is malformed.
func OpenCheckpoint(msg []byte, key string) (Checkpoint, error) {
	v, err := verifier(key)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("public key: %w", err)
	}
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: checkpoint: %w", recorder.ErrCorrupt, err)
	}
	c, err := parse(n.Text)
	if err == nil && c.Origin != v.Name() {
		err = fmt.Errorf("origin %q is not the key's, %q", c.Origin, v.Name())
	}
	if err == nil {
		err = strict(msg)
	}
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: checkpoint: %w", recorder.ErrCorrupt, err)
	}
	return c, nil
}

// verifier reads a public key in its one spelling: digits of its hash are lower-case.
func verifier(key string) (note.Verifier, error) {
	key = strings.TrimSpace(key)
	v, err := note.NewVerifier(key)
	if err == nil && !strings.HasPrefix(key, fmt.Sprintf("%s+%08x+", v.Name(), v.KeyHash())) {
		err = errors.New("malformed")
	}
	return v, err
}

func parse(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return c, fmt.Errorf("%d lines", len(lines))
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 {
		return c, fmt.Errorf("size %q", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(c.Root) {
		return c, fmt.Errorf("root %q", lines[2])
	}
	c.Root = recorder.Hash(root)
	return c, nil
}

// strict refuses signatures whose base64 has more than one spelling: their last
// digit has bits that decoding ignores.
func strict(msg []byte) error {
	for line := range bytes.Lines(msg[bytes.LastIndex(msg, []byte("\n\n"))+2:]) {
		f := bytes.Fields(line)
		if _, err := base64.StdEncoding.Strict().DecodeString(string(f[len(f)-1])); err != nil {
			return fmt.Errorf("signature: %w", err)
		}
	}
	return nil
}
