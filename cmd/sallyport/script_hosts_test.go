package main

import (
	"bytes"
	"io"
	"net"
	"os/exec"

	"slices"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptShouter starts a program on a port, $SHOUTER, that answers what it got in
// capitals once the other side has ended.
func scriptShouter(ts *testscript.TestScript, _ bool, _ []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				if b, err := io.ReadAll(c); err == nil {
					_, _ = c.Write(bytes.ToUpper(b))
				}
			})
		}
	})
	ts.Defer(func() { _ = l.Close(); all.Wait() })
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv("SHOUTER", port)
}

// scriptForward runs the client's `ssh -W HOST:PORT`: what a forward carries is the
// text, and stdout.
func scriptForward(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: forward PERSON CODE HOST:PORT TEXT")
	}
	cmd := exec.Command("ssh", slices.Concat([]string{"-oLogLevel=INFO"}, theBastion(ts).sshArgs(args[0]), []string{"-W", args[2], "127.0.0.1"})...)
	var out, errs strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(args[3]), &out, &errs
	_ = cmd.Run() // the code is compared below
	check(ts, args[1], result{out.String(), errs.String(), cmd.ProcessState.ExitCode()})
}
