package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/storetest"
)

const someDay = recorder.ID("20261123T191530-7k2f90")

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// typist appends n keystrokes with their echo to a transcript, a commit per some
// of them, and returns all events.
func typist(t testing.TB, s recorder.Store, id recorder.ID, n int) []recorder.Event {
	t.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	text := "select id, email from customers where tier = 'gold' and created > now() - interval '7 days' order by id; "
	head := recorder.Head{ID: id}
	at := time.Date(2026, 11, 23, 19, 15, 30, 123_456_000, time.UTC)
	event := func(k recorder.Kind, data string) recorder.Event {
		e := recorder.Event{Seq: head.Next, At: at, Kind: k, Data: []byte(data)}
		return e
	}
	var all []recorder.Event
	put := func(events ...recorder.Event) {
		for i := range events {
			events[i].Seq = head.Next + uint64(i)
		}
		next, hashes, err := recorder.Extend(head, nil, events...)
		fatal(t, err)
		fatal(t, s.Append([]recorder.Group{{ID: id, Events: events, Hashes: hashes, Head: next}}))
		head, all = next, append(all, events...)
	}
	put(event(recorder.KindStart, fmt.Sprintf(`{"id":%q}`, id)))
	var wait []recorder.Event
	for i := range n {
		at = at.Add(time.Duration(40_000+rnd.IntN(200_000)) * time.Microsecond)
		key := text[i%len(text) : i%len(text)+1]
		wait = append(wait, event(recorder.KindInput, key))
		at = at.Add(time.Duration(300+rnd.IntN(700)) * time.Microsecond)
		if wait = append(wait, event(recorder.KindOutput, key)); len(wait) >= 700 {
			put(wait...)
			wait = nil
		}
	}
	put(append(wait, event(recorder.KindEnd, `{"reason":"closed"}`))...)
	return all
}

func openWith(t testing.TB, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	fatal(t, err)
	return s
}

func pack(t testing.TB, s *Store, ids ...recorder.ID) map[recorder.ID]recorder.Hash {
	t.Helper()
	sums, err := s.Pack(context.Background(), ids)
	fatal(t, err)
	return sums
}

func all(t testing.TB, s recorder.Store, id recorder.ID) (out []recorder.Event) {
	t.Helper()
	read := func(ctx context.Context, from uint64, max int) ([]recorder.Event, error) {
		return s.Read(ctx, id, from, max)
	}
	for e, err := range recorder.Events(context.Background(), 0, read) {
		fatal(t, err)
		out = append(out, e)
	}
	return out
}

// TestKeystrokeBytes: what a keystroke costs on disk, encrypted, pages and all.
func TestKeystrokeBytes(t *testing.T) {
	dir := t.TempDir()
	s := openWith(t, dir, Options{Keys: &testKeys{}})
	const n = 60_000
	want := typist(t, s, someDay, n)
	sums := pack(t, s, someDay)
	if diff := cmp.Diff(want, all(t, s, someDay)); diff != "" {
		t.Fatal("packed events are not what was written")
	}
	left, err := s.Unpacked(t.Context())
	if sum, whole, serr := s.Stored(t.Context(), someDay); err != nil || len(left) > 0 || serr != nil || !whole || sum != sums[someDay] {
		t.Errorf("left %v, %v; stored %v %v, %v", left, err, sum == sums[someDay], whole, serr)
	}
	chunks, used := 0, 0
	fatal(t, s.days.view("20261123", func(b, _ *bolt.Bucket) error {
		st := b.Stats()
		used = st.LeafAlloc + st.LeafOverflowN*os.Getpagesize() + st.BranchAlloc
		return b.ForEach(func(_, v []byte) error { chunks += len(v); return nil })
	}))
	per := float64(used) / float64(len(want))
	t.Logf("%.2f bytes an event in chunks, %.2f with pages", float64(chunks)/float64(len(want)), per)
	if per > 8 {
		t.Errorf("%.2f bytes an event, want at most 8", per)
	}
	storetest.Close(t, s)
}

// TestSeek finds what a walk over all events finds.
func TestSeek(t *testing.T) {
	dir := t.TempDir()
	s := openWith(t, dir, Options{Keys: &testKeys{}})
	events := typist(t, s, someDay, 5_000)
	check := func() {
		t.Helper()
		first, last := events[0].At, events[len(events)-1].At
		for i := range 200 {
			at := first.Add(last.Sub(first) * time.Duration(i-5) / 190)
			want := uint64(len(events))
			for j := len(events) - 1; j >= 0 && !events[j].At.Before(at); j-- {
				want = uint64(j)
			}
			if got, err := s.Seek(t.Context(), someDay, at); err != nil || got != want {
				t.Errorf("Seek(%v): %d, %v, want %d", at, got, err, want)
			}
		}
	}
	check()
	pack(t, s, someDay)
	check()
	if _, err := s.Seek(t.Context(), "20261123T191530-none00", time.Now()); !errors.Is(err, recorder.ErrNotFound) {
		t.Errorf("in no transcript: %v", err)
	}
	storetest.Close(t, s)
}

// TestPackCrash: a crash between the two files leaves events in both.
func TestPackCrash(t *testing.T) {
	dir := t.TempDir()
	s := openWith(t, dir, Options{Keys: &testKeys{}})
	want := typist(t, s, someDay, 3_000)
	p, _, err := s.parcel(t.Context(), someDay)
	fatal(t, err)
	fatal(t, s.days.use("20261123", true, func(x *day) error {
		return x.db.Update(func(tx *bolt.Tx) error { return load(tx, []parcel{p}) })
	}))
	if diff := cmp.Diff(want, all(t, s, someDay)); diff != "" {
		t.Error("events in both files are read wrongly")
	}
	storetest.Close(t, s)
	s = openWith(t, dir, Options{Keys: &testKeys{}})
	left, err := s.Unpacked(t.Context())
	fatal(t, err)
	sums := pack(t, s, left...)
	if sums[someDay] != p.state.sum {
		t.Error("packing again changed what was packed")
	}
	if left, err := s.Unpacked(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if diff := cmp.Diff(want, all(t, s, someDay)); diff != "" {
		t.Error("events are lost, or there twice")
	}
	storetest.Close(t, s)
}

// TestNoClearText: no file holds a word of what was typed or shown.
func TestNoClearText(t *testing.T) {
	dir := t.TempDir()
	s := openWith(t, dir, Options{Keys: &testKeys{}})
	const canary = "canary-7f3a-correct-horse"
	var ids []recorder.ID
	for i := range 3 {
		id := recorder.ID(fmt.Sprintf("20261123T191530-7k2f9%d", i))
		ids = append(ids, id)
		c, g := storetest.Begin(t, id)
		fatal(t, s.Append([]recorder.Group{g}))
		fatal(t, s.Append([]recorder.Group{c.Group(t, storetest.Event{Kind: recorder.KindInput, Data: []byte(canary)})}))
		fatal(t, s.Append([]recorder.Group{c.Group(t, storetest.Event{Kind: recorder.KindOutput, Data: bytes.Repeat([]byte(canary), i*5000)},
			storetest.Event{Kind: recorder.KindEnd, Data: []byte(`{"reason":"closed"}`)})}))
	}
	pack(t, s, ids[1:]...)
	storetest.Close(t, s)
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	fatal(t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		fatal(t, err)
		if bytes.Contains(b, []byte("canary-7f3a")) {
			t.Errorf("%s holds what was typed", filepath.Base(f))
		}
	}
	if len(files) != 4 {
		t.Errorf("files %v", files)
	}
}

// TestSealedForOthers: a bastion without an identity records, goes on after a
// crash under another key, packs what it can, and an auditor reads all of it.
func TestSealedForOthers(t *testing.T) {
	dir := t.TempDir()
	s := openWith(t, dir, Options{Keys: &testKeys{others: true}})
	c, g := storetest.Begin(t, someDay)
	fatal(t, s.Append([]recorder.Group{g}))
	fatal(t, s.Append([]recorder.Group{c.Group(t, storetest.Event{Kind: recorder.KindOutput, Data: []byte("before")})}))
	whole := recorder.ID("20261123T191530-7k2f91")
	typist(t, s, whole, 200)
	pack(t, s, someDay, whole)
	fatal(t, s.Close()) // as after a crash: the transcript is open, its key is gone
	s = openWith(t, dir, Options{Keys: &testKeys{others: true}})
	fatal(t, s.Append([]recorder.Group{c.Group(t, storetest.Event{Kind: recorder.KindEnd, Data: []byte(`{"reason":"interrupted"}`)})}))
	sums := pack(t, s, someDay, whole)
	if left, err := s.Unpacked(t.Context()); err != nil || len(left) > 0 || len(sums) != 2 {
		t.Errorf("after a crash: packed %v, left %v, %v", sums, left, err)
	}
	if sum, all, err := s.Stored(t.Context(), someDay); err != nil || !all || sum != sums[someDay] {
		t.Errorf("what is stored of it: %v, %v", all, err)
	}
	if _, err := s.Read(t.Context(), whole, 0, 10); !errors.Is(err, recorder.ErrSealed) {
		t.Errorf("read without an identity: %v", err)
	}
	r, err := recorder.Verify(t.Context(), s)
	if err != nil || len(r.Faults) > 0 || r.Unread != 2 {
		t.Errorf("verify without an identity: %+v, %v", r, err)
	}
	fatal(t, s.Close())
	s = openWith(t, dir, Options{Keys: &testKeys{}, ReadOnly: true})
	if events := all(t, s, someDay); len(events) != 3 || string(events[1].Data) != "before" {
		t.Errorf("the auditor reads %d events", len(events))
	}
	storetest.Close(t, s)
	s = openWith(t, dir, Options{Keys: &testKeys{}})
	for i, e := range all(t, s, someDay) {
		if seq, err := s.Seek(t.Context(), someDay, e.At); err != nil || seq != uint64(i) {
			t.Errorf("seek to event %d finds %d, %v", i, seq, err)
		}
	}
	storetest.Close(t, s)
}

// TestTamperPacked changes bytes of packed transcripts, one at a time, and parts
// by means of bbolt itself. Each is found, sealed or not, and named.
func TestTamperPacked(t *testing.T) {
	for name, keys := range map[string]Keys{"plain": nil, "encrypted": &testKeys{}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openWith(t, dir, Options{Keys: keys})
			other := recorder.ID("20261123T191530-7k2f91")
			typist(t, s, someDay, 1500)
			typist(t, s, other, 10)
			pack(t, s, someDay, other)
			storetest.Close(t, s)
			path := filepath.Join(dir, "transcripts-20261123.db")
			content, err := os.ReadFile(path)
			fatal(t, err)
			spans := chunksIn(t, path, content)
			examine := func() (string, recorder.ID) { return examineDay(t, dir, keys) }
			if f, _ := examine(); f != "" {
				t.Fatal(f)
			}
			for at := 0; at < len(content); at += 397 { // any byte, while it is sealed
				tampered(t, path, content, at, func() {
					if f, _ := examine(); f == "" {
						t.Errorf("byte %d: not found", at)
					}
				})
			}
			fatal(t, os.Remove(sealPath(path)))
			fatal(t, os.Remove(sealPath(filepath.Join(dir, FileName))))
			for _, x := range spans {
				step := max(1, (x.to-x.from)/25)
				for at := x.from; at < x.to; at += step {
					tampered(t, path, content, at, func() {
						if f, id := examine(); id != x.id {
							t.Errorf("byte %d of %s's chunk %d: %q of %s", at-x.from, x.id, x.seq, f, id)
						}
					})
				}
			}
		})
	}
}

func tampered(t *testing.T, path string, content []byte, at int, f func()) {
	t.Helper()
	c := bytes.Clone(content)
	c[at] ^= 1 << (at % 8)
	fatal(t, os.WriteFile(path, c, 0o600))
	f()
	fatal(t, os.WriteFile(path, content, 0o600))
}

// chunksIn are where the chunks lie in a file.
func chunksIn(t *testing.T, path string, content []byte) (spans []span) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true})
	fatal(t, err)
	defer db.Close()
	fatal(t, db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketChunks).ForEach(func(k, v []byte) error {
			id, seq, _, _ := splitKey(k)
			at := bytes.Index(content, v)
			spans = append(spans, span{id, seq, at, at + len(v)})
			return nil
		})
	}))
	return spans
}

func examineDay(t *testing.T, dir string, k Keys) (string, recorder.ID) {
	t.Helper()
	s, err := Open(dir, Options{ReadOnly: true, Keys: k})
	fatal(t, err)
	defer s.Close()
	r, err := recorder.Verify(t.Context(), s)
	fatal(t, err)
	if len(r.Faults) == 0 {
		return "", ""
	}
	return fmt.Sprint(r.Faults), r.Faults[0].ID
}

// TestTamperPackedEntries: what is removed, exchanged or put into a sound file.
func TestTamperPackedEntries(t *testing.T) {
	other := recorder.ID("20261123T191530-7k2f91")
	second := func(c *bolt.Bucket) []byte {
		k, _ := c.Cursor().Seek(groupKey(someDay, 1, 0))
		return bytes.Clone(k)
	}
	for name, c := range map[string]struct {
		change func(chunks, state *bolt.Bucket) error
		id     recorder.ID
		what   string
	}{
		"chunk removed": {func(c, _ *bolt.Bucket) error { return c.Delete(second(c)) }, someDay, "missing"},
		"first removed": {func(c, _ *bolt.Bucket) error { return c.Delete(groupKey(someDay, 0, 0)) }, someDay, "missing"},
		"chunk of another": {func(c, _ *bolt.Bucket) error {
			return c.Put(groupKey(someDay, 0, 0), bytes.Clone(c.Get(groupKey(other, 0, 0))))
		}, someDay, "not what was written"},
		"chunk moved":        {func(c, _ *bolt.Bucket) error { return c.Put(second(c), bytes.Clone(c.Get(groupKey(someDay, 0, 0)))) }, someDay, ""},
		"transcript removed": {func(_, s *bolt.Bucket) error { return s.Delete([]byte(other)) }, other, "the head counts"},
		"told otherwise": {func(_, s *bolt.Bucket) error {
			v := bytes.Clone(s.Get([]byte(other)))
			v[20] ^= 1
			return s.Put([]byte(other), v)
		}, other, "not stored as they were"},
		"told less": {func(_, s *bolt.Bucket) error {
			v := bytes.Clone(s.Get([]byte(other)))
			binary.BigEndian.PutUint64(v, 5)
			return s.Put([]byte(other), v)
		}, other, ""},
		"odd key": {func(c, _ *bolt.Bucket) error { return c.Put([]byte("odd"), []byte("x")) }, "", "malformed key"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := openWith(t, dir, Options{Keys: &testKeys{}})
			typist(t, s, someDay, 1500)
			typist(t, s, other, 10)
			pack(t, s, someDay, other)
			storetest.Close(t, s)
			path := filepath.Join(dir, "transcripts-20261123.db")
			db, err := bolt.Open(path, 0o600, nil)
			fatal(t, err)
			err = db.Update(func(tx *bolt.Tx) error { return c.change(tx.Bucket(bucketChunks), tx.Bucket(bucketPacked)) })
			fatal(t, errors.Join(err, db.Close(), os.Remove(sealPath(path)), os.Remove(sealPath(filepath.Join(dir, FileName)))))
			f, id := examineDay(t, dir, &testKeys{})
			if f == "" || id != c.id || !strings.Contains(f, c.what) {
				t.Errorf("%s of %q, want %q: %s", f, id, c.id, c.what)
			}
			fatal(t, os.Remove(path))
			if f, _ := examineDay(t, dir, &testKeys{}); !strings.Contains(f, "the head counts") {
				t.Errorf("the file removed: %q", f)
			}
		})
	}
}
