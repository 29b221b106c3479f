package policy

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// holding computes a condition about a request.
func holding(t *testing.T, when string, r Request) (bool, error) {
	t.Helper()
	c, faults := newCondition(when)
	if c == nil {
		t.Fatalf("%s: %v", when, faults)
	}
	return c.holds(scopeOf(&r))
}

func TestConditions(t *testing.T) {
	estimate := int64(7)
	full := Request{
		Identity: Identity{Issuer: "https://i", Subject: "s", Email: "a@acme.example", Name: "Alice", Groups: []string{"eng", "oncall"},
			Claims: map[string][]string{"dept": {"x", "y"}}, SignedIn: time.Unix(1000, 0), Method: "key"},
		Resource: Resource{Name: "orders-db", Kind: "postgres", Labels: map[string]string{"env": "prod"}},
		Action:   ActionSQL,
		Facts: Facts{Class: Write, Verb: "DELETE", Destructive: true, Opaque: true, Copies: true, Form: "COPY", Statements: 2,
			Tables:    []Table{{Schema: "public", Name: "orders", Kind: TablePlain, Write: true}, {Name: "v", Kind: TableView}},
			Reads:     []Column{{Schema: "public", Table: "orders", Name: "id"}},
			Writes:    []Column{{Table: "orders", Name: "total"}},
			Functions: []string{"now"}, Estimate: &estimate,
			Commands:   []Command{{Name: "rm", Args: []string{"-rf", "/tmp"}, Class: Dangerous}},
			HTTP:       &HTTPRequest{Method: "POST", Host: "h", Path: "/v1/x", Query: "a=b", ContentType: "text/plain", Size: 3},
			Kubernetes: &KubernetesCall{Verb: "create", Group: "apps", Resource: "pods", Subresource: "exec", Namespace: "shop", Name: "web-1"}},
		Session: Session{From: "10.1.2.3", Opened: time.Unix(2000, 0), Operations: 4},
		Now:     time.Date(2026, 11, 26, 22, 30, 0, 0, time.UTC),
	}
	for _, when := range []string{
		`identity.issuer == "https://i" && identity.subject == "s" && identity.name == "Alice" && identity.method == "key"`,
		`identity.email.endsWith("@acme.example") && "oncall" in identity.groups && "y" in identity.claims.dept && "dept" in identity.claims`,
		`now - identity.signed_in > duration("1h") && identity.signed_in == timestamp(1000)`,
		`resource.name.glob("orders-*") && resource.kind == "postgres" && resource.labels.env in ["prod", "production"]`,
		`has(resource.labels.env) && !has(resource.labels.tier) && resource.labels["env"] == "prod" && "env" in resource.labels`,
		`operation.action == "sql" && operation.class == "write" && operation.verb == "DELETE" && operation.destructive && operation.opaque`,
		`operation.copies && operation.form == "COPY" && operation.statements == 2 && operation.estimate < 10`,
		`operation.tables.exists(t, t.schema == "public" && t.name == "orders" && t.kind == "plain" && t.write) && operation.tables.size() == 2`,
		`operation.tables[1].kind == "view" && !operation.tables[1].write`,
		`operation.reads.all(c, c.schema == "public" && c.table == "orders" && c.name == "id") && operation.writes.exists_one(c, c.name == "total")`,
		`operation.functions == ["now"] && operation.commands.exists(c, c.name == "rm" && "-rf" in c.args && c.class == "dangerous")`,
		`operation.http.method == "POST" && operation.http.host == "h" && operation.http.path == "/v1/x" && operation.http.query == "a=b"`,
		`operation.http.content_type == "text/plain" && operation.http.size == 3 && has(operation.http)`,
		`operation.kubernetes.verb == "create" && operation.kubernetes.group == "apps" && operation.kubernetes.resource == "pods"`,
		`operation.kubernetes.subresource == "exec" && operation.kubernetes.namespace == "shop" && operation.kubernetes.name == "web-1"`,
		`cidr("10.0.0.0/8").containsIP(session.from) && session.operations == 4 && now - session.opened > duration("1s")`,
		`now.getHours("Europe/Berlin") == 23 && now.getHours() == 22 && now.getDayOfWeek() == 4`,
		`operation.tables.filter(t, t.write).map(t, t.name) == ["orders"]`,
	} {
		if ok, err := holding(t, when, full); !ok || err != nil {
			t.Errorf("%s: %v, %v", when, ok, err)
		}
	}
}

// What is not known is an error to read, and has() asks.
func TestConditionsOfWhatIsNotKnown(t *testing.T) {
	empty := Request{}
	for when, want := range map[string]string{
		`identity.email == ""`:                     "identity.email is not known",
		`identity.claims.dept == ["x"]`:            "no such key: dept",
		`resource.labels.env != "prod"`:            "no such key: env",
		`operation.estimate < 10`:                  "operation.estimate is not known",
		`operation.http.method != "DELETE"`:        "operation.http is not known",
		`operation.kubernetes.namespace == "shop"`: "operation.kubernetes is not known",
		`session.from != "10.0.0.1"`:               "session.from is not known",
		`session.opened < timestamp(5)`:            "session.opened is not known",
		`now > timestamp(5)`:                       "now",
		`operation.tables[0].write`:                "index out of bounds: 0",
	} {
		ok, err := holding(t, when, empty)
		if ok || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", when, ok, err)
		}
	}
	for _, when := range []string{
		`!has(operation.estimate) && !has(operation.http) && !has(session.from) && !has(identity.email) && !has(resource.labels.env)`,
		`operation.class == "unknown" && operation.tables.size() == 0 && operation.verb == ""`,
	} {
		if ok, err := holding(t, when, empty); !ok || err != nil {
			t.Errorf("%s: %v, %v", when, ok, err)
		}
	}
}

// A statement that names thousands of tables makes a condition stop, not the
// bastion.
func TestConditionCostIsBounded(t *testing.T) {
	var f Facts
	for range 2000 {
		f.Tables = append(f.Tables, Table{Schema: "public", Name: "t"})
	}
	f.Tables = append(f.Tables, Table{Name: "last"})
	const when = `operation.tables.all(a, operation.tables.exists(b, b.name == "last"))`
	if ok, err := holding(t, when, Request{Facts: Facts{Tables: f.Tables[1980:]}}); !ok || err != nil {
		t.Errorf("a few: %v, %v", ok, err)
	}
	_, err := holding(t, when, Request{Facts: f})
	if err == nil || !strings.Contains(err.Error(), "cost") {
		t.Errorf("thousands: %v", err)
	}
	p := mustCompile(t, Roles{{Name: "r", Groups: []string{"g"}, Resources: Selector{Names: []string{"*"}}, Rules: []Rule{
		{Name: "reads", Allow: []string{"read"}}, {Name: "ask", Approve: []string{"write"}, By: []string{"x"}, When: "!" + when},
		{Name: "no", Deny: []string{"ddl"}, When: "!" + when}, {Name: "yes", Allow: []string{"write", "privilege"}, When: when}}}}, nil)
	for class, want := range map[Class]string{Write: "r/ask", DDL: "r/no", Privilege: DefaultDeny} {
		q := Request{Identity: Identity{Subject: "s", Groups: []string{"g"}}, Resource: Resource{Name: "x"}, Action: ActionSQL, Facts: f}
		q.Facts.Class = class
		if d := p.Decide(q); d.Rule != want {
			t.Errorf("%s: %+v", class, d)
		}
	}
}

// FuzzCondition: no text makes the reader or the computation panic; what compiles
// is true, false or an error, and the same when it is asked again.
func FuzzCondition(f *testing.F) {
	for _, s := range append(slices.Clone(testConditions), `"x" in identity.groups`, "operation.tables.all(t, t.write)", "cidr('::/0').containsIP(session.from)",
		"resource.name.glob('*a*')", "[1,2].map(x, x*x)[0] == 1", "{'a': 1}.a == 1", "1/0 == 0", "identity == identity", "operation.http", "type(now) == type(now)", "((((", "a ? b : c",
		"resource.name.matches('(a+)+$')", "string(operation.estimate) + 'x' == ''", "has(operation.http.path)", "'\\u202e' == ''") {
		f.Add(s)
	}
	n := int64(3)
	f.Fuzz(func(t *testing.T, src string) {
		c, faults := newCondition(src)
		if (c == nil) == (len(faults) == 0) && src != "" {
			t.Fatalf("%q: condition %v, faults %v", src, c, faults)
		}
		for _, x := range faults {
			if x.line < 1 || x.column < 1 || !printable(x.message) || x.message == "" {
				t.Fatalf("%q: %+v", src, x)
			}
		}
		if c == nil {
			return
		}
		for _, r := range []Request{{}, {Identity: Identity{Groups: []string{"x"}}, Resource: Resource{Name: "db"}, Session: Session{From: "10.0.0.1"}, Now: time.Unix(9, 0),
			Facts: Facts{Class: Write, Estimate: &n, Tables: []Table{{Name: "t"}}, HTTP: &HTTPRequest{Path: "/"}}}} {
			one, err1 := c.holds(scopeOf(&r))
			two, err2 := c.holds(scopeOf(&r))
			if one != two || (err1 == nil) != (err2 == nil) || one && err1 != nil {
				t.Fatalf("%q: %v %v, then %v %v", src, one, err1, two, err2)
			}
			s := scopeOf(&r)
			s.early = true
			// What is said before the operation is there holds when it is.
			if yes, later, err := c.may(s); !later && err == nil && (err1 != nil || yes != one) {
				t.Fatalf("%q: %v ahead, then %v %v", src, yes, one, err1)
			}
		}
	})
}

// FuzzShuffle: whatever policy compiles decides alike in every order of its text.
func FuzzShuffle(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		r := rand.New(rand.NewPCG(a, b))
		roles, masks := randomPolicy(r)
		p, err := Compile(roles, masks)
		if err != nil {
			return
		}
		shuffle(r, roles)
		for i := range roles {
			shuffle(r, roles[i].Rules)
			shuffle(r, roles[i].Groups)
		}
		q, err := Vocabulary{Resources: testRes[:3]}.Compile(roles, masks)
		if err != nil {
			t.Fatal(err)
		}
		id := Identity{Subject: "s", Groups: slices.Clone(testGroups[:1+r.IntN(3)])}
		for _, res := range testRes {
			for _, ask := range questions(id, res) {
				ask.Now = time.Unix(int64(r.IntN(2))*2e9, 0)
				x, y := p.Decide(ask), q.Decide(ask)
				if x.Effect != y.Effect || x.Rule != y.Rule || x.Limits != y.Limits || x.Results != y.Results || x.Reason != y.Reason {
					t.Fatalf("%+v\n%+v", x, y)
				}
			}
		}
	})
}
