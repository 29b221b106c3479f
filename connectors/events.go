package connectors

import (
	"bytes"
	"io"

	"github.com/sallyport/sallyport/mask"
)

// events masks a stream of server-sent events: what follows "data:" on a line is
// one JSON document where it looks like one, or where there are paths; every line
// else is text. A line without its end is held back up to maxEvent bytes; what is
// longer is withheld. The zero value but for w and plan is right.
type events struct {
	w      io.Writer
	plan   *mask.Plan
	paths  *mask.Paths
	notify func(mask.Mark)

	line  []byte
	skip  bool // the line at hand is too long, and withheld already
	wrote int64
	hits  int64
	err   error
}

const maxEvent = 1 << 20

var dataField = []byte("data:")

// Write masks the lines that have come whole.
func (e *events) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 && e.err == nil {
		end := bytes.IndexAny(b, "\r\n")
		if end < 0 {
			e.hold(b)
			break
		}
		e.hold(b[:end])
		e.end(b[end : end+1])
		b = b[end+1:]
	}
	if e.err != nil {
		return 0, e.err
	}
	return n, nil
}

// Flush masks a line without its end.
func (e *events) Flush() error {
	if e.err == nil {
		e.end(nil)
	}
	return e.err
}

// Hits is how many values were masked so far.
func (e *events) Hits() int64 { return e.hits }

func (e *events) hold(b []byte) {
	if e.skip {
		return
	}
	if e.line = append(e.line, b...); len(e.line) > maxEvent {
		e.line, e.skip = e.line[:0], true
		e.note(mask.Mark{Len: len(mask.Redacted)})
		e.put([]byte(mask.Redacted))
	}
}

// end masks the line at hand and puts its end behind it.
func (e *events) end(with []byte) {
	line := e.line
	e.line = e.line[:0]
	if e.skip {
		e.skip = false
		e.put(with)
		return
	}
	if value, ok := bytes.CutPrefix(line, dataField); ok {
		e.put(dataField)
		e.value(value)
	} else if len(line) > 0 {
		e.text(line)
	}
	e.put(with)
}

func (e *events) value(b []byte) {
	inner := bytes.TrimLeft(b, " ")
	if e.paths == nil && (len(inner) == 0 || inner[0] != '{' && inner[0] != '[' && inner[0] != '"') {
		e.text(b)
		return
	}
	j := e.plan.JSON(sink{e}, e.paths)
	j.Notify = e.from(e.wrote)
	e.masked(j, b)
}

func (e *events) text(b []byte) {
	t := e.plan.Writer(sink{e})
	t.Notify = e.from(e.wrote)
	e.masked(t, b)
}

func (e *events) masked(m Masking, b []byte) {
	if _, err := m.Write(b); err != nil && e.err == nil {
		e.err = err
	}
	if err := m.Flush(); err != nil && e.err == nil {
		e.err = err
	}
	e.hits += m.Hits()
}

// from moves marks of a part that begins there.
func (e *events) from(at int64) func(mask.Mark) {
	if e.notify == nil {
		return nil
	}
	return func(m mask.Mark) {
		m.At += at
		e.notify(m)
	}
}

func (e *events) note(m mask.Mark) {
	e.hits++
	if e.notify != nil {
		m.At = e.wrote
		e.notify(m)
	}
}

func (e *events) put(b []byte) {
	if len(b) == 0 || e.err != nil {
		return
	}
	n, err := e.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	e.wrote += int64(n)
	e.err = err
}

// sink takes the masked parts of a line.
type sink struct{ e *events }

func (s sink) Write(b []byte) (int, error) {
	s.e.put(b)
	if s.e.err != nil {
		return 0, s.e.err
	}
	return len(b), nil
}
