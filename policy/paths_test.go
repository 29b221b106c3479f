package policy

import (
	"strings"
	"testing"
	"time"
)

// TestPaths: a path is masked by the strictest mask that has it, and lifted by a
// role that says the same path, for what it sees only.
func TestPaths(t *testing.T) {
	all := Selector{Names: []string{"*"}}
	masks := Masking{
		{Name: "keys", Resources: all, Paths: []string{"$.key", "$.**.pin"}, Method: "partial"},
		{Name: "more", Resources: all, Paths: []string{"$.key"}, Method: "redact"},
	}
	roles := Roles{
		{Name: "some", Groups: []string{"some"}, Resources: all, Rules: []Rule{{Name: "r", Allow: []string{"read"}}}},
		{Name: "sees", Groups: []string{"sees"}, Resources: all, Reveal: []string{"$.key"}, Rules: []Rule{{Name: "r", Allow: []string{"read"}}}},
	}
	p, err := Compile(roles, masks)
	if err != nil {
		t.Fatal(err)
	}
	res := Resource{Name: "api", Kind: "http"}
	said := func(rules []MaskRule) string {
		var all []string
		for _, r := range rules {
			all = append(all, r.Name+" "+r.What()+" "+r.Method)
		}
		return strings.Join(all, ", ")
	}
	const whole = "more $.key redact, keys $.**.pin partial"
	for group, seen := range map[string]string{"some": whole, "sees": "keys $.**.pin partial"} {
		m := p.For(Identity{Subject: "x", Groups: []string{group}}, Session{}, time.Time{}).Masks(res)
		if said(m.Seen) != seen || said(m.Kept) != whole {
			t.Errorf("%s: seen %s, kept %s", group, said(m.Seen), said(m.Kept))
		}
	}
	if by := p.Revealing(res, "$.key"); len(by) != 1 || !strings.HasPrefix(by[0], "sees ") {
		t.Errorf("revealed by %q", by)
	}
	for path, fault := range map[string]string{
		"key": "is no path", "$": "is no path", "$key": "is no path", "$.a\n": "characters",
	} {
		if _, err := Compile(nil, Masking{{Name: "m", Resources: all, Paths: []string{path}}}); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("%q: %v", path, err)
		}
	}
	roles[1].Reveal = []string{"$.*"}
	if _, err := Compile(roles, masks); err == nil || !strings.Contains(err.Error(), "nothing to reveal") {
		t.Errorf("a reveal of another path: %v", err)
	}
}
