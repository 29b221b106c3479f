package mask_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sallyport/sallyport/mask"
)

// labelled is a line of a file in testdata/corpus: text with the places of what is
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

// TestCorpus runs all detectors over every line, those with nothing to find too.
// A labelled span counts as found when every byte of it is masked, and any other
// masked byte is one too many.
func TestCorpus(t *testing.T) {
	for _, file := range []string{"detect_public.jsonl", "detect_own.jsonl"} {
		t.Run(file, func(t *testing.T) { measure(t, labelledLines(t, file)) })
	}
}

func measure(t *testing.T, lines []labelled) {
	p := plan(t, formDetectors()...)
	kinds := map[string]string{}
	for _, d := range mask.Detectors() {
		kinds[d.Name] = d.Kind
	}
	type score struct{ found, missed, right, wrong int }
	scores := map[string]*score{}
	for _, name := range formDetectors() {
		scores[kinds[name]] = new(score)
	}
	for _, l := range lines {
		covered := make([]bool, len(l.Text))
		allowed := make([]bool, len(l.Text))
		for _, s := range l.Spans {
			for i := s.Start; i < s.End; i++ {
				allowed[i] = true
			}
		}
		for _, h := range p.Find(l.Text) {
			for i := h.Start; i < h.End; i++ {
				covered[i] = true
				switch s := scores[kinds[h.Detector]]; {
				case allowed[i]:
					s.right++
				case !slices.Contains(l.Ambiguous, kinds[h.Detector]):
					s.wrong++
					t.Logf("%s: byte %d of %q masked by %s", l.ID, i, l.Text, h.Detector)
				}
			}
		}
		for _, s := range l.Spans {
			if s.Optional {
				continue
			}
			if slices.Contains(covered[s.Start:s.End], false) {
				scores[s.Type].missed++
				t.Logf("%s: missed %q", l.ID, l.Text[s.Start:s.End])
			} else {
				scores[s.Type].found++
			}
		}
		checkFind(t, p, l.Text)
	}
	for kind, s := range scores {
		recall := float64(s.found) / float64(s.found+s.missed)
		precision := float64(s.right) / float64(s.right+s.wrong)
		t.Logf("%s: recall %.4f of %d spans, precision %.4f", kind, recall, s.found+s.missed, precision)
		if !(precision >= 0.99) || !(recall >= 0.99) && s.found+s.missed > 0 {
			t.Errorf("%s: recall %.4f of %d spans, precision %.4f; want 0.99 both", kind, recall, s.found+s.missed, precision)
		}
	}
}

// formDetectors are those whose kind the labelled lines know.
func formDetectors() []string {
	var names []string
	for _, d := range mask.Detectors() {
		if d.Kind != "" {
			names = append(names, d.Name)
		}
	}
	return names
}

func corpus(t testing.TB) []labelled { return labelledLines(t, "detect_public.jsonl") }

func labelledLines(t testing.TB, file string) []labelled {
	t.Helper()
	f, err := os.Open("../testdata/corpus/" + file)
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

// checkFind compares what Find finds with what a terminal shows stars for.
func checkFind(t testing.TB, p *mask.Plan, s string) {
	t.Helper()
	if strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return // a star is not as long as what it hides
	}
	var out bytes.Buffer
	w := p.Terminal(&out)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	want := []byte(s)
	for _, h := range p.Find(s) {
		for i := h.Start; i < h.End; i++ {
			if want[i] >= ' ' {
				want[i] = '*'
			}
		}
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Fatalf("%q became\n%q, and Find would make it\n%q", s, out.Bytes(), want)
	}
}
