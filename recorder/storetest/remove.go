package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/recorder"
)

// remove: transcripts that ended go with all that was stored of them, packed or
// not, their neighbours stay, and who reads meanwhile sees all of one or none.
func remove(t *testing.T, s recorder.Store) {
	r, ok := s.(recorder.Remover)
	if !ok {
		t.Skip("the store gives up nothing")
	}
	var ids []recorder.ID
	want := map[recorder.ID]int{}
	for i := range 8 {
		id := recorder.ID(fmt.Sprintf("202611%02dT191530-7k2f9q", 23+i/4)) + recorder.ID(fmt.Sprint(i))
		c, g := Begin(t, id)
		must(t, s, g, c.Group(t, Event{recorder.KindOutput, fmt.Append(nil, "output ", i)}))
		if i != 7 {
			must(t, s, c.Group(t, Event{recorder.KindEnd, []byte(`{"reason":"closed"}`)}))
		}
		ids = append(ids, id)
		want[id] = int(c.Head.Next)
	}
	if p, ok := s.(recorder.Packer); ok {
		if _, err := p.Pack(t.Context(), ids[:6]); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Remove(t.Context(), []recorder.ID{ids[0], ids[7]}); err == nil {
		t.Fatal("an open transcript is removed")
	}
	if h, err := s.Head(t.Context(), ids[0]); err != nil || int(h.Next) != want[ids[0]] {
		t.Fatalf("a refused removal took something: %v", err)
	}
	stop, read := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { readMeanwhile(stop, t, s, ids) })
	defer wg.Wait()
	defer read()
	gone := []recorder.ID{ids[1], ids[4], ids[5], ids[6], "20200101T000000-never0"}
	for range 2 { // the second time, after a crash, finds nothing left
		if err := r.Remove(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
	}
	read()
	wg.Wait()
	heads, err := s.Heads(t.Context())
	if err != nil || len(heads) != 4 {
		t.Fatalf("%d transcripts are left, %v", len(heads), err)
	}
	for _, id := range ids {
		if _, err := s.Head(t.Context(), id); slices.Contains(gone, id) != errors.Is(err, recorder.ErrNotFound) {
			t.Errorf("head of %s: %v", id, err)
		} else if err == nil && len(readAll(t, s, id)) != want[id] {
			t.Errorf("%s, which was not removed, is not whole", id)
		}
	}
}

// readMeanwhile reads until stop ends.
func readMeanwhile(stop context.Context, t *testing.T, s recorder.Store, ids []recorder.ID) {
	for stop.Err() == nil {
		for _, id := range ids {
			events, err := s.Read(t.Context(), id, 0, 100)
			if err != nil && !errors.Is(err, recorder.ErrNotFound) {
				t.Errorf("read of %s while others are removed: %v", id, err)
			}
			for i, e := range events {
				if e.Seq != uint64(i) {
					t.Errorf("read of %s while others are removed: event %d where %d belongs", id, e.Seq, i)
				}
			}
		}
	}
}
