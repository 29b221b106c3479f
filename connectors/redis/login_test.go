package redis

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
)

// TestLogins opens with the logins that the README recommends, and with those that it
// warns of.
func TestLogins(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("`ACL SETUSER sallyport on >PASSWORD ([^`]+)`").FindSubmatch(readme)
	if m == nil {
		t.Fatal("the README recommends no login")
	}
	whole := strings.Fields(string(m[1]))
	for name, c := range map[string]struct {
		rights []string
		warns  string
		writes bool
	}{
		"for all":     {rights: whole, writes: true},
		"for reading": {rights: strings.Fields(strings.Replace(string(m[1]), "+@all", "+@read +@connection", 1))},
		"too much":    {rights: []string{"~*", "&*", "+@all"}, warns: "can change who may do what", writes: true},
		"too little":  {rights: []string{"~*", "+@all", "-client|id", "-command"}, warns: "may not ask what the server's commands are", writes: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, e := database(t, "SET a 1")
			e.User = "login-" + strings.ReplaceAll(name, " ", "-")
			if _, err := s.Do(t.Context(), append([]string{"ACL", "SETUSER", e.User, "on", ">" + appPassword}, c.rights...)...); err != nil {
				t.Fatal(err)
			}
			conn := open(t, New(), e, &connectortest.Guard{}).(*Conn)
			if w := strings.Join(conn.Warnings(), "\n"); c.warns == "" && w != "" || !strings.Contains(w, c.warns) {
				t.Errorf("warnings: %q, want %q", w, c.warns)
			}
			if rows, _, err := ask(t, conn, &connectortest.Guard{}, "GET a"); err != nil || rows[1][0] != "1" {
				t.Errorf("a read: %v, %v", rows, err)
			}
			var te *connectors.TargetError
			if _, _, err := ask(t, conn, &connectortest.Guard{}, "SET a 2"); c.writes != (err == nil) || err != nil && (!errors.As(err, &te) || te.Code != "NOPERM") {
				t.Errorf("a write: %v", err)
			}
			if _, err := conn.Catalog(t.Context()); err != nil {
				t.Errorf("catalog: %v", err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if _, err := conn.Query(ctx, &connectortest.Guard{}, connectors.Statement{Text: "XREAD BLOCK 0 STREAMS s $"}); !errors.Is(err, connectors.ErrCanceled) {
				t.Errorf("cancelled: %v", err)
			}
			if c.warns != "" && strings.Contains(c.warns, "commands") {
				return // without a number it is ended with its connection
			}
			if _, _, err := ask(t, conn, &connectortest.Guard{}, "GET a"); err != nil {
				t.Errorf("the connection does not live on: %v", err)
			}
		})
	}
}

// TestScriptEnds: a script that runs too long is ended at the server, so that it answers
// others again.
func TestScriptEnds(t *testing.T) {
	s, e := database(t)
	conn := open(t, New(), e, &connectortest.Guard{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	g := &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}
	done := make(chan error, 1)
	go func() {
		_, err := conn.(connectors.Querier).Query(ctx, g, connectors.Statement{Text: `EVAL "while true do end" 0`})
		done <- err
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for busy := false; !busy; <-tick.C {
		_, err := s.Do(t.Context(), "GET", "a")
		busy = err != nil && strings.HasPrefix(err.Error(), "BUSY")
	}
	cancel()
	if err := <-done; !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("%v, want %v", err, connectors.ErrCanceled)
	}
	if _, err := s.Do(t.Context(), "GET", "a"); err != nil {
		t.Errorf("the server is still busy: %v", err)
	}
	if _, _, err := ask(t, conn, &connectortest.Guard{}, "GET a"); err != nil {
		t.Errorf("the connection does not live on: %v", err)
	}
}
