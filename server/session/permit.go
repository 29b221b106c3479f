package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// permit is leave to run one operation.
type permit struct {
	g          *guard
	op         int
	free       func() // makes room for the next operation
	approval   string
	seen, kept *mask.Plan
	terms      terms
	masks      []string
	unexamined atomic.Bool // content of a file passed that detectors cannot read
	looked     []recorder.LookUp
	bytes      atomic.Int64
	most       int64           // of these are kept; 0 is all
	streams    []*maskedWriter // of Stdio
	replies    []*reply        // of Reply
	echo       *recorder.Echo  // of a terminal's Stdio
	withheld   atomic.Pointer[policy.Refusal]
	once       sync.Once
}

var _ connectors.Permit = (*permit)(nil)

func (p *permit) Seen() *mask.Plan        { return p.seen }
func (p *permit) Kept() *mask.Plan        { return p.kept }
func (p *permit) Terms() connectors.Terms { return p.terms.Terms }

// Observe records a part of an answer; it is durable when Observe returns.
func (p *permit) Observe(ctx context.Context, c connectors.Chunk) error {
	rows := recorder.Rows{Op: p.op, Notice: c.Notice}
	for _, col := range c.Columns {
		rows.Columns = append(rows.Columns, recorder.RowColumn{
			Name: col.Name, Type: col.Type, Treatment: treatment(col.Kept.State), Mask: col.Kept.Mask})
	}
	for _, r := range c.Rows {
		cells := make([]*string, len(r))
		for i := range r {
			if !r[i].Null {
				cells[i] = &r[i].Text
				p.bytes.Add(int64(len(r[i].Text)))
			}
		}
		rows.Rows = append(rows.Rows, cells)
	}
	if p.digests(0) {
		var err error
		if rows, err = digested(rows); err != nil {
			return err
		}
	}
	return p.g.s.failed(p.g.s.transcript.Record(ctx, recorder.KindRows, rows))
}

// digests says whether what comes next is kept as a digest: by the rule, or because
// with n more bytes it is more than is kept of one operation.
func (p *permit) digests(n int) bool {
	return p.terms.keep == policy.KeepDigest || p.most > 0 && p.echo == nil && p.bytes.Load()+int64(n) > p.most
}

func treatment(s connectors.CellState) string {
	switch s {
	case connectors.Shown, connectors.Detected:
		return "shown"
	case connectors.Masked:
		return "masked"
	}
	return "withheld"
}

// Done records how the operation ended and lets the next one run.
func (p *permit) Done(o connectors.Outcome) {
	p.once.Do(func() {
		defer p.free()
		defer p.g.end(context.Canceled)
		p.g.done()
		out := recorder.Outcome{Op: p.op, State: "ok", Tag: o.Tag, Rows: o.Rows, Affected: o.Affected,
			Masked: o.Masked, Withheld: o.Withheld, Bytes: p.bytes.Load(), LookUps: p.looked}
		for _, m := range p.streams {
			out.Masked += m.hits()
		}
		for _, r := range p.replies {
			out.Masked += r.hits()
		}
		state := policy.ApprovalDone
		if o.Err != nil {
			out.State, out.Error, state = "failed", p.terms.late(o.Err).Error(), policy.ApprovalFailed
		}
		if why := p.withheld.Load(); why != nil {
			out.State, out.Error, state = "failed", why.Error(), policy.ApprovalFailed
		}
		if o.Unknown {
			out.State, state = "unknown", policy.ApprovalUnknown
		}
		if o.Exit != nil {
			out.Exit = &o.Exit.Code
		}
		p.g.finish(p.approval, state)
		ctx, cancel := context.WithTimeout(context.Background(), sealTimeout)
		defer cancel()
		if o.File != nil {
			_ = p.g.s.failed(p.g.s.transcript.Record(ctx, recorder.KindFile, p.moved(o.File)))
		}
		_ = p.g.s.failed(p.g.s.transcript.Record(ctx, recorder.KindOutcome, out))
	})
}

// Stdio wraps the requester's streams: input is recorded before it is read,
// output is masked, recorded, and then written.
func (p *permit) Stdio(raw connectors.Stdio) (connectors.Stdio, func() error) {
	in := &recordedReader{p: p, r: raw.In}
	if raw.Err == nil { // a person is looking: cells keep their places, and nothing held waits long
		p.echo = recorder.NewEcho(p.g.s.transcript, nil)
		out := newMasked(p, recorder.KindOutput, raw.Out, func(plan *mask.Plan, w io.Writer) *mask.Writer {
			m := plan.Terminal(w)
			m.Screen = &p.g.s.screen
			return m
		})
		out.quiet = quietFlush
		return connectors.Stdio{In: in, Out: out}, func() error { return errors.Join(out.Flush(), p.typed()) }
	}
	out := newMasked(p, recorder.KindOutput, raw.Out, (*mask.Plan).Writer)
	errs := newMasked(p, recorder.KindError, raw.Err, (*mask.Plan).Writer)
	if !p.terms.binary {
		out.sniff, errs.sniff = new(mask.Sniffer), new(mask.Sniffer)
	}
	return connectors.Stdio{In: in, Out: out, Err: errs}, func() error {
		if err := out.Flush(); err != nil {
			return err
		}
		return errs.Flush()
	}
}

// typed records what was typed last and never echoed.
func (p *permit) typed() error {
	ctx, cancel := context.WithTimeout(context.Background(), sealTimeout)
	defer cancel()
	return p.g.s.failed(p.echo.Close(ctx))
}

// quietFlush is how long output must pause before held-back bytes go out on a PTY.
const quietFlush = 10 * time.Millisecond

type recordedReader struct {
	p *permit
	r io.Reader
}

func (r *recordedReader) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	if n > 0 {
		s := r.p.g.s
		s.lease.touch()
		var rerr error
		if r.p.echo != nil {
			rerr = r.p.echo.Input(s.ctx, b[:n])
		} else {
			rerr = s.transcript.Stream(s.ctx, recorder.KindInput, b[:n])
		}
		if rerr = s.failed(rerr); rerr != nil {
			return 0, rerr
		}
	}
	return n, err
}

// recordWriter writes to the transcript.
type recordWriter struct {
	p    *permit
	kind recorder.Kind
}

func (r *recordWriter) Write(b []byte) (int, error) {
	s := r.p.g.s
	if most := r.p.terms.stream; most.most > 0 && r.p.bytes.Load()+int64(len(b)) > most.most {
		why := &policy.Refusal{Rule: most.rule, Reason: fmt.Sprintf("it was ended: its output is longer than the %d bytes that it may have", most.most)}
		r.p.g.end(why)
		return 0, why
	}
	if err := s.failed(r.keep(b)); err != nil {
		return 0, err
	}
	r.p.bytes.Add(int64(len(b)))
	return len(b), nil
}

// keep records the bytes, or what stands for them.
func (r *recordWriter) keep(b []byte) error {
	s := r.p.g.s
	if r.p.digests(len(b)) {
		return s.transcript.Record(s.ctx, recorder.KindRows, recorder.Rows{Op: r.p.op, Digest: digestOf(r.kind, b)})
	}
	if r.p.echo != nil {
		return r.p.echo.Output(s.ctx, r.kind, b)
	}
	return s.transcript.Stream(s.ctx, r.kind, b)
}

// teeWriter records, then writes.
type teeWriter struct{ first, then io.Writer }

func (t *teeWriter) Write(b []byte) (int, error) {
	if _, err := t.first.Write(b); err != nil {
		return 0, err
	}
	return t.then.Write(b)
}
