package mongodb

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// appendJSON writes a value in relaxed Extended JSON, compact.
func appendJSON(b []byte, v bsoncore.Value) []byte {
	switch v.Type {
	case bsoncore.TypeEmbeddedDocument:
		return appendDocument(b, v.Data)
	case bsoncore.TypeArray:
		return appendArray(b, v.Data)
	case bsoncore.TypeString:
		return appendString(b, v.StringValue())
	case bsoncore.TypeSymbol:
		return append(appendString(append(b, `{"$symbol":`...), v.Symbol()), '}')
	case bsoncore.TypeBoolean:
		return strconv.AppendBool(b, v.Boolean())
	case bsoncore.TypeInt32:
		return strconv.AppendInt(b, int64(v.Int32()), 10)
	case bsoncore.TypeInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case bsoncore.TypeDouble:
		return appendDouble(b, v.Double())
	case bsoncore.TypeNull:
		return append(b, "null"...)
	case bsoncore.TypeUndefined:
		return append(b, `{"$undefined":true}`...)
	case bsoncore.TypeMinKey:
		return append(b, `{"$minKey":1}`...)
	case bsoncore.TypeMaxKey:
		return append(b, `{"$maxKey":1}`...)
	case bsoncore.TypeDateTime:
		if text, ok := dateText(v.DateTime()); ok {
			return append(appendString(append(b, `{"$date":`...), text), '}')
		}
		return append(strconv.AppendInt(append(b, `{"$date":{"$numberLong":"`...), v.DateTime(), 10), `"}}`...)
	}
	return appendRare(b, v)
}

func appendRare(b []byte, v bsoncore.Value) []byte {
	switch v.Type {
	case bsoncore.TypeObjectID:
		id := v.ObjectID()
		return append(hex.AppendEncode(append(b, `{"$oid":"`...), id[:]), `"}`...)
	case bsoncore.TypeDecimal128:
		h, l := v.Decimal128()
		return append(append(append(b, `{"$numberDecimal":"`...), bson.NewDecimal128(h, l).String()...), `"}`...)
	case bsoncore.TypeBinary:
		sub, data := v.Binary()
		if text, ok := uuidText(sub, data); ok {
			return append(append(append(b, `{"$uuid":"`...), text...), `"}`...)
		}
		b = base64.StdEncoding.AppendEncode(append(b, `{"$binary":{"base64":"`...), data)
		return append(hex.AppendEncode(append(b, `","subType":"`...), []byte{sub}), `"}}`...)
	case bsoncore.TypeTimestamp:
		t, i := v.Timestamp()
		b = strconv.AppendUint(append(b, `{"$timestamp":{"t":`...), uint64(t), 10)
		return append(strconv.AppendUint(append(b, `,"i":`...), uint64(i), 10), "}}"...)
	case bsoncore.TypeRegex:
		pattern, options := v.Regex()
		b = appendString(append(b, `{"$regularExpression":{"pattern":`...), pattern)
		return append(appendString(append(b, `,"options":`...), options), "}}"...)
	case bsoncore.TypeJavaScript:
		return append(appendString(append(b, `{"$code":`...), v.JavaScript()), '}')
	case bsoncore.TypeCodeWithScope:
		code, scope := v.CodeWithScope()
		b = append(appendString(append(b, `{"$code":`...), code), `,"$scope":`...)
		return append(appendDocument(b, scope), '}')
	case bsoncore.TypeDBPointer:
		ns, id := v.DBPointer()
		b = append(appendString(append(b, `{"$dbPointer":{"$ref":`...), ns), `,"$id":{"$oid":"`...)
		return append(hex.AppendEncode(b, id[:]), `"}}}`...)
	}
	return append(b, "null"...) // check has refused all others
}

func appendDocument(b []byte, d bsoncore.Document) []byte {
	b = append(b, '{')
	for i, rest := 0, body(d); len(rest) > 1; i++ {
		e, next, ok := bsoncore.ReadElement(rest)
		if !ok {
			break
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, e.Key()), ':')
		b, rest = appendJSON(b, e.Value()), next
	}
	return append(b, '}')
}

func appendArray(b []byte, d []byte) []byte {
	b = append(b, '[')
	for i, rest := 0, body(d); len(rest) > 1; i++ {
		e, next, ok := bsoncore.ReadElement(rest)
		if !ok {
			break
		}
		if i > 0 {
			b = append(b, ',')
		}
		b, rest = appendJSON(b, e.Value()), next
	}
	return append(b, ']')
}

// body is a document's elements, with the zero that ends them.
func body(d []byte) []byte {
	if len(d) < 5 {
		return nil
	}
	return d[4:]
}

// appendBare writes a value that stands in a column of its own: what Extended JSON
// wraps shows without its wrapper.
func appendBare(b []byte, v bsoncore.Value) []byte {
	switch v.Type {
	case bsoncore.TypeObjectID:
		id := v.ObjectID()
		return append(hex.AppendEncode(append(b, '"'), id[:]), '"')
	case bsoncore.TypeDateTime:
		if text, ok := dateText(v.DateTime()); ok {
			return appendString(b, text)
		}
	case bsoncore.TypeDecimal128:
		h, l := v.Decimal128()
		return append(append(append(b, '"'), bson.NewDecimal128(h, l).String()...), '"')
	case bsoncore.TypeBinary:
		if text, ok := uuidText(v.Binary()); ok {
			return appendString(b, text)
		}
	}
	return appendJSON(b, v)
}

func dateText(ms int64) (string, bool) {
	t := time.UnixMilli(ms).UTC()
	if y := t.Year(); y < 1 || y > 9999 {
		return "", false
	}
	return t.Format("2006-01-02T15:04:05.999Z07:00"), true
}

func uuidText(sub byte, data []byte) (string, bool) {
	if sub != 4 || len(data) != 16 {
		return "", false
	}
	h := hex.EncodeToString(data)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:], true
}

func appendDouble(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, `{"$numberDouble":"NaN"}`...)
	case math.IsInf(f, 1):
		return append(b, `{"$numberDouble":"Infinity"}`...)
	case math.IsInf(f, -1):
		return append(b, `{"$numberDouble":"-Infinity"}`...)
	case f == math.Trunc(f) && math.Abs(f) < 1e15:
		return strconv.AppendFloat(b, f, 'f', 1, 64)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string; what is no UTF-8 becomes U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, `\u00`...)
			b = append(b, hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}
