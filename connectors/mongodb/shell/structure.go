package shell

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

const methods = "find, findOne, aggregate, countDocuments, distinct, insertOne, insertMany, updateOne, updateMany, replaceOne, deleteOne, deleteMany, findOneAndUpdate, findOneAndDelete, createIndex, dropIndex, getIndexes, drop, renameCollection, stats"

// structure reads a method about a collection itself.
func (c *call) structure() (Command, error) {
	name := text(c.collection)
	var b *builder
	var err error
	switch c.name {
	case "createIndex":
		b, err = c.createIndex()
	case "dropIndex":
		if len(c.args) != 1 {
			return Command{}, c.fail("dropIndex takes a name or keys")
		}
		b = build("dropIndexes", name).value("index", c.args[0])
	case "dropIndexes":
		b, err = build("dropIndexes", name).value("index", text("*")), c.most(0)
	case "getIndexes":
		b, err = build("listIndexes", name).doc("cursor", nil), c.most(0)
	case "drop":
		b, err = build("drop", name), c.most(0)
	case "stats":
		b, err = build("collStats", name), c.most(0)
	case "renameCollection":
		to, err := c.text(0)
		if err != nil {
			return Command{}, err
		}
		b := build("renameCollection", text(c.database+"."+c.collection)).value("to", text(c.database+"."+to))
		if len(c.args) == 2 {
			b.value("dropTarget", c.args[1])
		}
		cmd, err := c.finish(b, nil)
		cmd.Admin = true
		return cmd, err
	default:
		return Command{}, c.hinted(methods+"; db.runCommand({...}) for others", "%q is no method that is known here", clip(c.name))
	}
	if err != nil {
		return Command{}, err
	}
	return c.finish(b, nil)
}

func (c *call) createIndex() (*builder, error) {
	if err := c.most(2); err != nil {
		return nil, err
	}
	keys, err := c.doc(0)
	if err != nil || keys == nil {
		return nil, c.fail("createIndex takes the keys: {field: 1}")
	}
	options, err := c.doc(1)
	if err != nil {
		return nil, err
	}
	index := empty().doc("key", keys)
	if _, err := options.LookupErr("name"); options == nil || err != nil {
		index.value("name", text(indexName(keys)))
	}
	allowed := same("name unique sparse expireAfterSeconds partialFilterExpression collation hidden background wildcardProjection weights default_language")
	if err := c.options(index, options, allowed); err != nil {
		return nil, err
	}
	return build("createIndexes", text(c.collection)).list("indexes", asValue(index.done())), nil
}

// ofDatabase reads a method of the database.
func (c *call) ofDatabase() (Command, error) {
	var b *builder
	var err error
	admin := false
	switch c.name {
	case "runCommand", "adminCommand":
		return c.run(c.name == "adminCommand")
	case "getCollectionNames":
		return c.plain(listCollections())
	case "getCollectionInfos":
		filter, ferr := c.doc(0)
		b, err = build("listCollections", one1).doc("filter", filter), ferr
	case "aggregate":
		b, err = c.aggregate(one1)
	case "dropDatabase":
		b, err = build("dropDatabase", one1), c.most(0)
	case "createCollection", "createView":
		b, err = c.create()
	case "stats":
		b, err = build("dbStats", one1), c.most(0)
	case "hello", "serverStatus", "ping":
		b, err = build(c.name, one1), c.most(0)
	case "version":
		b, err = build("buildInfo", one1), c.most(0)
	case "currentOp":
		b, err, admin = build("currentOp", one1), c.most(0), true
	case "killOp":
		if len(c.args) != 1 {
			return Command{}, c.fail("killOp takes the operation's number")
		}
		b, admin = build("killOp", one1).value("op", c.args[0]), true
	default:
		return Command{}, c.hinted("runCommand, adminCommand, getCollectionNames, aggregate, createCollection, dropDatabase, stats; or db.COLLECTION.find({...})", "%q is no method that is known here", clip(c.name))
	}
	if err != nil {
		return Command{}, err
	}
	cmd, err := c.finish(b, nil)
	cmd.Admin = admin
	return cmd, err
}

func (c *call) plain(d bsoncore.Document) (Command, error) {
	if err := c.most(0); err != nil {
		return Command{}, err
	}
	return c.alone(Command{Doc: d})
}

// alone is a command behind which nothing comes.
func (c *call) alone(cmd Command) (Command, error) {
	name, _, _, err := c.member()
	if err == nil && name != "" {
		err = c.fail("%q does not come behind %s here", clip(name), c.name)
	}
	return cmd, err
}

// run is a command as it is given.
func (c *call) run(admin bool) (Command, error) {
	if len(c.args) != 1 {
		return Command{}, c.fail("%s takes one command", c.name)
	}
	d, ok := c.args[0].DocumentOK()
	if name, isText := c.args[0].StringValueOK(); isText {
		if ok = name != "" && !strings.ContainsRune(name, 0); ok {
			d = build(name, one1).done()
		}
	}
	if !ok {
		return Command{}, c.fail("%s takes a document", c.name)
	}
	return c.alone(Command{Doc: d, Admin: admin})
}

func (c *call) create() (*builder, error) {
	name, err := c.text(0)
	if err != nil {
		return nil, err
	}
	b := build("create", text(name))
	at := 1
	if c.name == "createView" {
		on, err := c.text(1)
		if err != nil || len(c.args) < 3 || c.args[2].Type != bsoncore.TypeArray {
			return nil, c.fail("createView takes a name, a collection and a pipeline")
		}
		b.value("viewOn", text(on)).value("pipeline", c.args[2])
		at = 3
	}
	if err := c.most(at + 1); err != nil {
		return nil, err
	}
	options, err := c.doc(at)
	if err != nil {
		return nil, err
	}
	return b, c.options(b, options, createOptions)
}
