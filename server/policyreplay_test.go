package server

import (
	"testing"
	"time"
)

func TestParseAgo(t *testing.T) {
	for text, want := range map[string]time.Duration{"30d": 720 * time.Hour, "2w": 336 * time.Hour, "12h": 12 * time.Hour, "0d": 0, "90m": 90 * time.Minute} {
		if got, err := ParseAgo(text); err != nil || got != want {
			t.Errorf("%q is %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "-5m", "1.5d", "never", "9999999d", "30 d"} {
		if got, err := ParseAgo(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestReplayFrom(t *testing.T) {
	for place, want := range map[string]struct {
		event uint64
		after time.Duration
	}{"": {}, "57": {57, 0}, "12:31": {0, 12*time.Minute + 31*time.Second}, "1:00:05": {0, time.Hour + 5*time.Second}} {
		event, after, err := replayFrom(place)
		if err != nil || event != want.event || after != want.after {
			t.Errorf("%q begins at %d, %v (%v)", place, event, after, err)
		}
	}
	for _, place := range []string{"x", "-1", "1:2:3:4", ":", "12:", "99999999999"} {
		if _, _, err := replayFrom(place); err == nil {
			t.Errorf("%q is taken", place)
		}
	}
}
