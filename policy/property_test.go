package policy

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	gocmp "github.com/google/go-cmp/cmp"
)

var (
	testGroups = []string{"g0", "g1", "g2"}
	testNames  = []string{"*", "db", "db-*", "other", "*-eu"}
	testKinds  = []string{"postgres", "sqlite", "ssh"}
	testRes    = []Resource{
		{Name: "db", Kind: "postgres", Labels: map[string]string{"env": "prod"}},
		{Name: "db-eu", Kind: "sqlite", Labels: map[string]string{"env": "test"}},
		{Name: "other", Kind: "ssh"},
		{},
	}
)

// testConditions are true, false, or cannot be computed, by what is asked.
var testConditions = []string{
	"operation.destructive", "!operation.destructive", `resource.labels.env == "prod"`, "operation.estimate > 5", `operation.class == "write" || session.operations > 1`,
	`"g1" in identity.groups`, "now > timestamp('2020-01-01T00:00:00Z')",
}

// randomPolicy is roles and masks that compile more often than not.
func randomPolicy(r *rand.Rand) (Roles, Masking) {
	pick := func(from []string) []string {
		n := 1 + r.IntN(len(from))
		var out []string
		for _, i := range r.Perm(len(from))[:n] {
			out = append(out, from[i])
		}
		return out
	}
	sel := func() (s Selector) {
		if r.IntN(3) > 0 {
			s.Names = pick(testNames)[:1]
		}
		if r.IntN(3) == 0 {
			s.Kinds = pick(testKinds)
		}
		if r.IntN(4) == 0 || s.Empty() {
			s.Labels = map[string]string{"env": []string{"*", "prod"}[r.IntN(2)]}
		}
		return s
	}
	masks := Masking{{Name: "all", Resources: Selector{Names: []string{"*"}}, Columns: []string{"t.a"}, Detect: []string{"card"}}}
	for i := range r.IntN(4) {
		masks = append(masks, Mask{Name: fmt.Sprintf("m%d", i), Resources: sel(),
			Columns: pick([]string{"t.a", "t.b", "s.t.c", "t.*"}), Method: methods[r.IntN(3)], Detect: pick(DefaultDetectors())})
	}
	var roles Roles
	for i := range 1 + r.IntN(6) {
		role := Role{Name: fmt.Sprintf("r%d", i), Groups: pick(testGroups), Resources: sel(), Transcripts: []string{"own", "all", ""}[r.IntN(3)]}
		for j := range 1 + r.IntN(3) {
			rule := Rule{Name: fmt.Sprintf("u%d", j)}
			words := pick(Words())
			words = words[:min(len(words), 3)]
			switch r.IntN(4) {
			case 0:
				rule.Deny = words
			case 1:
				rule.Approve, rule.By, rule.Need = words, pick(testGroups), r.IntN(3)
			default:
				rule.Allow = words
			}
			if r.IntN(3) == 0 {
				rule.When = testConditions[r.IntN(len(testConditions))]
			}
			if r.IntN(3) == 0 && rule.Deny == nil {
				rows := int64(r.IntN(3))
				rule.Limits, rule.Results = Bounds{Rows: &rows}, []string{"", "full", "digest"}[r.IntN(3)]
			}
			role.Rules = append(role.Rules, rule)
		}
		switch r.IntN(6) {
		case 0:
			role.When = `resource.kind == "postgres"`
		case 1:
			role.When = `identity.email != ""`
		case 2:
			role.Groups, role.Claims = nil, map[string][]string{"team": pick([]string{"a", "b"})}
		case 3:
			role.Claims = map[string][]string{"team": {"a"}}
		}
		if r.IntN(2) == 0 {
			role.Reveal = pick([]string{"t.*", "t.a", "card"})
		}
		roles = append(roles, role)
	}
	return roles, masks
}

// answers is all that a policy says about everybody and everything, in words.
func answers(p *Policy, r *rand.Rand) []string {
	var out []string
	for mask := range 1 << len(testGroups) {
		id := Identity{Issuer: "i", Subject: "s"}
		if mask&1 == 1 {
			id.Claims = map[string][]string{"team": {"b"}}
		}
		for i, g := range testGroups {
			if mask>>i&1 == 1 {
				id.Groups = append(id.Groups, g)
			}
		}
		shuffle(r, id.Groups)
		for _, res := range testRes {
			for _, q := range questions(id, res) {
				out = append(out, fmt.Sprintf("%+v", p.Decide(q)))
			}
			role, ok := p.SeesTranscript(id, Identity{Issuer: "i", Subject: "other"}, res)
			out = append(out, fmt.Sprintf("%+v %+v %+v %s %t", p.MayOpen(id, res), p.Rights(id, res), p.MasksFor(id, res), role, ok))
		}
	}
	return out
}

func questions(id Identity, res Resource) []Request {
	var qs []Request
	for _, a := range []Action{ActionSQL, ActionExec, ActionHTTP, ActionKubernetes, ActionFile, ActionShell, ActionForward, "sftp"} {
		for c := Unknown; c <= Dangerous+1; c++ {
			if (a == ActionShell || a == ActionForward) && c != Unknown {
				break // they have no class
			}
			f := Facts{Class: c, Destructive: c == Write}
			if c == DDL {
				f.Estimate = new(int64)
			}
			qs = append(qs, Request{Identity: id, Resource: res, Action: a, Facts: f})
		}
	}
	return qs
}

func TestOrderDoesNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 3))
	compiled := 0
	for range 100 {
		roles, masks := randomPolicy(r)
		p, err := Compile(roles, masks)
		if err != nil {
			continue
		}
		compiled++
		want := answers(p, r)
		for range 3 {
			shuffle(r, roles)
			shuffle(r, masks)
			for i := range roles {
				shuffle(r, roles[i].Rules)
				shuffle(r, roles[i].Groups)
				shuffle(r, roles[i].Reveal)
			}
			p, err := Vocabulary{Resources: testRes[:3]}.Compile(roles, masks)
			if err != nil {
				t.Fatal(err)
			}
			if d := gocmp.Diff(want, answers(p, r)); d != "" {
				t.Fatalf("another order, other answers:\n%s", d)
			}
		}
	}
	if compiled < 10 {
		t.Fatalf("only %d of 100 policies compiled", compiled)
	}
}

func shuffle[T any](r *rand.Rand, s []T) {
	r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

// checkMasks: the transcript's plan holds all masks of the resource, and what a
// person sees is never less hidden than that except by a reveal.
func checkMasks(t *testing.T, p *Policy, masks Masking, id Identity, res Resource) {
	t.Helper()
	m := p.MasksFor(id, res)
	nobody := p.MasksFor(Identity{}, res)
	if d := gocmp.Diff(nobody.Kept, m.Kept); d != "" {
		t.Fatalf("what is kept depends on who looks:\n%s", d)
	}
	if d := gocmp.Diff(nobody.Kept, nobody.Seen); d != "" {
		t.Fatalf("somebody without a role sees more than the transcript:\n%s", d)
	}
	for _, mask := range masks {
		if !mask.Resources.Matches(res) {
			continue
		}
		for _, c := range mask.Columns {
			i := slices.IndexFunc(m.Kept, func(k MaskRule) bool { return qualified(k.Column) == qualified(c) })
			if i < 0 || slices.Index(methods, m.Kept[i].Method) > slices.Index(methods, cmp.Or(mask.Method, "redact")) {
				t.Fatalf("%s of mask %s is not kept as strictly: %v", c, mask.Name, m.Kept)
			}
		}
	}
}

// What rights, explanations and grants say agrees with what Decide does.
func TestAnswersAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 13))
	grants, conditional := 0, 0
	for range 1000 {
		roles, masks := randomPolicy(r)
		p, err := Vocabulary{Resources: testRes[:2]}.Compile(roles, masks)
		if err != nil {
			continue
		}
		id := Identity{Subject: "s", Groups: testGroups[:1+r.IntN(3)]}
		for _, res := range testRes[:3] {
			for _, q := range questions(id, res) {
				q.Now = time.Unix(2e9, 0)
				v := p.For(id, q.Session, q.Now)
				d := p.Decide(q)
				conditional += rightAgrees(t, v, q, d)
				e := p.Explain(q)
				if e.Decision.Rule != d.Rule {
					t.Fatalf("explained otherwise: %+v, %+v", e.Decision, d)
				}
				explains(t, e)
				if e.Grant != "" && r.IntN(20) == 0 {
					grants++
					granted(t, roles, masks, e.Grant, q)
				}
			}
		}
	}
	if grants < 100 || conditional < 100 {
		t.Errorf("%d grants, %d conditional rights: this tested little", grants, conditional)
	}
}

// rightAgrees finds the right about an operation and compares. It returns how
// many it compared that depend on the operation.
func rightAgrees(t *testing.T, v *View, q Request, d Decision) int {
	t.Helper()
	names := []string{string(q.Action) + " " + q.Facts.Class.String(), string(q.Action), q.Facts.Class.String()}
	if q.Facts.Class.String() == "unknown" {
		names = names[2:]
	}
	if q.Action == ActionShell || q.Action == ActionForward {
		names = []string{string(q.Action)}
	}
	if !slices.Contains(DefaultKinds()[q.Resource.Kind], q.Action) {
		return 0
	}
	rights := v.Rights(q.Resource)
	i := -1
	for _, name := range names { // the most particular first
		if i = slices.IndexFunc(rights, func(r Right) bool { return r.What == name }); i >= 0 {
			break
		}
	}
	if i < 0 {
		t.Fatalf("no right about %q in %+v", names, rights)
	}
	r := rights[i]
	may := []string{r.Rule}
	if r.Conditional {
		may = append(may, DefaultDeny)
	}
	for _, x := range r.Except {
		may = append(may, x.Rule)
	}
	// Which of several equal rules decides may depend on the operation, too.
	if !slices.Contains(may, d.Rule) && r.Effect != d.Effect {
		t.Fatalf("the right says %+v, and the decision is %+v", r, d)
	}
	if !r.Conditional && len(r.Except) == 0 {
		if r.Effect != d.Effect {
			t.Fatalf("the right says %+v, and the decision is %+v", r, d)
		}
		return 0
	}
	return 1
}

// explains: the rule that decided was tried and matched, and none that is
// stronger did.
func explains(t *testing.T, e Explanation) {
	t.Helper()
	found := e.Decision.Rule == DefaultDeny
	for _, tr := range e.Tried {
		if tr.Why == "" {
			t.Fatalf("no reason: %+v", tr)
		}
		if tr.Matched && (tr.Effect < e.Decision.Effect || e.Decision.Rule == DefaultDeny) {
			t.Fatalf("%+v matched, and yet: %+v", tr, e.Decision)
		}
		found = found || tr.Rule == e.Decision.Rule && tr.Matched
	}
	if !found {
		t.Fatalf("%s decided and is not among %+v", e.Decision.Rule, e.Tried)
	}
}

// granted: a grant, added to the roles, allows just what was asked.
func granted(t *testing.T, roles Roles, masks Masking, grant string, q Request) {
	t.Helper()
	var more Roles
	if err := yaml.UnmarshalWithOptions([]byte(grant), &more, yaml.Strict()); err != nil {
		t.Fatalf("%v in\n%s", err, grant)
	}
	p, err := Compile(append(slices.Clone(roles), more...), masks)
	if err != nil {
		t.Fatalf("%v with\n%s", err, grant)
	}
	if d := p.Decide(q); d.Effect != Allow {
		t.Fatalf("%+v with\n%s", d, grant)
	}
}
