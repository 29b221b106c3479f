package audit

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/recorder"
)

// Of a file that was moved the hash and the size are told, its path only where
// statements are.
func TestFileLine(t *testing.T) {
	data, err := json.Marshal(recorder.File{Op: 2, Path: "/srv/plans.txt", Read: 12, Size: 12, SHA256: strings.Repeat("ab", 32), Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, statements := range []bool{false, true} {
		l, ok := line(recorder.Head{ID: "a"}, recorder.Event{Seq: 4, Kind: recorder.KindFile, Data: data}, statements)
		text := string(l.encoded)
		if !ok || !strings.Contains(text, `"event":"file"`) || !strings.Contains(text, `"sha256":"abab`) || !strings.Contains(text, `"read":"12"`) ||
			strings.Contains(text, "plans") != statements {
			t.Errorf("statements %v: %v %s", statements, ok, text)
		}
	}
}
