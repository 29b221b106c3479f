package mongodb

import (
	"os"
	"strings"
	"testing"
)

// evasions read what is masked of customers by other ways: one a line of the corpus.
func evasions(t testing.TB) (out []string) {
	t.Helper()
	b, err := os.ReadFile("testdata/attacks.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	if len(out) < 50 {
		t.Fatalf("the corpus has %d attacks", len(out))
	}
	return out
}
