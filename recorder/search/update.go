package search

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/export"
)

const (
	// maxDoc is how much of a stream or an answer is one document.
	maxDoc = 8 << 10
	// docPause is a silence after which a stream's next document begins.
	docPause = 2 * time.Second
)

// Update brings the index up to the source: what was recorded since, what was
// removed. A transcript that cannot be read stays out of it. The first error of
// the index itself ends it; what was done before stays done.
func (x *Index) Update(ctx context.Context, src Source) error {
	heads, err := src.Heads(ctx)
	if err != nil && !errors.Is(err, recorder.ErrCorrupt) {
		return fmt.Errorf("update search index: %w", err)
	}
	known, err := x.all()
	if err != nil {
		return fmt.Errorf("update search index: %w: %w", errIndex, err)
	}
	there := map[recorder.ID]bool{}
	for _, h := range heads {
		there[h.ID] = true
		if at := known[h.ID]; at.next == h.Next && at.hash == h.Hash {
			continue
		}
		if err := x.follow(ctx, src, h); err != nil {
			return fmt.Errorf("update search index: transcript %q: %w", h.ID, err)
		}
	}
	for id := range known {
		if there[id] {
			delete(known, id)
		}
	}
	return x.drop(known)
}

// errIndex: it is the index that fails, not what it reads.
var errIndex = errors.New("the index cannot be used")

// mark is how far a transcript is indexed.
type mark struct {
	next uint64
	hash recorder.Hash
}

// all is how far everything is indexed.
func (x *Index) all() (map[recorder.ID]mark, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := map[recorder.ID]mark{}
	err := x.rows("select id, next, hash from transcripts", nil, func(s *sqlite3.Stmt) error {
		m := mark{next: uint64(s.ColumnInt64(1))}
		copy(m.hash[:], s.ColumnRawBlob(2))
		all[recorder.ID(s.ColumnText(0))] = m
		return nil
	})
	return all, err
}

// drop takes out transcripts that are no more.
func (x *Index) drop(gone map[recorder.ID]mark) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id := range gone {
		if err := x.in(func() error { return x.forget(id) }); err != nil {
			return fmt.Errorf("update search index: %w: %w", errIndex, err)
		}
	}
	return nil
}

// in runs f in a transaction.
func (x *Index) in(f func() error) error {
	if x.c == nil {
		return errClosed
	}
	if err := x.c.Exec("begin immediate"); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = x.c.Exec("commit")
	}
	if err != nil {
		return errors.Join(err, x.c.Exec("rollback"))
	}
	return nil
}

func (x *Index) forget(id recorder.ID) error {
	return errors.Join(x.exec("delete from docs where id = ?", string(id)), x.exec("delete from transcripts where id = ?", string(id)))
}

// known is how far a transcript is indexed.
func (x *Index) known(id recorder.ID) (at recorder.Head, err error) {
	at.ID = id
	err = x.rows("select next, hash from transcripts where id = ?", []any{string(id)}, func(s *sqlite3.Stmt) error {
		at.Next = uint64(s.ColumnInt64(0))
		copy(at.Hash[:], s.ColumnRawBlob(1))
		return nil
	})
	return at, err
}

// follow indexes what is new of a transcript, or all of it where what is indexed
// is not what leads to its head.
func (x *Index) follow(ctx context.Context, src Source, h recorder.Head) error {
	x.mu.Lock()
	at, err := x.known(h.ID)
	x.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%w: %w", errIndex, err)
	}
	for _, from := range []recorder.Head{at, {ID: h.ID}} {
		if from.Next > h.Next {
			continue
		}
		whole, err := x.walk(ctx, src, from, h)
		switch {
		case errors.Is(err, recorder.ErrCorrupt), errors.Is(err, recorder.ErrSealed), errors.Is(err, recorder.ErrNotFound):
			return nil
		case err != nil || whole:
			return err
		}
	}
	// The record itself is damaged: verify tells. Nothing of it is found.
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.in(func() error { return x.forget(h.ID) }); err != nil {
		return fmt.Errorf("%w: %w", errIndex, err)
	}
	return nil
}

// walk indexes a transcript from one head up to another, a bounded part at a time.
// It returns false where the chain leads elsewhere.
func (x *Index) walk(ctx context.Context, src Source, from, to recorder.Head) (bool, error) {
	for {
		next, docs, err := gather(ctx, src, from, to)
		if err != nil {
			return false, err
		}
		if next.Next == to.Next && next.Hash != to.Hash {
			return false, nil
		}
		part := to
		part.Next, part.Hash = next.Next, next.Hash
		x.mu.Lock()
		err = x.in(func() error { return x.put(part, docs, from.Next == 0) })
		x.mu.Unlock()
		if err != nil {
			return false, fmt.Errorf("%w: %w", errIndex, err)
		}
		if next.Next == to.Next {
			return true, nil
		}
		from = next
	}
}

func (x *Index) put(h recorder.Head, docs *gatherer, anew bool) error {
	if anew {
		if err := x.forget(h.ID); err != nil {
			return err
		}
	}
	p := h.Header.Identity
	err := x.exec("insert or replace into transcripts values (?, ?, ?, ?, ?, ?, ?)", string(h.ID), int64(h.Next), h.Hash[:],
		p.Email, p.Subject, h.Header.Resource, h.Header.Kind)
	if err != nil {
		return err
	}
	if err := x.add(h.ID, docs.docs); err != nil {
		return err
	}
	for op, d := range docs.later {
		if err := x.exec("update docs set verdict = ?, rule = ? where id = ? and op = ?", d.Effect, d.Rule, string(h.ID), int64(op)); err != nil {
			return err
		}
	}
	return nil
}

// add puts documents into the index.
func (x *Index) add(id recorder.ID, docs []*doc) (err error) {
	doc, _, err := x.c.Prepare("insert into docs (id, seq, at, what, op, verdict, rule, class, destructive, text) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, doc.Close()) }()
	words, _, err := x.c.Prepare("insert into words (rowid, text) values (?, ?)")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, words.Close()) }()
	run := func(s *sqlite3.Stmt, args ...any) error {
		for i, a := range args {
			if err := bind(s, i+1, a); err != nil {
				return err
			}
		}
		for s.Step() {
		}
		return errors.Join(s.Err(), s.Reset())
	}
	for _, d := range docs {
		if err := run(doc, string(id), int64(d.seq), d.at.UnixNano(), d.what, int64(d.op), d.verdict, d.rule, d.class, d.destructive, d.text); err != nil {
			return err
		}
		if err := run(words, x.c.LastInsertRowID(), d.text); err != nil {
			return err
		}
	}
	return nil
}

// doc is one piece of text and where it stands.
type doc struct {
	seq                        uint64
	at                         time.Time
	what                       string
	op                         int
	verdict, rule, class, text string
	destructive                bool
}

// gatherer makes documents of events.
type gatherer struct {
	docs  []*doc
	ops   map[int]*doc
	later map[int]recorder.Decision // about operations that were indexed before
	runs  map[string]*stream
}

// stream is a document that grows.
type stream struct {
	strip export.Stripper
	doc   *doc
	b     strings.Builder
	last  time.Time
}

// maxGather is how much of a transcript is held, in bytes of its events, before it
// is put into the index.
var maxGather = 16 << 20

// gather reads the events after a head towards another, as many as are held at a
// time, and returns where they lead to.
func gather(ctx context.Context, src Source, from, to recorder.Head) (recorder.Head, *gatherer, error) {
	g := &gatherer{ops: map[int]*doc{}, later: map[int]recorder.Decision{}, runs: map[string]*stream{}}
	at, held := from, 0
	for at.Next < to.Next && held < maxGather {
		events, err := src.Read(ctx, to.ID, at.Next, int(min(to.Next-at.Next, 4096)))
		if err != nil {
			return at, nil, err
		}
		if len(events) == 0 {
			return at, nil, recorder.ErrCorrupt
		}
		for _, e := range events {
			g.event(e)
			held += len(e.Data) + 64
		}
		at.Hash = recorder.ChainOver(to.ID, at.Hash, events)
		at.Next += uint64(len(events))
	}
	for _, s := range g.runs {
		g.flush(s)
	}
	return at, g, nil
}

func (g *gatherer) event(e recorder.Event) {
	switch e.Kind {
	case recorder.KindOutput, recorder.KindError:
		g.stream(e, "output")
	case recorder.KindInput:
		g.stream(e, "input")
	case recorder.KindOperation:
		var o recorder.Operation
		if json.Unmarshal(e.Data, &o) != nil {
			return
		}
		what := "statement"
		if o.Action != "sql" {
			what = "command"
		}
		class, destructive := facts(o.Facts)
		d := &doc{seq: e.Seq, at: e.At, what: what, op: o.Op, class: class, destructive: destructive, text: o.Text}
		g.ops[o.Op] = d
		g.docs = append(g.docs, d)
	case recorder.KindDecision:
		var d recorder.Decision
		if json.Unmarshal(e.Data, &d) != nil {
			return
		}
		if o := g.ops[d.Op]; o != nil {
			o.verdict, o.rule = d.Effect, d.Rule
		} else {
			g.later[d.Op] = d
		}
	case recorder.KindRows:
		g.answer(e)
	case recorder.KindFile:
		var f recorder.File
		if json.Unmarshal(e.Data, &f) == nil {
			g.docs = append(g.docs, &doc{seq: e.Seq, at: e.At, what: "note", op: f.Op, text: f.String()})
		}
	case recorder.KindNote, recorder.KindAdmin:
		var n struct {
			Text, Act, Target string
			Details           map[string]string
		}
		if json.Unmarshal(e.Data, &n) == nil {
			what := "note"
			if e.Kind == recorder.KindNote {
				what = whatGate
			}
			g.docs = append(g.docs, &doc{seq: e.Seq, at: e.At, what: what, text: strings.TrimSpace(n.Text + n.Act + " " + n.Target + details(n.Details))})
		}
	}
}

// details are those of an act on the bastion, in order.
func details(d map[string]string) (text string) {
	for _, k := range slices.Sorted(maps.Keys(d)) {
		text += " " + k + ": " + d[k]
	}
	return text
}

// answer is the cells of a part of an answer, cut into documents.
func (g *gatherer) answer(e recorder.Event) {
	var r recorder.Rows
	if json.Unmarshal(e.Data, &r) != nil {
		return
	}
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			g.docs = append(g.docs, &doc{seq: e.Seq, at: e.At, what: "answer", op: r.Op, text: b.String()})
			b.Reset()
		}
	}
	for _, row := range r.Rows {
		for _, cell := range row {
			if cell != nil {
				b.WriteString(*cell + "\t")
			}
		}
		b.WriteString("\n")
		if b.Len() >= maxDoc {
			flush()
		}
	}
	b.WriteString(r.Notice)
	flush()
}

// stream adds to the document of a stream, or begins the next: after a pause, and
// with each line that is typed.
func (g *gatherer) stream(e recorder.Event, what string) {
	s := g.runs[what]
	if s == nil {
		s = new(stream)
		g.runs[what] = s
	}
	if s.doc != nil && (s.b.Len() >= maxDoc || e.At.Sub(s.last) > docPause && what == "output") {
		g.flush(s)
	}
	if s.doc == nil {
		s.doc = &doc{seq: e.Seq, at: e.At, what: what}
	}
	s.last = e.At
	s.b.WriteString(s.strip.Strip(e.Data))
	if what == "input" && strings.ContainsAny(string(e.Data), "\r\n") {
		g.flush(s)
	}
}

func (g *gatherer) flush(s *stream) {
	if s.doc != nil && strings.TrimSpace(s.b.String()) != "" {
		s.doc.text = s.b.String()
		g.docs = append(g.docs, s.doc)
	}
	s.doc = nil
	s.b.Reset()
}

// facts reads class and destructiveness out of an operation's facts, which are
// the policy's.
func facts(v any) (class string, destructive bool) {
	m, ok := v.(map[string]any)
	if !ok {
		return "", false
	}
	class, _ = m["class"].(string)
	return class, destroys(m)
}

func destroys(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if v["destructive"] == true {
			return true
		}
		for _, x := range v {
			if destroys(x) {
				return true
			}
		}
	case []any:
		for _, x := range v {
			if destroys(x) {
				return true
			}
		}
	}
	return false
}
