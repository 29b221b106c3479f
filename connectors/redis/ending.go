package redis

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

const (
	// nudge is how often a command that is to end is told so: one that has not begun to
	// wait cannot be woken.
	nudge = 20 * time.Millisecond
	// idle is how often in turn a server that does nothing may be seen, and the command
	// still have no answer, before its line is cut: it waits for what nobody may end.
	idle = 10
)

// ending is how a command is ended before its time.
type ending uint8

const (
	// byItself is of what cannot be ended: its answer comes already.
	byItself ending = iota
	// byCut is of what runs until it has run: where the server has it wait (CLIENT PAUSE, a
	// failover), with its connection.
	//
	// CLIENT UNBLOCK is never sent of what may write. A pause keeps such a command, and
	// servers (7.0 was tried) end themselves when asked to unblock what they
	// paused; those who are asked for an error give one and run the command all the same, so
	// that the next one has its answer.
	byCut
	// byWord is of what waits and only reads: by CLIENT UNBLOCK.
	byWord
	// byKill is of code: by SCRIPT KILL, while it is that which runs.
	byKill
)

// ending is how the command is ended while nothing of its answer has come.
func (j *judged) ending() ending {
	switch {
	case j.script():
		return byKill
	case j.cmd.blocks && j.facts.Class == policy.Read:
		return byWord
	}
	return byCut
}

// watch ends what the main line runs once ctx has ended, and gives the line up where
// that does not help. stop must be called, once or more; nothing is under way after
// it.
func (c *Conn) watch(ctx context.Context, how ending) (stop func()) {
	over, done := make(chan struct{}), make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = c.main.nc.SetReadDeadline(time.Now().Add(cancelGrace))
		if how != byItself {
			c.wake(over, how)
		}
	})
	return sync.OnceFunc(func() {
		close(over)
		if !unhook() {
			<-done
			_ = c.main.nc.SetReadDeadline(time.Time{})
		}
	})
}

// wake does until the command is over what ends it, and cuts the line where nothing
// does: a server sees that of one that waits.
func (c *Conn) wake(over <-chan struct{}, how ending) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
	defer cancel()
	for busy, free := 0, 0; ; {
		switch state := c.look(ctx, how); {
		case state == isGone || free == idle:
			_ = c.main.nc.Close() // nothing else is left to do
			return
		case state == isFree:
			busy, free = 0, free+1
		case state == isBusy:
			// Of somebody else's code, which is not ours to end, the server says so to our
			// command too. Twice in turn, and nothing came there: it is our own.
			if busy, free = busy+1, 0; busy > 1 && how == byKill && !ended(over) {
				_, _ = c.aside(ctx, "SCRIPT", "KILL")
				_, _ = c.aside(ctx, "FUNCTION", "KILL")
			}
		}
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-time.After(nudge): // from now on: what is told to one line may still come to the other
		}
	}
}

func ended(over <-chan struct{}) bool {
	select {
	case <-over:
		return true
	default:
		return false
	}
}

// state is what the server does while a command has no answer.
type state uint8

const (
	isGone state = iota // nobody knows
	isBusy              // it runs code
	isFree              // nothing
	isTold              // it was told to let go of what waits
)

// look asks over the second line what the server does, and tells it to let go where that
// is of use.
func (c *Conn) look(ctx context.Context, how ending) state {
	args, told := []string{"CLIENT", "ID"}, isFree
	if how == byWord && c.id != "" {
		args, told = []string{"CLIENT", "UNBLOCK", c.id}, isTold
	}
	_, err := c.aside(ctx, args...)
	var te *connectors.TargetError
	switch {
	case err == nil:
		return told
	case errors.As(err, &te) && te.Code == "BUSY":
		return isBusy
	case errors.As(err, &te): // the login may not
		return isFree
	}
	return isGone
}

// drop gives the main line up, such that the server lets go of it too.
func (c *Conn) drop() {
	c.main.broken = true
	_ = c.main.nc.Close()
	if c.id != "" {
		ctx, cancel := context.WithTimeout(context.Background(), cancelGrace/2)
		defer cancel()
		_, _ = c.aside(ctx, "CLIENT", "KILL", "ID", c.id) // it may be gone by itself
	}
}
