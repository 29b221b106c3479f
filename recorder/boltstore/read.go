package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

// Heads implements recorder.Store.
func (s *Store) Heads(ctx context.Context) ([]recorder.Head, error) {
	// Copied first and decoded after: a long transaction holds up the writer.
	var raw []value
	err := s.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketHeads).Cursor()
		for k, v := c.First(); k != nil; k, v = c.Next() {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			if len(v) > maxHead { // a damaged length: not to be copied
				v = nil
			}
			raw = append(raw, value{bytes.Clone(k), bytes.Clone(v)})
		}
		return nil
	})
	if err != nil && !errors.Is(err, recorder.ErrCorrupt) {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	heads, herr := decodeHeads(raw)
	return heads, errors.Join(err, herr)
}

// decodeHeads decodes heads, on all processors: their JSON is most of the time that
// a bastion with many transcripts takes to start.
func decodeHeads(raw []value) (heads []recorder.Head, err error) {
	type part struct {
		heads []recorder.Head
		errs  []error
	}
	parts := make([]part, runtime.GOMAXPROCS(0))
	each := len(raw)/len(parts) + 1
	var wg sync.WaitGroup
	for i := range parts {
		some := raw[min(i*each, len(raw)):min((i+1)*each, len(raw))]
		wg.Go(func() {
			p := part{heads: make([]recorder.Head, 0, len(some))}
			for _, r := range some {
				h, err := decodeHead(recorder.ID(r.key), r.data)
				if err != nil {
					p.errs = append(p.errs, err)
					continue
				}
				p.heads = append(p.heads, h)
			}
			parts[i] = p
		})
	}
	wg.Wait()
	heads = make([]recorder.Head, 0, len(raw))
	for _, p := range parts {
		heads, err = append(heads, p.heads...), errors.Join(err, errors.Join(p.errs...))
	}
	return heads, err
}

// Head implements recorder.Store.
func (s *Store) Head(ctx context.Context, id recorder.ID) (recorder.Head, error) {
	if err := ctx.Err(); err != nil {
		return recorder.Head{}, context.Cause(ctx)
	}
	var raw []byte
	err := s.view(func(tx *bolt.Tx) error {
		if id != "" {
			if raw = tx.Bucket(bucketHeads).Get([]byte(id)); len(raw) > maxHead {
				return fmt.Errorf("%w: head of %d bytes", recorder.ErrCorrupt, len(raw))
			}
			raw = bytes.Clone(raw)
		}
		return nil
	})
	switch {
	case err != nil:
		return recorder.Head{}, fmt.Errorf("read head of %q: %w", id, err)
	case raw == nil:
		return recorder.Head{}, fmt.Errorf("transcript %q: %w", id, recorder.ErrNotFound)
	}
	h, err := decodeHead(id, raw)
	if err != nil {
		return recorder.Head{}, err
	}
	return h, nil
}

// Read implements recorder.Store. It checks what it reads against its part of
// the chain. Packed events come first; those that follow them are read when
// asked for.
func (s *Store) Read(ctx context.Context, id recorder.ID, from uint64, max int) ([]recorder.Event, error) {
	h, err := s.Head(ctx, id)
	if errors.Is(err, recorder.ErrCorrupt) {
		h, err = recorder.Head{ID: id}, nil // its events may still be read
	}
	for range 2 {
		if err != nil || max <= 0 {
			break
		}
		var events []recorder.Event
		var packed uint64
		if events, packed, err = s.readPacked(ctx, id, from, max); err == nil && from >= packed {
			events, err = s.readGroups(ctx, id, from, max)
		}
		if err != nil {
			return events, fmt.Errorf("read %q: %w", id, err)
		}
		if len(events) > 0 || from >= h.Next {
			return events, nil
		} // else Pack came in between: what was not packed is now, or it is missing
	}
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", id, err)
	}
	return nil, nil
}

// readGroups reads events that are not packed.
func (s *Store) readGroups(ctx context.Context, id recorder.ID, from uint64, max int) (events []recorder.Event, err error) {
	size := 0
	err = s.eachGroup(ctx, id, from, func(g group, err error) bool {
		for _, e := range g.events {
			if e.Seq >= from && len(events) < max {
				events = append(events, e)
				size += len(e.Data)
			}
		}
		return len(events) < max && size < maxRead
	})
	return events, err
}

// eachGroup calls f with the groups of a transcript that are not packed, from the
// one that event from lies in on. The last has the events before the damage
// where there is any. f returns whether it wants more, the damage included.
func (s *Store) eachGroup(ctx context.Context, id recorder.ID, from uint64, f func(g group, err error) bool) error {
	return s.view(func(tx *bolt.Tx) error {
		w := groups{id: id, c: tx.Bucket(bucketGroups).Cursor()}
		for w.seek(from); w.ok; w.next() {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			g, err := s.openGroup(tx, id, w.seq, w.data)
			if more := f(g, err); !more {
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// openGroup decrypts and decodes a group.
func (s *Store) openGroup(tx *bolt.Tx, id recorder.ID, seq uint64, data []byte) (group, error) {
	if len(data) > 0 && data[0] == formSealed {
		key, err := s.keys.forReading(tx.Bucket(bucketKeys), id, seq)
		if err != nil {
			return group{}, err
		}
		plain, err := unseal(id, key, data, seq)
		if err != nil {
			return group{}, err
		}
		data = append([]byte{formPlain}, plain...)
	}
	return decodeGroup(id, seq, data)
}

// groups walks over the groups of one transcript. After seek and next, ok says
// whether there is one: seq is its first event and data all its parts together,
// valid until the next call.
type groups struct {
	id   recorder.ID
	c    *bolt.Cursor
	k, v []byte // where the cursor stands

	ok   bool
	seq  uint64
	data []byte
}

// seek goes to the group that event from lies in: the last one that starts at or
// before it.
func (g *groups) seek(from uint64) {
	g.k, g.v = g.c.Seek(groupKey(g.id, from, 0))
	if id, seq, _, ok := splitKey(g.k); !ok || id != g.id || seq != from {
		if g.k == nil {
			g.k, g.v = g.c.Last()
		} else {
			g.k, g.v = g.c.Prev()
		}
		id, seq, part, ok := splitKey(g.k)
		if ok && id == g.id && part > 0 {
			g.k, g.v = g.c.Seek(groupKey(g.id, seq, 0))
		}
	}
	g.next()
}

// next gathers the parts of the group at the cursor.
func (g *groups) next() {
	id, seq, part, ok := splitKey(g.k)
	if g.ok = ok && id == g.id; !g.ok {
		return
	}
	g.seq, g.data = seq, nil
	if part != 0 || len(g.v) > maxValue {
		g.k, g.v = g.c.Next()
		return // no data: does not decode
	}
	g.data = g.v[:len(g.v):len(g.v)] // the first append copies: the page is bbolt's
	for want := 1; ; want++ {
		g.k, g.v = g.c.Next()
		id, s, part, ok := splitKey(g.k)
		if !ok || id != g.id || s != seq || part != want || len(g.v) > maxValue {
			return
		}
		g.data = append(g.data, g.v...)
	}
}
