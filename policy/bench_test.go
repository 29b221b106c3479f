package policy

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// bigPolicy is 1,000 rules in 250 roles, all of one group, with or without a
// condition each.
func bigPolicy(b *testing.B, resources []Resource, conditions bool) *Policy {
	when := func(s string) string {
		if conditions {
			return s
		}
		return ""
	}
	var roles Roles
	for i := range 250 {
		roles = append(roles, Role{Name: fmt.Sprintf("role-%d", i), Groups: []string{"everybody", fmt.Sprintf("g%d", i)},
			Resources: Selector{Names: []string{"orders-*", fmt.Sprintf("host-%d-*", i)}, Labels: map[string]string{"env": "*"}},
			Rules: []Rule{
				{Name: "read", Allow: []string{"read"}, When: when(`operation.tables.all(t, t.schema != "secret")`)},
				{Name: "write", Approve: []string{"write"}, By: []string{"dba"}, When: when(fmt.Sprintf(`resource.labels.env == "prod" && operation.verb != "X%d"`, i))},
				{Name: "ddl", Approve: []string{"ddl"}, By: []string{"dba"}, Need: 2},
				{Name: "never", Deny: []string{"privilege", "dangerous"}},
			}})
	}
	p, err := Vocabulary{Resources: resources}.Compile(roles, Masking{{Name: "m", Resources: Selector{Names: []string{"*"}}, Columns: []string{"customers.email"}}})
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// manyResources are 10,000 resources: 40 hosts of each role of bigPolicy, of which
// a few are databases that all roles are about.
func manyResources() []Resource {
	var all []Resource
	for i := range 10_000 {
		r := Resource{Name: fmt.Sprintf("host-%d-%d", i%250, i), Kind: "ssh", Labels: map[string]string{"env": []string{"prod", "test"}[i%2], "team": fmt.Sprintf("t%d", i%20)}}
		if i%100 == 0 {
			r.Name, r.Kind = fmt.Sprintf("orders-%d", i), "postgres"
		}
		all = append(all, r)
	}
	return all
}

func benchRequest(r Resource) Request {
	return Request{
		Identity: Identity{Issuer: "i", Subject: "s", Groups: []string{"everybody"}},
		Resource: r,
		Action:   ActionSQL,
		Facts:    Facts{Class: Write, Verb: "DELETE", Why: "no WHERE", Tables: []Table{{Name: "orders", Write: true}}},
		Session:  Session{From: "10.0.0.1"},
		Now:      time.Unix(2e9, 0),
	}
}

// BenchmarkDecide judges one statement by 1,000 rules on one of 10,000 resources.
// In the cases "all", every one of the 250 roles covers person and resource; in
// "one", one does, as it is where roles are about resources of their own.
func BenchmarkDecide(b *testing.B) {
	resources := manyResources()
	for _, conditions := range []bool{false, true} {
		p := bigPolicy(b, resources, conditions)
		for name, q := range map[string]Request{"all": benchRequest(resources[0]), "one": benchRequest(resources[2])} {
			b.Run(fmt.Sprintf("%s/conditions=%v", name, conditions), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if p.Decide(q).Effect != Approve {
						b.Fatal("wrong")
					}
				}
			})
		}
	}
}

// BenchmarkListing is what a picker asks for: of each of 10,000 resources whether
// this person may open it, what they may do there, and what is hidden. 100 of
// them are in all 250 roles of the person, the others in one each.
func BenchmarkListing(b *testing.B) {
	resources := manyResources()
	for _, conditions := range []bool{false, true} {
		p := bigPolicy(b, resources, conditions)
		id := benchRequest(resources[0]).Identity
		b.Run(fmt.Sprintf("conditions=%v", conditions), func(b *testing.B) {
			b.ReportAllocs()
			last, best := spent(), time.Hour
			for b.Loop() {
				v, open := p.For(id, Session{From: "10.0.0.1"}, time.Unix(2e9, 0)), 0
				for _, r := range resources {
					if a := v.Access(r); a.Open && len(a.Rights) > 0 {
						open++
					}
				}
				if open != len(resources) {
					b.Fatal(open)
				}
				now := spent()
				best, last = min(best, now-last), now
			}
			b.ReportMetric(best.Seconds()*1e3, "best-cpu-ms")
		})
	}
}

// spent is how much of the processor's time the process has had: what else a
// machine does does not count, and slows the best of many passes down least.
func spent() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkConditions is the worst that conditions can do: all 250 of a word are
// computed, since none holds.
func BenchmarkConditions(b *testing.B) {
	var roles Roles
	for i := range 250 {
		roles = append(roles, Role{Name: fmt.Sprintf("role-%d", i), Groups: []string{"everybody"}, Resources: Selector{Names: []string{"*"}},
			Rules: []Rule{{Name: "write", Allow: []string{"write"}, When: fmt.Sprintf(`resource.labels.team == "nobody-%d" && operation.verb == "DELETE"`, i)}}})
	}
	p := mustCompile(b, roles, nil)
	q := benchRequest(manyResources()[0])
	b.ReportAllocs()
	for b.Loop() {
		if p.Decide(q).Rule != DefaultDeny {
			b.Fatal("wrong")
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	resources := manyResources()
	for _, conditions := range []bool{false, true} {
		b.Run(fmt.Sprintf("conditions=%v", conditions), func(b *testing.B) {
			for b.Loop() {
				bigPolicy(b, resources, conditions)
			}
		})
	}
}
