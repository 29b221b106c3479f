package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/cluster"
)

// People remembers with which groups each person was last seen, so that a vote
// can be judged by what its voter is now, not by what they were.
type People struct{ kv cluster.KV }

// NewPeople keeps them in kv under "person/".
func NewPeople(kv cluster.KV) *People { return &People{kv} }

func personKey(id policy.Identity) string {
	sum := sha256.Sum256([]byte(id.Issuer + "\x00" + id.Subject))
	return "person/" + hex.EncodeToString(sum[:])
}

// See stores an identity that has just signed in, unless a newer one is there: a
// remembered key tells what its person was when it was remembered.
func (p *People) See(ctx context.Context, id policy.Identity) error {
	key := personKey(id)
	b, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("encode person: %w", err)
	}
	for {
		e, err := p.kv.Get(ctx, key)
		if err != nil && !errors.Is(err, cluster.ErrNotFound) {
			return fmt.Errorf("read person: %w", err)
		}
		var old policy.Identity
		if err == nil && json.Unmarshal(e.Value, &old) == nil && old.SignedIn.After(id.SignedIn) {
			return nil
		}
		_, err = p.kv.Put(ctx, key, b, e.Version)
		if errors.Is(err, cluster.ErrConflict) {
			continue
		}
		return err
	}
}

// Latest is the person as last seen; with no groups where the person or the state
// cannot be read.
func (p *People) Latest(ctx context.Context, id policy.Identity) policy.Identity {
	id.Groups = nil
	e, err := p.kv.Get(ctx, personKey(id))
	if err != nil {
		return id
	}
	var seen policy.Identity
	if json.Unmarshal(e.Value, &seen) != nil || !seen.Same(id) {
		return id
	}
	return seen
}

// Groups are the groups with which the person was last seen.
func (p *People) Groups(ctx context.Context, id policy.Identity) []string {
	return p.Latest(ctx, id).Groups
}
