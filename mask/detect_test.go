package mask_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// labelled is a line of testdata/detect.jsonl: text with the places of what is
// sensitive in it, in bytes. All of it is made up.
type labelled struct {
	ID    string
	Text  string
	Spans []struct {
		Type       string
		Start, End int
		Optional   bool
	}
	Ambiguous []string
}

// TestCorpus runs every detector alone over every line, those of other kinds and
// those with nothing to find too. A labelled span counts as found when every byte
// of it is masked, and any other masked byte is one too many.
func TestCorpus(t *testing.T) {
	lines := corpus(t)
	for detector, kind := range map[string]string{"card": "credit_card", "email": "email", "ssn": "ssn"} {
		t.Run(detector, func(t *testing.T) {
			var found, missed, right, wrong int
			for _, l := range lines {
				got := maskedBytes(t, l.Text, detector)
				allowed := make([]bool, len(l.Text))
				for _, s := range l.Spans {
					if s.Type != kind {
						continue
					}
					whole := true
					for i := s.Start; i < s.End; i++ {
						whole = whole && got[i]
						allowed[i] = true
					}
					if whole {
						found++
					} else {
						missed++
						t.Logf("%s: missed %q", l.ID, l.Text[s.Start:s.End])
					}
				}
				ambiguous := false
				for _, a := range l.Ambiguous {
					ambiguous = ambiguous || a == kind
				}
				for i, m := range got {
					switch {
					case m && allowed[i]:
						right++
					case m && !ambiguous:
						wrong++
						t.Logf("%s: byte %d of %q masked", l.ID, i, l.Text)
					}
				}
			}
			recall := float64(found) / float64(found+missed)
			precision := float64(right) / float64(right+wrong)
			t.Logf("%d lines: recall %.4f of %d spans, precision %.4f", len(lines), recall, found+missed, precision)
			if found+missed < 10 || recall < 0.99 || precision < 0.99 {
				t.Errorf("recall %.4f of %d spans, precision %.4f; want 0.99 both, of 10 or more", recall, found+missed, precision)
			}
		})
	}
}

func corpus(t testing.TB) []labelled {
	t.Helper()
	f, err := os.Open("testdata/detect.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []labelled
	for s := bufio.NewScanner(f); s.Scan(); {
		var l labelled
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	if len(lines) < 200 {
		t.Fatalf("read %d lines, want 200 at least", len(lines))
	}
	return lines
}

// maskedBytes tells which bytes of s one detector masks. In the mode of terminals
// an ASCII character and its star take one byte each.
func maskedBytes(t testing.TB, s, detector string) []bool {
	t.Helper()
	var out bytes.Buffer
	w := plan(t, detector).Terminal(&out)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if out.Len() != len(s) {
		t.Fatalf("%q became %q, of another length", s, out.String())
	}
	masked := make([]bool, len(s))
	for i, c := range out.Bytes() {
		masked[i] = c != s[i]
		if masked[i] && c != '*' {
			t.Fatalf("%q became %q", s, out.String())
		}
	}
	return masked
}
