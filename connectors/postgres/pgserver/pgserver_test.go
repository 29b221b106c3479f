package pgserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// start skips aloud where there are no programs, and fails in CI.
func start(t *testing.T, o Options) *Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Start(ctx, o)
	if errors.Is(err, ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, PostgreSQL is not tested: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func TestThrowAway(t *testing.T) {
	s := start(t, Options{})
	if made, err := s.CreateDatabase(t.Context(), `a"b`); err != nil || !made {
		t.Fatalf("create: %v, made %v", err, made)
	}
	if made, err := s.CreateDatabase(t.Context(), `a"b`); err != nil || made {
		t.Fatalf("create again: %v, made %v", err, made)
	}
	rows, err := s.Query(t.Context(), `a"b`, "create table t (n int); insert into t values (7); select n, null from t")
	if err != nil || len(rows) != 1 || rows[0][0] != "7" || rows[0][1] != "" {
		t.Fatalf("rows %v, %v", rows, err)
	}
	rows, err = s.Query(t.Context(), "postgres", "show listen_addresses")
	if err != nil || rows[0][0] != "" {
		t.Errorf("it listens on %q, %v", rows, err)
	}
	dir := s.dir
	s.Stop()
	s.Stop()
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder stays: %v", err)
	}
	select {
	case <-s.process.Exited():
	default:
		t.Error("the server still runs")
	}
}

func TestPersist(t *testing.T) {
	base, err := os.MkdirTemp("", "pgserver-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	if err := os.Chmod(base, 0o711); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(base, "cluster")
	s := start(t, Options{Dir: dir, Persist: true})
	if err := s.Exec(t.Context(), "postgres", "create table kept (n int)"); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateUser(t.Context(), "app", "it's\\secret"); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateUser(t.Context(), "app", "another"); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir, Persist: true}); err == nil {
		t.Error("two servers run on one folder")
	}
	s.Stop()
	s = start(t, Options{Dir: dir, Persist: true})
	if err := s.Exec(t.Context(), "postgres", "select n from kept"); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestForeignPrograms(t *testing.T) {
	dir := t.TempDir()
	for name, version := range map[string]string{"postgres": "15.1", "initdb": "14.9"} {
		script := "#!/bin/sh\necho '" + name + " (PostgreSQL) " + version + "'\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if p, err := check(t.Context(), dir); err == nil {
		t.Errorf("programs that do not belong together were taken: %+v", p)
	}
	t.Setenv("PATH", "")
	if n := numbers("15.18 (Debian 15.18-0)"); len(n) != 2 || n[0] != 15 || n[1] != 18 {
		t.Errorf("numbers: %v", n)
	}
}
