package boltstore

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
)

const (
	dayPrefix = "transcripts-"
	daySuffix = ".db"
	undated   = "undated"
	// maxDays bounds the files of days that are open at a time.
	maxDays = 8
)

var (
	bucketChunks = []byte("chunks")
	bucketPacked = []byte("packed")

	dated = regexp.MustCompile(`^[0-9]{8}T`)
)

// dayOf is the day that a transcript began on, as its name tells.
func dayOf(id recorder.ID) string {
	if dated.MatchString(string(id)) {
		return string(id[:8])
	}
	return undated
}

// days are the files with packed transcripts, one for the transcripts that began
// on a day (UTC). They are opened when needed.
type days struct {
	dir      string
	readOnly bool

	mu   sync.Mutex
	open map[string]*day
	tick int64
}

// day is one open file.
type day struct {
	path string
	db   *bolt.DB
	// sound is nil, or what is wrong with the file's pages (read-only).
	sound error

	// Guarded by days.mu.
	dirty   bool // its seal is gone
	retired bool // another file has taken its place: the last user closes it
	users   int
	used    int64
}

func (d *days) path(name string) string { return filepath.Join(d.dir, dayPrefix+name+daySuffix) }

// names lists the days that there are files of.
func (d *days) names() ([]string, error) {
	all, err := filepath.Glob(d.path("*"))
	var names []string
	for _, p := range all {
		names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(p), dayPrefix), daySuffix))
	}
	slices.Sort(names)
	return names, err
}

// use calls f with the file of a day; with nil where there is none and create is
// false.
func (d *days) use(name string, create bool, f func(*day) error) (err error) {
	x, err := d.get(name, create)
	if err != nil {
		return err
	}
	if x != nil {
		defer func() { err = errors.Join(err, d.done(x)) }()
		if x.sound != nil {
			return x.sound
		}
	}
	return f(x)
}

func (d *days) get(name string, create bool) (*day, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tick++
	if x := d.open[name]; x != nil {
		x.users++
		x.used = d.tick
		return x, nil
	}
	path := d.path(name)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) && !create {
		return nil, nil
	}
	if err := d.evict(); err != nil {
		return nil, err
	}
	x, err := openDay(path, d.readOnly)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", path, err)
	}
	x.users, x.used = 1, d.tick
	d.open[name] = x
	return x, nil
}

// evict closes a file that nobody uses, where many are open. One that was
// written to stays: it is sealed when the store is closed.
func (d *days) evict() error {
	if len(d.open) < maxDays {
		return nil
	}
	oldest := ""
	for name, x := range d.open {
		if x.users == 0 && !x.dirty && (oldest == "" || x.used < d.open[oldest].used) {
			oldest = name
		}
	}
	if oldest == "" {
		return nil
	}
	x := d.open[oldest]
	delete(d.open, oldest)
	return x.db.Close()
}

// unseal takes a file's seal away before the first write to it.
func (d *days) unseal(x *day) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if x.dirty {
		return nil
	}
	if err := breakSeal(x.path); err != nil {
		return err
	}
	x.dirty = true
	return nil
}

func openDay(path string, readOnly bool) (*day, error) {
	x := &day{path: path}
	if readOnly {
		found, err := inspect(path)
		if err != nil {
			return nil, err
		}
		if found != nil {
			x.sound = fmt.Errorf("%w: %s: %s", recorder.ErrCorrupt, filepath.Base(path), found)
		}
		if found != nil && found.unsafe {
			return x, nil
		}
	}
	err := guard(func() (err error) {
		x.db, err = bolt.Open(path, 0o600, dayOptions(readOnly))
		return err
	})
	if err == nil && !readOnly {
		if err = inline(path); err != nil {
			return nil, errors.Join(err, x.db.Close())
		}
	}
	if err != nil && readOnly {
		x.sound = fmt.Errorf("%w: %s: %w", recorder.ErrCorrupt, filepath.Base(path), err)
		return x, nil
	}
	return x, err
}

// close closes all files and, after a clean run, seals those that have no seal.
func (d *days) close(clean bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for name, x := range d.open {
		if clean && x.dirty {
			errs = append(errs, writeSeal(x.path))
		}
		if x.db != nil {
			errs = append(errs, x.db.Close())
		}
		delete(d.open, name)
	}
	if !clean {
		return errors.Join(errs...)
	}
	names, err := d.names()
	errs = append(errs, err)
	for _, name := range names { // a crash left some without
		if _, err := os.Stat(sealPath(d.path(name))); errors.Is(err, os.ErrNotExist) {
			errs = append(errs, writeSeal(d.path(name)))
		}
	}
	return errors.Join(errs...)
}

// packed is how far a transcript is packed.
type packed struct {
	next  uint64
	until time.Time
	sum   recorder.Hash // over the stored chunks
}

func (p packed) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 48), p.next)
	b = binary.BigEndian.AppendUint64(b, uint64(p.until.UnixNano()))
	return append(b, p.sum[:]...)
}

func decodePacked(id recorder.ID, b []byte) (packed, error) {
	if len(b) == 0 {
		return packed{until: time.Unix(0, 0).UTC()}, nil
	}
	if len(b) != 48 {
		return packed{}, fmt.Errorf("%w: what is packed of %q is not told in %d bytes", recorder.ErrCorrupt, id, len(b))
	}
	return packed{binary.BigEndian.Uint64(b), time.Unix(0, int64(binary.BigEndian.Uint64(b[8:]))).UTC(), recorder.Hash(b[16:])}, nil
}

// with is the sum over one more chunk.
func (p packed) with(c chunk) packed {
	body := sha256.Sum256(c.data)
	b := append(p.sum[:], groupKey("", c.seq, 0)...)
	return packed{c.next, c.until, sha256.Sum256(append(b, body[:]...))}
}

// view reads a day's file in one transaction; f must not keep memory of it. It is
// called with nil buckets where there is nothing.
func (d *days) view(name string, f func(chunks, packed *bolt.Bucket) error) error {
	return d.use(name, false, func(x *day) error {
		if x == nil {
			return f(nil, nil)
		}
		return guard(func() error {
			tx, err := x.db.Begin(false)
			if err != nil {
				return err
			}
			defer func() { _ = tx.Rollback() }()
			c, p := tx.Bucket(bucketChunks), tx.Bucket(bucketPacked)
			if (c == nil) != (p == nil) {
				return fmt.Errorf("%w: %q is not a file of transcripts", recorder.ErrCorrupt, filepath.Base(x.path))
			}
			return f(c, p)
		})
	})
}
