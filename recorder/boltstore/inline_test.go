package boltstore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/recorder"
)

// TestTamperInline: an element of a bucket that lies inside of a page points far out
// of it. bbolt has these in memory of Go, so the collector would end the process: an
// auditor's, and a bastion's at its next start.
func TestTamperInline(t *testing.T) {
	dir, content, _ := small(t)
	path := filepath.Join(dir, FileName)
	for at := 0; ; at++ { // in stale pages, too
		i := bytes.Index(content[at:], keyFormat)
		if i < 0 {
			break
		}
		at += i
		content[at-pageElement+4+2] ^= 0x40 // 4 MiB further
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		r, err := examine(t, dir)
		if err == nil && len(r.Faults) == 0 {
			t.Fatal("not found")
		}
		runtime.GC()
	}
	if err := os.Remove(sealPath(path)); err != nil { // as after a crash
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, recorder.ErrCorrupt) || !strings.Contains(err.Error(), "transcript verify") {
		t.Errorf("a bastion starts on it: %v", err)
	}
}
