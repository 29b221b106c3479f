// Package boltkv answers: what is agreed where there is only one node?
//
// It keeps a cluster.KV in one bbolt file, mode 0600. Layout, version 1: bucket
// "meta" has "format" → 2 bytes, the version of the layout; bucket "entries" has
// key → 8 bytes version, then the value. Integers are big-endian. Versions are
// drawn from the sequence of "entries", one for all keys, so that a key that was
// deleted and made again never gets a version that somebody may still hold.
package boltkv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/sallyport/sallyport/server/cluster"
)

const (
	format      = 1
	versionSize = 8

	// openTimeout is how long Open waits for another process to let go of the file.
	openTimeout = 500 * time.Millisecond
)

var (
	bucketMeta    = []byte("meta")
	bucketEntries = []byte("entries")
	keyFormat     = []byte("format")
)

// KV is a cluster of one. It is safe for concurrent use. Open makes one.
type KV struct {
	db *bolt.DB

	mu       sync.Mutex
	closed   bool
	watchers map[*watcher]struct{} // their channels are sent on and closed with mu held
}

type watcher struct {
	prefix string
	c      chan struct{}
	stop   func() bool // takes it from its context
}

var _ cluster.KV = (*KV)(nil)

// Open opens the state, or makes it and its directory (mode 0700). It returns
// cluster.ErrInUse when another process has it open, and refuses a file that
// others on the machine may read or write.
func Open(path string) (*KV, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("open state %q: mode is %o, so others may touch it: chmod 600", path, info.Mode().Perm())
	}
	kv := &KV{watchers: map[*watcher]struct{}{}}
	err := guard(func() (err error) {
		kv.db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: openTimeout, FreelistType: bolt.FreelistMapType})
		if err == nil {
			err = kv.db.Update(prepare)
		}
		return err
	})
	if errors.Is(err, berrors.ErrTimeout) {
		err = cluster.ErrInUse
	}
	if err != nil {
		if kv.db != nil {
			err = errors.Join(err, kv.db.Close())
		}
		return nil, fmt.Errorf("open state %q: %w", path, err)
	}
	return kv, nil
}

// prepare makes the buckets of a new file and refuses what is not ours.
func prepare(tx *bolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	if meta != nil {
		v := meta.Get(keyFormat)
		if len(v) != 2 || tx.Bucket(bucketEntries) == nil {
			return errors.New("not a state file")
		}
		if got := binary.BigEndian.Uint16(v); got != format {
			return fmt.Errorf("layout has version %d, this program reads %d: use the program that wrote it", got, format)
		}
		return nil
	}
	if name, _ := tx.Cursor().First(); name != nil {
		return errors.New("not a state file")
	}
	meta, err := tx.CreateBucket(bucketMeta)
	if err != nil {
		return err
	}
	if _, err := tx.CreateBucket(bucketEntries); err != nil {
		return err
	}
	return meta.Put(keyFormat, binary.BigEndian.AppendUint16(nil, format))
}

// guard runs f and turns what bbolt does over damaged pages, a panic or a memory
// fault, into an error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the state file is damaged: %v", p)
		}
	}()
	return f()
}

// Get implements cluster.KV.
func (kv *KV) Get(ctx context.Context, key string) (cluster.Entry, error) {
	if ctx.Err() != nil {
		return cluster.Entry{}, context.Cause(ctx)
	}
	var e cluster.Entry
	err := kv.view(func(b *bolt.Bucket) error {
		v := b.Get([]byte(key))
		if v == nil {
			return cluster.ErrNotFound
		}
		var err error
		e, err = decode([]byte(key), v)
		return err
	})
	if err != nil {
		return cluster.Entry{}, fmt.Errorf("get %q: %w", key, err)
	}
	return e, nil
}

// Put implements cluster.KV. The version that it returns for a deleted key is 0.
// An empty value that is not nil is a value.
func (kv *KV) Put(ctx context.Context, key string, value []byte, expect cluster.Version) (cluster.Version, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	var version cluster.Version
	changed := false
	err := guard(func() error {
		tx, err := kv.db.Begin(true)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // after Commit it does nothing
		version, changed, err = put(tx.Bucket(bucketEntries), []byte(key), value, expect)
		if err != nil || !changed {
			return err
		}
		return tx.Commit()
	})
	if err != nil {
		return 0, fmt.Errorf("put %q: %w", key, err)
	}
	if changed {
		kv.notify(key)
	}
	return version, nil
}

func put(b *bolt.Bucket, key, value []byte, expect cluster.Version) (version cluster.Version, changed bool, err error) {
	var have cluster.Version
	if v := b.Get(key); v != nil {
		e, err := decode(key, v)
		if err != nil {
			return 0, false, err
		}
		have = e.Version
	}
	switch {
	case have != expect:
		return 0, false, cluster.ErrConflict
	case value == nil && have == 0:
		return 0, false, nil
	case value == nil:
		return 0, true, b.Delete(key)
	}
	n, err := b.NextSequence()
	if err != nil {
		return 0, false, err
	}
	v := binary.BigEndian.AppendUint64(make([]byte, 0, versionSize+len(value)), n)
	return cluster.Version(n), true, b.Put(key, append(v, value...))
}

// List implements cluster.KV.
func (kv *KV) List(ctx context.Context, prefix string) ([]cluster.Entry, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var entries []cluster.Entry
	err := kv.view(func(b *bolt.Bucket) error {
		c := b.Cursor()
		p := []byte(prefix)
		for k, v := c.Seek(p); k != nil && bytes.HasPrefix(k, p); k, v = c.Next() {
			e, err := decode(k, v)
			if err != nil {
				return err
			}
			entries = append(entries, e)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", prefix, err)
	}
	return entries, nil
}

// view reads in one transaction; memory of it must not be kept.
func (kv *KV) view(f func(*bolt.Bucket) error) error {
	return guard(func() error {
		tx, err := kv.db.Begin(false)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // fails only when it ended already
		return f(tx.Bucket(bucketEntries))
	})
}

// decode copies an entry out of the file.
func decode(k, v []byte) (cluster.Entry, error) {
	if len(v) < versionSize || binary.BigEndian.Uint64(v) == 0 {
		return cluster.Entry{}, fmt.Errorf("the state file is damaged: entry %q", k)
	}
	value := append([]byte{}, v[versionSize:]...)
	return cluster.Entry{Key: string(k), Value: value, Version: cluster.Version(binary.BigEndian.Uint64(v))}, nil
}

// Watch implements cluster.KV. The channel is closed by Close too.
func (kv *KV) Watch(ctx context.Context, prefix string) <-chan struct{} {
	w := &watcher{prefix: prefix, c: make(chan struct{}, 1)}
	kv.mu.Lock()
	defer kv.mu.Unlock()
	if kv.closed || ctx.Err() != nil {
		close(w.c)
		return w.c
	}
	kv.watchers[w] = struct{}{}
	w.stop = context.AfterFunc(ctx, func() {
		kv.mu.Lock()
		defer kv.mu.Unlock()
		if _, ok := kv.watchers[w]; ok {
			delete(kv.watchers, w)
			close(w.c)
		}
	})
	return w.c
}

// notify signals all whose prefix the changed key has.
func (kv *KV) notify(key string) {
	kv.mu.Lock()
	defer kv.mu.Unlock()
	for w := range kv.watchers {
		if strings.HasPrefix(key, w.prefix) {
			select {
			case w.c <- struct{}{}:
			default: // signalled already and not yet looked
			}
		}
	}
}

// Close implements cluster.KV. It ends all watches; a second Close does nothing.
func (kv *KV) Close() error {
	kv.mu.Lock()
	kv.closed = true
	for w := range kv.watchers {
		w.stop()
		close(w.c)
	}
	clear(kv.watchers)
	kv.mu.Unlock()
	if err := kv.db.Close(); err != nil {
		return fmt.Errorf("close state: %w", err)
	}
	return nil
}
