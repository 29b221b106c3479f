package server

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
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

// What is not kept is said to be kept as a digest, in words.
func TestDescribeDigest(t *testing.T) {
	b, err := json.Marshal(recorder.Rows{Op: 2, Columns: []recorder.RowColumn{{Name: "email", Treatment: "masked"}},
		Digest: &recorder.Digest{Of: "rows", Rows: 3, Bytes: 99, SHA256: "abc"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := describe(recorder.Event{Kind: recorder.KindRows, Data: b}),
		"#2 rows kept as a digest: 3 rows, 99 bytes, SHA-256 abc email (masked)"; got != want {
		t.Errorf("%q, want %q", got, want)
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
