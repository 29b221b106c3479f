package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/tui/widget"
)

// labelled is a line of a file of labelled lines: text and where something
// sensitive is in it, in bytes of UTF-8, end exclusive.
type labelled struct {
	ID       string         `json:"id"`
	Text     string         `json:"text"`
	Negative bool           `json:"negative"`
	Spans    []labelledSpan `json:"spans"`
	// Ambiguous are types that may be found here beside the spans.
	Ambiguous []string `json:"ambiguous"`
}

type labelledSpan struct {
	Type  string `json:"type"`
	Start int    `json:"start"`
	End   int    `json:"end"`
	// Optional spans may be found and need not.
	Optional bool `json:"optional"`
}

// maxLabelled is the longest line of such a file.
const maxLabelled = 16 << 20

// runMaskDetect runs the detectors over files of labelled lines.
func runMaskDetect(_ context.Context, args []string, io stdio) error {
	f := flags("mask detect", io)
	names := f.StringSlice("detect", nil, "the detectors to try (all that such files have a type for)")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() == 0 {
		return &usageError{"mask detect needs a file of labelled lines", ""}
	}
	var lines []labelled
	for _, path := range f.Args() {
		more, err := readLabelled(path, io.in)
		if err != nil {
			return err
		}
		lines = append(lines, more...)
	}
	if len(*names) == 0 {
		*names = typed()
	}
	plan, err := mask.NewPlan(nil, *names)
	if err != nil {
		return &usageError{err.Error(), ""}
	}
	s := newScore()
	for _, l := range lines {
		s.judge(io.out, l, plan.Find(l.Text))
	}
	s.print(io.out)
	if s.failed > 0 || len(lines) == 0 {
		return errFound
	}
	return nil
}

// readLabelled reads a file of labelled lines; - is stdin.
func readLabelled(path string, stdin io.Reader) ([]labelled, error) {
	in := stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	var lines []labelled
	s := bufio.NewScanner(in)
	s.Buffer(nil, maxLabelled)
	for n := 1; s.Scan(); n++ {
		if len(strings.TrimSpace(s.Text())) == 0 {
			continue
		}
		var l labelled
		err := json.Unmarshal(s.Bytes(), &l)
		for _, p := range l.Spans {
			if p.Start < 0 || p.End > len(l.Text) || p.Start >= p.End {
				err = errors.Join(err, fmt.Errorf("span %d to %d is not within the text", p.Start, p.End))
			}
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: line %d: %w", path, n, err)
		}
		lines = append(lines, l)
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return lines, nil
}

// typed are the detectors that labelled lines have a type for. What another one
// finds nobody labelled, and it could only be wrong.
func typed() []string {
	var names []string
	for _, d := range mask.Detectors() {
		if d.Kind != "" {
			names = append(names, d.Name)
		}
	}
	return names
}

// score is what was found, missed and masked for nothing.
type score struct {
	kinds          map[string]string // of each detector
	types          map[string]*typeScore
	passed, failed int
}

// typeScore counts bytes, and spans. Bytes that are found are those of labelled
// spans that any detector masks, wrong ones those that the type's detector masks
// and that no span covers.
type typeScore struct {
	found, missed, right, wrong int
	spans, whole                int
}

func newScore() *score {
	s := &score{kinds: map[string]string{}, types: map[string]*typeScore{}}
	for _, d := range mask.Detectors() {
		s.kinds[d.Name] = cmp.Or(d.Kind, d.Name)
	}
	return s
}

func (s *score) of(kind string) *typeScore {
	if s.types[kind] == nil {
		s.types[kind] = new(typeScore)
	}
	return s.types[kind]
}

// judge compares what was found in a line with its labels, and prints what is
// missed or masked for nothing.
func (s *score) judge(out io.Writer, l labelled, hits []mask.Hit) {
	masked := make([]bool, len(l.Text))
	for _, h := range hits {
		for i := h.Start; i < h.End; i++ {
			masked[i] = true
		}
	}
	ok := true
	labelledBytes := make([]bool, len(l.Text))
	for _, p := range l.Spans {
		for i := p.Start; i < p.End; i++ {
			labelledBytes[i] = true
		}
		if p.Optional {
			continue
		}
		t := s.of(p.Type)
		t.spans++
		n := 0
		for _, m := range masked[p.Start:p.End] {
			if m {
				n++
			}
		}
		t.found += n
		t.missed += p.End - p.Start - n
		if n == p.End-p.Start {
			t.whole++
			continue
		}
		ok = false
		fmt.Fprintf(out, "missed  %s  %s  %s\n", l.ID, p.Type, widget.Escape(l.Text[p.Start:p.End]))
	}
	for _, h := range hits {
		t, wrong := s.of(s.kinds[h.Detector]), 0
		for i := h.Start; i < h.End; i++ {
			if labelledBytes[i] {
				t.right++
			} else {
				wrong++
			}
		}
		if wrong > 0 && !slices.Contains(l.Ambiguous, s.kinds[h.Detector]) {
			t.wrong += wrong
			ok = false
			fmt.Fprintf(out, "wrong   %s  %s  %s\n", l.ID, s.kinds[h.Detector], widget.Escape(l.Text[h.Start:h.End]))
		}
	}
	if ok {
		s.passed++
	} else {
		s.failed++
	}
}

func (s *score) print(out io.Writer) {
	fmt.Fprintf(out, "%-16s %9s %9s %7s\n", "type", "precision", "recall", "spans")
	for _, d := range mask.Detectors() {
		kind := s.kinds[d.Name]
		if t := s.types[kind]; t != nil {
			fmt.Fprintf(out, "%-16s %9s %9s %3d/%d\n", kind, ratio(t.right, t.wrong), ratio(t.found, t.missed), t.whole, t.spans)
			delete(s.types, kind)
		}
	}
	for kind, t := range s.types { // no detector has it
		fmt.Fprintf(out, "%-16s %9s %9s %3d/%d\n", widget.Escape(kind), "-", ratio(t.found, t.missed), t.whole, t.spans)
	}
	fmt.Fprintf(out, "%d passed, %d failed\n", s.passed, s.failed)
}

// ratio is good of all, or - of nothing.
func ratio(good, bad int) string {
	if good+bad == 0 {
		return "-"
	}
	return fmt.Sprintf("%.4f", float64(good)/float64(good+bad))
}
