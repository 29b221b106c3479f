package boltstore

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

// Check implements recorder.Checker: the seal, the structure of the pages (of a
// store that was opened read-only), and events without a transcript.
func (s *Store) Check(ctx context.Context) (sealed bool, faults []recorder.Fault, err error) {
	if sealed, faults, err = checkSeal(ctx, s.path); err != nil {
		return false, nil, fmt.Errorf("check the seal: %w", err)
	}
	if s.damage != nil {
		for _, p := range s.damage.pages {
			faults = append(faults, recorder.Fault{What: p})
		}
	}
	lost, err := s.orphans(ctx)
	if err != nil && !errors.Is(err, recorder.ErrCorrupt) {
		return sealed, faults, fmt.Errorf("check the groups: %w", err)
	}
	if err != nil {
		faults = append(faults, recorder.Fault{What: err.Error()})
	}
	return sealed, append(faults, lost...), nil
}

// orphans finds groups whose transcript has no head, and keys of no group.
func (s *Store) orphans(ctx context.Context) (faults []recorder.Fault, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		heads := tx.Bucket(bucketHeads)
		var known recorder.ID // of the group before: groups come by transcript
		c := tx.Bucket(bucketGroups).Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			id, seq, _, ok := splitKey(k)
			switch {
			case !ok:
				faults = append(faults, recorder.Fault{What: fmt.Sprintf("group under the malformed key %q", k)})
			case id == known:
			case heads.Get([]byte(id)) == nil:
				faults = append(faults, recorder.Fault{ID: id, Seq: seq, What: "the events are there, the transcript's head is missing"})
				known = id
			default:
				known = id
			}
		}
		return nil
	})
	return faults, err
}
