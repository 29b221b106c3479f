package session

import (
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
// what is kept; else each plan has a writer of its own. It is safe for
// concurrent use.
type maskedWriter struct {
	mu    sync.Mutex
	seen  connectors.Masking
	kept  connectors.Masking // nil where seen records too
	quiet time.Duration
	timer *time.Timer
	// sniff looks whether the stream is text, where it must be; else nil.
	sniff *mask.Sniffer
	// unread is why nothing of the stream may pass, nil where it may.
	unread *policy.Refusal
	p      *permit
	err    error // ends the stream
}

func newMasked(p *permit, k recorder.Kind, w io.Writer, form func(*mask.Plan, io.Writer) *mask.Writer) *maskedWriter {
	rec := &recordWriter{p: p, kind: k}
	m := &maskedWriter{p: p}
	if p.seen.Revision() == p.kept.Revision() {
		m.seen = form(p.seen, &teeWriter{rec, w})
	} else {
		m.seen, m.kept = form(p.seen, w), form(p.kept, rec)
	}
	p.streams = append(p.streams, m)
	return m
}

// hits is how many values were masked in what was shown so far.
func (m *maskedWriter) hits() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen == nil {
		return 0
	}
	return m.seen.Hits()
}

func (m *maskedWriter) Write(b []byte) (n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	err = m.guarded(func() error {
		if m.seen == nil {
			return errors.New("an answer's body came before its head")
		}
		if m.unread != nil && len(b) > 0 {
			return m.p.withhold(m.unread)
		}
		if m.sniff != nil && m.sniff.Binary(b) {
			return m.p.withhold(m.p.notText())
		}
		if m.kept != nil {
			if _, err := m.kept.Write(b); err != nil {
				return err
			}
		}
		n, err = m.seen.Write(b)
		return err
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
		if m.kept != nil {
			if err := m.kept.Flush(); err != nil {
				return err
			}
		}
		if m.seen == nil {
			return nil // a reply without a head
		}
		return m.seen.Flush()
	})
}

// guarded runs a step of the stream. Its error is the last: nothing is shown after
// it, nor is what was held back. A panic ends the operation; its value, which may
// be of the data, is told to nobody.
func (m *maskedWriter) guarded(step func() error) (err error) {
	if m.err != nil {
		return m.err
	}
	defer func() {
		if v := recover(); v != nil {
			m.p.g.s.g.o.Log.Error("masking failed", "transcript", m.p.g.s.ID(), "panic", fmt.Sprintf("%T", v))
			err = m.p.withhold(&policy.Refusal{Rule: "masks", Reason: "it was ended: masking failed, so the rest of its output is withheld"})
		}
		m.err = err
	}()
	return step()
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
