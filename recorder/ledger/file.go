package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sallyport/sallyport/recorder"
)

const (
	// FileName is the log's in the data directory, CheckpointFile its newest
	// checkpoint's.
	FileName       = "transcripts.log"
	CheckpointFile = "transcripts.checkpoint"

	magic     = "sallyport log 1\n\x00"
	checkSize = 4
)

// appendRecord appends a leaf as the file has it and returns its hash.
func appendRecord(dst []byte, l recorder.Leaf) ([]byte, tlog.Hash) {
	at := len(dst)
	dst = recorder.AppendLeaf(dst, l)
	h := tlog.RecordHash(dst[at:])
	return append(dst, h[:checkSize]...), h
}

// load reads a log. whole is the length of what decodes; err tells, where that
// is not all, what is wrong with the next leaf, and wraps recorder.ErrCorrupt
// unless reading failed.
func load(path string) (leaves []recorder.Leaf, t *tree, whole int64, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, 0, err
	}
	t = new(tree)
	rest, ok := bytes.CutPrefix(b, []byte(magic))
	if !ok {
		return nil, t, 0, fmt.Errorf("%w: %s is not a log of this version", recorder.ErrCorrupt, filepath.Base(path))
	}
	for len(rest) > 0 {
		whole = int64(len(b) - len(rest))
		l, after, err := recorder.DecodeLeaf(rest)
		if err != nil {
			return leaves, t, whole, fmt.Errorf("leaf %d: %w", t.size, err)
		}
		h := tlog.RecordHash(rest[:len(rest)-len(after)])
		if len(after) < checkSize || !bytes.Equal(after[:checkSize], h[:checkSize]) {
			return leaves, t, whole, fmt.Errorf("%w: leaf %d, about %q, is not what was written", recorder.ErrCorrupt, t.size, l.ID)
		}
		if err := t.add(h); err != nil {
			return leaves, t, whole, err
		}
		leaves, rest = append(leaves, l), after[checkSize:]
	}
	return leaves, t, int64(len(b)), nil
}

// replace writes a file: durable, and whole or not at all.
func replace(path string, data []byte, mode os.FileMode) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(tmp))
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
