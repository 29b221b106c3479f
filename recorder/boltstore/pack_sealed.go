package boltstore

import (
	"context"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

// sealedParcel is what is left of a transcript that ended and that nobody here can
// read, as after a crash of a sealed bastion: its groups as they are, encrypted.
// When their events happened is not known, so all are told to be as late as the end.
func (s *Store) sealedParcel(ctx context.Context, h recorder.Head, state packed) (p parcel, more bool, err error) {
	p = parcel{id: h.ID, state: state}
	size := 0
	var last *chunk
	finish := func(next uint64) {
		if last != nil {
			binary.BigEndian.PutUint64(last.data, next)
			last.next = next
			p.chunks = append(p.chunks, *last)
			p.state = p.state.with(*last)
		}
		last = nil
	}
	err = s.view(func(tx *bolt.Tx) error {
		w := groups{id: h.ID, c: tx.Bucket(bucketGroups).Cursor()}
		for w.seek(state.next); w.ok && size < packBatch; w.next() {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if w.seq < state.next {
				continue // packed before a crash
			}
			finish(w.seq)
			if w.seq != p.state.next || len(w.data) == 0 || w.data[0] != formSealed {
				return fmt.Errorf("%w: group of event %d is missing, or not encrypted", recorder.ErrCorrupt, p.state.next)
			}
			last = &chunk{seq: w.seq, until: h.EndedAt, data: binary.BigEndian.AppendUint64(make([]byte, 8, chunkHeader+len(w.data)), uint64(h.EndedAt.UnixNano()))}
			if last.until.Before(state.until) { // a clock that went back
				last.until = state.until
				binary.BigEndian.PutUint64(last.data[8:], uint64(last.until.UnixNano()))
			}
			last.data = append(last.data, w.data...)
			size += len(w.data)
		}
		if w.ok {
			finish(w.seq)
		} else {
			finish(h.Next)
		}
		return nil
	})
	p.complete = p.state.next == h.Next
	return p, err == nil && !p.complete && len(p.chunks) > 0, err
}
