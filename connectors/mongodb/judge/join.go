package judge

import (
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// collectionOf is the name of a collection, which may come with its database.
func (a *analysis) collectionOf(v bsoncore.Value) string {
	if s, ok := v.StringValueOK(); ok {
		return s
	}
	d, ok := v.DocumentOK()
	name, named := d.Lookup("coll").StringValueOK()
	if !ok || !named {
		a.unknown("a collection is not named")
		return ""
	}
	if v, err := d.LookupErr("db"); err == nil {
		if db, ok := v.StringValueOK(); !ok || db != a.db {
			a.unknown("it reaches into another database")
		}
	}
	return name
}

// joined judges stages that read other collections.
func (a *analysis) joined(name string, v bsoncore.Value, s scope) *connectors.Document {
	d, _ := v.DocumentOK()
	for _, k := range keysOf(d) {
		if !joins[name][k] {
			a.unknown("the option " + clip(k) + " of " + name + " is not known here")
		}
	}
	switch name {
	case "$unionWith":
		if d == nil {
			return either(s.root, a.source(a.collectionOf(v)))
		}
		other := nothing
		if c, err := d.LookupErr("coll"); err == nil {
			other = a.source(a.collectionOf(c))
		}
		if stages, ok := d.Lookup("pipeline").ArrayOK(); ok {
			other = a.pipeline(stages, scope{root: other}, true)
		}
		return either(s.root, other)
	case "$graphLookup":
		return a.graph(d, s)
	}
	other := nothing
	if from, err := d.LookupErr("from"); err == nil {
		other = a.source(a.collectionOf(from))
	}
	if local, ok := d.Lookup("localField").StringValueOK(); ok {
		a.decides(at(s.root, local), name)
		foreign, _ := d.Lookup("foreignField").StringValueOK()
		a.decides(at(other, foreign), name)
	}
	inner := scope{root: other, vars: s.vars}
	if let, ok := d.Lookup("let").DocumentOK(); ok {
		elems, _ := let.Elements()
		for _, e := range elems {
			a.own(e.Key())
			inner = inner.with(e.Key(), a.expr(e.Value(), s))
		}
	}
	if stages, ok := d.Lookup("pipeline").ArrayOK(); ok {
		other = a.pipeline(stages, inner, true)
	}
	return a.as(d, s, other, name)
}

var joins = map[string]map[string]bool{
	"$lookup":      set("from localField foreignField let pipeline as"),
	"$graphLookup": set("from startWith connectFromField connectToField as maxDepth depthField restrictSearchWithMatch"),
	"$unionWith":   set("coll pipeline"),
}

func keysOf(d bsoncore.Document) []string {
	elems, _ := d.Elements()
	var out []string
	for _, e := range elems {
		out = append(out, e.Key())
	}
	return out
}

func (a *analysis) as(d bsoncore.Document, s scope, v *connectors.Document, name string) *connectors.Document {
	as, ok := d.Lookup("as").StringValueOK()
	if !ok {
		a.unknown(name + " does not say where to")
		return s.root
	}
	return put(s.root, as, v)
}

func (a *analysis) graph(d bsoncore.Document, s scope) *connectors.Document {
	from := a.source(a.collectionOf(d.Lookup("from")))
	a.decides(a.expr(d.Lookup("startWith"), s), "$graphLookup")
	for _, k := range []string{"connectFromField", "connectToField"} {
		path, ok := d.Lookup(k).StringValueOK()
		if !ok {
			a.unknown("$graphLookup has no " + k)
			return s.root
		}
		a.decides(at(from, path), "$graphLookup")
	}
	if match, ok := d.Lookup("restrictSearchWithMatch").DocumentOK(); ok {
		a.filter(match, scope{root: from}, "$graphLookup", false)
	}
	if depth, ok := d.Lookup("depthField").StringValueOK(); ok {
		from = put(from, depth, nothing)
	}
	return a.as(d, s, from, "$graphLookup")
}

// meets judges the fields by which $merge finds documents: whether one was found shows in
// what happens.
func (a *analysis) meets(to string, on bsoncore.Value) {
	list := []bsoncore.Value{on}
	if l, ok := on.ArrayOK(); ok {
		list, _ = l.Values()
	}
	for _, v := range list {
		path, ok := v.StringValueOK()
		if !ok {
			a.unknown("$merge finds documents by names of fields")
			return
		}
		a.decides(at(a.source(to), path), "$merge")
	}
}

// into judges $out and $merge: the documents go into a collection.
func (a *analysis) into(name string, v bsoncore.Value, s scope) {
	target := v
	a.raise(policy.Write, name+" writes what the pipeline makes")
	d, isDoc := v.DocumentOK()
	if name == "$merge" && isDoc {
		target = d.Lookup("into")
		if when, err := d.LookupErr("whenMatched"); err == nil && when.Type == bsoncore.TypeArray {
			a.dim("what $merge does with a document that is there is not followed")
		}
	}
	to := a.collectionOf(target)
	a.table(to, true)
	if on, err := d.LookupErr("on"); name == "$merge" && err == nil {
		a.meets(to, on)
	}
	if name == "$out" {
		a.destroys("$out replaces all of " + to)
	}
	a.Trace.Writes = append(a.Trace.Writes, connectors.Written{Into: to, Sources: s.root.Columns()})
}
