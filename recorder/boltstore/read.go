package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

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
	heads := make([]recorder.Head, 0, len(raw))
	for _, r := range raw {
		h, herr := decodeHead(recorder.ID(r.key), r.data)
		if herr != nil {
			err = errors.Join(err, herr)
			continue
		}
		heads = append(heads, h)
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

// Read implements recorder.Store. It checks each group that it reads against
// its part of the chain.
func (s *Store) Read(ctx context.Context, id recorder.ID, from uint64, max int) ([]recorder.Event, error) {
	var events []recorder.Event
	err := s.view(func(tx *bolt.Tx) error {
		if id == "" || tx.Bucket(bucketHeads).Get([]byte(id)) == nil {
			return fmt.Errorf("transcript %q: %w", id, recorder.ErrNotFound)
		}
		if max <= 0 {
			return nil
		}
		size := 0
		g := groups{id: id, c: tx.Bucket(bucketGroups).Cursor()}
		for g.seek(from); g.ok && len(events) < max && size < maxRead; g.next() {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			run, err := decodeGroup(id, g.seq, g.data)
			for _, e := range run {
				if e.Seq >= from && len(events) < max {
					events = append(events, e)
					size += len(e.Data)
				}
			}
			if err != nil && len(events) < max {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return events, fmt.Errorf("read %q: %w", id, err)
	}
	return events, nil
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
