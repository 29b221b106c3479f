package session

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

func limited(rule string, l policy.Limits) policy.Decision {
	return policy.Decision{Effect: policy.Allow, Rule: rule, Limits: l}
}

// The tightest of the bastion's limit and the rule's counts, and is named.
func TestTerms(t *testing.T) {
	w := newWorld(t)
	r := *w.gate.rules.Load()
	r.Limits = Limits{Rows: 1000, Statement: time.Minute}
	w.gate.rules.Store(&r)
	s := w.open(t, alice)
	read := connectors.Operation{Action: policy.ActionSQL, Facts: policy.Facts{Class: policy.Read}}
	shell := connectors.Operation{Action: policy.ActionShell}
	for _, c := range []struct {
		name string
		op   connectors.Operation
		d    policy.Decision
		want connectors.Terms
		rows int64
		cut  string
	}{
		{"the bastion's alone", read, limited("a/b", policy.Limits{}),
			connectors.Terms{Rule: "a/b", ReadOnly: true, MaxRows: 1000, Timeout: time.Minute}, 1000, "this bastion's limit"},
		{"a tighter rule", read, limited("a/b", policy.Limits{Rows: 10, Bytes: 99, Statement: time.Second}),
			connectors.Terms{Rule: "a/b", ReadOnly: true, MaxRows: 10, MaxBytes: 99, Timeout: time.Second}, 10, "rule a/b"},
		{"a rule cut by bytes", read, limited("a/b", policy.Limits{Bytes: 99}),
			connectors.Terms{Rule: "a/b", ReadOnly: true, MaxRows: 1000, MaxBytes: 99, Timeout: time.Minute}, 3, "rule a/b"},
		{"a wider rule changes nothing", read, limited("a/b", policy.Limits{Rows: 5000, Statement: time.Hour}),
			connectors.Terms{Rule: "a/b", ReadOnly: true, MaxRows: 1000, Timeout: time.Minute}, 1000, "this bastion's limit"},
		{"a shell lasts", shell, limited("a/b", policy.Limits{Statement: time.Second}),
			connectors.Terms{Rule: "a/b", MaxRows: 1000}, 1000, "this bastion's limit"},
	} {
		got := s.terms(c.op, c.d)
		if got.Terms != c.want || got.cut(c.rows) != c.cut {
			t.Errorf("%s: %+v, cut by %s; want %+v, %s", c.name, got.Terms, got.cut(c.rows), c.want, c.cut)
		}
	}
}

// Who waited for an answer that took too long is told which rule would not have it
// longer, whatever the target said, which may be withheld.
func TestLate(t *testing.T) {
	limit := terms{Terms: connectors.Terms{Timeout: 30 * time.Second}, time: "support/reads"}
	said := &connectors.TargetError{Code: "57014", Text: "withheld", Late: true}
	if got := limit.late(said).Error(); got != "it ran into its time limit of 30s, set by rule support/reads (57014)" {
		t.Error(got)
	}
	limit.time = bastionLimit
	if got := limit.late(said).Error(); !strings.Contains(got, "set by this bastion") {
		t.Error(got)
	}
	if other := (&connectors.TargetError{Code: "57014", Text: "by an administrator"}); limit.late(other) != error(other) {
		t.Error("another error was taken for it")
	}
}

// A session ends at the tightest of what opened it and what it did.
func TestLease(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	l := newLease(func() time.Time { return now }, now)
	over := func(rule string) {
		t.Helper()
		left, why := l.left(time.Hour)
		switch {
		case rule == "" && why != nil:
			t.Errorf("over by %+v", why)
		case rule != "" && (why == nil || why.Rule != rule):
			t.Errorf("goes on for %v (%+v), want an end by %s", left, why, rule)
		}
	}
	l.rest([]policy.Decision{limited("a/open", policy.Limits{Session: 8 * time.Hour, Idle: 30 * time.Minute})})
	if left, _ := l.left(time.Hour); left != 30*time.Minute {
		t.Errorf("%v left, want the idle time", left)
	}
	now = now.Add(29 * time.Minute)
	over("")
	l.touch()
	now = now.Add(29 * time.Minute)
	over("")
	done := l.work() // who waits is not idle
	now = now.Add(2 * time.Hour)
	over("")
	done()
	now = now.Add(30 * time.Minute)
	over("a/open")
	l.touch()
	over("")
	l.add(limited("a/write", policy.Limits{Session: time.Hour}))
	over("a/write")
	l.rest([]policy.Decision{limited("a/open", policy.Limits{})}) // a wider opening does not widen what was done
	over("a/write")
}

func TestCrowded(t *testing.T) {
	two := limited("a/two", policy.Limits{Sessions: 2})
	if why := crowded("db", 1, two); why != nil {
		t.Errorf("a second session: %v", why)
	}
	why := crowded("db", 2, limited("a/three", policy.Limits{Sessions: 3}), two)
	if why == nil || why.Rule != "a/two" || !strings.Contains(why.Reason, "2 sessions on db") {
		t.Errorf("a third session: %+v", why)
	}
}

// What is not kept is counted and proved by a hash that a copy of it has, too.
func TestDigest(t *testing.T) {
	secret := "ann@example.com"
	rows := recorder.Rows{Op: 3, Columns: []recorder.RowColumn{{Name: "email", Treatment: "shown"}}, Rows: [][]*string{{&secret}, {nil}}}
	got, err := digested(rows)
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows != nil || got.Digest.Rows != 2 || len(got.Digest.SHA256) != 64 || len(got.Columns) != 1 || got.Op != 3 {
		t.Errorf("kept: %+v", got)
	}
	other := "bob@example.com"
	changed, err := digested(recorder.Rows{Op: 3, Columns: rows.Columns, Rows: [][]*string{{&other}, {nil}}})
	if err != nil || changed.Digest.SHA256 == got.Digest.SHA256 {
		t.Errorf("another answer has the same hash (%v)", err)
	}
	if d := digestOf(recorder.KindError, []byte("x")); d.Of != "stderr" || d.Bytes != 1 {
		t.Errorf("stderr: %+v", d)
	}
}

// Each limit of a session names the rule that sets it.
func TestLimitsOfSession(t *testing.T) {
	hour, minutes, two := "1h", "10m", 2
	p, err := policy.Compile(policy.Roles{
		{Name: "a", Groups: []string{"engineering"}, Resources: policy.Selector{Names: []string{"db"}}, Rules: []policy.Rule{
			{Name: "reads", Allow: []string{"read"}, Limits: policy.Bounds{Session: hour, Idle: minutes, Sessions: &two}},
			{Name: "writes", Approve: []string{"write"}, By: []string{"dba"}, Limits: policy.Bounds{Session: minutes, Idle: hour, Sessions: &two}}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	res := policy.Resource{Name: "db", Kind: "postgres"}
	d, limits := mayOpen(p.For(alice, policy.Session{}, time.Now()), res)
	got := map[string]policy.Limits{}
	for _, l := range limits {
		got[l.Rule] = got[l.Rule].Tightest(l.Limits)
	}
	want := map[string]policy.Limits{"a/reads": {Session: time.Hour, Sessions: 2}, "a/writes": {Idle: time.Hour}}
	if d.Effect != policy.Allow || !maps.Equal(got, want) {
		t.Errorf("%v with %+v, want %+v", d.Effect, got, want)
	}
	if d, limits := mayOpen(p.For(dave, policy.Session{}, time.Now()), res); d.Effect != policy.Deny || limits != nil {
		t.Errorf("a stranger: %v, %v", d.Effect, limits)
	}
}
