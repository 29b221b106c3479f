package connectors

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// maxBatch is about how much of an answer is in memory at once, in bytes; of a row
// that is larger, all of it.
const maxBatch = 256 << 10

// cellSize is what a cell costs beside its text.
const cellSize = 32

// block is some rows as the target gave them, copied, to be masked in one step.
type block struct {
	bytes []byte // of all values, one after the other
	cells []rawCell
	rows  int
}

type rawCell struct {
	end  int // in bytes
	null bool
	from *ValueOrigin // of this very value, nil for what its column says
	doc  bool
}

func (b *block) add(vals []Value) {
	for _, v := range vals {
		b.bytes = append(b.bytes, v.Bytes...)
		b.cells = append(b.cells, rawCell{len(b.bytes), v.Null, v.From, v.Document})
	}
	b.rows++
}

func (b *block) size() int { return len(b.bytes) + cellSize*len(b.cells) }

// fetch reads up to n rows, or as many as there are before an error.
func (r *Result) fetch(ctx context.Context, n int) error {
	b := &r.block
	if cap(b.bytes) > 2*maxBatch {
		b.bytes = nil // that of one large row is not kept
	}
	b.bytes, b.cells, b.rows = b.bytes[:0], b.cells[:0], 0
	for b.rows < n && b.size() < maxBatch {
		vals, err := r.src.Next(ctx)
		if err != nil {
			return err
		}
		if len(vals) != len(r.columns) {
			// Cells beyond the described columns have no treatment.
			return fmt.Errorf("a row of %d values in an answer of %d columns: %w", len(vals), len(r.columns), ErrProtocol)
		}
		if r.small(vals) {
			continue
		}
		b.add(vals)
	}
	return nil
}

// masker masks rows by both plans of a permit.
type masker struct {
	permit  Permit
	columns []Column
	touches [2]bool // seen, kept: the statement may touch masked data
	alike   bool    // the plans are: what is seen is what is kept
	text    []byte  // of the row at hand
	ends    []int   // of its cells, in text
}

// treated finds the treatment of columns by both plans.
func treated(p Permit, f policy.Facts, columns []Column) masker {
	m := masker{permit: p, columns: make([]Column, len(columns)), alike: p.Seen().Revision() == p.Kept().Revision()}
	m.touches = [2]bool{Touches(p.Seen(), f), Touches(p.Kept(), f)}
	for i, c := range columns {
		c.Seen = treat(p.Seen(), c, m.touches[0])
		c.Kept = treat(p.Kept(), c, m.touches[1])
		m.columns[i] = c
	}
	return m
}

// maskedRows are those before the one, if any, where err says that masking failed.
type maskedRows struct {
	seen, kept []Row
	err        error
}

func (m *masker) mask(b *block) (rows maskedRows) {
	defer caught(&rows.err)
	rows.seen, rows.kept = make([]Row, 0, b.rows), make([]Row, 0, b.rows)
	at, rest := 0, b.cells
	for n := len(m.columns); len(rows.seen) < b.rows; rest = rest[n:] {
		seen, kept := m.row(b.bytes, at, rest[:n])
		rows.seen, rows.kept = append(rows.seen, seen), append(rows.kept, kept)
		if n > 0 {
			at = rest[n-1].end
		}
	}
	return rows
}

// row masks the values that begin at a place of the bytes. Its cells are one
// allocation, for both plans, and so are their texts: rows are the caller's to
// keep, each by itself.
func (m *masker) row(bytes []byte, at int, raw []rawCell) (seen, kept Row) {
	n := len(raw)
	cells := make(Row, 2*n)
	seen, kept = cells[:n:n], cells[n:]
	m.text, m.ends = m.text[:0], m.ends[:0]
	m.apply(m.permit.Seen(), seen, bytes, at, raw, func(c *Column) *Treatment { return &c.Seen })
	if !m.alike {
		m.apply(m.permit.Kept(), kept, bytes, at, raw, func(c *Column) *Treatment { return &c.Kept })
	}
	all, from := string(m.text), 0
	for i, end := range m.ends {
		if end > from {
			cells[i].Text = all[from:end]
		}
		from = end
	}
	if m.alike {
		copy(kept, seen)
	}
	return seen, kept
}

// apply fills in cells by one plan. Text of the values themselves goes to m.text.
func (m *masker) apply(p *mask.Plan, cells Row, bytes []byte, at int, raw []rawCell, by func(*Column) *Treatment) {
	for i, v := range raw {
		t := by(&m.columns[i])
		if v.from != nil {
			own := treat(p, Column{From: v.from, Holds: m.columns[i].Holds}, true)
			t = &own
		}
		if v.doc && t.State == Shown && !t.clear && p.Paths() != nil {
			cells[i], m.text = document(p, bytes[at:v.end], m.text)
		} else {
			cells[i], m.text = t.apply(p, v.null, bytes[at:v.end], m.text)
		}
		m.ends = append(m.ends, len(m.text))
		at = v.end
	}
}
