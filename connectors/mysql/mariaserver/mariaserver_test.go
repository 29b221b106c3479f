package mariaserver

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"
)

func TestStartsKeepsAndStops(t *testing.T) {
	dir, err := os.MkdirTemp("", "maria-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for i := range 2 {
		s, err := Start(ctx, Options{Dir: dir, Persist: true})
		if errors.Is(err, ErrNotFound) && os.Getenv("CI") == "" {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if err := s.Exec(ctx, "", "create database kept; create table kept.t(x int); insert into kept.t values (7)"); err != nil {
				t.Error(err)
			}
		}
		rows, err := s.Query(ctx, "kept", "select x from t")
		if err != nil || len(rows) != 1 || rows[0][0] != "7" {
			t.Errorf("%v, %v; want what was written", rows, err)
		}
		s.Stop()
		if err := s.Exec(ctx, "", "select 1"); err == nil {
			t.Error("it answers after Stop")
		}
	}
}
