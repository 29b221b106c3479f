package recorder_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

func TestEvents(t *testing.T) {
	broken := errors.New("broken")
	read := func(_ context.Context, from uint64, _ int) ([]recorder.Event, error) {
		if from >= 5 {
			return nil, broken
		}
		return []recorder.Event{{Seq: from}, {Seq: from + 1}}, nil
	}
	var got []uint64
	for e, err := range recorder.Events(t.Context(), 1, read) {
		if err != nil {
			if !errors.Is(err, broken) {
				t.Error(err)
			}
			got = append(got, 99)
			continue
		}
		got = append(got, e.Seq)
	}
	if want := []uint64{1, 2, 3, 4, 99}; len(got) != len(want) || got[0] != 1 || got[3] != 4 || got[4] != 99 {
		t.Errorf("iterated over %v, want %v", got, want)
	}
	for range recorder.Events(t.Context(), 0, read) {
		break
	}
}

func TestPause(t *testing.T) {
	at := func(d time.Duration) recorder.Event { return recorder.Event{At: time.Unix(100, 0).Add(d)} }
	for _, c := range []struct{ after, idle, want time.Duration }{
		{time.Second, 0, time.Second}, {-time.Second, 0, 0}, {time.Hour, 2 * time.Second, 2 * time.Second},
	} {
		if got := recorder.Pause(at(0), at(c.after), c.idle); got != c.want {
			t.Errorf("Pause after %v, idle %v: %v, want %v", c.after, c.idle, got, c.want)
		}
	}
}
