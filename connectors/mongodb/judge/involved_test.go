package judge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/policy"
)

// TestInvolved: a short text can stand for more than anybody could follow. Each of these
// would take the judge minutes, or all memory, where it did not give up.
func TestInvolved(t *testing.T) {
	var names []string
	for i := range 60_000 {
		names = append(names, fmt.Sprintf("a%d:1", i))
	}
	fields := strings.Join(names, ",")
	for name, text := range map[string]string{
		"what doubles in each stage":   `db.orders.aggregate([` + strings.Repeat(`{$set: {a: ["$a", "$a"]}},`, 200) + `])`,
		"facets of facets in turn":     `db.orders.aggregate([` + strings.Repeat(`{$facet: {a: [], b: []}},`, 90) + `])`,
		"variables of variables":       `db.orders.aggregate([{$set: {x: ` + strings.Repeat(`{$let: {vars: {a: ["$$a", "$$a", "$$a", "$$a", "$$a", "$$a", "$$a", "$$a", "$$a", "$$a"]}, in: `, 20) + `"$$a"` + strings.Repeat(`}}`, 20) + `}}], {let: {a: 1}})`,
		"many fields":                  `db.orders.find({}, {` + fields + `})`,
		"many stages":                  `db.orders.aggregate([` + strings.Repeat(`{$set: {a: 1}},`, 20_000) + `])`,
		"all of a document many times": `db.orders.aggregate([{$project: {x: [` + strings.Repeat(`{$getField: "a"},`, 30_000) + `]}}])`,
	} {
		if j := judged(t, text, catalog{}); j.Facts.Class != policy.Unknown {
			t.Errorf("%s: %s", name, j.Facts.Class)
		}
	}
	// A path that is deeper than documents may lead to anything.
	p := plan(t)
	for _, path := range []string{"a" + strings.Repeat(".0", 60), strings.Repeat("a.", 100_000) + "b"} {
		j := judged(t, `db.customers.find({"`+path+`": 1})`, catalog{})
		if no := j.Trace.Refusal(p, p, j.Facts); no == nil {
			t.Errorf("%.20s... runs", path)
		}
	}
}

// TestPlaces: an answer's documents are masked by paths without places, so a place in a
// path of a projection hides nothing of what is in the list.
func TestPlaces(t *testing.T) {
	p := plan(t)
	for _, path := range []string{"contacts.$.phone", "contacts.0.phone", "contacts.0", "contacts.$"} {
		j := judged(t, `db.customers.find({}, {"`+path+`": 1})`, catalog{})
		masked := false
		for _, c := range j.Document.At("contacts").At("phone").Columns() {
			_, ok := p.Column(c)
			masked = masked || ok
		}
		if !masked {
			t.Errorf("%s: the phone is of nothing", path)
		}
	}
}
