package ledger

import (
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/sallyport/sallyport/recorder"
)

// tree is the Merkle tree over the leaves, all its hashes in memory: 64 bytes a
// leaf.
type tree struct {
	size   int64
	hashes []tlog.Hash // in the order of tlog.StoredHashIndex
}

// ReadHashes implements tlog.HashReader.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(t.hashes)) {
			return nil, fmt.Errorf("hash %d of %d", at, len(t.hashes))
		}
		out[i] = t.hashes[at]
	}
	return out, nil
}

// add appends a leaf by its hash.
func (t *tree) add(leaf tlog.Hash) error {
	more, err := tlog.StoredHashesForRecordHash(t.size, leaf, t)
	if err != nil {
		return err
	}
	t.hashes = append(t.hashes, more...)
	t.size++
	return nil
}

// root is the root over the first size leaves.
func (t *tree) root(size int64) (recorder.Hash, error) {
	if size == 0 {
		return emptyRoot, nil
	}
	h, err := tlog.TreeHash(size, t)
	return recorder.Hash(h), err
}
