package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/connectors/clickhouse/clickserver"
)

// clickServers are the servers of scripts, by their bastion.
var clickServers sync.Map

// scriptClickHouse starts a server with the database shop, filled from a file, or looks
// at what runs there, or ends it.
func scriptClickHouse(ts *testscript.TestScript, _ bool, args []string) {
	b := theBastion(ts)
	word := strings.Join(args, " ")
	if s, ok := clickServers.Load(b); ok {
		s := s.(*clickserver.Server)
		switch word {
		case "busy":
			b.eventually("the server runs a statement", func() bool { return clickWorks(ts, s) })
		case "idle":
			b.eventually("the server is free", func() bool { return !clickWorks(ts, s) })
		case "dies":
			s.Stop()
		default:
			ts.Fatalf("usage: clickhouse FILE, then clickhouse busy|idle|dies")
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := clickserver.Start(ctx, clickserver.User{Name: "app", Password: "pw-app"})
	if errors.Is(err, clickserver.ErrNotFound) && os.Getenv("CI") == "" {
		b.t.Skipf("SKIPPED, nothing runs against ClickHouse: %v", err)
	}
	ts.Check(err)
	ts.Defer(func() { clickServers.Delete(b); s.Stop() })
	clickServers.Store(b, s)
	ts.Check(s.Exec(ctx, "", "create database shop"))
	for text := range strings.SplitSeq(ts.ReadFile(word), ";\n") {
		if strings.TrimSpace(text) != "" {
			ts.Check(s.Exec(ctx, "shop", text))
		}
	}
	ts.Setenv("CLICK", s.Address())
}

// clickWorks reports whether the server runs a statement of the gate's login that is not
// the gate's own.
func clickWorks(ts *testscript.TestScript, s *clickserver.Server) bool {
	rows, err := s.Query(context.Background(), "", "select count() from system.processes where user = 'app' and query not like 'select database, %' and query not like 'KILL%'")
	ts.Check(err)
	return len(rows) == 1 && rows[0][0] != "0"
}
