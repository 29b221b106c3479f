package redis

import (
	"os"
	"strings"
	"testing"
)

func TestFacts(t *testing.T) {
	b, err := os.ReadFile("testdata/judge.txt")
	if err != nil {
		t.Fatal(err)
	}
	breaks := strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\v`, "\v")
	n := 0
	for line := range strings.Lines(string(b)) {
		want, text, ok := strings.Cut(strings.TrimRight(line, "\n"), " | ")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		n++
		text = breaks.Replace(text)
		class, destroys := strings.CutSuffix(want, "!")
		f := Facts(text)
		if f.Class.String() != class || f.Destructive != destroys {
			t.Errorf("%q: %s, destructive %v (%s); want %s", text, f.Class, f.Destructive, f.Why, want)
		}
		if class != "read" && f.Why == "" {
			t.Errorf("%q: no word of why", text)
		}
	}
	if n < 100 {
		t.Errorf("%d lines were read", n)
	}
}
