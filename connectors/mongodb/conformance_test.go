package mongodb

import (
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// TestConformance runs the suite over FerretDB, which is not MongoDB.
func TestConformance(t *testing.T) {
	s, db := database(t)
	fill(t, db, "customers", people(400)...)
	fill(t, db, "counters", bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: 0}}, bson.D{{Key: "_id", Value: 2}, {Key: "n", Value: 0}})
	// A thousand documents of so many elements are the rows of the large answer.
	elements := 100
	if connectortest.Big() {
		elements = 1100
	}
	var list []any
	for i := range elements {
		list = append(list, int32(i))
	}
	var rows []any
	for i := range 1000 {
		rows = append(rows, bson.D{{Key: "_id", Value: int32(i)}, {Key: "k", Value: list}})
	}
	fill(t, db, "wide", rows...)
	wide := `db.wide.aggregate([{$unwind: "$k"}, {$set: {text: "` + strings.Repeat("x", 1000) + `"}}, `
	e := endpoint(s, db.Name())
	elsewhere := e
	elsewhere.AuthDatabase = "nowhere"
	connectortest.Run(t, connectortest.Target{
		Driver: New(Options{}), Endpoint: e, Secret: s.Password(),
		Cannot: map[connectortest.Property]string{
			connectortest.Oversized.Of(connectortest.ToQuery): "a document has 16 MiB at most, which is taken; a server that says more is refused by TestHostile",
		},
		Faults: []connectortest.Fault{
			{Name: "wrong password", Endpoint: e, Secret: "wrong-Quince-5150", Want: connectors.ErrCredential},
			{Name: "a login of another database", Endpoint: elsewhere, Secret: s.Password(), Want: connectors.ErrCredential},
		},
		Sessions: func(t testing.TB) int {
			n, err := s.Sessions()
			if err != nil {
				t.Fatal(err)
			}
			return n
		},
		Active: func(t testing.TB) int {
			n, err := s.Busy(t.Context(), db.Name())
			if err != nil {
				t.Fatal(err)
			}
			return n
		},
		SQL: &connectortest.SQL{
			Read:     `db.customers.find({_id: {$lt: 3}}, {name: 1, nothing: 1}).sort({_id: 1})`,
			ReadWant: [][]string{{"1", "Name 1", "NULL"}, {"2", "Name 2", "NULL"}},
			Write:    `db.counters.updateOne({_id: 1}, {$inc: {n: 1}})`,
			Observe: func(t testing.TB) string {
				var docs []bson.D
				cur, err := db.Collection("counters").Find(t.Context(), bson.D{})
				if err == nil {
					err = cur.All(t.Context(), &docs)
				}
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprint(docs)
			},
			Affected:    1,
			Destructive: []string{`db.counters.deleteMany({})`, `db.counters.updateMany({n: {$ne: -1}}, {$set: {n: 0}})`, `db.counters.drop()`, `{dropDatabase: 1}`, `db.counters.aggregate([{$out: "customers"}])`},
			Harmless:    []string{`db.counters.deleteMany({_id: 9})`, `db.counters.insertOne({_id: 7, n: 7})`},
			Unknown: []string{`{frobnicate: 1}`, `{find: "customers", frob: 1}`, `db.customers.find({email: {$frob: 1}})`, `db.customers.aggregate([{$frob: {}}])`,
				`{find: "customers", find: "counters"}`, `db.customers.find(function() { return 1 })`, `{find: "customers", $db: "admin"}`},
			SyntaxError: `db.customers.find({`, ErrorCode: "FailedToParse",
			// FerretDB ends nothing of a query before its batch is full, so each batch takes a while,
			// and all of them minutes.
			Slow:      wide + `{$match: {text: /(x?){60}$/}}])`,
			Large:     func(n int) string { return wide + fmt.Sprintf(`{$limit: %d}])`, n) },
			Masks:     []mask.Rule{{Name: "contact", Column: "customers.email", Method: mask.Redact}, {Name: "phones", Column: "customers.contacts*phone"}},
			Masked:    `db.customers.find()`,
			Cleartext: []string{"@secret.example", "person17", "+44-20-77"},
			Evasions:  evasions(t),
			Relation: connectors.Relation{Schema: db.Name(), Name: "counters", Kind: policy.TablePlain, Columns: []connectors.RelationColumn{
				{Name: "_id", Type: "32-bit integer"}, {Name: "n", Type: "32-bit integer"},
			}},
		},
	})
}
