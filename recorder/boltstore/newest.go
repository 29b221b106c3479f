package boltstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

var _ recorder.Pager = (*Store)(nil)

// Newest implements recorder.Pager.
func (s *Store) Newest(ctx context.Context, before recorder.ID, max int) ([]recorder.Head, error) {
	var raw []value
	err := s.view(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketHeads).Cursor()
		k, v := c.Last()
		if before != "" {
			if k, _ = c.Seek([]byte(before)); k == nil {
				k, v = c.Last() // all are before
			} else {
				k, v = c.Prev()
			}
		}
		for ; k != nil && len(raw) < max; k, v = c.Prev() {
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
	if err != nil {
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
