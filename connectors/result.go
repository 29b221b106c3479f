package connectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Column describes one column of an answer.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type,omitempty"`
	// Numeric columns are drawn right-aligned.
	Numeric bool `json:"numeric,omitempty"`
	// Origin is the base column whose values the cells are, unchanged; nil where
	// the target did not say. OriginKind is the kind of that relation.
	Origin     *mask.Column     `json:"origin,omitempty"`
	OriginKind policy.TableKind `json:"-"`
	// From is where the values come from, as a Trace tells; it takes the place of
	// Origin. Nil where there is none.
	From *ValueOrigin `json:"-"`
	// Document is set where the cells are JSON texts, as a compact encoder writes them,
	// and says where what is in them comes from; it takes the place of From and Origin.
	// Bare ones that are strings show without quotes.
	Document *Document `json:"-"`
	Bare     bool      `json:"-"`
	// Holds is what a masked cell can show and still be of the column's type.
	Holds Holds `json:"-"`
	// AtLeast leaves out the rows in which the column, which counts rows, is less; 0
	// leaves out none.
	AtLeast int64 `json:"-"`
	// Seen and Kept say, after NewResult, how the column is treated.
	Seen Treatment `json:"-"`
	Kept Treatment `json:"treatment,omitzero"`
}

// Holds is what a column's type takes in place of a value.
type Holds uint8

const (
	AnyText  Holds = iota // a text
	JSONText              // a JSON text
	NullOnly              // nothing but null
	Integer               // a whole number
	Decimal               // a number with a fraction
)

// CellState says what a cell shows. The zero value is the safest.
type CellState uint8

const (
	Withheld CellState = iota // nothing of the value shows
	Masked                    // replaced by the mask's method
	Detected                  // parts were replaced by content detectors
	Shown                     // as the target gave it
)

// Cell is one value as text. Null values show as Null, unless withheld.
type Cell struct {
	Text  string
	Null  bool
	State CellState
}

// Row is the cells of one row, in column order.
type Row []Cell

// Value is a cell as the target gave it. Bytes are valid until the next call of
// Source.Next.
type Value struct {
	Bytes []byte
	Null  bool
	// From is where this very value comes from, where those of a column come from
	// several places; it takes the place of what the column says. Nil is as there.
	From *ValueOrigin
	// Document says that the value is a JSON document, as far as its beginning tells:
	// where a plan has paths it is masked by them, and withheld where it cannot be read.
	Document bool
}

// Source yields an answer's rows to a Result. A driver implements it.
type Source interface {
	// Next returns the next row, io.EOF after the last, or an error as Querier
	// describes. Nothing is fetched before it is called.
	Next(ctx context.Context) ([]Value, error)
	// Finish is called once, after io.EOF, an error or an early close, ends what is
	// still running at the target, and returns what is known of the outcome: Tag,
	// Affected, Unknown.
	Finish() Outcome
	// Notices returns and forgets the messages that came since the last call, raw.
	Notices() []string
}

// Summary is what is known of an answer so far, complete after io.EOF.
type Summary struct {
	Tag              string
	Rows             int64
	Affected         int64
	Masked, Withheld int64
	// Cut is set where Terms.MaxRows or MaxBytes ended the answer early.
	Cut bool
}

// Withheld and templated texts.
const (
	withheldText   = "[withheld]"
	templatedError = "the target reported an error; its text is withheld because the statement touches masked data"
	templatedNote  = "[the target's notice is withheld: the statement touches masked data]"
)

// Result is a streaming answer, masked and recorded: what Batch returns was
// recorded before. It is not safe for concurrent use.
type Result struct {
	masker
	src   Source
	block block

	sum     Summary
	bytes   int64
	notices []string
	first   bool
	done    bool
	err     error
	broken  error // no treatment of the columns could be found
}

// NewResult takes over src: it treats each column by both plans of the permit
// and calls permit.Done when the answer has ended, however it ends. Where masking
// fails, a row is not shown and the answer ends, with ErrMasking.
//
// A column that was traced is masked if any column that its values come from is:
// by that column's mask where they are its own, unchanged, and otherwise whole.
//
// A column that was not is shown only if its origin is an unmasked column of a plain or
// partitioned table, or if the statement names only such tables without masks
// and reaches nothing else. A column with a masked origin is masked. All else
// is withheld.
//
// A value that has an origin of its own is treated by that, as a column that was
// traced.
func NewResult(p Permit, f policy.Facts, columns []Column, src Source) *Result {
	r := &Result{src: src, first: true}
	r.masker, r.broken = MaskStep(0, func() masker { return treated(p, f, columns) })
	if r.broken != nil {
		r.masker = masker{permit: p, columns: make([]Column, len(columns)), touches: [2]bool{true, true}}
	}
	if n := r.leavesOut(); n > 0 {
		r.notices = []string{fmt.Sprintf("groups of fewer than %d rows are left out", n)}
	}
	return r
}

// Touches reports whether a statement with these facts may reach a table on
// which the plan masks anything: it names one, or it may reach more than its
// names tell while the plan masks at least one column.
func Touches(p *mask.Plan, f policy.Facts) bool {
	if !p.MasksColumns() {
		return false
	}
	if f.Opaque || f.Class == policy.Unknown {
		return true
	}
	for _, t := range f.Tables {
		if t.Kind != policy.TablePlain && t.Kind != policy.TablePartitioned {
			return true
		}
		if p.MasksTable(t.Schema, t.Name) {
			return true
		}
	}
	return false
}

// Columns are the answer's columns; none for a statement without rows.
func (r *Result) Columns() []Column { return r.columns }

// Summary is what is known so far.
func (r *Result) Summary() Summary { return r.sum }

// Notices returns and forgets the target's messages, masked.
func (r *Result) Notices() []string {
	n := r.notices
	r.notices = nil
	return n
}

// Batch returns up to n rows, at most about 256 KiB of them, or io.EOF when the
// answer has ended. The rows were recorded, by the kept plan, before it returns.
// The rows are the caller's to keep. With an error other than io.EOF there may be
// rows, too: those that came before it. A record that cannot be made is an error
// without rows.
func (r *Result) Batch(ctx context.Context, n int) ([]Row, error) {
	if r.done {
		if r.err != nil {
			return nil, r.err
		}
		return nil, io.EOF
	}
	if r.broken != nil {
		r.finish(r.broken)
		return nil, r.err
	}
	end := r.fetch(ctx, r.ahead(n))
	rows, err := MaskStep(len(r.block.bytes), func() maskedRows { return r.mask(&r.block) })
	if err == nil {
		err = rows.err
	}
	if err != nil {
		end = err
	}
	n = r.count(rows.seen)
	seen, kept := rows.seen[:n], rows.kept[:n]
	if r.full() {
		r.sum.Cut, end = true, io.EOF
	}
	if err := r.observe(ctx, kept); err != nil {
		r.finish(err)
		return nil, err
	}
	switch {
	case end == nil:
		return seen, nil
	case !errors.Is(end, io.EOF):
		r.finish(end)
		return seen, r.err
	}
	r.finish(nil)
	switch {
	case r.err != nil:
		return seen, r.err
	case len(seen) == 0:
		return nil, io.EOF
	}
	return seen, nil
}

// ahead is how many of n rows may be fetched before one knows what they show.
func (r *Result) ahead(n int) int {
	if most := r.permit.Terms().MaxRows; most > 0 {
		n = int(min(int64(n), most-r.sum.Rows))
	}
	return n
}

// small reports whether a row is about fewer rows than it may be. What is no
// number is about none.
func (r *Result) small(vals []Value) bool {
	for i, c := range r.columns {
		if c.AtLeast <= 0 {
			continue
		}
		if n, err := strconv.ParseInt(string(vals[i].Bytes), 10, 64); err != nil || vals[i].Null || n < c.AtLeast {
			return true
		}
	}
	return false
}

// leavesOut is the least number of rows that a row of the answer may be about.
func (r *Result) leavesOut() (least int64) {
	for _, c := range r.columns {
		least = max(least, c.AtLeast)
	}
	return least
}

// full reports whether the answer has reached its terms.
func (r *Result) full() bool {
	t := r.permit.Terms()
	return t.MaxRows > 0 && r.sum.Rows >= t.MaxRows || t.MaxBytes > 0 && r.bytes >= t.MaxBytes
}

// count counts the rows that the terms allow, and returns how many these are. Their size
// is that of what shows: where the answer is cut tells no more.
func (r *Result) count(seen []Row) int {
	for n, row := range seen {
		if r.full() {
			return n
		}
		for i := range row {
			r.bytes += int64(len(row[i].Text) + cellSize)
			switch row[i].State {
			case Withheld:
				r.sum.Withheld++
			case Masked, Detected:
				r.sum.Masked++
			}
		}
		r.sum.Rows++
	}
	return len(seen)
}

// Close ends the answer where it stands. It may be called more than once.
func (r *Result) Close() error {
	if !r.done {
		r.finish(nil)
	}
	return nil
}

func (r *Result) observe(ctx context.Context, kept []Row) error {
	for _, n := range r.src.Notices() {
		texts, err := MaskStep(len(n), func() [2]string { return [2]string{r.notice(n, 0), r.notice(n, 1)} })
		if err != nil {
			return err
		}
		r.notices = append(r.notices, texts[0])
		if err := r.permit.Observe(ctx, Chunk{Notice: texts[1]}); err != nil {
			return err
		}
	}
	if len(kept) == 0 && !r.first {
		return nil
	}
	c := Chunk{Rows: kept}
	if r.first {
		c.Columns, r.first = r.columns, false
	}
	return r.permit.Observe(ctx, c)
}

func (r *Result) notice(text string, which int) string {
	if r.touches[which] {
		return templatedNote
	}
	p := r.permit.Seen()
	if which == 1 {
		p = r.permit.Kept()
	}
	text, _ = p.Text(text)
	return text
}

// SafeError returns err as it may be shown under plan: the text of a
// *TargetError is templated where the statement touches masked data, and
// otherwise passes the content detectors.
func SafeError(p *mask.Plan, touches bool, err error) error {
	var te *TargetError
	if !errors.As(err, &te) {
		return err
	}
	if touches {
		return &TargetError{Code: templatedCode(te), Text: templatedError, Position: te.Position, Late: te.Late}
	}
	text, merr := MaskStep(len(te.Text), func() string { s, _ := p.Text(te.Text); return s })
	if merr != nil {
		text = templatedError
	}
	return &TargetError{Code: te.Code, Text: text, Position: te.Position, Late: te.Late}
}

// templatedCode is the code of an error whose text is withheld. What a value was
// taken for, a number, a name, an expression, can be told by how it failed, so
// those that come of values go by the name of their class, one for all. Errors of
// the statement's own text come with a position in it.
func templatedCode(te *TargetError) string {
	if te.Position > 0 || len(te.Code) != 5 {
		return te.Code
	}
	switch te.Code[:2] {
	case "22", "2B", "2F", "38", "39", "3F", "0A", "42", "54", "P0", "XX":
		if te.Code != "42501" { // what one may not do depends on no value
			return "22000"
		}
	}
	return te.Code
}

// finish settles the answer: r.err becomes what the requester is told of err,
// and the outcome holds it as the transcript may keep it.
func (r *Result) finish(err error) {
	r.done = true
	o := r.src.Finish()
	if err == nil {
		err = o.Err
	}
	r.err = SafeError(r.permit.Seen(), r.touches[0], err)
	o.Err = SafeError(r.permit.Kept(), r.touches[1], err)
	if n := r.leavesOut(); n > 0 {
		// The target's own tag counts what was left out, too.
		o.Tag = fmt.Sprintf("SELECT %d", r.sum.Rows)
	}
	r.sum.Tag, r.sum.Affected = o.Tag, o.Affected
	o.Rows, o.Masked, o.Withheld = r.sum.Rows, r.sum.Masked, r.sum.Withheld
	r.permit.Done(o)
}

// Settle ends a permitted operation that has no Result: it calls Done with
// o.Err as the transcript may keep it, and returns it as the requester may see
// it. reached says that the target got the operation, so that its words may hold
// data.
func Settle(p Permit, f policy.Facts, reached bool, o Outcome) error {
	err := o.Err
	o.Err = SafeError(p.Kept(), reached && Touches(p.Kept(), f), err)
	p.Done(o)
	return SafeError(p.Seen(), reached && Touches(p.Seen(), f), err)
}
