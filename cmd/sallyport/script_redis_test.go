package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/connectors/redis/redisserver"
)

// scriptRedises are the servers of scripts, by their bastions.
var scriptRedises sync.Map

// waitsInRedis is a session of the gate's login whose command waits, in CLIENT LIST.
var waitsInRedis = regexp.MustCompile(`(?m) flags=\w*b.* user=app `)

// scriptRedis starts a Redis, or does something there beside the gate.
func scriptRedis(ts *testscript.TestScript, neg bool, args []string) {
	b := theBastion(ts)
	v, running := scriptRedises.Load(b)
	if !running {
		startScriptRedis(ts)
		return
	}
	s := v.(*redisserver.Server)
	waits := func() bool {
		list, err := s.Do(context.Background(), "CLIENT", "LIST")
		ts.Check(err)
		return waitsInRedis.MatchString(list.(string))
	}
	switch {
	case len(args) == 0:
		ts.Fatalf("a Redis runs already")
	case args[0] == "busy":
		b.eventually("a command waits at the server", waits)
	case args[0] == "idle":
		b.eventually("no command waits at the server", func() bool { return !waits() })
	case args[0] == "dies":
		ts.Check(syscall.Kill(s.Pid(), syscall.SIGKILL))
		s.Stop()
	default:
		out, err := s.Do(context.Background(), args...)
		if (err != nil) != neg {
			ts.Fatalf("%q: %v", args, err)
		}
		fmt.Fprintln(ts.Stdout(), out)
	}
}

// startScriptRedis sets $REDIS to the address, and $REDISPASS to a file with the
// password of the login app, which has what the README says that a gate needs.
func startScriptRedis(ts *testscript.TestScript) {
	b := theBastion(ts)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := redisserver.Start(ctx, redisserver.Options{})
	if errors.Is(err, redisserver.ErrNotFound) && os.Getenv("CI") == "" {
		b.t.Skipf("SKIPPED, nothing runs against Redis: %v", err)
	}
	ts.Check(err)
	ts.Defer(func() { scriptRedises.Delete(b); s.Stop() })
	scriptRedises.Store(b, s)
	_, err = s.Do(ctx, "ACL", "SETUSER", "app", "on", ">pw-Quince-redis", "~*", "&*", "+@all", "-@admin", "-@dangerous", "+info", "+sort_ro",
		"+client|id", "+client|setname", "+client|unblock", "+client|kill")
	ts.Check(err)
	file := filepath.Join(ts.Getenv("WORK"), "redis.password")
	ts.Check(os.WriteFile(file, []byte("pw-Quince-redis"), 0o600))
	ts.Setenv("REDIS", s.Socket())
	ts.Setenv("REDISPASS", file)
}
