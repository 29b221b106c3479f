package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/storetest"
)

// span is where an event and its check lie in the file. Large events, which are
// cut into parts, are not told.
type span struct {
	id       recorder.ID
	seq      uint64
	from, to int
}

// small makes a sealed store of three transcripts, written in one transaction so
// that each event is in the file once.
func small(t *testing.T) (dir string, content []byte, spans []span) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir)
	var groups []recorder.Group
	for i := range 3 {
		c, g := storetest.Begin(t, recorder.ID(fmt.Sprintf("20261123T191530-7k2f9%d", i)))
		groups = append(groups, g)
		for n := range 4 {
			groups = append(groups, c.Group(t,
				storetest.Event{Kind: recorder.KindOutput, Data: fmt.Appendf(nil, "output %d of %d", n, i)},
				storetest.Event{Kind: recorder.KindOperation, Data: []byte(`{"op":1,"text":"select 1"}`)}))
		}
		if i == 1 {
			groups = append(groups, c.Group(t, storetest.Event{Kind: recorder.KindRows, Data: bytes.Repeat([]byte("row "), 17_000)}))
		}
		groups = append(groups, c.Group(t, storetest.Event{Kind: recorder.KindEnd, Data: []byte(`{"reason":"closed"}`)}))
	}
	if err := s.Append(groups); err != nil {
		t.Fatal(err)
	}
	storetest.Close(t, s)
	content, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	heads := map[recorder.ID]recorder.Head{}
	for _, g := range groups {
		h := heads[g.ID]
		h.ID = g.ID
		for _, e := range g.Events {
			if h, err = recorder.Advance(h, e); err != nil {
				t.Fatal(err)
			}
			enc := append(recorder.AppendEvent(nil, e), h.Hash[:checkSize]...)
			if len(enc) > maxValue {
				continue
			}
			if n := bytes.Count(content, enc); n != 1 {
				t.Fatalf("event %d of %s is in the file %d times", e.Seq, g.ID, n)
			}
			at := bytes.Index(content, enc)
			spans = append(spans, span{g.ID, e.Seq, at, at + len(enc)})
		}
		heads[g.ID] = h
	}
	return dir, content, spans
}

// examine verifies the store as an auditor would.
func examine(t *testing.T, dir string) (recorder.Report, error) {
	t.Helper()
	s, err := Open(dir, Options{ReadOnly: true})
	if err != nil {
		if !errors.Is(err, recorder.ErrCorrupt) {
			t.Fatalf("open of a damaged store: %v, want ErrCorrupt", err)
		}
		return recorder.Report{}, err
	}
	defer s.Close()
	r, err := recorder.Verify(t.Context(), s)
	if err != nil {
		t.Fatalf("verify of a damaged store: %v", err)
	}
	return r, nil
}

// TestTamper changes bytes of the file one at a time. Each change is found while
// the store is sealed; a change in an event is traced to it, sealed or not; and
// none brings the program down.
func TestTamper(t *testing.T) {
	dir, content, spans := small(t)
	path := filepath.Join(dir, FileName)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	step := 97
	if testing.Short() {
		step = 499
	}
	for _, sealed := range []bool{true, false} {
		if !sealed {
			if err := os.Remove(sealPath(path)); err != nil {
				t.Fatal(err)
			}
		}
		r, err := examine(t, dir)
		if err != nil || len(r.Faults) > 0 || r.Sealed != sealed || r.Transcripts != 3 || r.Events != 31 {
			t.Fatalf("untouched: %+v, %v", r, err)
		}
		flip := func(at int, bit byte, want *span) {
			if _, err := f.WriteAt([]byte{content[at] ^ bit}, int64(at)); err != nil {
				t.Fatal(err)
			}
			r, err := examine(t, dir)
			if sealed && err == nil && len(r.Faults) == 0 {
				t.Errorf("byte %d (^%#x): not found", at, bit)
			}
			if want != nil && (err != nil || len(r.Faults) == 0 || r.Faults[0].ID != want.id || r.Faults[0].Seq != want.seq) {
				t.Errorf("byte %d (^%#x): %v, faults %v, want event %d of %s", at, bit, err, r.Faults, want.seq, want.id)
			}
			if _, err := f.WriteAt(content[at:at+1], int64(at)); err != nil {
				t.Fatal(err)
			}
		}
		for i, s := range spans {
			for at := s.from; at < s.to; at++ {
				if !testing.Short() || (at+i)%7 == 0 {
					flip(at, 1<<(at%8), &s)
				}
			}
		}
		for at := 0; at < len(content); at += step {
			flip(at, 1<<((at/step)%8), nil)
		}
	}
}

// TestTamperPages changes each byte of the header and the first element of all
// pages, where a change could send a reader in circles.
func TestTamperPages(t *testing.T) {
	if testing.Short() {
		t.Skip("short: takes seconds")
	}
	dir, content, _ := small(t)
	path := filepath.Join(dir, FileName)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for page := 0; page < len(content); page += os.Getpagesize() {
		if content[page+8] == 0 && content[page+9] == 0 {
			continue // no page starts here: overflow, or never used
		}
		for at := page; at < page+pageHead+pageElement; at++ {
			for _, b := range []byte{content[at] ^ 1, content[at] ^ 4} {
				if _, err := f.WriteAt([]byte{b}, int64(at)); err != nil {
					t.Fatal(err)
				}
				if r, err := examine(t, dir); b != content[at] && err == nil && len(r.Faults) == 0 {
					t.Errorf("byte %d of page %d set to %#x: not found", at-page, page/os.Getpagesize(), b)
				}
			}
			if _, err := f.WriteAt(content[at:at+1], int64(at)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestTamperFile: cutting, growing, exchanging parts of the file and its seal.
func TestTamperFile(t *testing.T) {
	dir, content, _ := small(t)
	path := filepath.Join(dir, FileName)
	sealed, err := os.ReadFile(sealPath(path))
	if err != nil {
		t.Fatal(err)
	}
	put := func(db, seal []byte) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, db, 0o600), os.WriteFile(sealPath(path), seal, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	found := func(what string) {
		t.Helper()
		if r, err := examine(t, dir); err == nil && len(r.Faults) == 0 {
			t.Errorf("%s: not found", what)
		}
	}
	for _, n := range []int{0, 1, 4096, 8192, len(content) / 2, len(content) - 4096, len(content) - 1} {
		put(content[:n], sealed)
		found(fmt.Sprintf("file cut to %d bytes", n))
	}
	put(append(bytes.Clone(content), 0), sealed)
	found("a byte added")
	for page := 2; page < len(content)/4096-1; page += 3 {
		c := bytes.Clone(content)
		copy(c[page*4096:], content[(page+1)*4096:(page+2)*4096])
		copy(c[(page+1)*4096:], content[page*4096:(page+1)*4096])
		if !bytes.Equal(c, content) {
			put(c, sealed)
			found(fmt.Sprintf("page %d exchanged with the next", page))
		}
	}
	for at := range sealed {
		c := bytes.Clone(sealed)
		c[at] ^= 1 << (at % 8)
		put(content, c)
		found(fmt.Sprintf("byte %d of the seal changed", at))
	}
}

// TestTamperMeta: bbolt falls back to the transaction before the last one where
// its newer meta page is damaged. Opening for writing must not bury that.
func TestTamperMeta(t *testing.T) {
	dir, content, _ := small(t)
	path := filepath.Join(dir, FileName)
	for _, page := range []int{0, 1} {
		c := bytes.Clone(content)
		c[page*os.Getpagesize()+40] ^= 1
		if err := os.WriteFile(path, c, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{}); !errors.Is(err, recorder.ErrCorrupt) || !strings.Contains(err.Error(), "transcript verify") {
			t.Errorf("meta page %d damaged: open for writing: %v", page, err)
		}
		if r, err := examine(t, dir); err != nil || len(r.Faults) == 0 {
			t.Errorf("meta page %d damaged: %v, faults %v", page, err, r.Faults)
		}
	}
}

// TestTamperEntries changes the store by means of bbolt itself, so that all its
// pages are sound, and takes the seal away.
func TestTamperEntries(t *testing.T) {
	const a, b = recorder.ID("20261123T191530-7k2f90"), recorder.ID("20261123T191530-7k2f91")
	for name, c := range map[string]struct {
		change func(heads, groups *bolt.Bucket) error
		id     recorder.ID
		what   string
	}{
		"head removed": {func(h, _ *bolt.Bucket) error { return h.Delete([]byte(a)) }, a, "head is missing"},
		"group removed": {func(_, g *bolt.Bucket) error { return g.Delete(groupKey(a, 3, 0)) },
			a, "number 5 where 3"},
		"last group removed": {func(_, g *bolt.Bucket) error { return g.Delete(groupKey(a, 9, 0)) }, a, "the head counts 10"},
		"part removed":       {func(_, g *bolt.Bucket) error { return g.Delete(groupKey(b, 9, 1)) }, b, "bytes of payload"},
		"first part removed": {func(_, g *bolt.Bucket) error { return g.Delete(groupKey(b, 9, 0)) }, b, "no known form"},
		"group of another": {func(_, g *bolt.Bucket) error { return g.Put(groupKey(a, 3, 0), bytes.Clone(g.Get(groupKey(b, 3, 0)))) },
			a, "event 3 is not what was written"},
		"head of another":   {func(h, _ *bolt.Bucket) error { return h.Put([]byte(a), bytes.Clone(h.Get([]byte(b)))) }, "", "header of"},
		"odd key":           {func(_, g *bolt.Bucket) error { return g.Put([]byte("odd"), []byte("x")) }, "", "malformed key"},
		"event after end":   {func(_, g *bolt.Bucket) error { return g.Put(groupKey(a, 10, 0), bytes.Clone(g.Get(groupKey(a, 9, 0)))) }, a, "number 9 where 10"},
		"unknown form":      {func(_, g *bolt.Bucket) error { return g.Put(groupKey(a, 3, 0), bytes.Repeat([]byte{9}, 99)) }, a, "no known form"},
		"head cut":          {func(h, _ *bolt.Bucket) error { return h.Put([]byte(a), h.Get([]byte(a))[:70]) }, "", "malformed"},
		"group past a gap":  {func(_, g *bolt.Bucket) error { return g.Put(groupKey(a, 77, 0), []byte("x")) }, a, "no known form"},
		"transcript's name": {func(h, _ *bolt.Bucket) error { return h.Put([]byte("../x"), h.Get([]byte(a))) }, "", "no name"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _, _ := small(t)
			path := filepath.Join(dir, FileName)
			db, err := bolt.Open(path, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			err = db.Update(func(tx *bolt.Tx) error { return c.change(tx.Bucket(bucketHeads), tx.Bucket(bucketGroups)) })
			if err = errors.Join(err, db.Close(), os.Remove(sealPath(path))); err != nil {
				t.Fatal(err)
			}
			r, err := examine(t, dir)
			if err != nil || len(r.Faults) == 0 || r.Faults[0].ID != c.id || !strings.Contains(r.Faults[0].What, c.what) {
				t.Errorf("%v, faults %v, want %q: %s", err, r.Faults, c.id, c.what)
			}
		})
	}
}

// TestCircle: a page that names an ancestor as its child.
func TestCircle(t *testing.T) {
	dir, content, _ := small(t)
	path := filepath.Join(dir, FileName)
	var branch int
	for page := 2 * 4096; page < len(content); page += 4096 {
		if content[page+8] == flagBranch && content[page+9] == 0 && content[page] == byte(page/4096) {
			branch = page
		}
	}
	if branch == 0 {
		t.Fatal("no branch page in the store: it is too small for this test")
	}
	content[branch+pageHead+8] = byte(branch / 4096)
	if err := errors.Join(os.WriteFile(path, content, 0o600), os.Remove(sealPath(path))); err != nil {
		t.Fatal(err)
	}
	r, err := examine(t, dir)
	if err != nil || len(r.Faults) == 0 || !strings.Contains(fmt.Sprint(r.Faults), "named more than once") {
		t.Errorf("%v, faults %v", err, r.Faults)
	}
}
