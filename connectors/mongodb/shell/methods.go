package shell

import (
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Options of methods, by the words of the shell.
var (
	findOptions   = same("projection sort limit skip hint collation comment maxTimeMS allowDiskUse readConcern let min max returnKey showRecordId singleBatch batchSize")
	pipelineOpts  = same("allowDiskUse collation comment hint maxTimeMS readConcern writeConcern let bypassDocumentValidation explain")
	countOptions  = same("limit skip hint collation comment maxTimeMS readConcern")
	updateOptions = same("upsert collation arrayFilters hint")
	createOptions = same("capped size max validator validationLevel validationAction collation timeseries expireAfterSeconds viewOn pipeline clusteredIndex")
	modifyOptions = map[string]string{"projection": "fields", "sort": "sort", "upsert": "upsert", "returnNewDocument": "new", "collation": "collation", "maxTimeMS": "maxTimeMS", "arrayFilters": "arrayFilters", "hint": "hint", "comment": "comment"}
)

// ofCollection reads a method of a collection.
func (c *call) ofCollection() (Command, error) {
	var b *builder
	var err error
	switch c.name {
	case "find", "findOne":
		return c.find(c.name == "findOne")
	case "aggregate":
		b, err = c.aggregate(text(c.collection))
		if err == nil {
			return c.finish(b, c.after)
		}
	case "countDocuments", "count", "estimatedDocumentCount":
		b, err = c.count()
	case "distinct":
		b, err = c.distinct()
	case "insertOne", "insertMany":
		b, err = c.insert()
	case "updateOne", "updateMany", "replaceOne":
		b, err = c.update()
	case "deleteOne", "deleteMany":
		b, err = c.delete()
	case "findOneAndUpdate", "findOneAndReplace", "findOneAndDelete":
		b, err = c.findAndModify()
	default:
		return c.structure()
	}
	if err != nil {
		return Command{}, err
	}
	return c.finish(b, nil)
}

// finish ends a command with what may come behind the method.
func (c *call) finish(b *builder, after func(name string, args []bsoncore.Value) error) (Command, error) {
	explained := ""
	for {
		name, args, called, err := c.member()
		switch {
		case err != nil:
			return Command{}, err
		case name == "":
			d := b.done()
			if explained != "" {
				d = build("explain", asValue(d)).value("verbosity", text(explained)).done()
			}
			return Command{Doc: d}, nil
		case called && name == "explain" && explained == "" && len(args) <= 1:
			explained = "queryPlanner"
			if len(args) == 1 {
				explained, _ = args[0].StringValueOK()
			}
			if !slices.Contains([]string{"queryPlanner", "executionStats", "allPlansExecution"}, explained) {
				return Command{}, c.fail("explain takes queryPlanner, executionStats or allPlansExecution")
			}
		case !called || after == nil || explained != "":
			return Command{}, c.fail("%q does not come behind %s here", clip(name), c.name)
		default:
			if err := after(name, args); err != nil {
				return Command{}, err
			}
		}
	}
}

// after is what may come behind aggregate and changes nothing.
func (c *call) after(name string, args []bsoncore.Value) error {
	if (name == "toArray" || name == "pretty") && len(args) == 0 {
		return nil
	}
	return c.hinted("nothing is evaluated here", "%q does not come behind %s", clip(name), c.name)
}

func (c *call) find(onlyOne bool) (Command, error) {
	if err := c.most(3); err != nil {
		return Command{}, err
	}
	filter, err := c.doc(0)
	if err != nil {
		return Command{}, err
	}
	projection, err := c.doc(1)
	if err != nil {
		return Command{}, err
	}
	options, err := c.doc(2)
	if err != nil {
		return Command{}, err
	}
	b := build("find", text(c.collection)).doc("filter", filter)
	set := map[string]bool{}
	if projection != nil {
		b.doc("projection", projection)
		set["projection"] = true
	}
	if err := c.options(b, options, findOptions); err != nil {
		return Command{}, err
	}
	if elems, err := options.Elements(); options != nil && err == nil {
		for _, e := range elems {
			if set[e.Key()] {
				return Command{}, c.fail("%q is there twice", e.Key())
			}
			set[e.Key()] = true
		}
	}
	if onlyOne {
		if set["limit"] || set["singleBatch"] {
			return Command{}, c.fail("findOne has no limit")
		}
		b.value("limit", one1).boolean("singleBatch", true)
		return c.finish(b, nil)
	}
	cursor := &cursorCall{call: c, b: b, set: set}
	cmd, err := c.finish(b, cursor.after)
	if err == nil && cursor.counts && nameOf(cmd.Doc) == "explain" {
		return Command{}, c.fail("explain does not come behind count() here")
	}
	if err == nil && cursor.counts {
		counted := build("count", text(c.collection)).doc("query", filter).done()
		cmd = Command{Doc: counted}
	}
	return cmd, err
}

// cursorCall is what may come behind find.
type cursorCall struct {
	*call
	b      *builder
	set    map[string]bool
	counts bool
}

func (c *cursorCall) after(name string, args []bsoncore.Value) error {
	word := name
	switch {
	case c.counts:
		return c.fail("nothing comes behind count()")
	case (name == "toArray" || name == "pretty") && len(args) == 0:
		return nil
	case name == "count" && len(args) == 0:
		if len(c.set) > 0 {
			return c.hinted("countDocuments({...}, {limit: 5})", "count() stands alone behind find")
		}
		c.counts = true
		return nil
	case name == "project":
		word = "projection"
	}
	if findOptions[word] == "" || c.set[word] || len(args) > 1 {
		return c.hinted("sort, limit, skip, projection, hint, collation, comment, maxTimeMS, count", "%q does not come behind find, or comes twice; nothing is evaluated here", clip(name))
	}
	c.set[word] = true
	switch {
	case len(args) == 1:
		c.b.value(word, args[0])
	case name == "allowDiskUse" || name == "returnKey" || name == "showRecordId":
		c.b.boolean(word, true)
	default:
		return c.fail("%s takes an argument", name)
	}
	return nil
}

func (c *call) aggregate(of bsoncore.Value) (*builder, error) {
	if len(c.args) == 0 || len(c.args) > 2 {
		return nil, c.fail("aggregate takes a pipeline, and options")
	}
	stages, ok := c.args[0].ArrayOK()
	if !ok {
		return nil, c.fail("a pipeline is a list of stages: [{$match: {...}}]")
	}
	b := build("aggregate", of)
	b.value("pipeline", bsoncore.Value{Type: bsoncore.TypeArray, Data: stages}).doc("cursor", nil)
	options, err := c.doc(1)
	if err != nil {
		return nil, err
	}
	return b, c.options(b, options, pipelineOpts)
}

func (c *call) count() (*builder, error) {
	at := 1
	if c.name == "estimatedDocumentCount" {
		at = 0
	}
	if err := c.most(at + 1); err != nil {
		return nil, err
	}
	var query bsoncore.Document
	var err error
	if at == 1 {
		if query, err = c.doc(0); err != nil {
			return nil, err
		}
	}
	options, err := c.doc(at)
	if err != nil {
		return nil, err
	}
	b := build("count", text(c.collection)).doc("query", query)
	return b, c.options(b, options, countOptions)
}

func (c *call) distinct() (*builder, error) {
	if err := c.most(3); err != nil {
		return nil, err
	}
	key, err := c.text(0)
	if err != nil {
		return nil, err
	}
	query, err := c.doc(1)
	if err != nil {
		return nil, err
	}
	options, err := c.doc(2)
	if err != nil {
		return nil, err
	}
	b := build("distinct", text(c.collection)).value("key", text(key)).doc("query", query)
	return b, c.options(b, options, same("collation comment maxTimeMS hint readConcern"))
}

func (c *call) insert() (*builder, error) {
	if err := c.most(2); err != nil {
		return nil, err
	}
	if len(c.args) == 0 {
		return nil, c.fail("%s takes what is to be inserted", c.name)
	}
	docs := []bsoncore.Value{c.args[0]}
	if c.name == "insertMany" {
		list, ok := c.args[0].ArrayOK()
		if !ok {
			return nil, c.fail("insertMany takes a list of documents")
		}
		docs, _ = list.Values()
	}
	for _, d := range docs {
		if d.Type != bsoncore.TypeEmbeddedDocument {
			return nil, c.fail("what is inserted is a document")
		}
	}
	options, err := c.doc(1)
	if err != nil {
		return nil, err
	}
	b := build("insert", text(c.collection)).list("documents", docs...)
	return b, c.options(b, options, same("ordered writeConcern bypassDocumentValidation comment"))
}

// operators reports whether a document's keys are update operators.
func operators(d bsoncore.Document) bool {
	elems, err := d.Elements()
	if err != nil || len(elems) == 0 {
		return false
	}
	return !slices.ContainsFunc(elems, func(e bsoncore.Element) bool { return !strings.HasPrefix(e.Key(), "$") })
}

// change is what an update makes of a document: operators, a pipeline or a document.
func (c *call) change(i int) (bsoncore.Value, error) {
	if i >= len(c.args) {
		return bsoncore.Value{}, c.fail("%s takes a filter and what to change", c.name)
	}
	v := c.args[i]
	d, isDoc := v.DocumentOK()
	replaces := c.name == "replaceOne" || c.name == "findOneAndReplace"
	switch {
	case isDoc && operators(d) != replaces, v.Type == bsoncore.TypeArray && !replaces:
		return v, nil
	case replaces:
		return v, c.hinted("updateOne changes fields", "%s takes the new document, without operators", c.name)
	}
	return v, c.hinted("{$set: {...}}; replaceOne replaces whole documents", "%s takes update operators", c.name)
}

func (c *call) update() (*builder, error) {
	if err := c.most(3); err != nil {
		return nil, err
	}
	q, err := c.doc(0)
	if err != nil {
		return nil, err
	}
	u, err := c.change(1)
	if err != nil {
		return nil, err
	}
	options, err := c.doc(2)
	if err != nil {
		return nil, err
	}
	one := empty().doc("q", q).value("u", u).boolean("multi", c.name == "updateMany")
	if err := c.options(one, options, updateOptions); err != nil {
		return nil, err
	}
	return build("update", text(c.collection)).list("updates", asValue(one.done())), nil
}

func (c *call) delete() (*builder, error) {
	if err := c.most(2); err != nil {
		return nil, err
	}
	if len(c.args) == 0 {
		return nil, c.hinted("{} is all documents", "%s takes a filter", c.name)
	}
	q, err := c.doc(0)
	if err != nil {
		return nil, err
	}
	limit := int32(1)
	if c.name == "deleteMany" {
		limit = 0
	}
	options, err := c.doc(1)
	if err != nil {
		return nil, err
	}
	one := empty().doc("q", q).value("limit", number(limit))
	if err := c.options(one, options, same("collation hint")); err != nil {
		return nil, err
	}
	return build("delete", text(c.collection)).list("deletes", asValue(one.done())), nil
}

func (c *call) findAndModify() (*builder, error) {
	if err := c.most(3); err != nil {
		return nil, err
	}
	q, err := c.doc(0)
	if err != nil {
		return nil, err
	}
	b := build("findAndModify", text(c.collection)).doc("query", q)
	at := 1
	if c.name == "findOneAndDelete" {
		b.boolean("remove", true)
	} else {
		u, err := c.change(1)
		if err != nil {
			return nil, err
		}
		b.value("update", u)
		at = 2
	}
	options, err := c.doc(at)
	if err != nil {
		return nil, err
	}
	return b, c.options(b, options, modifyOptions)
}

// indexName is the name that an index has by its keys.
func indexName(keys bsoncore.Document) string {
	elems, _ := keys.Elements()
	var parts []string
	for _, e := range elems {
		v := e.Value()
		s, ok := v.StringValueOK()
		if n, isNumber := v.AsInt64OK(); !ok && isNumber {
			s = fmt.Sprint(n)
		}
		parts = append(parts, e.Key(), s)
	}
	return strings.Join(parts, "_")
}

// nameOf is a command's name.
func nameOf(d bsoncore.Document) string {
	e, err := d.IndexErr(0)
	if err != nil {
		return ""
	}
	return e.Key()
}
