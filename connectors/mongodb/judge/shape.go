package judge

import (
	"maps"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// nothing is a value without an origin.
var nothing = &connectors.Document{}

const (
	maxParts  = 200 // of a path: documents are nested in less
	maxPlaces = 4   // of its parts that may be places in arrays
)

// at is what a path leads to. A number in it may be a place in an array or a key. What
// has more of either than documents are deep may lead to anything.
func at(d *connectors.Document, path string) *connectors.Document {
	n, places := 0, 0
	for part := range strings.SplitSeq(path, ".") {
		if n++; digits(part) {
			places++
		}
		if n > maxParts || places > maxPlaces {
			return computed(d)
		}
	}
	for part := range strings.SplitSeq(path, ".") {
		switch {
		case positional(part):
		case digits(part):
			d = &connectors.Document{Any: []*connectors.Document{d, d.At(part)}}
		default:
			d = d.At(part)
		}
	}
	return d
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// positional reports whether a part of a path stands for elements of an array.
func positional(s string) bool { return s == "$" || strings.HasPrefix(s, "$[") }

// put is a copy of d in which a path leads to v. What stood in between stays.
func put(d *connectors.Document, path string, v *connectors.Document) *connectors.Document {
	key, rest, more := strings.Cut(path, ".")
	if strings.Count(rest, ".") > maxParts {
		return either(d, v) // nothing is nested so deeply
	}
	if d == nil {
		d = nothing
	}
	if len(d.Any) > 0 {
		out := &connectors.Document{}
		for _, o := range d.Any {
			out.Any = append(out.Any, put(o, path, v))
		}
		return out
	}
	if more {
		v = put(d.At(key), rest, v)
	}
	out := &connectors.Document{From: d.From, Computed: d.Computed, Fields: maps.Clone(d.Fields)}
	if out.Fields == nil {
		out.Fields = map[string]*connectors.Document{}
	}
	out.Fields[key] = v
	return out
}

// either is a value that may be any of these.
func either(all ...*connectors.Document) *connectors.Document {
	return &connectors.Document{Any: all}
}

// computed is a value made of others.
func computed(of *connectors.Document) *connectors.Document {
	return &connectors.Document{Computed: of.Columns()}
}

// decides notes that a value decides rows, or what is computed, with all that is in it.
func (a *analysis) decides(d *connectors.Document, clause string) {
	a.predicate(d, connectors.Predicate{Clause: clause}, 0, mask.Tree)
}

// shallow is decides for what looks at the value alone, and not into documents.
func (a *analysis) shallow(d *connectors.Document, clause string) {
	a.predicate(d, connectors.Predicate{Clause: clause}, 0, mask.Field)
}

func (a *analysis) predicate(d *connectors.Document, p connectors.Predicate, tries int, reach mask.Reach) {
	for _, c := range d.Columns() {
		if c.Name != "" {
			c.Reach = reach
		}
		p.Column = c
		a.tries[c] += tries
		a.Trace.Predicates = append(a.Trace.Predicates, p)
	}
}

// columnAt is a collection's field.
func (a *analysis) columnAt(collection, path string) mask.Column {
	var parts []string
	for part := range strings.SplitSeq(path, ".") {
		if !positional(part) && !digits(part) {
			parts = append(parts, part)
		}
	}
	return mask.Column{Schema: a.db, Table: collection, Name: strings.Join(parts, "."), Reach: mask.Field}
}

// closed is a document with these fields and no others.
func (a *analysis) closed(names []string, fields map[string]*connectors.Document) *connectors.Document {
	d := &connectors.Document{Fields: fields}
	a.order[d] = names
	return d
}
