package judge

import (
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors/mongodb/shell"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// catalog has views by name.
type catalog map[string]View

func (c catalog) View(name string) (View, bool, bool) { v, ok := c[name]; return v, ok, name != "dark" }

func judged(t testing.TB, text string, c Catalog) *Judgement {
	t.Helper()
	cmd, err := shell.Parse(text, "shop")
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return Judge(cmd.Doc, cmd.Admin, "shop", c)
}

func plan(t testing.TB, rules ...mask.Rule) *mask.Plan {
	t.Helper()
	if len(rules) == 0 {
		rules = []mask.Rule{{Name: "contact", Column: "customers.email"}, {Name: "phones", Column: "customers.contacts*phone"}}
	}
	p, err := mask.NewPlan(rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestClasses: what commands are taken for.
func TestClasses(t *testing.T) {
	b, err := os.ReadFile("testdata/classes.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		n++
		class, text, _ := strings.Cut(line, " ")
		class, destructive := strings.TrimSuffix(class, "!"), strings.HasSuffix(class, "!")
		j := judged(t, text, catalog{})
		if j.Facts.Class.String() != class || j.Facts.Destructive != destructive {
			t.Errorf("%s: %s, destructive %v (%s); want %s, %v", text, j.Facts.Class, j.Facts.Destructive, j.Facts.Why, class, destructive)
		}
		if j.Facts.Class == policy.Unknown && (j.Cannot == "" || !j.Facts.Opaque || j.Trace.Understood()) {
			t.Errorf("%s is unknown, and may run or is understood", text)
		}
	}
	if n < 60 {
		t.Errorf("%d lines", n)
	}
}

// TestRefused: what does more with a masked field than pass it on is refused; TestPasses
// are the twins that are not, so that the first can fail.
func TestRefused(t *testing.T) {
	p := plan(t)
	for _, text := range lines(t, "testdata/refused.txt") {
		j := judged(t, text, catalog{})
		if no := j.Trace.Refusal(p, p, j.Facts); no == nil {
			t.Errorf("%s runs", text)
		}
		none, err := mask.NewPlan(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if no := j.Trace.Refusal(none, none, j.Facts); no != nil {
			t.Errorf("%s is refused without masks: %v", text, no)
		}
	}
}

func TestPasses(t *testing.T) {
	p := plan(t)
	for _, text := range lines(t, "testdata/passes.txt") {
		j := judged(t, text, catalog{})
		if no := j.Trace.Refusal(p, p, j.Facts); no != nil {
			t.Errorf("%s: %v", text, no)
		}
	}
}

func lines(t testing.TB, file string) (out []string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	if len(out) < 20 {
		t.Fatalf("%s has %d lines", file, len(out))
	}
	return out
}

// TestEquality: a mask may let a field be looked up by its value, and counts the tries.
func TestEquality(t *testing.T) {
	p := plan(t, mask.Rule{Name: "contact", Column: "customers.email", Predicates: mask.EqualityAlone, Budget: 10})
	for text, tries := range map[string]int64{
		`db.customers.find({email: "a@b.example"})`:                               1,
		`db.customers.find({email: {$in: ["a", "b", "c"]}})`:                      3,
		`db.customers.find({$or: [{email: "a"}, {email: {$eq: "b"}}]})`:           2,
		`db.customers.aggregate([{$match: {email: "a"}}, {$project: {name: 1}}])`: 1,
		`db.customers.updateOne({email: "a"}, {$set: {seen: true}})`:              1,
		`db.customers.find({email: {$ne: "a"}})`:                                  -1,
		`db.customers.find({email: {$not: {$eq: "a"}}})`:                          -1,
		`db.customers.find({$nor: [{email: "a"}]})`:                               -1,
		`db.customers.find({email: /a/})`:                                         -1,
		`db.customers.find({email: {$in: ["a", /b/]}})`:                           -1,
		`db.customers.find({email: null})`:                                        -1,
		`db.customers.find({email: {$gt: "a"}})`:                                  -1,
		`db.customers.find({email: {x: 1}})`:                                      -1,
		`db.customers.find({$expr: {$eq: ["$email", "a"]}})`:                      -1,
		`db.customers.find({email: "a"}).sort({email: 1})`:                        -1,
		`db.customers.find({email: {$elemMatch: {$eq: "a"}}})`:                    -1,
		`db.customers.find({email: MaxKey})`:                                      -1,
		`db.customers.find({email: {$lte: "a", $gte: "a"}})`:                      -1,
	} {
		j := judged(t, text, catalog{})
		no := j.Trace.Refusal(p, p, j.Facts)
		if (no == nil) != (tries >= 0) {
			t.Errorf("%s: %v", text, no)
		}
		if looks := j.Trace.LookUps(p); tries >= 0 && (len(looks) != 1 || looks[0].Tries != tries) {
			t.Errorf("%s: %+v, want %d tries", text, looks, tries)
		}
	}
}

// TestViews: what a view shows is what its pipeline makes of the collection, and a view
// that one cannot look into is not understood.
func TestViews(t *testing.T) {
	p := plan(t)
	stages := func(text string) View {
		cmd, err := shell.Parse(`db.customers.aggregate(`+text+`)`, "shop")
		if err != nil {
			t.Fatal(err)
		}
		return View{On: "customers", Pipeline: cmd.Doc.Lookup("pipeline").Array()}
	}
	c := catalog{
		"shown":  stages(`[{$project: {mail: "$email", name: 1}}]`),
		"loud":   stages(`[{$project: {mail: {$toUpper: "$email"}}}]`),
		"names":  stages(`[{$project: {name: 1}}]`),
		"second": {On: "shown", Pipeline: stages(`[{$addFields: {again: "$mail"}}]`).Pipeline},
		"loop":   {On: "loop", Pipeline: stages(`[]`).Pipeline},
	}
	for text, runs := range map[string]bool{
		`db.shown.find()`: true, `db.shown.find({mail: /a/})`: false, `db.loud.find()`: false, `db.names.find({name: /a/})`: true,
		`db.second.find({again: /a/})`: false, `db.second.find({name: /a/})`: true, `db.loop.find()`: false, `db.dark.find()`: false,
		`db.orders.aggregate([{$lookup: {from: "second", pipeline: [{$match: {again: /a/}}], as: "x"}}])`: false,
	} {
		j := judged(t, text, c)
		if no := j.Trace.Refusal(p, p, j.Facts); (no == nil) != runs {
			t.Errorf("%s: %v", text, no)
		}
	}
	d := judged(t, `db.second.find()`, c).Document
	if got := d.At("again").From; got == nil || got.Name != "email" || got.Table != "customers" {
		t.Errorf("a view of a view: its field comes from %+v", got)
	}
}

// TestColumns: fields that can be told are columns of their own, in order.
func TestColumns(t *testing.T) {
	for text, want := range map[string]string{
		`db.c.find({}, {b: 1, a: 1})`:                              "_id b a",
		`db.c.find({}, {_id: 0, "a.x": 1, "a.y": 1, b: true})`:     "a b",
		`db.c.find({}, {_id: 1})`:                                  "_id",
		`db.c.find({}, {a: 0})`:                                    "",
		`db.c.find()`:                                              "",
		`db.c.find({}, {_id: 0})`:                                  "",
		`db.c.find({}, {a: {$slice: 1}})`:                          "",
		`db.c.aggregate([{$group: {_id: "$a", n: {$sum: 1}}}])`:    "_id n",
		`db.c.aggregate([{$group: {_id: "$a"}}, {$set: {x: 1}}])`:  "",
		`db.c.aggregate([{$count: "n"}])`:                          "n",
		`db.c.distinct("a.b")`:                                     "a.b",
		`db.c.aggregate([{$project: {x: "$y"}}, {$sort: {x: 1}}])`: "_id x",
	} {
		if got := strings.Join(judged(t, text, catalog{}).Columns, " "); got != want {
			t.Errorf("%s: columns %q, want %q", text, got, want)
		}
	}
}

// FuzzJudge: whatever the text, judging ends, and what is unknown is not run.
func FuzzJudge(f *testing.F) {
	for _, file := range []string{"testdata/refused.txt", "testdata/passes.txt"} {
		for _, l := range lines(f, file) {
			f.Add(l)
		}
	}
	p := plan(f)
	f.Fuzz(func(t *testing.T, text string) {
		cmd, err := shell.Parse(text, "shop")
		if err != nil {
			return
		}
		j := Judge(cmd.Doc, cmd.Admin, "shop", catalog{})
		if j.Facts.Class == policy.Unknown && (j.Cannot == "" || !j.Facts.Opaque) {
			t.Errorf("unknown, and may run: %q", text)
		}
		if j.Trace.Why != "" && j.Trace.Refusal(p, p, j.Facts) == nil {
			t.Errorf("not understood, and not refused: %q", text)
		}
		_ = j.Document.Columns()
	})
}
