package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	gomysql "github.com/go-mysql-org/go-mysql/client"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/connectors/mysql/mariaserver"
)

// scriptMariaDB looks at the demo's own MariaDB, or ends it.
func scriptMariaDB(ts *testscript.TestScript, _ bool, args []string) {
	b := theBastion(ts)
	if err := mariaserver.Available(b.t.Context()); errors.Is(err, mariaserver.ErrNotFound) && os.Getenv("CI") == "" {
		b.t.Skipf("SKIPPED, nothing runs against MariaDB: %v", err)
	}
	dir := serverDirectory(b.data) + "-maria"
	switch strings.Join(args, " ") {
	case "": // only whether there is one
	case "busy":
		b.eventually("the server runs a statement", func() bool { return mariaWorks(ts, dir) > 0 })
	case "idle":
		b.eventually("the server is free", func() bool { return mariaWorks(ts, dir) == 0 })
	case "dies":
		text, err := os.ReadFile(filepath.Join(dir, "pid"))
		ts.Check(err)
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		ts.Check(err)
		ts.Check(syscall.Kill(pid, syscall.SIGKILL))
		b.eventually("the server is gone", func() bool {
			line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			return err != nil || len(line) == 0
		})
	default:
		ts.Fatalf("usage: mariadb [busy|idle|dies]")
	}
}

// mariaWorks counts the statements of the gate's login that were not its own.
func mariaWorks(ts *testscript.TestScript, dir string) int {
	secret, err := os.ReadFile(filepath.Join(dir, "password"))
	ts.Check(err)
	c, err := gomysql.Connect(filepath.Join(dir, "s.sock"), mariaserver.Superuser, strings.TrimSpace(string(secret)), "")
	ts.Check(err)
	defer c.Close()
	r, err := c.Execute("select count(*) from information_schema.processlist where user = 'app' and info rlike '^select a\\.id'")
	ts.Check(err)
	defer r.Close()
	n, err := r.GetInt(0, 0)
	ts.Check(err)
	return int(n)
}
