package boltstore

import (
	"archive/tar"
	"context"
	"fmt"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Backup writes all files of the store to an archive, while it is written to: what was durable
// when it began is in the copy. Packing waits until it is done. The seals are left out:
// a copy has none.
func (s *Store) Backup(ctx context.Context, w *tar.Writer) error {
	s.packing.Lock() // days change by packing alone
	defer s.packing.Unlock()
	names, err := s.days.names()
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	for _, name := range names {
		err := s.days.use(name, false, func(x *day) error {
			if x == nil || x.db == nil {
				return fmt.Errorf("%s is gone", s.days.path(name))
			}
			return x.db.View(func(tx *bolt.Tx) error { return archive(ctx, w, s.days.path(name), tx) })
		})
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	// Last, since it moves on: what is not in the days is in here.
	if err := s.view(func(tx *bolt.Tx) error { return archive(ctx, w, s.path, tx) }); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

// archive writes a file as a transaction sees it.
func archive(ctx context.Context, w *tar.Writer, path string, tx *bolt.Tx) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	h := &tar.Header{Name: filepath.Base(path), Mode: 0o600, Size: tx.Size(), ModTime: time.Now(), Format: tar.FormatPAX}
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	_, err := tx.WriteTo(w)
	return err
}
