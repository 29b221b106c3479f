package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
	"github.com/sallyport/sallyport/mask"
)

// TestAffected: counts and tags of what a statement changed.
func TestAffected(t *testing.T) {
	s, name := database(t, "create table t (n int); insert into t select generate_series(1, 500)")
	c := openApp(t, s, name, allow())
	for _, step := range []struct {
		text string
		want int64
	}{
		{"insert into t values (1), (2)", 2}, {"update t set n = 0 where n < 3", 4}, {"delete from t where n = 0", 4},
		{"select * from t", -1}, {"create table u as select * from t", -1}, {"delete from t where n > 400 returning n", 100},
	} {
		g := allow()
		_, _, sum, err := run(t, c, g, step.text)
		if err != nil || sum.Affected != step.want || g.Permits()[0].Outcomes()[0].Affected != step.want {
			t.Errorf("%q: %d, %v; want %d", step.text, sum.Affected, err, step.want)
		}
	}
}

// TestReturningLeftEarly: what was permitted is done whole, also where its rows
// are not all read.
func TestReturningLeftEarly(t *testing.T) {
	s, name := database(t, "create table t (n int, s text); insert into t select g, repeat('x', 1000) from generate_series(1, 5000) g")
	c := openApp(t, s, name, allow())
	g := allow()
	r, err := c.Query(t.Context(), g, connectors.Statement{Text: "update t set n = -n where n > 0 returning n, s"})
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := r.Batch(t.Context(), 3); err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if o := g.Permits()[0].Outcomes(); len(o) != 1 || o[0].Affected != 5000 || o[0].Err != nil {
		t.Errorf("outcome %+v", o)
	}
	if _, rows, _, err := run(t, c, allow(), "select count(*) from t where n < 0"); err != nil || rows[0] != "5000" {
		t.Errorf("%q, %v", rows, err)
	}
}

// TestCanceledWrite: a write that is cancelled leaves nothing, and says so.
func TestCanceledWrite(t *testing.T) {
	s, name := database(t, "create table t (n int)")
	c := openApp(t, s, name, allow())
	ctx, cancel := context.WithCancel(t.Context())
	g := allow()
	done := make(chan error, 1)
	go func() {
		_, err := c.Query(ctx, g, connectors.Statement{Text: "insert into t select 1 from pg_sleep(300)"})
		done <- err
	}()
	waitFor(t, s, "select 1 from pg_stat_activity where query like 'insert into t%' and state = 'active' and datname = '"+name+"'")
	cancel()
	if err := <-done; !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("%v", err)
	}
	if o := g.Permits()[0].Outcomes(); len(o) != 1 || o[0].Unknown || !errors.Is(o[0].Err, connectors.ErrCanceled) {
		t.Errorf("outcome %+v", o)
	}
	if _, rows, _, err := run(t, c, allow(), "select count(*) from t"); err != nil || rows[0] != "0" {
		t.Errorf("%q, %v", rows, err)
	}
}

// waitFor polls until a query as the superuser has a row.
func waitFor(t testing.TB, s *pgserver.Server, query string) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if rows, err := s.Query(t.Context(), "postgres", query); err != nil {
			t.Fatal(err)
		} else if len(rows) > 0 {
			return
		}
	}
	t.Fatalf("%q never had a row", query)
}

// TestVanishedWrite: where the session is ended under a write, nobody can tell
// whether it happened.
func TestVanishedWrite(t *testing.T) {
	s, name := database(t, "create table t (n int)")
	c := openApp(t, s, name, allow())
	g := allow()
	done := make(chan error, 1)
	go func() {
		_, err := c.Query(t.Context(), g, connectors.Statement{Text: "insert into t select 1 from pg_sleep(300)"})
		done <- err
	}()
	waitFor(t, s, "select pg_terminate_backend(pid) from pg_stat_activity where query like 'insert into t%' and state = 'active' and datname = '"+name+"'")
	if err := <-done; !errors.Is(err, connectors.ErrVanished) {
		t.Errorf("%v", err)
	}
	if o := g.Permits()[0].Outcomes(); len(o) != 1 || !o[0].Unknown {
		t.Errorf("outcome %+v", o)
	}
	if _, err := c.Query(t.Context(), allow(), connectors.Statement{Text: "select 1"}); !errors.Is(err, connectors.ErrVanished) {
		t.Errorf("afterwards: %v", err)
	}
}

// TestDeferredConstraint: an error that comes with COMMIT is the statement's.
func TestDeferredConstraint(t *testing.T) {
	s, name := database(t, "create table t (n int unique deferrable initially deferred); insert into t values (1)")
	c := openApp(t, s, name, allow())
	for _, text := range []string{"insert into t values (1)", "insert into t values (1) returning n"} {
		_, _, _, err := run(t, c, allow(), text)
		var te *connectors.TargetError
		if !errors.As(err, &te) || te.Code != "23505" {
			t.Errorf("%q: %v", text, err)
		}
		if strings.Contains(err.Error(), "(n)=(1)") {
			t.Errorf("the detail shows values: %v", err)
		}
	}
}

// TestChangedUnderneath: between judgement and run another session puts a view
// in a table's place. Under masks the statement does not run.
func TestChangedUnderneath(t *testing.T) {
	s, name := database(t, "create table t (n text); create table users (email text); insert into users values ('secret-value')")
	plan, err := mask.NewPlan([]mask.Rule{{Name: "m", Column: "users.email"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := openApp(t, s, name, allow())
	g := &connectortest.Guard{Seen: plan, Kept: plan, Judge: func(connectors.Operation) error { return nil }, OnCheck: func(connectors.Operation) {
		if err := s.Exec(t.Context(), name, "drop table t; create view t as select email as n from users; grant select on t to app; grant select on users to postgres"); err != nil {
			t.Error(err)
		}
	}}
	_, rows, _, err := run(t, c, g, "select n || '' from t")
	if err == nil || len(rows) > 0 {
		t.Errorf("it answers %q, %v", rows, err)
	}
	g.OnCheck = nil
	if cols, rows, _, err := run(t, c, g, "select n || '' from t"); err != nil || cols[0].Seen.State != connectors.Masked || strings.Contains(fmt.Sprint(rows), "secret") {
		t.Errorf("afterwards: %v %q, %v", cols, rows, err)
	}
}
