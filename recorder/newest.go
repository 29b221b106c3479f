package recorder

import (
	"context"
	"slices"
)

// Pager is the power of a store to list the newest transcripts without all others.
type Pager interface {
	// Newest returns up to max heads of those whose ID is before another's ("" for
	// all), newest first. What does not decode is left out, with an error that wraps
	// ErrCorrupt.
	Newest(ctx context.Context, before ID, max int) ([]Head, error)
}

// Newest lists transcripts whose ID is before another's ("" for all), newest first,
// up to max: by the store's own power, or by listing all. Errors: ErrCorrupt.
func (r *Recorder) Newest(ctx context.Context, before ID, max int) (heads []Head, err error) {
	err = r.read(func() (err error) {
		if p, ok := r.store.(Pager); ok {
			heads, err = p.Newest(ctx, before, max)
			return err
		}
		heads, err = r.store.Heads(ctx)
		heads = slices.DeleteFunc(heads, func(h Head) bool { return before != "" && h.ID >= before })
		slices.Reverse(heads)
		heads = heads[:min(len(heads), max)]
		return err
	})
	return heads, err
}
