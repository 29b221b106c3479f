package server

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server/identity"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

type identityKey = identity.Key

// json prints v as WriteJSON does.
func (c *call) json(v any) error { return WriteJSON(c.out, v) }

// done answers with v where the answer is that something was done, which stderr has
// said already.
func (c *call) done(v any) error {
	if c.flags["--json"] == "" {
		return nil
	}
	return c.json(v)
}

// WriteJSON prints v as one line of JSON in which no character can drive a
// terminal.
func WriteJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	_, err = w.Write(append(safeJSON(b), '\n'))
	return err
}

// safeJSON writes as \u escapes what encoding/json leaves raw: DEL, C1, and
// everything invisible or bidirectional that widget.Escape would not let pass.
// Outside of strings JSON is ASCII, so that only strings change.
func safeJSON(b []byte) []byte {
	var out bytes.Buffer
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == 0x7f || (r >= 0x80 && widget.Unsafe(string(r))) {
			if r > 0xffff {
				fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
			} else {
				fmt.Fprintf(&out, `\u%04x`, r)
			}
		} else {
			out.Write(b[:n])
		}
		b = b[n:]
	}
	return out.Bytes()
}

// several is a number of things.
func several[N int | int64 | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// none says on stderr that there is nothing to print: no answer at all looks like a
// mistake.
func (c *call) none(n int, text string) {
	if n == 0 && c.flags["--json"] == "" {
		fmt.Fprintln(c.err, text)
	}
}

// batch is how many rows a verb takes at a time.
const batch = 256

// print streams an answer in the form that the flags ask for.
func (c *call) print(r *session.Answer) error {
	var p rowPrinter
	switch {
	case c.flags["--json"] != "":
		p = &jsonRows{c: c}
	case c.flags["--csv"] != "":
		p = &csvRows{w: csv.NewWriter(c.out), raw: c.flags["--raw"] != ""}
	default:
		p = &tableRows{w: c.out, raw: c.flags["--raw"] != ""}
	}
	first := true
	for {
		rows, err := r.Batch(c.ctx, batch)
		if (first && len(r.Columns()) > 0 && (err == nil || errors.Is(err, io.EOF))) || len(rows) > 0 {
			if werr := p.rows(r.Columns(), rows, first); werr != nil {
				return fmt.Errorf("write rows: %w", werr)
			}
			first = false
		}
		for _, n := range r.Notices() {
			fmt.Fprintln(c.err, "notice: "+widget.Escape(n))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	s := r.Summary()
	if s.Tag != "" {
		fmt.Fprintln(c.err, widget.Escape(s.Tag))
	}
	if s.Masked > 0 || s.Withheld > 0 {
		fmt.Fprintf(c.err, "%s masked, %d withheld\n", several(s.Masked, "cell"), s.Withheld)
	}
	if s.Cut {
		fmt.Fprintf(c.err, "the answer was cut after %s, as %s says\n", several(s.Rows, "row"), widget.Escape(r.CutBy()))
	}
	return nil
}

// rowPrinter prints a batch; first is set with the first one, which may be empty.
type rowPrinter interface {
	rows(cols []connectors.Column, rows []connectors.Row, first bool) error
}

// jsonRows prints one object a line. Cells are text as the target writes them;
// null is null, and so is a cell that is withheld.
type jsonRows struct{ c *call }

func (p *jsonRows) rows(cols []connectors.Column, rows []connectors.Row, _ bool) error {
	var b bytes.Buffer
	for _, r := range rows {
		b.WriteByte('{')
		for i, cell := range r {
			if i > 0 {
				b.WriteByte(',')
			}
			name, err := json.Marshal(cols[i].Name)
			if err != nil {
				return err
			}
			b.Write(name)
			b.WriteByte(':')
			value := []byte("null")
			if !cell.Null {
				if value, err = json.Marshal(cell.Text); err != nil {
					return err
				}
			}
			b.Write(value)
		}
		b.WriteString("}\n")
	}
	_, err := p.c.out.Write(safeJSON(b.Bytes()))
	return err
}

// csvRows prints RFC 4180; null is an empty field.
type csvRows struct {
	w   *csv.Writer
	raw bool
}

func (p *csvRows) rows(cols []connectors.Column, rows []connectors.Row, first bool) error {
	fields := make([]string, len(cols))
	if first {
		for i, c := range cols {
			fields[i] = plain(c.Name, p.raw)
		}
		if err := p.w.Write(fields); err != nil {
			return err
		}
	}
	for _, r := range rows {
		for i, cell := range r {
			fields[i] = plain(cell.Text, p.raw)
			if cell.Null {
				fields[i] = ""
			}
		}
		if err := p.w.Write(fields); err != nil {
			return err
		}
	}
	p.w.Flush()
	return p.w.Error()
}

func plain(s string, raw bool) string {
	if raw {
		return s
	}
	return widget.EscapeLines(s)
}

// tableRows prints aligned columns, as wide as the first batch needs.
type tableRows struct {
	w      io.Writer
	raw    bool
	widths []int
}

// maxColumn bounds a column's width in cells; longer cells stick out.
const maxColumn = 60

func (p *tableRows) rows(cols []connectors.Column, rows []connectors.Row, first bool) error {
	var b strings.Builder
	if first {
		p.measure(cols, rows)
		rule := make([]string, len(cols))
		head := make([]string, len(cols))
		for i, c := range cols {
			head[i] = pad(widget.Escape(c.Name), p.widths[i], false)
			rule[i] = strings.Repeat("-", p.widths[i])
		}
		b.WriteString(strings.TrimRight(strings.Join(head, " | "), " ") + "\n" + strings.Join(rule, "-+-") + "\n")
	}
	line := make([]string, len(cols))
	for _, r := range rows {
		for i, cell := range r {
			line[i] = pad(p.cell(cell), p.widths[i], cols[i].Numeric)
		}
		b.WriteString(strings.TrimRight(strings.Join(line, " | "), " ") + "\n")
	}
	_, err := io.WriteString(p.w, b.String())
	return err
}

func (p *tableRows) measure(cols []connectors.Column, rows []connectors.Row) {
	p.widths = make([]int, len(cols))
	for i, c := range cols {
		p.widths[i] = min(maxColumn, widget.Width(widget.Escape(c.Name)))
	}
	for _, r := range rows {
		for i, cell := range r {
			p.widths[i] = min(maxColumn, max(p.widths[i], widget.Width(p.cell(cell))))
		}
	}
}

func (p *tableRows) cell(c connectors.Cell) string {
	switch {
	case c.Null:
		return ""
	case p.raw:
		return c.Text
	}
	return widget.Escape(c.Text)
}

func pad(s string, width int, right bool) string {
	gap := strings.Repeat(" ", max(0, width-widget.Width(s)))
	if right {
		return gap + s
	}
	return s + gap
}

type headRow struct {
	ID         recorder.ID     `json:"id"`
	Header     recorder.Header `json:"header"`
	Ended      *recorder.End   `json:"ended,omitempty"`
	Operations int             `json:"operations"`
	Events     uint64          `json:"events"`
	Hash       string          `json:"hash"`
}

// HeadsJSON prints transcripts as `transcripts --json` does.
func HeadsJSON(w io.Writer, heads []recorder.Head) error { return WriteJSON(w, headRows(heads)) }

func headRows(heads []recorder.Head) []headRow {
	rows := []headRow{}
	for _, h := range heads {
		rows = append(rows, headRow{h.ID, h.Header, h.Ended, h.Operations, h.Next, fmt.Sprintf("%x", h.Hash)})
	}
	return rows
}
