package redis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// pretender is a server that is good until it has signed one in, and then says what it
// likes.
type pretender struct {
	l net.Listener
	// says answers a command; "" closes the line, and stay lets it wait.
	says func(command string) string
	// writes answers instead where it says so.
	writes func(command string, w io.Writer) bool

	all sync.WaitGroup
	mu  sync.Mutex
	got []string
}

const stay = "\x00stay"

func pretend(t testing.TB, says func(command string) string) (*pretender, connectors.Endpoint) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &pretender{l: l, says: says}
	p.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.all.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); p.all.Wait() })
	return p, connectors.Endpoint{Name: "cache", Address: l.Addr().String(), TLS: "disable", User: "app"}
}

func (p *pretender) serve(c net.Conn) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		var n int
		if _, err := fmt.Fscanf(r, "*%d\r\n", &n); err != nil {
			return
		}
		var args []string
		for range n {
			var size int
			if _, err := fmt.Fscanf(r, "$%d\r\n", &size); err != nil {
				return
			}
			b := make([]byte, size+2)
			for at := 0; at < len(b); {
				k, err := r.Read(b[at:])
				if err != nil {
					return
				}
				at += k
			}
			args = append(args, string(b[:size]))
		}
		command := strings.Join(args, " ")
		p.mu.Lock()
		p.got = append(p.got, command)
		p.mu.Unlock()
		if p.writes != nil && p.writes(command, c) {
			continue
		}
		answer := p.says(command)
		switch answer {
		case "":
			return
		case stay:
			continue
		}
		if _, err := c.Write([]byte(answer)); err != nil {
			return
		}
	}
}

// good answers as a server does that has no rights to give.
func good(command string) string {
	word, _, _ := strings.Cut(command, " ")
	switch {
	case word == "HELLO":
		return "%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n"
	case command == "CLIENT ID":
		return ":7\r\n"
	case word == "SELECT", word == "CLIENT":
		return "+OK\r\n"
	case word == "COMMAND":
		return "*0\r\n"
	}
	return "-NOPERM no\r\n"
}

// but is good with other answers to some commands, by their beginning.
func but(answers map[string]string) func(string) string {
	return func(command string) string {
		for begin, a := range answers {
			if strings.HasPrefix(command, begin) {
				return a
			}
		}
		return good(command)
	}
}

// TestOpenFaults tells apart how a session cannot be had.
func TestOpenFaults(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]string
		want    error
		says    string
	}{
		"wrong password":           {map[string]string{"HELLO": "-WRONGPASS invalid username-password pair or user is disabled.\r\n"}, connectors.ErrCredential, "WRONGPASS"},
		"no password":              {map[string]string{"HELLO": "-NOAUTH HELLO must be called with the client already authenticated\r\n"}, connectors.ErrCredential, "NOAUTH"},
		"before 6":                 {map[string]string{"HELLO": "-ERR unknown command 'HELLO'\r\n", "AUTH": "-ERR invalid password\r\n"}, connectors.ErrCredential, "invalid password"},
		"needs none":               {map[string]string{"HELLO": "-ERR unknown command 'HELLO'\r\n", "AUTH": "-ERR Client sent AUTH, but no password is set\r\n"}, connectors.ErrCredential, "no password is set"},
		"full":                     {map[string]string{"HELLO": "-ERR max number of clients reached\r\n"}, connectors.ErrUnreachable, "max number"},
		"protected":                {map[string]string{"HELLO": "-DENIED Redis is running in protected mode\r\n"}, connectors.ErrUnreachable, "protected"},
		"loading":                  {map[string]string{"SELECT": "-LOADING Redis is loading the dataset in memory\r\n"}, connectors.ErrUnreachable, "LOADING"},
		"closes at once":           {map[string]string{"HELLO": ""}, connectors.ErrUnreachable, "closed the connection"},
		"closes later":             {map[string]string{"COMMAND": ""}, connectors.ErrUnreachable, "closed the connection"},
		"a page of the web":        {map[string]string{"HELLO": "HTTP/1.1 400 Bad Request\r\n\r\n"}, connectors.ErrProtocol, ""},
		"greets with a number":     {map[string]string{"HELLO": ":1\r\n"}, connectors.ErrProtocol, ""},
		"greets without end":       {map[string]string{"HELLO": strings.Repeat("*1\r\n", 1000)}, connectors.ErrProtocol, ""},
		"says again what came":     {map[string]string{"HELLO": "-ERR unsupported command `HELLO`, with args beginning with: `3`, `AUTH`, `app`, `" + appPassword + "`\r\n"}, connectors.ErrUnreachable, "may hold the secret"},
		"says it again later":      {map[string]string{"HELLO": "-ERR unknown command `HELLO`, with args beginning with: `3` `AUTH` `app` `" + appPassword + "`\r\n", "AUTH": "-ERR no " + appPassword + "\r\n"}, connectors.ErrUnreachable, "may hold the secret"},
		"commands within commands": {map[string]string{"COMMAND": strings.Repeat("*10\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n_\r\n*1\r\n", 300)}, connectors.ErrProtocol, "nested"},
		"too many commands":        {map[string]string{"COMMAND": "*99999999\r\n"}, connectors.ErrProtocol, ""},
		"commands that are odd":    {map[string]string{"COMMAND": "*1\r\n*3\r\n$3\r\nget\r\n:2\r\n*1\r\n*0\r\n"}, connectors.ErrProtocol, ""},
		"a session like no other":  {map[string]string{"CLIENT ID": "$3\r\n1 2\r\n"}, connectors.ErrProtocol, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, e := pretend(t, but(c.answers))
			conn, err := New().Open(t.Context(), e, mask.NewSecret([]byte(appPassword)), &connectortest.Guard{})
			if err == nil {
				_ = conn.Close()
			}
			if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("open: %v, want %v with %q", err, c.want, c.says)
			}
			if strings.Contains(fmt.Sprint(err), appPassword) {
				t.Error("the secret shows")
			}
		})
	}
	t.Run("silent", func(t *testing.T) {
		_, e := pretend(t, but(map[string]string{"HELLO": stay}))
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := New().Open(ctx, e, mask.NewSecret([]byte(appPassword)), &connectortest.Guard{}); !errors.Is(err, connectors.ErrUnreachable) {
			t.Errorf("open: %v, want %v", err, connectors.ErrUnreachable)
		}
	})
	t.Run("no TLS", func(t *testing.T) {
		p, e := pretend(t, good)
		e.TLS = ""
		if _, err := New().Open(t.Context(), e, mask.NewSecret([]byte(appPassword)), &connectortest.Guard{}); err == nil {
			t.Error("it opened without TLS")
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.got) > 0 {
			t.Errorf("it was sent %q", p.got)
		}
	})
}

// TestHostileAnswers runs a command against what no server says: the error says so,
// memory stays bounded, and the connection is not used again.
func TestHostileAnswers(t *testing.T) {
	for name, said := range hostile {
		t.Run(name, func(t *testing.T) {
			_, e := pretend(t, but(map[string]string{"GET": said, "RANDOMKEY": said}))
			conn := open(t, New(), e, &connectortest.Guard{})
			if _, _, err := ask(t, conn, &connectortest.Guard{}, "RANDOMKEY"); !errors.Is(err, connectors.ErrProtocol) {
				t.Errorf("%v, want %v", err, connectors.ErrProtocol)
			}
			if _, _, err := ask(t, conn, &connectortest.Guard{}, "GET a"); !errors.Is(err, connectors.ErrVanished) {
				t.Errorf("the connection was used again: %v", err)
			}
		})
	}
}

// TestForms runs commands whose answers have another form than theirs, over a key that
// is masked: nothing of them may show.
func TestForms(t *testing.T) {
	const secret = "$6\r\nsecret\r\n"
	for _, text := range []string{"GET k", "HGET k f", "HGETALL k", "HMGET k f g", "MGET k j", "LRANGE k 0 -1", "HSCAN k 0", "SSCAN k 0", "ZSCAN k 0", "ZRANGE k 0 -1", "ZRANGE k 0 -1 WITHSCORES", "XRANGE k - +", "XREAD STREAMS k 0", "SMEMBERS k", "LPOP k 2", "ZPOPMIN k"} {
		for _, said := range []string{
			secret, "+secret\r\n", "*1\r\n" + secret, "*2\r\n" + secret + secret, "*3\r\n" + secret + secret + secret, "*1\r\n*2\r\n" + secret + secret, "%1\r\n" + secret + secret,
			"*2\r\n*1\r\n" + secret + secret, "*2\r\n$1\r\n0\r\n*2\r\n" + secret + secret, "*2\r\n$1\r\n0\r\n*1\r\n*1\r\n*1\r\n" + secret, "*1\r\n-ERR secret\r\n", "-ERR secret\r\n", "!10\r\nERR secret\r\n",
			"%1\r\n$1\r\nk\r\n*1\r\n*2\r\n$1\r\n1\r\n*3\r\n$1\r\nf\r\n" + secret + secret, "=10\r\ntxt:secret\r\n", "~1\r\n" + secret, "*1\r\n%1\r\n+f\r\n" + secret,
		} {
			_, e := pretend(t, func(command string) string {
				if command == text {
					return said
				}
				return good(command)
			})
			conn := open(t, New(), e, &connectortest.Guard{})
			p, err := mask.NewPlan([]mask.Rule{{Name: "all", Column: "*.*"}}, nil)
			if err != nil {
				t.Fatal(err)
			}
			g := &connectortest.Guard{Seen: p, Kept: p}
			rows, sum, err := ask(t, conn, g, text)
			// The names of fields, ids and streams are no values: where they stand a server may
			// say what it likes.
			for i, row := range rows {
				for k, c := range row {
					if names := rows[0][k] == "field" || rows[0][k] == "id" || rows[0][k] == "stream"; i > 0 && strings.Contains(c, "secret") && !names {
						t.Errorf("%s answered with %q shows %q", text, said, rows)
					}
				}
			}
			if strings.Contains(fmt.Sprint(err, sum.Tag), "secret") {
				t.Errorf("%s answered with %q: %v, %s", text, said, err, sum.Tag)
			}
			_ = conn.Close()
		}
	}
}

// TestUntold: what cannot be told is kept out of the transcript, names in it too.
func TestUntold(t *testing.T) {
	_, e := pretend(t, but(map[string]string{"HVALS": "*1\r\n%1\r\n$6\r\nsecret\r\n$6\r\nsecret\r\n", "ZRANDMEMBER": "%1\r\n$6\r\nsecret\r\n$6\r\nsecret\r\n"}))
	kept, err := mask.NewPlan([]mask.Rule{{Name: "all", Column: "*.*"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen, err := mask.NewPlan(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn := open(t, New(), e, &connectortest.Guard{})
	for _, text := range []string{"HVALS k", "ZRANDMEMBER k 1 WITHSCORES"} {
		g := &connectortest.Guard{Seen: seen, Kept: kept}
		rows, _, err := ask(t, conn, g, text)
		if err != nil || !strings.Contains(fmt.Sprint(rows), "secret") {
			t.Errorf("%s: %v, %v", text, rows, err)
		}
		if kept := fmt.Sprint(g.Permits()[0].Rows()); strings.Contains(kept, "secret") {
			t.Errorf("%s: the transcript keeps %s", text, kept)
		}
	}
}

// TestRedirection: an address that the target names is told and not gone to.
func TestRedirection(t *testing.T) {
	p, e := pretend(t, but(map[string]string{"GET": "-MOVED 3999 127.0.0.1:1\r\n"}))
	conn := open(t, New(), e, &connectortest.Guard{})
	_, _, err := ask(t, conn, &connectortest.Guard{}, "GET a")
	var te *connectors.TargetError
	if !errors.As(err, &te) || te.Code != "MOVED" || !strings.Contains(te.Text, "not followed") {
		t.Errorf("%v", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.got {
		if strings.HasPrefix(c, "ASKING") {
			t.Errorf("it was sent %q", p.got)
		}
	}
}

// TestCutWrite: of a change whose answer never came nobody knows whether it happened,
// and it is not sent again.
func TestCutWrite(t *testing.T) {
	p, e := pretend(t, but(map[string]string{"SET": ""}))
	conn := open(t, New(), e, &connectortest.Guard{})
	g := &connectortest.Guard{}
	if _, _, err := ask(t, conn, g, "SET a 1"); !errors.Is(err, connectors.ErrVanished) || !strings.Contains(err.Error(), "may have happened") {
		t.Errorf("%v, want %v, and that it may have happened", err, connectors.ErrVanished)
	}
	if o := g.Permits()[0].Outcomes(); len(o) != 1 || !o[0].Unknown {
		t.Errorf("outcome: %+v, want unknown", o)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, c := range p.got {
		if c == "SET a 1" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("it was sent %d times", n)
	}
}

// TestBelt: what the server says worse of than the table is not understood.
func TestBelt(t *testing.T) {
	_, e := pretend(t, but(map[string]string{
		"COMMAND": "*3\r\n*4\r\n$4\r\nping\r\n:2\r\n*1\r\n+fast\r\n:1\r\n*3\r\n$3\r\nget\r\n:2\r\n*2\r\n+write\r\n+fast\r\n*10\r\n$6\r\nmemory\r\n:-2\r\n*0\r\n:0\r\n:0\r\n:0\r\n*0\r\n*0\r\n*0\r\n*1\r\n*3\r\n$12\r\nmemory|stats\r\n:2\r\n*1\r\n+admin\r\n",
	}))
	conn := open(t, New(), e, &connectortest.Guard{}).(*Conn)
	for text, want := range map[string]policy.Class{"GET a": policy.Unknown, "MEMORY STATS": policy.Unknown, "PING": policy.Unknown, "HGET a b": policy.Read, "SET a b": policy.Write} {
		if f, _ := conn.Judge(t.Context(), connectors.Statement{Text: text}); f.Class != want {
			t.Errorf("%s: %s (%s), want %s", text, f.Class, f.Why, want)
		}
	}
}

// TestLargeValue: a value beyond the bound ends the answer, which says so; memory does
// not hold it, and the connection lives on.
func TestLargeValue(t *testing.T) {
	large := strings.Repeat("x", maxValue+1)
	_, e := pretend(t, but(map[string]string{
		"LRANGE": fmt.Sprintf("*3\r\n$1\r\na\r\n$%d\r\n%s\r\n$1\r\nb\r\n", len(large), large), "GET": "$2\r\nok\r\n", "HGETALL": fmt.Sprintf("%%1\r\n$%d\r\n%s\r\n+x\r\n", len(large), large),
	}))
	conn := open(t, New(), e, &connectortest.Guard{})
	for _, text := range []string{"LRANGE a 0 -1", "HGETALL a", "ZRANGE a 0 -1"} {
		rows, _, err := ask(t, conn, &connectortest.Guard{}, text)
		if text != "ZRANGE a 0 -1" && (!errors.Is(err, connectors.ErrUnsupported) || !strings.Contains(err.Error(), "larger than 8 MiB")) {
			t.Errorf("%s: %d rows, %v", text, len(rows), err)
		}
		if rows, _, err := ask(t, conn, &connectortest.Guard{}, "GET a"); err != nil || rows[1][0] != "ok" {
			t.Errorf("the connection does not live on: %v, %v", rows, err)
		}
	}
	if c := cap(conn.(*Conn).main.buf); c > 1<<20 {
		t.Errorf("room for %d bytes is kept", c)
	}
	runtime.KeepAlive(large)
}
