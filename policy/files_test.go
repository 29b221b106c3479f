package policy

import (
	"strings"
	"testing"
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
