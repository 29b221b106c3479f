package config

import (
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/policy"
)

// The example of the README is one that loads, and says what its comments say.
func TestReadmeExample(t *testing.T) {
	b, err := os.ReadFile("../../policy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "```yaml\n")
	text, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("the README has no example of a policy")
	}
	text = strings.Replace(text, "include: [policies/*.yaml]", "", 1)
	c := parse(t, strings.Replace(small, "{name: db, kind: sqlite,", "{name: orders-db, kind: sqlite, labels: {team: shop, env: prod},", 1)+text)
	if len(c.Warnings) > 0 {
		t.Error(c.Warnings)
	}
	p, err := c.Policy()
	if err != nil {
		t.Fatal(err)
	}
	decide := func(group string, f policy.Facts) policy.Decision {
		return p.Decide(policy.Request{Identity: policy.Identity{Subject: "s", Groups: []string{group}}, Resource: c.Resources[0].Policy(), Action: policy.ActionSQL, Facts: f})
	}
	for rule, d := range map[string]policy.Decision{
		"engineers/reads":    decide("engineering", policy.Facts{Class: policy.Read}),
		"engineers/writes":   decide("engineering", policy.Facts{Class: policy.Write}),
		"engineers/no-wipes": decide("engineering", policy.Facts{Class: policy.Write, Destructive: true}),
		policy.DefaultDeny:   decide("contractors", policy.Facts{Class: policy.Read}), // from nowhere, at no time
	} {
		if d.Rule != rule {
			t.Errorf("%+v, want %s", d, rule)
		}
	}
}

// And so is that of masks.
func TestReadmeMasks(t *testing.T) {
	b, err := os.ReadFile("../../mask/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "```yaml\n")
	text, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("the README has no example of masks")
	}
	c := parse(t, strings.Replace(small, "{name: db, kind: sqlite,", "{name: shop, kind: postgres, address: /run/pg, user: a, database: d}\n  - {name: db, kind: sqlite,", 1)+text)
	p, err := c.Policy()
	if err != nil {
		t.Fatal(err)
	}
	shop := policy.Resource{Name: "shop", Kind: "postgres"}
	m := p.MasksFor(policy.Identity{}, shop)
	if len(m.Kept) != 2 || m.Kept[0].Method != "token" || m.Kept[0].Budget != 100 || !strings.Contains(strings.Join(m.KeptDetect, " "), "employee") {
		t.Errorf("%+v", m)
	}
	d := p.Decide(policy.Request{Identity: policy.Identity{Subject: "s", Groups: []string{"support"}}, Resource: shop, Action: policy.ActionUnmask, Facts: policy.Facts{Class: policy.Read}})
	if d.Effect != policy.Approve || !d.ReasonRequired {
		t.Errorf("%+v", d)
	}
}

// And that of HTTP services.
func TestReadmeHTTP(t *testing.T) {
	b, err := os.ReadFile("../../connectors/http/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(b), "```yaml\n")
	text, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("the README has no example of an HTTP service")
	}
	_, text, _ = strings.Cut(text, "resources:\n")
	c := parse(t, "data: /d\nsign_in: {issuer: https://login.acme.example, client_id: c}\nresources:\n"+text)
	p, err := c.Policy()
	if err != nil {
		t.Fatal(err)
	}
	if h := c.Resources[0].HTTP; h == nil || h.Auth != "bearer" || len(h.Requests) != 1 {
		t.Errorf("%+v", c.Resources[0])
	}
	if m := p.MasksFor(policy.Identity{}, c.Resources[0].Policy()); len(m.Kept) != 2 || m.Kept[0].Path == "" {
		t.Errorf("%+v", m)
	}
}
