package policy

import (
	"strings"
	"testing"
)

// What a shell may use of the requester's is what any allow rule that matches says, or
// the approve rule that decides; without a word, nothing.
func TestForwardingIsGranted(t *testing.T) {
	role := func(group string, r Rule) Role {
		return Role{Name: group, Groups: []string{group}, Resources: Selector{Names: []string{"web-*"}}, Rules: []Rule{r}}
	}
	p, err := Compile(Roles{
		role("plain", Rule{Name: "a", Allow: []string{"shell"}}),
		role("agent", Rule{Name: "z", Allow: []string{"shell"}, AgentForwarding: true}),
		role("x11", Rule{Name: "x", Allow: []string{"shell", "exec"}, X11Forwarding: true}),
		role("asked", Rule{Name: "q", Approve: []string{"shell"}, By: []string{"dba"}}),
		role("lent", Rule{Name: "l", Approve: []string{"shell"}, By: []string{"dba"}, AgentForwarding: true}),
		role("no", Rule{Name: "d", Deny: []string{"shell"}}),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		groups, resource string
		agent, x11       bool
	}{
		{"plain", "web-1", false, false}, {"agent", "web-1", true, false}, {"plain agent", "web-1", true, false}, {"agent x11", "web-1", true, true},
		{"agent asked", "web-1", false, false}, {"x11 lent", "web-1", true, false}, {"agent x11 no", "web-1", false, false}, {"agent x11", "db-1", false, false},
	} {
		id := Identity{Issuer: "i", Subject: "s", Groups: strings.Fields(c.groups)}
		d := p.Decide(Request{Identity: id, Resource: Resource{Name: c.resource, Kind: "ssh"}, Action: ActionShell, Facts: Facts{Class: Unknown}})
		if d.AgentForwarding != c.agent || d.X11Forwarding != c.x11 {
			t.Errorf("%s on %s: agent %t, x11 %t by %s", c.groups, c.resource, d.AgentForwarding, d.X11Forwarding, d.Rule)
		}
		if full := (Decision{AgentForwarding: true, X11Forwarding: true}); !full.Lends(d) || (Decision{}).Lends(d) != (!c.agent && !c.x11) {
			t.Errorf("%s: what it lends is compared wrongly", c.groups)
		}
	}
	for _, r := range []Rule{{Name: "d", Deny: []string{"shell"}, X11Forwarding: true}, {Name: "s", Allow: []string{"sql"}, AgentForwarding: true}} {
		if _, err := Compile(Roles{role("r", r)}, nil); err == nil {
			t.Errorf("%+v is taken", r)
		}
	}
}
