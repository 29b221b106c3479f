package connectors

import (
	"fmt"
	"time"
)

// How long a step of masking may take: longer than any does, by far, on a machine
// that has much else to do.
const (
	stepTime   = 5 * time.Second
	stepPerMiB = time.Second
)

// MaskStep runs a step of masking, over size bytes, and returns what it made. What
// cannot be masked is not shown: a panic in the step is ErrMasking, and a step that
// has not returned after five seconds and one more for each MiB ErrMaskingLate. No
// program can end such a step; it is left behind on a goroutine of its own, and
// what it makes in the end reaches nobody. So a step must not write what whoever
// runs it goes on with, and after an error the rest is withheld: no other step is
// run over the same stream or answer.
//
// A panic's value stays out of the error, since it may be of the data.
func MaskStep[T any](size int, step func() T) (T, error) {
	type outcome struct {
		made T
		err  error
	}
	ended := make(chan outcome, 1)
	go func() {
		o := outcome{err: ErrMasking}
		defer func() { ended <- o }()
		defer caught(&o.err)
		o.made = step()
		o.err = nil
	}()
	late := time.NewTimer(stepTime + time.Duration(size>>20)*stepPerMiB)
	defer late.Stop()
	select {
	case o := <-ended:
		return o.made, o.err
	case <-late.C:
		var none T
		return none, ErrMaskingLate
	}
}

// caught, deferred, makes a panic in what masks an error.
func caught(err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("%w (%T)", ErrMasking, v)
	}
}
