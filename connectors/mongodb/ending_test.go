package mongodb

import (
	"context"
	"errors"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// appName is what a line called itself when it greeted.
func (f *fake) appName(conn int) string {
	for _, e := range f.named("hello")[conn-1] {
		if e.Key == "client" {
			return e.Value.(bson.D)[0].Value.(bson.D)[0].Value.(string)
		}
	}
	return ""
}

// TestClosedCursors: no cursor is left open at the target, where it would hold what it
// read for ten minutes: neither by who closes the session in the middle of an answer, nor
// where the line that it came over was cut.
func TestClosedCursors(t *testing.T) {
	answers := func(more func(f *fake) any) *fake {
		return newFake(t, func(f *fake, _ int64, cmd bson.D) any {
			switch cmd[0].Key {
			case "find":
				return cursor("shop.customers", 4711, bson.D{{Key: "_id", Value: 1}})
			case "getMore":
				return more(f)
			case "killCursors":
				return ok()
			case "currentOp":
				return no(13, "Unauthorized", "not authorized on admin to execute command")
			}
			return nil
		})
	}
	closed := func(t *testing.T, f *fake) {
		t.Helper()
		k := f.named("killCursors")
		if len(k) != 1 || k[0][0].Value != "customers" || k[0][1].Value.(bson.A)[0] != int64(4711) {
			t.Errorf("closed %v", k)
		}
	}
	begun := func(t *testing.T, f *fake) (connectors.Querier, *connectors.Result) {
		t.Helper()
		q := f.open(t)
		r, err := q.Query(t.Context(), &connectortest.Guard{}, connectors.Statement{Text: `db.customers.find()`})
		if err != nil {
			t.Fatal(err)
		}
		if rows, err := r.Batch(t.Context(), 1); err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		return q, r
	}
	t.Run("left", func(t *testing.T) {
		f := answers(nil)
		_, r := begun(t, f)
		_ = r.Close()
		closed(t, f)
	})
	t.Run("session closed", func(t *testing.T) {
		f := answers(nil)
		q, r := begun(t, f)
		_ = q.(connectors.Conn).Close()
		closed(t, f)
		_ = r.Close()
		closed(t, f)
	})
	t.Run("line cut", func(t *testing.T) {
		running := make(chan struct{})
		f := answers(func(f *fake) any {
			close(running)
			<-f.over
			return nil
		})
		_, r := begun(t, f)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-running
			cancel()
		}()
		if _, err := r.Batch(ctx, 1); !errors.Is(err, connectors.ErrCanceled) {
			t.Errorf("%v, want %v", err, connectors.ErrCanceled)
		}
		_ = r.Close()
		closed(t, f)
	})
}

// TestSparesOthers: behind a balancer two routers number their connections each by itself.
// What another session of the same login runs under our number is not ours to end.
func TestSparesOthers(t *testing.T) {
	running, killed := make(chan struct{}), make(chan struct{})
	f := newFake(t, func(f *fake, _ int64, cmd bson.D) any {
		switch cmd[0].Key {
		case "find":
			close(running)
			<-killed
			return no(11601, "Interrupted", "operation was interrupted")
		case "currentOp":
			return ok(bson.E{Key: "inprog", Value: bson.A{
				bson.D{{Key: "connectionId", Value: int64(1)}, {Key: "appName", Value: "sallyport bob"}, {Key: "opid", Value: int32(1)}},
				bson.D{{Key: "connectionId", Value: int64(1)}, {Key: "appName", Value: f.appName(2)}, {Key: "opid", Value: int32(2)}},
				bson.D{{Key: "connectionId", Value: int64(1)}, {Key: "opid", Value: int32(3)}},
				bson.D{{Key: "connectionId", Value: int64(1)}, {Key: "appName", Value: f.appName(1)}, {Key: "opid", Value: int32(4)}},
			}})
		case "killOp":
			if cmd[1].Value == int32(4) {
				close(killed)
			}
			return ok()
		}
		return nil
	})
	q := f.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-running
		cancel()
	}()
	if _, err := run(t, q, &connectortest.Guard{}, ctx, `db.customers.find()`); !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("%v, want %v", err, connectors.ErrCanceled)
	}
	if k := f.named("killOp"); len(k) != 1 {
		t.Errorf("killed %v", k)
	}
}

// TestSecretIsNotKept: a line that was lost is made anew with the secret as it is then,
// which is fetched for that and destroyed; nothing of the first is there any more. Where it
// cannot be fetched, the session is over.
func TestSecretIsNotKept(t *testing.T) {
	s, db := database(t)
	fill(t, db, "customers", people(1)...)
	first := []byte(s.Password())
	var fetched [][]byte
	e := endpoint(s, db.Name())
	e.Again = func(context.Context) (mask.Secret, error) {
		fetched = append(fetched, []byte(s.Password()))
		return mask.NewSecret(fetched[len(fetched)-1]), nil
	}
	secret := mask.NewSecret(first)
	conn, err := New(Options{}).Open(t.Context(), e, secret, &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	secret.Destroy() // as the session does
	c := conn.(*Conn)
	lose := func() {
		c.main.broken = true
		_ = c.main.nc.Close()
	}
	lose()
	if rows, err := run(t, c, &connectortest.Guard{}, t.Context(), `db.customers.find()`); err != nil || len(rows) != 1 {
		t.Errorf("on a line made anew: %v, %v", rows, err)
	}
	if len(fetched) != 1 || string(fetched[0]) != string(make([]byte, len(fetched[0]))) {
		t.Errorf("it was fetched %d times, or is still there", len(fetched))
	}
	lose()
	c.endpoint.Again = nil
	if _, err := run(t, c, &connectortest.Guard{}, t.Context(), `db.customers.find()`); !errors.Is(err, connectors.ErrVanished) {
		t.Errorf("%v, want %v", err, connectors.ErrVanished)
	}
}

// TestMayBeLost: a change that the server could not keep as it was asked to is not told as
// done, whichever command made it.
func TestMayBeLost(t *testing.T) {
	lost := bson.E{Key: "writeConcernError", Value: bson.D{{Key: "code", Value: int32(64)}, {Key: "codeName", Value: "WriteConcernTimeout"}, {Key: "errmsg", Value: "waiting for replication timed out"}}}
	f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
		switch cmd[0].Key {
		case "findAndModify":
			return ok(bson.E{Key: "value", Value: bson.D{{Key: "_id", Value: 1}}}, lost)
		case "aggregate":
			return append(cursor("shop.orders", 0), lost)
		case "update":
			return ok(bson.E{Key: "n", Value: 1}, lost)
		}
		return nil
	})
	q := f.open(t)
	for _, text := range []string{`db.orders.findOneAndUpdate({_id: 1}, {$set: {a: 1}})`, `db.orders.aggregate([{$merge: "copy"}])`, `db.orders.updateOne({_id: 1}, {$set: {a: 1}})`} {
		g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}
		_, err := run(t, q, g, t.Context(), text)
		var te *connectors.TargetError
		if !errors.As(err, &te) || te.Code != "WriteConcernTimeout" || !g.Permits()[0].Outcomes()[0].Unknown {
			t.Errorf("%s: %v, %+v", text, err, g.Permits()[0].Outcomes())
		}
	}
}

// TestLoginsAreNotRead: nobody reads the hashes of passwords, by which one can sign in as
// the gate.
func TestLoginsAreNotRead(t *testing.T) {
	f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
		return cursor("shop.system.users", 0, bson.D{{Key: "_id", Value: "admin.sallyport"}})
	})
	q := f.open(t)
	for _, text := range []string{`db.system.users.find()`, `db.orders.aggregate([{$unionWith: "system.users"}])`, `db.orders.aggregate([{$lookup: {from: "system.users", pipeline: [], as: "x"}}])`,
		`{usersInfo: 1, showCredentials: true}`, `db.system.keys.find()`} {
		if rows, err := run(t, q, &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}, t.Context(), text); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%s: %v, %v, want %v", text, rows, err, connectors.ErrUnsupported)
		}
	}
}

// TestUnacknowledged: a write of which the server would not say whether it failed does not
// run; what some servers run in place of explaining it is a write.
func TestUnacknowledged(t *testing.T) {
	f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any { return ok() })
	q := f.open(t)
	for _, text := range []string{`{insert: "orders", documents: [{a: 1}], writeConcern: {w: 0}}`, `{update: "orders", updates: [{q: {a: 1}, u: {$set: {a: 2}}}], writeConcern: {w: 0.0}}`,
		`{findAndModify: "orders", query: {a: 1}, remove: true, writeConcern: {w: NumberLong(0), j: false}}`} {
		if _, err := run(t, q, &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}, t.Context(), text); !errors.Is(err, connectors.ErrUnsupported) {
			t.Errorf("%s: %v, want %v", text, err, connectors.ErrUnsupported)
		}
	}
	for _, text := range []string{`{explain: {aggregate: "orders", pipeline: [{$out: "copy"}], cursor: {}}}`, `{aggregate: "orders", pipeline: [{$merge: "copy"}], cursor: {}, explain: true}`} {
		facts, err := q.(connectors.Judge).Judge(t.Context(), connectors.Statement{Text: text})
		if err != nil || facts.Class != policy.Write {
			t.Errorf("%s: %s, %v", text, facts.Class, err)
		}
	}
}
