package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// Exit codes of verbs. `exec` and `shell` pass the target's own besides.
const (
	exitOK      = 0
	exitTarget  = 1   // the target reported an error or could not be reached
	exitUsage   = 2   // the command line is wrong
	exitSignIn  = 253 // sign in first
	exitRefused = 254 // refused, denied, expired
	exitBastion = 255 // the bastion's own trouble
)

// verb is one word of the line interface.
type verb struct {
	name, usage, help string
	// operands that must be there.
	need int
	// free is the index of the operand from which on all is one text; 0 for none.
	free int
	// flags by name, with what their value is; "" for a switch.
	flags map[string]string
	// lead is a flag that counts before the free text alone: in there it is the
	// text's own. A program has a --json, too.
	lead string
	run  func(*call) error
}

// call is one run of a verb.
type call struct {
	command
	a   *access
	ctx context.Context
	v   *session.Visit
	out io.Writer // data
	err io.Writer // talk
}

// verb runs one command line and returns its exit code.
func (a *access) verb(line string) int {
	cmd, v, err := parse(line, verbs())
	hint := "`help` lists the verbs"
	if v != nil {
		hint = "`help " + v.name + "` says more"
	}
	if err == nil && cmd.flags["--help"] == "" && len(cmd.operands) < v.need {
		err = fmt.Errorf("usage: %s", v.usage)
	}
	if err != nil {
		a.complain(err.Error(), hint)
		return exitUsage
	}
	if v.name == "help" || cmd.flags["--help"] != "" {
		c := &call{command: cmd, a: a, out: a.sess, err: a.sess.Stderr()}
		if v.name != "help" {
			return a.finish(c.helpVerb(v))
		}
		return a.finish(v.run(c))
	}
	ctx, cancel := a.interruptible()
	defer cancel()
	if a.visitor() == nil {
		if code := a.signInForVerb(ctx); code != exitOK {
			return code
		}
	}
	c := &call{command: cmd, a: a, ctx: ctx, v: a.visitor(), out: a.sess, err: a.sess.Stderr()}
	if !exactVerbs[v.name] {
		stop := c.follow()
		err = v.run(c)
		stop()
		return a.finish(err)
	}
	return a.finish(v.run(c))
}

// signInForVerb: with a terminal the person is shown URL and code; without one
// there is nobody to show them to.
func (a *access) signInForVerb(ctx context.Context) int {
	if !a.tty {
		a.complain("you are not signed in", "sign in first: ssh "+a.s.o.Reach)
		return exitSignIn
	}
	if err := a.signInText(ctx); err != nil {
		a.complain(err.Error(), "run it again for a new code")
		return exitSignIn
	}
	return exitOK
}

// complain prints an error and what to do about it, on stderr.
func (a *access) complain(text, hint string) {
	fmt.Fprintln(a.sess.Stderr(), "error: "+widget.Escape(text))
	if hint != "" {
		fmt.Fprintln(a.sess.Stderr(), "hint: "+widget.Escape(hint))
	}
}

// exitError is a verb that ends with a code of its own and has said all.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// usageError is a command line that is wrong.
type usageError string

func (e usageError) Error() string { return string(e) }

// finish prints a verb's error and returns its exit code.
func (a *access) finish(err error) int {
	if err == nil {
		return exitOK
	}
	var exit exitError
	if errors.As(err, &exit) {
		return int(exit)
	}
	text, hint := err.Error(), ""
	var problem *session.Problem
	var refusal *policy.Refusal
	var usage usageError
	code := exitBastion
	switch {
	case errors.As(err, &refusal):
		text, hint, code = refusal.Error(), refusal.Hint, exitRefused
		if hint == "" && refusal.Rule != "" && refusal.By == "" && refusal.ApprovalID == "" {
			hint = "`why` in place of the verb tells which rules were tried, and what is missing"
		}
	case errors.As(err, &usage):
		code = exitUsage
	case errors.As(err, &problem):
		text, hint = problem.Message, problem.Hint
	}
	if code == exitBastion && fromTarget(err) {
		code = exitTarget
	}
	a.complain(text, hint)
	return code
}

// fromTarget reports whether it was the target that failed.
func fromTarget(err error) bool {
	var te *connectors.TargetError
	if errors.As(err, &te) {
		return true
	}
	for _, e := range []error{connectors.ErrUnreachable, connectors.ErrCredential, connectors.ErrVanished, connectors.ErrHostKey,
		connectors.ErrProtocol, connectors.ErrUnsupported, connectors.ErrCanceled, session.ErrUnavailable} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// prompt reads verbs from a terminal that cannot draw, or is too small to.
func (a *access) prompt() int {
	go a.watchIdle()
	fmt.Fprintf(a.sess, "%s: this terminal shows verbs only (screens need %dx%d and a TERM that can draw).\n", printable(a.s.o.Name), minWidth, minHeight)
	if n := a.notice(); n != "" {
		fmt.Fprintln(a.sess, n)
	}
	if a.visitor() == nil {
		ctx, cancel := a.interruptible()
		code := a.signInForVerb(ctx)
		cancel()
		if code != exitOK {
			return code
		}
	}
	fmt.Fprintln(a.sess, "`help` lists the verbs, `exit` leaves.")
	for {
		line, err := a.readLine("sallyport> ")
		if err != nil {
			return exitOK
		}
		switch line = strings.TrimSpace(line); line {
		case "":
		case "exit", "quit":
			return exitOK
		default:
			a.verb(line)
		}
		if a.ctx.Err() != nil || a.visitor() == nil {
			return exitOK
		}
	}
}
