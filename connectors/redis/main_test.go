package redis

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/redis/redisserver"
)

const appPassword = "pw-Mirabelle-71c0ffee"

func TestMain(m *testing.M) {
	code := m.Run()
	if serverStarted.Load() {
		if s, err := theServer(); err == nil {
			if code != 0 {
				fmt.Fprintln(os.Stderr, s.Log())
			}
			s.Stop()
		}
	}
	os.Exit(code)
}

var serverStarted atomic.Bool

// appRights are what the README says a gate's login needs.
var appRights = []string{"on", ">" + appPassword, "~*", "&*", "+@all", "-@admin", "-@dangerous", "+info", "+keys", "+sort", "+sort_ro", "+flushdb", "+client|id", "+client|setname", "+client|unblock", "+client|kill", "+command"}

var theServer = sync.OnceValues(func() (*redisserver.Server, error) {
	serverStarted.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := redisserver.Start(ctx, redisserver.Options{})
	if err != nil {
		return nil, err
	}
	_, err = s.Do(ctx, append([]string{"ACL", "SETUSER", "app"}, appRights...)...)
	return s, err
})

// server is the real Redis of these tests. Where there is none they are skipped aloud,
// and fail in CI.
func server(t testing.TB) *redisserver.Server {
	t.Helper()
	s, err := theServer()
	if errors.Is(err, redisserver.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, no real server: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var databases atomic.Int64

// database is one that no other test uses, with what the commands put into it.
func database(t testing.TB, commands ...string) (*redisserver.Server, connectors.Endpoint) {
	t.Helper()
	s, n := server(t), int(databases.Add(1))
	t.Cleanup(func() { _, _ = s.In(context.Background(), n, "FLUSHDB") })
	for _, text := range commands {
		run(t, s, n, text)
	}
	return s, connectors.Endpoint{Name: "cache", Address: s.Socket(), User: "app", Database: fmt.Sprint(n)}
}

// run runs a command beside the gate.
func run(t testing.TB, s *redisserver.Server, database int, text string) any {
	t.Helper()
	args, err := split(text)
	if err != nil {
		t.Fatal(err)
	}
	v, err := s.In(t.Context(), database, args...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}
