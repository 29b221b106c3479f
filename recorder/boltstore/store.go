package boltstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/sallyport/sallyport/recorder"
)

// FileName is the store's file in the data directory.
const FileName = "transcripts.db"

const (
	format = 2
	// fillPercent suits appending: pages are left full, since nothing is ever put
	// between what they hold.
	fillPercent = 0.95
	// mapped is how much address space the file gets beforehand: where it outgrows
	// it, bbolt has to wait for all readers, and a backup is a long one.
	mapped               = 4 << 30
	minGrowth, maxGrowth = 32 << 10, 16 << 20
	// maxRead bounds the payload that one Read returns, in bytes.
	maxRead = 4 << 20
)

var (
	bucketMeta   = []byte("meta")
	bucketHeads  = []byte("heads")
	bucketGroups = []byte("groups")
	bucketKeys   = []byte("keys")
	keyFormat    = []byte("format")
)

// Options of a Store. The zero value is right for the bastion itself.
type Options struct {
	// ReadOnly opens an existing store for reading: offline, or a backup. It does
	// not touch the files. Append fails.
	ReadOnly bool
	// Keys wraps the keys of transcripts; nil means that nothing is encrypted. Read-only,
	// nil reads what is not encrypted.
	Keys Keys
	// Timeout is how long Open waits for another process to release the store; 0
	// means one second.
	Timeout time.Duration
}

// Store is a recorder.Store in a bbolt file. It is safe for concurrent use.
// Open makes one.
type Store struct {
	path     string
	readOnly bool
	db       *bolt.DB
	damage   *damage // found at a read-only Open, nil where there is none
	keys     keyring
	days     days
	packing  sync.Mutex // held by Pack, before mu

	mu     sync.Mutex // serialises Append and Close
	failed error      // the first error of Append
	closed bool
}

var (
	_ recorder.Store   = (*Store)(nil)
	_ recorder.Checker = (*Store)(nil)
	_ recorder.Packer  = (*Store)(nil)
	_ recorder.Seeker  = (*Store)(nil)
)

// Open opens the store in the directory dir, which it makes (mode 0700) with an
// empty store where there is none, unless read-only. Errors: recorder.ErrInUse,
// recorder.ErrCorrupt, fs.ErrNotExist (read-only).
func Open(dir string, o Options) (*Store, error) {
	s := &Store{path: filepath.Join(dir, FileName), readOnly: o.ReadOnly}
	s.keys = keyring{keys: o.Keys, live: map[recorder.ID]*liveKey{}, cache: map[string][]byte{}}
	s.days = days{dir: dir, readOnly: o.ReadOnly, open: map[string]*day{}}
	if !o.ReadOnly {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("open store: %w", err)
		}
	}
	if err := s.private(); err != nil {
		return nil, fmt.Errorf("open store %q: %w", s.path, err)
	}
	if o.Timeout == 0 {
		o.Timeout = time.Second
	}
	opts := &bolt.Options{
		Timeout: o.Timeout, ReadOnly: o.ReadOnly, FreelistType: bolt.FreelistMapType, InitialMmapSize: mappable(o.ReadOnly),
	}
	err := guard(func() (err error) {
		s.db, err = bolt.Open(s.path, 0o600, opts)
		return err
	})
	var system syscall.Errno
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("open store %q: %w", s.path, recorder.ErrInUse)
	case err != nil && !errors.As(err, &system) && !errors.Is(err, recorder.ErrCorrupt):
		err = fmt.Errorf("%w: %w", recorder.ErrCorrupt, err) // the content is what bbolt refuses
	}
	if err == nil && !o.ReadOnly {
		err = inline(s.path)
	}
	if err == nil {
		err = s.start()
	}
	if err == nil && !o.ReadOnly {
		if err = cleanFresh(dir); err == nil {
			err = s.shrinkMain(opts)
		}
	}
	if err != nil {
		if s.db != nil {
			err = errors.Join(err, s.db.Close())
		}
		return nil, fmt.Errorf("open store %q: %w%s", s.path, err, s.sealHint(err))
	}
	return s, nil
}

// mappable is how much to map when opening.
func mappable(readOnly bool) int {
	if readOnly || strconv.IntSize < 64 {
		return 0
	}
	size := int64(mapped)
	return int(size)
}

// growth lets the file double as long as it is small: bbolt goes by how much is
// mapped, and would begin with 16 MiB. Called before each writing transaction.
func (s *Store) growth() error {
	info, err := os.Stat(s.path)
	if err == nil {
		s.db.AllocSize = int(min(max(info.Size(), minGrowth), maxGrowth))
	}
	return err
}

// private refuses a file that others on the machine may read or write.
func (s *Store) private() error {
	info, err := os.Stat(s.path)
	if errors.Is(err, os.ErrNotExist) && !s.readOnly {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	if s.readOnly && info.Size() == 0 {
		return fmt.Errorf("%w: the file is empty", recorder.ErrCorrupt)
	}
	if p := info.Mode().Perm(); p&0o077 != 0 && !s.readOnly {
		return fmt.Errorf("mode is %o, so others may touch it: chmod 600", p)
	}
	return nil
}

// start checks what was opened and, unless read-only, makes it ready to write.
func (s *Store) start() error {
	if s.readOnly {
		var err error
		if s.damage, err = inspect(s.path); err != nil {
			return err
		}
		if s.damage != nil && s.damage.unsafe {
			return nil // Check tells; nothing else is read
		}
	}
	fresh := false
	err := s.view(func(tx *bolt.Tx) error {
		meta := tx.Bucket(bucketMeta)
		if meta == nil {
			name, _ := tx.Cursor().First()
			if fresh = name == nil; fresh {
				return nil
			}
			return fmt.Errorf("%w: not a store of transcripts", recorder.ErrCorrupt)
		}
		v := meta.Get(keyFormat)
		if len(v) == 2 && binary.BigEndian.Uint16(v) < format {
			return fmt.Errorf("layout has version %d, this program writes %d: keep the store with the program that wrote it, and start with another data directory",
				binary.BigEndian.Uint16(v), format)
		}
		if len(v) != 2 || tx.Bucket(bucketHeads) == nil || tx.Bucket(bucketGroups) == nil || tx.Bucket(bucketKeys) == nil {
			return fmt.Errorf("%w: not a store of transcripts", recorder.ErrCorrupt)
		}
		if got := binary.BigEndian.Uint16(v); got != format {
			return fmt.Errorf("layout has version %d, this program reads %d: use the program that wrote it", got, format)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case s.readOnly && fresh:
		return fmt.Errorf("%w: the store is empty", recorder.ErrCorrupt)
	case s.readOnly:
		return nil
	}
	if err := breakSeal(s.path); err != nil {
		return err
	}
	if !fresh {
		return nil
	}
	if err := s.growth(); err != nil {
		return err
	}
	return s.db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketMeta, bucketHeads, bucketGroups, bucketKeys} {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(bucketMeta).Put(keyFormat, binary.BigEndian.AppendUint16(nil, format))
	})
}

// guard runs f and turns what bbolt does over damaged pages, a panic or a memory
// fault, into ErrCorrupt.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", recorder.ErrCorrupt, p)
		}
	}()
	return f()
}

// view reads in one transaction. f must not keep memory of it.
func (s *Store) view(f func(tx *bolt.Tx) error) error {
	if s.damage != nil && s.damage.unsafe {
		return fmt.Errorf("%w: %s", recorder.ErrCorrupt, s.damage)
	}
	return guard(func() error {
		tx, err := s.db.Begin(false)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // fails only when it ended already
		return f(tx)
	})
}

// Append implements recorder.Store.
func (s *Store) Append(groups []recorder.Group) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return fmt.Errorf("append to store %q: failed before: %w", s.path, s.failed)
	}
	if err := s.update(groups); err != nil {
		s.failed = err
		return fmt.Errorf("append to store %q: %w", s.path, err)
	}
	return nil
}

func (s *Store) update(groups []recorder.Group) error {
	if err := s.growth(); err != nil {
		return err
	}
	return change(s.path, s.db, func(tx *bolt.Tx) error {
		heads, events := tx.Bucket(bucketHeads), tx.Bucket(bucketGroups)
		heads.FillPercent, events.FillPercent = fillPercent, fillPercent
		for _, g := range groups {
			if err := s.appendGroup(tx, g); err != nil {
				return err
			}
		}
		return nil
	})
}

// appendGroup adds a group whose events follow the stored head.
func (s *Store) appendGroup(tx *bolt.Tx, g recorder.Group) error {
	if !g.ID.Valid() {
		return fmt.Errorf("%q is no name of a transcript", g.ID)
	}
	heads, events := tx.Bucket(bucketHeads), tx.Bucket(bucketGroups)
	var next uint64
	var hash recorder.Hash
	if v := heads.Get([]byte(g.ID)); v != nil {
		var err error
		if next, hash, err = standing(g.ID, v); err != nil {
			return err
		}
	}
	if len(g.Events) == 0 || g.Head.ID != g.ID || g.Head.Next != next+uint64(len(g.Events)) ||
		len(g.Hashes) != len(g.Events) || g.Hashes[len(g.Hashes)-1] != g.Head.Hash {
		return fmt.Errorf("transcript %q: group of %d events at %d does not lead to a head at %d",
			g.ID, len(g.Events), next, g.Head.Next)
	}
	for i, e := range g.Events {
		if e.Seq != next+uint64(i) || len(e.Data) > recorder.MaxData {
			return fmt.Errorf("transcript %q: event %d (%d bytes) where %d is next", g.ID, e.Seq, len(e.Data), next+uint64(i))
		}
	}
	b, err := s.keys.forWriting(tx.Bucket(bucketKeys), g.ID, next)
	if err != nil {
		return err
	}
	for _, v := range encodeGroup(g.ID, hash, g.Events, g.Hashes, b) {
		if err := events.Put(v.key, v.data); err != nil {
			return err
		}
	}
	head, err := encodeHead(g.Head)
	if err != nil {
		return err
	}
	return heads.Put([]byte(g.ID), head)
}

// Close implements recorder.Store. Unless an Append has failed it seals the
// store. A second Close does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	// The seal is written under bbolt's lock on the file: nobody else writes.
	var err error
	clean := !s.readOnly && s.failed == nil
	if err = s.days.close(clean); err == nil && clean {
		err = writeSeal(s.path)
	}
	if err := errors.Join(err, s.db.Close()); err != nil {
		return fmt.Errorf("close store %q: %w", s.path, err)
	}
	return nil
}

// sealHint tells, after a failure to open, where the seal says the damage is.
func (s *Store) sealHint(err error) string {
	if !errors.Is(err, recorder.ErrCorrupt) {
		return ""
	}
	if _, faults, err := checkSeal(context.Background(), s.path); err == nil && len(faults) > 0 {
		return ": " + faults[0].What
	}
	return ""
}
