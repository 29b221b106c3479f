package demo

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/config"
)

// sensitive are the columns that the demo must mask.
var sensitive = strings.Fields(`customers.full_name customers.email customers.phone customers.ssn customers.card_number
	customers.notes customers.profile payments.card_number payments.iban payments.payer_email
	employees.full_name employees.work_email employees.salary api_tokens.secret`)

func settings() Settings {
	return Settings{
		Listen: "127.0.0.1:2222", Address: "-p 2222 localhost", Data: "/tmp/demo \"data\"", Issuer: "http://127.0.0.1:8080", ClientID: "sallyport",
		SQLite:   "/tmp/demo/orders: lite.db",
		Postgres: PostgresTarget{Address: "/tmp/demo/pg/s", Database: "orders", User: PostgresUser, PasswordFile: "/tmp/demo/pw"},
		Maria:    MariaTarget{Address: "/tmp/demo/maria/s.sock", Database: "orders", User: MariaUser, PasswordFile: "/tmp/demo/pw2"},
		Host:     HostTarget{User: "demo", PasswordFile: "/tmp/demo/host/password", KeyLine: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ/kgnmQ2SkVZhjGiRUvvJvAg9fQZrCbUXRf8ffUm3kK"},
	}
}

func parse(t *testing.T, s Settings) *config.Config {
	t.Helper()
	text, err := Config(s)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Parse([]byte(text), "demo.yaml")
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return c
}

func TestConfigSaysWhatItWasTold(t *testing.T) {
	s := settings()
	c := parse(t, s)
	got := []string{c.Listen, c.Address, c.Data, c.SignIn.Issuer, c.Resources[0].Address, c.Resources[1].Address, c.Resources[1].Password.File, c.Resources[2].HostKeys[0]}
	want := []string{s.Listen, s.Address, s.Data, s.Issuer, s.SQLite, s.Postgres.Address, s.Postgres.PasswordFile, s.Host.KeyLine}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConfigWithoutPostgres(t *testing.T) {
	s := settings()
	s.Postgres = PostgresTarget{Unavailable: "no server programs: \"initdb\"\nis not in PATH"}
	s.Postgres.Unavailable = strings.ReplaceAll(s.Postgres.Unavailable, "\n", " ")
	c := parse(t, s)
	if got := c.Resources[1].Unavailable; got != s.Postgres.Unavailable {
		t.Errorf("unavailable: %q", got)
	}
}

// An editor that knows the schema finds nothing wrong with it.
func TestConfigPassesTheSchema(t *testing.T) {
	text, err := config.Schema()
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("sallyport.json", schema); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("sallyport.json")
	if err != nil {
		t.Fatal(err)
	}
	demo, err := Config(settings())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"demo": demo, "misspelt": strings.Replace(demo, "allow: [read]", "allow: [raed]", 1)} {
		j, err := yaml.YAMLToJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiled.Validate(doc); (err == nil) != (name == "demo") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the tour tells of the demo's people.
func TestConfigDecides(t *testing.T) {
	c := parse(t, settings())
	p, err := c.Policy()
	if err != nil {
		t.Fatal(err)
	}
	resources := map[string]policy.Resource{}
	for _, r := range c.Resources {
		resources[r.Name] = r.Policy()
	}
	person := func(group string) policy.Identity {
		return policy.Identity{Issuer: "i", Subject: group, Groups: []string{group}}
	}
	for _, tt := range []struct {
		group, resource string
		action          policy.Action
		class           policy.Class
		want            policy.Effect
		rule            string
	}{
		{"engineering", LiteName, policy.ActionSQL, policy.Read, policy.Allow, "reads"},
		{"engineering", PostgresName, policy.ActionSQL, policy.Write, policy.Approve, "writes"},
		{"engineering", LiteName, policy.ActionSQL, policy.DDL, policy.Deny, "no-schema-changes"},
		{"engineering", LiteName, policy.ActionSQL, policy.Unknown, policy.Deny, policy.DefaultDeny},
		{"engineering", HostName, policy.ActionShell, policy.Unknown, policy.Allow, "work"},
		{"engineering", HostName, policy.ActionExec, policy.Unknown, policy.Allow, "work"},
		{"dba", PostgresName, policy.ActionSQL, policy.Write, policy.Allow, "data"},
		{"dba", LiteName, policy.ActionSQL, policy.DDL, policy.Approve, "schema"},
		{"dba", LiteName, policy.ActionSQL, policy.Privilege, policy.Deny, "no-takeover"},
		{"dba", HostName, policy.ActionShell, policy.Unknown, policy.Deny, policy.DefaultDeny},
		{"auditors", LiteName, policy.ActionSQL, policy.Read, policy.Allow, "reads"},
		{"auditors", LiteName, policy.ActionSQL, policy.Write, policy.Deny, policy.DefaultDeny},
		{"nobody", LiteName, policy.ActionSQL, policy.Read, policy.Deny, policy.DefaultDeny},
	} {
		d := p.Decide(policy.Request{Identity: person(tt.group), Resource: resources[tt.resource], Action: tt.action, Facts: policy.Facts{Class: tt.class}})
		if d.Effect != tt.want || !strings.HasSuffix(d.Rule, tt.rule) {
			t.Errorf("%s, %s %s on %s: %s by %q, want %s by %q", tt.group, tt.action, tt.class, tt.resource, d.Effect, d.Rule, tt.want, tt.rule)
		}
	}
	for group, want := range map[string]bool{"engineering": false, "dba": false, "auditors": true, "nobody": false} {
		if _, ok := p.SeesTranscript(person(group), policy.Identity{Issuer: "i", Subject: "x"}, resources[HostName]); ok != want {
			t.Errorf("%s sees another's transcript: %v", group, ok)
		}
	}
	for _, r := range c.Resources {
		if d := p.MayOpen(person("nobody"), r.Policy()); d.Effect != policy.Deny {
			t.Errorf("dave may open %s", r.Name)
		}
	}
}

func TestConfigMasksAllThatIsSensitive(t *testing.T) {
	c := parse(t, settings())
	p, err := c.Policy()
	if err != nil {
		t.Fatal(err)
	}
	columns := func(rules []policy.MaskRule) map[string]bool {
		all := map[string]bool{}
		for _, r := range rules {
			all[r.Column] = true
		}
		return all
	}
	for _, r := range c.Resources[:2] {
		for group, revealed := range map[string]string{"engineering": "", "dba": "customers.email", "auditors": ""} {
			m := p.MasksFor(policy.Identity{Issuer: "i", Subject: "s", Groups: []string{group}}, r.Policy())
			seen, kept := columns(m.Seen), columns(m.Kept)
			for _, col := range sensitive {
				if !kept[col] {
					t.Errorf("%s: the transcript keeps %s", r.Name, col)
				}
				if seen[col] != (col != revealed) {
					t.Errorf("%s: %s sees %s: %v", r.Name, group, col, !seen[col])
				}
			}
			if diff := cmp.Diff([]string{"card", "email", "ssn"}, m.KeptDetect); diff != "" {
				t.Error(diff)
			}
		}
	}
	m := p.MasksFor(policy.Identity{Issuer: "i", Subject: "s", Groups: []string{"engineering"}}, c.Resources[2].Policy())
	if diff := cmp.Diff([]string{"card", "email", "ssn"}, m.SeenDetect); diff != "" {
		t.Errorf("detectors on %s: %s", HostName, diff)
	}
}

// The tables and columns are those of the test corpus.
func TestTablesAreTheCorpus(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "sensitive.json"))
	if err != nil {
		t.Fatal(err)
	}
	var corpus struct {
		Sensitive []string
		Tables    map[string][]string
	}
	if err := json.Unmarshal(b, &corpus); err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, table := range tables() {
		for _, c := range table.columns {
			got[table.name] = append(got[table.name], c.name)
		}
	}
	if diff := cmp.Diff(corpus.Tables, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(corpus.Sensitive, sensitive); diff != "" {
		t.Error(diff)
	}
}
