package recorder_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/agekeys"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/ledger"
)

// audit is what an auditor finds in a data directory, with the keys of the
// bastion or with none, "" where all is well.
func audit(t *testing.T, dir string, k boltstore.Keys) string {
	t.Helper()
	p, err := ledger.Verify(dir, "")
	if err != nil {
		return err.Error()
	}
	s, err := boltstore.Open(dir, boltstore.Options{ReadOnly: true, Keys: k})
	if err != nil {
		return err.Error()
	}
	defer s.Close()
	r, err := recorder.Verify(t.Context(), s, append([]recorder.Leaf{}, p.Leaves...)...)
	if err != nil {
		return err.Error()
	}
	if r.Sealed {
		p.Faults = append(p.Faults, p.Stopped()...)
	}
	if len(p.Faults)+len(r.Faults) == 0 {
		return ""
	}
	return fmt.Sprint(p.Faults, r.Faults)
}

// evidenceDir is the data of a bastion that recorded some sessions and stopped.
func evidenceDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	r, _, err := openEvidence(dir)
	ok(t, err)
	for i := range 3 {
		tr := begin(t, r)
		ok(t, tr.Stream(t.Context(), recorder.KindOutput, fmt.Appendf(nil, "output of %d", i)))
		ok(t, tr.Record(t.Context(), recorder.KindNote, recorder.Note{Text: "a note"}))
		ok(t, tr.End(t.Context(), recorder.End{Reason: "closed"}))
	}
	ok(t, r.Close("stop"))
	return dir
}

// tamperAll is the environment variable that has every byte changed (make tamper).
const tamperAll = "SALLYPORT_TAMPER_ALL"

// namesOf are words of which a fault must hold one where a file was changed.
func namesOf(file string) []string {
	switch {
	case strings.HasPrefix(file, "transcripts.db"), strings.HasPrefix(file, "transcripts-"):
		return []string{strings.TrimSuffix(file, ".seal")}
	case file == ledger.PubFile:
		return []string{"key", "checkpoint"}
	case file == ledger.CheckpointFile:
		return []string{"checkpoint"}
	}
	return []string{"log: ", "transcripts.log"}
}

func named(fault, file string) bool {
	return slices.ContainsFunc(namesOf(file), func(w string) bool { return strings.Contains(fault, w) })
}

// TestTamperDirectory changes, cuts and takes away whatever is evidence in a data
// directory. All of it is found, with the bastion's identity and without any.
func TestTamperDirectory(t *testing.T) {
	dir := evidenceDir(t)
	own, err := agekeys.Read(filepath.Join(dir, agekeys.IdentityFile))
	ok(t, err)
	if f := audit(t, dir, own) + audit(t, dir, nil); f != "" {
		t.Fatalf("untouched: %s", f)
	}
	files, err := filepath.Glob(filepath.Join(dir, "transcripts*"))
	ok(t, err)
	for _, path := range files {
		name := filepath.Base(path)
		if name == ledger.KeyFile || name == agekeys.IdentityFile {
			continue // no evidence
		}
		content, err := os.ReadFile(path)
		ok(t, err)
		step := max(1, len(content)/150)
		if os.Getenv(tamperAll) != "" {
			step = 1
		}
		changeBytes(t, dir, name, step, own)
		for _, n := range []int{0, len(content) / 3, len(content) - 2} {
			ok(t, os.WriteFile(path, content[:n], 0o600))
			if f := audit(t, dir, own); !named(f, name) {
				t.Errorf("%s cut to %d bytes: found %q", name, n, f)
			}
		}
		ok(t, os.Remove(path))
		if audit(t, dir, own) == "" && name != boltstore.FileName+".seal" { // which says that the stop was not clean
			t.Errorf("%s taken away: not found", name)
		}
		ok(t, os.WriteFile(path, content, 0o600))
	}
	if f := audit(t, dir, own); f != "" {
		t.Errorf("put back: %s", f)
	}
}

// changeBytes changes bytes of a file one at a time, in copies of the directory, and
// looks whether it is found.
func changeBytes(t *testing.T, dir, name string, step int, own boltstore.Keys) {
	t.Helper()
	started := time.Now()
	all := contents(t, dir)
	content := all[name]
	if name == ledger.PubFile {
		content = content[:len(content)-1] // not the newline
	}
	workers := min(2, runtime.GOMAXPROCS(0))
	known := &knownKeys{keys: own}
	var wg sync.WaitGroup
	for w := range workers {
		mine := t.TempDir()
		for n, b := range all {
			ok(t, os.WriteFile(filepath.Join(mine, n), b, 0o600))
		}
		f, err := os.OpenFile(filepath.Join(mine, name), os.O_RDWR, 0)
		ok(t, err)
		wg.Go(func() {
			defer f.Close()
			for at := w * step; at < len(content) && t.Context().Err() == nil; at += workers * step {
				for _, b := range []byte{content[at] ^ 1<<(at%8), content[at]} {
					if _, err := f.WriteAt([]byte{b}, int64(at)); err != nil {
						t.Error(err)
						return
					}
					if b == content[at] {
						continue // as it was
					}
					for _, k := range []boltstore.Keys{known, nil} {
						if f := audit(t, mine, k); !named(f, name) {
							t.Errorf("%s: byte %d changed: found %q (with an identity: %v)", name, at, f, k != nil)
						}
					}
				}
			}
			if f := audit(t, mine, known); f != "" {
				t.Errorf("%s put back: %s", name, f)
			}
		})
	}
	wg.Wait()
	t.Logf("%s: %d of %d bytes changed, in %v", name, (len(content)+step-1)/step, len(content), time.Since(started).Round(time.Second))
}

// knownKeys remembers keys, as a bastion that runs does: to unwrap one takes longer
// than to verify a small store.
type knownKeys struct {
	keys boltstore.Keys

	mu    sync.Mutex
	known map[string][]byte
}

func (k *knownKeys) Wrap(key []byte) ([]byte, error) { return k.keys.Wrap(key) }

func (k *knownKeys) Unwrap(wrapped []byte) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key, ok := k.known[string(wrapped)]; ok {
		return bytes.Clone(key), nil
	}
	key, err := k.keys.Unwrap(wrapped)
	if err == nil {
		if k.known == nil {
			k.known = map[string][]byte{}
		}
		k.known[string(wrapped)] = bytes.Clone(key)
	}
	return key, err
}

// contents are a directory's files.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	ok(t, err)
	for _, path := range files {
		out[filepath.Base(path)], err = os.ReadFile(path)
		ok(t, err)
	}
	return out
}

// TestTamperOlder: each file of an older state among newer ones, its seal with it,
// contradicts the rest, and a bastion does not go on from an older store or log.
func TestTamperOlder(t *testing.T) {
	dir := evidenceDir(t)
	own, err := agekeys.Read(filepath.Join(dir, agekeys.IdentityFile))
	ok(t, err)
	older := contents(t, dir)
	r, _, err := openEvidence(dir)
	ok(t, err)
	tr := begin(t, r)
	ok(t, tr.End(t.Context(), recorder.End{Reason: "closed"}))
	ok(t, r.Close("stop"))
	newer := contents(t, dir)
	tried := 0
	for name, old := range older {
		if strings.HasSuffix(name, ".seal") || bytes.Equal(newer[name], old) {
			continue
		}
		tried++
		mixed := t.TempDir()
		for n, b := range newer {
			if n == name || n == name+".seal" {
				b = older[n]
			}
			ok(t, os.WriteFile(filepath.Join(mixed, n), b, 0o600))
		}
		if audit(t, mixed, own) == "" {
			t.Errorf("an older %s: not found", name)
		}
		r, _, err := openEvidence(mixed)
		if err == nil {
			ok(t, r.Close("stop"))
		}
		if err == nil && (name == boltstore.FileName || name == ledger.FileName) {
			t.Errorf("a bastion goes on from an older %s", name)
		}
	}
	if tried < 4 {
		t.Errorf("only %d files differ", tried)
	}
}
