package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/server/termtest"
)

// client is a person's multiplexed connection: many sessions, one sign-in.
type client struct {
	b      *testBastion
	socket string
}

// master opens one, as `ssh -M` does.
func (b *testBastion) master(person string) *client {
	b.t.Helper()
	c := &client{b, filepath.Join(b.home, person+".mux")}
	cmd := exec.Command("ssh", append(b.sshArgs(person), "-M", "-S", c.socket, "-N", "127.0.0.1")...)
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // killed
	})
	for range 1000 {
		if exec.Command("ssh", "-F", "none", "-S", c.socket, "-O", "check", "127.0.0.1").Run() == nil {
			return c
		}
	}
	b.t.Fatal("the shared connection does not come up")
	return nil
}

func (c *client) command(words ...string) *exec.Cmd {
	return exec.Command("ssh", append([]string{"-F", "none", "-S", c.socket, "-o", "LogLevel=ERROR"}, words...)...)
}

// ssh runs a verb over the shared connection.
func (c *client) ssh(words ...string) result {
	c.b.t.Helper()
	cmd := c.command(append([]string{"-T", "127.0.0.1"}, words...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		c.b.t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// screen opens a terminal over the shared connection.
func (c *client) screen(words ...string) *termtest.Screen {
	c.b.t.Helper()
	cmd := c.command(append([]string{"-tt", "127.0.0.1"}, words...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	return termtest.Start(c.b.t, cmd, 120, 40)
}

// Windows of a shared connection that are killed leave nothing that spins, and
// the connection serves on.
func faultMaster(t *testing.T, b *testBastion) {
	alice := b.master("alice")
	for range 3 {
		s := alice.screen()
		b.open(s, "orders-lite")
		s.See("● recorded")
		s.Kill()
		s = alice.screen("shell", "demo-host")
		s.WaitFor("a prompt", func(text string) bool { return strings.Contains(text, "$") })
		s.Kill()
		s = alice.screen()
		s.See("orders-lite")
		s.Kill()
	}
	b.disconnected(t, "orders-lite", "sql")
	b.disconnected(t, "demo-host", "shell")
	alice.ssh("whoami").must(t, 0).has(t, "alice")

	b.quiet(t)
	alice.ssh("sql", "orders-lite", quote("select 7 as seven"), "--csv").must(t, 0).has(t, "7")
}

// quiet waits until the bastion does next to nothing for a while. One spinning
// loop would take most of a processor in every while; packing and indexing what
// was recorded end.
func (b *testBastion) quiet(t *testing.T) {
	t.Helper()
	const observed = 1500 * time.Millisecond
	var used time.Duration
	for range 40 {
		before := b.processor(t)
		<-time.After(observed)
		if used = b.processor(t) - before; used <= observed/4 {
			return
		}
	}
	t.Errorf("a bastion that has nothing to do used %v of the last %v, and as much before", used, observed)
}

// clockTick is the unit of times in /proc/PID/stat: USER_HZ, which is 100 on
// every Linux that Go runs on.
const clockTick = 10 * time.Millisecond

// processor is the processor time that the bastion has used.
func (b *testBastion) processor(t *testing.T) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", b.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ") // the name before may hold blanks
	f := strings.Fields(after)
	if len(f) < 13 {
		t.Fatalf("stat: %s", stat)
	}
	user, err1 := strconv.Atoi(f[11])
	system, err2 := strconv.Atoi(f[12])
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return time.Duration(user+system) * clockTick
}

// Sizes that no window has: a request that does not parse is refused, and what
// does is bounded. The session lives on, and its target sees sane sizes only.
func faultSizes(t *testing.T, b *testBastion) {
	c := b.dial(t, "alice", "alice")
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := s.SendRequest("pty-req", true, []byte("\x00\x00\xff\xffxterm")); ok || err != nil {
		t.Errorf("a broken pty-req: %v, %v", ok, err)
	}
	s.Close()
	if s, err = c.NewSession(); err != nil {
		t.Fatal(err)
	}
	if err := s.RequestPty("xterm", 30, 100, nil); err != nil {
		t.Fatal(err)
	}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out := &logBuffer{}
	s.Stdout = out
	seen := func(text string) bool { return strings.Contains(out.String(), text) }
	if err := s.Start("shell demo-host"); err != nil {
		t.Fatal(err)
	}
	b.eventually("a prompt", func() bool { return seen("$") })
	type window struct{ Columns, Rows, Width, Height uint32 }
	for _, broken := range [][]byte{nil, {1, 2, 3}, bytes.Repeat([]byte{0xff}, 15)} {
		if ok, err := s.SendRequest("window-change", true, broken); ok || err != nil {
			t.Errorf("window-change of %d bytes: %v, %v", len(broken), ok, err)
		}
	}
	for i, x := range []struct {
		size window
		want string
	}{{window{}, "30 100"}, {window{0, 50, 0, 0}, "30 100"}, {window{1 << 31, 1<<32 - 1, 0, 0}, "1000 1000"}} {
		if _, err := s.SendRequest("window-change", true, gossh.Marshal(x.size)); err != nil {
			t.Fatal(err)
		}
		b.eventually(fmt.Sprintf("%v gives %q", x.size, x.want), func() bool {
			if _, err := fmt.Fprintf(in, "echo size-%d $(stty size).\r", i); err != nil {
				t.Fatal(err)
			}
			return seen(fmt.Sprintf("size-%d %s.", i, x.want))
		})
	}
	if _, err := in.Write([]byte("exit\r")); err != nil {
		t.Fatal(err)
	}
	if err := s.Wait(); err != nil {
		t.Errorf("the shell ended with %v", err)
	}
	// The host bounds sizes itself: that the bastion did is in the record.
	if !b.replayed(t, "alice", "1000x1000") {
		t.Error("the transcript does not hold the bounded size")
	}
}
