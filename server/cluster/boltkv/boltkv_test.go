package boltkv

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/server/cluster"
	"github.com/sallyport/sallyport/server/cluster/kvtest"
)

const fileName = "state.db"

func open(t *testing.T, dir string) cluster.KV {
	t.Helper()
	kv, err := Open(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

func TestKV(t *testing.T) { kvtest.Test(t, open) }

func TestInUse(t *testing.T) {
	dir := t.TempDir()
	kv := open(t, dir)
	defer kv.Close()
	if _, err := Open(filepath.Join(dir, fileName)); !errors.Is(err, cluster.ErrInUse) {
		t.Errorf("second Open: %v, want ErrInUse", err)
	}
}

func TestPermissions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, fileName)
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	for p, want := range map[string]os.FileMode{dir: 0o700, path: 0o600} {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("mode of %s is %o, want %o", p, info.Mode().Perm(), want)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("open of a file that the group may read: %v", err)
	}
}

func TestRefusesOtherFiles(t *testing.T) {
	change := func(path string, f func(*bolt.Tx) error) {
		t.Helper()
		db, err := bolt.Open(path, 0o600, nil)
		if err == nil {
			err = errors.Join(db.Update(f), db.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	refused := func(path, want string) {
		t.Helper()
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open: %v, want %q", err, want)
		}
	}
	other := filepath.Join(t.TempDir(), fileName)
	change(other, func(tx *bolt.Tx) error { _, err := tx.CreateBucket([]byte("other")); return err })
	refused(other, "not a state file")

	newer := filepath.Join(t.TempDir(), fileName)
	if err := open(t, filepath.Dir(newer)).Close(); err != nil {
		t.Fatal(err)
	}
	change(newer, func(tx *bolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keyFormat, binary.BigEndian.AppendUint16(nil, 2))
	})
	refused(newer, "layout has version 2")

	text := filepath.Join(t.TempDir(), fileName)
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(text, "invalid database")
}

// TestCloseEndsWatches: nobody waits for a state that is gone.
func TestCloseEndsWatches(t *testing.T) {
	kv := open(t, t.TempDir())
	c := kv.Watch(t.Context(), "")
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	if _, ok := <-c; ok {
		t.Error("a signal without a change")
	}
	if _, err := kv.Get(t.Context(), "a"); err == nil {
		t.Error("Get after Close succeeds")
	}
	if err := kv.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}
