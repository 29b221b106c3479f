package mysql

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
	"github.com/sallyport/sallyport/connectors/mysql/mariaserver"
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

var theServer = sync.OnceValues(func() (*mariaserver.Server, error) {
	serverStarted.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s, err := mariaserver.Start(ctx, mariaserver.Options{})
	if err != nil {
		return nil, err
	}
	return s, s.Exec(ctx, "", "create user app@localhost identified by '"+appPassword+"'")
})

// server is the real MariaDB of these tests. Where there is none they are skipped
// aloud, and fail in CI.
func server(t testing.TB) *mariaserver.Server {
	t.Helper()
	s, err := theServer()
	if errors.Is(err, mariaserver.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, no real server: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var databases atomic.Int64

// database makes one with a schema, which app may do anything with.
func database(t testing.TB, schema string) (*mariaserver.Server, string) {
	t.Helper()
	s, name := server(t), fmt.Sprintf("test%d", databases.Add(1))
	if err := s.Exec(t.Context(), "", "create database "+name+" character set utf8mb4; grant all on "+name+".* to app@localhost"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Exec(context.Background(), "", "drop database "+name) })
	if err := s.Exec(t.Context(), name, schema); err != nil {
		t.Fatal(err)
	}
	return s, name
}

func endpoint(s *mariaserver.Server, name string) connectors.Endpoint {
	return connectors.Endpoint{Name: "orders-maria", Address: s.Socket(), User: "app", Database: name}
}
