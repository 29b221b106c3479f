package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/cluster"
)

// maxFavourites is how many resources a person may mark.
const maxFavourites = 100

// ErrFavourites: a person has as many favourites as there may be.
var ErrFavourites = fmt.Errorf("there are %d favourites, and no more fit: take one away first", maxFavourites)

// Favourites remembers the resources that each person has marked. A mark gives no
// right: it outlives the right to open a resource, and the resource.
type Favourites struct{ kv cluster.KV }

// NewFavourites keeps them in kv under "favourites/".
func NewFavourites(kv cluster.KV) *Favourites { return &Favourites{kv} }

func favouritesKey(id policy.Identity) string {
	sum := sha256.Sum256([]byte(id.Issuer + "\x00" + id.Subject))
	return "favourites/" + hex.EncodeToString(sum[:])
}

// Of are a person's, in the order in which they were marked.
func (f *Favourites) Of(ctx context.Context, id policy.Identity) ([]string, error) {
	names, _, err := f.read(ctx, id)
	return names, err
}

func (f *Favourites) read(ctx context.Context, id policy.Identity) ([]string, cluster.Version, error) {
	e, err := f.kv.Get(ctx, favouritesKey(id))
	if errors.Is(err, cluster.ErrNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read favourites: %w", err)
	}
	var names []string
	if err := json.Unmarshal(e.Value, &names); err != nil {
		return nil, e.Version, fmt.Errorf("read favourites: %w", err)
	}
	return names, e.Version, nil
}

// Mark makes a resource a favourite, or no more one. ErrFavourites is returned
// where one more does not fit.
func (f *Favourites) Mark(ctx context.Context, id policy.Identity, resource string, on bool) error {
	return f.change(ctx, id, func(names []string) ([]string, error) {
		at := slices.Index(names, resource)
		switch {
		case on == (at >= 0):
			return names, nil
		case !on:
			return slices.Delete(names, at, at+1), nil
		case len(names) >= maxFavourites:
			return nil, ErrFavourites
		}
		return append(names, resource), nil
	})
}

// Keep drops the favourites of which keep says no.
func (f *Favourites) Keep(ctx context.Context, id policy.Identity, keep func(resource string) bool) error {
	return f.change(ctx, id, func(names []string) ([]string, error) {
		return slices.DeleteFunc(names, func(name string) bool { return !keep(name) }), nil
	})
}

func (f *Favourites) change(ctx context.Context, id policy.Identity, how func([]string) ([]string, error)) error {
	for {
		old, version, err := f.read(ctx, id)
		if err != nil {
			return err
		}
		names, err := how(slices.Clone(old))
		if err != nil || slices.Equal(names, old) {
			return err
		}
		var b []byte // nil: none is left
		if len(names) > 0 {
			if b, err = json.Marshal(names); err != nil {
				return fmt.Errorf("encode favourites: %w", err)
			}
		}
		_, err = f.kv.Put(ctx, favouritesKey(id), b, version)
		if errors.Is(err, cluster.ErrConflict) {
			continue
		}
		return err
	}
}
