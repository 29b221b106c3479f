package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

var _ recorder.Remover = (*Store)(nil)

// keyShrink in meta says that transcripts.db holds, in pages that are free, what
// was taken out for good: the next Open writes it anew.
var keyShrink = []byte("shrink")

// Remove implements recorder.Remover. Packed events go first; the files of their
// days are written anew, or deleted where nothing is left in them, so that what
// was removed is in none of their free pages. The head goes last: as long as
// anything is left, it is there to say so. What transcripts.db has in free pages, which is keys
// and the tails that were never packed, goes with the next Open.
func (s *Store) Remove(ctx context.Context, ids []recorder.ID) error {
	s.packing.Lock()
	defer s.packing.Unlock()
	if s.readOnly {
		return errors.New("remove: the store is open for reading")
	}
	days := map[string][]recorder.ID{}
	for _, id := range ids {
		h, err := s.Head(ctx, id)
		switch {
		case errors.Is(err, recorder.ErrNotFound): // its day is gone, or about to be
		case errors.Is(err, recorder.ErrCorrupt): // damage is no reason to keep it for ever
		case err != nil:
			return fmt.Errorf("remove: %w", err)
		case h.Ended == nil:
			return fmt.Errorf("remove transcript %q: it has not ended", id)
		}
		days[dayOf(id)] = append(days[dayOf(id)], id)
	}
	for name, gone := range days {
		if err := s.clearDay(name, gone); err != nil {
			return fmt.Errorf("remove transcripts of %s: %w", name, err)
		}
	}
	for name := range days {
		if err := s.days.shrink(name); err != nil {
			return fmt.Errorf("make room in the file of %s: %w", name, err)
		}
	}
	if err := s.clearHeads(ids); err != nil {
		return fmt.Errorf("remove transcripts: %w", err)
	}
	return nil
}

// clearDay takes transcripts out of a day's file.
func (s *Store) clearDay(name string, ids []recorder.ID) error {
	return s.days.use(name, false, func(x *day) error {
		if x == nil {
			return nil
		}
		if err := s.days.unseal(x); err != nil {
			return err
		}
		return change(x.path, x.db, func(tx *bolt.Tx) error {
			chunks, state := tx.Bucket(bucketChunks), tx.Bucket(bucketPacked)
			if chunks == nil || state == nil {
				return nil
			}
			for _, id := range ids {
				if err := errors.Join(deleteAll(chunks, id), state.Delete([]byte(id))); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// clearHeads takes transcripts out of transcripts.db, in one transaction.
func (s *Store) clearHeads(ids []recorder.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	if err := s.growth(); err != nil {
		return err
	}
	err := change(s.path, s.db, func(tx *bolt.Tx) error {
		for _, id := range ids {
			err := errors.Join(deleteAll(tx.Bucket(bucketGroups), id), deleteAll(tx.Bucket(bucketKeys), id),
				tx.Bucket(bucketHeads).Delete([]byte(id)))
			if err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyShrink, []byte{1})
	})
	if err != nil {
		s.failed = err
	}
	for _, id := range ids {
		s.keys.forget(id)
	}
	return err
}

// deleteAll deletes what a bucket has under keys of a transcript.
func deleteAll(b *bolt.Bucket, id recorder.ID) error {
	prefix := append([]byte(id), 0)
	var keys [][]byte // first: a cursor may skip what follows a key it deletes
	c := b.Cursor()
	for k, _ := c.Seek(prefix); k != nil && bytes.HasPrefix(k, prefix); k, _ = c.Next() {
		keys = append(keys, bytes.Clone(k))
	}
	for _, k := range keys {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}
