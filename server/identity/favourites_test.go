package identity

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/cluster/boltkv"
)

func TestFavourites(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state.db")
	kv, err := boltkv.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	alice, bob := policy.Identity{Issuer: "https://id", Subject: "1"}, policy.Identity{Issuer: "https://other", Subject: "1"}
	f := NewFavourites(kv)
	mark := func(id policy.Identity, name string, on bool) {
		t.Helper()
		if err := f.Mark(t.Context(), id, name, on); err != nil {
			t.Fatal(err)
		}
	}
	mark(alice, "orders-db", true)
	mark(alice, "orders-db", true)
	mark(alice, "web-1", true)
	mark(alice, "never", false)
	mark(bob, "ledger", true)
	mark(bob, "ledger", false)
	if err := kv.Close(); err != nil {
		t.Fatal(err)
	}
	if kv, err = boltkv.Open(file); err != nil {
		t.Fatal(err)
	}
	defer kv.Close()
	f = NewFavourites(kv)
	if got, err := f.Of(t.Context(), alice); err != nil || !slices.Equal(got, []string{"orders-db", "web-1"}) {
		t.Errorf("after a restart alice's are %q (%v)", got, err)
	}
	if got, err := f.Of(t.Context(), bob); err != nil || len(got) > 0 {
		t.Errorf("bob's are %q (%v), want none", got, err)
	}
	if all, err := kv.List(t.Context(), "favourites/"); err != nil || len(all) != 1 {
		t.Errorf("%d people are kept (%v), want the one who has some", len(all), err)
	}
}

// Two sessions of one person mark at once, and there is an end to how many.
func TestFavouritesBounded(t *testing.T) {
	kv, err := boltkv.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer kv.Close()
	f, id := NewFavourites(kv), policy.Identity{Issuer: "https://id", Subject: "1"}
	var both sync.WaitGroup
	for half := range 2 {
		both.Go(func() {
			for i := range maxFavourites / 2 {
				if err := f.Mark(t.Context(), id, fmt.Sprintf("r%d-%d", half, i), true); err != nil {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	if got, err := f.Of(t.Context(), id); err != nil || len(got) != maxFavourites {
		t.Fatalf("%d are kept (%v), want %d", len(got), err, maxFavourites)
	}
	if err := f.Mark(t.Context(), id, "more", true); !errors.Is(err, ErrFavourites) {
		t.Errorf("one more: %v", err)
	}
	if err := f.Keep(t.Context(), id, func(name string) bool { return name != "r0-7" }); err != nil {
		t.Fatal(err)
	}
	if err := f.Mark(t.Context(), id, "more", true); err != nil {
		t.Errorf("one more, where one has gone: %v", err)
	}
}
