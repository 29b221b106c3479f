package mysql

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/sallyport/sallyport/connectors"
)

// valueType is what is known of a column's type.
type valueType struct {
	name    string
	numeric bool
	holds   connectors.Holds
	raw     bool // bytes that are no text
	bit     bool
}

const (
	flagUnsigned  = 0x0020
	charsetBinary = 63
)

// typeOf reads a description of a column: the numbers are the protocol's.
func typeOf(f field) valueType {
	number := func(name string, h connectors.Holds) valueType {
		if f.flags&flagUnsigned != 0 {
			name += " unsigned"
		}
		return valueType{name: name, numeric: true, holds: h}
	}
	texts := func(text, raw string) valueType {
		if f.charset == charsetBinary {
			return valueType{name: raw, raw: true}
		}
		return valueType{name: text}
	}
	switch f.typ {
	case 0, 246:
		return number("decimal", connectors.Decimal)
	case 1:
		return number("tinyint", connectors.Integer)
	case 2:
		return number("smallint", connectors.Integer)
	case 3:
		return number("int", connectors.Integer)
	case 9:
		return number("mediumint", connectors.Integer)
	case 8:
		return number("bigint", connectors.Integer)
	case 4:
		return number("float", connectors.Decimal)
	case 5:
		return number("double", connectors.Decimal)
	case 13:
		return valueType{name: "year", holds: connectors.NullOnly}
	case 6:
		return valueType{name: "null", holds: connectors.NullOnly}
	case 7, 17:
		return valueType{name: "timestamp", holds: connectors.NullOnly}
	case 10, 14:
		return valueType{name: "date", holds: connectors.NullOnly}
	case 11, 19:
		return valueType{name: "time", holds: connectors.NullOnly}
	case 12, 18:
		return valueType{name: "datetime", holds: connectors.NullOnly}
	case 16:
		return valueType{name: "bit", bit: true, holds: connectors.NullOnly}
	case 245:
		return valueType{name: "json", holds: connectors.JSONText}
	case 247:
		return valueType{name: "enum"}
	case 248:
		return valueType{name: "set"}
	case 249, 250, 251, 252:
		return texts("text", "blob")
	case 255:
		return valueType{name: "geometry", raw: true, holds: connectors.NullOnly}
	case 254:
		return texts("char", "binary")
	}
	return texts("varchar", "varbinary")
}

// render makes text of the row's values that are none.
func (q *source) render() {
	q.buf = q.buf[:0]
	for i, t := range q.types {
		v := &q.vals[i]
		if v.Null || !t.raw && !t.bit {
			continue
		}
		from := len(q.buf)
		if t.bit && len(v.Bytes) <= 8 {
			var b [8]byte
			copy(b[8-len(v.Bytes):], v.Bytes)
			q.buf = strconv.AppendUint(q.buf, binary.BigEndian.Uint64(b[:]), 10)
		} else {
			q.buf = fmt.Appendf(append(q.buf, `\x`...), "%x", v.Bytes)
		}
		v.Bytes = q.buf[from:len(q.buf):len(q.buf)]
	}
}
