package tuitest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden frames anew instead of comparing")

// Golden compares a frame with testdata/NAME.txt of the package under test. Run
// the tests with -update to write the files, and read the difference before
// committing it.
func Golden(t *testing.T, name, frame string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(frame), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the tests with -update to write it", err)
	}
	if d := cmp.Diff(string(want), frame); d != "" {
		t.Errorf("frame %s changed (-want +got):\n%s\nnow:\n%s", name, d, frame)
	}
}
