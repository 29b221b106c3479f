package connectors

import (
	"context"
	"errors"
	"testing"
)

func TestTurn(t *testing.T) {
	var turn Turn
	run, stop, err := turn.Begin(t.Context())
	if err != nil || run.Err() != nil {
		t.Fatalf("%v, %v", err, run.Err())
	}
	if _, _, err := turn.Begin(t.Context()); !errors.Is(err, errBusy) {
		t.Errorf("a second one beside it: %v", err)
	}
	turn.End()
	turn.End()
	if run.Err() == nil {
		t.Error("the context of what has ended lives on")
	}
	next, _, err := turn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stop(errors.New("its time is over")) // of the first, as from a timer that fired when it ended
	if next.Err() != nil {
		t.Errorf("the limit of one operation ended the next: %v", context.Cause(next))
	}
	if turn.Gone() != nil || !turn.Close() || turn.Close() {
		t.Error("Close is the first once")
	}
	if err := Canceled(next); !errors.Is(err, ErrCanceled) || !errors.Is(err, errClosed) || errors.Is(err, ErrVanished) {
		t.Errorf("what ran when it was closed: %v", err)
	}
	if _, _, err := turn.Begin(t.Context()); !errors.Is(err, ErrVanished) || !errors.Is(turn.Gone(), ErrVanished) {
		t.Errorf("after Close: %v, %v", err, turn.Gone())
	}
	turn.End()
}
