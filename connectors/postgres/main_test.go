package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
)

// TestMain makes the test binary its own parser worker.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == WorkerArgument {
		if err := ParserWorker(os.Stdin, os.Stdout); err != nil {
			os.Exit(2)
		}
		return
	}
	code := m.Run()
	testDriver().Close()
	if serverStarted {
		if s, err := theServer(); err == nil {
			s.Stop()
		}
	}
	os.Exit(code)
}

// testDriver is shared: its workers need not be started for each test. They have
// time: a race detector on a loaded machine is slow, and no hostile statement.
var testDriver = sync.OnceValue(func() *Driver {
	d := New(Options{})
	d.pool.timeout = 5 * time.Minute
	return d
})

var serverStarted bool

var theServer = sync.OnceValues(func() (*pgserver.Server, error) {
	serverStarted = true
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := pgserver.Start(ctx, pgserver.Options{})
	if err != nil {
		return nil, err
	}
	if err := s.CreateUser(ctx, "app", appPassword); err != nil {
		return nil, err
	}
	return s, nil
})

const appPassword = "pw-Mirabelle-71c0ffee"

// server is the real PostgreSQL of these tests. Where there is none they are
// skipped aloud, and fail in CI.
func server(t testing.TB) *pgserver.Server {
	t.Helper()
	s, err := theServer()
	if errors.Is(err, pgserver.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, nothing runs against PostgreSQL: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// database makes a database owned by app, filled by setup as app.
func database(t testing.TB, setup string) (s *pgserver.Server, name string) {
	t.Helper()
	s = server(t)
	name = fmt.Sprintf("t%d", time.Now().UnixNano())
	ctx := t.Context()
	if _, err := s.CreateDatabase(ctx, name); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("alter database %s owner to app; alter schema public owner to app; set role app; %s", name, setup)
	if err := s.Exec(ctx, name, text); err != nil {
		t.Fatal(err)
	}
	return s, name
}
