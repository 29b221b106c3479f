package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/server/session"
)

// maskKeyFile is the masking key's in the data directory, where the configuration
// names no other.
const maskKeyFile = "mask_key"

// newMasking is what the plans of all resources are made with.
func newMasking(ctx context.Context, cfg *config.Config, data string) (m session.Masking, err error) {
	if m.Patterns, err = cfg.Detectors(); err != nil {
		return m, err
	}
	ref := cfg.MaskKey
	if ref == nil {
		ref = &config.Ref{File: filepath.Join(data, maskKeyFile)}
	}
	src, err := newSecret("mask_key", ref)
	if err != nil {
		return m, err
	}
	key, err := src.Get(ctx)
	if err != nil {
		return m, err
	}
	if m.Key, err = mask.NewKey(key.Reveal()); err != nil {
		return m, fmt.Errorf("mask_key: %w", err)
	}
	return m, nil
}

// makeMaskKey makes the masking key on first start. Where the configuration names
// one, none is made: another key in its place would change every hash and token.
func makeMaskKey(cfg *config.Config) error {
	if cfg.MaskKey != nil {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(cfg.Data, maskKeyFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("make masking key: %w", err)
	}
	_, err = fmt.Fprintln(f, rand.Text()+rand.Text()) // 256 bits and some
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("make masking key: %w", err), os.Remove(f.Name()))
	}
	return nil
}
