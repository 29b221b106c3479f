package connectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
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

// RootCause is what ended a connection, or kept it from being made, in words for
// people: that of the innermost cause, without addresses.
func RootCause(err error) string {
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "it closed the connection"
	case errors.As(err, &op):
		return op.Err.Error()
	}
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}
