package search

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/export"
)

const (
	defaultLimit = 100
	// maxMatches is how many matches that the asker may see are looked at at least,
	// those that were indexed last; of these the newest are returned.
	maxMatches = 2000
	// around is how many characters a snippet has on each side of what was found.
	around = 40
	// trigram is the least that the index finds; shorter words are looked for in
	// what the filters leave.
	trigram = 3

	whatGate = "gate"
)

// Query is what to look for. Zero fields do not restrict.
type Query struct {
	// Text is words that must all occur, in any case; "in quotes" they are one.
	Text string
	// Person is a part of an e-mail address or subject.
	Person   string
	Resource string
	Kind     string // of the resource
	// What is a kind of text: statement, command, input, output, answer, note (acts
	// on the bastion), gate. "" is all but gate: what the gate itself says in each
	// transcript would drown what people did.
	What     string
	From, To time.Time
	Verdict  string // allow, deny, approve, ...
	Rule     string
	Class    string // read, write, ddl, ...
	// Destructive finds statements that destroy.
	Destructive bool
	// May says which transcripts the asker may see; nil means all.
	May func(recorder.ID) bool
	// Limit is how many hits are returned at most; 0 means 100.
	Limit int
}

// Hit is one place. Before, Match and After are text from around it, without
// control characters; Match is "" where Query had no text.
type Hit struct {
	ID       recorder.ID `json:"transcript"`
	Seq      uint64      `json:"event"`
	At       time.Time   `json:"at"`
	What     string      `json:"what"`
	Op       int         `json:"op,omitempty"`
	Verdict  string      `json:"verdict,omitempty"`
	Rule     string      `json:"rule,omitempty"`
	Class    string      `json:"class,omitempty"`
	Person   string      `json:"person"`
	Resource string      `json:"resource"`
	Before   string      `json:"before"`
	Match    string      `json:"match"`
	After    string      `json:"after"`
}

// Search returns hits, newest first. It finds what the last Update knew.
func (x *Index) Search(ctx context.Context, q Query) ([]Hit, error) {
	words := split(q.Text)
	where, args := conditions(q, words)
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.c == nil {
		return nil, fmt.Errorf("search: %w", errClosed)
	}
	old := x.c.SetInterrupt(ctx)
	defer x.c.SetInterrupt(old)
	hits, err := x.hits(q, words, where, args)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	return hits, nil
}

// hits finds the newest. Which documents match is known without their text, so that
// is read only of those that are returned.
func (x *Index) hits(q Query, words []string, where string, args []any) (hits []Hit, err error) {
	var docs []int64
	err = x.rows(`select d.id, d.seq, d.at, d.what, d.op, d.verdict, d.rule, d.class, t.person, t.subject, t.resource, d.doc
		from `+where, args, func(s *sqlite3.Stmt) error {
		id := recorder.ID(s.ColumnText(0))
		if q.May != nil && !q.May(id) {
			return nil
		}
		h := Hit{ID: id, Seq: uint64(s.ColumnInt64(1)), At: time.Unix(0, s.ColumnInt64(2)).UTC(), What: s.ColumnText(3), Op: s.ColumnInt(4),
			Verdict: s.ColumnText(5), Rule: s.ColumnText(6), Class: s.ColumnText(7), Person: s.ColumnText(8), Resource: s.ColumnText(10)}
		if h.Person == "" {
			h.Person = s.ColumnText(9)
		}
		hits, docs = append(hits, h), append(docs, s.ColumnInt64(11))
		if len(hits) == max(maxMatches, 2*q.Limit) {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	newest := make([]int, len(hits))
	for i := range newest {
		newest[i] = i
	}
	slices.SortStableFunc(newest, func(a, b int) int {
		return cmp.Or(hits[b].At.Compare(hits[a].At), cmp.Compare(docs[b], docs[a]))
	})
	out := make([]Hit, 0, min(q.Limit, len(hits)))
	for _, i := range newest[:min(q.Limit, len(newest))] {
		h := hits[i]
		err := x.rows("select text from docs where doc = ?", []any{docs[i]}, func(s *sqlite3.Stmt) error {
			h.Before, h.Match, h.After = snippet(s.ColumnText(0), words)
			return nil
		})
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

var errEnough = errors.New("enough")

// conditions are tables, WHERE and order of a query: what was indexed last comes
// first, as FTS5 finds it. Values are bound, never spelled.
func conditions(q Query, words []string) (string, []any) {
	where, args := []string{"1"}, []any{}
	from, order := "docs d", "d.doc"
	and := func(cond string, a ...any) { where, args = append(where, cond), append(args, a...) }
	var match []string
	for _, w := range words {
		if utf8.RuneCountInString(w) >= trigram {
			match = append(match, `"`+strings.ReplaceAll(w, `"`, `""`)+`"`)
		} else {
			and(`d.text like ? escape '\'`, like(w))
		}
	}
	if len(match) > 0 {
		from, order = "words w join docs d on d.doc = w.rowid", "w.rowid"
		and("w.words match ?", strings.Join(match, " AND "))
	}
	for _, f := range []struct{ column, value string }{
		{"t.resource", q.Resource}, {"t.kind", q.Kind}, {"d.what", q.What}, {"d.verdict", q.Verdict}, {"d.rule", q.Rule}, {"d.class", q.Class},
	} {
		if f.value != "" {
			and(f.column+" = ?", f.value)
		}
	}
	if q.What == "" {
		and("d.what <> ?", whatGate)
	}
	if q.Person != "" {
		and(`(t.person like ? escape '\' or t.subject like ? escape '\')`, like(q.Person), like(q.Person))
	}
	if !q.From.IsZero() {
		and("d.at >= ?", q.From.UnixNano())
	}
	if !q.To.IsZero() {
		and("d.at < ?", q.To.UnixNano())
	}
	if q.Destructive {
		and("d.destructive")
	}
	return from + " join transcripts t on t.id = d.id where " + strings.Join(where, " and ") + " order by " + order + " desc", args
}

func like(s string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + "%"
}

// split takes words apart: by spaces, but not inside of quotes.
func split(s string) (words []string) {
	s = strings.ReplaceAll(s, "\x00", " ") // SQLite takes it for the end
	for i, part := range strings.Split(s, `"`) {
		if i%2 == 0 {
			words = append(words, strings.Fields(part)...)
		} else if part != "" {
			words = append(words, part)
		}
	}
	return words
}

// snippet cuts what surrounds the first of the words out of a text.
func snippet(text string, words []string) (before, match, after string) {
	at, n := -1, 0
	for _, w := range words {
		if i, size := find(text, w); i >= 0 && (at < 0 || i < at) {
			at, n = i, size
		}
	}
	if at < 0 {
		at = 0
	}
	before, match, after = text[:at], text[at:at+n], text[at+n:]
	if r := []rune(before); len(r) > around {
		before = "…" + string(r[len(r)-around:])
	}
	if r := []rune(after); len(r) > around {
		after = string(r[:around]) + "…"
	}
	return oneLine(before), oneLine(match), oneLine(after)
}

// find looks for a word in any case.
func find(text, word string) (at, size int) {
	for i := range text {
		n := 0
		for range word { // as many characters: folding may change their lengths
			if i+n >= len(text) {
				break
			}
			_, w := utf8.DecodeRuneInString(text[i+n:])
			n += w
		}
		if strings.EqualFold(text[i:i+n], word) {
			return i, n
		}
	}
	return -1, 0
}

// oneLine is harmless on a line of a terminal.
func oneLine(s string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(export.Clean(s))
}
