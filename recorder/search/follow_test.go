package search

import (
	"context"
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

// TestIndexedInParts: a transcript larger than what is held is indexed alike.
func TestIndexedInParts(t *testing.T) {
	w := filled(t)
	whole, err := Open("", nil)
	ok(t, err)
	defer whole.Close()
	ok(t, whole.Update(t.Context(), w.r))
	old := maxGather
	defer func() { maxGather = old }()
	maxGather = 1
	parts, err := Open("", nil)
	ok(t, err)
	defer parts.Close()
	ok(t, parts.Update(t.Context(), one{w.r}))
	for _, q := range []Query{{Text: "customers"}, {Verdict: "allow"}, {Verdict: "approve", Destructive: true}, {Text: "gold"}} {
		a, b := found(t, whole, q), found(t, parts, q)
		if len(a) == 0 || len(a) != len(b) {
			t.Errorf("%+v: %v in parts, %v at once", q, b, a)
		}
	}
}

// one reads one event at a time.
type one struct{ Source }

func (o one) Read(ctx context.Context, id recorder.ID, from uint64, _ int) ([]recorder.Event, error) {
	return o.Source.Read(ctx, id, from, 1)
}
