package boltstore

import (
	"fmt"
	"testing"

	"github.com/sallyport/sallyport/recorder"
)

// TestNewest: pages put one after the other are Heads from its end, whether the
// store has the power itself or not.
func TestNewest(t *testing.T) {
	for name, hide := range map[string]func(recorder.Store) recorder.Store{
		"power":    func(s recorder.Store) recorder.Store { return s },
		"fallback": func(s recorder.Store) recorder.Store { return struct{ recorder.Store }{s} },
	} {
		t.Run(name, func(t *testing.T) {
			r, err := recorder.New(hide(openWith(t, t.TempDir(), Options{})), recorder.Options{})
			fatal(t, err)
			defer func() { fatal(t, r.Close("over")) }()
			for i := range 10 {
				_, err := r.Begin(t.Context(), recorder.Header{Resource: fmt.Sprint(i)})
				fatal(t, err)
			}
			var got []recorder.ID
			for before := recorder.ID(""); ; {
				page, err := r.Newest(t.Context(), before, 3)
				fatal(t, err)
				if len(page) == 0 {
					break
				}
				for _, h := range page {
					got = append(got, h.ID)
				}
				before = page[len(page)-1].ID
			}
			all, err := r.Heads(t.Context())
			fatal(t, err)
			if len(got) != 10 || len(all) != 10 {
				t.Fatalf("%d in pages, %d in all", len(got), len(all))
			}
			for i, h := range all {
				if got[9-i] != h.ID {
					t.Errorf("page has %s in place of %s", got[9-i], h.ID)
				}
			}
			beyond, err := r.Newest(t.Context(), "zzz", 1)
			if err != nil || len(beyond) != 1 || beyond[0].ID != all[9].ID {
				t.Errorf("before one that is not there: %v, %v", beyond, err)
			}
			if none, err := r.Newest(t.Context(), all[0].ID, 5); err != nil || len(none) != 0 {
				t.Errorf("before the first: %v, %v", none, err)
			}
		})
	}
}
