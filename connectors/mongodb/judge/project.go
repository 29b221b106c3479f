package judge

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
)

// field is one of a projection, by its whole path.
type field struct {
	path string
	v    bsoncore.Value
}

// flatten is a projection with its nested documents written as paths.
func (a *analysis) flatten(d bsoncore.Document, prefix string) (out []field) {
	elems, err := d.Elements()
	if err != nil {
		a.unknown("a projection cannot be read")
	}
	for _, e := range elems {
		v := e.Value()
		if inner, ok := v.DocumentOK(); ok && !operators(inner) {
			if len(keysOf(inner)) == 0 {
				a.unknown("a projection of nothing")
			}
			out = append(out, a.flatten(inner, prefix+e.Key()+".")...)
			continue
		}
		out = append(out, field{prefix + e.Key(), v})
	}
	return out
}

// maxFields is of one projection, more than anybody writes.
const maxFields = 1000

// fields are those of a projection. Of two that are one or in one another servers may
// take either.
func (a *analysis) fields(d bsoncore.Document) []field {
	out := a.flatten(d, "")
	if len(out) > maxFields {
		a.unknown("it names too many fields to follow")
		return nil
	}
	paths := map[string]bool{}
	for _, f := range out {
		if paths[f.path] {
			a.unknown(fmt.Sprintf("the field %q is there twice", clip(f.path)))
		}
		paths[f.path] = true
	}
	for _, f := range out {
		for i, c := range f.path {
			if c == '.' && paths[f.path[:i]] {
				a.unknown(fmt.Sprintf("the field %q is there twice", clip(f.path[:i])))
			}
		}
	}
	return out
}

// plainly finds what servers read differently: a projection in which fields are in and
// out, and one that says so by other than a truth value or a number.
func (a *analysis) plainly(fields []field, find bool) {
	ins, outs := false, false
	for _, f := range fields {
		in, is := flag(f.v)
		switch {
		case f.v.Type == bsoncore.TypeDecimal128,
			find && !is && scalar(f.v) && f.v.Type != bsoncore.TypeString:
			a.unknown("in a projection a field is in by 1 and out by 0")
		case f.path == "_id" && is:
		case is && !in:
			outs = true
		case is, !(find && sliced(f.v)):
			ins = true
		}
	}
	if ins && outs {
		a.unknown("a projection says what is in, or what is out")
	}
}

// flag reports whether a value says that a field is in or out.
func flag(v bsoncore.Value) (in, is bool) {
	if b, ok := v.BooleanOK(); ok {
		return b, true
	}
	if f, ok := v.AsFloat64OK(); ok {
		return f != 0, true
	}
	if v.Type == bsoncore.TypeDecimal128 {
		return true, true
	}
	return false, false
}

// project judges a projection. find says that it is one of find, where $slice and
// $elemMatch mean something else.
func (a *analysis) project(d bsoncore.Document, s scope, find bool) *connectors.Document {
	fields := a.fields(d)
	a.plainly(fields, find)
	including, id := false, true
	for _, f := range fields {
		in, is := flag(f.v)
		switch {
		case f.path == "_id" && is:
			id = in
		case is && in, !is && !(find && sliced(f.v)):
			including = true
		}
	}
	if !including {
		// With nothing but the key in, that is all there is.
		if only := len(fields) == 1 && fields[0].path == "_id" && id; !only {
			return a.excluded(fields, s)
		}
	}
	out := &connectors.Document{Fields: map[string]*connectors.Document{}}
	var names []string
	if id {
		out, names = put(out, "_id", at(s.root, "_id")), append(names, "_id")
	}
	for _, f := range fields {
		in, is := flag(f.v)
		if is && !in {
			continue
		}
		path, here := a.within(s.root, strings.TrimSuffix(f.path, ".$"))
		v := here
		if !is {
			v = a.projected(f.v, here, s, find)
		}
		out = put(out, path, v)
		if top, _, _ := strings.Cut(path, "."); len(names) == 0 || !contains(names, top) {
			names = append(names, top)
		}
	}
	a.order[out] = names
	return out
}

// within is a path up to where it may say a place in an array, and what is there: the
// documents of an answer are masked by paths without places.
func (a *analysis) within(root *connectors.Document, path string) (string, *connectors.Document) {
	end := 0
	for part := range strings.SplitSeq(path, ".") {
		if end > 0 && (positional(part) || digits(part)) {
			path = path[:end-1]
			break
		}
		end += len(part) + 1
	}
	return path, a.to(root, path)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// sliced reports whether a value is the $slice of find, which takes numbers: that with
// anything else is an expression.
func sliced(v bsoncore.Value) bool {
	d, ok := v.DocumentOK()
	if !ok || !operators(d) || d.Index(0).Key() != "$slice" {
		return false
	}
	v = d.Index(0).Value()
	list, isList := v.ArrayOK()
	if !isList {
		return v.IsNumber()
	}
	values, err := list.Values()
	for _, v := range values {
		if !v.IsNumber() {
			return false
		}
	}
	return err == nil && len(values) > 0
}

// projected is what a field of a projection is that is not only in or out.
func (a *analysis) projected(v bsoncore.Value, here *connectors.Document, s scope, find bool) *connectors.Document {
	if d, ok := v.DocumentOK(); find && ok && operators(d) {
		switch {
		case sliced(v):
			return here
		case d.Index(0).Key() == "$elemMatch":
			a.test(here, v, s, "$elemMatch", false)
			return here
		}
	}
	of := a.expr(v, s)
	if d, ok := v.DocumentOK(); find && !(ok && operators(d)) {
		of = either(here, of) // servers before 4.4 take a text for a yes
	}
	return of
}

// excluded is a projection that leaves fields out.
func (a *analysis) excluded(fields []field, s scope) *connectors.Document {
	out := s.root
	for _, f := range fields {
		// Of what is in arrays a server may leave some.
		if in, is := flag(f.v); is && !in && !strings.Contains(f.path, ".") {
			out = put(out, f.path, nothing)
		}
	}
	return out
}

// added is a document with fields more.
func (a *analysis) added(d bsoncore.Document, s scope) *connectors.Document {
	out := s.root
	for _, f := range a.fields(d) {
		v := a.expr(f.v, s)
		if strings.Contains(f.path, ".") { // in an array there may be what it is not put into
			v = either(at(out, f.path), v)
		}
		out = put(out, f.path, v)
	}
	return out
}
