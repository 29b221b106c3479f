package search

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport/recorder"
)

// TestFollower: what was recorded when one asks is found, also after the index
// broke under the follower's feet.
func TestFollower(t *testing.T) {
	w := filled(t)
	dir := t.TempDir()
	f := Follow(dir, keys(t), w.r, slog.New(slog.DiscardHandler))
	find := func(text string, want int) {
		t.Helper()
		hits, complete, err := f.Search(t.Context(), Query{Text: text})
		ok(t, err)
		if len(hits) != want || !complete {
			t.Errorf("%q: %d hits, complete %v", text, len(hits), complete)
		}
	}
	find("customers", 1)
	find("unheard", 0)
	statement(t, w.a, 3, "select 'unheard-of'", "allow", "readers", nil)
	find("unheard", 1)

	x := <-f.index
	ok(t, x.c.Exec("drop table transcripts"))
	f.index <- x
	if _, _, err := f.Search(t.Context(), Query{Text: "unheard"}); !errors.Is(err, errIndex) {
		t.Errorf("on a broken index: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, FileName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a broken index stays: %v", err)
	}
	find("unheard", 1)
	ok(t, f.Close())
	if _, _, err := f.Search(t.Context(), Query{}); err == nil {
		t.Error("a closed follower finds")
	}
}

func TestFollowerSealed(t *testing.T) {
	w := filled(t)
	dir := t.TempDir()
	x, err := Open(dir, keys(t))
	ok(t, err)
	ok(t, x.Close())
	f := Follow(dir, keys(t), w.r, slog.New(slog.DiscardHandler)) // another identity
	if _, _, err := f.Search(t.Context(), Query{}); !errors.Is(err, recorder.ErrSealed) {
		t.Error(err)
	}
	ok(t, f.Close())
}
