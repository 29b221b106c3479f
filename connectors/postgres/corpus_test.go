package postgres

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/sallyport/sallyport/policy"
)

// corpusLine is a labelled statement; testdata/corpus/README.md has the form.
type corpusLine struct {
	ID, Dialect, Input, Class, Note, Runs string

	Destructive bool
	SQL         string   // of the *.sql.jsonl files
	Statements  []string // where they are separate messages
	ROTxn       string   `json:"ro_txn"`
}

func corpus(t testing.TB, file string) []corpusLine {
	t.Helper()
	f, err := os.Open("../../testdata/corpus/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []corpusLine
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		var l corpusLine
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if l.Dialect == "" || l.Dialect == "postgres" {
			lines = append(lines, l)
		}
	}
	if err := sc.Err(); err != nil || len(lines) < 30 {
		t.Fatalf("%s: %d lines, %v", file, len(lines), err)
	}
	return lines
}

// TestCorpus runs the labelled statements: each was executed on a real server
// when it was labelled. No database is asked here.
func TestCorpus(t *testing.T) {
	for _, l := range append(corpus(t, "policy_public.jsonl"), corpus(t, "policy_more.jsonl")...) {
		got, err := testDriver().Classify(t.Context(), l.Input)
		if err != nil {
			t.Fatalf("%s: %v", l.ID, err)
		}
		if got.Class.String() != l.Class || got.Destructive != l.Destructive {
			t.Errorf("%s %q: %s, destructive %v (%s); want %s, %v", l.ID, l.Input, got.Class, got.Destructive, got.Why, l.Class, l.Destructive)
		}
	}
}

// TestReviewed runs statements that a second reader labelled: the class may be
// higher, but not for a read.
func TestReviewed(t *testing.T) {
	for _, l := range corpus(t, "policy_review.jsonl") {
		got, err := testDriver().Classify(t.Context(), l.Input)
		if err != nil {
			t.Fatalf("%s: %v", l.ID, err)
		}
		want, err := policy.ParseClass(l.Class)
		if err != nil {
			t.Fatalf("%s: %v", l.ID, err)
		}
		if want == policy.Read && got.Class != want || got.Class.Severity() < want.Severity() || got.Destructive != l.Destructive {
			t.Errorf("%s %q: %s, destructive %v (%s); want %s, %v", l.ID, l.Input, got.Class, got.Destructive, got.Why, l.Class, l.Destructive)
		}
	}
}
