package boltstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

// Check implements recorder.Checker: the seals, the structure of the pages (of a
// store that was opened read-only), events without a transcript, and whether the
// packed events are stored as they were.
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
	faults = append(faults, lost...)
	names, err := s.days.names()
	if err != nil {
		return sealed, faults, fmt.Errorf("check the days: %w", err)
	}
	for _, name := range names {
		more, err := s.checkDay(ctx, name, sealed)
		faults = append(faults, more...)
		if err != nil {
			return sealed, faults, fmt.Errorf("check %s: %w", name, err)
		}
	}
	return sealed, faults, nil
}

// checkDay checks one day's file.
func (s *Store) checkDay(ctx context.Context, name string, sealed bool) ([]recorder.Fault, error) {
	path := s.days.path(name)
	its, faults, err := checkSeal(ctx, path)
	if err != nil {
		return nil, err
	}
	if sealed && !its && len(faults) == 0 {
		faults = append(faults, recorder.Fault{What: fmt.Sprintf("%q has no seal, though the bastion stopped cleanly", filepath.Base(path))})
	}
	var ids []recorder.ID
	err = s.days.view(name, func(chunks, state *bolt.Bucket) error {
		if chunks == nil {
			return nil
		}
		ids, faults = namedIn(state, faults)
		known := map[recorder.ID]bool{}
		for _, id := range ids {
			known[id] = true
		}
		c := chunks.Cursor()
		for k, _ := c.First(); k != nil; k, _ = c.Next() {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			id, seq, _, ok := splitKey(k)
			if !ok {
				faults = append(faults, recorder.Fault{What: fmt.Sprintf("chunk under the malformed key %q", k)})
			} else if !known[id] {
				known[id] = true
				faults = append(faults, recorder.Fault{ID: id, Seq: seq, What: "packed events are there, nothing is told of them"})
			}
		}
		return nil
	})
	if errors.Is(err, recorder.ErrCorrupt) {
		return append(faults, recorder.Fault{What: err.Error()}), nil
	}
	for _, id := range ids {
		if err == nil {
			faults, err = s.checkPacked(ctx, name, id, faults)
		}
	}
	return faults, err
}

// namedIn lists the transcripts that a day's file tells of.
func namedIn(state *bolt.Bucket, faults []recorder.Fault) ([]recorder.ID, []recorder.Fault) {
	var ids []recorder.ID
	c := state.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		if id := recorder.ID(k); id.Valid() {
			ids = append(ids, id)
		} else {
			faults = append(faults, recorder.Fault{What: fmt.Sprintf("packed transcript of the malformed name %q", k)})
		}
	}
	return ids, faults
}

// checkPacked compares the chunks of a transcript with what is told of them.
func (s *Store) checkPacked(ctx context.Context, name string, id recorder.ID, faults []recorder.Fault) ([]recorder.Fault, error) {
	fault := func(seq uint64, what string) ([]recorder.Fault, error) {
		return append(faults, recorder.Fault{ID: id, Seq: seq, What: what}), nil
	}
	if dayOf(id) != name {
		return fault(0, fmt.Sprintf("packed in the file of %s, where it does not belong", name))
	}
	h, err := s.Head(ctx, id)
	if errors.Is(err, recorder.ErrNotFound) {
		return fault(0, "the events are there, the transcript's head is missing")
	}
	if err != nil && !errors.Is(err, recorder.ErrCorrupt) {
		return faults, err
	}
	got, err := s.sum(ctx, id)
	if errors.Is(err, recorder.ErrCorrupt) {
		return fault(got.next, err.Error())
	}
	if err != nil {
		return faults, err
	}
	var told packed
	err = s.days.view(name, func(_, state *bolt.Bucket) (err error) {
		told, err = decodePacked(id, state.Get([]byte(id)))
		return err
	})
	switch {
	case errors.Is(err, recorder.ErrCorrupt):
		return fault(0, err.Error())
	case err != nil:
		return faults, err
	case got != told:
		return fault(0, "its packed events are not stored as they were")
	case h.Next > 0 && told.next > h.Next:
		return fault(h.Next, "packed, and not counted by the head")
	}
	return faults, nil
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
