package ssh

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/shellfacts"
	"github.com/sallyport/sallyport/policy"
)

// Attach opens the login's shell on a PTY with the requester's TERM, size and
// modes. Sizes are bounded to 1..1000 cells and coalesced. Terms.Timeout bounds
// statements and commands, not a shell. Errors: the guard's as they are,
// connectors.ErrCanceled, ErrVanished, ErrProtocol, *connectors.TargetError where
// the target refuses, or what a stream of the requester or the recorder said.
func (c *Conn) Attach(ctx context.Context, g connectors.Guard, t connectors.Terminal) (connectors.Exit, error) {
	p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionShell, Text: "shell", Login: c.login, Facts: policy.Facts{
		Class: policy.Unknown, Verb: "SHELL", Opaque: true,
		Why: "an interactive shell: what is done in it is recorded, not judged",
	}, Borrows: t.Stdio.Lent.Borrows()})
	if err != nil {
		return connectors.Exit{}, err
	}
	o := newOperation(c, p, t.Stdio)
	o.resize, o.shell = t.Resize, true
	l, asks := c.borrow(ctx, g, p, t.Stdio.Lent)
	o.lender = l
	asks = append(asks, request{name: "pty-req", what: "a terminal", payload: ptyRequest(t)}, request{name: "shell", what: "a shell"})
	return o.run(ctx, asks...)
}

// Exec judges the command as bash would read it and runs it by the login's shell
// at the target. Without Stdio.Err
// both outputs go to Stdio.Out. Errors: as Attach; a command that fails is none,
// its Exit says so. Terms.Timeout ends the command with connectors.ErrCanceled.
func (c *Conn) Exec(ctx context.Context, g connectors.Guard, command string, io connectors.Stdio) (connectors.Exit, error) {
	p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionExec, Text: command, Login: c.login, Facts: c.facts(command), Borrows: io.Lent.Borrows()})
	if err != nil {
		return connectors.Exit{}, err
	}
	o := newOperation(c, p, io)
	if limit := p.Terms().Timeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, timeout(limit))
		defer cancel()
	}
	l, asks := c.borrow(ctx, g, p, io.Lent)
	o.lender = l
	return o.run(ctx, append(asks, request{name: "exec", what: "to run the command", payload: gossh.Marshal(struct{ Command string }{command})})...)
}

// foreign are words in the versions of servers whose shell is not like bash.
var foreign = []string{"windows", "winsshd", "bitvise", "powershell", "freesshd", "cisco", "huawei", "comware", "rosssh", "romsshell", "mocana", "fortissh", "ipssh",
	"arubaos", "netscreen", "junos", "arista", "zyxel", "cleo", "lancom"}

// facts judges a command as bash would read it; where the target says of itself that it
// has another shell, nothing is known of it.
func (c *Conn) facts(command string) policy.Facts {
	version := strings.ToLower(string(c.client.ServerVersion()))
	if !slices.ContainsFunc(foreign, func(name string) bool { return strings.Contains(version, name) }) {
		return shellfacts.Facts(command)
	}
	return policy.Facts{Class: policy.Unknown, Verb: "EXEC", Opaque: true,
		Why: "the host has no shell like bash: what its own makes of the command is not known"}
}

func timeout(limit time.Duration) error {
	return fmt.Errorf("it ran longer than %s, which is the limit", limit)
}
