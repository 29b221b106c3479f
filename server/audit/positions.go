package audit

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

// PositionsFile is in the data directory. In it, a bucket for each sink has, by
// transcript, the number of the first event (8 bytes, big-endian) that it may not
// have been told.
const PositionsFile = "audit.db"

// positions are what all sinks were told.
type positions struct{ db *bolt.DB }

func openPositions(dir string) (*positions, error) {
	db, err := bolt.Open(filepath.Join(dir, PositionsFile), 0o600, &bolt.Options{Timeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("open positions of the audit stream: %w", err)
	}
	return &positions{db}, nil
}

// load reads what a sink was told. For a transcript it does not know it says 0,
// but for a sink that it does not know it says that all there is was told.
func (p *positions) load(sink string, heads []recorder.Head) (map[recorder.ID]uint64, error) {
	at := map[recorder.ID]uint64{}
	err := p.db.Update(func(tx *bolt.Tx) error {
		fresh := tx.Bucket([]byte(sink)) == nil
		b, err := tx.CreateBucketIfNotExists([]byte(sink))
		if err != nil {
			return err
		}
		for _, h := range heads {
			at[h.ID] = 0
			if fresh {
				at[h.ID] = h.Next
				if err := b.Put([]byte(h.ID), number(h.Next)); err != nil {
					return err
				}
			} else if v := b.Get([]byte(h.ID)); len(v) == 8 {
				at[h.ID] = binary.BigEndian.Uint64(v)
			}
		}
		var gone [][]byte
		err = b.ForEach(func(k, _ []byte) error {
			if _, ok := at[recorder.ID(k)]; !ok {
				gone = append(gone, bytes.Clone(k))
			}
			return nil
		})
		for _, k := range gone {
			if err == nil {
				err = b.Delete(k)
			}
		}
		return err
	})
	if err != nil {
		err = fmt.Errorf("read positions of the audit stream: %w", err)
	}
	return at, err
}

// store keeps what a sink was told.
func (p *positions) store(sink string, at map[recorder.ID]uint64) error {
	return p.db.Update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(sink))
		for id, next := range at {
			if err := b.Put([]byte(id), number(next)); err != nil {
				return err
			}
		}
		return nil
	})
}

func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

func (p *positions) close() error { return p.db.Close() }
