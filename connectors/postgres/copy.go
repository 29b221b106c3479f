package postgres

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/connectors"
)

// maxCopy bounds what a COPY may send: it is held until it has ended.
const maxCopy = 16 << 20

// copies reports whether a statement is a COPY to the client, as text.
func copies(n *pg.Node) bool {
	c := n.GetCopyStmt()
	if c == nil || c.GetIsFrom() || c.GetIsProgram() || c.GetFilename() != "" {
		return false
	}
	for _, o := range c.GetOptions() {
		d := o.GetDefElem()
		if d.GetDefname() == "format" && strings.EqualFold(d.GetArg().GetString_().GetSval(), "binary") || d.GetDefname() == "encoding" {
			return false
		}
	}
	return true
}

// copy runs a COPY TO STDOUT. Its answer has one column, whose rows are its lines.
// Nothing of it can be masked, so that the gate lets none through that holds a
// masked value. The caller holds io.
func (q *source) copy(text string, p connectors.Permit) ([]connectors.Column, error) {
	if q.no != nil {
		return nil, q.conclude("", q.no)
	}
	if p.Seen().MasksColumns() || p.Kept().MasksColumns() {
		// It cannot be parsed beforehand, which would take its locks.
		if lock := q.t.locks(q.c.catalog.Load().structure); lock != "" {
			if err := q.c.exec(q.run, q.g, lock); err != nil {
				return nil, q.conclude("", err)
			}
		}
		if err := q.c.unmoved(q.run, q.g, q.t); err != nil {
			return nil, q.conclude("", err)
		}
		if err := q.c.unchanged(q.run, q.g, q.j, q.f); err != nil {
			return nil, q.conclude("", err)
		}
	}
	q.sent = true
	w := &bounded{}
	tag, err := q.c.pg.CopyTo(q.run, w, text)
	if err == nil && w.over {
		err = fmt.Errorf("%w: the COPY sends more than %d bytes; run the SELECT", connectors.ErrUnsupported, maxCopy)
		return nil, q.conclude("", err)
	}
	if err := q.conclude(tag.String(), q.failure(err)); err != nil {
		return nil, err
	}
	q.over, q.lines = false, &w.Buffer
	from := &connectors.ValueOrigin{Columns: q.t.Columns[0].Sources}
	return []connectors.Column{{Name: "COPY", Type: "text", From: from}}, nil
}

// line returns the next line of a COPY as a row.
func (q *source) line() ([]connectors.Value, error) {
	b, err := q.lines.ReadBytes('\n')
	if len(b) == 0 && err != nil {
		q.over = true
		return nil, io.EOF
	}
	q.vals = append(q.vals[:0], connectors.Value{Bytes: bytes.TrimSuffix(b, []byte("\n"))})
	return q.vals, nil
}

// bounded is a buffer that drops what is too much.
type bounded struct {
	bytes.Buffer
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxCopy {
		b.over = true
		return len(p), nil
	}
	return b.Buffer.Write(p)
}
