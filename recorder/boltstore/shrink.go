package boltstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

const (
	// freshSuffix is of a file that is being written anew.
	freshSuffix = ".new"
	// copyBatch bounds a transaction of the copying, in bytes.
	copyBatch = 8 << 20
)

// rewrite copies a bbolt file without its free pages and puts the copy in its
// place, durable, with the lock on it held. The old one stays open, for those who
// read it. A crash leaves the one or the other, and perhaps a rest (see
// cleanFresh). The file has no seal when this is called.
func rewrite(old *bolt.DB, path string, o *bolt.Options) (*bolt.DB, error) {
	fresh := path + freshSuffix
	if err := os.RemoveAll(fresh); err != nil {
		return nil, err
	}
	db, err := bolt.Open(fresh, 0o600, o)
	if err != nil {
		return nil, err
	}
	err = guard(func() error { return bolt.Compact(db, old, copyBatch) })
	if err == nil {
		err = db.Update(func(tx *bolt.Tx) error {
			if meta := tx.Bucket(bucketMeta); meta != nil {
				return meta.Delete(keyShrink)
			}
			return nil
		})
	}
	if err == nil {
		err = db.Sync()
	}
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close(), os.RemoveAll(fresh))
	}
	if err := syncDir(path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// cleanFresh removes what a crash left of files that were being written anew.
func cleanFresh(dir string) error {
	for _, pattern := range []string{FileName + freshSuffix, dayPrefix + "*" + daySuffix + freshSuffix} {
		left, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		for _, path := range left {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}

// shrinkMain writes transcripts.db anew where something was taken out of it for
// good. Its seal is gone already.
func (s *Store) shrinkMain(o *bolt.Options) error {
	due := false
	err := s.view(func(tx *bolt.Tx) error {
		due = tx.Bucket(bucketMeta).Get(keyShrink) != nil
		return nil
	})
	if err != nil || !due {
		return err
	}
	db, err := rewrite(s.db, s.path, o)
	if err != nil {
		return fmt.Errorf("write it anew: %w", err)
	}
	old := s.db
	s.db = db
	return old.Close()
}

// shrink writes a day's file anew, or deletes it where nothing is left in it.
func (d *days) shrink(name string) (err error) {
	x, err := d.get(name, false)
	if err != nil || x == nil {
		return err
	}
	defer func() { err = errors.Join(err, d.done(x)) }()
	if err := d.unseal(x); err != nil {
		return err
	}
	empty := false
	err = guard(func() error {
		return x.db.View(func(tx *bolt.Tx) error {
			state := tx.Bucket(bucketPacked)
			if empty = state == nil; !empty {
				k, _ := state.Cursor().First()
				empty = k == nil
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	var fresh *day
	if empty {
		err = errors.Join(os.Remove(x.path), syncDir(x.path))
	} else {
		fresh = &day{path: x.path, dirty: true}
		fresh.db, err = rewrite(x.db, x.path, dayOptions(false))
	}
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	x.retired = true
	delete(d.open, name)
	if fresh != nil {
		d.tick++
		fresh.used = d.tick
		d.open[name] = fresh
	}
	return nil
}

// done ends a use of a day; the last one of a file that was replaced closes it.
func (d *days) done(x *day) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if x.users--; x.retired && x.users == 0 && x.db != nil {
		return x.db.Close()
	}
	return nil
}

func dayOptions(readOnly bool) *bolt.Options {
	return &bolt.Options{Timeout: time.Second, ReadOnly: readOnly, FreelistType: bolt.FreelistMapType}
}
