package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/recorder"
)

// Proof is what checking a log found.
type Proof struct {
	// Leaves are all that decode, in order, and Covered how many of them the
	// checkpoints vouch for.
	Leaves     []recorder.Leaf
	Covered    int
	Checkpoint Checkpoint
	Faults     []recorder.Fault
}

// Verify checks the log in a directory, which is not changed: its leaves, its own
// checkpoint, and others of it that the caller kept. key is the public key; ""
// means the one beside the log, which proves less. An error wraps fs.ErrNotExist
// where there is no log.
func Verify(dir, key string, kept ...[]byte) (Proof, error) {
	var p Proof
	if key == "" {
		var err error
		if key, err = PublicKey(dir); err != nil {
			return p, fmt.Errorf("verify the log: %w", err)
		}
	}
	msg, cerr := lastCheckpoint(dir)
	leaves, t, _, err := load(filepath.Join(dir, FileName))
	if err != nil && !errors.Is(err, recorder.ErrCorrupt) {
		return p, fmt.Errorf("verify the log: %w", err)
	}
	p.Leaves = leaves
	var c Checkpoint
	if cerr == nil {
		c, cerr = t.opens(msg, key)
	}
	switch {
	case cerr != nil && !errors.Is(cerr, recorder.ErrCorrupt):
		return p, fmt.Errorf("verify the log: %w", cerr)
	case err != nil: // it tells which leaf: the checkpoint can only say that it disagrees
		p.fault(err)
	case cerr != nil:
		p.fault(cerr)
	default:
		p.Checkpoint, p.Covered = c, int(c.Size)
	}
	for i, msg := range kept {
		c, err := OpenCheckpoint(msg, key)
		if err == nil {
			err = t.agrees(c)
		}
		if err != nil {
			p.fault(fmt.Errorf("kept checkpoint %d: %w", i+1, err))
		}
	}
	return p, nil
}

// Stopped is what is wrong with the log of a bastion that stopped cleanly, as the
// seal of its store says: then all leaves were signed over.
func (p *Proof) Stopped() []recorder.Fault {
	if len(p.Faults) > 0 || p.Covered == len(p.Leaves) {
		return nil
	}
	return []recorder.Fault{{What: fmt.Sprintf("log: the checkpoint covers %d of %d leaves, though the bastion stopped cleanly: it is an older one",
		p.Covered, len(p.Leaves))}}
}

func (p *Proof) fault(err error) {
	p.Faults = append(p.Faults, recorder.Fault{What: "log: " + err.Error()})
}

// ReadCheckpoint reads the newest checkpoint beside a log.
func ReadCheckpoint(dir string) ([]byte, error) {
	return os.ReadFile(filepath.Join(dir, CheckpointFile))
}
