package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/export"
	"github.com/sallyport/sallyport/server/session"
)

// formats are the words of replay --export.
var formats = map[string]bool{"text": true, "asciicast": true, "cast2": true, "operations": true, "bundle": true}

// export writes a whole transcript in a form for use elsewhere. What was recorded
// is masked as it is kept, and stays so.
func (c *call) export(id recorder.ID, format string) error {
	if !formats[format] {
		return usageError("--export is one of text, asciicast, cast2, operations and bundle")
	}
	if format == "bundle" && c.a.tty {
		return usageError("a bundle is no text: send it to a file, without ssh -t")
	}
	p, err := c.v.Replay(c.ctx, id, session.Access{Act: "export " + format, Reason: c.flags["--reason"]})
	if err != nil {
		return needsReason(err)
	}
	events := recorder.Events(c.ctx, 0, p.Events)
	switch h := p.Head(); format {
	case "text":
		return export.Text(c.out, h, events)
	case "asciicast", "cast2":
		version := map[string]int{"asciicast": 3, "cast2": 2}[format]
		w := &safeLines{w: c.out}
		return errors.Join(export.Cast(w, h, events, version), w.flush())
	case "operations":
		w := &safeLines{w: c.out}
		return errors.Join(export.Operations(w, h, events), w.flush())
	default:
		proof, err := p.Proof()
		if err != nil {
			return err
		}
		return export.Bundle(c.out, h, events, proof)
	}
}

// safeLines passes lines of JSON on with safeJSON.
type safeLines struct {
	w    io.Writer
	rest []byte
}

func (s *safeLines) Write(b []byte) (int, error) {
	s.rest = append(s.rest, b...)
	if i := bytes.LastIndexByte(s.rest, '\n'); i >= 0 {
		if _, err := s.w.Write(safeJSON(s.rest[:i+1])); err != nil {
			return 0, fmt.Errorf("write export: %w", err)
		}
		s.rest = append(s.rest[:0], s.rest[i+1:]...)
	}
	return len(b), nil
}

func (s *safeLines) flush() error {
	_, err := s.w.Write(safeJSON(s.rest))
	return err
}

// needsReason makes a refusal of a look without a reason.
func needsReason(err error) error {
	var need *session.ReasonNeeded
	if errors.As(err, &need) {
		return &policy.Refusal{Rule: need.Role, Reason: need.Error(), Hint: "add --reason TEXT; it is on record"}
	}
	return err
}
