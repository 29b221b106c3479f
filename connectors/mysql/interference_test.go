package mysql

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/client"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/mysql/mariaserver"
	"github.com/sallyport/sallyport/mask"
)

// corpusLine is a line of the corpora in testdata/corpus.
type corpusLine struct {
	ID         string   `json:"id"`
	Category   string   `json:"category"`
	SQL        string   `json:"sql"`
	Statements []string `json:"statements"`
	// Inert lines reveal nothing when they are run as they are: the server refuses them,
	// they change what must stay, or it depends on its settings.
	Inert  bool `json:"inert"`
	Writes bool `json:"writes"`
}

func (l corpusLine) steps() []string {
	if len(l.Statements) > 0 {
		return l.Statements
	}
	return []string{l.SQL}
}

func lines(t testing.TB, name string) []corpusLine {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "testdata", "corpus", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []corpusLine
	for s := bufio.NewScanner(f); s.Scan(); {
		var l corpusLine
		if err := json.Unmarshal(s.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v: %s", name, err, s.Text())
		}
		out = append(out, l)
	}
	return out
}

// twin is a database of a pair that differs in masked values alone.
type twin struct {
	s    *mariaserver.Server
	side string
	name string
	conn connectors.Conn
}

func schemaOf(t testing.TB, side string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "corpus", "mysql_schema.sql"))
	if err != nil {
		t.Fatal(err)
	}
	return "set @side = '" + side + "';\n" + string(b)
}

func newTwin(t testing.TB, side string) *twin {
	s, name := database(t, schemaOf(t, side))
	w := &twin{s: s, side: side, name: name}
	t.Cleanup(func() {
		if w.conn != nil {
			_ = w.conn.Close()
		}
	})
	return w
}

// plan masks what sensitive.json lists.
func sensitive(t testing.TB) *mask.Plan {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "testdata", "corpus", "sensitive.json"))
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Sensitive []string }
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	var rules []mask.Rule
	for _, c := range list.Sensitive {
		rules = append(rules, mask.Rule{Name: "pii", Column: c, Method: mask.Redact})
	}
	p, err := mask.NewPlan(rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// gated runs the steps through the driver on a connection of their own where there
// are several, and returns all that could be read. permitted is how many had an
// answer.
func (w *twin) gated(t testing.TB, plan *mask.Plan, steps []string) (said string, permitted int) {
	t.Helper()
	if w.conn == nil || len(steps) > 1 {
		w.reopen(t)
	}
	var b strings.Builder
	for _, text := range steps {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		g := &connectortest.Guard{Seen: plan, Kept: plan}
		got, err := answer(ctx, w.conn, g, text)
		cancel()
		b.WriteString(got)
		if err == nil {
			permitted++
		} else {
			fmt.Fprintf(&b, "ERROR %v\n", err)
		}
		if errors.Is(err, connectors.ErrVanished) || errors.Is(err, connectors.ErrProtocol) {
			t.Errorf("%q: %v", text, err)
			w.reopen(t)
		}
	}
	if len(steps) > 1 {
		w.reopen(t)
	}
	return strings.ReplaceAll(b.String(), w.name, "DB"), permitted
}

func (w *twin) reopen(t testing.TB) {
	t.Helper()
	if w.conn != nil {
		_ = w.conn.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var err error
	if w.conn, err = New(Options{}).Open(ctx, endpoint(w.s, w.name), mask.NewSecret([]byte(appPassword)), &connectortest.Guard{}); err != nil {
		t.Fatal(err)
	}
}

// answer is all that a requester can read of a statement.
func answer(ctx context.Context, conn connectors.Conn, g connectors.Guard, text string) (string, error) {
	r, err := conn.(connectors.Querier).Query(ctx, g, connectors.Statement{Text: text})
	if err != nil {
		return "", err
	}
	defer r.Close()
	var b strings.Builder
	for _, c := range r.Columns() {
		fmt.Fprintf(&b, "%s %s|", c.Name, c.Type)
	}
	b.WriteString("\n")
	for {
		rows, err := r.Batch(ctx, 100)
		for _, row := range rows {
			for _, c := range row {
				if c.Null {
					c.Text = `\N`
				}
				if c.State != connectors.Shown {
					c.Text = "<" + c.Text + ">"
				}
				b.WriteString(c.Text + "|")
			}
			b.WriteString("\n")
		}
		for _, n := range r.Notices() {
			b.WriteString("NOTICE " + n + "\n")
		}
		if errors.Is(err, io.EOF) {
			s := r.Summary()
			fmt.Fprintf(&b, "TAG %s %d\n", s.Tag, s.Affected)
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
	}
}

// raw runs the steps as the superuser, without the gate, and takes them back.
func (w *twin) raw(t testing.TB, steps []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := client.ConnectWithContext(ctx, w.s.Socket(), mariaserver.Superuser, w.s.Password(), w.name, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var b strings.Builder
	run := func(text string) {
		r, err := c.Execute(text)
		if err != nil {
			fmt.Fprintf(&b, "ERROR %v\n", err)
			return
		}
		defer r.Close()
		fmt.Fprintf(&b, "AFFECTED %d WARNINGS %d\n", r.AffectedRows, r.Warnings)
		if r.Resultset == nil {
			return
		}
		for i := range r.RowNumber() {
			for k := range r.ColumnNumber() {
				v, _ := r.GetString(i, k)
				b.WriteString(v + "|")
			}
			b.WriteString("\n")
		}
	}
	run("set names utf8mb4")
	run("start transaction")
	for _, s := range steps {
		run(s)
		if !strings.Contains(strings.ToLower(s), "warning") {
			run("show warnings")
		}
	}
	run("rollback")
	return strings.ReplaceAll(b.String(), w.name, "DB")
}

// TestNonInterference: of two databases that differ in masked values alone, every
// attack gets the same answer; and each of them would tell them apart without masks.
func TestNonInterference(t *testing.T) {
	plan := sensitive(t)
	a, b := newTwin(t, "A"), newTwin(t, "B")
	rawA, rawB := newTwin(t, "A"), newTwin(t, "B")
	all := lines(t, "mysql_masking.sql.jsonl")
	if len(all) < 200 {
		t.Fatalf("%d lines", len(all))
	}
	refused, answered, outer := 0, 0, t
	for i, l := range all {
		if testing.Short() && i%5 != 0 {
			continue // as under the race detector, which sees no more in more of them
		}
		t.Run(l.ID, func(t *testing.T) {
			if !l.Inert && rawA.raw(t, l.steps()) == rawB.raw(t, l.steps()) {
				t.Errorf("%s: without masks the two answer alike, so that this tests nothing: %s", l.SQL, rawA.raw(t, l.steps()))
			}
			if l.Category == "definition" && !l.Inert {
				rawA, rawB = newTwin(outer, "A"), newTwin(outer, "B")
			}
			x, n := a.gated(t, plan, l.steps())
			y, _ := b.gated(t, plan, l.steps())
			if x != y {
				t.Errorf("%s: through the gate the two answer differently:\n%.600s\n---\n%.600s", l.SQL, x, y)
			}
			for _, s := range []string{"@mailA", "@payA", "@corpA", "tok_", "-A7"} {
				if strings.Contains(x, s) {
					t.Errorf("%s: %q shows", l.SQL, s)
				}
			}
			if n == 0 {
				refused++
			} else {
				answered++
			}
			if testing.Verbose() {
				t.Logf("%d answered | %s | %.200q", n, l.SQL, x)
			}
		})
	}
	t.Logf("%d attacks: %d answered, with masks, %d refused whole", len(all), answered, refused)
}

// TestBenign: nothing is masked, changed or refused that need not be.
func TestBenign(t *testing.T) {
	plan := sensitive(t)
	w := newTwin(t, "A")
	all := lines(t, "mysql_benign.sql.jsonl")
	if len(all) < 80 {
		t.Fatalf("%d lines", len(all))
	}
	for _, l := range all {
		t.Run(l.ID, func(t *testing.T) {
			if w.conn == nil || l.Writes {
				w.reopen(t)
			}
			masked, err := answer(t.Context(), w.conn, &connectortest.Guard{Seen: plan, Kept: plan}, l.SQL)
			if err != nil {
				t.Fatalf("%s: %v", l.SQL, err)
			}
			if l.Writes {
				return
			}
			plain, err := answer(t.Context(), w.conn, &connectortest.Guard{}, l.SQL)
			if err != nil || plain != masked {
				t.Errorf("%s: %v\n%.500s\n--- without masks\n%.500s", l.SQL, err, masked, plain)
			}
		})
	}
}
