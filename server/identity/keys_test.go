package identity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/cluster"
	"github.com/sallyport/sallyport/server/cluster/boltkv"
)

// memory is a cluster.KV whose faults a test sets; meddle runs before each Put.
type memory struct {
	mu      sync.Mutex
	entries map[string]cluster.Entry
	meddle  func()
	broken  error
}

func (s *memory) Get(_ context.Context, key string) (cluster.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[key]
	if s.broken != nil || !ok {
		return cluster.Entry{}, cmp.Or(s.broken, cluster.ErrNotFound)
	}
	return e, nil
}

func (s *memory) Put(_ context.Context, key string, value []byte, expect cluster.Version) (cluster.Version, error) {
	if s.meddle != nil {
		s.meddle()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if s.broken != nil {
		return 0, s.broken
	}
	if e.Version != expect {
		return 0, cluster.ErrConflict
	}
	if value == nil {
		delete(s.entries, key)
		return 0, nil
	}
	s.entries[key] = cluster.Entry{Key: key, Value: slices.Clone(value), Version: expect + 1}
	return expect + 1, nil
}

func (s *memory) List(_ context.Context, prefix string) (out []cluster.Entry, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, e := range s.entries {
		if strings.HasPrefix(k, prefix) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b cluster.Entry) int { return cmp.Compare(a.Key, b.Key) })
	return out, s.broken
}

func (s *memory) Watch(context.Context, string) <-chan struct{} { return make(chan struct{}) }
func (s *memory) Close() error                                  { return nil }

// durable is the store of a single node.
func durable(t *testing.T) cluster.KV {
	t.Helper()
	kv, err := boltkv.Open(filepath.Join(t.TempDir(), "state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kv.Close(); err != nil {
			t.Error(err)
		}
	})
	return kv
}

func fingerprint(n int) string { return fmt.Sprintf("SHA256:%043d", n) }

func person(name string) policy.Identity {
	return policy.Identity{Issuer: testIssuer, Subject: "u-" + name, Email: name + "@company.test", Groups: []string{"engineering"}, Method: "device"}
}

// clock is a time that tests set.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func TestKeys(t *testing.T) {
	kv, c, ctx := durable(t), newClock(), t.Context()
	k := NewKeys(kv, 8*time.Hour, c.now)
	if _, err := k.Lookup(ctx, fingerprint(1)); !errors.Is(err, ErrNotFound) {
		t.Fatalf("unknown key: %v", err)
	}
	put, err := k.Remember(ctx, fingerprint(1), person("alice"), "192.0.2.1:5")
	if err != nil {
		t.Fatal(err)
	}
	got, err := k.Lookup(ctx, fingerprint(1))
	want := put
	want.Identity.Method = "key"
	if d := gocmp.Diff(want, got); err != nil || d != "" {
		t.Errorf("lookup: %v (-want +got):\n%s", err, d)
	}
	if got.Expires != c.t.Add(8*time.Hour) || got.From != "192.0.2.1:5" {
		t.Errorf("remembered %+v", got)
	}
	if _, err := k.Remember(ctx, fingerprint(1), person("mallory"), ""); !errors.Is(err, ErrKeyTaken) {
		t.Errorf("another's key: got %v, want ErrKeyTaken", err)
	}
	other := person("alice")
	other.Issuer = "https://elsewhere.test"
	if _, err := k.Remember(ctx, fingerprint(1), other, ""); !errors.Is(err, ErrKeyTaken) {
		t.Errorf("same subject of another issuer: got %v, want ErrKeyTaken", err)
	}
	c.t = c.t.Add(time.Hour)
	if again, err := k.Remember(ctx, fingerprint(1), person("alice"), ""); err != nil || again.Expires != c.t.Add(8*time.Hour) {
		t.Errorf("renewed: %+v, %v", again, err)
	}
	if err := k.Forget(ctx, fingerprint(1)); err != nil {
		t.Error(err)
	}
	if _, err := k.Lookup(ctx, fingerprint(1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("forgotten key: %v", err)
	}
	if err := k.Forget(ctx, fingerprint(1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("forgotten twice: %v", err)
	}
}

func TestKeysExpire(t *testing.T) {
	kv, c, ctx := &memory{entries: map[string]cluster.Entry{}}, newClock(), t.Context()
	k := NewKeys(kv, time.Hour, c.now)
	if _, err := k.Remember(ctx, fingerprint(1), person("alice"), ""); err != nil {
		t.Fatal(err)
	}
	begun := c.t
	for _, step := range []struct {
		at    time.Duration
		valid bool
	}{{0, true}, {time.Hour - 1, true}, {time.Hour, false}, {24 * time.Hour, false}, {-leeway, true}, {-leeway - 1, false}} {
		c.t = begun.Add(step.at)
		if _, err := k.Lookup(ctx, fingerprint(1)); (err == nil) != step.valid || err != nil && !errors.Is(err, ErrNotFound) {
			t.Errorf("after %s: %v", step.at, err)
		}
	}
	c.t = begun.Add(30 * time.Minute)
	if _, err := NewKeys(kv, 20*time.Minute, c.now).Lookup(ctx, fingerprint(1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("a ttl that was shortened does not bind: %v", err)
	}
	if _, err := NewKeys(kv, 0, c.now).Lookup(ctx, fingerprint(1)); !errors.Is(err, ErrNotFound) {
		t.Errorf("a ttl that was turned off does not bind: %v", err)
	}
	if all, err := NewKeys(kv, time.Minute, c.now).List(ctx); err != nil || len(all) != 1 {
		t.Errorf("list: %v, %v; want what is stored", all, err)
	}
	c.t = begun.Add(time.Hour)
	if all, err := k.List(ctx); err != nil || len(all) != 0 {
		t.Errorf("list after expiry: %v, %v", all, err)
	}
	if _, err := k.Remember(ctx, fingerprint(1), person("mallory"), ""); err != nil {
		t.Errorf("a key that expired stays taken: %v", err)
	}
	c.t = c.t.Add(2 * time.Hour)
	if _, err := k.Remember(ctx, fingerprint(2), person("bob"), ""); err != nil {
		t.Fatal(err)
	}
	if len(kv.entries) != 1 {
		t.Errorf("%d entries, want the expired one gone", len(kv.entries))
	}
}

func TestKeysRememberNothing(t *testing.T) {
	kv := &memory{entries: map[string]cluster.Entry{}}
	for _, ttl := range []time.Duration{0, -time.Hour} {
		k := NewKeys(kv, ttl, nil)
		if key, err := k.Remember(t.Context(), fingerprint(1), person("alice"), ""); err != nil || key.Fingerprint != "" || len(kv.entries) != 0 || k.TTL() != 0 {
			t.Errorf("ttl %s: %+v, %v, %d entries", ttl, key, err, len(kv.entries))
		}
	}
}

func TestKeysRefuse(t *testing.T) {
	kv, ctx := &memory{entries: map[string]cluster.Entry{}}, t.Context()
	k := NewKeys(kv, time.Hour, nil)
	for _, fp := range []string{"", "SHA256:", "MD5:aa:bb", "SHA256:../../x", fingerprint(1) + "\n", "sha256:" + fingerprint(1)[7:]} {
		if _, err := k.Remember(ctx, fp, person("alice"), ""); err == nil {
			t.Errorf("fingerprint %q was remembered", fp)
		}
	}
	if _, err := k.Remember(ctx, fingerprint(1), policy.Identity{}, ""); err == nil {
		t.Error("nobody was remembered")
	}
	// A record moved under another key, or damaged, opens nothing.
	if _, err := k.Remember(ctx, fingerprint(1), person("alice"), ""); err != nil {
		t.Fatal(err)
	}
	kv.entries["key/"+fingerprint(2)] = kv.entries["key/"+fingerprint(1)]
	kv.entries["key/"+fingerprint(3)] = cluster.Entry{Key: "key/" + fingerprint(3), Value: []byte("{"), Version: 1}
	for n := 2; n <= 3; n++ {
		if _, err := k.Lookup(ctx, fingerprint(n)); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("damaged record %d: %v", n, err)
		}
		if _, err := k.Remember(ctx, fingerprint(n), person("alice"), ""); err == nil {
			t.Errorf("damaged record %d was overwritten", n)
		}
		if err := k.Forget(ctx, fingerprint(n)); err != nil {
			t.Errorf("damaged record %d cannot be revoked: %v", n, err)
		}
	}
	kv.broken = errors.New("disk on fire")
	if _, err := k.Lookup(ctx, fingerprint(1)); !errors.Is(err, kv.broken) {
		t.Errorf("broken store: %v", err)
	}
}

// Two sign-ins with one key at the same moment: one person gets it.
func TestKeysRace(t *testing.T) {
	kv, ctx := &memory{entries: map[string]cluster.Entry{}}, t.Context()
	k := NewKeys(kv, time.Hour, nil)
	kv.meddle = func() {
		kv.meddle = nil
		if _, err := k.Remember(ctx, fingerprint(1), person("mallory"), ""); err != nil {
			t.Error(err)
		}
	}
	if _, err := k.Remember(ctx, fingerprint(1), person("alice"), ""); !errors.Is(err, ErrKeyTaken) {
		t.Errorf("got %v, want ErrKeyTaken", err)
	}
}

func TestForgetAll(t *testing.T) {
	kv, ctx := durable(t), t.Context()
	k := NewKeys(kv, time.Hour, nil)
	for n, who := range []string{"alice", "bob", "alice"} {
		if _, err := k.Remember(ctx, fingerprint(n), person(who), ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, who := range []string{"", "alic", "ALICE@company.test", "carol@company.test"} {
		if gone, err := k.ForgetAll(ctx, who); !errors.Is(err, ErrNotFound) || len(gone) != 0 {
			t.Errorf("%q: %v, %v", who, gone, err)
		}
	}
	if gone, err := k.ForgetAll(ctx, "alice@company.test"); err != nil || len(gone) != 2 {
		t.Errorf("alice: %v, %v", gone, err)
	}
	if left, err := k.List(ctx); err != nil || len(left) != 1 || left[0].Identity.Subject != "u-bob" {
		t.Errorf("left: %v, %v", left, err)
	}
}
