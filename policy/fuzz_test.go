package policy

import (
	"strings"
	"testing"
	"time"
)

// FuzzCompileDecide: whatever compiles never panics, and a deny that matches wins.
func FuzzCompileDecide(f *testing.F) {
	f.Add("read", "write", "g", "*", "postgres", "t.a", "t.*", "15m", "name", 1, "sql", uint8(1))
	f.Add("unknown", "", "g", "a*b", "", "a.b.c", "card", "", "r", 0, "exec", uint8(9))
	f.Fuzz(func(t *testing.T, a, d, group, name, kind, col, reveal, wait, id string, need int, action string, class uint8) {
		sel := Selector{Names: []string{name}, Labels: map[string]string{"k": kind}}
		masks := Masking{{Name: "m", Resources: sel, Columns: []string{col}}}
		roles := Roles{{Name: id, Groups: []string{group}, Resources: sel, Reveal: []string{reveal}, Rules: []Rule{
			{Name: "a", Allow: strings.Fields(a)},
			{Name: "p", Approve: strings.Fields(a), By: []string{group}, Need: need, Wait: wait},
			{Name: "d", Deny: strings.Fields(d)},
		}}, {Name: "only-deny", Groups: []string{group}, Resources: sel, Rules: []Rule{{Name: "d", Deny: strings.Fields(d)}}}}
		for _, roles := range []Roles{roles, {roles[1]}} {
			p, err := Compile(roles, masks)
			if err != nil {
				if p != nil {
					t.Fatal("a policy with faults")
				}
				p = nil // and a nil policy denies
			}
			q := Request{Identity: Identity{Subject: "s", Groups: []string{group}},
				Resource: Resource{Name: name, Kind: kind, Labels: map[string]string{"k": kind}},
				Action:   Action(action), Facts: Facts{Class: Class(class), Verb: a, Why: d}, Now: time.Unix(0, 0)}
			got := p.Decide(q)
			ws := wordsByDefinition(q)
			if got.Effect != Deny && meets(ws, strings.Fields(d)) {
				t.Fatalf("%q is denied, and yet: %+v", ws, got)
			}
			if got.Effect != Deny && (p == nil || got.Rule == DefaultDeny || !meets(ws, strings.Fields(a))) {
				t.Fatalf("nothing allows %q, and yet: %+v", ws, got)
			}
			p.MayOpen(q.Identity, q.Resource)
			p.Rights(q.Identity, q.Resource)
			p.MasksFor(q.Identity, q.Resource)
		}
	})
}

// FuzzGlobs compares the three relations of globs with each other.
func FuzzGlobs(f *testing.F) {
	f.Add("a*", "*b", "acb")
	f.Add("*", "", "")
	f.Add("a*b*c", "a*c", "abbc")
	f.Fuzz(func(t *testing.T, a, b, s string) {
		if strings.ContainsRune(a+b+s, 0) || len(a)+len(b)+len(s) > 200 {
			return
		}
		inA, inB := globMatch(a, s), globMatch(b, s)
		if inA && inB && !globsMeet(a, b) {
			t.Errorf("%q is in %q and %q, which do not meet", s, a, b)
		}
		if globCovers(a, b) && inB && !inA {
			t.Errorf("%q covers %q, and yet %q is only in the second", a, b, s)
		}
		if globCovers(a, b) && !globsMeet(a, b) {
			t.Errorf("%q covers %q and does not meet it", a, b)
		}
		if globsMeet(a, b) != globsMeet(b, a) {
			t.Errorf("%q and %q meet one way only", a, b)
		}
		if !globCovers(a, a) || !strings.ContainsRune(a, '*') && globMatch(a, s) != (a == s) {
			t.Errorf("%q does not cover itself, or is not literal", a)
		}
	})
}
