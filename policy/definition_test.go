package policy

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestDecideByDefinition compares Decide with the definition of the language,
// written down as plainly as can be.
func TestDecideByDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 7))
	decided := map[Effect]int{}
	for range 240 {
		roles, masks := randomPolicy(r)
		p, err := Compile(roles, masks)
		if err != nil {
			continue
		}
		id := Identity{Subject: "s", Groups: testGroups[:1+r.IntN(3)]}
		if r.IntN(2) == 0 {
			id.Claims = map[string][]string{"team": {[]string{"a", "b", "c"}[r.IntN(3)]}}
			id.Email = "s@acme.example"
		}
		for _, res := range testRes {
			for _, q := range questions(id, res) {
				if r.IntN(2) == 0 {
					q.Now = time.Unix(2e9, 0)
				}
				want, rows, digest := byDefinition(roles, q)
				d := p.Decide(q)
				if got := d.Effect; got != Deny && (d.Results == KeepDigest) != digest || got == Allow && d.Limits.Rows != rows {
					t.Fatalf("%s on %s by %+v: %+v, want %d rows, digest %v", q.Action, res.Name, roles, d, rows, digest)
				}
				decided[want]++
				if got := d.Effect; got != want {
					t.Fatalf("%s on %s by %+v: %v, want %v", q.Action, res.Name, roles, got, want)
				}
			}
			checkMasks(t, p, masks, id, res)
		}
	}
	if min(decided[Deny], decided[Approve], decided[Allow]) < 300 {
		t.Errorf("decided %v: this tested little", decided)
	}
}

// wordsByDefinition are the words that speak of an operation.
func wordsByDefinition(q Request) []string {
	class := q.Facts.Class.String()
	switch {
	case q.Action == ActionShell, q.Action == ActionForward:
		return []string{string(q.Action)}
	case !slices.Contains([]Action{ActionSQL, ActionExec, ActionHTTP, ActionKubernetes, ActionFile}, q.Action):
		return nil
	case class == "unknown":
		return []string{"unknown"}
	}
	return []string{class, string(q.Action)}
}

func meets(a, b []string) bool {
	return slices.ContainsFunc(a, func(w string) bool { return slices.Contains(b, w) })
}

// byDefinition is the effect, the most rows of what allows (0: all), and whether
// all that matches says digest.
func byDefinition(roles Roles, q Request) (e Effect, rows int64, digest bool) {
	ws := wordsByDefinition(q)
	var deny, approve, allow bool
	rows, digest = -1, true
	for _, role := range roles {
		if !mineByDefinition(role, q.Identity) || !role.Resources.Matches(q.Resource) {
			continue
		}
		for _, rule := range role.Rules {
			holds, computed := conditionByDefinition(role.When, q)
			h, c := conditionByDefinition(rule.When, q)
			if computed && !holds || c && !h {
				continue
			}
			granted := meets(ws, rule.Approve) || meets(ws, rule.Allow) && computed && c
			digest = digest && (!granted || rule.Results == "digest")
			deny = deny || meets(ws, rule.Deny)
			approve = approve || meets(ws, rule.Approve)
			if meets(ws, rule.Allow) && computed && c {
				allow = true
				switch {
				case rule.Limits.Rows == nil || *rule.Limits.Rows == 0 || rows == 0:
					rows = 0
				default:
					rows = max(rows, *rule.Limits.Rows)
				}
			}
		}
	}
	switch {
	case deny:
		return Deny, 0, false
	case approve:
		return Approve, 0, digest
	case allow:
		return Allow, rows, digest
	}
	return Deny, 0, false
}

func mineByDefinition(role Role, id Identity) bool {
	for name, values := range role.Claims {
		if !meets(values, id.Claims[name]) {
			return false
		}
	}
	return len(role.Groups) == 0 || id.InAny(role.Groups)
}

// conditionByDefinition is what the few conditions of these tests say, and
// whether they can be computed: in Go, not in their own language.
func conditionByDefinition(when string, q Request) (holds, computed bool) {
	switch when {
	case "":
		return true, true
	case "operation.destructive":
		return q.Facts.Destructive, true
	case "!operation.destructive":
		return !q.Facts.Destructive, true
	case `resource.labels.env == "prod"`:
		v, ok := q.Resource.Labels["env"]
		return v == "prod", ok
	case "operation.estimate > 5":
		return q.Facts.Estimate != nil && *q.Facts.Estimate > 5, q.Facts.Estimate != nil
	case `operation.class == "write" || session.operations > 1`:
		return q.Facts.Class == Write, true
	case `"g1" in identity.groups`:
		return slices.Contains(q.Identity.Groups, "g1"), true
	case "now > timestamp('2020-01-01T00:00:00Z')":
		return !q.Now.IsZero(), !q.Now.IsZero()
	case `resource.kind == "postgres"`:
		return q.Resource.Kind == "postgres", true
	case `identity.email != ""`:
		return q.Identity.Email != "", q.Identity.Email != ""
	}
	panic("a condition without definition: " + when)
}
