package mongodb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// renewed is the line, or a new one where it was lost. The secret is fetched for it, and
// destroyed.
func (c *Conn) renewed(ctx context.Context, w *wire) (*wire, error) {
	if w != nil && !w.broken {
		return w, nil
	}
	if w != nil {
		_ = w.nc.Close()
	}
	var secret mask.Secret
	if c.endpoint.User != "" {
		if c.endpoint.Again == nil {
			return w, fmt.Errorf("%w: %w: open the resource again", connectors.ErrVanished, errLost)
		}
		var err error
		if secret, err = c.endpoint.Again(ctx); err != nil {
			return w, fmt.Errorf("sign in to %q again: %w", c.endpoint.Name, err)
		}
		defer secret.Destroy()
	}
	n, err := signIn(ctx, c.endpoint, secret)
	if err != nil {
		return w, openError(c.endpoint.Name, err)
	}
	return n, nil
}

// watch ends what the main line runs once ctx has ended. stop must be called, once or
// more; nothing is ended after it.
func (c *Conn) watch(ctx context.Context) (stop func()) {
	w := c.main
	done := make(chan struct{})
	unhook := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = w.nc.SetReadDeadline(time.Now().Add(cancelGrace))
		c.kill(w)
	})
	return sync.OnceFunc(func() {
		if !unhook() {
			<-done
			_ = w.nc.SetReadDeadline(time.Time{})
		}
	})
}

// kill ends what a line runs at the target: by killOp of its own operation, and
// where that cannot be had, by cutting the line, which the target notices by itself.
func (c *Conn) kill(w *wire) {
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace/2)
	defer cancel()
	if !c.killed(ctx, w) {
		_ = w.nc.Close()
	}
}

// killed reports whether what the line runs was told to end. The number of a line is one
// at one server, and behind a balancer there are several: the name that it has besides is
// its own.
func (c *Conn) killed(ctx context.Context, w *wire) bool {
	if w.connection == 0 {
		return false
	}
	said, err := c.beside(ctx, "admin", command("currentOp", 1).boolean("$ownOps", true).long("connectionId", w.connection).done(), true)
	if err != nil {
		return false
	}
	list, _ := said.Lookup("inprog").ArrayOK()
	ops, err := list.Values()
	done := false
	for _, v := range ops {
		op, _ := v.DocumentOK()
		id, err := op.LookupErr("opid")
		if err != nil {
			continue
		}
		n, _ := number(op, "connectionId")
		if name, _ := op.Lookup("appName").StringValueOK(); n != w.connection || name != w.name {
			continue
		}
		if _, err := c.beside(ctx, "admin", command("killOp", 1).value("op", id).done(), true); err == nil {
			done = true
		}
	}
	return done && err == nil
}

// openCursor is one at the target, of a collection; 0 is none.
type openCursor struct {
	id   int64
	coll string
}

// holds notes which cursor is open.
func (c *Conn) holds(o openCursor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = o
}

// letGo is the cursor that is open, which is none from now on.
func (c *Conn) letGo() (o openCursor) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, c.open = c.open, openCursor{}
	return o
}

// leave closes the cursor that is open, over the second line: the first one may be cut.
func (c *Conn) leave() {
	o := c.letGo()
	if o.id == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelGrace)
	defer cancel()
	_, _ = c.beside(ctx, c.endpoint.Database, o.end(), true) // where it fails, the target forgets it in time
}

// end is the command that closes a cursor.
func (o openCursor) end() bsoncore.Document {
	at, b := bsoncore.AppendDocumentStart(nil)
	b = bsoncore.AppendStringElement(b, "killCursors", o.coll)
	l, b := bsoncore.AppendArrayElementStart(b, "cursors")
	b = bsoncore.AppendInt64Element(b, "0", o.id)
	b, _ = bsoncore.AppendArrayEnd(b, l)
	b, _ = bsoncore.AppendDocumentEnd(b, at)
	return b
}

// Close cancels what runs at the target, closes what is open there and ends both
// sessions. It may be called at any moment and more than once.
func (c *Conn) Close() error {
	if !c.turn.Close() {
		return nil
	}
	giveUp(c.io, &c.main)
	c.leave()
	giveUp(c.side, &c.second)
	return nil
}

// giveUp ends a line when it is its turn, or does not come to be.
func giveUp(turn chan struct{}, line **wire) {
	select {
	case turn <- struct{}{}:
	case <-time.After(cancelGrace + time.Second):
	}
	if w := *line; w != nil {
		w.broken = true
		_ = w.nc.Close()
	}
	select {
	case <-turn:
	default:
	}
}
