package snapshots

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

const (
	// Dir is the directory's name in the data directory.
	Dir = "snapshots"

	recordHeader = 4 + 8
	// maxRecord bounds a record: a screen that takes more has no state there.
	maxRecord = 1 << 20
)

// place is where a record is in its file.
type place struct {
	next uint64
	at   int64
	size int
}

func (f *Follower) path(id recorder.ID) string { return filepath.Join(f.dir, string(id)) }

// places finds the records of a file, up to what is cut off or out of order.
func places(r io.ReaderAt, size int64) (all []place) {
	var head [recordHeader]byte
	for at, last := int64(0), uint64(0); at+recordHeader <= size; {
		if _, err := r.ReadAt(head[:], at); err != nil {
			return all
		}
		n, next := int64(binary.BigEndian.Uint32(head[:])), binary.BigEndian.Uint64(head[4:])
		if n == 0 || n > maxRecord || next <= last || at+recordHeader+n > size {
			return all
		}
		all = append(all, place{next, at + recordHeader, int(n)})
		at, last = at+recordHeader+n, next
	}
	return all
}

// newest is the last state of a transcript that is not newer than an event, and
// where its file goes on behind it. Next is 0 where there is none.
func (f *Follower) newest(id recorder.ID, before uint64) (snap recorder.Snapshot, end int64, err error) {
	if !id.Valid() {
		return snap, 0, nil
	}
	file, err := os.Open(f.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return snap, 0, nil
	}
	if err != nil {
		return snap, 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err := file.Stat()
	if err != nil {
		return snap, 0, err
	}
	all := places(file, info.Size())
	for len(all) > 0 && all[len(all)-1].next > before {
		all = all[:len(all)-1]
	}
	if len(all) == 0 {
		if before == forever && info.Size() > 0 {
			err = recorder.ErrCorrupt
		}
		return snap, 0, err
	}
	p := all[len(all)-1]
	sealed := make([]byte, p.size)
	if _, err := file.ReadAt(sealed, p.at); err != nil {
		return snap, 0, err
	}
	plain, err := f.o.Box.OpenAside(id, p.next-1, sealed)
	if err == nil && len(plain) < 8 {
		err = recorder.ErrCorrupt
	}
	if err != nil {
		return snap, 0, err
	}
	at := time.Unix(0, int64(binary.BigEndian.Uint64(plain))).UTC()
	return recorder.Snapshot{Next: p.next, At: at, State: plain[8:]}, p.at + int64(p.size), nil
}

// put appends a state. It need not be durable: what is lost is made anew.
func (f *Follower) put(file *os.File, id recorder.ID, s recorder.Snapshot) (size int, err error) {
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(s.State)), uint64(s.At.UnixNano()))
	sealed, err := f.o.Box.SealAside(id, s.Next-1, append(plain, s.State...))
	if err != nil {
		return 0, err
	}
	if len(sealed) > maxRecord {
		return len(sealed), nil
	}
	b := binary.BigEndian.AppendUint32(make([]byte, 0, recordHeader+len(sealed)), uint32(len(sealed)))
	b = binary.BigEndian.AppendUint64(b, s.Next)
	if _, err = file.Write(append(b, sealed...)); err != nil {
		return 0, fmt.Errorf("keep the state of a screen: %w", err)
	}
	return len(sealed), nil
}

// open opens a transcript's file for appending at an offset: what is behind it was
// not written whole.
func (f *Follower) open(id recorder.ID, end int64) (*os.File, error) {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(f.path(id), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = file.Truncate(end)
	if err == nil {
		_, err = file.Seek(end, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Forget removes what is kept of transcripts that were removed.
func (f *Follower) Forget(ids ...recorder.ID) error { return Forget(filepath.Dir(f.dir), ids...) }

// Forget is Follower.Forget in the directory of a store that nobody follows.
func Forget(dir string, ids ...recorder.ID) error {
	var errs []error
	for _, id := range ids {
		if !id.Valid() {
			continue
		}
		if err := os.Remove(filepath.Join(dir, Dir, string(id))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
