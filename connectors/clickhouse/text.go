package clickhouse

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
)

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

// kind is what is known of a column's type.
type kind struct {
	numeric bool
	holds   connectors.Holds
}

// kindOf reads a type's name.
func kindOf(name string) kind {
	for {
		inner, ok := strings.CutPrefix(name, "Nullable(")
		if !ok {
			inner, ok = strings.CutPrefix(name, "LowCardinality(")
		}
		if !ok {
			break
		}
		name = strings.TrimSuffix(inner, ")")
	}
	head, _, _ := strings.Cut(name, "(")
	switch {
	case head == "String", head == "FixedString", strings.HasPrefix(head, "Enum"):
		return kind{}
	case strings.HasPrefix(head, "Interval"):
		return kind{numeric: true, holds: connectors.Integer}
	case strings.HasPrefix(head, "Int"), strings.HasPrefix(head, "UInt"):
		return kind{numeric: true, holds: connectors.Integer}
	case strings.HasPrefix(head, "Float"), strings.HasPrefix(head, "BFloat"), strings.HasPrefix(head, "Decimal"):
		return kind{numeric: true, holds: connectors.Decimal}
	case head == "Array", head == "Tuple", head == "Map", head == "Nested", head == "JSON", head == "Object", head == "Variant", head == "Dynamic":
		return kind{holds: connectors.JSONText}
	}
	return kind{holds: connectors.NullOnly}
}
