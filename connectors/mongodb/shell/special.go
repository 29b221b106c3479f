package shell

import (
	"encoding/base64"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// wrappers are the keys by which Extended JSON says what type a value is.
var wrappers = map[string]bool{
	"$oid": true, "$date": true, "$numberInt": true, "$numberLong": true, "$numberDouble": true, "$numberDecimal": true, "$binary": true, "$uuid": true,
	"$timestamp": true, "$regularExpression": true, "$minKey": true, "$maxKey": true,
	"$code": true, "$scope": true, "$symbol": true, "$dbPointer": true, "$undefined": true,
}

func wrapper(key string) bool { return wrappers[key] }

func one(t bsoncore.Type, data []byte) bsoncore.Value { return bsoncore.Value{Type: t, Data: data} }

// unwrap is the value of an object whose first key says its type.
func (p *parser) unwrap(key string, d bsoncore.Document) (bsoncore.Value, error) {
	fields, err := d.Elements()
	if err != nil || len(fields) != 1 {
		return bsoncore.Value{}, p.fail("an object with %s has no other key", key)
	}
	v := fields[0].Value()
	text, isText := v.StringValueOK()
	inner, isDoc := v.DocumentOK()
	switch {
	case key == "$date" && !isText:
		ms, ok := v.AsInt64OK()
		if ok && v.Type != bsoncore.TypeDouble && v.Type != bsoncore.TypeDecimal128 {
			return one(bsoncore.TypeDateTime, bsoncore.AppendDateTime(nil, ms)), nil
		}
	case isText && constructors[key] != "":
		return p.construct(constructors[key], true, []bsoncore.Value{v})
	case key == "$minKey":
		return one(bsoncore.TypeMinKey, nil), nil
	case key == "$maxKey":
		return one(bsoncore.TypeMaxKey, nil), nil
	case key == "$numberDouble" && isText:
		if f, err := strconv.ParseFloat(text, 64); err == nil || math.IsInf(f, 0) {
			return one(bsoncore.TypeDouble, bsoncore.AppendDouble(nil, f)), nil
		}
	case key == "$binary" && isDoc && keys(inner, "base64", "subType"):
		data, ok := inner.Lookup("base64").StringValueOK()
		sub, ok2 := inner.Lookup("subType").StringValueOK()
		t, err := strconv.ParseUint(sub, 16, 8)
		if ok && ok2 && err == nil {
			return p.binary(byte(t), data)
		}
	case key == "$timestamp" && isDoc && keys(inner, "t", "i"):
		t, _ := inner.LookupErr("t")
		i, _ := inner.LookupErr("i")
		return p.construct("Timestamp", true, []bsoncore.Value{t, i})
	case key == "$regularExpression" && isDoc && keys(inner, "pattern", "options"):
		pattern, _ := inner.LookupErr("pattern")
		options, _ := inner.LookupErr("options")
		return p.construct("RegExp", true, []bsoncore.Value{pattern, options})
	}
	return bsoncore.Value{}, p.fail("%s is not written so, or not taken", key)
}

var constructors = map[string]string{
	"$oid": "ObjectId", "$date": "ISODate", "$numberInt": "NumberInt", "$numberLong": "NumberLong", "$numberDecimal": "NumberDecimal", "$uuid": "UUID",
}

// keys reports whether a document has these and no others.
func keys(d bsoncore.Document, names ...string) bool {
	e, err := d.Elements()
	if err != nil || len(e) != len(names) {
		return false
	}
	for _, n := range names {
		if _, err := d.LookupErr(n); err != nil {
			return false
		}
	}
	return true
}

// construct is the value of a constructor's call.
func (p *parser) construct(name string, made bool, args []bsoncore.Value) (bsoncore.Value, error) {
	var text string
	isText := false
	if len(args) > 0 {
		text, isText = args[0].StringValueOK()
	}
	none := bsoncore.Value{}
	switch name {
	case "ObjectId", "ObjectID":
		if len(args) == 0 {
			return none, p.hinted("write the one that you mean", "%s() would be another each time", name)
		}
		if id, err := bson.ObjectIDFromHex(text); err == nil && isText && len(args) == 1 {
			return one(bsoncore.TypeObjectID, id[:]), nil
		}
	case "ISODate", "Date":
		return p.date(name, made, args)
	case "NumberLong", "Long", "NumberInt", "Int32", "Double":
		if len(args) == 1 {
			return p.sized(name, args[0])
		}
	case "NumberDecimal", "Decimal128":
		if d, err := bson.ParseDecimal128(text); err == nil && isText && len(args) == 1 {
			h, l := d.GetBytes()
			return one(bsoncore.TypeDecimal128, bsoncore.AppendDecimal128(nil, h, l)), nil
		}
		return none, p.fail("%s takes a number in quotes", name)
	default:
		return p.constructRare(name, args)
	}
	return none, p.fail("%s does not take what it is given", name)
}

func (p *parser) constructRare(name string, args []bsoncore.Value) (bsoncore.Value, error) {
	var text string
	isText := false
	if len(args) > 0 {
		text, isText = args[0].StringValueOK()
	}
	none := bsoncore.Value{}
	switch name {
	case "UUID":
		b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
		if err == nil && isText && len(b) == 16 && len(args) == 1 {
			return one(bsoncore.TypeBinary, bsoncore.AppendBinary(nil, 4, b)), nil
		}
	case "BinData":
		if len(args) == 2 {
			t, ok := args[0].AsInt64OK()
			data, ok2 := args[1].StringValueOK()
			if ok && ok2 && t >= 0 && t < 256 {
				return p.binary(byte(t), data)
			}
		}
	case "Timestamp":
		if len(args) == 2 {
			t, ok := args[0].AsInt64OK()
			i, ok2 := args[1].AsInt64OK()
			if ok && ok2 && t >= 0 && t <= math.MaxUint32 && i >= 0 && i <= math.MaxUint32 {
				return one(bsoncore.TypeTimestamp, bsoncore.AppendTimestamp(nil, uint32(t), uint32(i))), nil
			}
		}
	case "RegExp":
		options := ""
		if len(args) == 2 {
			options, _ = args[1].StringValueOK()
		}
		options, err := p.options(options)
		if err == nil && isText && len(args) <= 2 && !strings.ContainsRune(text, 0) {
			return one(bsoncore.TypeRegex, bsoncore.AppendRegex(nil, text, options)), nil
		}
	case "MinKey":
		return one(bsoncore.TypeMinKey, nil), nil
	case "MaxKey":
		return one(bsoncore.TypeMaxKey, nil), nil
	default:
		return none, p.hinted("values are constants, ObjectId, ISODate, NumberLong, NumberInt, NumberDecimal, UUID, BinData, Timestamp, RegExp", "%q is not evaluated", clip(name))
	}
	return none, p.fail("%s does not take what it is given", name)
}

func (p *parser) binary(sub byte, data string) (bsoncore.Value, error) {
	b, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return bsoncore.Value{}, p.fail("binary data is not in base64")
	}
	return one(bsoncore.TypeBinary, bsoncore.AppendBinary(nil, sub, b)), nil
}

var layouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01-02"}

func (p *parser) date(name string, made bool, args []bsoncore.Value) (bsoncore.Value, error) {
	none := bsoncore.Value{}
	switch {
	case name == "Date" && !made:
		return none, p.hinted(`new Date("2026-01-31") or ISODate("2026-01-31T12:00:00Z")`, "Date(...) without new is a text in the shell")
	case len(args) == 0:
		return none, p.hinted("write the time that you mean", "%s() would be another each time", name)
	case len(args) > 1:
		return none, p.fail("%s takes one argument", name)
	}
	if ms, ok := args[0].AsInt64OK(); ok {
		return one(bsoncore.TypeDateTime, bsoncore.AppendDateTime(nil, ms)), nil
	}
	text, _ := args[0].StringValueOK()
	for _, l := range layouts {
		if t, err := time.Parse(l, text); err == nil {
			return one(bsoncore.TypeDateTime, bsoncore.AppendTime(nil, t)), nil
		}
	}
	return none, p.hinted(`"2026-01-31T12:00:00Z"`, "%s does not take what it is given", name)
}

// sized is a number of the named size.
func (p *parser) sized(name string, v bsoncore.Value) (bsoncore.Value, error) {
	text, isText := v.StringValueOK()
	n, err := strconv.ParseInt(text, 10, 64)
	whole := err == nil
	if !isText {
		n, whole = v.AsInt64OK()
		whole = whole && (v.Type == bsoncore.TypeInt32 || v.Type == bsoncore.TypeInt64)
	}
	switch {
	case name == "Double":
		f, err := strconv.ParseFloat(text, 64)
		ok := isText && err == nil
		if !isText {
			f, ok = v.AsFloat64OK()
		}
		if ok {
			return one(bsoncore.TypeDouble, bsoncore.AppendDouble(nil, f)), nil
		}
	case whole && (name == "NumberLong" || name == "Long"):
		return one(bsoncore.TypeInt64, bsoncore.AppendInt64(nil, n)), nil
	case whole && n >= math.MinInt32 && n <= math.MaxInt32 && (name == "NumberInt" || name == "Int32"):
		return one(bsoncore.TypeInt32, bsoncore.AppendInt32(nil, int32(n))), nil
	}
	return bsoncore.Value{}, p.fail("%s takes a whole number that it can hold", name)
}
