package policy

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a policy remembers of the resources that it knows changes no answer.
func TestIndexIsNoJudge(t *testing.T) {
	var resources []Resource
	for i := range 60 {
		r := Resource{Name: fmt.Sprintf("db-%d", i), Kind: []string{"postgres", "ssh"}[i%2], Labels: map[string]string{"env": []string{"prod", "test", "dev", "stage"}[i/2%4]}}
		if i%5 == 0 {
			r.Labels["tier"] = "1"
		}
		resources = append(resources, r)
	}
	roles := Roles{
		{Name: "label", Groups: []string{"g"}, Resources: Selector{Names: []string{"*"}}, When: `resource.labels.env != "dev"`,
			Rules: []Rule{{Name: "reads", Allow: []string{"read"}, When: `resource.labels.env in ["prod", "stage"]`}, {Name: "ask", Approve: []string{"write"}, By: []string{"x"}, When: `has(resource.labels.tier)`}}},
		{Name: "name", Groups: []string{"g"}, Resources: Selector{Labels: map[string]string{"env": "dev"}},
			Rules: []Rule{{Name: "shell", Allow: []string{"shell"}, When: `resource.name.endsWith("7")`}}},
		{Name: "index", Groups: []string{"g"}, Resources: Selector{Names: []string{"*"}},
			Rules: []Rule{{Name: "ddl", Deny: []string{"ddl"}, When: `"tier" in resource.labels && resource.labels["tier"] == "1"`}}},
		{Name: "kind", Groups: []string{"g"}, Resources: Selector{Names: []string{"*"}}, Rules: []Rule{{Name: "odd", Allow: []string{"privilege"}, When: `resource.kind == "ssh"`}}},
	}
	masks := Masking{{Name: "m", Resources: Selector{Labels: map[string]string{"env": "prod"}}, Columns: []string{"t.c"}}}
	plain := mustCompile(t, roles, masks)
	known, err := Vocabulary{Resources: resources}.Compile(roles, masks)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(known.index.areas); n < 6 || n > 30 {
		t.Errorf("%d areas of %d resources", n, len(resources))
	}
	id := Identity{Issuer: "i", Subject: "s", Groups: []string{"g"}}
	v := known.For(id, Session{}, time.Unix(9, 0))
	changed := resources[0]
	changed.Labels = map[string]string{"env": "dev", "tier": "1"}
	fewer := resources[0]
	fewer.Labels = map[string]string{"env": "prod"}
	more := resources[1]
	more.Labels = map[string]string{"env": "test", "tier": "1"}
	other := resources[2]
	other.Kind = "ssh"
	for _, r := range append(resources, changed, fewer, more, other, Resource{Name: "new", Kind: "postgres"}) {
		slow := plain.For(id, Session{}, time.Unix(9, 0))
		if d := cmp.Diff(slow.Access(r), v.Access(r)); d != "" {
			t.Errorf("%+v (-without index +with):\n%s", r, d)
		}
		if d := cmp.Diff(slow.MayOpen(r), v.MayOpen(r)); d != "" {
			t.Errorf("%+v (-without index +with):\n%s", r, d)
		}
		for _, q := range questions(id, r) {
			if d := cmp.Diff(plain.Decide(q), known.Decide(q)); d != "" {
				t.Errorf("%+v (-without index +with):\n%s", r, d)
			}
		}
	}
}
