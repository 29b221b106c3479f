package connectors

import (
	"context"
	"errors"
	"fmt"
)

// errSlow is a target that does not answer while one signs in.
var errSlow = fmt.Errorf("%w: it did not answer in time", ErrUnreachable)

// OpenEnded is err, of what Driver.Open did, unless ctx ended first: then
// ErrUnreachable where its time was over, else ErrCanceled.
func OpenEnded(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil || err == nil:
		return err
	case errors.Is(cause, context.DeadlineExceeded):
		return errSlow
	case errors.Is(cause, context.Canceled), errors.Is(cause, ErrCanceled):
		return ErrCanceled
	default:
		return fmt.Errorf("%w: %w", ErrCanceled, cause)
	}
}
