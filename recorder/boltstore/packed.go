package boltstore

import (
	"context"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

// readPacked reads events that are packed. It also returns how many there are.
func (s *Store) readPacked(ctx context.Context, id recorder.ID, from uint64, max int) (events []recorder.Event, n uint64, err error) {
	size := 0
	n, err = s.eachChunk(ctx, id, from, func(c chunk, open func() ([]recorder.Event, error)) (bool, error) {
		run, err := open()
		if err != nil {
			return false, err
		}
		for _, e := range run {
			if e.Seq >= from && len(events) < max {
				events = append(events, e)
				size += len(e.Data)
			}
		}
		return len(events) < max && size < maxRead, nil
	})
	return events, n, err
}

// eachChunk calls f with the chunks of a transcript from the one on that event
// from lies in. It returns how many events are packed.
func (s *Store) eachChunk(ctx context.Context, id recorder.ID, from uint64,
	f func(c chunk, open func() ([]recorder.Event, error)) (more bool, err error)) (n uint64, err error) {
	err = s.days.view(dayOf(id), func(chunks, state *bolt.Bucket) error {
		if chunks == nil {
			return nil
		}
		p, err := decodePacked(id, state.Get([]byte(id)))
		if n = p.next; err != nil || from >= n {
			return err
		}
		w := groups{id: id, c: chunks.Cursor()}
		for w.seek(from); w.ok; w.next() {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			c, err := header(w.seq, w.data)
			if err != nil {
				return err
			}
			more, err := f(c, func() ([]recorder.Event, error) { return s.openChunk(c, id) })
			if err != nil || !more {
				return err
			}
		}
		return nil
	})
	return n, err
}

// openChunk decrypts and unpacks.
func (s *Store) openChunk(c chunk, id recorder.ID) ([]recorder.Event, error) {
	body := c.data[chunkHeader:]
	plain := body[1:]
	if body[0] == formBoth || body[0] == formSealed {
		var key []byte
		err := s.view(func(tx *bolt.Tx) (err error) {
			key, err = s.keys.forReading(tx.Bucket(bucketKeys), id, c.seq)
			return err
		})
		if err == nil {
			plain, err = unseal(id, key, body, c.seq)
		}
		if err != nil {
			return nil, err
		}
	}
	var events []recorder.Event
	var err error
	if body[0] == formSealed {
		var g group
		g, err = decodeGroup(id, c.seq, append([]byte{formPlain}, plain...))
		events = g.events
	} else {
		events, err = unpack(id, c.seq, plain)
	}
	if err == nil && c.next != c.seq+uint64(len(events)) {
		err = fmt.Errorf("%w: chunk of event %d ends at %d, it says %d", recorder.ErrCorrupt, c.seq, c.seq+uint64(len(events)), c.next)
	}
	return events, err
}

// Seek implements recorder.Seeker: chunks tell the latest time up to them, which
// never goes back, so they are searched by halving.
func (s *Store) Seek(ctx context.Context, id recorder.ID, at time.Time) (uint64, error) {
	if _, err := s.Head(ctx, id); err != nil {
		return 0, err
	}
	from := uint64(0)
	err := s.days.view(dayOf(id), func(chunks, state *bolt.Bucket) error {
		if chunks == nil {
			return nil
		}
		p, err := decodePacked(id, state.Get([]byte(id)))
		if err != nil || p.until.Before(at) {
			from = p.next
			return err
		}
		low, high := uint64(0), p.next // the event is in [low, high)
		for low < high {
			w := groups{id: id, c: chunks.Cursor()}
			w.seek(low + (high-low)/2)
			c, err := header(w.seq, w.data)
			if err != nil {
				return err
			}
			if c.until.Before(at) {
				low = c.next
			} else {
				high = c.seq
			}
		}
		from = low
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("seek in %q: %w", id, err)
	}
	found := false
	_, err = s.eachChunk(ctx, id, from, func(_ chunk, open func() ([]recorder.Event, error)) (bool, error) {
		run, err := open()
		for _, e := range run {
			if found = !e.At.Before(at); found {
				from = e.Seq
				break
			}
		}
		return false, err
	})
	if err != nil || found {
		return from, err
	}
	for { // in what is not packed
		events, err := s.Read(ctx, id, from, 4096)
		for _, e := range events {
			if !e.At.Before(at) {
				return e.Seq, nil
			}
			from = e.Seq + 1
		}
		if err != nil || len(events) == 0 {
			return from, err
		}
	}
}

// Stored implements recorder.Packer.
func (s *Store) Stored(ctx context.Context, id recorder.ID) (sum recorder.Hash, all bool, err error) {
	h, err := s.Head(ctx, id)
	if err != nil {
		return sum, false, err
	}
	p, err := s.sum(ctx, id)
	return p.sum, err == nil && h.Ended != nil && p.next == h.Next, err
}

// sum computes what is told of a packed transcript anew, from its chunks.
func (s *Store) sum(ctx context.Context, id recorder.ID) (p packed, err error) {
	p.until = time.Unix(0, 0).UTC()
	_, err = s.eachChunk(ctx, id, 0, func(c chunk, _ func() ([]recorder.Event, error)) (bool, error) {
		if c.seq != p.next {
			return false, fmt.Errorf("%w: chunk of event %d where %d belongs", recorder.ErrCorrupt, c.seq, p.next)
		}
		p = p.with(c)
		return true, nil
	})
	return p, err
}

// Unpacked implements recorder.Packer.
func (s *Store) Unpacked(ctx context.Context) (ids []recorder.ID, err error) {
	err = s.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketGroups).Cursor()
		for k, _ := c.First(); k != nil; {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			id, _, _, ok := splitKey(k)
			if !ok {
				return fmt.Errorf("%w: group under the malformed key %q", recorder.ErrCorrupt, k)
			}
			ids = append(ids, id)
			k, _ = c.Seek(append([]byte(id), 1)) // past all its groups
		}
		return nil
	})
	return ids, err
}
