package policy

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestMatchPath(t *testing.T) {
	for _, tt := range []struct {
		pattern, path       string
		itself, below, some bool
	}{
		{"/a", "/a", true, false, true},
		{"/a", "/a/b", false, false, false},
		{"/a/**", "/a", true, true, true},
		{"/a/**", "/a/b/c", true, true, true},
		{"/a/**", "/ab", false, false, false},
		{"/a/**", "/", false, false, true},
		{"/**", "/", true, true, true},
		{"/**", "/x", true, true, true},
		{"/a/*", "/a", false, false, true},
		{"/a/*", "/a/b", true, false, true},
		{"/a/*", "/a/b/c", false, false, false},
		{"/a/*.log", "/a/x.log", true, false, true},
		{"/a/**/c", "/a/c", true, false, true},
		{"/a/**/c", "/a/b/b/c", true, false, true},
		{"/a/**/c", "/a/b/b", false, false, true},
		{"/a/**/c/**", "/a/b", false, false, true},
		{"/a/**/c/**", "/a/c", true, true, true},
		{"/**/.ssh/**", "/home/x/.ssh/id", true, true, true},
		{"/", "/", true, false, true},
	} {
		m := matchPath(tt.pattern, tt.path)
		if m.itself != tt.itself || m.below != tt.below || m.some != tt.some {
			t.Errorf("%s of %s: %+v", tt.pattern, tt.path, m)
		}
	}
}

// What a pattern says of all below a path holds for what is below it.
func FuzzMatchPath(f *testing.F) {
	f.Add("/a/**/b*", "/a/c/b", "x/y")
	f.Add("/**", "/", "a")
	f.Add("/a/*/**", "/a", "b")
	f.Fuzz(func(t *testing.T, pattern, path, below string) {
		if patternFault(pattern) != "" || strings.Count(path+below, "/") > 20 || len(components(below)) == 0 {
			return
		}
		m, under := matchPath(pattern, path), matchPath(pattern, path+"/"+below)
		if m.below && !(under.itself && under.below) {
			t.Errorf("%q is all below %q, and does not match %q below it", pattern, path, below)
		}
		if under.itself && !m.some {
			t.Errorf("%q matches %q below %q, where nothing could be", pattern, below, path)
		}
	})
}

func TestRuleAboutFilesFaults(t *testing.T) {
	rule := func(kinds []string, r Rule) string {
		r.Name = "r"
		_, err := Compile(Roles{{Name: "x", Groups: []string{"g"}, Resources: Selector{Kinds: kinds}, Rules: []Rule{r}}}, nil)
		if err == nil {
			return ""
		}
		return err.Error()
	}
	hosts := []string{"ssh"}
	for name, tt := range map[string]struct {
		kinds []string
		rule  Rule
		want  string
	}{
		"good":            {hosts, Rule{Allow: []string{"file"}, Paths: []string{"/a/**"}, Files: []string{"read"}}, ""},
		"by class":        {hosts, Rule{Deny: []string{"write"}, Paths: []string{"/a/**"}}, ""},
		"relative":        {hosts, Rule{Allow: []string{"file"}, Paths: []string{"a/**"}}, "no absolute path"},
		"dots":            {hosts, Rule{Allow: []string{"file"}, Paths: []string{"/a/../b"}}, "can never match"},
		"slash at end":    {hosts, Rule{Allow: []string{"file"}, Paths: []string{"/a/"}}, "ends in a slash"},
		"stars in a name": {hosts, Rule{Allow: []string{"file"}, Paths: []string{"/a/b**"}}, "stands alone"},
		"question mark":   {hosts, Rule{Allow: []string{"file"}, Paths: []string{"/a/?"}}, "only wildcards"},
		"no paths":        {hosts, Rule{Allow: []string{"file"}, Paths: []string{}}, "can never match"},
		"unknown deed":    {hosts, Rule{Allow: []string{"file"}, Files: []string{"reads"}}, `did you mean "read"`},
		"no file word":    {hosts, Rule{Allow: []string{"exec"}, Paths: []string{"/a"}}, "say file"},
		"no files there":  {[]string{"postgres"}, Rule{Allow: []string{"read"}, Paths: []string{"/a"}}, "nothing of kind postgres"},
	} {
		got := rule(tt.kinds, tt.rule)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// What an explanation offers as the smallest grant allows the operation, and no more
// than that of files.
func TestGrantOfFiles(t *testing.T) {
	p := mustCompile(t, Roles{{Name: "x", Groups: []string{"other"}, Resources: Selector{Names: []string{"*"}}, Rules: []Rule{{Name: "r", Allow: []string{"read"}}}}}, nil)
	q := Request{Identity: Identity{Subject: "a", Groups: []string{"ops"}}, Resource: Resource{Name: "web", Kind: "ssh"}, Action: ActionFile,
		Facts: Facts{Class: Write, Files: []FileAccess{{Operation: "read", Path: "/a", Tree: true, Class: Read}, {Operation: "write", Path: `/b "c"`, Class: Write}}}}
	e := p.Explain(q)
	var roles Roles
	if err := yaml.UnmarshalWithOptions([]byte(e.Grant), &roles, yaml.Strict()); err != nil || len(roles) != 1 {
		t.Fatalf("%v: %s", err, e.Grant)
	}
	granted := mustCompile(t, roles, nil)
	if d := granted.Decide(q); d.Effect != Allow {
		t.Errorf("with the grant: %+v\n%s", d, e.Grant)
	}
	q.Facts.Files[1].Path = "/c"
	if d := granted.Decide(q); d.Effect != Deny {
		t.Errorf("the grant allows another path: %+v\n%s", d, e.Grant)
	}
	q.Facts.Files = q.Facts.Files[:1]
	if q.Facts.Files[0].Path = "/odd*name"; p.Explain(q).Grant != "" {
		t.Errorf("a name with a star is granted as a pattern: %s", p.Explain(q).Grant)
	}
}
