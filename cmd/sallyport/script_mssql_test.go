package main

import (
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
)

// scriptMSSQL starts a server that speaks TDS, which is no SQL Server, over a file of
// SQL in SQLite's words; $MSSQL is its address, the login app has the password pw-app.
// With "busy" and "idle" it waits until that runs a statement, or none; "dies" ends it.
func scriptMSSQL(ts *testscript.TestScript, neg bool, args []string) {
	b := theBastion(ts)
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mssql FILE|busy|idle|dies")
	}
	switch args[0] {
	case "busy":
		b.eventually("the server runs a statement", func() bool { return b.tds.Active() > 0 })
	case "idle":
		b.eventually("the server is free", func() bool { return b.tds.Active() == 0 })
	case "dies":
		b.tds.Stop()
	default:
		s, err := tdstest.Start(tdstest.Options{Login: "app", Password: "pw-app", Database: "shop", Setup: ts.ReadFile(args[0])})
		ts.Check(err)
		ts.Defer(s.Stop)
		b.tds = s
		ts.Setenv("MSSQL", strings.TrimSpace(s.Address()))
	}
}
