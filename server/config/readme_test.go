package config

import (
	"errors"
	"os"
	"path/filepath"
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

// readmeBlock is the n-th example of a README.
func readmeBlock(t *testing.T, path string, n int) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(b), "```yaml\n")
	if len(parts) <= n+1 {
		t.Fatalf("%s has no example %d", path, n)
	}
	text, _, _ := strings.Cut(parts[n+1], "```")
	return text
}

const readmeHead = "data: /d\nsign_in: {issuer: https://login.acme.example, client_id: c}\n"

// Those of kinds, of an inventory and of recording load.
func TestReadmeOthers(t *testing.T) {
	for _, path := range []string{"ssh", "postgres", "sqlite"} {
		c := parse(t, readmeHead+readmeBlock(t, "../../connectors/"+path+"/README.md", 0))
		if len(c.Resources) != 1 || c.Resources[0].Kind != path {
			t.Errorf("%s: %+v", path, c.Resources)
		}
	}
	recipient := "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
	c := parse(t, strings.Replace(small, "{name: db, kind: sqlite,", "{name: db, kind: sqlite, labels: {env: demo},", 1)+
		strings.Replace(readmeBlock(t, "../../recorder/README.md", 0), "age1...", recipient, 1))
	if len(c.Audit) != 1 || len(c.Recording.Retention) != 1 {
		t.Errorf("%+v, %+v", c.Recording, c.Audit)
	}
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	write("sallyport.yaml", readmeHead+readmeBlock(t, "../../connectors/ssh/README.md", 1))
	write("inventory/ams.yaml", readmeBlock(t, "../../connectors/ssh/README.md", 2))
	c, err := Load(filepath.Join(dir, "sallyport.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Resources) != 2 || c.Resources[1].Address != "ams-002.acme.internal:22" || c.Resources[0].Description != "shop, ams" || c.Resources[0].Labels["env"] != "prod" {
		t.Errorf("%+v", c.Resources)
	}
}

// And that of the front page's policy and masks.
func TestReadmeFront(t *testing.T) {
	text := strings.Replace(small, "{name: db, kind: sqlite,", "{name: shop, kind: postgres, address: /run/pg, user: a, database: d}\n  - {name: db, kind: sqlite, labels: {team: shop},", 1)
	text, _, _ = strings.Cut(text, "roles:")
	c := parse(t, text+readmeBlock(t, "../../README.md", 0)+readmeBlock(t, "../../README.md", 1))
	if len(c.Roles) == 0 || len(c.Warnings) > 0 {
		t.Errorf("%+v", c.Warnings)
	}
}
