package policy

import (
	"fmt"
	"testing"
)

// bigPolicy is 1,000 rules in 250 roles, all of one group.
func bigPolicy(b *testing.B) *Policy {
	var roles Roles
	for i := range 250 {
		roles = append(roles, Role{Name: fmt.Sprintf("role-%d", i), Groups: []string{"everybody", fmt.Sprintf("g%d", i)},
			Resources: Selector{Names: []string{"orders-*", fmt.Sprintf("host-%d-*", i)}, Labels: map[string]string{"env": "*"}},
			Rules: []Rule{
				{Name: "read", Allow: []string{"read"}},
				{Name: "write", Approve: []string{"write"}, By: []string{"dba"}},
				{Name: "ddl", Approve: []string{"ddl"}, By: []string{"dba"}, Need: 2},
				{Name: "never", Deny: []string{"privilege", "dangerous"}},
			}})
	}
	return mustCompile(b, roles, Masking{{Name: "m", Resources: Selector{Names: []string{"*"}}, Columns: []string{"customers.email"}}})
}

func benchRequest() Request {
	return Request{
		Identity: Identity{Issuer: "i", Subject: "s", Groups: []string{"everybody"}},
		Resource: Resource{Name: "orders-db", Kind: "postgres", Labels: map[string]string{"env": "prod"}},
		Action:   ActionSQL,
		Facts:    Facts{Class: Write, Verb: "DELETE", Why: "no WHERE", Tables: []Table{{Name: "orders", Write: true}}},
	}
}

func BenchmarkDecide1000Rules(b *testing.B) {
	p, q := bigPolicy(b), benchRequest()
	b.ReportAllocs()
	for b.Loop() {
		if p.Decide(q).Effect != Approve {
			b.Fatal("wrong")
		}
	}
}

func BenchmarkMayOpen1000Rules(b *testing.B) {
	p, q := bigPolicy(b), benchRequest()
	b.ReportAllocs()
	for b.Loop() {
		if p.MayOpen(q.Identity, q.Resource).Effect != Allow {
			b.Fatal("wrong")
		}
	}
}
