package clickserver

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

func TestStart(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Start(ctx, User{Name: "app", Password: "x"})
	if errors.Is(err, ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, no real server: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if err := s.Exec(ctx, "", "create database d", "create table d.t (a UInt8) engine = Memory", "insert into d.t values (7)"); err != nil {
		t.Error(err)
	}
	if rows, err := s.Query(ctx, "d", "select a, 'x' from t"); err != nil || len(rows) != 1 || rows[0][0] != "7" || rows[0][1] != "x" {
		t.Errorf("%v, %v", rows, err)
	}
	dir := s.dir
	s.Stop()
	s.Stop()
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
}
