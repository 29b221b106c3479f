package pgserver

import "context"

// Available reports whether there are server programs to start: nil or
// ErrNotFound.
func Available(ctx context.Context) error {
	_, err := find(ctx)
	return err
}
