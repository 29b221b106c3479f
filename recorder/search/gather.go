package search

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/export"
)

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
