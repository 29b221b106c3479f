package judge

import (
	"testing"

	"github.com/sallyport/sallyport/connectors/mongodb/shell"
)

// TestCodeInViews: what a view's code makes of masked fields nobody can tell, though the
// command over the view holds no code.
func TestCodeInViews(t *testing.T) {
	p := plan(t)
	for _, stages := range []string{
		`[{$project: {x: {$function: {body: "function(e) { return e }", args: ["$email"], lang: "js"}}}}]`,
		`[{$group: {_id: null, x: {$accumulator: {accumulateArgs: ["$email"], lang: "js"}}}}]`,
		`[{$match: {$where: "this.email < 'm'"}}]`,
	} {
		made, err := shell.Parse(`db.createView("v", "customers", `+stages+`)`, "shop")
		if err != nil {
			t.Fatal(err)
		}
		j := judged(t, `db.v.find()`, catalog{"v": View{On: "customers", Pipeline: made.Doc.Lookup("pipeline").Array()}})
		if no := j.Trace.Refusal(p, p, j.Facts); no == nil {
			t.Errorf("a view of %s runs", stages)
		}
	}
}
