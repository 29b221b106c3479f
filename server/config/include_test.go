package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// files writes the files of an archive and returns where main.yaml is.
func files(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range txtar.Parse([]byte(text)).Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "main.yaml")
}

const parts = `
-- main.yaml --
data: state
include: [policies/*.yaml, extra.yaml, policies/b.yaml]
sign_in: {issuer: "https://login.acme.example", client_id: sallyport, claims: [department]}
groups: [eng]
resources:
  - {name: db, kind: sqlite, address: db.sqlite}
roles:
  - name: main
    groups: [eng]
    resources: {names: [db]}
    rules:
      - {name: reads, allow: [read]}
-- policies/b.yaml --
roles:
  - name: b
    groups: [dba]
    resources: {names: [lite]}
    rules:
      - {name: reads, allow: [read]}
      - name: writes
        allow: [write]
-- policies/a.yaml --
groups: [dba]
resources:
  - {name: lite, kind: sqlite, address: lite.sqlite}
-- extra.yaml --
masks:
  - {name: m, resources: {names: ["*"]}, columns: [t.c]}
`

func TestInclude(t *testing.T) {
	path := files(t, parts)
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	want := []string{path, dir + "/policies/a.yaml", dir + "/policies/b.yaml", dir + "/extra.yaml"}
	if d := cmp.Diff(want, c.Files); d != "" {
		t.Error(d)
	}
	if len(c.Roles) != 2 || len(c.Masks) != 1 || !slices.Equal(c.Groups, []string{"eng", "dba"}) {
		t.Errorf("%+v", c)
	}
	// Relative paths are from the file in which they stand.
	if c.Resources[0].Address != dir+"/db.sqlite" || c.Resources[1].Address != dir+"/policies/lite.sqlite" || c.Data != dir+"/state" {
		t.Errorf("%+v", c.Resources)
	}
	if p := c.Roles[1].Rules[1].Place; p != dir+"/policies/b.yaml:7" {
		t.Errorf("place %s", p)
	}
	before := c.Revision
	if err := os.WriteFile(dir+"/policies/b.yaml", []byte("# nothing\nroles: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = Load(path); err != nil || c.Revision == before {
		t.Errorf("another included file, the same revision: %v", err)
	}
}

// A fault names the file, line and column in which it stands, and so does what it
// says about another place.
func TestIncludedFaults(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"word", "      - {name: reads, allow: [read]}\n      - name: writes", "      - {name: reads, allow: [raed]}\n      - name: writes",
			`policies/b.yaml:6:31: roles[0].rules[0].allow[0]: unknown word "raed": did you mean "read"?`},
		{"key", "  - name: b\n", "  - name: b\n    gruops: [x]\n", `policies/b.yaml:3:5: roles[0]: unknown key "gruops": did you mean "groups"?`},
		{"twice", "  - name: b\n", "  - name: main\n", `policies/b.yaml:2:11: roles[0].name: another role is named "main" (DIR/main.yaml:8): names are unique`},
		{"group", "groups: [dba]\n    resources", "groups: [dbaa]\n    resources", `policies/b.yaml:3:14: roles[0].groups[0]: no group is named "dbaa": did you mean "dba"?`},
		{"section", "masks:\n", "data: /x\nmasks:\n", `extra.yaml:1:1: unknown key "data": one of groups, masks, resources, roles`},
		{"nested", "masks:\n", "include: [x]\nmasks:\n", `extra.yaml:1:1: unknown key "include"`},
		{"syntax", "masks:\n", "masks: [\n", `extra.yaml:`},
		{"none", "extra.yaml, ", "extra.yml, ", `main.yaml:2:28: include[1]: no file is there: "extra.yml"`},
		{"glob", "extra.yaml, ", "'[', ", `main.yaml:2:28: include[1]: "[" is no glob`},
		{"resource", "address: lite.sqlite", "address: lite.sqlite, user: u", `policies/a.yaml:3:60: resources[0].user: a resource of kind sqlite has no user`},
		{"condition", "        allow: [write]\n", "        allow: [write]\n        when: operation.class == 'wriet'\n",
			`policies/b.yaml:9:34: roles[0].rules[1].when: class is never wriet: did you mean "write"?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := files(t, strings.Replace(parts, c.old, c.new, 1))
			_, err := Load(path)
			want := strings.ReplaceAll(c.want, "DIR", filepath.Dir(path))
			if err == nil || !strings.Contains(err.Error(), filepath.Dir(path)+"/"+want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
	t.Run("text", func(t *testing.T) {
		if _, err := Parse([]byte(small+"include: [a.yaml]\n"), "x.yaml"); err == nil || !strings.Contains(err.Error(), "x.yaml:5:10: include: this text is no file") {
			t.Error(err)
		}
	})
}

// Whoever can write an included file, or put one there, can give themselves any role.
func TestIncludedPermissions(t *testing.T) {
	path := files(t, parts)
	for _, c := range []struct {
		path string
		mode os.FileMode
		want string
	}{
		{"policies/b.yaml", 0o666, "anybody can write to"},
		{"policies", 0o777, "anybody can put files into"},
	} {
		at := filepath.Join(filepath.Dir(path), c.path)
		before, err := os.Stat(at)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(at, c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.path, err)
		}
		if err := os.Chmod(at, before.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(path); err != nil {
		t.Error(err)
	}
}

// A condition's fault is found in every form in which YAML writes a text.
func TestConditionPlaces(t *testing.T) {
	for _, c := range []struct{ name, when, want string }{
		{"plain", "when: operation.clas == 'write'", "12:24"},
		{"single", "when: 'operation.clas == ''write'''", "12:25"},
		{"single, behind an escape", `when: '"a" == ''a'' && operation.clas == "x"'`, "12:41"},
		{"double", `when: "operation.clas == \"write\""`, "12:25"},
		{"literal", "when: |\n          true\n            && operation.clas == 'x'", "14:25"},
		{"folded", "when: >-\n          true\n          && operation.clas == 'x'", "14:23"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := small + "roles:\n  - name: r\n    groups: [g]\n    resources: {names: [\"*\"]}\n    rules:\n      - name: a\n        allow: [read]\n        " + c.when + "\n"
			_, err := Parse([]byte(text), "x.yaml")
			var fs Faults
			if !errors.As(err, &fs) || len(fs) != 1 || !strings.Contains(err.Error(), "x.yaml:"+c.want+": roles[0].rules[0].when: unknown field clas: did you mean \"class\"?") {
				t.Errorf("want %s: %v", c.want, err)
			}
		})
	}
}

// What is odd and no fault is said, with its place.
func TestWarnings(t *testing.T) {
	c := parse(t, small+`roles:
  - {name: a, groups: [g], resources: {names: [db]}, rules: [{name: w, allow: [write]}]}
  - name: freeze
    groups: [g, h]
    resources: {names: ["*"]}
    rules:
      - {name: all, deny: [write]}
`)
	if len(c.Warnings) != 1 || !strings.HasPrefix(c.Warnings.Error(), "test.yaml:6:63: roles[0].rules[0]: the rule can never decide: freeze/all, which is stronger") {
		t.Errorf("%v", c.Warnings)
	}
	// On a database, what is said of sql is said of all.
	c = parse(t, small+"roles: [{name: a, groups: [g], resources: {names: [\"*\"]}, rules: [{name: w, allow: [write]}]}, {name: no, groups: [g], resources: {names: [\"*\"]}, rules: [{name: all, deny: [sql]}]}]\n")
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings.Error(), "the rule can never decide: no/all") {
		t.Errorf("%v", c.Warnings)
	}
	c = parse(t, small+"roles: [{name: a, groups: [g], resources: {names: [\"*\"]}, rules: [{name: w, allow: [read, shell, exec]}]}]\n")
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings.Error(), "none of the resources that the role is about has exec, shell") {
		t.Errorf("%v", c.Warnings)
	}
	if c := parse(t, small); len(c.Warnings) != 0 {
		t.Errorf("%v", c.Warnings)
	}
}

func TestGroupsAndClaims(t *testing.T) {
	role := "roles: [{name: r, %s, resources: {names: [db]}, rules: [{name: a, allow: [read]}]}]\n"
	for _, c := range []struct{ name, head, who, want string }{
		{"known", "groups: [g]\n", "groups: [g]", ""},
		{"unknown", "groups: [eng]\n", "groups: [egn]", `no group is named "egn": did you mean "eng"?`},
		{"twice", "groups: [g, g]\n", "groups: [g]", `groups[1]: "g" is listed twice`},
		{"claim", "", "claims: {dept: [x]}", `roles[0].claims.dept: no sign-in keeps the claim "dept", so this can never match: add it to sign_in.claims`},
	} {
		_, err := Parse([]byte(small+c.head+strings.Replace(role, "%s", c.who, 1)), "x.yaml")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
