package clickhouse

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
	"github.com/sallyport/sallyport/connectors/clickhouse/clickserver"
)

const appPassword = "pw-Tamarillo-71c0ffee"

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

var theServer = sync.OnceValues(func() (*clickserver.Server, error) {
	serverStarted.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return clickserver.Start(ctx, clickserver.User{Name: "app", Password: appPassword},
		clickserver.User{Name: "reader", Password: appPassword, ReadOnly: 1}, clickserver.User{Name: "setter", Password: appPassword, ReadOnly: 2},
		clickserver.User{Name: "shortened", Password: appPassword, Settings: shortens}, clickserver.User{Name: "fixed", Password: appPassword, ReadOnly: 1, Settings: shortens})
})

// shortens are settings of a profile under which answers end early.
var shortens = map[string]string{"max_result_rows": "100000", "result_overflow_mode": "break", "max_rows_to_read": "150000", "read_overflow_mode": "break"}

// server is the real ClickHouse of these tests. Where there is none they are skipped
// aloud, and fail in CI.
func server(t testing.TB) *clickserver.Server {
	t.Helper()
	s, err := theServer()
	if errors.Is(err, clickserver.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, no real server: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var databases atomic.Int64

// database makes one with a schema.
func database(t testing.TB, schema ...string) (*clickserver.Server, string) {
	t.Helper()
	s, name := server(t), fmt.Sprintf("test%d", databases.Add(1))
	if err := s.Exec(t.Context(), "", "create database "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Exec(context.Background(), "", "drop database "+name) })
	if err := s.Exec(t.Context(), name, schema...); err != nil {
		t.Fatal(err)
	}
	return s, name
}

func endpoint(s *clickserver.Server, name string) connectors.Endpoint {
	return connectors.Endpoint{Name: "events-click", Address: s.Address(), User: "app", Database: name, TLS: "disable"}
}
