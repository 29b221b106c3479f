package mongodb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/mongodb/judge"
	"github.com/sallyport/sallyport/policy"
)

const (
	maxCollections = 5000
	maxSampled     = 200 // collections of which fields are looked for
	sampleSize     = 20  // documents of each
	maxFields      = 300
)

// views are what collections stand for. It does not change.
type views struct {
	known map[string]judge.View // of those that are views
	dark  map[string]bool       // views whose definition the login may not see
	blind bool                  // nothing is known
	names []string
}

// View tells what a name stands for. One that is not there is no view.
func (v *views) View(name string) (judge.View, bool, bool) {
	if v.blind || v.dark[name] {
		return judge.View{}, true, false
	}
	w, ok := v.known[name]
	return w, ok, true
}

// look reads which collections there are; with names, these alone, over what is known
// of the others. A login that may not list them sees its own, without what views are.
func (c *Conn) look(ctx context.Context, g connectors.Guard, names []string) error {
	build := func(narrow bool) bsoncore.Document {
		b := command("listCollections", 1)
		if len(names) > 0 {
			b.value("filter", named(names))
		}
		if narrow {
			b.boolean("nameOnly", true).boolean("authorizedCollections", true)
		}
		return b.size("cursor", maxCollections).done()
	}
	cmd := build(false)
	if err := g.Note(ctx, string(appendDocument(nil, cmd))); err != nil {
		return err
	}
	said, err := c.aside(ctx, c.endpoint.Database, cmd)
	if hasCode(err, codeUnauthorized) {
		cmd = build(true)
		if err := g.Note(ctx, string(appendDocument(nil, cmd))); err != nil {
			return err
		}
		said, err = c.aside(ctx, c.endpoint.Database, cmd)
	}
	switch {
	case hasCode(err, codeUnauthorized):
		c.views.Store(&views{blind: true})
		return nil
	case err != nil:
		return c.failure(ctx, err)
	}
	c.views.Store(c.views.Load().with(said, names))
	return nil
}

// named is a filter by names.
func named(names []string) bsoncore.Value {
	at, b := bsoncore.AppendDocumentStart(nil)
	n, b := bsoncore.AppendDocumentElementStart(b, "name")
	l, b := bsoncore.AppendArrayElementStart(b, "$in")
	for i, s := range names {
		b = bsoncore.AppendStringElement(b, fmt.Sprint(i), s)
	}
	b, _ = bsoncore.AppendArrayEnd(b, l)
	b, _ = bsoncore.AppendDocumentEnd(b, n)
	b, _ = bsoncore.AppendDocumentEnd(b, at)
	return bsoncore.Value{Type: bsoncore.TypeEmbeddedDocument, Data: b}
}

// with is what is known after an answer about names, or about all where there are none.
func (v *views) with(said bsoncore.Document, names []string) *views {
	out := &views{known: map[string]judge.View{}, dark: map[string]bool{}}
	if len(names) > 0 {
		for k, w := range v.known {
			out.known[k] = w
		}
		for k := range v.dark {
			out.dark[k] = true
		}
		out.names = v.names
	}
	for _, n := range names {
		delete(out.known, n)
		delete(out.dark, n)
	}
	cursor, _ := said.Lookup("cursor").DocumentOK()
	list, _ := cursor.Lookup("firstBatch").ArrayOK()
	values, _ := list.Values()
	for _, d := range values {
		d, _ := d.DocumentOK()
		name, _ := d.Lookup("name").StringValueOK()
		kind, _ := d.Lookup("type").StringValueOK()
		if !slices.Contains(out.names, name) {
			out.names = append(slices.Clone(out.names), name)
		}
		if kind != "view" {
			continue
		}
		options, _ := d.Lookup("options").DocumentOK()
		on, ok := options.Lookup("viewOn").StringValueOK()
		stages, ok2 := options.Lookup("pipeline").ArrayOK()
		if !ok || !ok2 {
			out.dark[name] = true
			continue
		}
		out.known[name] = judge.View{On: on, Pipeline: stages}
	}
	if id, _ := number(cursor, "id"); id != 0 {
		out.blind = true // there are more than anybody should read through
	}
	return out
}

// Catalog lists the collections, with the fields that some of their documents have.
// Of the documents only the names of fields are kept.
func (c *Conn) Catalog(ctx context.Context) ([]connectors.Relation, error) {
	if err := c.look(ctx, c.guard, nil); err != nil {
		return nil, err
	}
	v := c.views.Load()
	names := slices.Clone(v.names)
	slices.Sort(names)
	var out []connectors.Relation
	for i, n := range names {
		if strings.HasPrefix(n, "system.") {
			continue
		}
		r := connectors.Relation{Schema: c.endpoint.Database, Name: n, Kind: policy.TablePlain}
		if _, view, _ := v.View(n); view {
			r.Kind = policy.TableView
		} else if i < maxSampled {
			r.Columns = c.sample(ctx, n)
		}
		out = append(out, r)
	}
	return out, nil
}

// sample finds fields of a collection; one that may not be read has none.
func (c *Conn) sample(ctx context.Context, name string) []connectors.RelationColumn {
	at, b := bsoncore.AppendDocumentStart(nil)
	b = bsoncore.AppendStringElement(b, "find", name)
	b = bsoncore.AppendInt32Element(b, "limit", sampleSize)
	b = bsoncore.AppendInt32Element(b, "batchSize", sampleSize)
	b = bsoncore.AppendBooleanElement(b, "singleBatch", true)
	b = bsoncore.AppendInt32Element(b, "maxTimeMS", 2000)
	b, _ = bsoncore.AppendDocumentEnd(b, at)
	if c.guard.Note(ctx, string(appendDocument(nil, b))+" -- for the names of fields") != nil {
		return nil
	}
	said, err := c.aside(ctx, c.endpoint.Database, b)
	if err != nil {
		return nil
	}
	cursor, _ := said.Lookup("cursor").DocumentOK()
	list, _ := cursor.Lookup("firstBatch").ArrayOK()
	values, _ := list.Values()
	f := fields{seen: map[string]int{}}
	for _, v := range values {
		if d, ok := v.DocumentOK(); ok {
			f.add(d, "", 0)
		}
	}
	return f.list
}

// fields collects the paths of fields with their types.
type fields struct {
	seen map[string]int
	list []connectors.RelationColumn
}

func (f *fields) add(d bsoncore.Document, prefix string, depth int) {
	elems, _ := d.Elements()
	for _, e := range elems {
		name, v := prefix+e.Key(), e.Value()
		if len(f.list) >= maxFields || depth > 4 || len(name) > 128 {
			return
		}
		kind := v.Type.String()
		if i, ok := f.seen[name]; !ok {
			f.seen[name] = len(f.list)
			f.list = append(f.list, connectors.RelationColumn{Name: name, Type: kind})
		} else if f.list[i].Type != kind && v.Type != bsoncore.TypeNull {
			f.list[i].Type = "mixed"
		}
		f.within(v, name, depth)
	}
}

// within goes on in documents, and in those of lists.
func (f *fields) within(v bsoncore.Value, name string, depth int) {
	if d, ok := v.DocumentOK(); ok {
		f.add(d, name+".", depth+1)
	}
	if l, ok := v.ArrayOK(); ok {
		values, _ := l.Values()
		for _, v := range values {
			if d, ok := v.DocumentOK(); ok {
				f.add(d, name+".", depth+1)
			}
		}
	}
}
