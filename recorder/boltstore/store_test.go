package boltstore

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/storetest"
)

func open(t *testing.T, dir string) recorder.Store {
	t.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) { storetest.Test(t, true, open) }

// packing is a store that packs whatever was appended at once, the last events of
// open transcripts excepted.
type packing struct{ *Store }

func (p packing) Append(groups []recorder.Group) error {
	if err := p.Store.Append(groups); err != nil {
		return err
	}
	var ids []recorder.ID
	for _, g := range groups {
		ids = append(ids, g.ID)
	}
	_, err := p.Pack(context.Background(), ids)
	return err
}

func openPacking(k Keys) func(*testing.T, string) recorder.Store {
	return func(t *testing.T, dir string) recorder.Store {
		s, err := Open(dir, Options{Keys: k})
		if err != nil {
			t.Fatal(err)
		}
		return packing{s}
	}
}

func TestPacking(t *testing.T)   { storetest.Test(t, true, openPacking(nil)) }
func TestEncrypted(t *testing.T) { storetest.Test(t, true, openPacking(&testKeys{})) }

// testKeys wraps under a key of its own, in the manner of a recipient that is
// here too. others is the recipient alone.
type testKeys struct{ others bool }

var wrapping = func() cipher.AEAD {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		panic(err)
	}
	c, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return c
}()

func (*testKeys) Wrap(key []byte) ([]byte, error) { return wrapping.Seal(nil, nil, key, nil), nil }

func (k *testKeys) Unwrap(wrapped []byte) ([]byte, error) {
	if k.others {
		return nil, recorder.ErrSealed
	}
	key, err := wrapping.Open(nil, nil, wrapped, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", recorder.ErrCorrupt, err)
	}
	return key, nil
}

func TestMemory(t *testing.T) {
	storetest.Test(t, false, func(*testing.T, string) recorder.Store { return storetest.NewMemory() })
}

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, readOnly := range []bool{false, true} {
		if _, err := Open(dir, Options{ReadOnly: readOnly, Timeout: time.Millisecond}); !errors.Is(err, recorder.ErrInUse) {
			t.Errorf("second Open, read-only %v: %v, want ErrInUse", readOnly, err)
		}
	}
	storetest.Close(t, s)
	a, err := Open(dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Open(dir, Options{ReadOnly: true}) // readers share
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Append(nil); err == nil {
		t.Error("Append to a read-only store succeeds")
	}
	storetest.Close(t, a)
	storetest.Close(t, b)
}

func TestPermissions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, FileName)
	storetest.Close(t, open(t, dir))
	for p, want := range map[string]fs.FileMode{dir: 0o700, path: 0o600, sealPath(path): 0o600} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("mode of %s is %o, want %o", p, info.Mode().Perm(), want)
		}
	}
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("open of a file that others may read: %v", err)
	}
}

func TestRefusesOtherFiles(t *testing.T) {
	if _, err := Open(t.TempDir(), Options{ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read-only open of nothing: %v, want ErrNotExist", err)
	}
	change := func(dir string, f func(*bolt.Tx) error) {
		t.Helper()
		db, err := bolt.Open(filepath.Join(dir, FileName), 0o600, nil)
		if err == nil {
			err = errors.Join(db.Update(f), db.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	other, newer, older, text := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	change(other, func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("other")); return err })
	for dir, version := range map[string]uint16{older: format - 1, newer: format + 1} {
		storetest.Close(t, open(t, dir))
		change(dir, func(tx *bolt.Tx) error {
			return tx.Bucket(bucketMeta).Put(keyFormat, binary.BigEndian.AppendUint16(nil, version))
		})
		if err := os.Remove(sealPath(filepath.Join(dir, FileName))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(text, FileName), []byte(strings.Repeat("no database ", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{other: "not a store", newer: "layout has version 3", older: "layout has version 1", text: "damaged"} {
		for _, readOnly := range []bool{false, true} {
			if _, err := Open(dir, Options{ReadOnly: readOnly}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Open, read-only %v: %v, want %q", readOnly, err, want)
			}
		}
	}
}
