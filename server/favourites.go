package server

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/server/identity"
	"github.com/sallyport/sallyport/tui"
)

var _ tui.Favourites = (*backend)(nil)

// Favourites are the resources that this person has marked.
func (b *backend) Favourites(ctx context.Context) ([]string, error) {
	if b.a.s.o.Favourites == nil {
		return nil, nil
	}
	return b.a.s.o.Favourites.Of(ctx, b.v.Identity())
}

// Favour marks a resource, or takes the mark away. Where there are too many, those
// that may not be opened any more make room.
func (b *backend) Favour(ctx context.Context, resource string, on bool) error {
	f, id := b.a.s.o.Favourites, b.v.Identity()
	if f == nil {
		return errors.New("this bastion keeps no favourites")
	}
	err := f.Mark(ctx, id, resource, on)
	if !errors.Is(err, identity.ErrFavourites) {
		return err
	}
	list, failed := b.v.Resources(ctx)
	if failed != nil {
		return err
	}
	there := map[string]bool{}
	for _, l := range list {
		there[l.Name] = true
	}
	if failed := f.Keep(ctx, id, func(name string) bool { return there[name] }); failed != nil {
		return err
	}
	return f.Mark(ctx, id, resource, on)
}
