package policy

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func mustCompile(t testing.TB, roles Roles, masks Masking) *Policy {
	t.Helper()
	p, err := Compile(roles, masks)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReasons(t *testing.T) {
	p := mustCompile(t, Roles{
		{Name: "eng", Groups: []string{"eng"}, Resources: Selector{Names: []string{"*"}}, Rules: []Rule{
			{Name: "r", Allow: []string{"read"}},
			{Name: "w", Approve: []string{"write"}, By: []string{"dba", "leads"}, Reason: "two people change production"},
			{Name: "s", Approve: []string{"ddl", "shell"}, By: []string{"dba"}, Need: 2},
			{Name: "d", Deny: []string{"dangerous"}, Reason: "never here"},
		}},
	}, nil)
	eng := Identity{Subject: "a", Groups: []string{"eng"}}
	orders := Table{Schema: "public", Name: "orders", Write: true}
	for _, c := range []struct {
		name   string
		id     Identity
		action Action
		facts  Facts
		want   string
	}{
		{"allow", eng, ActionSQL, Facts{Class: Read, Verb: "SELECT", Tables: []Table{{Name: "a"}, {Name: "b"}}},
			"SELECT on a, b (read) is allowed on db"},
		{"approve", eng, ActionSQL, Facts{Class: Write, Verb: "DELETE", Why: "no WHERE", Tables: []Table{{Name: "x"}, orders}},
			"DELETE on public.orders (write: no WHERE) needs a yes from dba or leads on db: two people change production"},
		{"people", eng, ActionSQL, Facts{Class: DDL}, "the statement (ddl) needs a yes from 2 people of dba on db"},
		{"deny", eng, ActionSQL, Facts{Class: Dangerous, Verb: "COPY", Why: "runs a program"},
			"COPY (dangerous: runs a program) is denied on db: never here"},
		{"default", eng, ActionSQL, Facts{Class: Privilege, Verb: "GRANT"}, "no rule allows GRANT (privilege) on db"},
		{"unknown", eng, ActionSQL, Facts{Why: "syntax error at x"},
			"no rule allows a statement that cannot be judged (unknown: syntax error at x) on db"},
		{"shell", eng, ActionShell, Facts{}, "an interactive shell needs a yes from 2 people of dba on db"},
		{"exec", eng, ActionExec, Facts{}, "no rule allows a command on db"},
		{"action", eng, "port\x1b", Facts{}, `nothing can allow the action "port\x1b"`},
		{"terminal", eng, ActionSQL, Facts{Class: Read, Verb: "SELECT", Tables: []Table{{Name: "a\x1b]52;\u202e"}}},
			`SELECT on "a\x1b]52;\u202e" (read) is allowed on db`},
		{"many", eng, ActionSQL, Facts{Class: Read, Verb: "SELECT", Tables: []Table{{Name: "a"}, {Name: "b"}, {Name: "c"}, {Name: "d"}}},
			"SELECT on a, b, c and 1 more (read) is allowed on db"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := p.Decide(Request{Identity: c.id, Resource: Resource{Name: "db", Kind: "postgres"}, Action: c.action, Facts: c.facts})
			if d.Reason != c.want {
				t.Errorf("got  %s\nwant %s", d.Reason, c.want)
			}
		})
	}
	long := p.Decide(Request{Identity: eng, Resource: Resource{Name: "db"}, Action: ActionSQL, Facts: Facts{Why: strings.Repeat("ü", 5000)}})
	if len(long.Reason) > 400 {
		t.Errorf("a reason of %d bytes", len(long.Reason))
	}
}

func TestRights(t *testing.T) {
	p := mustCompile(t, Roles{{Name: "eng", Groups: []string{"eng"}, Resources: Selector{Names: []string{"*"}}, Rules: []Rule{
		{Name: "r", Allow: []string{"read", "exec"}},
		{Name: "w", Approve: []string{"write"}, By: []string{"dba"}, Wait: "1h"},
		{Name: "d", Deny: []string{"ddl", "shell"}, Reason: "no"},
	}}}, nil)
	eng := Identity{Subject: "a", Groups: []string{"eng"}}
	var got []string
	for _, kind := range []string{"postgres", "ssh"} {
		for _, r := range p.Rights(eng, Resource{Name: "x", Kind: kind}) {
			got = append(got, r.What+" "+show(r.Decision)+": "+r.Reason)
		}
	}
	want := []string{
		"read allow eng/r: reads on x are allowed",
		"write approve eng/w by dba, need 1, wait 1h0m0s: writes on x need a yes from dba",
		"ddl deny eng/d: changes of structure (ddl) on x are denied: no",
		"privilege deny default deny: no rule of the groups eng allows changes of privileges on x",
		"dangerous deny default deny: no rule of the groups eng allows dangerous statements on x",
		"unknown deny default deny: no rule of the groups eng allows statements that cannot be judged (unknown) on x",
		"exec allow eng/r: commands on x are allowed",
		"shell deny eng/d: interactive shells on x are denied: no",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := len(p.Rights(eng, Resource{Name: "x", Kind: "teapot"})); n != len(wordList) {
		t.Errorf("an unknown kind has %d rights", n)
	}
}

// A right is what Decide says of an operation of that class.
func TestRightsAgreeWithDecide(t *testing.T) {
	for _, w := range wordList {
		a, c := Action(w.text), Unknown
		if class, err := ParseClass(w.text); err == nil {
			a, c = ActionSQL, class
		}
		if wordOf(a, c) != w.bit || parseWord(w.text) != w.bit {
			t.Errorf("%s: %b", w.text, w.bit)
		}
	}
}

func TestNilPolicyDenies(t *testing.T) {
	var p *Policy
	id, res := Identity{Subject: "a", Groups: []string{"g"}}, Resource{Name: "x", Kind: "postgres"}
	if d := p.Decide(Request{Identity: id, Resource: res, Action: ActionSQL, Facts: Facts{Class: Read}}); d.Effect != Deny || d.Rule != DefaultDeny {
		t.Error(d)
	}
	if d := p.MayOpen(id, res); d.Effect != Deny {
		t.Error(d)
	}
	for _, r := range p.Rights(id, res) {
		if r.Effect != Deny {
			t.Error(r)
		}
	}
	if _, ok := p.SeesTranscript(id, Identity{Subject: "b"}, res); ok {
		t.Error("sees")
	}
}

// What a decision hands out is the caller's: writing to it changes no policy.
func TestDecisionsAreTheCallers(t *testing.T) {
	p := mustCompile(t, Roles{{Name: "r", Groups: []string{"g"}, Resources: Selector{Names: []string{"*"}},
		Rules: []Rule{{Name: "a", Approve: []string{"read"}, By: []string{"dba"}}}}},
		Masking{{Name: "m", Resources: Selector{Names: []string{"*"}}, Columns: []string{"t.a", "t.b"}, Detect: []string{"card", "ssn"}}})
	q := Request{Identity: Identity{Subject: "s", Groups: []string{"g"}}, Resource: Resource{Name: "x"}, Action: ActionSQL, Facts: Facts{Class: Read}}
	p.Decide(q).Approvers[0] = "mallory"
	m := p.MasksFor(q.Identity, q.Resource)
	m.Kept[0], m.KeptDetect[0], m.Seen[1], m.SeenDetect[1] = MaskRule{}, "", MaskRule{}, ""
	if by := p.Decide(q).Approvers[0]; by != "dba" {
		t.Errorf("approver is %s", by)
	}
	m = p.MasksFor(q.Identity, q.Resource)
	if m.Kept[0].Column != "t.a" || m.KeptDetect[0] != "card" || m.Seen[1].Column != "t.b" || m.SeenDetect[1] != "ssn" {
		t.Errorf("masks changed: %+v", m)
	}
}

func TestSuggest(t *testing.T) {
	for word, want := range map[string]string{
		"reda": "read", "wirte": "write", "DDL": "ddl", "shel": "shell", "danger": "", "": "", "priviledge": "privilege",
	} {
		got := Suggest(word, wordTexts())
		if want == "" != !strings.Contains(got, "did you mean") || !strings.Contains(got, want) {
			t.Errorf("%q: %s", word, got)
		}
	}
}

func TestFaultsAreErrors(t *testing.T) {
	_, err := Compile(Roles{{}}, Masking{{}})
	var fs Faults
	var f Fault
	if !errors.As(err, &fs) || len(fs) < 4 || !errors.As(err, &f) || f.Path == "" {
		t.Errorf("%#v", err)
	}
}

func TestRightJSON(t *testing.T) {
	b, err := json.Marshal(Right{What: "read", Decision: Decision{Effect: Allow, Rule: "a/b"}})
	if err != nil || !strings.Contains(string(b), `"what":"read"`) || !strings.Contains(string(b), `"rule":"a/b"`) {
		t.Errorf("%s %v", b, err)
	}
}

// A waiting time that could not be read must not become a long one.
func TestWait(t *testing.T) {
	if r := newRule("r", Rule{Approve: []string{"read"}, Wait: "soon"}); r.wait != 0 {
		t.Error(r.wait)
	}
	if r := newRule("r", Rule{Approve: []string{"read"}}); r.wait != 15*time.Minute || r.need != 1 {
		t.Error(r.wait, r.need)
	}
}
