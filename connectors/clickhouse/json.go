package clickhouse

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
)

// value appends the next JSON value to b as it stands there, of at most so many bytes.
func (a *answer) value(b []byte, most int) ([]byte, error) {
	c, err := a.peek()
	if err != nil {
		return b, err
	}
	start, depth := len(b), 0
	switch c {
	case ',', ':', ']', '}':
		return b, errFormat
	}
	for {
		c, err := a.r.ReadByte()
		if err != nil {
			return b, err
		}
		if len(b)-start >= most {
			return b, errLarge
		}
		switch {
		case c == '"':
			if b, err = a.text(append(b, c), most-(len(b)-start)); err != nil {
				return b, err
			}
			if depth == 0 {
				return b, nil
			}
			continue
		case c == '[' || c == '{':
			if depth++; depth > maxNesting {
				return b, errFormat
			}
		case (c == ']' || c == '}') && depth > 0:
			depth--
			if depth == 0 {
				return append(b, c), nil
			}
		case depth == 0 && (c == ',' || c == ']' || c == '}' || c == ':' || c <= ' '):
			return b, a.r.UnreadByte() // after a number or a word
		}
		b = append(b, c)
	}
}

// text appends what follows a text's first quote, with the last one. It looks for
// quotes in what has come, not byte by byte.
func (a *answer) text(b []byte, most int) ([]byte, error) {
	from := len(b)
	for {
		if _, err := a.r.Peek(1); err != nil {
			return b, err
		}
		buf, _ := a.r.Peek(a.r.Buffered())
		n, over := textEnd(buf)
		if len(b)-from+n > most {
			return b, errLarge
		}
		b = append(b, buf[:n]...)
		_, _ = a.r.Discard(n)
		if over {
			return b, nil
		}
		if n < len(buf) { // a backslash whose other half has not come yet
			for range 2 {
				c, err := a.r.ReadByte()
				if err != nil {
					return b, err
				}
				b = append(b, c)
			}
		}
	}
}

// textEnd is how many bytes belong to a text that goes on at the beginning of buf, and
// whether its last quote is among them. A backslash at the very end is left.
func textEnd(buf []byte) (n int, over bool) {
	next := func(c byte, from, to int) int {
		if i := bytes.IndexByte(buf[from:to], c); i >= 0 {
			return from + i
		}
		return to
	}
	quote := next('"', 0, len(buf))
	for n < len(buf) {
		if n = next('\\', n, quote); n == quote {
			return min(n+1, len(buf)), n < len(buf)
		}
		if n+1 == len(buf) {
			return n, false
		}
		if n += 2; n > quote {
			quote = next('"', n, len(buf))
		}
	}
	return n, false
}

// decode is a value from its JSON: a text's content, and of all else the JSON itself.
func decode(raw []byte) (connectors.Value, error) {
	switch {
	case len(raw) == 0:
		return connectors.Value{}, errFormat
	case string(raw) == "null":
		return connectors.Value{Null: true}, nil
	case raw[0] != '"':
		return connectors.Value{Bytes: raw}, nil
	case bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw):
		return connectors.Value{Bytes: raw[1 : len(raw)-1]}, nil
	}
	b, err := unquote(raw[1 : len(raw)-1])
	return connectors.Value{Bytes: b}, err
}

// unquote is the content of a JSON text, in place. What is not UTF-8 is replaced, as
// the server does by itself.
func unquote(b []byte) ([]byte, error) {
	out := b[:0] // never ahead of what is read: an escape is longer than what it means
	for i := 0; i < len(b); {
		if b[i] != '\\' {
			out = append(out, b[i])
			i++
			continue
		}
		if i+1 == len(b) {
			return nil, errFormat
		}
		c := b[i+1]
		i += 2
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r, n := escape(b[i:])
			if n == 0 {
				return nil, errFormat
			}
			out = utf8.AppendRune(out, r)
			i += n
		default:
			return nil, errFormat
		}
	}
	if !utf8.Valid(out) {
		return []byte(strings.ToValidUTF8(string(out), "\uFFFD")), nil
	}
	return out, nil
}

// escape reads what follows \u, with its other half where it has one, and how many
// bytes that takes.
func escape(b []byte) (rune, int) {
	hex := func(b []byte) rune {
		if len(b) < 4 {
			return -1
		}
		n, err := strconv.ParseUint(string(b[:4]), 16, 16)
		if err != nil {
			return -1
		}
		return rune(n)
	}
	r := hex(b)
	if r < 0 {
		return 0, 0
	}
	if utf16.IsSurrogate(r) {
		if len(b) >= 10 && b[4] == '\\' && b[5] == 'u' {
			if other := utf16.DecodeRune(r, hex(b[6:])); other != utf8.RuneError {
				return other, 10
			}
		}
		return utf8.RuneError, 4
	}
	return r, 4
}
