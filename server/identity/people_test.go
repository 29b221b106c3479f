package identity

import (
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/cluster/boltkv"
)

// What counts is what a person was when they last signed in: a key that was
// remembered before does not bring old groups back.
func TestPeople(t *testing.T) {
	kv, err := boltkv.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer kv.Close()
	p := NewPeople(kv)
	now := time.Unix(1000, 0)
	who := policy.Identity{Issuer: "https://id", Subject: "1", Groups: []string{"dba"}, SignedIn: now}
	if g := p.Groups(t.Context(), who); g != nil {
		t.Errorf("a person never seen has groups %v", g)
	}
	if err := p.See(t.Context(), who); err != nil {
		t.Fatal(err)
	}
	later := who
	later.Groups, later.SignedIn = nil, now.Add(time.Hour)
	if err := p.See(t.Context(), later); err != nil {
		t.Fatal(err)
	}
	if err := p.See(t.Context(), who); err != nil { // by the key of an hour ago
		t.Fatal(err)
	}
	if g := p.Groups(t.Context(), who); len(g) != 0 {
		t.Errorf("groups %v, want none: they were left", g)
	}
	other := policy.Identity{Issuer: "https://id2", Subject: "1", Groups: []string{"x"}, SignedIn: now}
	if err := p.See(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if g := p.Groups(t.Context(), other); !slices.Equal(g, []string{"x"}) || len(p.Groups(t.Context(), who)) != 0 {
		t.Errorf("people of two issuers are mixed up: %v", g)
	}
}
