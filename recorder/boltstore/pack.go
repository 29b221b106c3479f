package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

// packBatch is how much of one transcript is packed in a transaction, in bytes of
// its events: the memory and the time that packing takes.
const packBatch = 8 << 20

// Pack implements recorder.Packer. Chunks are durable in the day's file before
// their groups are taken out of the other, so a crash in between leaves events
// twice, and never less than once.
func (s *Store) Pack(ctx context.Context, ids []recorder.ID) (map[recorder.ID]recorder.Hash, error) {
	s.packing.Lock()
	defer s.packing.Unlock()
	sums := map[recorder.ID]recorder.Hash{}
	if s.readOnly {
		return nil, errors.New("pack: the store is open for reading")
	}
	for todo := ids; len(todo) > 0; {
		var again []recorder.ID
		made := map[string][]parcel{} // by day
		for _, id := range todo {
			p, more, err := s.parcel(ctx, id)
			if err != nil {
				return sums, fmt.Errorf("pack transcript %q: %w", id, err)
			}
			if p.id == "" {
				continue
			}
			made[dayOf(id)] = append(made[dayOf(id)], p)
			if more {
				again = append(again, id)
			}
		}
		for day, parcels := range made {
			if err := s.ship(day, parcels); err != nil {
				return sums, fmt.Errorf("pack transcripts of %s: %w", day, err)
			}
			for _, p := range parcels {
				if p.complete {
					sums[p.id] = p.state.sum
					s.keys.forget(p.id)
				}
			}
		}
		todo = again
	}
	return sums, nil
}

// parcel is what is packed of one transcript at a time.
type parcel struct {
	id       recorder.ID
	chunks   []chunk
	state    packed // after them
	complete bool
}

// parcel packs the next groups of a transcript; an empty one where there is
// nothing to do, or no key here to do it. more says that the rest is to follow.
func (s *Store) parcel(ctx context.Context, id recorder.ID) (p parcel, more bool, err error) {
	h, err := s.Head(ctx, id)
	if err != nil {
		return p, false, err
	}
	err = s.days.view(dayOf(id), func(_, state *bolt.Bucket) error {
		var v []byte
		if state != nil {
			v = state.Get([]byte(id))
		}
		p.state, err = decodePacked(id, v)
		return err
	})
	if err != nil {
		return p, false, err
	}
	runs, err := s.runs(ctx, id, p.state.next, h.Ended != nil)
	if errors.Is(err, recorder.ErrSealed) && h.Ended != nil {
		return s.sealedParcel(ctx, h, p.state)
	}
	if errors.Is(err, recorder.ErrSealed) {
		return parcel{}, false, nil
	}
	if err != nil {
		return p, false, err
	}
	var key []byte
	var b *box
	for _, r := range runs {
		if key, b, err = s.packBox(id, r.events[0].Seq, key, b); err != nil {
			return p, false, err
		}
		until := p.state.until
		for _, e := range r.events {
			if e.At.After(until) {
				until = e.At
			}
		}
		c := r.store(until, b)
		p.chunks = append(p.chunks, c)
		p.state = p.state.with(c)
	}
	p.complete = h.Ended != nil && p.state.next == h.Next
	if len(p.chunks) > 0 || p.complete {
		p.id = id // where all was packed before a crash, the groups are still to go
	}
	size := 0
	for _, r := range runs {
		size += r.size
	}
	return p, len(runs) > 0 && !p.complete && (h.Ended != nil || size >= packBatch), nil
}

// packBox is what a chunk from event seq on is encrypted with, nil where nothing
// is: that of the chunk before where the key is the same.
func (s *Store) packBox(id recorder.ID, seq uint64, before []byte, b *box) ([]byte, *box, error) {
	if s.keys.keys == nil {
		return nil, nil, nil
	}
	var key []byte
	err := s.view(func(tx *bolt.Tx) (err error) {
		key, err = s.keys.forReading(tx.Bucket(bucketKeys), id, seq)
		return err
	})
	if err != nil || bytes.Equal(key, before) {
		return key, b, err
	}
	b, err = newBox(id, key)
	return key, b, err
}

// runs collects whole groups from event next on into runs of at least chunkSize,
// the last one of an ended transcript excepted, up to packBatch.
func (s *Store) runs(ctx context.Context, id recorder.ID, next uint64, ended bool) ([]run, error) {
	var runs []run
	var r run
	size, failed := 0, error(nil)
	finish := func() {
		r.last = recorder.ChainOver(id, r.prev, r.events)
		runs, r = append(runs, r), run{}
	}
	err := s.eachGroup(ctx, id, next, func(g group, err error) bool {
		switch {
		case err != nil:
			return true // the damage ends it
		case len(g.events) > 0 && g.events[len(g.events)-1].Seq < next:
			return true // packed before a crash
		case len(g.events) == 0 || g.events[0].Seq != next:
			failed = fmt.Errorf("%w: group of event %d is missing", recorder.ErrCorrupt, next)
			return false
		}
		if len(r.events) == 0 {
			r.prev = g.prev
		}
		for _, e := range g.events {
			r.size += recorder.EncodedLen(e)
			size += recorder.EncodedLen(e)
		}
		r.events = append(r.events, g.events...)
		next += uint64(len(g.events))
		if r.size >= chunkSize {
			finish()
		}
		return size < packBatch || len(r.events) > 0
	})
	if errors.Is(err, recorder.ErrSealed) && len(runs) > 0 {
		return runs, nil // up to where another key begins
	}
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	if ended && len(r.events) > 0 {
		finish()
	}
	return runs, nil
}

// ship makes parcels durable in the day's file and then takes out their groups.
func (s *Store) ship(name string, parcels []parcel) error {
	err := s.days.use(name, true, func(x *day) error {
		if err := s.days.unseal(x); err != nil {
			return err
		}
		return change(x.path, x.db, func(tx *bolt.Tx) error { return load(tx, parcels) })
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	if err := s.growth(); err != nil {
		return err
	}
	err = change(s.path, s.db, func(tx *bolt.Tx) error { return takeOut(tx.Bucket(bucketGroups), parcels) })
	if err != nil {
		s.failed = err
	}
	return err
}

func load(tx *bolt.Tx, parcels []parcel) error {
	chunks, err := tx.CreateBucketIfNotExists(bucketChunks)
	if err != nil {
		return err
	}
	state, err := tx.CreateBucketIfNotExists(bucketPacked)
	if err != nil {
		return err
	}
	meta, err := tx.CreateBucketIfNotExists(bucketMeta)
	if err == nil {
		err = meta.Put(keyFormat, binary.BigEndian.AppendUint16(nil, format))
	}
	if err != nil {
		return err
	}
	chunks.FillPercent = fillPercent
	for _, p := range parcels {
		for _, c := range p.chunks {
			for _, v := range cut(p.id, c.seq, c.data) {
				if err := chunks.Put(v.key, v.data); err != nil {
					return err
				}
			}
		}
		if err := state.Put([]byte(p.id), p.state.encode()); err != nil {
			return err
		}
	}
	return nil
}

// takeOut removes the groups that are packed.
func takeOut(groups *bolt.Bucket, parcels []parcel) error {
	for _, p := range parcels {
		var keys [][]byte // first: a cursor may skip what follows a key it deletes
		c := groups.Cursor()
		for k, _ := c.Seek(groupKey(p.id, 0, 0)); k != nil; k, _ = c.Next() {
			id, seq, _, ok := splitKey(k)
			if !ok || id != p.id || seq >= p.state.next {
				break
			}
			keys = append(keys, bytes.Clone(k))
		}
		for _, k := range keys {
			if err := groups.Delete(k); err != nil {
				return err
			}
		}
	}
	return nil
}
