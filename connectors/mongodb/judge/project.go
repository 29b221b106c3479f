package judge

import (
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
			out = append(out, a.flatten(inner, prefix+e.Key()+".")...)
			continue
		}
		out = append(out, field{prefix + e.Key(), v})
	}
	return out
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
	fields := a.flatten(d, "")
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
		path := strings.TrimSuffix(f.path, ".$")
		v := at(s.root, path)
		if !is {
			v = a.projected(f.v, v, s, find)
		}
		out = put(out, path, v)
		if top, _, _ := strings.Cut(path, "."); len(names) == 0 || !contains(names, top) {
			names = append(names, top)
		}
	}
	a.order[out] = names
	return out
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func sliced(v bsoncore.Value) bool {
	d, ok := v.DocumentOK()
	return ok && operators(d) && d.Index(0).Key() == "$slice"
}

// projected is what a field of a projection is that is not only in or out.
func (a *analysis) projected(v bsoncore.Value, here *connectors.Document, s scope, find bool) *connectors.Document {
	if d, ok := v.DocumentOK(); find && ok && operators(d) {
		switch d.Index(0).Key() {
		case "$slice":
			return here
		case "$elemMatch":
			a.test(here, v, s, "$elemMatch", false)
			return here
		}
	}
	return a.expr(v, s)
}

// excluded is a projection that leaves fields out.
func (a *analysis) excluded(fields []field, s scope) *connectors.Document {
	out := s.root
	for _, f := range fields {
		if in, is := flag(f.v); is && !in {
			out = put(out, f.path, nothing)
		}
	}
	return out
}

// added is a document with fields more.
func (a *analysis) added(d bsoncore.Document, s scope) *connectors.Document {
	out := s.root
	for _, f := range a.flatten(d, "") {
		out = put(out, f.path, a.expr(f.v, s))
	}
	return out
}
