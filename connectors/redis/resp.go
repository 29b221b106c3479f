package redis

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/sallyport/sallyport/connectors"
)

// Bounds of what a server may say. More breaks the protocol, but for a value, which
// may be larger than what is read of it here.
const (
	maxLine  = 64 << 10 // of a status, an error, a number
	maxValue = 8 << 20
	maxDepth = 64
	maxCount = 1 << 32 // of what is in an aggregate
)

// errLarge is a value that is not read.
var errLarge = fmt.Errorf("%w: a value is larger than %d MiB; GETRANGE reads a part", connectors.ErrUnsupported, maxValue>>20)

func malformed(what string) error { return fmt.Errorf("%w: %s", connectors.ErrProtocol, what) }

// Kinds of what a server says, by the sign of RESP3 that stands for it; what RESP2
// writes otherwise is made the same.
const (
	isStatus    = '+'
	isError     = '-'
	isNumber    = ':'
	isBulk      = '$'
	isArray     = '*'
	isNull      = '_'
	isDouble    = ','
	isBool      = '#'
	isBig       = '('
	isVerbatim  = '='
	isMap       = '%'
	isSet       = '~'
	isPush      = '>'
	isAttribute = '|'
)

// item is one thing that a server says: a value, or the head of an aggregate with how
// many values are in it (of a map, twice as many as pairs). Its text is valid until the
// next.
type item struct {
	kind byte
	text []byte
	n    int64
}

func (i item) aggregate() bool {
	return i.kind == isArray || i.kind == isMap || i.kind == isSet || i.kind == isPush
}

// wire reads and writes RESP2 and RESP3 on a line. After an error that is not
// errLarge it is broken: nobody knows where the next answer begins.
type wire struct {
	nc     net.Conn
	r      *bufio.Reader
	buf    []byte
	read   int64 // bytes that came, for those who bound what they pass over
	broken bool
}

func newWire(nc net.Conn) *wire { return &wire{nc: nc, r: bufio.NewReaderSize(nc, 32<<10)} }

// send writes a command. Nothing may have come since the last answer but what is pushed:
// it would be taken for the answer to this one.
func (w *wire) send(args []string) error {
	if w.r.Buffered() > 0 {
		if b, _ := w.r.Peek(1); b[0] != isPush {
			w.broken = true
			return malformed("it says more than it was asked")
		}
	}
	n := 16
	for _, a := range args {
		n += len(a) + 24
	}
	b := make([]byte, 0, n)
	b = append(strconv.AppendInt(append(b, '*'), int64(len(args)), 10), "\r\n"...)
	for _, a := range args {
		b = append(strconv.AppendInt(append(b, '$'), int64(len(a)), 10), "\r\n"...)
		b = append(append(b, a...), "\r\n"...)
	}
	if _, err := w.nc.Write(b); err != nil {
		w.broken = true
		return err
	}
	return nil
}

// next reads the next item. Attributes, which say something about what follows, are
// passed over.
func (w *wire) next() (item, error) {
	for {
		it, err := w.item()
		if err != nil {
			if !errors.Is(err, errLarge) {
				w.broken = true
			}
			return item{}, err
		}
		if it.kind != isAttribute {
			return it, nil
		}
		if err := w.skip(it.n, 1); err != nil {
			w.broken = true
			return item{}, err
		}
	}
}

// begin reads the first item of an answer. What is pushed in between, of which nothing
// was asked for, is passed over.
func (w *wire) begin() (item, error) {
	for {
		it, err := w.next()
		if err != nil || it.kind != isPush {
			return it, err
		}
		if err := w.skip(it.n, 1); err != nil {
			w.broken = true
			return item{}, err
		}
	}
}

// skip passes over so many items with all that is in them.
func (w *wire) skip(n int64, depth int) error {
	if depth > maxDepth {
		return malformed("an answer is nested too deeply")
	}
	for ; n > 0; n-- {
		it, err := w.item()
		if err != nil && !errors.Is(err, errLarge) {
			return err
		}
		if it.aggregate() || it.kind == isAttribute {
			if err := w.skip(it.n, depth+1); err != nil {
				return err
			}
			if it.kind == isAttribute {
				n++
			}
		}
	}
	return nil
}

// item reads one item, an attribute's head too.
func (w *wire) item() (item, error) {
	line, err := w.line()
	if err != nil {
		return item{}, err
	}
	if len(line) == 0 {
		return item{}, malformed("an empty line")
	}
	w.read += int64(len(line))
	it := item{kind: line[0], text: line[1:]}
	switch it.kind {
	case isStatus, isError:
		return it, nil
	case isNumber, isBig:
		return it, number(it.text)
	case isDouble:
		if len(it.text) == 0 || len(it.text) > 64 {
			return item{}, malformed("a number that is none")
		}
		return it, nil
	case isBool:
		if string(it.text) != "t" && string(it.text) != "f" {
			return item{}, malformed("neither true nor false")
		}
		return it, nil
	case isNull:
		it.text = nil
		return it, nil
	case isBulk, isVerbatim, '!':
		return w.bulk(it)
	case isArray, isMap, isSet, isPush, isAttribute:
		return head(it)
	}
	return item{}, malformed(fmt.Sprintf("an answer of kind %q", it.kind))
}

// number checks a whole number of any length.
func number(text []byte) error {
	digits := text
	if len(digits) > 0 && (digits[0] == '-' || digits[0] == '+') {
		digits = digits[1:]
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return malformed("a number that is none")
		}
	}
	if len(digits) == 0 {
		return malformed("a number that is none")
	}
	return nil
}

// head reads how many values an aggregate has.
func head(it item) (item, error) {
	n, err := strconv.ParseInt(string(it.text), 10, 64)
	if n == -1 && err == nil && it.kind == isArray {
		return item{kind: isNull}, nil
	}
	if err != nil || n < 0 || n > maxCount {
		return item{}, malformed("an aggregate of a size that cannot be")
	}
	if it.kind == isMap || it.kind == isAttribute {
		n *= 2
	}
	it.n, it.text = n, nil
	return it, nil
}

// bulk reads a value whose length is known. Of one that is too large nothing is kept;
// the line is at the next item then.
func (w *wire) bulk(it item) (item, error) {
	n, err := strconv.ParseInt(string(it.text), 10, 64)
	switch {
	case err == nil && n == -1 && it.kind == isBulk:
		return item{kind: isNull}, nil
	case err != nil || n < 0 || n > 1<<40:
		return item{}, malformed("a value of a length that cannot be")
	}
	w.read += n
	if n > maxValue {
		for left := n; left > 0; {
			k, err := w.r.Discard(int(min(left, 1<<20)))
			if err != nil {
				return item{}, err
			}
			left -= int64(k)
		}
		if err := w.end(); err != nil {
			return item{}, err
		}
		return item{kind: isNull}, errLarge
	}
	if cap(w.buf) > 1<<20 {
		w.buf = nil // that of one large value is not kept
	}
	w.buf, err = w.take(w.buf[:0], int(n))
	if err != nil {
		return item{}, err
	}
	it.text = w.buf
	switch it.kind {
	case '!':
		it.kind = isError
	case isVerbatim:
		if len(it.text) < 4 || it.text[3] != ':' {
			return item{}, malformed("a text without its form")
		}
		it.text = it.text[4:]
	}
	return it, w.end()
}

// take reads so many bytes, of which no more room is made ahead than has come.
func (w *wire) take(b []byte, n int) ([]byte, error) {
	for len(b) < n {
		step := min(n-len(b), max(64<<10, len(b)))
		from := len(b)
		b = append(b, make([]byte, step)...)
		if _, err := io.ReadFull(w.r, b[from:]); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (w *wire) end() error {
	b, err := w.r.Peek(2)
	if err != nil {
		return err
	}
	if b[0] != '\r' || b[1] != '\n' {
		return malformed("a value without its end")
	}
	_, err = w.r.Discard(2)
	return err
}

// line reads up to CR LF.
func (w *wire) line() ([]byte, error) {
	b, err := w.r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := append([]byte(nil), b...)
		for errors.Is(err, bufio.ErrBufferFull) && len(long) <= maxLine {
			b, err = w.r.ReadSlice('\n')
			long = append(long, b...)
		}
		b = long
	}
	switch {
	case len(b) > maxLine:
		return nil, malformed("a line that does not end")
	case err != nil:
		return nil, err
	case len(b) < 2 || b[len(b)-2] != '\r':
		return nil, malformed("a line without its end")
	}
	return b[:len(b)-2], nil
}
