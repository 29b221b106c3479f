package connectortest

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// ErrDenied is what Guard refuses with where Judge is nil.
var ErrDenied = errors.New("refused by the test's guard")

// Guard is a gate for tests: it decides by a function and remembers all that it
// was asked. The zero value permits every operation except those that the real
// gate never permits by itself: class unknown, and copies of masked tables. Set
// its fields before use; it is safe for concurrent use then.
type Guard struct {
	// Judge decides; its error refuses.
	Judge func(connectors.Operation) error
	// OnCheck is called within Check, before the decision.
	OnCheck func(connectors.Operation)
	// OnPermit is called within Check when the permit is made.
	OnPermit func(connectors.Operation)
	// Seen and Kept are the plans; nil masks nothing.
	Seen, Kept *mask.Plan
	// Terms sets the terms; nil makes operations judged read read-only.
	Terms func(connectors.Operation) connectors.Terms
	// NoteErr refuses the gate's own statements, ObserveErr every part of an answer.
	NoteErr, ObserveErr error
	// Ordered says that content of files must pass in order; ContentErr refuses it after
	// ContentMost bytes.
	Ordered     bool
	ContentErr  error
	ContentMost int64
	// Discard keeps no rows and no output: for large answers.
	Discard bool

	said *said

	mu      sync.Mutex
	ops     []connectors.Operation
	notes   []string
	permits []*Permit
}

var _ connectors.Guard = (*Guard)(nil)

// Check remembers op and decides.
func (g *Guard) Check(ctx context.Context, op connectors.Operation) (connectors.Permit, error) {
	g.mu.Lock()
	g.ops = append(g.ops, op)
	g.mu.Unlock()
	g.said.add(op.Facts.Why, op.Facts.Form)
	if g.OnCheck != nil {
		g.OnCheck(op)
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	p := &Permit{g: g, Op: op, seen: orEmpty(g.Seen), kept: orEmpty(g.Kept)}
	if err := g.judge(op, p); err != nil {
		return nil, err
	}
	p.terms = connectors.Terms{ReadOnly: op.Facts.Class.String() == "read"}
	if g.Terms != nil {
		p.terms = g.Terms(op)
	}
	g.mu.Lock()
	g.permits = append(g.permits, p)
	g.mu.Unlock()
	if g.OnPermit != nil {
		g.OnPermit(op)
	}
	return p, nil
}

func (g *Guard) judge(op connectors.Operation, p *Permit) error {
	if g.Judge != nil {
		return g.Judge(op)
	}
	switch {
	case op.Action == "sql" && op.Facts.Class.String() == "unknown":
		return ErrDenied
	case op.Facts.Copies && (connectors.Touches(p.seen, op.Facts) || connectors.Touches(p.kept, op.Facts)):
		return ErrDenied
	}
	return nil
}

// Note remembers a statement of the gate's own.
func (g *Guard) Note(_ context.Context, text string) error {
	g.said.add(text)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.notes = append(g.notes, text)
	return g.NoteErr
}

// Operations are the operations asked for, in order.
func (g *Guard) Operations() []connectors.Operation {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]connectors.Operation(nil), g.ops...)
}

// Notes are the gate's own statements, in order.
func (g *Guard) Notes() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.notes...)
}

// Permits are the permits given, in order.
func (g *Guard) Permits() []*Permit {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]*Permit(nil), g.permits...)
}

func orEmpty(p *mask.Plan) *mask.Plan {
	if p != nil {
		return p
	}
	p, err := mask.NewPlan(nil, nil)
	if err != nil {
		panic("a plan without rules does not compile: " + err.Error())
	}
	return p
}

// Permit is leave that a Guard gave, with all that was recorded under it.
type Permit struct {
	Op connectors.Operation

	g          *Guard
	seen, kept *mask.Plan
	terms      connectors.Terms

	mu       sync.Mutex
	chunks   []connectors.Chunk
	rows     int64
	outcomes []connectors.Outcome
	in       strings.Builder
	out, err strings.Builder
}

var _ connectors.FilePermit = (*Permit)(nil)

// Seen is the plan of the requester.
func (p *Permit) Seen() *mask.Plan { return p.seen }

// Kept is the plan of the transcript.
func (p *Permit) Kept() *mask.Plan { return p.kept }

// Terms are the limits.
func (p *Permit) Terms() connectors.Terms { return p.terms }

// Observe remembers a part of an answer.
func (p *Permit) Observe(_ context.Context, c connectors.Chunk) error {
	p.g.said.add(c.Notice)
	for _, row := range c.Rows {
		for _, cell := range row {
			p.g.said.add(cell.Text)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.g.ObserveErr != nil {
		return p.g.ObserveErr
	}
	p.rows += int64(len(c.Rows))
	if p.g.Discard {
		c.Rows = nil
	}
	p.chunks = append(p.chunks, c)
	return nil
}

// Done remembers the outcome.
func (p *Permit) Done(o connectors.Outcome) {
	p.g.said.add(o.Tag)
	if o.Err != nil {
		p.g.said.add(o.Err.Error())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outcomes = append(p.outcomes, o)
}

// Outcomes are the calls of Done; a driver must make exactly one.
func (p *Permit) Outcomes() []connectors.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]connectors.Outcome(nil), p.outcomes...)
}

// Chunks are the recorded parts of the answer.
func (p *Permit) Chunks() []connectors.Chunk {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]connectors.Chunk(nil), p.chunks...)
}

// Rows are the recorded rows, of all chunks.
func (p *Permit) Rows() []connectors.Row {
	var rows []connectors.Row
	for _, c := range p.Chunks() {
		rows = append(rows, c.Rows...)
	}
	return rows
}

// Count is how many rows were recorded, also where Guard.Discard is set.
func (p *Permit) Count() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rows
}

// Streams are what was recorded of the three streams, output masked by Kept.
func (p *Permit) Streams() (in, out, err string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.in.String(), p.out.String(), p.err.String()
}

// Reply records head and body, masked by Kept, before they are handed on, masked
// by Seen. It is the output of Streams.
func (p *Permit) Reply(w connectors.ResponseWriter, more []mask.PathRule) (connectors.ResponseWriter, func() error) {
	r := &reply{p: p, to: w, more: more}
	return r, r.flush
}

// Stdio records input before it is read, and output, masked by Kept, before it
// is written, masked by Seen.
func (p *Permit) Stdio(raw connectors.Stdio) (connectors.Stdio, func() error) {
	var guarded connectors.Stdio
	var flush []*tee
	if raw.In != nil {
		guarded.In = &tap{p, raw.In}
	}
	stream := func(w io.Writer, b *strings.Builder) io.Writer {
		if w == nil {
			return nil
		}
		record := &recorded{p, b}
		t := &tee{kept: p.kept.Writer(record), seen: p.seen.Writer(w)}
		flush = append(flush, t)
		return t
	}
	guarded.Out = stream(raw.Out, &p.out)
	guarded.Err = stream(raw.Err, &p.err)
	return guarded, func() error {
		var errs []error
		for _, t := range flush {
			errs = append(errs, t.flush())
		}
		return errors.Join(errs...)
	}
}

// Content hands a file's content on as it is.
func (p *Permit) Content(w io.Writer) connectors.Content { return &content{g: p.g, w: w} }

type content struct {
	g     *Guard
	w     io.Writer
	moved atomic.Int64
}

func (c *content) Write(b []byte) (int, error) {
	if left := c.g.ContentMost - c.moved.Load(); c.g.ContentErr != nil && left < int64(len(b)) {
		return 0, c.g.ContentErr
	}
	n, err := c.w.Write(b)
	c.moved.Add(int64(n))
	return n, err
}

func (c *content) Flush() error        { return nil }
func (c *content) Ordered() bool       { return c.g.Ordered }
func (c *content) Count(n int64) error { c.moved.Add(n); return nil }

type tap struct {
	p *Permit
	r io.Reader
}

func (t *tap) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	t.p.mu.Lock()
	defer t.p.mu.Unlock()
	t.p.in.Write(b[:n])
	return n, err
}

type tee struct {
	mu         sync.Mutex
	kept, seen *mask.Writer
}

func (t *tee) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.kept.Write(b); err != nil {
		return 0, err
	}
	return t.seen.Write(b)
}

func (t *tee) flush() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return errors.Join(t.kept.Flush(), t.seen.Flush())
}

type recorded struct {
	p *Permit
	b *strings.Builder
}

func (r *recorded) Write(b []byte) (int, error) {
	r.p.g.said.add(string(b))
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	if r.p.g.ObserveErr != nil {
		return 0, r.p.g.ObserveErr
	}
	if !r.p.g.Discard {
		r.b.Write(b)
	}
	return len(b), nil
}
