package boltstore

import (
	"encoding/binary"
	"fmt"
	"os"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

// flagFreelist is of the page that lists the free ones.
const flagFreelist = 0x10

// change is db.Update for the file at path, which may be damaged while it is open: what
// bbolt does over such pages, a panic or a memory fault, is ErrCorrupt. With each commit
// bbolt frees the page that lists the free ones, and as many behind it as that page says
// belong to it: where it turned to garbage, billions, each kept in memory. So it is
// looked at first. path is told since db may have been opened under another name.
func change(path string, db *bolt.DB, f func(tx *bolt.Tx) error) error {
	return guard(func() error {
		return db.Update(func(tx *bolt.Tx) error {
			if err := freelistSound(path); err != nil {
				return err
			}
			return f(tx)
		})
	})
}

// freelistSound looks at the head of the page that lists the free ones. Nobody else may
// write to the file.
func freelistSound(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	w := walker{f: f}
	m, ok, err := w.meta()
	switch {
	case err != nil:
		return err
	case !ok:
		return fmt.Errorf("%w: no valid meta page", recorder.ErrCorrupt)
	}
	var head [pageHead]byte
	pages := uint64(info.Size() / w.size)
	if m.freelist < 2 || m.freelist >= pages {
		return fmt.Errorf("%w: page %d lists the free ones, and is outside of the file", recorder.ErrCorrupt, m.freelist)
	}
	if _, err := f.ReadAt(head[:], int64(m.freelist)*w.size); err != nil {
		return err
	}
	id, flags, overflow := binary.NativeEndian.Uint64(head[:]), binary.NativeEndian.Uint16(head[8:]), uint64(binary.NativeEndian.Uint32(head[12:]))
	if id != m.freelist || flags != flagFreelist || overflow >= pages-id {
		return fmt.Errorf("%w: page %d should list the free ones: it says it is page %d, with flags %#x and %d more", recorder.ErrCorrupt, m.freelist, id, flags, overflow)
	}
	return nil
}
