package recorder_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
		for at := 0; at < len(content); at += step {
			if name == ledger.PubFile && at == len(content)-1 {
				continue // the newline
			}
			changed := bytes.Clone(content)
			changed[at] ^= 1 << (at % 8)
			ok(t, os.WriteFile(path, changed, 0o600))
			for _, k := range []boltstore.Keys{own, nil} {
				if f := audit(t, dir, k); !named(f, name) {
					t.Errorf("%s: byte %d changed: found %q (with an identity: %v)", name, at, f, k != nil)
				}
			}
		}
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
