package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// ask opens a connection, runs a statement, and returns its rows as text.
func ask(t testing.TB, conn connectors.Conn, g *connectortest.Guard, text string) (rows [][]string, sum connectors.Summary, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := conn.(connectors.Querier).Query(ctx, g, connectors.Statement{Text: text})
	if err != nil {
		return nil, sum, err
	}
	defer r.Close()
	var head []string
	for _, c := range r.Columns() {
		head = append(head, c.Name)
	}
	rows = append(rows, head)
	for {
		batch, err := r.Batch(ctx, 100)
		for _, row := range batch {
			var cells []string
			for _, c := range row {
				if c.Null {
					c.Text = "NULL"
				}
				cells = append(cells, c.Text)
			}
			rows = append(rows, cells)
		}
		if errors.Is(err, io.EOF) {
			return rows, r.Summary(), nil
		}
		if err != nil {
			return rows, r.Summary(), err
		}
	}
}

func open(t testing.TB, d *Driver, e connectors.Endpoint, g *connectortest.Guard) connectors.Conn {
	t.Helper()
	conn, err := d.Open(t.Context(), e, mask.NewSecret([]byte(appPassword)), g)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// answers are statements in turn with what is shown of each, whichever protocol is
// spoken.
var replies = []struct {
	text string
	want [][]string
	tag  string
}{
	{"SET a 1", [][]string{nil}, "OK"},
	{"SET a 2 NX", [][]string{{"value"}, {"NULL"}}, "SET 1"},
	{"SET a 3 GET", [][]string{{"value"}, {"1"}}, "SET 1"},
	{"GET a;", [][]string{{"value"}, {"3"}}, "GET 1"},
	{"GET nothing", [][]string{{"value"}, {"NULL"}}, "GET 1"},
	{"INCR a", [][]string{{"value"}, {"4"}}, "INCR 1"},
	{"PING", [][]string{{"value"}, {"PONG"}}, "PING 1"},
	{`ECHO "two\nlines"`, [][]string{{"value"}, {"two\nlines"}}, "ECHO 1"},
	{`ECHO "\xff\\"`, [][]string{{"value"}, {`"\xff\\"`}}, "ECHO 1"},
	{"HSET h f 1 g 2", [][]string{{"value"}, {"2"}}, "HSET 1"},
	{"HGETALL h", [][]string{{"field", "value"}, {"f", "1"}, {"g", "2"}}, "HGETALL 2"},
	{"HGET h f", [][]string{{"f"}, {"1"}}, "HGET 1"},
	{"HMGET h g x", [][]string{{"field", "value"}, {"g", "2"}, {"x", "NULL"}}, "HMGET 2"},
	{"HKEYS h", [][]string{{"#", "value"}, {"1", "f"}, {"2", "g"}}, "HKEYS 2"},
	{"HSCAN h 0", [][]string{{"field", "value"}, {"f", "1"}, {"g", "2"}}, "HSCAN 2, next cursor 0"},
	{"HGETALL nothing", [][]string{{"field", "value"}}, "HGETALL 0"},
	{"HSCAN nothing 0", [][]string{{"field", "value"}}, "HSCAN 0, next cursor 0"},
	{"MGET a nothing", [][]string{{"key", "value"}, {"a", "4"}, {"nothing", "NULL"}}, "MGET 2"},
	{"RPUSH l x y", [][]string{{"value"}, {"2"}}, "RPUSH 1"},
	{"LRANGE l 0 -1", [][]string{{"#", "value"}, {"1", "x"}, {"2", "y"}}, "LRANGE 2"},
	{"LPOP l 1", [][]string{{"#", "value"}, {"1", "x"}}, "LPOP 1"},
	{"ZADD z 1 a 2.5 b", [][]string{{"value"}, {"2"}}, "ZADD 1"},
	{"ZRANGE z 0 -1", [][]string{{"#", "member"}, {"1", "a"}, {"2", "b"}}, "ZRANGE 2"},
	{"ZRANGE z 0 -1 WITHSCORES", [][]string{{"member", "score"}, {"a", "1"}, {"b", "2.5"}}, "ZRANGE 2"},
	{"ZSCAN z 0", [][]string{{"member", "score"}, {"a", "1"}, {"b", "2.5"}}, "ZSCAN 2, next cursor 0"},
	{"ZPOPMIN z", [][]string{{"member", "score"}, {"a", "1"}}, "ZPOPMIN 1"},
	{"SADD s one", [][]string{{"value"}, {"1"}}, "SADD 1"},
	{"SMEMBERS s", [][]string{{"#", "value"}, {"1", "one"}}, "SMEMBERS 1"},
	{"SSCAN s 0", [][]string{{"#", "value"}, {"1", "one"}}, "SSCAN 1, next cursor 0"},
	{"XADD st 1-1 f 1 g 2", [][]string{{"value"}, {"1-1"}}, "XADD 1"},
	{"XADD st 2-1 f 3", [][]string{{"value"}, {"2-1"}}, "XADD 1"},
	{"XRANGE st - +", [][]string{{"id", "field", "value"}, {"1-1", "f", "1"}, {"1-1", "g", "2"}, {"2-1", "f", "3"}}, "XRANGE 3"},
	{"XREAD STREAMS st 0", [][]string{{"stream", "id", "field", "value"}, {"st", "1-1", "f", "1"}, {"st", "1-1", "g", "2"}, {"st", "2-1", "f", "3"}}, "XREAD 3"},
	{"XREAD STREAMS st 9", [][]string{{"value"}, {"NULL"}}, "XREAD 1"},
	{"SCAN 0 MATCH st", [][]string{{"#", "value"}, {"1", "0"}, {"2.1", "st"}}, "SCAN 2"},
	{"DEL a h l nothing", [][]string{{"value"}, {"3"}}, "DEL 1"},
	{`EVAL "return {1,{2,'x',{}},false}" 0`, [][]string{{"#", "value"}, {"1", "1"}, {"2.1", "2"}, {"2.2", "x"}, {"2.3", "(empty)"}, {"3", "NULL"}}, "EVAL 5"},
}

// TestAnswers proves that what is shown does not depend on the protocol.
func TestAnswers(t *testing.T) {
	for _, d := range []*Driver{New(), {old: true}} {
		t.Run(fmt.Sprintf("old %v", d.old), func(t *testing.T) {
			_, e := database(t)
			conn := open(t, d, e, &connectortest.Guard{})
			for _, a := range replies {
				rows, sum, err := ask(t, conn, &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}, a.text)
				if err != nil {
					t.Errorf("%s: %v", a.text, err)
				} else if diff := cmp.Diff(a.want, rows); diff != "" || sum.Tag != a.tag {
					t.Errorf("%s: tag %q, want %q (-want +got):\n%s", a.text, sum.Tag, a.tag, diff)
				}
			}
		})
	}
}

// pipe is a wire whose other end says something, a byte at a time.
func pipe(said []byte, slowly bool) *wire {
	var r io.Reader = bytes.NewReader(said)
	if slowly {
		r = iotest.OneByteReader(r)
	}
	return newWire(script{Reader: r})
}

type script struct {
	io.Reader
	net.Conn
}

func (s script) Read(b []byte) (int, error) { return s.Reader.Read(b) }

// leaves reads a whole answer.
func leaves(w *wire, flat bool) (out []string, err error) {
	it, err := w.begin()
	if err != nil {
		return nil, err
	}
	if !it.aggregate() {
		return []string{string(it.kind) + string(it.text)}, nil
	}
	k := walker{w: w, flat: flat}
	if err := k.enter(it); err != nil {
		return nil, err
	}
	for {
		l, err := k.next()
		if isEOF(err) && !w.broken {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		at, _ := k.at()
		out = append(out, fmt.Sprintf("%s=%c%d %s", at, l.kind, l.depth, l.text))
	}
}

func TestReader(t *testing.T) {
	for _, c := range []struct{ said, want string }{
		{"+OK\r\n", "+OK"}, {"-ERR no\r\n", "-ERR no"}, {":-12\r\n", ":-12"}, {"$2\r\n\r\n\r\n", "$\r\n"}, {"$-1\r\n", "_"}, {"*-1\r\n", "_"}, {"_\r\n", "_"},
		{",1.5\r\n", ",1.5"}, {"#t\r\n", "#t"}, {"(123456789012345678901234567890\r\n", "(123456789012345678901234567890"}, {"!5\r\nERR x\r\n", "-ERR x"}, {"=6\r\ntxt:hi\r\n", "=hi"},
		{"%1\r\n+a\r\n*2\r\n:1\r\n:2\r\n", "a.1=:2 1 a.2=:2 2"}, {"~1\r\n:1\r\n", "1=:1 1"}, {"|1\r\n+ttl\r\n:9\r\n:7\r\n", ":7"}, {"*1\r\n|1\r\n+a\r\n*1\r\n+b\r\n:7\r\n", "1=:1 7"},
		{">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n:7\r\n", ":7"}, {"*0\r\n", ""},
	} {
		for _, slowly := range []bool{false, true} {
			got, err := leaves(pipe([]byte(c.said), slowly), false)
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("%q: %q, %v; want %q", c.said, got, err, c.want)
			}
		}
	}
}

// hostile is what no server says.
var hostile = map[string]string{
	"a page of the web": "HTTP/1.1 400 Bad Request\r\n\r\n", "no end of line": "+OK\n", "an endless line": "+" + strings.Repeat("x", 1<<20), "no kind": "\r\n", "a kind of its own": "?1\r\n",
	"a negative length": "$-2\r\n", "a length that is none": "$x\r\n", "an endless length": "$99999999999999999999\r\n", "a negative count": "*-2\r\n", "an endless count": "*99999999999999\r\n",
	"a value that goes on": "$1\r\nab\r\n", "nested without end": strings.Repeat("*1\r\n", 10_000), "maps without end": strings.Repeat("%1\r\n+a\r\n", 10_000), "attributes without end": strings.Repeat("|1\r\n+a\r\n", 10_000),
	"a number that is none": ":1x\r\n", "a key that is a list": "%1\r\n*1\r\n:1\r\n:1\r\n", "neither true nor false": "#x\r\n", "a text without its form": "=1\r\na\r\n", "a stream of chunks": "$?\r\n;1\r\na\r\n;0\r\n",
}

func TestHostileReader(t *testing.T) {
	for name, said := range hostile {
		if got, err := leaves(pipe([]byte(said), false), false); !errors.Is(err, connectors.ErrProtocol) {
			t.Errorf("%s: %q, %v; want %v", name, got, err, connectors.ErrProtocol)
		}
	}
	// A size that is said is no reason to make room for it.
	w := pipe([]byte("$8000000\r\nabc"), false)
	if _, err := leaves(w, false); !errors.Is(err, io.ErrUnexpectedEOF) || cap(w.buf) > 1<<20 {
		t.Errorf("a value of which nothing comes: %v, room for %d bytes", err, cap(w.buf))
	}
}

// FuzzReader: what is read does not depend on how it comes, takes no more than was
// sent, and ends.
func FuzzReader(f *testing.F) {
	for _, said := range hostile {
		if len(said) < 200 {
			f.Add([]byte(said))
		}
	}
	f.Add([]byte("*2\r\n%1\r\n+a\r\n:1\r\n$1\r\nx\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		for _, flat := range []bool{false, true} {
			a, errA := leaves(pipe(said, false), flat)
			b, errB := leaves(pipe(said, true), flat)
			if diff := cmp.Diff(a, b); diff != "" || (errA == nil) != (errB == nil) {
				t.Errorf("%q: %v, and slowly %v:\n%s", said, errA, errB, diff)
			}
			if n := len(strings.Join(a, "")); errA == nil && len(a) > len(said) {
				t.Errorf("%d leaves of %d bytes: %d", len(a), len(said), n)
			}
		}
	})
}

// FuzzSplit: what is written is read back, and what is read can be written.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{`GET a`, `SET "a b" 'c"d'`, `ECHO "\x00\xff\n"`, "GET a;", `"" ''`, "a\nb", `"a\"`, `'a\'b'`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args, err := split(text)
		if err != nil {
			return
		}
		again, err := split(line(args))
		if err != nil || !cmp.Equal(args, again) {
			t.Errorf("%q is %q, written %s, and read again %q, %v", text, args, line(args), again, err)
		}
		_ = Facts(text)
	})
}
