package recorder_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/agekeys"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/ledger"
)

// stuck is a store that removes nothing, or only a part, as where a crash comes.
type stuck struct {
	*boltstore.Store
	first int // how many of them it removes
	fail  bool
}

func (s *stuck) Remove(ctx context.Context, ids []recorder.ID) error {
	if !s.fail {
		return s.Store.Remove(ctx, ids)
	}
	return errors.Join(s.Store.Remove(ctx, ids[:min(s.first, len(ids))]), errors.New("power is gone (injected)"))
}

// openStuck opens a directory with such a store, and a clock that is late.
func openStuck(t *testing.T, dir string, late time.Duration) (*recorder.Recorder, *stuck, *ledger.Ledger) {
	t.Helper()
	keys, err := agekeys.Open(dir, agekeys.Options{})
	ok(t, err)
	s, err := boltstore.Open(dir, boltstore.Options{Keys: keys})
	ok(t, err)
	log, err := ledger.Open(dir, ledger.Options{})
	ok(t, err)
	st := &stuck{Store: s}
	r, err := recorder.New(st, recorder.Options{Log: log, Now: func() time.Time { return time.Now().Add(late) }})
	ok(t, err)
	return r, st, log
}

func keepHour(recorder.Head) (time.Duration, string) { return time.Hour, "an hour" }

// TestRemovalCut: what was buried and not removed, or in part, is removed by the
// next start, or by the next time that retention comes; and verify agrees with each
// state on the way.
func TestRemovalCut(t *testing.T) {
	for first := range 4 {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			dir := t.TempDir()
			r, _, _ := openStuck(t, dir, 0)
			var ids []recorder.ID
			for range 3 {
				tr := begin(t, r)
				ok(t, tr.End(t.Context(), recorder.End{Reason: "closed"}))
				ids = append(ids, tr.ID())
			}
			open := begin(t, r) // never due
			ok(t, r.Hold(t.Context(), ids[2], recorder.Hold{By: "x", Reason: "case 17"}))
			if gone, err := r.Expire(t.Context(), keepHour); err != nil || len(gone) != 0 {
				t.Errorf("removed before their time: %v, %v", gone, err)
			}
			ok(t, open.End(t.Context(), recorder.End{Reason: "closed"}))
			ok(t, r.Close("stop"))
			r, s, _ := openStuck(t, dir, 2*time.Hour)
			again := begin(t, r)
			s.fail, s.first = true, first
			if _, err := r.Expire(t.Context(), keepHour); err == nil {
				t.Error("a store that fails to remove is not told of")
			}
			if first == 3 { // the bastion lives, and tries again
				s.fail = false
				_, err := r.Expire(t.Context(), keepHour)
				ok(t, err)
			}
			ok(t, again.End(t.Context(), recorder.End{Reason: "closed"}))
			ok(t, r.Close("stop"))
			r, _, log := openStuck(t, dir, 2*time.Hour)
			heads, err := r.Heads(t.Context())
			if err != nil || len(heads) != 2 || heads[0].ID != ids[2] {
				t.Errorf("%d are left, %v", len(heads), err)
			}
			if h := r.Held(); len(h) != 1 || h[ids[2]].Reason != "case 17" || !log.Removed(ids[0]) {
				t.Errorf("held %v", h)
			}
			ok(t, r.Close("stop"))
			own, err := agekeys.Read(filepath.Join(dir, agekeys.IdentityFile))
			ok(t, err)
			if f := audit(t, dir, own); f != "" {
				t.Error(f)
			}
		})
	}
}

// TestBuriedButThere: after a clean stop, a transcript that the log says was
// removed and that is there is one that somebody put back.
func TestBuriedButThere(t *testing.T) {
	dir := t.TempDir()
	r, _, _ := openStuck(t, dir, 0)
	tr := begin(t, r)
	ok(t, tr.End(t.Context(), recorder.End{Reason: "closed"}))
	ok(t, r.Close("stop"))
	r, s, _ := openStuck(t, dir, 2*time.Hour)
	s.fail = true
	if _, err := r.Expire(t.Context(), keepHour); err == nil {
		t.Fatal("no error")
	}
	ok(t, r.Close("stop"))
	own, err := agekeys.Read(filepath.Join(dir, agekeys.IdentityFile))
	ok(t, err)
	if f := audit(t, dir, own); !strings.Contains(f, string(tr.ID())) || !strings.Contains(f, "put back") {
		t.Errorf("found %q", f)
	}
}

// TestHoldOfNothing: holds are of transcripts that are there.
func TestHoldOfNothing(t *testing.T) {
	r, _, _ := openStuck(t, t.TempDir(), 0)
	if err := r.Hold(t.Context(), "20260101T000000-nothere", recorder.Hold{}); !errors.Is(err, recorder.ErrNotFound) {
		t.Error(err)
	}
	tr := begin(t, r)
	if err := r.Release(t.Context(), tr.ID(), recorder.Hold{}); !errors.Is(err, recorder.ErrNotFound) {
		t.Error(err)
	}
	if err := r.Hold(t.Context(), tr.ID(), recorder.Hold{Reason: strings.Repeat("x", 1<<13)}); !errors.Is(err, recorder.ErrTooLarge) {
		t.Error(err)
	}
	ok(t, r.Close("stop"))
}
