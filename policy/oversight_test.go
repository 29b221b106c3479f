package policy

import (
	"strings"
	"testing"
	"time"
)

// TestOversight: a reason is needed where any role that shows the session asks,
// and ending takes a role that shows it and says so.
func TestOversight(t *testing.T) {
	all := Selector{Names: []string{"*"}}
	web := Selector{Names: []string{"web"}}
	p, err := Compile(Roles{
		{Name: "audit", Groups: []string{"auditors"}, Resources: all, Transcripts: "all"},
		{Name: "asks", Groups: []string{"auditors"}, Resources: web, Transcripts: "all", ReplayReason: true},
		{Name: "ops", Groups: []string{"ops"}, Resources: web, Transcripts: "all", EndSessions: true},
		{Name: "night", Groups: []string{"night"}, Resources: web, Transcripts: "all", EndSessions: true, When: `session.from == "192.0.2.1"`},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	owner := Identity{Issuer: "i", Subject: "o"}
	for _, c := range []struct {
		group, resource string
		want            Oversight
		sees            bool
	}{
		{"auditors", "db", Oversight{Role: "audit"}, true},
		{"auditors", "web", Oversight{Role: "asks", Reason: true}, true},
		{"auditors", "", Oversight{Role: "audit"}, true},
		{"ops", "web", Oversight{Role: "ops", End: true}, true},
		{"ops", "db", Oversight{}, false},
		{"ops", "", Oversight{}, false},
		{"night", "web", Oversight{}, false}, // the condition cannot be computed
		{"none", "web", Oversight{}, false},
	} {
		v := p.For(Identity{Issuer: "i", Subject: "x", Groups: []string{c.group}}, Session{}, time.Time{})
		got, sees := v.Oversees(owner, Resource{Name: c.resource, Kind: "ssh"})
		if got != c.want || sees != c.sees {
			t.Errorf("%s on %q: %+v, %v", c.group, c.resource, got, sees)
		}
	}
	if got, sees := p.For(owner, Session{}, time.Time{}).Oversees(owner, Resource{Name: "web"}); !sees || got != (Oversight{End: true}) {
		t.Errorf("one's own: %+v, %v", got, sees)
	}
	_, err = Compile(Roles{{Name: "r", Groups: []string{"g"}, Resources: web, Rules: []Rule{{Name: "x", Allow: []string{"exec"}}}, ReplayReason: true, EndSessions: true}}, nil)
	for _, want := range []string{"roles[0].replay_reason: only with transcripts: all", "roles[0].end_sessions: only with transcripts: all"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}
