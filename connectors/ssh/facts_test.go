package ssh

import (
	"io"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/policy"
)

// The guard is told what a command would do, before it decides.
func TestExecIsJudged(t *testing.T) {
	f := &fake{session: func(ch gossh.Channel, requests <-chan *gossh.Request) {
		granting(requests)
		go gossh.DiscardRequests(requests)
		_, _ = ch.SendRequest("exit-status", false, status(0))
	}}
	f.passwords()
	f.start(t)
	conn := f.open(t, Options{})
	for _, tt := range []struct {
		command     string
		class       policy.Class
		destructive bool
		programs    int
	}{
		{"uptime | cat", policy.Read, false, 2},
		{"rm -rf /srv/x", policy.Write, true, 1},
		{"sudo id", policy.Privilege, false, 2},
		{"$X", policy.Unknown, false, 1},
		{"ls \xff", policy.Unknown, false, 0},
	} {
		var got connectors.Operation
		g := &connectortest.Guard{OnCheck: func(op connectors.Operation) { got = op }}
		if _, err := conn.(connectors.Executor).Exec(t.Context(), g, tt.command, connectors.Stdio{Out: io.Discard, Err: io.Discard}); err != nil {
			t.Errorf("%q: %v", tt.command, err)
		}
		if got.Text != tt.command || got.Facts.Class != tt.class || got.Facts.Destructive != tt.destructive || len(got.Facts.Commands) != tt.programs {
			t.Errorf("%q: %+v", tt.command, got)
		}
	}
}
