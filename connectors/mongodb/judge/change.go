package judge

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// changes are update operators that take constants.
var changes = set("$set $setOnInsert $unset $inc $mul $min $max $currentDate $push $pop $bit")

// change judges what an update makes of documents.
func (a *analysis) change(v bsoncore.Value, collection string, root *connectors.Document) {
	if stages, ok := v.ArrayOK(); ok {
		a.computedChange(stages, collection, root)
		return
	}
	d, ok := v.DocumentOK()
	elems, err := d.Elements()
	if !ok || err != nil {
		a.unknown("an update takes a document or a pipeline")
		return
	}
	if !operators(d) {
		for _, e := range elems {
			a.writes(collection, e.Key())
		}
		return
	}
	for _, e := range elems {
		fields, ok := e.Value().DocumentOK()
		inner, err := fields.Elements()
		if !ok || err != nil {
			a.unknown("an update operator takes a document")
			return
		}
		for _, f := range inner {
			a.changed(e.Key(), f, collection, root)
		}
	}
}

func (a *analysis) changed(op string, f bsoncore.Element, collection string, root *connectors.Document) {
	path := f.Key()
	a.writes(collection, path)
	switch {
	case op == "$rename":
		to, ok := f.Value().StringValueOK()
		if !ok {
			a.unknown("$rename takes a name")
			return
		}
		a.writes(collection, to)
		a.moves(collection, to, at(root, path))
	case op == "$pull" || op == "$pullAll" || op == "$addToSet":
		a.decides(at(root, path), op) // by what is in the list already
	case op == "$push" && sorts(f.Value()):
		a.decides(at(root, path), "$sort")
	case !changes[op]:
		a.unknown(fmt.Sprintf("the update operator %q is not known here", clip(op)))
	}
}

// moves notes that values go into a field.
func (a *analysis) moves(collection, to string, from *connectors.Document) {
	cols := from.Columns()
	if len(cols) == 0 {
		return
	}
	a.Trace.Writes = append(a.Trace.Writes, connectors.Written{
		Into: collection + "." + to, Targets: []mask.Column{a.columnAt(collection, to)}, Sources: cols,
	})
}

// computedChange judges an update by a pipeline: what it puts into fields of their own
// stays there, and all else moves.
func (a *analysis) computedChange(stages bsoncore.Array, collection string, root *connectors.Document) {
	values, _ := stages.Values()
	for _, v := range values {
		d, _ := v.DocumentOK()
		for _, k := range keysOf(d) {
			if !set("$set $addFields $unset $project $replaceRoot $replaceWith")[k] {
				a.unknown("an update by a pipeline takes no " + clip(k))
			}
		}
	}
	out := a.pipeline(stages, scope{root: root}, true)
	if out.From == nil || root.From == nil || *out.From != *root.From {
		a.Trace.Writes = append(a.Trace.Writes, connectors.Written{Into: collection, Sources: out.Columns()})
		return
	}
	for k, f := range out.Fields {
		a.writes(collection, k)
		a.moves(collection, k, f)
	}
}

const maxWrites = 256

// writes notes a field that is changed.
func (a *analysis) writes(collection, path string) {
	c := a.columnAt(collection, path)
	if len(a.Facts.Writes) < maxWrites {
		a.Facts.Writes = append(a.Facts.Writes, policy.Column{Schema: c.Schema, Table: c.Table, Name: c.Name})
	}
}

// list are the documents of a command's option.
func (a *analysis) list(cmd bsoncore.Document, key string) (out []bsoncore.Document) {
	values, ok := cmd.Lookup(key).ArrayOK()
	docs, err := values.Values()
	if !ok || err != nil || len(docs) == 0 {
		a.unknown("there is no list of " + key)
	}
	for _, v := range docs {
		d, ok := v.DocumentOK()
		if !ok {
			a.unknown(key + " is a list of documents")
			return nil
		}
		out = append(out, d)
	}
	return out
}

// only finds options that a part of a command has not.
func (a *analysis) only(d bsoncore.Document, what string, words map[string]bool) {
	for _, k := range keysOf(d) {
		if !words[k] {
			a.unknown(fmt.Sprintf("the option %q of %s is not known here", clip(k), what))
		}
	}
}

var (
	updateFields = set("q u upsert multi collation arrayFilters hint sort")
	deleteFields = set("q limit collation hint")
)

func (a *analysis) update(cmd bsoncore.Document) {
	name := a.target(cmd)
	root := a.source(name)
	a.table(name, true)
	for _, d := range a.list(cmd, "updates") {
		a.only(d, "update", updateFields)
		q, _ := d.Lookup("q").DocumentOK()
		a.filter(q, a.scoped(cmd, root), "filter", true)
		a.hint(d, scope{root: root})
		if v, err := d.LookupErr("sort"); err == nil {
			a.keys(v, scope{root: root}, "sort")
		}
		a.change(d.Lookup("u"), name, root)
		a.arrayFilters(d, root)
		if isSet(d, "multi") && !narrows(q) {
			a.destroys("it changes all documents of " + name)
		}
	}
}

// isSet reports whether an option is there and not false: of one that is no truth value
// (multi: 1) servers think differently.
func isSet(d bsoncore.Document, key string) bool {
	v, err := d.LookupErr(key)
	off, is := v.BooleanOK()
	return err == nil && (!is || off)
}

// arrayFilters choose elements by names of their own, so that all of a document may
// decide.
func (a *analysis) arrayFilters(d bsoncore.Document, root *connectors.Document) {
	if _, err := d.LookupErr("arrayFilters"); err == nil {
		a.decides(root, "arrayFilters")
	}
}

// sorts reports whether a $push puts a list in order.
func sorts(v bsoncore.Value) bool {
	d, ok := v.DocumentOK()
	return ok && contains(keysOf(d), "$sort")
}

func (a *analysis) delete(cmd bsoncore.Document) {
	name := a.target(cmd)
	root := a.source(name)
	a.table(name, true)
	for _, d := range a.list(cmd, "deletes") {
		a.only(d, "delete", deleteFields)
		q, _ := d.Lookup("q").DocumentOK()
		a.filter(q, scope{root: root}, "filter", true)
		a.hint(d, scope{root: root})
		limit, ok := d.Lookup("limit").AsInt64OK()
		if !ok {
			a.unknown("a delete says 0 or 1 for limit")
		}
		if limit != 1 && !narrows(q) {
			a.destroys("it deletes all documents of " + name)
		}
	}
}

func (a *analysis) insert(cmd bsoncore.Document) {
	name := a.target(cmd)
	a.table(name, true)
	for _, d := range a.list(cmd, "documents") {
		for _, k := range keysOf(d) {
			if len(a.Facts.Writes) < maxWrites {
				a.writes(name, k)
			}
		}
	}
}

func (a *analysis) findAndModify(cmd bsoncore.Document) {
	name := a.target(cmd)
	root := a.source(name)
	a.table(name, true)
	s := a.scoped(cmd, root)
	q, _ := cmd.Lookup("query").DocumentOK()
	a.filter(q, s, "filter", true)
	if v, err := cmd.LookupErr("sort"); err == nil {
		a.keys(v, s, "sort")
	}
	a.hint(cmd, s)
	a.arrayFilters(cmd, root)
	if v, err := cmd.LookupErr("update"); err == nil {
		a.change(v, name, root)
	}
	a.Document = root
	if d, ok := cmd.Lookup("fields").DocumentOK(); ok {
		a.Document = a.project(d, s, true)
	}
}

// hint judges which index is to be used: its order is one of values.
func (a *analysis) hint(d bsoncore.Document, s scope) {
	v, err := d.LookupErr("hint")
	switch {
	case err != nil:
	case v.Type == bsoncore.TypeEmbeddedDocument:
		for _, k := range keysOf(v.Document()) {
			if !strings.HasPrefix(k, "$natural") {
				a.decides(at(s.root, k), "hint")
			}
		}
	default:
		a.decides(s.root, "hint")
	}
}
