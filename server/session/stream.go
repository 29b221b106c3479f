package session

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// maskedWriter masks a stream by both plans. Where they are one, what is shown is
// what is kept; else each plan has a view of its own. It is safe for concurrent
// use.
type maskedWriter struct {
	mu    sync.Mutex
	views []*view // kept first
	in    []byte  // what they are given in a step
	shown int64   // how many values were masked in what was shown
	quiet time.Duration
	timer *time.Timer
	// sniff looks whether the stream is text, where it must be; else nil.
	sniff *mask.Sniffer
	// unread is why nothing of the stream may pass, nil where it may.
	unread *policy.Refusal
	p      *permit
	err    error // ends the stream
}

// view is a stream as one plan has it. What it lets pass gathers in out, so that a
// step of masking is nothing but that: how long a client or the recorder takes is
// no matter of its.
type view struct {
	masker connectors.Masking
	out    bytes.Buffer
	to     io.Writer
	// marks tell what was masked in out, to whoever notify is.
	marks  []mask.Mark
	notify func(mask.Mark)
}

func (v *view) marked(m mask.Mark) { v.marks = append(v.marks, m) }

// pass hands on what is decided.
func (v *view) pass() error {
	for _, m := range v.marks {
		if v.notify != nil {
			v.notify(m)
		}
	}
	v.marks = v.marks[:0]
	if v.out.Len() == 0 {
		return nil
	}
	_, err := v.to.Write(v.out.Bytes())
	v.out.Reset()
	return err
}

// maxStep is how much of a stream is masked in one step.
const maxStep = 32 << 10

func newMasked(p *permit, k recorder.Kind, w io.Writer, form func(*mask.Plan, io.Writer) *mask.Writer) *maskedWriter {
	rec := &recordWriter{p: p, kind: k}
	m := &maskedWriter{p: p}
	add := func(plan *mask.Plan, to io.Writer) {
		v := m.add(to)
		v.masker = form(plan, &v.out)
	}
	if p.seen.Revision() == p.kept.Revision() {
		add(p.seen, &teeWriter{rec, w})
	} else {
		add(p.kept, rec)
		add(p.seen, w)
	}
	p.streams = append(p.streams, m)
	return m
}

// add makes a view, whose masker the caller sets.
func (m *maskedWriter) add(to io.Writer) *view {
	v := &view{to: to}
	m.views = append(m.views, v)
	return v
}

// hits is how many values were masked in what was shown so far.
func (m *maskedWriter) hits() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.shown
}

func (m *maskedWriter) Write(b []byte) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	err = m.guarded(func() error {
		if len(m.views) == 0 {
			return errors.New("an answer's body came before its head")
		}
		if m.unread != nil && len(b) > 0 {
			return m.p.withhold(m.unread)
		}
		if m.sniff != nil && m.sniff.Binary(b) {
			return m.p.withhold(m.p.notText())
		}
		for n < len(b) {
			part := b[n:min(len(b), n+maxStep)]
			if err := m.step(part, false); err != nil {
				return err
			}
			n += len(part)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	if m.quiet > 0 {
		if m.timer == nil {
			m.timer = time.AfterFunc(m.quiet, func() { _ = m.flush(false) }) // a failed flush fails the next Write too
		} else {
			m.timer.Reset(m.quiet)
		}
	}
	return n, nil
}

// Flush ends the stream: it records and writes what is held back.
func (m *maskedWriter) Flush() error { return m.flush(true) }

func (m *maskedWriter) flush(ended bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.guarded(func() error {
		if ended && m.sniff != nil && m.sniff.Unfinished() {
			return m.p.withhold(m.p.notText())
		}
		return m.step(nil, true)
	})
}

// step masks what comes next and passes on what is decided: to the record first.
// The masking gets a copy, since it may outlive the call, see connectors.MaskStep;
// no further step follows then.
func (m *maskedWriter) step(b []byte, flush bool) error {
	m.in = append(m.in[:0], b...)
	hits, err := connectors.MaskStep(len(b), func() int64 { return m.mask(flush) })
	if err != nil {
		return m.failed(err)
	}
	m.shown = hits
	for _, v := range m.views {
		if err := v.pass(); err != nil {
			return err
		}
	}
	return nil
}

// mask gives all views what comes next, and returns how many values are masked in
// what is shown.
func (m *maskedWriter) mask(flush bool) (hits int64) {
	for _, v := range m.views {
		_, err := v.masker.Write(m.in)
		if flush && err == nil {
			err = v.masker.Flush()
		}
		if err != nil {
			panic(err) // a buffer takes everything
		}
		hits = v.masker.Hits()
	}
	return hits
}

// guarded runs a part of the stream. Its error is the last: nothing is shown after
// it, nor is what was held back. A panic ends the operation; its value, which may
// be of the data, is told to nobody.
func (m *maskedWriter) guarded(part func() error) (err error) {
	if m.err != nil {
		return m.err
	}
	defer func() {
		if v := recover(); v != nil {
			err = m.failed(fmt.Errorf("%w (%T)", connectors.ErrMasking, v))
		}
		m.err = err
	}()
	return part()
}

// failed ends the operation, whose output could not be masked.
func (m *maskedWriter) failed(err error) error {
	m.p.g.s.g.o.Log.Error("masking failed", "transcript", m.p.g.s.ID(), "err", err)
	why := "masking failed"
	if errors.Is(err, connectors.ErrMaskingLate) {
		why = "masking took too long"
	}
	return m.p.withhold(&policy.Refusal{Rule: "masks", Reason: "it was ended: " + why + ", so the rest of its output is withheld"})
}

// withhold ends the operation, whose output is not to be shown, and says why.
func (p *permit) withhold(why *policy.Refusal) error {
	p.withheld.CompareAndSwap(nil, why)
	p.g.end(why)
	return why
}

// notText refuses output that is no text, in the name of the rule that let the
// command run.
func (p *permit) notText() *policy.Refusal {
	return &policy.Refusal{Rule: p.terms.rule, Reason: "it was ended: its output is not text, which detectors can read, and the rule does not allow binary output",
		Hint: "print it as text, or ask for a rule with binary: true"}
}
