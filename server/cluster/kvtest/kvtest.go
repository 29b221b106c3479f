// Package kvtest answers: does an implementation of cluster.KV keep its word?
package kvtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/server/cluster"
)

// Test runs the suite. open opens the state of one test, which it names by the
// directory; opening the same directory again after Close must find what was put.
func Test(t *testing.T, open func(t *testing.T, dir string) cluster.KV) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, cluster.KV)
	}{
		{"Values", values},
		{"Expect", expect},
		{"Versions", versions},
		{"List", list},
		{"Race", race},
		{"Watch", watch},
		{"WatchEnds", watchEnds},
		{"Canceled", canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			kv := open(t, t.TempDir())
			defer closeKV(t, kv)
			c.run(t, kv)
		})
	}
	t.Run("Reopen", func(t *testing.T) { reopen(t, open) })
}

func closeKV(t *testing.T, kv cluster.KV) {
	t.Helper()
	if err := kv.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func put(t *testing.T, kv cluster.KV, key, value string, expect cluster.Version) cluster.Version {
	t.Helper()
	v, err := kv.Put(t.Context(), key, []byte(value), expect)
	if err != nil {
		t.Fatalf("Put(%q, %q, %d): %v", key, value, expect, err)
	}
	if v == 0 {
		t.Fatalf("Put(%q) returned version 0, which means absence", key)
	}
	return v
}

func get(t *testing.T, kv cluster.KV, key string) cluster.Entry {
	t.Helper()
	e, err := kv.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	return e
}

func values(t *testing.T, kv cluster.KV) {
	if _, err := kv.Get(t.Context(), "a"); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("Get of an absent key: %v, want ErrNotFound", err)
	}
	buf := []byte("one")
	v, err := kv.Put(t.Context(), "a", buf, 0)
	if err != nil {
		t.Fatal(err)
	}
	copy(buf, "XXX") // the caller's again
	e := get(t, kv, "a")
	if diff := cmp.Diff(cluster.Entry{Key: "a", Value: []byte("one"), Version: v}, e); diff != "" {
		t.Errorf("Get (-want +got):\n%s", diff)
	}
	copy(e.Value, "XXX") // the caller's too
	if got := string(get(t, kv, "a").Value); got != "one" {
		t.Errorf("a value that was handed out can be changed: %q", got)
	}
	put(t, kv, "empty", "", 0)
	if e := get(t, kv, "empty"); len(e.Value) != 0 {
		t.Errorf("empty value is %q", e.Value)
	}
}

func expect(t *testing.T, kv cluster.KV) {
	ctx := t.Context()
	conflict := func(what string, value []byte, expect cluster.Version) {
		t.Helper()
		if _, err := kv.Put(ctx, "a", value, expect); !errors.Is(err, cluster.ErrConflict) {
			t.Errorf("%s: %v, want ErrConflict", what, err)
		}
	}
	conflict("change of an absent key", []byte("x"), 7)
	conflict("deletion of an absent key with a version", nil, 7)
	v1 := put(t, kv, "a", "1", 0)
	conflict("creation of a key that exists", []byte("x"), 0)
	conflict("deletion as if absent", nil, 0)
	v2 := put(t, kv, "a", "2", v1)
	conflict("change with an old version", []byte("x"), v1)
	conflict("deletion with an old version", nil, v1)
	if got := string(get(t, kv, "a").Value); got != "2" {
		t.Errorf("after conflicts the value is %q, want 2", got)
	}
	if v, err := kv.Put(ctx, "a", nil, v2); err != nil || v != 0 {
		t.Errorf("deletion: version %d, %v; want 0, nil", v, err)
	}
	if _, err := kv.Get(ctx, "a"); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("Get after deletion: %v, want ErrNotFound", err)
	}
	if v, err := kv.Put(ctx, "a", nil, 0); err != nil || v != 0 {
		t.Errorf("deletion of an absent key: version %d, %v; want 0, nil", v, err)
	}
}

// versions: who read a key before it was deleted and made again must not win.
func versions(t *testing.T, kv cluster.KV) {
	seen := map[cluster.Version]bool{}
	for range 5 {
		v := put(t, kv, "a", "x", 0)
		w := put(t, kv, "a", "x", v) // the same value is a change
		if seen[v] || seen[w] || v == w {
			t.Fatalf("version used again: %d, %d after %v", v, w, seen)
		}
		seen[v], seen[w] = true, true
		if _, err := kv.Put(t.Context(), "a", nil, w); err != nil {
			t.Fatal(err)
		}
	}
}

func list(t *testing.T, kv cluster.KV) {
	for _, k := range []string{"b/2", "a", "b/10", "b", "c", "b/1"} {
		put(t, kv, k, "v"+k, 0)
	}
	for prefix, want := range map[string][]string{
		"": {"a", "b", "b/1", "b/10", "b/2", "c"}, "b/": {"b/1", "b/10", "b/2"}, "b/1": {"b/1", "b/10"}, "d": nil,
	} {
		entries, err := kv.List(t.Context(), prefix)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, e.Key)
			if diff := cmp.Diff(get(t, kv, e.Key), e); diff != "" {
				t.Errorf("List and Get differ (-get +list):\n%s", diff)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("List(%q) (-want +got):\n%s", prefix, diff)
		}
	}
}

// race: of many that claim at once exactly one wins, round after round.
func race(t *testing.T, kv cluster.KV) {
	const claimers, rounds = 64, 20
	var version cluster.Version
	for round := range rounds {
		var mu sync.Mutex
		var won []cluster.Version
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range claimers {
			wg.Go(func() {
				<-start
				v, err := kv.Put(t.Context(), "claim", fmt.Append(nil, round, i), version)
				switch {
				case err == nil:
					mu.Lock()
					won = append(won, v)
					mu.Unlock()
				case !errors.Is(err, cluster.ErrConflict):
					t.Errorf("Put: %v", err)
				}
			})
		}
		close(start)
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("round %d: %d of %d claims won, want 1", round, len(won), claimers)
		}
		version = won[0]
		if got := get(t, kv, "claim").Version; got != version {
			t.Fatalf("round %d: winner got version %d, stored is %d", round, version, got)
		}
	}
}

func signalled(c <-chan struct{}) bool {
	select {
	case _, ok := <-c:
		return ok
	default:
		return false
	}
}

// watch: a change is signalled before Put returns or soon after, once for many.
func watch(t *testing.T, kv cluster.KV) {
	all, b := kv.Watch(t.Context(), ""), kv.Watch(t.Context(), "b/")
	v := put(t, kv, "b/1", "x", 0)
	<-all
	<-b
	for range 10 {
		v = put(t, kv, "b/1", "x", v)
	}
	<-b
	<-all
	put(t, kv, "a", "x", 0)
	<-all
	if signalled(b) {
		t.Error("a watch of b/ is signalled for a")
	}
	if _, err := kv.Put(t.Context(), "b/1", nil, v); err != nil {
		t.Fatal(err)
	}
	<-b
	<-all
	if _, err := kv.Put(t.Context(), "b/1", []byte("x"), v); !errors.Is(err, cluster.ErrConflict) {
		t.Fatal(err)
	}
	if signalled(b) {
		t.Error("a conflict is signalled as a change")
	}
}

func watchEnds(t *testing.T, kv cluster.KV) {
	ctx, cancel := context.WithCancel(t.Context())
	c, other := kv.Watch(ctx, ""), kv.Watch(t.Context(), "")
	cancel()
	if _, ok := <-c; ok {
		t.Error("a signal without a change")
	}
	put(t, kv, "a", "x", 0) // must not send on the closed channel
	<-other
	if _, ok := <-kv.Watch(ctx, ""); ok {
		t.Error("a watch with an ended context is signalled")
	}
}

func canceled(t *testing.T, kv cluster.KV) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	put(t, kv, "b", "x", 0)
	if _, err := kv.Get(ctx, "b"); !errors.Is(err, context.Canceled) {
		t.Errorf("Get: %v", err)
	}
	if _, err := kv.List(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("List: %v", err)
	}
	if _, err := kv.Put(ctx, "a", []byte("x"), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Put: %v", err)
	}
	if _, err := kv.Get(t.Context(), "a"); !errors.Is(err, cluster.ErrNotFound) {
		t.Errorf("a cancelled Put was stored: %v", err)
	}
}

func reopen(t *testing.T, open func(t *testing.T, dir string) cluster.KV) {
	dir := t.TempDir()
	kv := open(t, dir)
	v := put(t, kv, "a", "x", 0)
	gone := put(t, kv, "b", "x", 0)
	if _, err := kv.Put(t.Context(), "b", nil, gone); err != nil {
		t.Fatal(err)
	}
	closeKV(t, kv)
	kv = open(t, dir)
	defer closeKV(t, kv)
	if diff := cmp.Diff(cluster.Entry{Key: "a", Value: []byte("x"), Version: v}, get(t, kv, "a")); diff != "" {
		t.Errorf("after reopening (-want +got):\n%s", diff)
	}
	if again := put(t, kv, "b", "x", 0); again <= gone {
		t.Errorf("a key made again after reopening has version %d, it had %d", again, gone)
	}
}
