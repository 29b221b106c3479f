package policy

import (
	"slices"
	"testing"
)

// TestUnmask: no right to the statement is one to its cleartext, and the right to
// cleartext opens nothing and is none to any statement.
func TestUnmask(t *testing.T) {
	db := Selector{Names: []string{"db"}}
	p, err := Compile(Roles{
		{Name: "reads", Groups: []string{"a", "b"}, Resources: db, Rules: []Rule{{Name: "r", Allow: []string{"read", "sql"}}}},
		{Name: "looks", Groups: []string{"b", "c"}, Resources: db, Rules: []Rule{
			{Name: "ask", Approve: []string{"unmask"}, By: []string{"dba"}},
			{Name: "not-payroll", Deny: []string{"unmask"}, When: `operation.tables.exists(t, t.name == "payroll")`},
		}},
		{Name: "free", Groups: []string{"d"}, Resources: db, Rules: []Rule{{Name: "see", Allow: []string{"unmask"}, When: `operation.action == "unmask"`}}, Reveal: []string{"t.a"}},
	}, Masking{{Name: "m", Resources: db, Columns: []string{"t.a"}}})
	if err != nil {
		t.Fatal(err)
	}
	res := Resource{Name: "db", Kind: "postgres"}
	payroll := Facts{Class: Read, Tables: []Table{{Name: "payroll"}}}
	for _, c := range []struct {
		group  string
		action Action
		facts  Facts
		effect Effect
		rule   string
	}{
		{"a", ActionSQL, Facts{Class: Read}, Allow, "reads/r"},
		{"a", ActionUnmask, Facts{Class: Read}, Deny, DefaultDeny},
		{"b", ActionUnmask, Facts{Class: Read}, Approve, "looks/ask"},
		{"b", ActionUnmask, payroll, Deny, "looks/not-payroll"},
		{"c", ActionSQL, Facts{Class: Read}, Deny, DefaultDeny},
		{"d", ActionUnmask, Facts{Class: Read}, Allow, "free/see"},
		{"d", ActionSQL, Facts{Class: Read}, Deny, DefaultDeny},
	} {
		d := p.Decide(Request{Identity: Identity{Subject: "x", Groups: []string{c.group}}, Resource: res, Action: c.action, Facts: c.facts})
		if d.Effect != c.effect || d.Rule != c.rule {
			t.Errorf("%s, %s: %s by %s", c.group, c.action, d.Effect, d.Rule)
		}
	}
	for group, opens := range map[string]Effect{"a": Allow, "c": Deny, "d": Deny} {
		if d := p.MayOpen(Identity{Subject: "x", Groups: []string{group}}, res); d.Effect != opens {
			t.Errorf("%s opens it: %s by %s", group, d.Effect, d.Rule)
		}
	}
	for group, want := range map[string]string{"a": "", "b": "unmask approve looks/ask by dba, need 1, wait 15m0s", "d": ""} {
		got := ""
		for _, r := range p.Rights(Identity{Subject: "x", Groups: []string{group}}, res) {
			if r.What == "unmask" {
				got = r.What + " " + show(r.Decision)
			}
		}
		if got != want {
			t.Errorf("%s may %q, not %q", group, got, want)
		}
	}
	if who := p.Revealing(res, "t.a"); !slices.Equal(who, []string{"free (d)"}) {
		t.Errorf("revealed by %v", who)
	}
	ssh := Roles{{Name: "h", Groups: []string{"a"}, Resources: Selector{Kinds: []string{"ssh"}}, Rules: []Rule{{Name: "r", Allow: []string{"unmask"}}}}}
	if _, err := Compile(ssh, nil); err == nil {
		t.Error("cleartext of a host's columns")
	}
}

// TestBinary: of the allow rules that match, one is enough; an approve rule speaks
// for itself; a deny rule cannot.
func TestBinary(t *testing.T) {
	host := Selector{Names: []string{"h"}}
	role := func(name string, rules ...Rule) Role {
		return Role{Name: name, Groups: []string{name}, Resources: host, Rules: rules}
	}
	p, err := Compile(Roles{
		role("plain", Rule{Name: "a", Allow: []string{"exec"}}),
		role("binary", Rule{Name: "z", Allow: []string{"exec"}, Binary: true}),
		role("asked", Rule{Name: "q", Approve: []string{"exec"}, By: []string{"x"}}),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		groups []string
		binary bool
	}{{[]string{"plain"}, false}, {[]string{"binary"}, true}, {[]string{"plain", "binary"}, true}, {[]string{"binary", "asked"}, false}} {
		d := p.Decide(Request{Identity: Identity{Subject: "x", Groups: c.groups}, Resource: Resource{Name: "h", Kind: "ssh"}, Action: ActionExec, Facts: Facts{Class: Read}})
		if d.Effect == Deny || d.Binary != c.binary {
			t.Errorf("%v: %s by %s, binary %t", c.groups, d.Effect, d.Rule, d.Binary)
		}
	}
	if _, err := Compile(Roles{role("no", Rule{Name: "d", Deny: []string{"exec"}, Binary: true})}, nil); err == nil {
		t.Error("a deny rule lets binary pass")
	}
}
