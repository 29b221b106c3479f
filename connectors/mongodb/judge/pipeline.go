package judge

import (
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Stages that change neither rows by their values nor documents, and those that are
// known and too involved to follow.
var (
	passes   = set("$limit $skip $sample")
	involved = set("$geoNear $search $searchMeta $vectorSearch $densify $fill $setWindowFields")
	metadata = set("$collStats $indexStats $listSearchIndexes")
	others   = set("$currentOp $listSessions $listLocalSessions $planCacheStats $queryStats $listSampledQueries $shardedDataDistribution")
)

// pipeline judges stages over documents and returns what these are at its end. inner
// says that it stands within another, where it can write nothing.
func (a *analysis) pipeline(stages bsoncore.Array, s scope, inner bool) *connectors.Document {
	if a.nested++; a.nested > maxNodes {
		a.unknown("pipelines are nested too deeply")
		return nothing
	}
	values, err := stages.Values()
	if err != nil {
		a.unknown("a pipeline cannot be read")
		return nothing
	}
	if a.stages += len(values); a.stages > maxStages {
		a.unknown("pipelines have too many stages to follow")
		return nothing
	}
	for _, v := range values {
		d, ok := v.DocumentOK()
		elems, err := d.Elements()
		if !ok || err != nil || len(elems) != 1 {
			a.unknown("a stage is a document with one key")
			return nothing
		}
		s.root = a.stage(elems[0].Key(), elems[0].Value(), s, inner)
	}
	return s.root
}

func (a *analysis) stage(name string, v bsoncore.Value, s scope, inner bool) *connectors.Document {
	d, isDoc := v.DocumentOK()
	switch name {
	case "$match":
		a.filter(d, s, "$match", true)
	case "$project":
		return a.project(d, s, false)
	case "$addFields", "$set":
		return a.added(d, s)
	case "$unset":
		return a.unset(v, s)
	case "$sort":
		a.keys(v, s, "$sort")
	case "$group":
		return a.group(d, s)
	case "$bucket", "$bucketAuto":
		return a.bucket(d, s)
	case "$sortByCount":
		by := a.expr(v, s)
		a.decides(by, name)
		return a.closed([]string{"_id", "count"}, map[string]*connectors.Document{"_id": by, "count": nothing})
	case "$count":
		key, _ := v.StringValueOK()
		return a.closed([]string{key}, map[string]*connectors.Document{key: nothing})
	case "$unwind":
		return a.unwind(v, s)
	case "$replaceRoot":
		return a.expr(d.Lookup("newRoot"), s)
	case "$replaceWith":
		return a.expr(v, s)
	case "$redact":
		a.decides(a.expr(v, s), name)
	case "$facet":
		return a.facet(d, s)
	case "$lookup", "$graphLookup", "$unionWith":
		return a.joined(name, v, s)
	case "$out", "$merge":
		if inner {
			a.unknown(name + " stands at the end of a pipeline, and not within another")
		}
		a.into(name, v, s)
	case "$documents":
		return a.expr(v, scope{root: nothing, vars: s.vars})
	default:
		return a.rare(name, s)
	}
	if !isDoc && name != "$redact" && name != "$out" && name != "$merge" {
		a.unknown(name + " takes a document")
	}
	return s.root
}

// rare judges stages of which no lineage is kept.
func (a *analysis) rare(name string, s scope) *connectors.Document {
	switch {
	case passes[name]:
		return s.root
	case involved[name]:
		a.dim("what " + name + " makes of fields is not followed")
	case metadata[name]:
		return nothing
	case others[name]:
		a.raise(policy.Privilege, name+" tells of what others do")
		a.Facts.Opaque = true
		a.dim(name + " tells of what others do")
	default:
		a.unknown(fmt.Sprintf("the stage %q is not known here", clip(name)))
	}
	return s.root
}

func (a *analysis) unset(v bsoncore.Value, s scope) *connectors.Document {
	out := s.root
	list := []bsoncore.Value{v}
	if l, ok := v.ArrayOK(); ok {
		list, _ = l.Values()
	}
	if len(list) > maxFields {
		a.unknown("it names too many fields to follow")
		return out
	}
	for _, v := range list {
		path, ok := v.StringValueOK()
		if !ok {
			a.unknown("$unset takes names of fields")
			return out
		}
		if !strings.Contains(path, ".") { // see excluded
			out = put(out, path, nothing)
		}
	}
	return out
}

// group judges $group: what it groups by decides.
func (a *analysis) group(d bsoncore.Document, s scope) *connectors.Document {
	elems, err := d.Elements()
	if err != nil || len(elems) == 0 {
		a.unknown("$group takes a document")
		return nothing
	}
	fields, names := map[string]*connectors.Document{}, []string{}
	for _, e := range elems {
		k := e.Key()
		names = append(names, k)
		if k != "_id" {
			fields[k] = a.accumulate(e.Value(), s)
			continue
		}
		fields[k] = a.expr(e.Value(), s)
		a.decides(fields[k], "$group")
	}
	return a.closed(names, fields)
}

func (a *analysis) bucket(d bsoncore.Document, s scope) *connectors.Document {
	by := a.expr(d.Lookup("groupBy"), s)
	a.decides(by, "$bucket")
	fields, names := map[string]*connectors.Document{"_id": by}, []string{"_id"}
	out, ok := d.Lookup("output").DocumentOK()
	if !ok {
		fields["count"] = nothing
		return a.closed(append(names, "count"), fields)
	}
	elems, _ := out.Elements()
	for _, e := range elems {
		fields[e.Key()], names = a.accumulate(e.Value(), s), append(names, e.Key())
	}
	return a.closed(names, fields)
}

func (a *analysis) unwind(v bsoncore.Value, s scope) *connectors.Document {
	path := v
	out := s.root
	if d, ok := v.DocumentOK(); ok {
		path = d.Lookup("path")
		if index, ok := d.Lookup("includeArrayIndex").StringValueOK(); ok {
			out = put(out, index, nothing)
		}
	}
	if path.Type != bsoncore.TypeString {
		a.unknown("$unwind takes a path")
		return out
	}
	a.shallow(a.expr(path, s), "$unwind")
	return out
}

func (a *analysis) facet(d bsoncore.Document, s scope) *connectors.Document {
	elems, err := d.Elements()
	if err != nil || d == nil {
		a.unknown("$facet takes a document")
	}
	fields, names := map[string]*connectors.Document{}, []string{}
	for _, e := range elems {
		stages, ok := e.Value().ArrayOK()
		if !ok {
			a.unknown("$facet takes pipelines")
		}
		fields[e.Key()], names = a.refer(a.pipeline(stages, s, true)), append(names, e.Key())
	}
	return a.closed(names, fields)
}
