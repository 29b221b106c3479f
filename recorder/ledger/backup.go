package ledger

import (
	"archive/tar"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

// Backup writes the log's files to an archive, also while it is written to: public
// key, then checkpoint, then leaves, so that the leaves are never behind the
// checkpoint. A store that is copied afterwards is never behind the leaves. The
// signing key is no part of it.
func Backup(dir string, w *tar.Writer) error {
	for _, name := range []string{PubFile, CheckpointFile, FileName} {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err == nil && name == FileName {
			b, err = wholeLeaves(path)
		}
		if err == nil {
			err = w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b)), ModTime: time.Now(), Format: tar.FormatPAX})
		}
		if err == nil {
			_, err = w.Write(b)
		}
		if err != nil {
			return fmt.Errorf("backup of the log: %w", err)
		}
	}
	return nil
}

// wholeLeaves is the log without a leaf that is just being written.
func wholeLeaves(path string) ([]byte, error) {
	_, _, whole, err := load(path)
	if err != nil && (!errors.Is(err, recorder.ErrCorrupt) || whole == 0) {
		return nil, err
	}
	b, err := os.ReadFile(path)
	return b[:min(whole, int64(len(b)))], err
}
