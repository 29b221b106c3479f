package connectors

import (
	"bytes"
	"io"

	"github.com/sallyport/sallyport/mask"
)

// events masks a stream of server-sent events. Where there are paths, what follows
// "data:" on the lines of an event is JSON, and from where it is not, or an event
// ends within a document, everything is withheld. Where there are none, a line of
// data that looks like JSON is read as such, and every other as text. A line without
// its end is held back up to maxEvent bytes; what is longer is withheld.
type events struct {
	w      io.Writer
	plan   *mask.Plan
	paths  *mask.Paths
	notify func(mask.Mark)

	line  []byte
	cr    bool       // the last line ended in CR: an LF belongs to it
	skip  bool       // the line at hand is too long, and withheld already
	doc   *mask.JSON // of the event at hand, where there are paths
	shut  bool       // everything is withheld
	key   bool       // within a private key, line by line
	wrote int64
	hits  int64
	err   error
}

const maxEvent = 1 << 20

var (
	dataField = []byte("data:")
	pemBegin  = []byte("PRIVATE KEY-----")
	pemEnd    = []byte("-----END")
)

// Write masks the lines that have come whole.
func (e *events) Write(b []byte) (int, error) {
	n := len(b)
	for len(b) > 0 && e.err == nil && !e.shut {
		if e.cr && b[0] == '\n' {
			e.cr = false
			e.through(b[:1])
			b = b[1:]
			continue
		}
		e.cr = false
		end := bytes.IndexAny(b, "\r\n")
		if end < 0 {
			e.hold(b)
			break
		}
		e.hold(b[:end])
		e.end(b[end : end+1])
		e.cr = b[end] == '\r'
		b = b[end+1:]
	}
	if e.err != nil {
		return 0, e.err
	}
	return n, nil
}

// Flush masks a line without its end.
func (e *events) Flush() error {
	if e.err == nil && !e.shut {
		e.end(nil)
		e.over()
	}
	return e.err
}

// Hits is how many values were masked so far.
func (e *events) Hits() int64 {
	if e.doc != nil {
		return e.hits + e.doc.Hits()
	}
	return e.hits
}

func (e *events) hold(b []byte) {
	if e.skip {
		return
	}
	if e.line = append(e.line, b...); len(e.line) > maxEvent {
		e.line, e.skip = e.line[:0], true
		e.withhold()
	}
}

// withhold puts what stands for what does not show.
func (e *events) withhold() {
	e.hits++
	if e.notify != nil {
		e.notify(mask.Mark{At: e.wrote, Len: len(mask.Redacted)})
	}
	e.put([]byte(mask.Redacted))
}

// end masks the line at hand and puts its end behind it.
func (e *events) end(with []byte) {
	line := e.line
	e.line = e.line[:0]
	value, data := bytes.CutPrefix(line, dataField)
	switch {
	case e.skip:
		if e.skip = false; e.paths != nil {
			e.shut = true // a part of a document is missing
			return
		}
	case len(line) == 0:
		e.over()
	case data && e.paths != nil:
		e.put(dataField)
		e.part(value)
	case e.paths != nil && !eventField(line):
		// Whatever says of itself that it is events, and is something else.
		e.withhold()
		e.shut = true
		return
	case e.key:
		e.key = !bytes.Contains(line, pemEnd)
		e.withhold()
	default:
		e.keyLine(line)
		if data {
			e.put(dataField)
			e.value(value)
		} else {
			e.text(line)
		}
	}
	e.through(with)
}

// eventField reports whether a line is one that events have beside data.
func eventField(line []byte) bool {
	for _, f := range []string{":", "event:", "id:", "retry:"} {
		if bytes.HasPrefix(line, []byte(f)) {
			return true
		}
	}
	return false
}

// part masks a line of the event's document.
func (e *events) part(b []byte) {
	if e.doc == nil {
		n := new(int64)
		e.doc = e.plan.JSON(sink{e, n}, e.paths)
		if e.notify != nil {
			// Names of fields stand between the lines of a document.
			e.doc.Notify = func(m mask.Mark) {
				m.At += e.wrote - *n
				e.notify(m)
			}
		}
	}
	e.take(e.doc.Write(b))
}

// through puts the end of a line. Within a document it ends what is held back of it.
func (e *events) through(with []byte) {
	if e.doc != nil {
		e.take(e.doc.Write(with))
		return
	}
	e.put(with)
}

// over ends the event at hand. A document that goes on in the next cannot be
// followed.
func (e *events) over() {
	if e.doc == nil {
		return
	}
	doc := e.doc
	if err := doc.Flush(); err != nil && e.err == nil {
		e.err = err
	}
	e.doc, e.hits = nil, e.hits+doc.Hits()
	if !doc.Whole() {
		e.shut = true
	}
}

// keyLine notes that a private key begins whose lines come one by one, where the
// plan hides those.
func (e *events) keyLine(line []byte) {
	if !bytes.Contains(line, pemBegin) || bytes.Contains(line, pemEnd) {
		return
	}
	_, hidden := e.plan.Text("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n")
	e.key = hidden
}

func (e *events) value(b []byte) {
	inner := bytes.TrimLeft(b, " ")
	if len(inner) == 0 || inner[0] != '{' && inner[0] != '[' && inner[0] != '"' {
		e.text(b)
		return
	}
	j := e.plan.JSON(sink{e, new(int64)}, nil)
	j.Notify = e.from(e.wrote)
	e.masked(j, b)
}

func (e *events) text(b []byte) {
	t := e.plan.Writer(sink{e, new(int64)})
	t.Notify = e.from(e.wrote)
	e.masked(t, b)
}

func (e *events) masked(m Masking, b []byte) {
	e.take(m.Write(b))
	if err := m.Flush(); err != nil && e.err == nil {
		e.err = err
	}
	e.hits += m.Hits()
}

func (e *events) take(_ int, err error) {
	if err != nil && e.err == nil {
		e.err = err
	}
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

// sink takes masked parts and counts them.
type sink struct {
	e *events
	n *int64
}

func (s sink) Write(b []byte) (int, error) {
	s.e.put(b)
	*s.n += int64(len(b))
	if s.e.err != nil {
		return 0, s.e.err
	}
	return len(b), nil
}
