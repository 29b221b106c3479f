package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sallyport/sallyport/tui/widget"
)

// leakLine is one line of a corpus: statements, and what must not come back of
// them. testdata/corpus/README.md says where they are from.
type leakLine struct {
	ID         string   `json:"id"`
	Category   string   `json:"category"`
	SQL        string   `json:"sql"`
	Statements []string `json:"statements"`
	Leaks      []string `json:"leaks"`
	Form       string   `json:"form"`
	Channel    string   `json:"channel"`
	Check      string   `json:"check"`
	Proto      string   `json:"proto"`
	Params     []string `json:"params"`
	Role       string   `json:"role"`
	Pre        []string `json:"pre"`
}

// benign reports whether the line's answer must come back as it is.
func (l *leakLine) benign() bool { return l.Form == "" && len(l.Leaks) == 0 && l.Check == "" }

// steps are the messages of the line, in order.
func (l *leakLine) steps() []string {
	steps := l.Statements
	if len(steps) == 0 {
		steps = []string{l.SQL}
	}
	if len(l.Params) == 0 {
		return steps
	}
	// The gate has no bind of its own: a prepared statement takes its place.
	last := steps[len(steps)-1]
	var args []string
	for _, p := range l.Params {
		args = append(args, "'"+strings.ReplaceAll(p, "'", "''")+"'")
	}
	return append(append([]string{}, steps[:len(steps)-1]...), "prepare sallyport_line as "+last, "execute sallyport_line("+strings.Join(args, ", ")+")")
}

// unoffered says what protocol feature the line needs that the gate has not.
func (l *leakLine) unoffered() string {
	switch {
	case l.Proto == "fastpath":
		return "function calls by the fast path"
	case l.Proto == "extended-binary" && !l.benign():
		return "binary results"
	}
	return ""
}

// corpusScore counts how lines ended.
type corpusScore struct {
	masked, refused, passed, failed int
	// benign lines, and those that came back as they are.
	benign, intact int
	// clear lines show a value as it is in a row; answered ones came back masked.
	clear, answered int
}

// runMaskCorpus runs every line through a gate of its own.
func runMaskCorpus(ctx context.Context, args []string, io stdio) error {
	f := flags("mask corpus", io)
	url := f.String("postgres-url", "", "superuser at the database with the values, which is cloned")
	alt := f.String("alt-url", "", "superuser at one with other values, for lines that compare")
	file := f.String("sqlite", "", "a file of SQLite with the values in place of a server, which is copied")
	altFile := f.String("alt-sqlite", "", "one with other values")
	sensitive := f.String("sensitive", "", "JSON file: the sensitive columns")
	verbose := f.BoolP("verbose", "v", false, "say of every line how it ended")
	if err := parse(f, args); err != nil {
		return err
	}
	if (*url == "") == (*file == "") || *sensitive == "" || f.NArg() == 0 {
		return &usageError{"mask corpus needs --postgres-url or --sqlite, --sensitive and files of lines", ""}
	}
	columns, err := readSensitive(*sensitive)
	if err != nil {
		return err
	}
	lines, err := readLeakLines(f.Args())
	if err != nil {
		return err
	}
	var r *corpusRunner
	if *file != "" {
		r, err = newCorpusFiles(ctx, *file, *altFile, columns)
	} else {
		r, err = newCorpusRunner(ctx, *url, *alt, columns)
	}
	if err != nil {
		return err
	}
	defer r.close()
	score, err := r.all(ctx, lines, func(l *leakLine, o corpusOutcome) {
		if o.miss != "" {
			fmt.Fprintf(io.out, "MISS %s (%s): %s\n     %s\n", l.ID, l.Category, widget.EscapeLines(o.miss), widget.EscapeLines(l.SQL))
		} else if *verbose {
			fmt.Fprintf(io.out, "%s %s (%s) %s\n", o.word(), l.ID, l.Category, widget.EscapeLines(o.note))
		}
	})
	if err != nil {
		return err
	}
	score.print(io)
	if score.failed > 0 {
		return errFound
	}
	return nil
}

func (s *corpusScore) print(io stdio) {
	fmt.Fprintf(io.out, "masked %d, refused %d\n", s.masked, s.refused)
	if s.clear > 0 {
		fmt.Fprintf(io.out, "answered masked: %d of %d lines that show a value as it is in a row (%d%%)\n", s.answered, s.clear, 100*s.answered/s.clear)
	}
	if s.benign > 0 {
		fmt.Fprintf(io.out, "benign: %d of %d came back byte for byte\n", s.intact, s.benign)
	}
	fmt.Fprintf(io.out, "%d passed, %d failed\n", s.passed, s.failed)
}

func readSensitive(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the sensitive columns: %w", err)
	}
	var s struct {
		Sensitive []string `json:"sensitive"`
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("read the sensitive columns in %q: %w", path, err)
	}
	if len(s.Sensitive) == 0 {
		return nil, fmt.Errorf("read the sensitive columns in %q: there are none", path)
	}
	return s.Sensitive, nil
}

func readLeakLines(paths []string) ([]*leakLine, error) {
	var out []*leakLine
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("read lines: %w", err)
		}
		s := bufio.NewScanner(f)
		s.Buffer(nil, 4<<20)
		for n := 1; s.Scan(); n++ {
			if len(s.Bytes()) == 0 {
				continue
			}
			l := &leakLine{}
			if err := json.Unmarshal(s.Bytes(), l); err != nil {
				return nil, errors.Join(fmt.Errorf("read line %d of %q: %w", n, path, err), f.Close())
			}
			out = append(out, l)
		}
		if err := errors.Join(s.Err(), f.Close()); err != nil {
			return nil, fmt.Errorf("read lines of %q: %w", path, err)
		}
	}
	return out, nil
}
