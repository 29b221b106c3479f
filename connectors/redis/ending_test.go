package redis

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/redis/redisserver"
	"github.com/sallyport/sallyport/mask"
)

// ownServer is one that a test may hold up, or end.
func ownServer(t *testing.T, settings ...[]string) (*redisserver.Server, connectors.Endpoint) {
	t.Helper()
	server(t) // skips where there is none
	s, err := redisserver.Start(t.Context(), redisserver.Options{Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	if _, err := s.Do(t.Context(), append([]string{"ACL", "SETUSER", "app"}, appRights...)...); err != nil {
		t.Fatal(err)
	}
	return s, connectors.Endpoint{Name: "cache", Address: s.Socket(), User: "app", Database: "0"}
}

// onSent calls f once a command that holds the word was written to the target.
func onSent(e connectors.Endpoint, word string, f func()) connectors.Endpoint {
	e.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := new(net.Dialer).DialContext(ctx, network, address)
		return &sentConn{nc, word, sync.OnceFunc(f)}, err
	}
	return e
}

type sentConn struct {
	net.Conn
	word string
	f    func()
}

func (c *sentConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if strings.Contains(string(b), c.word) {
		c.f()
	}
	return n, err
}

// TestCancelOfThePaused: while a server holds writes up, as it does when it hands over to
// its replica, a person ends one that hangs. Asked to unblock what it paused, a server of
// 7.0 ends itself, and takes everybody's work with it.
func TestCancelOfThePaused(t *testing.T) {
	s, e := ownServer(t)
	if _, err := s.Do(t.Context(), "CLIENT", "PAUSE", "600000", "WRITE"); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"SET held 1", "BLPOP list 0", `EVAL "return redis.call('set','held',1)" 0`, "XREADGROUP GROUP g c BLOCK 0 STREAMS held >"} {
		ctx, cancel := context.WithCancel(t.Context())
		word, _, _ := strings.Cut(text, " ")
		conn := open(t, New(), onSent(e, "\n"+word+"\r", cancel), &connectortest.Guard{})
		g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}
		_, err := conn.(connectors.Querier).Query(ctx, g, connectors.Statement{Text: text})
		if !errors.Is(err, connectors.ErrCanceled) {
			t.Errorf("%s: %v, want %v", text, err, connectors.ErrCanceled)
		}
		if _, err := s.Do(t.Context(), "PING"); err != nil {
			t.Fatalf("%s, cancelled, ended the server: %v", text, err)
		}
		if o := g.Permits()[0].Outcomes(); len(o) != 1 || !o[0].Unknown {
			t.Errorf("%s: outcome %+v, want unknown", text, o)
		}
	}
	if _, err := s.Do(t.Context(), "CLIENT", "UNPAUSE"); err != nil {
		t.Fatal(err)
	}
	if v, err := s.Do(t.Context(), "EXISTS", "held"); err != nil || v != int64(0) {
		t.Errorf("what was cancelled ran when the pause was over: %v, %v", v, err)
	}
}

// TestCancelSparesOthers: code of ours that waits behind somebody else's is cancelled just
// as the server says that it is busy, to both lines. What it runs then is not ours.
func TestCancelSparesOthers(t *testing.T) {
	s, e := ownServer(t, []string{"busy-reply-threshold", "1500"})
	ctx, cancel := context.WithCancel(t.Context())
	conn := open(t, New(), onSent(e, "return 'ours'", cancel), &connectortest.Guard{})
	theirs := make(chan error, 1)
	go func() {
		_, err := s.Do(t.Context(), "EVAL", "redis.log(redis.LOG_WARNING,'theirs runs') while true do end", "0")
		theirs <- err
	}()
	for !strings.Contains(s.Log(), "theirs runs") {
		time.Sleep(time.Millisecond) // the server says so to its log alone
	}
	g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}
	if _, err := conn.(connectors.Querier).Query(ctx, g, connectors.Statement{Text: `EVAL "return 'ours'" 0`}); !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("%v, want %v", err, connectors.ErrCanceled)
	}
	if _, err := conn.(*Conn).aside(t.Context(), "SCRIPT", "KILL"); err != nil {
		s.Stop()
		t.Errorf("the other one's code was ended before: %v", err)
	}
	if err := <-theirs; err == nil || !strings.Contains(err.Error(), "killed by user") {
		t.Errorf("the other one's code: %v", err)
	}
}

// TestCancelOfCode ends code of ours that runs, and nothing but it.
func TestCancelOfCode(t *testing.T) {
	s, e := ownServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	conn := open(t, New(), onSent(e, "while true", cancel), &connectortest.Guard{})
	g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}
	if _, err := conn.(connectors.Querier).Query(ctx, g, connectors.Statement{Text: `EVAL "while true do end" 0`}); !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("%v, want %v", err, connectors.ErrCanceled)
	}
	if _, _, err := ask(t, conn, &connectortest.Guard{}, "PING"); err != nil {
		t.Errorf("the connection does not live on: %v", err)
	}
	if _, err := s.Do(t.Context(), "PING"); err != nil {
		t.Error(err)
	}
}

// TestCancelOfTheDone: a change that was made is not told as one that was given up.
func TestCancelOfTheDone(t *testing.T) {
	_, e := database(t, "RPUSH l a b c d")
	for text, want := range map[string]string{"INCR n": "", "LPOP l 2": "it has happened"} {
		conn := open(t, New(), e, &connectortest.Guard{})
		g := &connectortest.Guard{Judge: anything}
		ctx, cancel := context.WithCancel(t.Context())
		r, err := conn.(connectors.Querier).Query(ctx, g, connectors.Statement{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		rows, err := r.Batch(t.Context(), 10)
		if want == "" && (err != nil || len(rows) != 1) || want != "" && (!errors.Is(err, connectors.ErrCanceled) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, %v, want %q", text, rows, err, want)
		}
		_ = r.Close()
	}
}

// TestCutIsRenewed: who gave up a write that waited goes on in the same session, over a
// line that is made anew with the secret as it is fetched then. It is not kept.
func TestCutIsRenewed(t *testing.T) {
	s, e := database(t, "SET a 1")
	n, _ := strconv.Atoi(e.Database)
	var fetched [][]byte
	e.Again = func(context.Context) (mask.Secret, error) {
		fetched = append(fetched, []byte(appPassword))
		return mask.NewSecret(fetched[len(fetched)-1]), nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	conn := open(t, New(), onSent(e, "BLPOP", cancel), &connectortest.Guard{})
	g := &connectortest.Guard{Judge: anything}
	if _, err := conn.(connectors.Querier).Query(ctx, g, connectors.Statement{Text: "BLPOP l 0"}); !errors.Is(err, connectors.ErrCanceled) {
		t.Fatalf("%v, want %v", err, connectors.ErrCanceled)
	}
	run(t, s, n, "RPUSH l x")
	if rows, _, err := ask(t, conn, &connectortest.Guard{}, "GET a"); err != nil || rows[1][0] != "1" {
		t.Errorf("afterwards: %v, %v", rows, err)
	}
	if v := run(t, s, n, "LLEN l"); v != int64(1) {
		t.Errorf("what was given up took an element: %v are left", v)
	}
	if len(fetched) != 1 || string(fetched[0]) != string(make([]byte, len(appPassword))) {
		t.Errorf("the secret was fetched %d times, or is still there", len(fetched))
	}
	if _, _, err := ask(t, conn, &connectortest.Guard{Judge: anything}, "XREAD BLOCK 1 STREAMS nothing $"); err != nil {
		t.Error(err)
	}
}
