package ledger

import (
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sallyport/sallyport/recorder"
)

// Inclusion shows that a leaf is one of those that a checkpoint was signed over.
type Inclusion struct {
	Leaf  recorder.Leaf
	Index int64
	Path  []tlog.Hash // RFC 6962, 2.1.1
	// Checkpoint is the signed note, Key the public key that it opens with.
	Checkpoint []byte
	Key        string
}

// ErrUnproven: the log has nothing about the transcript that is signed.
var ErrUnproven = errors.New("the log has no signed leaf of the transcript")

// Prove proves the newest signed leaf about a transcript's chain, from the log in
// a directory. Errors: ErrUnproven, recorder.ErrCorrupt.
func Prove(dir string, id recorder.ID) (Inclusion, error) {
	key, err := PublicKey(dir)
	if err != nil {
		return Inclusion{}, fmt.Errorf("prove %q: %w", id, err)
	}
	msg, err := lastCheckpoint(dir)
	if err != nil {
		return Inclusion{}, fmt.Errorf("prove %q: %w", id, err)
	}
	leaves, t, _, err := load(filepath.Join(dir, FileName))
	if err != nil && !errors.Is(err, recorder.ErrCorrupt) {
		return Inclusion{}, fmt.Errorf("prove %q: %w", id, err)
	}
	c, err := t.opens(msg, key)
	if err != nil {
		return Inclusion{}, fmt.Errorf("prove %q: %w", id, err)
	}
	p := Inclusion{Index: -1, Key: key, Checkpoint: msg}
	for i, l := range leaves[:c.Size] {
		if l.ID == id && l.Kind < recorder.LeafStored { // about its chain
			p.Leaf, p.Index = l, int64(i)
		}
	}
	if p.Index < 0 {
		return p, fmt.Errorf("transcript %q: %w", id, ErrUnproven)
	}
	p.Path, err = tlog.ProveRecord(c.Size, p.Index, t)
	return p, err
}

// Check verifies the proof by a public key. Errors wrap recorder.ErrCorrupt.
func (p Inclusion) Check(key string) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Checkpoint, key)
	if err != nil {
		return c, err
	}
	h := tlog.RecordHash(recorder.AppendLeaf(nil, p.Leaf))
	if err := tlog.CheckRecord(p.Path, c.Size, tlog.Hash(c.Root), p.Index, h); err != nil {
		return c, fmt.Errorf("%w: the leaf is not one of those that the checkpoint was signed over", recorder.ErrCorrupt)
	}
	return c, nil
}
