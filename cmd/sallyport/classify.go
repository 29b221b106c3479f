package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/all"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// maxCorpusLine bounds a line of a corpus in bytes.
const maxCorpusLine = 4 << 20

// corpusLine is one line of a corpus: an operation and what it is.
type corpusLine struct {
	ID          string       `json:"id"`
	Dialect     string       `json:"dialect"`
	Input       string       `json:"input"`
	Class       policy.Class `json:"class"`
	Destructive bool         `json:"destructive"`
}

// passes reports whether the facts are no less severe than expected, nor more
// for a read, and agree on what is destructive.
func (l *corpusLine) passes(f policy.Facts) bool {
	if l.Class == policy.Read && f.Class != policy.Read {
		return false
	}
	return f.Class.Severity() >= l.Class.Severity() && f.Destructive == l.Destructive
}

// runPolicyClassify judges one text, or every line of a corpus.
func runPolicyClassify(ctx context.Context, args []string, io stdio) error {
	f := flags("policy classify", io)
	corpus := f.String("corpus", "", "a file of JSON lines: id, dialect, input, class, destructive")
	dialect := f.String("dialect", "", "the language of TEXT")
	asJSON := f.Bool("json", false, "print the facts as JSON")
	if err := parse(f, args); err != nil {
		return err
	}
	drivers := all.Drivers(all.Options{})
	defer all.Close(drivers) // workers that do not end are killed with this process
	judges := map[string]connectors.Classifier{}
	var names []string
	for _, d := range all.Dialects(drivers) {
		judges[d.Name], names = d, append(names, d.Name)
	}
	slices.Sort(names)
	switch {
	case *corpus != "" && *dialect == "" && f.NArg() == 0:
		return classifyCorpus(ctx, judges, *corpus, io)
	case *corpus == "" && *dialect != "" && f.NArg() == 1:
		judge, ok := judges[*dialect]
		if !ok {
			return &usageError{fmt.Sprintf("there is no dialect %q", *dialect), "one of " + strings.Join(names, ", ")}
		}
		facts, err := judge.Classify(ctx, f.Arg(0))
		if err != nil {
			return err
		}
		return printFacts(facts, *asJSON, io)
	}
	return &usageError{"policy classify needs --corpus FILE, or --dialect NAME and one TEXT", "dialects: " + strings.Join(names, ", ")}
}

// classifyCorpus prints a line for each miss, then the count.
func classifyCorpus(ctx context.Context, judges map[string]connectors.Classifier, path string, io stdio) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	passed, failed := 0, 0
	s := bufio.NewScanner(file)
	s.Buffer(nil, maxCorpusLine)
	for n := 1; s.Scan(); n++ {
		if strings.TrimSpace(s.Text()) == "" {
			continue
		}
		var l corpusLine
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
		var facts policy.Facts
		judge, ok := judges[l.Dialect]
		if ok {
			if facts, err = judge.Classify(ctx, l.Input); err != nil {
				return fmt.Errorf("%s:%d: judge %s: %w", path, n, l.ID, err)
			}
		} else {
			facts.Why = fmt.Sprintf("there is no dialect %q", l.Dialect)
		}
		if ok && l.passes(facts) {
			passed++
			continue
		}
		failed++
		fmt.Fprintf(io.out, "%s %q: want %s, got %s: %s\n", widget.Escape(l.ID), l.Input, severity(l.Class, l.Destructive), severity(facts.Class, facts.Destructive), widget.Escape(facts.Why))
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	fmt.Fprintf(io.out, "%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		return errFound
	}
	return nil
}

func severity(c policy.Class, destructive bool) string {
	if destructive {
		return c.String() + ", destructive"
	}
	return c.String()
}

func printFacts(f policy.Facts, asJSON bool, io stdio) error {
	if asJSON {
		e := json.NewEncoder(io.out)
		e.SetIndent("", "  ")
		return e.Encode(f)
	}
	fmt.Fprintf(io.out, "%s: %s\n", severity(f.Class, f.Destructive), widget.Escape(f.Verb))
	if f.Why != "" {
		fmt.Fprintf(io.out, "because %s\n", widget.Escape(f.Why))
	}
	for _, t := range f.Tables {
		how := "reads"
		if t.Write {
			how = "changes"
		}
		fmt.Fprintf(io.out, "%s the table %s\n", how, widget.Escape(strings.TrimPrefix(t.Schema+"."+t.Name, ".")))
	}
	for _, c := range f.Commands {
		fmt.Fprintf(io.out, "runs %s (%s)\n", widget.Escape(strings.Join(append([]string{c.Name}, c.Args...), " ")), c.Class)
	}
	return nil
}
