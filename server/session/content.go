package session

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// content is the way of a file's content to its requester. A file cannot be masked
// on its way: its size is known before, and programs rely on its bytes. So where
// the person's plan looks into content, the content passes the detectors as the
// output of a command would, and ends at the first thing that they would have
// masked. What is no text from its beginning, which they cannot read, does not pass
// unless the rule says binary; it then passes as it is, and the record says so: a
// chance likeness in an archive is no reason to break it off.
type content struct {
	p     *permit
	w     io.Writer
	bytes atomic.Int64
	// seen is nil where nothing looks into content. looks says that the plan would.
	seen  *mask.Writer
	looks bool
	begun bool
	sniff *mask.Sniffer // nil where the rule says binary
	held  []byte        // what went into seen and has not come out
	err   error
}

var _ connectors.FilePermit = (*permit)(nil)

// Content returns the way of a file's content to w.
func (p *permit) Content(w io.Writer) connectors.Content {
	c := &content{p: p, w: w}
	if p.seen.Detects() {
		c.seen, c.looks = p.seen.Writer(unchanged{c}), true
		if !p.terms.binary {
			c.sniff = new(mask.Sniffer)
		}
	}
	return c
}

// Ordered: what looks into content must see all of it, in order.
func (c *content) Ordered() bool { return c.looks }

// Count takes bytes off the rule's limit.
func (c *content) Count(n int64) error {
	c.p.g.s.lease.touch()
	total := c.bytes.Add(n)
	if most := c.p.terms.stream; most.most > 0 && total > most.most {
		return c.p.withhold(&policy.Refusal{Rule: most.rule, Reason: fmt.Sprintf("it was ended: more was read than the %d bytes that it may have", most.most)})
	}
	return nil
}

func (c *content) Write(b []byte) (int, error) {
	if c.err == nil {
		c.err = c.Count(int64(len(b)))
	}
	if c.err == nil {
		c.err = c.guarded(func() error { return c.look(b) })
	}
	if c.err != nil {
		return 0, c.err
	}
	return len(b), nil
}

func (c *content) look(b []byte) error {
	if !c.begun && c.seen != nil && c.sniff == nil && new(mask.Sniffer).Binary(b) {
		c.seen = nil
		c.p.unexamined.Store(true)
	}
	c.begun = true
	if c.seen == nil {
		_, err := c.w.Write(b)
		return err
	}
	if c.sniff != nil && c.sniff.Binary(b) {
		return c.p.withhold(c.notText())
	}
	c.held = append(c.held, b...)
	_, err := c.seen.Write(b)
	return err
}

// Flush hands on what is held back, at the end of the file.
func (c *content) Flush() error {
	if c.err != nil || c.seen == nil {
		return c.err
	}
	c.err = c.guarded(func() error {
		if c.sniff != nil && c.sniff.Unfinished() {
			return c.p.withhold(c.notText())
		}
		if err := c.seen.Flush(); err != nil {
			return err
		}
		if len(c.held) > 0 {
			return c.p.withhold(c.found())
		}
		return nil
	})
	return c.err
}

// guarded keeps a panic of the detectors from showing anything: it ends the content.
func (c *content) guarded(step func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			c.p.g.s.g.o.Log.Error("masking failed", "transcript", c.p.g.s.ID(), "panic", fmt.Sprintf("%T", v))
			err = c.p.withhold(&policy.Refusal{Rule: "masks", Reason: "it was ended: looking into the file failed, so the rest of it is withheld"})
		}
	}()
	return step()
}

func (c *content) notText() *policy.Refusal {
	return &policy.Refusal{Rule: c.p.terms.rule, Reason: "it was ended: the file is not text, which detectors can read, and the rule does not allow binary content",
		Hint: "ask for a rule with binary: true"}
}

func (c *content) found() *policy.Refusal {
	return &policy.Refusal{Rule: maskRule(c.p.masks), Reason: "it was ended: the file holds what masks hide from you, and a file cannot be masked on its way, so the rest is withheld",
		Hint: "print it by exec, where it is masked"}
}

// unchanged takes what detectors hand on. Anything but what went in is not handed
// on, and ends the content.
type unchanged struct{ c *content }

func (u unchanged) Write(b []byte) (int, error) {
	c := u.c
	if c.seen.Hits() > 0 || !bytes.HasPrefix(c.held, b) {
		return 0, c.p.withhold(c.found())
	}
	n, err := c.w.Write(b)
	c.held = append(c.held[:0], c.held[n:]...)
	return n, err
}
