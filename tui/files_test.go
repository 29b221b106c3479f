package tui

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

// What was moved of a file is a line of a replay.
func TestFileEntry(t *testing.T) {
	data, err := json.Marshal(recorder.File{Op: 3, Path: "/srv/\x1b]0;x", Written: 12, Size: 12, SHA256: strings.Repeat("ab", 32), Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	en, ok := newEntry(time.Second, &recorder.Event{Kind: recorder.KindFile, Data: data})
	if !ok || en.label != "moved" || en.op != 3 || !strings.Contains(en.text, "12 bytes written, the whole file, SHA-256 abab") {
		t.Errorf("%v %+v", ok, en)
	}
}
