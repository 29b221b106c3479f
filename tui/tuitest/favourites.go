package tuitest

import (
	"context"
	"slices"

	"github.com/sallyport/sallyport/tui"
)

var _ tui.Favourites = (*backend)(nil)

// Favourites are everybody's alike.
func (b *backend) Favourites(context.Context) ([]string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.Favoured), b.Fail["favourites"]
}

func (b *backend) Favour(_ context.Context, resource string, on bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.Fail["favour"]; err != nil {
		return err
	}
	b.Favoured = slices.DeleteFunc(b.Favoured, func(s string) bool { return s == resource })
	if on {
		b.Favoured = append(b.Favoured, resource)
	}
	return nil
}
