package boltstore

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/storetest"
)

// TestNoSealAfterFailure: a store that failed to append is not vouched for.
func TestNoSealAfterFailure(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	c, g := storetest.Begin(t, "a")
	if err := s.Append([]recorder.Group{g}); err != nil {
		t.Fatal(err)
	}
	bad := c.Group(t, storetest.Event{Kind: recorder.KindOutput})
	bad.Events[0].Seq++
	if err := s.Append([]recorder.Group{bad}); err == nil {
		t.Fatal("a wrong group is taken")
	}
	storetest.Close(t, s)
	r, err := examine(t, dir)
	if err != nil || r.Sealed || len(r.Faults) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestEachWriteFails: whichever write is the one that fails, what was acknowledged
// before is there, and nothing is afterwards.
func TestEachWriteFails(t *testing.T) {
	for n := 1; n <= 12; n++ {
		dir := t.TempDir()
		f := &storetest.Faulty{Store: openWith(t, dir, Options{}), FailAt: n}
		r, err := recorder.New(f, recorder.Options{})
		if err != nil {
			t.Fatal(err)
		}
		acked := 0
		tr, err := r.Begin(t.Context(), recorder.Header{})
		for i := 0; err == nil; i++ {
			acked++ // the header, then each note
			err = tr.Record(t.Context(), recorder.KindNote, recorder.Note{Text: fmt.Sprint(i)})
		}
		if !errors.Is(err, recorder.ErrUnavailable) || !errors.Is(err, storetest.ErrInjected) {
			t.Errorf("write %d: %v", n, err)
		}
		if err := r.Close("stop"); !errors.Is(err, recorder.ErrUnavailable) {
			t.Errorf("write %d: close: %v", n, err)
		}
		s := open(t, dir)
		heads, err := s.Heads(t.Context())
		if err != nil || acked != n-1 || acked > 0 && (len(heads) != 1 || heads[0].Next != uint64(acked)) || acked == 0 && len(heads) > 0 {
			t.Errorf("write %d: %d acknowledged, %d transcripts, %v", n, acked, len(heads), err)
		}
		storetest.Close(t, s)
	}
}

// TestPageDamaged: a page of the file of a running bastion that turns to garbage,
// whichever it is, ends recording with the reason or is never seen; it does not
// bring the process down, and what is read is what was written or said to be damaged.
func TestPageDamaged(t *testing.T) {
	seen, size := 0, int64(1)
	for page := int64(0); page < size; page++ {
		if testing.Short() && page > 3 {
			break
		}
		dir := t.TempDir()
		s := openWith(t, dir, Options{})
		r, err := recorder.New(s, recorder.Options{})
		fatal(t, err)
		tr, err := r.Begin(t.Context(), recorder.Header{})
		fatal(t, err)
		for i := range 12 {
			fatal(t, tr.Record(t.Context(), recorder.KindNote, recorder.Note{Text: fmt.Sprint(i, strings.Repeat("-", 2000))}))
		}
		f, err := os.OpenFile(s.path, os.O_RDWR, 0)
		fatal(t, err)
		info, err := f.Stat()
		fatal(t, err)
		size = info.Size() / int64(os.Getpagesize())
		_, err = f.WriteAt(bytes.Repeat([]byte{0xdb}, os.Getpagesize()), page*int64(os.Getpagesize()))
		fatal(t, errors.Join(err, f.Close()))
		for i := 0; err == nil && i < 5; i++ {
			err = tr.Record(t.Context(), recorder.KindNote, recorder.Note{Text: "after"})
		}
		if err != nil {
			seen++
		}
		if err != nil && (!errors.Is(err, recorder.ErrUnavailable) || strings.Contains(err.Error(), "has not answered")) {
			t.Errorf("page %d: %v", page, err) // a store that goes on in the background fills memory
		}
		events, rerr := r.Read(t.Context(), tr.ID(), 0, 100)
		if rerr != nil && !errors.Is(rerr, recorder.ErrCorrupt) && !errors.Is(rerr, recorder.ErrNotFound) {
			t.Errorf("page %d: read: %v", page, rerr)
		}
		if _, _, err := recorder.Extend(recorder.Head{ID: tr.ID()}, nil, events...); err != nil {
			t.Errorf("page %d: read something else: %v", page, err)
		}
		_ = r.Close("stop") // it tells of the damage, or of none
	}
	if size < 8 || seen < 2 {
		t.Errorf("%d of %d pages were missed", seen, size)
	}
}
