package shell

import (
	"errors"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestParse: what texts stand for, as Extended JSON of the driver's makers.
func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		`{find: "orders"}`:                       `{"find":"orders"}`,
		`{"find": 'orders', filter: {a: 1,},} ;`: `{"find":"orders","filter":{"a":1}}`,
		`{ping: 1} // and nothing else`:          `{"ping":1}`,
		`/* first */ {ping: /* what */ 1}`:       `{"ping":1}`,
		`db.orders.find()`:                       `{"find":"orders","filter":{}}`,
		`db.orders.find({a: {$gt: -1.5}}, {_id: 0}).sort({a: -1}).limit(5).skip(2).toArray()`: `{"find":"orders","filter":{"a":{"$gt":-1.5}},"projection":{"_id":0},"sort":{"a":-1},"limit":5,"skip":2}`,
		`db["odd name"].find({})`:          `{"find":"odd name","filter":{}}`,
		`db.a.b.c.find({})`:                `{"find":"a.b.c","filter":{}}`,
		`db.getCollection("a-b").find({})`: `{"find":"a-b","filter":{}}`,
		`db.orders.findOne({_id: ObjectId("507f1f77bcf86cd799439011")})`:                                                        `{"find":"orders","filter":{"_id":{"$oid":"507f1f77bcf86cd799439011"}},"limit":1,"singleBatch":true}`,
		`db.orders.find({a: ISODate("2026-01-31T12:00:00Z"), b: new Date("2026-01-31"), c: {$date: 0}})`:                        `{"find":"orders","filter":{"a":{"$date":"2026-01-31T12:00:00Z"},"b":{"$date":"2026-01-31T00:00:00Z"},"c":{"$date":"1970-01-01T00:00:00Z"}}}`,
		`db.orders.find({a: NumberLong("9007199254740993"), b: 3000000000, c: NumberInt(5), d: NumberDecimal("1.10"), e: 5.0})`: `{"find":"orders","filter":{"a":9007199254740993,"b":3000000000,"c":5,"d":{"$numberDecimal":"1.10"},"e":5.0}}`,
		`db.orders.find({a: /^x\/[/]y/im})`:                                                                                              `{"find":"orders","filter":{"a":{"$regularExpression":{"pattern":"^x/[/]y","options":"im"}}}}`,
		`db.orders.find({a: {$regex: "x", $options: "i"}})`:                                                                              `{"find":"orders","filter":{"a":{"$regex":"x","$options":"i"}}}`,
		`db.orders.find({a: UUID("00112233-4455-6677-8899-aabbccddeeff"), b: BinData(0, "AAE=")})`:                                       `{"find":"orders","filter":{"a":{"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}},"b":{"$binary":{"base64":"AAE=","subType":"00"}}}}`,
		`db.orders.find({a: {"$oid": "507f1f77bcf86cd799439011"}, b: {"$numberLong": "5"}, c: MinKey(), d: MaxKey, e: Timestamp(1, 2)})`: `{"find":"orders","filter":{"a":{"$oid":"507f1f77bcf86cd799439011"},"b":5,"c":{"$minKey":1},"d":{"$maxKey":1},"e":{"$timestamp":{"t":1,"i":2}}}}`,
		`db.orders.find({a: "tab\t\u00e9\x41\ud83d\ude00'"})`:                                                                            `{"find":"orders","filter":{"a":"tab\téA😀'"}}`,
		`db.orders.countDocuments({a: 1}, {limit: 5})`:                                                                                   `{"count":"orders","query":{"a":1},"limit":5}`,
		`db.orders.find({a: 1}).count()`:                                                                                                 `{"count":"orders","query":{"a":1}}`,
		`db.orders.distinct("a", {b: 1})`:                                                                                                `{"distinct":"orders","key":"a","query":{"b":1}}`,
		`db.orders.aggregate([{$match: {a: 1}}], {allowDiskUse: true})`:                                                                  `{"aggregate":"orders","pipeline":[{"$match":{"a":1}}],"cursor":{},"allowDiskUse":true}`,
		`db.orders.insertOne({a: 1})`:                                                                                                    `{"insert":"orders","documents":[{"a":1}]}`,
		`db.orders.insertMany([{a: 1}, {a: 2}], {ordered: false})`:                                                                       `{"insert":"orders","documents":[{"a":1},{"a":2}],"ordered":false}`,
		`db.orders.updateOne({a: 1}, {$set: {b: 2}}, {upsert: true})`:                                                                    `{"update":"orders","updates":[{"q":{"a":1},"u":{"$set":{"b":2}},"multi":false,"upsert":true}]}`,
		`db.orders.updateMany({}, [{$set: {b: "$a"}}])`:                                                                                  `{"update":"orders","updates":[{"q":{},"u":[{"$set":{"b":"$a"}}],"multi":true}]}`,
		`db.orders.replaceOne({a: 1}, {b: 2})`:                                                                                           `{"update":"orders","updates":[{"q":{"a":1},"u":{"b":2},"multi":false}]}`,
		`db.orders.deleteOne({a: 1})`:                                                                                                    `{"delete":"orders","deletes":[{"q":{"a":1},"limit":1}]}`,
		`db.orders.deleteMany({})`:                                                                                                       `{"delete":"orders","deletes":[{"q":{},"limit":0}]}`,
		`db.orders.findOneAndUpdate({a: 1}, {$inc: {b: 1}}, {returnNewDocument: true})`:                                                  `{"findAndModify":"orders","query":{"a":1},"update":{"$inc":{"b":1}},"new":true}`,
		`db.orders.createIndex({a: 1, b: -1}, {unique: true})`:                                                                           `{"createIndexes":"orders","indexes":[{"key":{"a":1,"b":-1},"name":"a_1_b_-1","unique":true}]}`,
		`db.orders.renameCollection("x")`:                                                                                                `{"renameCollection":"shop.orders","to":"shop.x"}`,
		`db.orders.find({a: 1}).explain("executionStats")`:                                                                               `{"explain":{"find":"orders","filter":{"a":1}},"verbosity":"executionStats"}`,
		`show collections`:                             `{"listCollections":1,"nameOnly":true,"authorizedCollections":true}`,
		`db.getCollectionNames()`:                      `{"listCollections":1,"nameOnly":true,"authorizedCollections":true}`,
		`db.runCommand({ping: 1})`:                     `{"ping":1}`,
		`db.runCommand("ping")`:                        `{"ping":1}`,
		`db.createView("v", "orders", [{$match: {}}])`: `{"create":"v","viewOn":"orders","pipeline":[{"$match":{}}]}`,
	} {
		c, err := Parse(text, "shop")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got, err := bson.MarshalExtJSON(bson.Raw(c.Doc), false, false)
		if err != nil || string(got) != want {
			t.Errorf("%s:\n got %s, %v\nwant %s", text, got, err, want)
		}
	}
}

// TestRefuses: what is evaluated, read in two ways, or another each time is no command.
func TestRefuses(t *testing.T) {
	for _, text := range []string{
		"", ";", "{}", "\t{};", "db.runCommand({})", "find", "use shop", "show users", "SELECT 1", `{find: "a"} {find: "b"}`, `{find: "a"}; {find: "b"}`,
		`{find: "a", find: "b"}`, `{a: {b: 1, "b": 2}}`, `{"a": 1, "\u0061": 2}`, `{a: 1 + 1}`, `{a: b}`, `{a: function() {}}`, `{a: () => 1}`, `{a: new Foo()}`,
		"{a: `x`}", `{a: "x" + "y"}`, `{[a]: 1}`, `{...a}`, `{a: 1`, `{a: "x`, `{a: /x`, `{a: [1, 2`, `{a: 'x
y'}`, `{"a\u0000b": 1}`, "{a: \"x\x00\"}", "{a: \"\xff\"}", `{a: /x/g}`, `{a: /x/ii}`, `{a: ObjectId()}`, `{a: new Date()}`, `{a: ISODate()}`, `{a: Date("2026-01-01")}`,
		`{a: ObjectId("xyz")}`, `{a: ISODate("soon")}`, `{a: NumberLong("x")}`, `{a: NumberInt(3000000000)}`, `{a: NumberDecimal(5)}`, `{a: {$oid: "x"}}`, `{a: {$oid: "507f1f77bcf86cd799439011", b: 1}}`,
		`{a: {$code: "x"}}`, `{a: {$symbol: "x"}}`, `{a: {$undefined: true}}`, `{a: undefined}`, `{a: 012}`, `{a: 0x10}`, `{a: 99999999999999999999}`, `{a: 1n}`, `{a: 1_000}`, `{a: "\q"}`, `{a: "\ud83d"}`, `{a: "\u12"}`,
		`db`, `db.`, `db.orders`, `db.orders.find`, `db.orders.find(`, `db.orders.find({}).forEach(x)`, `db.orders.find({}).map({})`, `db.orders.find({}).limit(1).limit(2)`, `db.orders.find({}, {}, {projection: {}})`,
		`db.orders.find({}, {}, {}, {})`, `db.orders.find("x")`, `db.orders.find({}).sort()`, `db.orders.frob({})`, `db.frob()`, `db[orders].find()`, `db.getSiblingDB("x").a.find()`, `db.orders.updateOne({}, {a: 1})`,
		`db.orders.replaceOne({}, {$set: {a: 1}})`, `db.orders.updateOne({}, {$set: {a: 1}, b: 2})`, `db.orders.deleteMany()`, `db.orders.deleteMany({}, {frob: 1})`, `db.orders.insertOne(5)`, `db.orders.insertMany({})`, `db.orders.aggregate({})`,
		`db.orders.aggregate([]).forEach({})`, `db.orders.find().count().explain()`, `db.orders.find().explain().count()`, `db.runCommand("p\u0000ing")`, `db.runCommand()`, `db.orders.find(), db.orders.drop()`, `db.orders.find() db.orders.drop()`,
		strings.Repeat(`{a:`, 200) + "1" + strings.Repeat("}", 200), strings.Repeat("[", 100000), "{a: /*", "{a: \u00a01}", "{a: \u20281}", "\ufeff{ping: 1}",
	} {
		c, err := Parse(text, "shop")
		if err == nil {
			t.Errorf("%q is %s", text, c.Doc)
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.Text == "" || e.Position() < 1 {
			t.Errorf("%q: %#v", text, err)
		}
	}
}

// FuzzParse: whatever the text, reading ends; what comes of it is one document that
// another reader of BSON takes, too.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{find: "a", filter: {b: /x/i}}`, `db.a.find({b: ISODate("2026-01-01")}).sort({c: 1})`, `db.a.updateOne({}, {$set: {b: NumberLong("5")}})`, `show dbs`, `db.runCommand({a: [1, {b: "\u00e9"}]})`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse(text, "shop")
		if err != nil {
			return
		}
		if err := bson.Raw(c.Doc).Validate(); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		var d bson.D
		if err := bson.Unmarshal(c.Doc, &d); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(d) == 0 {
			t.Fatalf("%q is no command", text)
		}
	})
}
