package sqlite

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

const corpusFolder = "../../testdata/corpus/"

// sensitive are the masked columns of the corpus's schema.
var sensitive = []string{
	"customers.full_name", "customers.email", "customers.phone", "customers.ssn", "customers.notes", "customers.profile", "customers.credit",
	"payments.card", "employees.name", "employees.salary", "tokens.token", "vault.secret", "archive.email", "archive.ssn", "caps.pay",
}

func sensitivePlan(t testing.TB, p mask.Predicates) *mask.Plan {
	t.Helper()
	var rules []mask.Rule
	for _, c := range sensitive {
		rules = append(rules, mask.Rule{Name: "pii", Column: c, Predicates: p})
	}
	plan, err := mask.NewPlan(rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// twins are two databases that differ in masked values alone, as files.
type twins struct {
	a, b   []byte
	plan   *mask.Plan
	folder string
	open   map[*byte]*Conn // for what changes nothing
}

// word is in the values of database A alone.
const word = "planted"

func newTwins(t testing.TB) *twins { return newTwinsAfter(t, "") }

// newTwinsAfter are twins on which more was done.
func newTwinsAfter(t testing.TB, more string) *twins {
	t.Helper()
	w := &twins{a: twin(t, "37", word, more), b: twin(t, "59", "hidden-otherwise", more),
		plan: sensitivePlan(t, mask.DenyPredicates), folder: t.TempDir(), open: map[*byte]*Conn{}}
	t.Cleanup(func() {
		for _, c := range w.open {
			_ = c.Close() // of a file that goes with it
		}
	})
	return w
}

// twin makes a database and returns its file.
func twin(t testing.TB, seed, word, after string) []byte {
	t.Helper()
	text, err := os.ReadFile(corpusFolder + "sqlite_schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "twin.db")
	c, err := sqlite3.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	sql := strings.NewReplacer("@SEED@", seed, "@WORD@", word).Replace(string(text))
	if err := errors.Join(c.Exec("pragma foreign_keys = 1"), c.Exec(sql+after), c.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// answer is all that a requester sees of a statement at a fresh copy of a database.
type answer struct {
	columns []connectors.Column
	rows    []string
	dump    string
	refused bool
	err     error
	masked  int64
}

func (w *twins) answer(t testing.TB, content []byte, plan *mask.Plan, text string) answer {
	t.Helper()
	if strings.HasPrefix(text, "select ") {
		return ask(t, w.kept(t, content), plan, text)
	}
	file := filepath.Join(w.folder, "copy.db")
	for _, tail := range []string{"", "-journal", "-wal", "-shm"} {
		_ = os.Remove(file + tail)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	conn, err := New(Options{}).Open(t.Context(), connectors.Endpoint{Database: file}, mask.Secret{}, &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return ask(t, conn.(*Conn), plan, text)
}

// kept is a connection to a database that nothing changes.
func (w *twins) kept(t testing.TB, content []byte) *Conn {
	t.Helper()
	if c := w.open[&content[0]]; c != nil && !c.reader.broken && !c.judge.broken {
		return c
	}
	file := filepath.Join(w.folder, fmt.Sprintf("kept-%d.db", len(w.open)))
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	conn, err := New(Options{}).Open(context.Background(), connectors.Endpoint{Database: file}, mask.Secret{}, &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	w.open[&content[0]] = conn.(*Conn)
	return conn.(*Conn)
}

// ask runs a statement behind a guard that permits what the gate's judgement of
// masks permits.
func ask(t testing.TB, c *Conn, plan *mask.Plan, text string) answer {
	t.Helper()
	g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(op connectors.Operation) error {
		if op.Facts.Class == policy.Unknown {
			return &policy.Refusal{Rule: policy.DefaultDeny, Reason: op.Facts.Why}
		}
		if op.Facts.Copies && connectors.Touches(plan, op.Facts) {
			return &policy.Refusal{Rule: "masks", Reason: op.Facts.Form}
		}
		if op.Trace.Understood() {
			if no := op.Trace.Refusal(plan, plan, op.Facts); no != nil {
				return no
			}
		}
		return nil
	}}
	var a answer
	r, err := c.Query(t.Context(), g, connectors.Statement{Text: text})
	var b strings.Builder
	if err == nil {
		a.columns = r.Columns()
		for _, col := range a.columns {
			fmt.Fprintf(&b, "%s %s %v|", col.Name, col.Type, col.Seen.State)
		}
		for err == nil {
			var batch []connectors.Row
			batch, err = r.Batch(t.Context(), 100)
			for _, row := range batch {
				var cells []string
				for _, cell := range row {
					cells = append(cells, fmt.Sprintf("%s/%v/%v", cell.Text, cell.Null, cell.State))
				}
				a.rows = append(a.rows, strings.Join(cells, "|"))
			}
		}
		s := r.Summary()
		a.masked = s.Masked + s.Withheld
		fmt.Fprintf(&b, "\n%s\n%s %d %d\n", strings.Join(a.rows, "\n"), s.Tag, s.Rows, s.Affected)
	}
	var no *policy.Refusal
	if errors.As(err, &no) || errors.Is(err, connectors.ErrUnsupported) {
		a.refused = true
	}
	if err != nil && err.Error() != "EOF" {
		a.err = err
		fmt.Fprintf(&b, "error %v", err)
	}
	a.dump = b.String()
	return a
}

// check fails where the two databases can be told apart.
func (w *twins) check(t testing.TB, plan *mask.Plan, text string) answer {
	t.Helper()
	x, y := w.answer(t, w.a, plan, text), w.answer(t, w.b, plan, text)
	if x.dump != y.dump {
		t.Errorf("it tells masked values apart: %s\n--- %.1500s\n+++ %.1500s", text, x.dump, y.dump)
	}
	if strings.Contains(x.dump, word) && !strings.Contains(text, word) && strings.Contains(strings.ReplaceAll(x.dump, "planted.37@planted.example", ""), word) {
		t.Errorf("%s shows a planted value:\n%.1500s", text, x.dump)
	}
	return x
}

// line is one of the corpus; testdata/corpus/README.md has the form.
type line struct{ ID, Category, SQL, Form string }

func lines(t testing.TB, file string) (out []line) {
	t.Helper()
	f, err := os.Open(corpusFolder + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		var l line
		if err := json.Unmarshal(sc.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, l)
	}
	if err := sc.Err(); err != nil || len(out) < 80 {
		t.Fatalf("%s: %d lines, %v", file, len(out), err)
	}
	if testing.Short() { // as under the race detector, which sees no more in more of them
		some := out[:0]
		for i := 0; i < len(out); i += 5 {
			some = append(some, out[i])
		}
		out = some
	}
	return out
}

// TestMaskingCorpus: nothing in the answers to the attacking lines depends on
// masked values. What asks for the values themselves, or computes of them, is
// answered.
func TestMaskingCorpus(t *testing.T) {
	t.Run("plain", func(t *testing.T) { maskingCorpus(t, newTwins(t)) })
	// The planner goes by samples of values then.
	t.Run("analyzed", func(t *testing.T) { maskingCorpus(t, newTwinsAfter(t, "ANALYZE;")) })
}

func maskingCorpus(t *testing.T, w *twins) {
	total, answered := map[string]int{}, map[string]int{}
	for _, l := range lines(t, "sqlite_masking.jsonl") {
		a := w.check(t, w.plan, l.SQL)
		total[l.Form]++
		if a.err == nil {
			answered[l.Form]++
		} else if l.Form != "oracle" {
			t.Logf("%s %s, %s: %v", l.ID, l.Form, l.SQL, a.err)
		}
		if l.Form == "oracle" && a.err == nil {
			t.Logf("%s answered: %s", l.ID, l.SQL)
		}
	}
	for form, n := range total {
		t.Logf("%s: %d of %d answered", form, answered[form], n)
	}
	for _, form := range []string{"clear", "computed", "plan"} {
		if answered[form]*100 < total[form]*95 {
			t.Errorf("%s: only %d of %d answered", form, answered[form], total[form])
		}
	}
}

// A function that is called for some values alone takes its time for them alone; of
// columns that are not needed there are no values.
func TestTime(t *testing.T) {
	w := newTwins(t)
	for text, refused := range map[string]bool{
		"select email, case when email like 'p%' then upper(country) end from customers order by id":                                      true,
		"select email, case when tier = 'pro' then 1 when email like 'p%' then 2 when upper(country) = 'DE' then 3 end from customers":    true,
		"select email, email like 'p%' and upper(country) = 'DE' from customers order by id":                                              true,
		"select notes, coalesce(notes, upper(country)) from customers order by id":                                                        true,
		"select email, iif(email like 'p%', u, '') from (select email, upper(country) as u from customers order by id)":                   true,
		"select email, case when tier = 'pro' then upper(email) end, coalesce(email, 'none'), email like 'p%' from customers order by id": false,
		"select case when email like 'p%' then upper(country) end, iif(email like 'p%', hex(country), '') from customers order by id":     false,
	} {
		if a := w.check(t, w.plan, text); a.refused != refused {
			t.Errorf("%s: refused %t, %v", text, a.refused, a.err)
		}
	}
}

// TestBenignCorpus: what uses no masked column comes as it is.
func TestBenignCorpus(t *testing.T) {
	w := newTwins(t)
	none, err := mask.NewPlan(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines(t, "sqlite_benign.jsonl") {
		got := w.check(t, w.plan, l.SQL)
		want := w.answer(t, w.a, none, l.SQL)
		if got.err != nil || got.masked > 0 {
			t.Errorf("%s %s: %d masked, %v", l.ID, l.SQL, got.masked, got.err)
			continue
		}
		if want.err != nil {
			t.Errorf("%s %s fails without masks: %v", l.ID, l.SQL, want.err)
		}
		if !strings.Contains(l.SQL, "order by") {
			slices.Sort(got.rows)
			slices.Sort(want.rows)
		}
		if !slices.Equal(got.rows, want.rows) {
			t.Errorf("%s %s: %q, without masks %q", l.ID, l.SQL, got.rows, want.rows)
		}
	}
}

// newTwinFile is a copy of a database for one test.
func newTwinFile(t testing.TB, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "twin.db")
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
