package boltstore

import (
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
