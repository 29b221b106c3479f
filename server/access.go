package server

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"charm.land/ssh"
	"golang.org/x/term"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/server/session"
)

// Smallest terminal that gets screens; below it, and on a terminal that cannot
// draw, verbs are read from a prompt.
const (
	minWidth  = 60
	minHeight = 18
)

// access is one session channel with whoever is behind it.
type access struct {
	s    *Server
	c    *conn
	ch   *channel
	sess ssh.Session
	in   *input
	// tty is whether the client has a terminal.
	tty  bool
	term string
	size ssh.Window
	ctx  context.Context
	stop context.CancelCauseFunc
}

func (s *Server) newAccess(sess ssh.Session) *access {
	a := &access{s: s, ch: channelOf(sess), sess: sess, in: newInput(sess)}
	a.c = a.ch.conn
	a.ctx, a.stop = context.WithCancelCause(a.ch.ctx)
	if pty, _, ok := sess.Pty(); ok {
		a.tty, a.term = true, printable(pty.Term)
		a.size = ssh.Window{Width: cells(uint32(max(0, pty.Window.Width))), Height: cells(uint32(max(0, pty.Window.Height)))}
		if a.size.Width == 0 || a.size.Height == 0 {
			a.size = ssh.Window{Width: 80, Height: 24} // a script's pty has no size
		}
	}
	return a
}

func (a *access) close() {
	a.stop(errDisconnected)
	a.in.close()
}

// greet says what was refused before anybody could hear it.
func (a *access) greet() {
	for _, w := range a.c.said() {
		fmt.Fprintln(a.sess.Stderr(), "sallyport: "+w)
	}
}

// run picks the form of the session and returns its exit code.
func (a *access) run() int {
	raw := strings.TrimSpace(a.sess.RawCommand())
	if err := a.c.stuck(); err != nil {
		a.complain(err.Error(), "tell the bastion's administrator: its disk may be full")
		return exitBastion
	}
	switch {
	case legacyCopy(strings.Fields(raw)):
		a.complain("the copy protocol of old clients is not served", "scp without -O, or sftp: both speak SFTP")
		return exitUsage
	case raw != "":
		return a.verb(raw)
	case !a.tty:
		fmt.Fprintln(a.sess.Stderr(), "error: there is no terminal and no verb")
		fmt.Fprintf(a.sess.Stderr(), "hint: `ssh %s` for the screens, `ssh %s help` for the verbs\n", a.s.o.Reach, a.s.o.Reach)
		return exitUsage
	case a.term == "dumb" || a.term == "" || a.size.Width < minWidth || a.size.Height < minHeight:
		return a.prompt()
	}
	return a.screens()
}

// env is what the terminal's program may know of the client.
func (a *access) env() []string {
	return append([]string{"TERM=" + a.term}, slices.DeleteFunc(a.sess.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "TERM=")
	})...)
}

func (a *access) noColor() bool {
	return slices.ContainsFunc(a.sess.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "NO_COLOR=") && e != "NO_COLOR="
	})
}

// visitor is the signed-in person's view of the gate, nil for a stranger.
func (a *access) visitor() *session.Visit { return a.c.visitor() }

// watchIdle ends the access when its person has sent nothing for too long.
func (a *access) watchIdle() {
	limit := a.s.o.Idle
	if limit <= 0 {
		return
	}
	t := time.NewTimer(limit)
	defer t.Stop()
	for {
		select {
		case <-a.ctx.Done():
			return
		case <-t.C:
		}
		left := limit - a.in.idle(time.Now())
		if left <= 0 {
			a.stop(fmt.Errorf("no key for %s", limit))
			return
		}
		t.Reset(left)
	}
}

// interruptible returns a context that ends when ctrl-c comes from the terminal,
// and whose reader gives the rest.
func (a *access) interruptible() (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(a.ctx)
	cancel := func() { end(nil) }
	if !a.tty {
		return ctx, cancel
	}
	r := a.in.Lease()
	go func() {
		defer cancel()
		var b [256]byte
		for {
			n, err := r.Read(b[:])
			if slices.Contains(b[:n], ctrlC) {
				end(connectors.ErrCanceled)
				return
			}
			if err != nil {
				<-ctx.Done() // the lease was taken over, or the channel is gone
				return
			}
		}
	}()
	return ctx, cancel
}

const ctrlC = 3

// stdin is the verb's input: the channel's, empty on a terminal.
func (a *access) stdin() io.Reader {
	if a.tty {
		return strings.NewReader("")
	}
	return a.in.Lease()
}

// readLine reads one line with editing from the terminal.
func (a *access) readLine(prompt string) (string, error) {
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{&byteReader{r: a.in.Lease()}, a.ch}, prompt)
	if a.size.Width > 0 && a.size.Height > 0 {
		_ = t.SetSize(a.size.Width, a.size.Height) // a size that it will not take only costs line wrapping
	}
	line, err := t.ReadLine()
	if err != nil {
		return "", fmt.Errorf("read line: %w", err)
	}
	return line, nil
}

// byteReader hands out a byte at a time, so that what follows a line stays for
// the next owner of the input.
type byteReader struct{ r io.Reader }

func (b *byteReader) Read(p []byte) (int, error) {
	if len(p) > 1 {
		p = p[:1]
	}
	return b.r.Read(p)
}
