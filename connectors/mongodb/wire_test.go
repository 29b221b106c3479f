package mongodb

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// These tests are of what FerretDB has not: the answers are MongoDB's as its
// documentation tells them, given by a server of ours. MongoDB itself gave none of them.

func run(t testing.TB, q connectors.Querier, g *connectortest.Guard, ctx context.Context, text string) (rows []connectors.Row, err error) {
	t.Helper()
	r, err := q.Query(ctx, g, connectors.Statement{Text: text})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		batch, err := r.Batch(ctx, 10)
		rows = append(rows, batch...)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
	}
}

func masked(t testing.TB) *connectortest.Guard {
	t.Helper()
	p, err := mask.NewPlan([]mask.Rule{{Name: "contact", Column: "customers.email"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &connectortest.Guard{Seen: p, Kept: p, Judge: func(connectors.Operation) error { return nil }}
}

// TestKillOp: what is cancelled is ended by killOp of the login's own operation, found
// by its connection, and the line lives on.
func TestKillOp(t *testing.T) {
	running, killed := make(chan struct{}), make(chan struct{})
	f := newFake(t, func(f *fake, conn int64, cmd bson.D) any {
		switch cmd[0].Key {
		case "find":
			if conn != 1 {
				return no(1, "InternalError", "not on the main line")
			}
			if len(f.named("find")) > 1 {
				return cursor("shop.customers", 0)
			}
			close(running)
			<-killed
			return no(11601, "Interrupted", "operation was interrupted")
		case "currentOp":
			return ok(bson.E{Key: "inprog", Value: bson.A{
				bson.D{{Key: "connectionId", Value: int64(77)}, {Key: "opid", Value: int32(1)}},
				bson.D{{Key: "connectionId", Value: int64(1)}, {Key: "appName", Value: f.appName(1)}, {Key: "opid", Value: int32(4711)}},
			}})
		case "killOp":
			close(killed)
			return ok(bson.E{Key: "info", Value: "attempting to kill op"})
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
	if k := f.named("killOp"); len(k) != 1 || k[0][1].Value != int32(4711) {
		t.Errorf("killed %v", k)
	}
	if c := f.named("currentOp"); len(c) != 1 || c[0][1] != (bson.E{Key: "$ownOps", Value: true}) {
		t.Errorf("asked %v", c)
	}
	if _, err := run(t, q, &connectortest.Guard{}, t.Context(), `db.customers.find()`); err != nil || f.conns != 2 {
		t.Errorf("%v, over %d connections; want the same line", err, f.conns)
	}
}

// TestCloseKills: so is what runs when the connection is closed.
func TestCloseKills(t *testing.T) {
	running, killed := make(chan struct{}), make(chan struct{})
	f := newFake(t, func(f *fake, _ int64, cmd bson.D) any {
		switch cmd[0].Key {
		case "find":
			close(running)
			<-killed
			return no(11601, "Interrupted", "operation was interrupted")
		case "currentOp":
			return ok(bson.E{Key: "inprog", Value: bson.A{bson.D{{Key: "connectionId", Value: int64(1)}, {Key: "appName", Value: f.appName(1)}, {Key: "opid", Value: "shard01:4711"}}}})
		case "killOp":
			close(killed)
			return ok()
		}
		return nil
	})
	q := f.open(t)
	ended := make(chan error)
	go func() {
		_, err := run(t, q, &connectortest.Guard{}, t.Context(), `db.customers.find()`)
		ended <- err
	}()
	<-running
	if err := q.(connectors.Conn).Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("%v, want %v", err, connectors.ErrCanceled)
	}
	if k := f.named("killOp"); len(k) != 1 || k[0][1].Value != "shard01:4711" {
		t.Errorf("killed %v", k)
	}
}

// TestCut: without killOp the line is cut, and the next command has one of its own; the
// cancelled one is not sent again.
func TestCut(t *testing.T) {
	running := make(chan struct{})
	f := newFake(t, func(f *fake, _ int64, cmd bson.D) any {
		switch cmd[0].Key {
		case "find":
			if len(f.named("find")) > 1 {
				return cursor("shop.customers", 0)
			}
			close(running)
			<-f.over // it never answers
		case "currentOp":
			return no(13, "Unauthorized", "not authorized on admin to execute command")
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
	if _, err := run(t, q, &connectortest.Guard{}, t.Context(), `db.customers.find()`); err != nil || len(f.named("find")) != 2 {
		t.Errorf("%v; %d finds", err, len(f.named("find")))
	}
}

// TestSent: what arrives is what was judged, byte for byte, and the gate's limits.
func TestSent(t *testing.T) {
	f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
		if cmd[0].Key == "find" {
			return cursor("shop.customers", 0)
		}
		return nil
	})
	g := &connectortest.Guard{}
	if _, err := run(t, f.open(t), g, t.Context(), `{find: "customers", batchSize: 5000, filter: {b: 1, a: {$gt: 2}}, comment: "x"}`); err != nil {
		t.Fatal(err)
	}
	want := bson.D{{Key: "find", Value: "customers"}, {Key: "filter", Value: bson.D{{Key: "b", Value: int32(1)}, {Key: "a", Value: bson.D{{Key: "$gt", Value: int32(2)}}}}},
		{Key: "comment", Value: "x"}, {Key: "batchSize", Value: int32(firstBatch)}, {Key: "$db", Value: "shop"}}
	a, _ := bson.Marshal(f.named("find")[0])
	b, _ := bson.Marshal(want)
	if string(a) != string(b) {
		t.Errorf("sent %v, want %v", f.named("find")[0], want)
	}
	if notes := strings.Join(g.Notes(), "\n"); !strings.Contains(notes, `sends {"find":"customers","filter":{"b":1,"a":{"$gt":2}},"comment":"x","batchSize":100}`) {
		t.Errorf("noted: %s", notes)
	}
}

// TestViews: a name that is a view's is masked by what its pipeline says, also where it
// became one after the catalog was read, and refused where nobody may look into it.
func TestViews(t *testing.T) {
	options := bson.D{{Key: "viewOn", Value: "customers"}, {Key: "pipeline", Value: bson.A{bson.D{{Key: "$project", Value: bson.D{{Key: "mail", Value: "$email"}, {Key: "name", Value: 1}}}}}}}
	became := false
	f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
		switch cmd[0].Key {
		case "listCollections":
			if !became {
				became = true
				return cursor("shop.$cmd.listCollections", 0)
			}
			return cursor("shop.$cmd.listCollections", 0, bson.D{{Key: "name", Value: "seen"}, {Key: "type", Value: "view"}, {Key: "options", Value: options}},
				bson.D{{Key: "name", Value: "dark"}, {Key: "type", Value: "view"}})
		case "find":
			return cursor("shop.seen", 0, bson.D{{Key: "_id", Value: 1}, {Key: "mail", Value: "ann@secret.example"}, {Key: "name", Value: "Ann"}})
		}
		return nil
	})
	q := f.open(t)
	rows, err := run(t, q, masked(t), t.Context(), `db.seen.find()`)
	if err != nil || len(rows) != 1 || rows[0][1].Text != "[masked]" || rows[0][2].Text != "Ann" {
		t.Errorf("%v, %v", rows, err)
	}
	for _, text := range []string{`db.seen.find({mail: /a/})`, `db.dark.find()`} {
		var no *policy.Refusal
		if _, err := run(t, q, masked(t), t.Context(), text); !errors.As(err, &no) {
			t.Errorf("%s: %v, want a refusal", text, err)
		}
	}
	if n := len(f.named("find")); n != 1 {
		t.Errorf("%d finds arrived", n)
	}
}

// TestLookup: what a stage brings in from a masked collection is masked.
func TestLookup(t *testing.T) {
	f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
		if cmd[0].Key == "aggregate" {
			return cursor("shop.orders", 0, bson.D{{Key: "_id", Value: 1}, {Key: "total", Value: 5}, {Key: "c", Value: bson.A{bson.D{{Key: "name", Value: "Ann"}, {Key: "email", Value: "ann@secret.example"}}}}})
		}
		return nil
	})
	rows, err := run(t, f.open(t), masked(t), t.Context(), `db.orders.aggregate([{$lookup: {from: "customers", localField: "customer", foreignField: "_id", as: "c"}}])`)
	if err != nil || len(rows) != 1 || rows[0][1].Text != `{"_id":1,"total":5,"c":[{"name":"Ann","email":"[masked]"}]}` {
		t.Errorf("%v, %v", rows, err)
	}
}

// TestErrors: what MongoDB says, in the hub's words; values of masked collections are
// not in them.
func TestErrors(t *testing.T) {
	const dup = `E11000 duplicate key error collection: shop.customers index: email_1 dup key: { email: "ann@secret.example" }`
	var said bson.D
	f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
		switch cmd[0].Key {
		case "find", "insert", "update":
			return said
		}
		return nil
	})
	q := f.open(t)
	listed := ok(bson.E{Key: "n", Value: 0}, bson.E{Key: "writeErrors", Value: bson.A{bson.D{{Key: "index", Value: 0}, {Key: "code", Value: 11000}, {Key: "errmsg", Value: dup}}}})
	for _, c := range []struct {
		said       bson.D
		text, code string
		late       bool
	}{
		{no(13, "Unauthorized", "not authorized on shop to execute command"), `db.customers.find()`, "Unauthorized", false},
		{no(50, "MaxTimeMSExpired", "operation exceeded time limit"), `db.customers.find()`, "MaxTimeMSExpired", true},
		{no(11000, "DuplicateKey", dup), `db.customers.updateOne({_id: 1}, {$set: {a: 1}})`, "DuplicateKey", false},
		{listed, `db.customers.insertOne({_id: 1})`, "DuplicateKey", false},
		{no(66, "\x1b[31mred", "x"), `db.customers.find()`, "31mred", false},
	} {
		said = c.said
		for _, g := range []*connectortest.Guard{{}, masked(t)} {
			_, err := run(t, q, g, t.Context(), c.text)
			var te *connectors.TargetError
			if !errors.As(err, &te) || te.Code != c.code || te.Late != c.late {
				t.Errorf("%v: %#v", c.said, err)
				continue
			}
			if g.Seen != nil && strings.Contains(err.Error(), "secret.example") {
				t.Errorf("a value in %v", err)
			}
		}
	}
	said = no(11600, "InterruptedAtShutdown", "the server is in quiesce mode")
	if _, err := run(t, q, &connectortest.Guard{}, t.Context(), `db.customers.find()`); !errors.Is(err, connectors.ErrVanished) {
		t.Errorf("%v, want %v", err, connectors.ErrVanished)
	}
}

// TestUnseen: a login that may not list collections sees its own, and one that sees none
// understands nothing where anything is masked.
func TestUnseen(t *testing.T) {
	all := false
	f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
		switch cmd[0].Key {
		case "listCollections":
			for _, e := range cmd {
				if e.Key == "authorizedCollections" && !all {
					return cursor("shop.$cmd.listCollections", 0, bson.D{{Key: "name", Value: "customers"}, {Key: "type", Value: "collection"}})
				}
			}
			return no(13, "Unauthorized", "not authorized on shop to execute command")
		case "find":
			return cursor("shop.customers", 0)
		}
		return nil
	})
	q := f.open(t)
	if _, err := run(t, q, masked(t), t.Context(), `db.customers.find()`); err != nil {
		t.Error(err)
	}
	all = true
	if _, err := run(t, q, masked(t), t.Context(), `db.customers.find()`); err == nil {
		t.Error("it runs though nobody knows what the name stands for")
	}
	if _, err := run(t, q, &connectortest.Guard{}, t.Context(), `db.customers.find()`); err != nil {
		t.Errorf("without masks: %v", err)
	}
}

// TestSignIn: error 18, and a server that wants too much work, or proves nothing.
func TestSignIn(t *testing.T) {
	payload := func(s string, done bool) bson.D {
		return ok(bson.E{Key: "conversationId", Value: int32(1)}, bson.E{Key: "done", Value: done}, bson.E{Key: "payload", Value: bson.Binary{Data: []byte(s)}})
	}
	for name, c := range map[string]struct {
		said bson.D
		want error
	}{
		"authentication failed": {no(18, "AuthenticationFailed", "Authentication failed."), connectors.ErrCredential},
		"too many rounds":       {payload("r=x,s=QUJD,i=2000000000", false), connectors.ErrProtocol},
		"another nonce":         {payload("r=x,s=QUJDREVG,i=15000", false), connectors.ErrCredential},
		"done at once":          {payload("", true), connectors.ErrProtocol},
		"no answer":             {ok(), connectors.ErrProtocol},
	} {
		f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
			if strings.HasPrefix(cmd[0].Key, "sasl") {
				return c.said
			}
			return nil
		})
		e := f.endpoint()
		e.User = "app"
		_, err := New(Options{}).Open(t.Context(), e, mask.NewSecret([]byte("pw-Medlar-71c0ffee")), &connectortest.Guard{})
		if !errors.Is(err, c.want) || strings.Contains(err.Error(), "Medlar") {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestHostile: what breaks the protocol is that, whatever it is, and bounded.
func TestHostile(t *testing.T) {
	le := binary.LittleEndian
	deep := []byte{5, 0, 0, 0, 0}
	for range 100_000 {
		b := append([]byte{0, 0, 0, 0, 3, 'a', 0}, deep...)
		b = append(b, 0)
		le.PutUint32(b, uint32(len(b)))
		if deep = b; len(deep) > 8000 {
			break
		}
	}
	raw := func(change func(b []byte) []byte) []byte { return change(message(t, 2, ok())) }
	for name, said := range map[string]any{
		"no protocol":       []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
		"a huge length":     raw(func(b []byte) []byte { le.PutUint32(b, 0x7fffffff); return b }),
		"a negative length": raw(func(b []byte) []byte { le.PutUint32(b, 0x80000000); return b }),
		"a small length":    raw(func(b []byte) []byte { le.PutUint32(b, 3); return b }),
		"another opcode":    raw(func(b []byte) []byte { le.PutUint32(b[12:], 2012); return b }),
		"another question":  raw(func(b []byte) []byte { le.PutUint32(b[8:], 99); return b }),
		"more to come":      raw(func(b []byte) []byte { b[16] = 2; return b }),
		"a checksum":        raw(func(b []byte) []byte { b[16] = 1; return b }),
		"another section":   raw(func(b []byte) []byte { b[20] = 1; return b }),
		"no document":       raw(func(b []byte) []byte { b[21] = 0xff; return b }),
		"an odd type":       raw(func(b []byte) []byte { b[25] = 0x42; return b }),
		"deep":              raw(func(b []byte) []byte { b = append(b[:21], deep...); le.PutUint32(b, uint32(len(b))); return b }),
		"no cursor":         ok(),
		"a text as cursor":  ok(bson.E{Key: "cursor", Value: "x"}),
		"a text as batch":   ok(bson.E{Key: "cursor", Value: bson.D{{Key: "firstBatch", Value: "x"}, {Key: "id", Value: int64(0)}, {Key: "ns", Value: "a.b"}}}),
		"a text as id":      ok(bson.E{Key: "cursor", Value: bson.D{{Key: "firstBatch", Value: bson.A{}}, {Key: "id", Value: "x"}, {Key: "ns", Value: "a.b"}}}),
		"a text as row":     cursor("a.b", 0, "x"),
	} {
		f := newFake(t, func(_ *fake, _ int64, cmd bson.D) any {
			if cmd[0].Key == "find" {
				return said
			}
			return nil
		})
		g := &connectortest.Guard{}
		_, err := run(t, f.open(t), g, t.Context(), `db.customers.find()`)
		if !errors.Is(err, connectors.ErrProtocol) {
			t.Errorf("%s: %v, want %v", name, err, connectors.ErrProtocol)
		}
		if p := g.Permits(); len(p) != 1 || len(p[0].Outcomes()) != 1 {
			t.Errorf("%s: not settled", name)
		}
	}
}

// FuzzCheck: what passes can be read to its end.
func FuzzCheck(f *testing.F) {
	for _, d := range []bson.D{ok(), cursor("a.b", 1, bson.D{{Key: "x", Value: bson.A{1, "y", nil, 2.5, true}}}), {{Key: "r", Value: bson.Regex{Pattern: "x"}}, {Key: "t", Value: bson.Timestamp{T: 1}}, {Key: "b", Value: bson.Binary{Data: []byte{1}}}}} {
		b, err := bson.Marshal(d)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if check(b, 0) != nil {
			return
		}
		text := appendDocument(nil, b)
		var any map[string]any
		if err := bson.UnmarshalExtJSON(text, false, &any); err != nil && !strings.Contains(string(text), `"$`) {
			t.Errorf("%x is %s: %v", b, text, err)
		}
	})
}
