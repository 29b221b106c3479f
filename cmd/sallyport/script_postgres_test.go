package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
)

// scriptServers are the PostgreSQLs of scripts, by bastion.
var scriptServers sync.Map

const scriptDatabase = "shop"

// scriptPostgres starts a server for the rest of the script.
func scriptPostgres(ts *testscript.TestScript, _ bool, files []string) {
	b := theBastion(ts)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	pg, err := pgserver.Start(ctx, pgserver.Options{})
	if errors.Is(err, pgserver.ErrNotFound) && os.Getenv("CI") == "" {
		b.t.Skipf("SKIPPED, nothing runs against PostgreSQL: %v", err)
	}
	ts.Check(err)
	ts.Defer(func() { scriptServers.Delete(b); pg.Stop() })
	scriptServers.Store(b, pg)
	_, err = pg.CreateDatabase(ctx, scriptDatabase)
	ts.Check(err)
	ts.Check(pg.CreateUser(ctx, "app", "pw-app"))
	for _, f := range files {
		ts.Check(pg.Exec(ctx, scriptDatabase, ts.ReadFile(f)))
	}
	ts.Setenv("PGSOCKET", pg.SocketDir())
}

func theServer(ts *testscript.TestScript) *pgserver.Server {
	s, ok := scriptServers.Load(theBastion(ts))
	if !ok {
		ts.Fatalf("no PostgreSQL yet")
	}
	return s.(*pgserver.Server)
}

// scriptSuperuser runs a file, what the last command printed, or the words.
func scriptSuperuser(ts *testscript.TestScript, _ bool, args []string) {
	text := strings.Join(args, " ")
	if len(args) == 1 && !strings.Contains(args[0], " ") {
		text = ts.ReadFile(args[0])
	}
	rows, err := theServer(ts).Query(context.Background(), scriptDatabase, text)
	ts.Check(err)
	for _, r := range rows {
		fmt.Fprintln(ts.Stdout(), strings.Join(r, "|"))
	}
}

func scriptLogin(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(theServer(ts).CreateUser(context.Background(), args[0], "pw-"+args[0]))
}

// scriptEnvsubst puts values into files of the script.
func scriptEnvsubst(ts *testscript.TestScript, _ bool, files []string) {
	for _, f := range files {
		ts.Check(os.WriteFile(ts.MkAbs(f), []byte(os.Expand(ts.ReadFile(f), ts.Getenv)), 0o600))
	}
}

func scriptAppend(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(ts.ReadFile(args[0])+ts.ReadFile(args[1])), 0o600))
}

func scriptSQLite(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sqlite3.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(db.Exec(ts.ReadFile(args[1])))
	ts.Check(db.Close())
}
