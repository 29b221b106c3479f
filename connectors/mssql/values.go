package mssql

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
)

// valueType is what is known of a column's type.
type valueType struct {
	name    string // the server's own, in lower case
	numeric bool
	holds   connectors.Holds
	scale   int
}

func typeOf(name string, scale int) valueType {
	t := valueType{name: strings.ToLower(name), scale: scale}
	switch t.name {
	case "tinyint", "smallint", "int", "bigint":
		t.numeric, t.holds = true, connectors.Integer
	case "real", "float", "decimal", "money", "smallmoney":
		t.numeric, t.holds = true, connectors.Decimal
	case "bit", "date", "time", "datetime", "datetime2", "smalldatetime", "datetimeoffset", "uniqueidentifier", "sql_variant", "geometry", "geography", "hierarchyid":
		t.holds = connectors.NullOnly
	}
	return t
}

// size is a value's size as TEXTSIZE counts it: of texts in UTF-16, which char and
// varchar are at most half of.
func size(v any) int {
	switch v := v.(type) {
	case []byte:
		return len(v)
	case string:
		n := 0
		for _, r := range v {
			n += 2 * utf16.RuneLen(r)
		}
		return n
	}
	return 0
}

// tooLarge reports whether a value may have been cut off by TEXTSIZE.
func (t valueType) tooLarge(v any) bool {
	n := size(v)
	if s, ok := v.(string); ok && !strings.HasPrefix(t.name, "n") && t.name != "xml" {
		n = utf8.RuneCountInString(s)
	}
	return n > valueMax
}

// render appends a value's text.
func (t valueType) render(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(b, v, 10)
	case bool:
		if v {
			return append(b, '1')
		}
		return append(b, '0')
	case float64:
		return appendFloat(b, v, 64)
	case float32:
		return appendFloat(b, float64(v), 32)
	case string:
		if !utf8.ValidString(v) {
			v = strings.ToValidUTF8(v, "\uFFFD")
		}
		return append(b, v...)
	case time.Time:
		return v.AppendFormat(b, t.layout())
	case []byte:
		switch t.name {
		case "decimal", "money", "smallmoney":
			return append(b, v...)
		case "uniqueidentifier":
			if len(v) == 16 {
				return appendGUID(b, v)
			}
		}
		return fmt.Appendf(append(b, `\x`...), "%x", v)
	}
	return fmt.Append(b, v)
}

func appendFloat(b []byte, f float64, bits int) []byte {
	format := byte('f')
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e15) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, bits)
}

// appendGUID writes one as the server does: its first three parts are little-endian
// on the line.
func appendGUID(b, v []byte) []byte {
	return fmt.Appendf(b, "%08X-%04X-%04X-%X-%X", binary.LittleEndian.Uint32(v), binary.LittleEndian.Uint16(v[4:]), binary.LittleEndian.Uint16(v[6:]), v[8:10], v[10:])
}

func (t valueType) layout() string {
	fraction := ""
	if t.scale > 0 {
		fraction = "." + strings.Repeat("0", min(t.scale, 9))
	}
	switch t.name {
	case "date":
		return "2006-01-02"
	case "time":
		return "15:04:05" + fraction
	case "datetime":
		return "2006-01-02 15:04:05.000"
	case "smalldatetime":
		return "2006-01-02 15:04:05"
	case "datetimeoffset":
		return "2006-01-02 15:04:05" + fraction + " -07:00"
	case "datetime2":
		return "2006-01-02 15:04:05" + fraction
	}
	return "2006-01-02 15:04:05.0000000"
}
