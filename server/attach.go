package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// resetTerminal undoes what a target's program may have left on, or in the middle: a
// sequence that has no end, character sets, soft reset, margins and origin, alternate
// screen, an update that is held back, cursor, mouse, focus, bracketed paste,
// application keys, keyboard protocols, scroll region, insertion, colours.
const resetTerminal = "\x18\x1b\\\x0f\x1b[!p\x1b[?6l\x1b[?69l\x1b[?1049l\x1b[?2026l\x1b[?25h\x1b[0 q\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l" +
	"\x1b[?1015l\x1b[?1016l\x1b[?9001l\x1b[?2004l\x1b[?1l\x1b[?5l\x1b[?7h\x1b>\x1b[<99u\x1b[>4m\x1b[r\x1b[4l\x1b[0m\x1b(B\x1b)B"

// resetMore undoes, on terminals that know strings: a link, which all that is drawn from
// then on would lead to, and other colours.
const resetMore = "\x1b]8;;\x1b\\\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\"

// reset is what makes a terminal ours again.
func reset(term string) string {
	if plainTerminal(term) {
		return resetTerminal
	}
	return resetTerminal + resetMore
}

// plainTerminal reports whether a terminal would show strings (OSC) as text.
func plainTerminal(term string) bool {
	return term == "linux" || term == "dumb" || strings.HasPrefix(term, "vt")
}

// attach hands the raw terminal to a shell at the target, or to what a line in the
// kind's own words runs there, and takes it back. Its text says how that ended.
func (a *access) attach(name string, line []string) (string, error) {
	v := a.visitor()
	if v == nil {
		return "", errSignInFirst
	}
	s, err := v.Open(a.ctx, name, policy.ActionShell, session.Screen{Term: a.term, Width: a.size.Width, Height: a.size.Height})
	if err != nil {
		return "", err
	}
	defer s.Close() // its error is nil by contract
	exit, err := a.shell(s, line)
	if err == nil && s.Err() != nil {
		err = s.Err()
	}
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("the shell on %s ended%s", name, exitWords(exit)), nil
}

func exitWords(e connectors.Exit) string {
	switch {
	case e.Signal != "":
		return " by signal " + printable(e.Signal)
	case e.Code != 0:
		return fmt.Sprintf(" with code %d", e.Code)
	}
	return ""
}

// shell attaches the terminal, first asking for a reason where the shell needs
// an approval.
func (a *access) shell(s *session.Session, line []string) (connectors.Exit, error) {
	exit, err := a.attachRaw(a.ctx, s, line, nil)
	var needed *policy.ApprovalNeeded
	if !errors.As(err, &needed) {
		return exit, err
	}
	out := rawText{a.ch}
	what := "A shell"
	if len(line) > 0 {
		what = widget.Escape(strings.Join(line, " "))
	}
	fmt.Fprintf(out, "\n%s on %s%s %s.\n", what, s.Target().Name, withLent(needed.Decision), widget.Escape(needed.Error()))
	why, err := a.readLine("Reason: ")
	if err != nil || strings.TrimSpace(why) == "" {
		return exit, &policy.Refusal{Rule: needed.Decision.Rule, Reason: "it was not asked for: no reason was given"}
	}
	ctx, cancel := a.interruptible()
	defer cancel()
	return a.attachRaw(ctx, s, line, &session.Ask{Reason: why, Waiting: func(p policy.Approval) {
		fmt.Fprintf(out, "Waiting for %s (request %s%s, ctrl-c withdraws it) ...\n", widget.Escape(strings.Join(p.Approvers, " or ")), p.ID, wantsBesides(", ", p))
	}})
}

// withLent says what of the person's the target would use, "" for nothing.
func withLent(d policy.Decision) string {
	if lent := d.Lent(); len(lent) > 0 {
		return ", with " + strings.Join(lent, " and ") + ","
	}
	return ""
}

// attachRaw connects the raw channel: bytes exact both ways, but for the
// escape that leaves.
func (a *access) attachRaw(ctx context.Context, s *session.Session, line []string, ask *session.Ask) (connectors.Exit, error) {
	ctx, leave := context.WithCancelCause(ctx)
	defer leave(nil)
	in := &lazyLease{in: a.in, leave: func() { leave(errLeft) }}
	title := &firstWrite{w: a.ch, before: a.title(s)}
	resize := make(chan connectors.Size, 1)
	go a.forwardSizes(ctx, s, resize)
	t := connectors.Terminal{
		Term: a.term, Size: connectors.Size{Width: a.size.Width, Height: a.size.Height}, Modes: a.modes(),
		Stdio:  connectors.Stdio{In: in, Out: title, Lent: a.ch.lent()},
		Resize: resize,
	}
	var exit connectors.Exit
	var err error
	if line == nil {
		exit, err = s.Attach(ctx, ask, t)
	} else {
		exit, err = s.Command(ctx, line, ask, t)
	}
	in.release()
	if title.written {
		_, _ = io.WriteString(a.ch, reset(a.term)) // the client may be gone
	}
	if errors.Is(context.Cause(ctx), errLeft) {
		return connectors.Exit{}, nil
	}
	return exit, err
}

var errLeft = errors.New("left")

// title is the window title while attached, on terminals that have one.
func (a *access) title(s *session.Session) string {
	if plainTerminal(a.term) {
		return ""
	}
	return "\x1b]2;REC " + printable(s.Target().Name) + " - " + printable(a.s.o.Name) + " (Enter ctrl-] leaves)\x07"
}

// modes are the client's terminal modes, encoded as received.
func (a *access) modes() []byte {
	pty, _, _ := a.sess.Pty()
	var b []byte
	for op, v := range pty.Modes {
		b = append(b, op)
		b = append(b, gossh.Marshal(struct{ V uint32 }{v})...)
	}
	return append(b, 0)
}

// forwardSizes passes new sizes on and into the record until ctx ends.
func (a *access) forwardSizes(ctx context.Context, s *session.Session, to chan connectors.Size) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-a.ch.resize:
			if w.Width == 0 || w.Height == 0 {
				continue
			}
			a.size = w
			if s.Resized(w.Width, w.Height) != nil {
				return // the session ends by itself
			}
			select {
			case to <- connectors.Size{Width: w.Width, Height: w.Height}:
			case <-ctx.Done():
				return
			}
		}
	}
}

// rawText writes lines to a terminal in raw mode.
type rawText struct{ w io.Writer }

func (r rawText) Write(b []byte) (int, error) {
	_, err := io.WriteString(r.w, strings.ReplaceAll(string(b), "\n", "\r\n"))
	return len(b), err
}
