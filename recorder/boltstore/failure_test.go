package boltstore

import (
	"errors"
	"fmt"
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
