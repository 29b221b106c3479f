package clickhouse

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/sallyport/sallyport/connectors"
)

// Bounds of what a target may answer.
const (
	maxValue   = 16 << 20 // bytes of one value
	maxRow     = 32 << 20 // bytes of one row
	maxMeta    = 8 << 20  // bytes of the columns' names and types
	maxColumns = 10_000
	maxNesting = 200
	maxError   = 64 << 10
	tailSize   = 8 << 10
)

// answer reads the format JSONCompact as it comes, a row at a time:
//
//	{"meta": [{"name": …, "type": …}, …], "data": [[…], …], "rows": n, …}
//
// The format says where the answer ends, as lines of text do not: a server that fails
// in the middle writes its error into what it was writing.
type answer struct {
	r    *bufio.Reader
	tail *tail

	columns []column
	vals    []connectors.Value
	buf     []byte // of the row
	ends    []int
	rows    int64
	done    bool
	// totals is the row of WITH TOTALS, as it stands in the answer.
	totals string
}

// column is what a target says of one.
type column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// tail keeps the last bytes that were read: an error's, where one stands there.
type tail struct {
	r io.Reader
	b []byte
}

func (t *tail) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	if n >= tailSize {
		t.b = append(t.b[:0], b[n-tailSize:n]...)
		return n, err
	}
	t.b = append(t.b, b[:n]...)
	if extra := len(t.b) - tailSize; extra > 0 {
		t.b = t.b[:copy(t.b, t.b[extra:])]
	}
	return n, err
}

// newAnswer reads up to the first row. An answer without columns is that of a statement
// which has none.
func newAnswer(res *http.Response) (*answer, error) {
	if res.StatusCode != http.StatusOK {
		return nil, failed(res)
	}
	t := &tail{r: res.Body}
	a := &answer{r: bufio.NewReaderSize(t, 64<<10), tail: t}
	c, err := a.peek()
	if errors.Is(err, io.EOF) {
		a.done = true
		return a, nil
	}
	if err != nil || c != '{' {
		return nil, a.broken(err, "its answer is not in the format that was asked for")
	}
	_ = a.skip()
	for {
		key, end, err := a.key()
		switch {
		case err != nil:
			return nil, a.broken(err, "its answer cannot be read")
		case end:
			return nil, a.broken(nil, "its answer has no rows")
		}
		switch key {
		case "meta":
			if err := a.meta(); err != nil {
				return nil, a.broken(err, "its answer's columns cannot be read")
			}
		case "data":
			if c, err := a.peek(); err != nil || c != '[' || len(a.columns) == 0 {
				return nil, a.broken(err, "its answer's rows cannot be read")
			}
			return a, a.skip()
		default:
			return nil, a.broken(nil, "its answer begins with what was not asked for")
		}
	}
}

// peek passes white space and returns the next byte without taking it.
func (a *answer) peek() (byte, error) {
	for {
		c, err := a.r.ReadByte()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c, a.r.UnreadByte()
		}
	}
}

func (a *answer) skip() error {
	_, err := a.r.ReadByte()
	return err
}

var errFormat = errors.New("not in the format")

// expect takes the next byte, which must be c.
func (a *answer) expect(c byte) error {
	got, err := a.peek()
	if err != nil {
		return err
	}
	if got != c {
		return errFormat
	}
	return a.skip()
}

// key reads the next key and its colon; end is the object's end.
func (a *answer) key() (key string, end bool, err error) {
	c, err := a.peek()
	if err != nil {
		return "", false, err
	}
	switch c {
	case '}':
		return "", true, a.skip()
	case ',':
		_ = a.skip()
	}
	raw, err := a.value(nil, 1<<10)
	if err != nil {
		return "", false, err
	}
	if err := json.Unmarshal(raw, &key); err != nil {
		return "", false, errFormat
	}
	return key, false, a.expect(':')
}

func (a *answer) meta() error {
	raw, err := a.value(nil, maxMeta)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &a.columns); err != nil || len(a.columns) > maxColumns {
		return errFormat
	}
	a.vals = make([]connectors.Value, len(a.columns))
	a.ends = make([]int, len(a.columns))
	return nil
}

var errLarge = errors.New("too large")

// next returns the next row, io.EOF after the last. Its bytes are valid until the next
// call.
func (a *answer) next() ([]connectors.Value, error) {
	if a.done {
		return nil, io.EOF
	}
	c, err := a.peek()
	if err == nil && c == ',' && a.rows > 0 {
		_ = a.skip()
		c, err = a.peek()
	}
	switch {
	case err != nil:
		return nil, a.broken(err, "its answer ends in the middle")
	case c == ']':
		_ = a.skip()
		return nil, a.finish()
	case c != '[':
		return nil, a.broken(nil, "a row cannot be read")
	}
	_ = a.skip()
	if err := a.row(); err != nil {
		return nil, a.broken(err, "a row cannot be read")
	}
	a.rows++
	return a.vals, nil
}

func (a *answer) row() error {
	a.buf = a.buf[:0]
	if cap(a.buf) > 4<<20 {
		a.buf = nil // of one large row
	}
	for i := range a.columns {
		if i > 0 {
			if err := a.expect(','); err != nil {
				return err
			}
		}
		var err error
		if a.buf, err = a.value(a.buf, min(maxValue, maxRow-len(a.buf))); err != nil {
			return err
		}
		a.ends[i] = len(a.buf)
	}
	from := 0
	for i, end := range a.ends {
		var err error
		if a.vals[i], err = decode(a.buf[from:end:end]); err != nil {
			return err
		}
		from = end
	}
	return a.expect(']')
}

// finish reads what follows the rows.
func (a *answer) finish() error {
	for {
		key, end, err := a.key()
		if err != nil {
			return a.broken(err, "its answer's end cannot be read")
		}
		if end {
			break
		}
		raw, err := a.value(nil, maxMeta)
		if err != nil {
			return a.broken(err, "its answer's end cannot be read")
		}
		switch key {
		case "exception":
			var text string
			_ = json.Unmarshal(raw, &text)
			return refusedBy(text)
		case "rows":
			if n, err := strconv.ParseInt(string(raw), 10, 64); err != nil || n != a.rows {
				return a.broken(nil, fmt.Sprintf("it sent %d rows and says that there are others", a.rows))
			}
		case "totals":
			a.totals = string(raw)
		}
	}
	if _, err := a.peek(); !errors.Is(err, io.EOF) {
		return a.broken(err, "something follows its answer")
	}
	a.done = true
	return io.EOF
}

// broken is why an answer cannot be read on: an error of the server's that stands in
// it, the line, or its form.
func (a *answer) broken(err error, why string) error {
	a.done = true
	_, _ = io.CopyN(io.Discard, a.r, maxError)
	if i := bytes.LastIndex(a.tail.b, []byte("Code: ")); i >= 0 && bytes.Contains(a.tail.b[i:], []byte("Exception")) {
		return refusedBy(string(a.tail.b[i:]))
	}
	switch {
	case errors.Is(err, errLarge):
		return malformed(fmt.Sprintf("a value is larger than %d MiB, or a row than %d MiB", maxValue>>20, maxRow>>20))
	case err == io.EOF: // the bare one is the end of the body, not of the line
		return malformed(why + ": it ends in the middle")
	case err != nil && !errors.Is(err, errFormat):
		return err
	}
	return malformed(why)
}

// failed is what a target says that does not answer with rows.
func failed(res *http.Response) error {
	b, err := io.ReadAll(io.LimitReader(res.Body, maxError))
	if err != nil && len(b) == 0 {
		return err
	}
	text := string(bytes.ToValidUTF8(b, []byte("?")))
	var told struct {
		Exception string `json:"exception"`
	}
	if json.Unmarshal(b, &told) == nil && told.Exception != "" {
		text = told.Exception // newer servers keep to the format
	}
	if r := refusedBy(text); r.code != 0 {
		r.status = res.StatusCode
		return r
	}
	return malformed(fmt.Sprintf("it answers with HTTP status %d and no error of ClickHouse's", res.StatusCode))
}

func malformed(why string) error { return fmt.Errorf("%w: %s", connectors.ErrProtocol, why) }
