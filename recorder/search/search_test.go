package search

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/agekeys"
	"github.com/sallyport/sallyport/recorder/storetest"
)

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func keys(t testing.TB) *agekeys.Keys {
	t.Helper()
	k, err := agekeys.Open(t.TempDir(), agekeys.Options{})
	ok(t, err)
	return k
}

type world struct {
	s    *storetest.Memory
	r    *recorder.Recorder
	a, b *recorder.Transcript
}

// filled is a source with two sessions.
func filled(t *testing.T) world {
	t.Helper()
	w := world{s: storetest.NewMemory()}
	var err error
	w.r, err = recorder.New(w.s, recorder.Options{})
	ok(t, err)
	t.Cleanup(func() { ok(t, w.r.Close("stop")) })
	w.a, err = w.r.Begin(t.Context(), recorder.Header{Resource: "orders-db", Kind: "postgres", Identity: recorder.Person{Subject: "u1", Email: "alice@example.com"}})
	ok(t, err)
	statement(t, w.a, 1, "select * from customers where city = 'Zürich'", "allow", "readers", map[string]any{"class": "read"})
	statement(t, w.a, 2, "DELETE FROM orders", "approve", "dangerous-needs-two", map[string]any{"class": "write", "destructive": true})
	cell := "gold \x1b[31mtier"
	ok(t, w.a.Record(t.Context(), recorder.KindRows, recorder.Rows{Op: 1, Rows: [][]*string{{&cell, nil}}}))
	w.b, err = w.r.Begin(t.Context(), recorder.Header{Resource: "web-1", Kind: "ssh", Identity: recorder.Person{Subject: "bob"}})
	ok(t, err)
	for _, s := range []string{"$ sys", "temctl re", "start orders\r\n", "\x1b[1mFailed\x1b[0m to restart orders.service\r\n"} {
		ok(t, w.b.Stream(t.Context(), recorder.KindOutput, []byte(s)))
	}
	ok(t, w.b.Stream(t.Context(), recorder.KindInput, []byte("systemctl restart orders\r")))
	note(t, w.b, "done")
	return w
}

func statement(t *testing.T, tr *recorder.Transcript, op int, text, effect, rule string, facts any) {
	t.Helper()
	ok(t, tr.Record(t.Context(), recorder.KindOperation, recorder.Operation{Op: op, Action: "sql", Text: text, Facts: facts}))
	ok(t, tr.Record(t.Context(), recorder.KindDecision, recorder.Decision{Op: op, Effect: effect, Rule: rule}))
}

// note makes what was streamed before durable.
func note(t *testing.T, tr *recorder.Transcript, text string) {
	t.Helper()
	ok(t, tr.Record(t.Context(), recorder.KindNote, recorder.Note{Text: text}))
}

// found is the hits in short.
func found(t *testing.T, x *Index, q Query) (out []string) {
	t.Helper()
	hits, err := x.Search(t.Context(), q)
	ok(t, err)
	for _, h := range hits {
		out = append(out, fmt.Sprintf("%s %d %s", h.Person, h.Seq, h.What))
	}
	return out
}

func TestSearch(t *testing.T) {
	w := filled(t)
	x, err := Open(t.TempDir(), keys(t))
	ok(t, err)
	defer x.Close()
	ok(t, x.Update(t.Context(), w.r))
	only := func(id recorder.ID) func(recorder.ID) bool { return func(got recorder.ID) bool { return got == id } }
	for name, c := range map[string]struct {
		q    Query
		want []string
	}{
		"statement":             {Query{Text: "customers"}, []string{"alice@example.com 1 statement"}},
		"in any case":           {Query{Text: "delete from"}, []string{"alice@example.com 3 statement"}},
		"beyond ASCII":          {Query{Text: "zÜRICH"}, []string{"alice@example.com 1 statement"}},
		"a part of a word":      {Query{Text: "stome"}, []string{"alice@example.com 1 statement"}},
		"two letters":           {Query{Text: "ci ty"}, []string{"alice@example.com 1 statement"}},
		"across events":         {Query{Text: "systemctl", What: "output"}, []string{"bob 1 output"}},
		"input":                 {Query{Text: `"restart orders"`, What: "input"}, []string{"bob 5 input"}},
		"words apart":           {Query{Text: "failed orders.service"}, []string{"bob 1 output"}},
		"quoted, so not apart":  {Query{Text: `"failed orders.service"`}, nil},
		"through a sequence":    {Query{Text: "gold tier"}, []string{"alice@example.com 5 answer"}},
		"syntax is text":        {Query{Text: `orders" OR "x`}, nil},
		"wildcards are text":    {Query{Text: "%"}, nil},
		"destructive":           {Query{Destructive: true}, []string{"alice@example.com 3 statement"}},
		"verdict and rule":      {Query{Verdict: "approve", Rule: "dangerous-needs-two"}, []string{"alice@example.com 3 statement"}},
		"class":                 {Query{Class: "read"}, []string{"alice@example.com 1 statement"}},
		"person":                {Query{Text: "orders", Person: "ALICE@"}, []string{"alice@example.com 3 statement"}},
		"resource":              {Query{Text: "restart", Resource: "orders-db"}, nil},
		"kind":                  {Query{What: "gate", Kind: "ssh"}, []string{"bob 6 gate"}},
		"time":                  {Query{Text: "customers", To: time.Now().Add(-time.Hour)}, nil},
		"since":                 {Query{Text: "customers", From: time.Now().Add(-time.Hour)}, []string{"alice@example.com 1 statement"}},
		"what one may see":      {Query{Text: "orders", What: "statement", May: only(w.b.ID())}, nil},
		"what one may see, own": {Query{Text: "orders", What: "input", May: only(w.b.ID())}, []string{"bob 5 input"}},
		"limit":                 {Query{Limit: 1, What: "statement"}, []string{"alice@example.com 3 statement"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, found(t, x, c.q)); diff != "" {
				t.Error(diff)
			}
		})
	}
	hits, err := x.Search(t.Context(), Query{Text: "TIER"})
	ok(t, err)
	if len(hits) != 1 || hits[0].Before != "gold " || hits[0].Match != "tier" || strings.Contains(hits[0].After, "\x1b") {
		t.Errorf("%+v", hits)
	}
	if hits[0].At.IsZero() || hits[0].Resource != "orders-db" {
		t.Errorf("%+v", hits[0])
	}
}

// TestIncremental: what comes later is found, a later decision changes an earlier
// statement, and transcripts that are gone are forgotten.
func TestIncremental(t *testing.T) {
	w := filled(t)
	x, err := Open(t.TempDir(), keys(t))
	ok(t, err)
	defer x.Close()
	ok(t, x.Update(t.Context(), w.r))
	ok(t, w.a.Record(t.Context(), recorder.KindDecision, recorder.Decision{Op: 2, Effect: "deny", Rule: "asked-and-refused"}))
	statement(t, w.a, 3, "select pg_sleep(1)", "deny", "x", nil)
	ok(t, x.Update(t.Context(), w.r))
	if got := found(t, x, Query{Verdict: "deny"}); len(got) != 2 {
		t.Errorf("denied: %v", got)
	}
	if n, err := x.number("select count(*) from docs where what = 'statement'"); err != nil || n != 3 {
		t.Errorf("%d statements, %v", n, err)
	}
	ok(t, x.Update(t.Context(), without{w.r, w.a.ID()}))
	if got := found(t, x, Query{What: "statement"}); got != nil {
		t.Errorf("of a removed transcript: %v", got)
	}
	ok(t, x.exec("insert into words (words, rank) values ('integrity-check', 1)"))
}

type without struct {
	Source
	id recorder.ID
}

func (w without) Heads(ctx context.Context) (out []recorder.Head, err error) {
	all, err := w.Source.Heads(ctx)
	for _, h := range all {
		if h.ID != w.id {
			out = append(out, h)
		}
	}
	return out, err
}

// TestNeverLies: an index that does not lead to the chain's head is made anew.
func TestNeverLies(t *testing.T) {
	w := filled(t)
	dir, k := t.TempDir(), keys(t)
	for name, damage := range map[string]string{
		"hash":          "update transcripts set hash = zeroblob(32)",
		"further":       "update transcripts set next = next + 100",
		"behind":        "update transcripts set next = 1",
		"nothing there": "delete from docs; update transcripts set next = next - 1, hash = zeroblob(32)",
	} {
		t.Run(name, func(t *testing.T) {
			x, err := Open(dir, k)
			ok(t, err)
			defer x.Close()
			ok(t, x.Update(t.Context(), w.r))
			want := found(t, x, Query{})
			ok(t, x.c.Exec(damage))
			ok(t, x.Update(t.Context(), w.r))
			if diff := cmp.Diff(want, found(t, x, Query{})); diff != "" || len(want) < 5 {
				t.Errorf("%d, %s", len(want), diff)
			}
		})
	}
}

// TestRebuilt: a file that is damaged, of another key or another version is
// thrown away.
func TestRebuilt(t *testing.T) {
	w := filled(t)
	dir, k := t.TempDir(), keys(t)
	path := filepath.Join(dir, FileName)
	for _, c := range []struct {
		name   string
		damage func() error
	}{ // in this order: there must be something to damage
		{"new", func() error { return nil }},
		{"overwritten", func() error { return os.WriteFile(path, bytes.Repeat([]byte("no index "), 2000), 0o600) }},
		{"cut", func() error { return os.Truncate(path, 5000) }},
		{"key gone", func() error { return os.Remove(filepath.Join(dir, KeyFile)) }},
		{"key damaged", func() error { return os.WriteFile(filepath.Join(dir, KeyFile), []byte("x"), 0o600) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ok(t, c.damage())
			x, err := Open(dir, k)
			ok(t, err)
			ok(t, x.Update(t.Context(), w.r))
			if got := found(t, x, Query{Text: "customers"}); len(got) != 1 {
				t.Errorf("%v", got)
			}
			ok(t, x.Close())
		})
	}
	b, err := os.ReadFile(path)
	ok(t, err)
	if bytes.Contains(b, []byte("customers")) || bytes.HasPrefix(b, []byte("SQLite")) {
		t.Error("the index is not encrypted")
	}
	info, err := os.Stat(path)
	ok(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %o", info.Mode().Perm())
	}
	if _, err := Open(dir, keys(t)); !errors.Is(err, recorder.ErrSealed) {
		t.Errorf("with another identity: %v", err)
	}
}

// FuzzSearch: no text is an error, and what is found holds the words.
func FuzzSearch(f *testing.F) {
	for _, s := range []string{"orders", `"a b`, `a* OR b`, "é%_\\", "NEAR(a b)", "\x00abc", "ﬃİ"} {
		f.Add(s)
	}
	x, err := Open("", nil)
	if err != nil {
		f.Fatal(err)
	}
	ok(f, x.exec("insert into transcripts values ('a', 1, x'00', '', 'p', 'r', 'k')"))
	for i, s := range []string{"select * from orders", "é%_\\ and more", "a b c \x1b[0m", "NEAR OR AND"} {
		ok(f, x.exec("insert into docs (id, seq, at, what, op, text) values ('a', ?, 5, 'statement', 0, ?)", int64(i), s))
	}
	f.Fuzz(func(t *testing.T, s string) {
		hits, err := x.Search(t.Context(), Query{Text: s})
		if err != nil {
			t.Errorf("%q: %v", s, err)
		}
		for _, h := range hits {
			if words := split(s); len(words) > 0 && len(h.Before+h.Match+h.After) == 0 {
				t.Errorf("%q finds nothing in %+v", s, h)
			}
		}
	})
}
