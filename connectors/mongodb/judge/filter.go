package judge

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// tests are operators over a field with constants.
var tests = set(`$gt $gte $lt $lte $ne $nin $exists $type $mod $regex $options $size $all
	$geoWithin $geoIntersects $near $nearSphere $maxDistance $minDistance $geometry $bitsAllClear $bitsAllSet $bitsAnyClear $bitsAnySet`)

// filter judges a query document. plain says that what it chooses is what is asked
// for, and not what is left out.
func (a *analysis) filter(d bsoncore.Document, s scope, clause string, plain bool) {
	elems, err := d.Elements()
	if err != nil {
		a.unknown("a filter is no document")
		return
	}
	for _, e := range elems {
		k, v := e.Key(), e.Value()
		switch k {
		case "$and", "$or", "$nor":
			a.filters(v, s, clause, plain && k != "$nor")
		case "$expr":
			a.decides(a.expr(v, s), "$expr")
		case "$where":
			a.dim(k + " runs code at the server")
		case "$comment", "$alwaysTrue", "$alwaysFalse", "$sampleRate":
		case "$text", "$jsonSchema":
			a.dim(k + " looks at fields that it does not name")
		default:
			if strings.HasPrefix(k, "$") {
				a.unknown(fmt.Sprintf("the query operator %q is not known here", clip(k)))
				continue
			}
			a.test(a.to(s.root, k), v, s, clause, plain)
		}
	}
}

func (a *analysis) filters(v bsoncore.Value, s scope, clause string, plain bool) {
	list, ok := v.ArrayOK()
	values, err := list.Values()
	if !ok || err != nil {
		a.unknown("a list of filters is none")
		return
	}
	for _, v := range values {
		d, ok := v.DocumentOK()
		if !ok {
			a.unknown("a filter is no document")
			return
		}
		a.filter(d, s, clause, plain)
	}
}

// test judges what a field is compared with.
func (a *analysis) test(field *connectors.Document, v bsoncore.Value, s scope, clause string, plain bool) {
	d, isDoc := v.DocumentOK()
	if !isDoc || !operators(d) {
		a.equal(field, v, clause, plain)
		return
	}
	elems, _ := d.Elements()
	for _, e := range elems {
		k, v := e.Key(), e.Value()
		switch {
		case k == "$eq":
			a.equal(field, v, clause, plain)
		case k == "$in":
			a.among(field, v, clause, plain)
		case k == "$not":
			if v.Type == bsoncore.TypeRegex {
				a.shallow(field, clause)
			} else {
				a.test(field, v, s, clause, false)
			}
		case k == "$elemMatch":
			a.shallow(field, clause)
			if inner, ok := v.DocumentOK(); !ok {
				a.unknown("$elemMatch takes a document")
			} else if operators(inner) && !logical(inner) {
				a.test(field, v, s, clause, false)
			} else {
				a.filter(inner, scope{root: field, vars: s.vars}, clause, false)
			}
		case k == "$nin":
			a.among(field, v, clause, false)
		case tests[k] && scalar(v):
			a.shallow(field, clause)
		case tests[k]:
			a.decides(field, clause)
		default:
			a.unknown(fmt.Sprintf("the query operator %q is not known here", clip(k)))
		}
	}
}

// among judges $in.
func (a *analysis) among(field *connectors.Document, v bsoncore.Value, clause string, plain bool) {
	list, ok := v.ArrayOK()
	values, err := list.Values()
	if !ok || err != nil {
		a.unknown("$in takes a list")
		return
	}
	reach := mask.Field
	for _, v := range values {
		if plain = plain && constant(v); !scalar(v) {
			reach = mask.Tree
		}
	}
	a.predicate(field, connectors.Predicate{Equality: plain, Clause: clause}, len(values), reach)
}

// equal judges a comparison with a constant. One with a document looks into documents.
func (a *analysis) equal(field *connectors.Document, v bsoncore.Value, clause string, plain bool) {
	reach := mask.Field
	if !scalar(v) {
		reach = mask.Tree
	}
	a.predicate(field, connectors.Predicate{Equality: plain && constant(v), Clause: clause}, 1, reach)
}

// scalar reports whether a value is neither a document nor a list.
func scalar(v bsoncore.Value) bool {
	return v.Type != bsoncore.TypeEmbeddedDocument && v.Type != bsoncore.TypeArray
}

// operators reports whether a document is of operators, not a value.
func operators(d bsoncore.Document) bool {
	e, err := d.IndexErr(0)
	return err == nil && strings.HasPrefix(e.Key(), "$")
}

// logical reports whether a document of operators combines filters.
func logical(d bsoncore.Document) bool {
	k := d.Index(0).Key()
	return k == "$and" || k == "$or" || k == "$nor"
}

// constant reports whether a value is one that a field is equal to, or not.
func constant(v bsoncore.Value) bool {
	switch v.Type {
	case bsoncore.TypeRegex, bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray, bsoncore.TypeNull, bsoncore.TypeUndefined, bsoncore.TypeMinKey, bsoncore.TypeMaxKey:
		return false
	}
	return true
}

// narrows reports whether a filter picks out some documents: it compares a field with
// what few have. What leaves some out ($ne, $nin, $not, $exists), or compares with
// nothing, may be about all.
func narrows(d bsoncore.Document) bool {
	elems, err := d.Elements()
	if err != nil {
		return false
	}
	for _, e := range elems {
		v := e.Value()
		switch k := e.Key(); {
		case k == "$and":
			if some(v, narrows) {
				return true
			}
		case k == "$or":
			if every(v, narrows) {
				return true
			}
		case strings.HasPrefix(k, "$"):
		case narrow(v):
			return true
		}
	}
	return false
}

// narrow reports whether comparing a field so picks out some documents.
func narrow(v bsoncore.Value) bool {
	d, isDoc := v.DocumentOK()
	if !isDoc || !operators(d) {
		if pattern, _, ok := v.RegexOK(); ok {
			return strings.Trim(pattern, ".*^$()+?|") != ""
		}
		return v.Type != bsoncore.TypeNull && v.Type != bsoncore.TypeUndefined
	}
	elems, _ := d.Elements()
	for _, e := range elems {
		v := e.Value()
		switch e.Key() {
		case "$eq":
			if v.Type != bsoncore.TypeNull {
				return true
			}
		case "$in":
			if every(v, nil) {
				return true
			}
		case "$gt", "$gte", "$lt", "$lte":
			if v.Type != bsoncore.TypeNull && v.Type != bsoncore.TypeMinKey && v.Type != bsoncore.TypeMaxKey {
				return true
			}
		case "$regex":
			pattern, isText := v.StringValueOK()
			if !isText {
				pattern, _, _ = v.RegexOK()
			}
			if strings.Trim(pattern, ".*^$()+?|") != "" {
				return true
			}
		case "$elemMatch":
			if inner, ok := v.DocumentOK(); ok && (narrows(inner) || operators(inner) && narrow(v)) {
				return true
			}
		}
	}
	return false
}

// some reports whether f holds for one of the documents of a list.
func some(v bsoncore.Value, f func(bsoncore.Document) bool) bool {
	list, _ := v.ArrayOK()
	values, _ := list.Values()
	for _, v := range values {
		if d, ok := v.DocumentOK(); ok && f(d) {
			return true
		}
	}
	return false
}

// every reports whether f holds for all documents of a list that has some; with nil,
// whether all of its values are something.
func every(v bsoncore.Value, f func(bsoncore.Document) bool) bool {
	list, _ := v.ArrayOK()
	values, _ := list.Values()
	for _, v := range values {
		d, ok := v.DocumentOK()
		if f != nil && (!ok || !f(d)) || f == nil && v.Type == bsoncore.TypeNull {
			return false
		}
	}
	return len(values) > 0
}
