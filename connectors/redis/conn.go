package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Conn is one session at the target, and a second one beside it.
//
// Only the goroutine that holds io uses the main line, only the one that holds side
// the second. Whoever needs both takes io first.
type Conn struct {
	endpoint connectors.Endpoint
	guard    connectors.Guard // of Open: for what belongs to no operation
	database string

	io   chan struct{}
	main *wire
	id   string // the main session's number at the target, "" where it does not say

	side   chan struct{}
	second *wire

	driver  *Driver
	keyless bool // no secret signs in
	// flags are what the server says of its commands, by their names; nil where it does
	// not say.
	flags    atomic.Pointer[map[string]flags]
	warnings []string
	opened   bool // what is to be warned of is known

	turn connectors.Turn
}

var (
	_ connectors.Conn      = (*Conn)(nil)
	_ connectors.Querier   = (*Conn)(nil)
	_ connectors.Judge     = (*Conn)(nil)
	_ connectors.Describer = (*Conn)(nil)
	_ connectors.Tracer    = (*Conn)(nil)
)

const (
	// cancelGrace is how long the target may take to end a cancelled command before the
	// connection is given up.
	cancelGrace = 10 * time.Second
	// sideTime bounds what is asked over the second line.
	sideTime = 20 * time.Second
	// maxPassed is how much of an answer that nobody wants is passed over before the
	// connection is given up instead.
	maxPassed = 1 << 30
)

// takeOver makes both sessions the gate's own and learns what the server says of its
// commands.
func (c *Conn) takeOver(ctx context.Context, g connectors.Guard) error {
	if !databaseNumber(c.database) {
		return fmt.Errorf("%w: %q is no database: it is a number", connectors.ErrUnreachable, c.database)
	}
	for _, w := range []*wire{c.main, c.second} {
		if err := c.settle(ctx, g, w); err != nil {
			return err
		}
	}
	if err := c.learnID(ctx, g); err != nil {
		return err
	}
	if err := c.learnFlags(ctx, g); err != nil {
		return err
	}
	err := c.learnRights(ctx, g)
	c.opened = true
	return err
}

// settle makes a line a session in the resource's database, named after its person.
func (c *Conn) settle(ctx context.Context, g connectors.Guard, w *wire) error {
	name := "sallyport"
	if c.endpoint.For != "" {
		name += ":" + strings.Map(func(r rune) rune {
			if r > ' ' && r < 0x7f {
				return r
			}
			return '_'
		}, c.endpoint.For)
	}
	if err := c.own(ctx, g, w, "SELECT", c.database); err != nil {
		return err
	}
	// That who looks at the server knows whose session it is: where it may not be said, it
	// is not.
	if err := c.own(ctx, g, w, "CLIENT", "SETNAME", name); err != nil && !denied(err) {
		return err
	}
	return nil
}

// warn adds to what is warned of when the connection is opened.
func (c *Conn) warn(text string) {
	if !c.opened {
		c.warnings = append(c.warnings, text)
	}
}

// denied reports whether the target refused a command, as to a login that may not.
func denied(err error) bool {
	var te *connectors.TargetError
	return errors.As(err, &te)
}

// own runs a command of the gate's own whose answer is OK.
func (c *Conn) own(ctx context.Context, g connectors.Guard, w *wire, args ...string) error {
	return c.asked(ctx, g, w, args, func(it item) error { return expectOK(it) })
}

// asked notes and sends a command of the gate's own, and hands its answer's first item
// on to be read to the end.
func (c *Conn) asked(ctx context.Context, g connectors.Guard, w *wire, args []string, read func(item) error) error {
	if err := g.Note(ctx, line(args)); err != nil {
		return err
	}
	return c.guarded(ctx, w, func() error {
		it, err := w.ask(args)
		if err != nil {
			return err
		}
		if said, ok := refusal(it); ok {
			return said
		}
		return read(it)
	})
}

// line writes a command as one types it.
func line(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = Quote(a)
	}
	return strings.Join(out, " ")
}

func (c *Conn) learnID(ctx context.Context, g connectors.Guard) error {
	err := c.asked(ctx, g, c.main, []string{"CLIENT", "ID"}, func(it item) error {
		if it.kind != isNumber {
			return malformed("its number of the session is none")
		}
		c.id = string(it.text)
		return nil
	})
	if denied(err) {
		c.warn("the login may not ask for its session's number (CLIENT ID): a command that waits can be ended only with the connection")
		return nil
	}
	return err
}

// learnRights warns of a login that may do what a gate's should not.
func (c *Conn) learnRights(ctx context.Context, g connectors.Guard) error {
	err := c.asked(ctx, g, c.second, []string{"ACL", "GETUSER", c.endpoint.User}, func(it item) error {
		if it.aggregate() {
			return c.second.skip(it.n, 1)
		}
		return nil
	})
	switch {
	case err == nil:
		c.warn("the login " + c.endpoint.User + " can change who may do what at the server (ACL): give the gate one of its own, without @admin and @dangerous")
		return nil
	case denied(err):
		return nil
	}
	return err
}

// Warnings says what the login can do beyond what a gate should be given, and what it
// cannot that the gate needs. It does not change.
func (c *Conn) Warnings() []string { return c.warnings }

// Login is the upstream user.
func (c *Conn) Login() string { return c.endpoint.User }

// Judge finds the facts of a statement from its text, the table, and what the server
// said of its commands. It asks the target nothing.
func (c *Conn) Judge(_ context.Context, s connectors.Statement) (policy.Facts, error) {
	return c.assess(s.Text).facts, nil
}

// Trace tells where a statement's values come from, as Judge does facts.
func (c *Conn) Trace(_ context.Context, s connectors.Statement) (*connectors.Trace, error) {
	return c.assess(s.Text).hub(c.database), nil
}

// assess judges a text for this target.
func (c *Conn) assess(text string) *judged {
	j := assess(text, c.database)
	if f := c.flags.Load(); f != nil {
		j.compare(*f)
	}
	return j
}

// guarded runs what reads a line that nobody cancels at the target; ctx and sideTime
// cut it off, after which the line is lost.
func (c *Conn) guarded(ctx context.Context, w *wire, f func() error) error {
	if w.broken {
		return errLost
	}
	_ = w.nc.SetDeadline(time.Now().Add(sideTime))
	stop := context.AfterFunc(ctx, func() { _ = w.nc.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		stop()
		_ = w.nc.SetDeadline(time.Time{})
	}()
	return f()
}

// aside asks something over the second line whose answer is one value.
func (c *Conn) aside(ctx context.Context, args ...string) (out string, err error) {
	c.side <- struct{}{}
	defer func() { <-c.side }()
	err = c.guarded(ctx, c.second, func() error {
		it, err := c.second.ask(args)
		if err != nil {
			return err
		}
		if said, ok := refusal(it); ok {
			return said
		}
		if it.aggregate() {
			return c.second.skip(it.n, 1)
		}
		out = string(it.text)
		return nil
	})
	return out, err
}

// Close ends what runs at the target and both sessions. It may be called at any moment
// and more than once.
func (c *Conn) Close() error {
	if !c.turn.Close() {
		return nil
	}
	for _, line := range []struct {
		turn chan struct{}
		at   **wire
	}{{c.io, &c.main}, {c.side, &c.second}} {
		select {
		case line.turn <- struct{}{}:
			if w := *line.at; w != nil {
				w.broken = true
				_ = w.nc.Close()
			}
			<-line.turn
		case <-time.After(cancelGrace + time.Second):
			if w := *line.at; w != nil {
				_ = w.nc.Close()
			}
		}
	}
	return nil
}
