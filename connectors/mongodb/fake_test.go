package mongodb

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// fake is a server that answers with what a test tells it: with replies from MongoDB's
// documentation where FerretDB has no such command, and with what no server should say.
type fake struct {
	t      testing.TB
	l      net.Listener
	answer func(f *fake, conn int64, cmd bson.D) any // bson.D, raw bytes of a message, or nil to hang up

	mu    sync.Mutex
	said  []bson.D
	conns int64
	wg    sync.WaitGroup
	live  []net.Conn
	over  chan struct{} // closed when the test is
}

func newFake(t testing.TB, answer func(f *fake, conn int64, cmd bson.D) any) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t, l: l, answer: answer, over: make(chan struct{})}
	f.wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns++
			id := f.conns
			f.live = append(f.live, nc)
			f.mu.Unlock()
			f.wg.Go(func() { f.serve(nc, id) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		close(f.over)
		f.mu.Lock()
		for _, nc := range f.live {
			_ = nc.Close()
		}
		f.mu.Unlock()
		f.wg.Wait()
	})
	return f
}

func (f *fake) serve(nc net.Conn, id int64) {
	defer nc.Close()
	for {
		head := make([]byte, headLen)
		if _, err := io.ReadFull(nc, head); err != nil {
			return
		}
		le := binary.LittleEndian
		body := make([]byte, int(le.Uint32(head))-headLen)
		if _, err := io.ReadFull(nc, body); err != nil {
			return
		}
		var cmd bson.D
		if err := bson.Unmarshal(body[5:], &cmd); err != nil {
			f.t.Errorf("a command that is no document: %v", err)
			return
		}
		f.mu.Lock()
		f.said = append(f.said, cmd)
		f.mu.Unlock()
		out := f.reply(id, cmd)
		d, ok := out.(bson.D)
		if !ok {
			if b, isRaw := out.([]byte); isRaw {
				_, _ = nc.Write(b)
			}
			return
		}
		if _, err := nc.Write(message(f.t, le.Uint32(head[4:]), d)); err != nil {
			return
		}
	}
}

// message is an answer as it is sent.
func message(t testing.TB, to uint32, d bson.D) []byte {
	b, err := bson.Marshal(d)
	if err != nil {
		t.Errorf("an answer that is no document: %v", err)
	}
	out := make([]byte, headLen+5, headLen+5+len(b))
	le := binary.LittleEndian
	le.PutUint32(out, uint32(headLen+5+len(b)))
	le.PutUint32(out[8:], to)
	le.PutUint32(out[12:], opMsg)
	return append(out, b...)
}

func ok(more ...bson.E) bson.D { return append(bson.D(more), bson.E{Key: "ok", Value: 1.0}) }

func no(code int, name, text string) bson.D {
	return bson.D{{Key: "ok", Value: 0.0}, {Key: "errmsg", Value: text}, {Key: "code", Value: int32(code)}, {Key: "codeName", Value: name}}
}

func cursor(ns string, id int64, docs ...any) bson.D {
	if docs == nil {
		docs = []any{}
	}
	return ok(bson.E{Key: "cursor", Value: bson.D{{Key: "firstBatch", Value: bson.A(docs)}, {Key: "id", Value: id}, {Key: "ns", Value: ns}}})
}

// reply answers what every server does, and asks the test for the rest.
func (f *fake) reply(conn int64, cmd bson.D) any {
	if cmd[0].Key == "hello" {
		return ok(bson.E{Key: "connectionId", Value: int32(conn)}, bson.E{Key: "maxWireVersion", Value: int32(21)})
	}
	if out := f.answer(f, conn, cmd); out != nil {
		return out
	}
	if cmd[0].Key == "listCollections" {
		return cursor("shop.$cmd.listCollections", 0, bson.D{{Key: "name", Value: "customers"}, {Key: "type", Value: "collection"}})
	}
	return nil
}

// named are the commands of a name that came.
func (f *fake) named(name string) (out []bson.D) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.said {
		if c[0].Key == name {
			out = append(out, c)
		}
	}
	return out
}

func (f *fake) endpoint() connectors.Endpoint {
	return connectors.Endpoint{Name: "shop-docs", Address: f.l.Addr().String(), Database: "shop", TLS: "disable"}
}

func (f *fake) open(t testing.TB) connectors.Querier {
	t.Helper()
	c, err := New(Options{}).Open(t.Context(), f.endpoint(), mask.NewSecret(nil), &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(connectors.Querier)
}
