package recorder

import (
	"context"
	"iter"
	"time"
)

// Reader reads events; Recorder.Read and Store.Read are ones but for the ID.
type Reader func(ctx context.Context, from uint64, max int) ([]Event, error)

// Events iterates over a transcript's events from number from on, a bounded
// batch at a time. The last pair has the error, if there was one.
func Events(ctx context.Context, from uint64, read Reader) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for {
			events, err := read(ctx, from, readBatch)
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
				from = e.Seq + 1
			}
			if err != nil {
				yield(Event{}, err)
				return
			}
			if len(events) == 0 {
				return
			}
		}
	}
}

// Pause is how long a replay waits between two events: never negative, however
// the clock was set back in between, and at most idle where idle is positive.
func Pause(before, after Event, idle time.Duration) time.Duration {
	d := max(after.At.Sub(before.At), 0)
	if idle > 0 {
		d = min(d, idle)
	}
	return d
}
