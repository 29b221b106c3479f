package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const inventoryMain = `
-- main.yaml --
data: state
sign_in: {issuer: "https://login.acme.example", client_id: sallyport}
inventory:
  - path: hosts
    template:
      kind: ssh
      user: ops
      description: "{name} in {labels.dc} {literally}"
      address: "{name}.{labels.dc}.acme.example:22"
      private_key: {file: "keys/{labels.dc}"}
      known_hosts: known_hosts
      labels: {env: prod, host: "{name}"}
roles:
  - name: main
    groups: [eng]
    resources: {kinds: [ssh]}
    rules: [{name: shells, allow: [shell]}]
`

func TestInventory(t *testing.T) {
	main := files(t, inventoryMain+`
-- hosts/b.yml --
resources:
  - {name: db-1, labels: {dc: fra, env: test}, user: admin, private_key: {file: own}}
-- hosts/a.yaml --
resources:
  - {name: web-1, labels: {dc: ams}}
  - {name: web-2, labels: {dc: ams}}
-- hosts/notes.txt --
not read
-- hosts/.hidden.yaml --
nor this
`)
	c, err := Load(main)
	if err != nil {
		t.Fatal(err)
	}
	dir := strings.TrimSuffix(main, "/main.yaml")
	host := func(name, dc string, change func(*Resource)) Resource {
		r := Resource{Name: name, Kind: "ssh", User: "ops", Description: name + " in " + dc + " {literally}", Address: name + "." + dc + ".acme.example:22",
			PrivateKey: &Ref{File: dir + "/keys/" + dc}, KnownHosts: dir + "/known_hosts", Labels: map[string]string{"env": "prod", "host": name, "dc": dc}}
		if change != nil {
			change(&r)
		}
		return r
	}
	want := []Resource{host("web-1", "ams", nil), host("web-2", "ams", nil), host("db-1", "fra", func(r *Resource) {
		r.User, r.PrivateKey.File, r.Labels["env"] = "admin", dir+"/hosts/own", "test"
	})}
	if d := cmp.Diff(want, c.Resources); d != "" {
		t.Error(d)
	}
	if c.Resources[0].PrivateKey == c.Resources[1].PrivateKey {
		t.Error("resources share what the template says")
	}
	if len(c.Files) != 3 {
		t.Errorf("files %q", c.Files)
	}
}

// An inventory may come from a machine that nobody trusts with rights.
func TestInventoryHoldsNoRights(t *testing.T) {
	for name, more := range map[string]string{
		"roles":   "-- hosts/a.yaml --\nresources: []\nroles: [{name: evil}]\n",
		"masks":   "-- hosts/a.yaml --\nmasks: []\n",
		"include": "-- hosts/a.yaml --\ninclude: [../evil.yaml]\n",
	} {
		var faults Faults
		if _, err := Load(files(t, inventoryMain+more)); !errors.As(err, &faults) || !strings.Contains(err.Error(), "unknown key") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is wrong is told with the file and line in which it stands.
func TestInventoryFaults(t *testing.T) {
	for name, tt := range map[string]struct{ more, want string }{
		"label":       {"-- hosts/a.yaml --\nresources:\n  - {name: web-1, labels: {dc: x}}\n  - {name: web-2}\n", `a.yaml:3`},
		"twice":       {"-- hosts/a.yaml --\nresources:\n  - {name: web-1, labels: {dc: x}}\n-- hosts/b.yaml --\nresources:\n  - {name: web-1, labels: {dc: x}}\n", "b.yaml:2"},
		"none":        {"", "no inventory is there"},
		"no files":    {"-- hosts/notes.txt --\n", "no file whose name ends in"},
		"unknown key": {"-- hosts/a.yaml --\nresources:\n  - {name: web-1, labels: {dc: x}, hots: y}\n", "a.yaml:2"},
		"bad address": {"-- hosts/a.yaml --\nresources:\n  - {name: web-1, labels: {dc: 'a b'}}\n", "is no host"},
	} {
		if _, err := Load(files(t, inventoryMain+tt.more)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

func TestInventoryOfMany(t *testing.T) {
	var b strings.Builder
	b.WriteString("-- hosts/a.yaml --\nresources:\n")
	for i := range 500 {
		fmt.Fprintf(&b, "  - {name: web-%d, labels: {dc: d%d}}\n", i, i%7)
	}
	c, err := Load(files(t, inventoryMain+b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(c.Resources); n != 500 || c.Resources[499].Address != "web-499.d2.acme.example:22" {
		t.Errorf("%d, the last at %s", n, c.Resources[n-1].Address)
	}
}

func TestVias(t *testing.T) {
	host := func(name, via string) string {
		return fmt.Sprintf("  - {name: %s, kind: ssh, address: 'h:22', user: u, password: {env: A}, known_hosts: /k, via: %s}\n", name, via)
	}
	head := "data: /d\nsign_in: {issuer: 'https://x.example', client_id: a}\nresources:\n  - {name: lite, kind: sqlite, address: /x}\n" +
		"  - {name: end, kind: ssh, address: 'h:22', user: u, password: {env: A}, known_hosts: /k}\n"
	for name, tt := range map[string]struct{ text, want string }{
		"one":       {host("a", "end"), ""},
		"three":     {host("a", "b") + host("b", "c") + host("c", "end"), ""},
		"four":      {host("a", "b") + host("b", "c") + host("c", "d") + host("d", "end"), "longer than 3"},
		"itself":    {host("a", "a"), "in a circle"},
		"circle":    {host("a", "b") + host("b", "a"), "in a circle"},
		"not ssh":   {host("a", "lite"), "of kind sqlite"},
		"not there": {host("a", "z"), `no resource "z"`},
	} {
		_, err := Parse([]byte(head+tt.text), "test.yaml")
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// Whoever writes an inventory, which may come from elsewhere, does not choose what
// runs as the bastion, nor which of its files are opened.
func TestInventoryHoldsNothingOfTheBastion(t *testing.T) {
	for kind, what := range map[string]string{"command": `command: {program: /bin/sh, args: ["-c", "id"], class: read}`, "sqlite": "database: /var/lib/sallyport/state.db"} {
		main := files(t, strings.Replace(inventoryMain, `      user: ops
      description: "{name} in {labels.dc} {literally}"
      address: "{name}.{labels.dc}.acme.example:22"
      private_key: {file: "keys/{labels.dc}"}
      known_hosts: known_hosts
`, "", 1)+"-- hosts/a.yaml --\nresources:\n  - {name: own, kind: "+kind+", labels: {dc: ams}, "+what+"}\n")
		_, err := Load(main)
		var faults Faults
		if !errors.As(err, &faults) || !strings.Contains(err.Error(), "own machine") {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// Nor does an inventory have secrets of others sent to where it says.
func TestInventoryBorrowsNoSecrets(t *testing.T) {
	for name, resource := range map[string]string{
		"environment":        `{name: web-1, labels: {dc: ams}, private_key: {env: OF_ANOTHER}}`,
		"absolute":           `{name: web-1, labels: {dc: ams}, private_key: {file: /etc/sallyport/of-another}}`,
		"above":              `{name: web-1, labels: {dc: ams}, private_key: {file: ../of-another}}`,
		"an authority's":     `{name: web-1, labels: {dc: ams}, certificate: {authority: {file: ../ca}}}`,
		"a Vault's":          `{name: web-1, labels: {dc: ams}, certificate: {vault: {address: "http://127.0.0.1:8200", role: r, token: {file: token}}}}`,
		"of an HTTP service": `{name: web-1, labels: {dc: ams}, kind: http, http: {certificate_key: {env: OF_ANOTHER}}}`,
		"the bastion":        `{name: web-1, labels: {dc: ams}, kind: http, http: {allow_loopback: true}}`,
		"a cloud's metadata": `{name: web-1, labels: {dc: ams}, kind: http, http: {allow_link_local: true}}`,
		"a socket":           `{name: web-1, labels: {dc: ams}, kind: postgres, address: /run/postgresql}`,
		"by the template's":  `{name: web-1, labels: {dc: "../../of-another"}}`,
	} {
		_, err := Load(files(t, inventoryMain+"-- hosts/a.yaml --\nresources:\n  - "+resource+"\n"))
		if err == nil || !strings.Contains(err.Error(), "beside it alone") && !strings.Contains(err.Error(), "two dots") && !strings.Contains(err.Error(), "own machine") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A template's password is not sent to an address that the inventory gives: whoever
// writes the inventory would have it.
func TestInventoryIsLentNoPassword(t *testing.T) {
	password := strings.Replace(inventoryMain, `private_key: {file: "keys/{labels.dc}"}`, "password: {file: shared}", 1)
	const says = "the template's secret is not sent to it"
	for name, tt := range map[string]struct {
		main, entry string
		refused     bool
	}{
		"as the template has it":     {password, "{name: web-1, labels: {dc: x}}", false},
		"an address of a known host": {password, "{name: web-1, labels: {dc: x}, address: 'h.example:22'}", false},
		"a host that it vouches for": {password, "{name: web-1, labels: {dc: x}, known_hosts: mine}", true},
		"by a way of its own":        {password, "{name: web-1, labels: {dc: x}, via: web-2}", true},
		"another kind":               {password, "{name: web-1, labels: {dc: x}, kind: postgres, database: d, known_hosts: mine, address: 'h.example:5432'}", true},
		"with a password of its own": {password, "{name: web-1, labels: {dc: x}, known_hosts: mine, password: {file: own}}", false},
		"with a key that signs":      {inventoryMain, "{name: web-1, labels: {dc: x}, known_hosts: mine}", false},
	} {
		_, err := Load(files(t, tt.main+"-- hosts/a.yaml --\nresources:\n  - "+tt.entry+"\n"))
		if refused := err != nil && strings.Contains(err.Error(), says); refused != tt.refused || err != nil && !refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}
