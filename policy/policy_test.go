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
		{"exec", eng, ActionExec, Facts{}, "no rule allows a command that cannot be judged (unknown) on db"},
		{"commands", eng, ActionExec, Facts{Class: Read, Commands: []Command{{Name: "ls"}, {Name: "grep"}, {Name: "ls"}}},
			"the command ls, grep (read) is allowed on db"},
		{"http", eng, ActionHTTP, Facts{Class: Dangerous, HTTP: &HTTPRequest{Method: "DELETE", Path: "/users/1\x1b"}},
			`"DELETE /users/1\x1b" (dangerous) is denied on db: never here`},
		{"kubernetes", eng, ActionKubernetes, Facts{Class: Privilege, Kubernetes: &KubernetesCall{Verb: "create", Resource: "pods", Subresource: "exec", Name: "web-1", Namespace: "shop"}},
			"no rule allows create pods/exec web-1 in shop (privilege) on db"},
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
		"read allow eng/r: reading statements are allowed",
		"write approve eng/w by dba, need 1, wait 1h0m0s: writing statements need a yes from dba",
		"ddl deny eng/d: statements that change structure (ddl) are denied: no",
		"privilege deny default deny: no rule for the groups eng allows statements that change privileges",
		"dangerous deny default deny: no rule for the groups eng allows dangerous statements",
		"unknown deny default deny: no rule for the groups eng allows operations that cannot be judged (unknown)",
		"read allow eng/r: reading commands are allowed",
		"write approve eng/w by dba, need 1, wait 1h0m0s: writing commands need a yes from dba",
		"ddl deny eng/d: commands that change structure (ddl) are denied: no",
		"privilege allow eng/r: commands that change privileges are allowed",
		"dangerous allow eng/r: dangerous commands are allowed",
		"unknown deny default deny: no rule for the groups eng allows operations that cannot be judged (unknown)",
		"file read allow eng/r: reading file operations are allowed",
		"file write approve eng/w by dba, need 1, wait 1h0m0s: writing file operations need a yes from dba",
		"file ddl deny eng/d: file operations that change structure (ddl) are denied: no",
		"file privilege deny default deny: no rule for the groups eng allows file operations that change privileges",
		"file dangerous deny default deny: no rule for the groups eng allows dangerous file operations",
		"shell deny eng/d: interactive shells are denied: no",
		"forward deny default deny: no rule for the groups eng allows port forwards",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if n := len(p.Rights(eng, Resource{Name: "x", Kind: "teapot"})); n < len(severity)+3 {
		t.Errorf("an unknown kind has %d rights", n)
	}
}

// Classes that all get the same are one line.
func TestRightsOfAnActionAlike(t *testing.T) {
	p := mustCompile(t, Roles{{Name: "ops", Groups: []string{"ops"}, Resources: Selector{Names: []string{"*"}}, Rules: []Rule{
		{Name: "work", Allow: []string{"exec", "shell"}}, {Name: "look", Allow: []string{"read"}}}}}, nil)
	var got []string
	for _, kind := range []string{"ssh", "kubernetes"} {
		for _, r := range p.Rights(Identity{Subject: "a", Groups: []string{"ops"}}, Resource{Name: "x", Kind: kind}) {
			got = append(got, r.What+" "+show(r.Decision))
		}
	}
	want := []string{"read allow ops/look", "write allow ops/work", "ddl allow ops/work", "privilege allow ops/work", "dangerous allow ops/work",
		"unknown deny default deny", "file read allow ops/look", "file write deny default deny", "file ddl deny default deny", "file privilege deny default deny",
		"file dangerous deny default deny", "shell allow ops/work", "forward deny default deny",
		"read allow ops/look", "write deny default deny", "ddl deny default deny", "privilege deny default deny", "dangerous deny default deny",
		"unknown deny default deny", "exec read allow ops/look", "exec write allow ops/work", "exec ddl allow ops/work", "exec privilege allow ops/work",
		"exec dangerous allow ops/work", "file read allow ops/look", "file write deny default deny", "file ddl deny default deny", "file privilege deny default deny",
		"file dangerous deny default deny", "shell allow ops/work", "forward deny default deny"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	p = mustCompile(t, Roles{{Name: "ops", Groups: []string{"ops"}, Resources: Selector{Names: []string{"*"}}, Rules: []Rule{{Name: "work", Allow: []string{"exec", "shell"}}}}}, nil)
	got = nil
	for _, r := range p.Rights(Identity{Subject: "a", Groups: []string{"ops"}}, Resource{Name: "x", Kind: "ssh"}) {
		got = append(got, r.What+": "+r.Reason)
	}
	if d := cmp.Diff([]string{"exec: commands are allowed", "unknown: no rule for the groups ops allows operations that cannot be judged (unknown)",
		"file: no rule for the groups ops allows file operations", "shell: interactive shells are allowed",
		"forward: no rule for the groups ops allows port forwards"}, got); d != "" {
		t.Error(d)
	}
}

// The words that speak of an operation: its class and its action, but unknown
// alone, and shell alone.
func TestWordsOf(t *testing.T) {
	for _, a := range []Action{ActionSQL, ActionExec, ActionHTTP, ActionKubernetes, ActionFile} {
		for c := Unknown; c <= Dangerous+1; c++ {
			want := []string{c.String(), string(a)}
			if c.String() == "unknown" {
				want = want[:1]
			}
			if got := wordsOf(a, c).texts(); !cmp.Equal(got, want) {
				t.Errorf("%s %s: %v, want %v", a, c, got, want)
			}
		}
	}
	if got := wordsOf(ActionShell, Read).texts(); !cmp.Equal(got, []string{"shell"}) {
		t.Errorf("shell: %v", got)
	}
	if wordsOf("sftp", Read) != 0 {
		t.Error("an action without a word has words")
	}
	for a, w := range actions {
		if wordOf(a) != w.bit || parseWord(string(a)) != w.bit {
			t.Errorf("%s: %b", a, w.bit)
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
		got := Suggest(word, Words())
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
	if r := newRule(Role{Name: "r"}, Rule{Approve: []string{"read"}, Wait: "soon"}); r.wait != 0 {
		t.Error(r.wait)
	}
	if r := newRule(Role{Name: "r"}, Rule{Approve: []string{"read"}}); r.wait != 15*time.Minute || r.need != 1 {
		t.Error(r.wait, r.need)
	}
}

func TestKeepText(t *testing.T) {
	for _, k := range []Keep{KeepFull, KeepDigest} {
		b, err := json.Marshal(Decision{Results: k})
		var back Decision
		if err != nil || json.Unmarshal(b, &back) != nil || back.Results != k || strings.Contains(string(b), "digest") != (k == KeepDigest) {
			t.Errorf("%s: %s, %v, %+v", k, b, err, back)
		}
	}
	var k Keep
	if err := k.UnmarshalText([]byte("some")); err == nil {
		t.Error("some is something")
	}
}
