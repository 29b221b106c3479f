package boltstore

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// Rewrap wraps the keys of all transcripts anew, for other recipients: k unwraps
// the old form and wraps the new one. Events, hashes and their encryption stay as
// they are, and so does what somebody has already unwrapped. It returns how many
// keys there were. All are changed, or none. The old forms are in free pages until
// the next Open.
func (s *Store) Rewrap(ctx context.Context, k Keys) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.readOnly || s.failed != nil {
		return 0, errors.Join(errors.New("rewrap: the store is not open for writing"), s.failed)
	}
	if err := s.growth(); err != nil {
		return 0, fmt.Errorf("rewrap: %w", err)
	}
	err = change(s.path, s.db, func(tx *bolt.Tx) error {
		keys := tx.Bucket(bucketKeys)
		var all []value
		err := keys.ForEach(func(at, old []byte) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			key, err := k.Unwrap(old)
			if err != nil {
				id, _, _, _ := splitKey(at)
				return fmt.Errorf("transcript %q: %w", id, err)
			}
			wrapped, err := k.Wrap(key)
			all = append(all, value{append([]byte(nil), at...), wrapped})
			return err
		})
		if err != nil {
			return err
		}
		for _, v := range all {
			if err := keys.Put(v.key, v.data); err != nil {
				return err
			}
		}
		n = len(all)
		return tx.Bucket(bucketMeta).Put(keyShrink, []byte{1})
	})
	if err != nil {
		return 0, fmt.Errorf("rewrap: %w", err)
	}
	return n, nil
}
