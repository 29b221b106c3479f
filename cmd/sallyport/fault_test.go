package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sallyport/sallyport/cmd/sallyport/demo"
	"github.com/sallyport/sallyport/server/identity/oidctest"
	"github.com/sallyport/sallyport/server/termtest"
)

// faultProvider is the demo's identity provider as a party of its own, which can go
// down and come back with the same key.
func faultProvider(t testing.TB, listen, key string, life time.Duration) *oidctest.Provider {
	t.Helper()
	p, err := oidctest.New(oidctest.Options{Listen: listen, ClientID: demoClient, People: demoPeople, Key: key, Lifetime: life})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.Background()) }) // a second close tells nothing new
	return p
}

// closedAddress is a loopback address where nobody listens.
func closedAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

var servingAt = regexp.MustCompile(`"address":"127\.0\.0\.1:(\d+)"`)

// serveBastion runs `sallyport serve` on the demo's configuration without the
// demo around it: behind orders-db and demo-host there is nobody.
func serveBastion(t testing.TB, dir, issuer string) *testBastion {
	t.Helper()
	b := &testBastion{t: t, data: filepath.Join(dir, "data"), home: t.TempDir(), log: &logBuffer{}, exited: make(chan error, 1)}
	lite, pass := filepath.Join(b.home, "orders.sqlite"), filepath.Join(b.home, "password")
	pub, err := os.ReadFile(b.key("host") + ".pub")
	if err == nil {
		err = errors.Join(demo.SQLite(lite, false), os.WriteFile(pass, []byte("quince-5150-blue"), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := demo.Config(demo.Settings{Listen: "127.0.0.1:0", Address: "localhost", Data: b.data, Issuer: issuer, ClientID: demoClient, SQLite: lite,
		Postgres: demo.PostgresTarget{Address: filepath.Join(b.home, "no-socket-here"), Database: "orders", User: "app", PasswordFile: pass},
		Host:     demo.HostTarget{User: "demo", PasswordFile: pass, KeyLine: strings.TrimSpace(string(pub))}})
	config := filepath.Join(b.home, "serve.yaml")
	if err == nil {
		err = os.WriteFile(config, []byte(strings.Replace(text, "demo-host:22", closedAddress(t), 1)), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.serve(config)
	return b
}

// serve starts the bastion and waits until it says its address.
func (b *testBastion) serve(config string) {
	b.t.Helper()
	cmd, log := sallyport("serve", "--config", config), b.log
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.cmd = cmd
	b.t.Cleanup(func() {
		b.stop()
		if b.t.Failed() {
			b.t.Log("the bastion printed:\n" + b.log.String())
		}
	})
	port := make(chan string, 1)
	go func() {
		defer func() { b.exited <- cmd.Wait() }()
		defer close(port)
		for s := bufio.NewScanner(io.TeeReader(out, log)); s.Scan(); {
			if m := servingAt.FindStringSubmatch(s.Text()); m != nil {
				port <- m[1] // said once, and there is room for it
			}
		}
	}()
	select {
	case p, ok := <-port:
		if !ok {
			b.t.Fatal("the bastion ended:\n" + b.log.String())
		}
		b.port = p
	case <-time.After(patience):
		b.t.Fatal("the bastion is not ready:\n" + b.log.String())
	}
}

// whole stops the bastion and has its evidence checked: no fault loses a record.
func (b *testBastion) whole() {
	b.t.Helper()
	b.stop()
	b.verify().must(b.t, 0).has(b.t, "the chain is whole")
}

// list is `sallyport transcript list` on the stopped data.
func (b *testBastion) list() string {
	b.t.Helper()
	out, err := sallyport("transcript", "list", "--data", b.data).Output()
	if err != nil {
		b.t.Fatal(err)
	}
	return string(out)
}

// open opens a resource from the picker of a screen.
func (b *testBastion) open(s *termtest.Screen, resource string) {
	b.t.Helper()
	s.See(resource)
	s.Type(resource)
	s.See("1 of ")
	s.Press("enter")
}

// eventually runs real commands until one says yes.
func (b *testBastion) eventually(what string, ok func() bool) {
	b.t.Helper()
	for limit := time.Now().Add(patience); time.Now().Before(limit); {
		if ok() {
			return
		}
		b.ssh("bob", "approvals") // takes its time, and shows that the bastion answers
	}
	b.t.Fatalf("not within %v: %s", patience, what)
}

// newCode waits for a sign-in code that is not the one before.
func newCode(s *termtest.Screen, before string) (text, code string) {
	text = s.WaitFor("a new code", func(text string) bool {
		c := userCode.FindString(text)
		return c != "" && c != before && loginURL.MatchString(text)
	})
	return text, userCode.FindString(text)
}

// A sign-in goes wrong in every way, on one screen, and still ends well: after
// each, enter brings a new code.
func TestFaultsOfSignIn(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "provider.pem")
	const life = 5 * time.Second // enough for the screen to show the code, on a busy machine
	p := faultProvider(t, "", key, life)
	b := serveBastion(t, t.TempDir(), p.Issuer())
	address := strings.TrimPrefix(p.Issuer(), "http://")
	down := func() {
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s := b.screen("alice", 120, 40)

	// Nobody approves, and the code expires: at the provider, too.
	text, code := newCode(s, "")
	expired := time.Now().Add(life) // at the provider, whose clock may be a little behind the bastion's
	s.See("the code expired before it was approved")
	time.Sleep(time.Until(expired))
	if err := oidctest.Approve(t.Context(), nil, loginURL.FindString(text), code, "alice"); err == nil || !strings.Contains(err.Error(), "410") {
		t.Errorf("an expired code is approved: %v", err)
	}

	// The provider is down when a code is asked for.
	down()
	s.Press("enter")
	s.See("Sign-in could not start")
	s.See("the identity provider is not available")
	p = faultProvider(t, address, key, 0)

	// It restarts while the screen waits, and has forgotten the code.
	s.Press("enter")
	_, code = newCode(s, code)
	down()
	p = faultProvider(t, address, key, 0)
	s.See("Sign-in did not complete")

	s.Press("enter")
	code = denied(t, b, s, code)
	s.Press("enter")
	text, _ = newCode(s, code)
	b.approve(text, "alice")
	s.See("orders-lite")
	s.Press("q")
	s.Exit()
	b.ssh("alice", "whoami").must(t, 0).has(t, "engineering")
	keyless(t, b)
	cancelled(t, b)
	b.whole()
}

// denied: a wrong code at the page is nobody's, the right one is denied, and
// stays so. It returns that code.
func denied(t *testing.T, b *testBastion, s *termtest.Screen, before string) string {
	t.Helper()
	text, code := newCode(s, before)
	url := loginURL.FindString(text)
	if err := oidctest.Approve(t.Context(), nil, url, "BBBB-BBBB", "alice"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("a wrong code is answered with %v", err)
	}
	if err := oidctest.Deny(t.Context(), nil, url, code); err != nil {
		t.Fatal(err)
	}
	s.See("the sign-in was denied")
	if err := oidctest.Approve(t.Context(), nil, url, code, "alice"); err == nil || !strings.Contains(err.Error(), "409") {
		t.Errorf("a denied code is approved: %v", err)
	}
	b.ssh("alice", "whoami").must(t, 253)
	return code
}

// cancelled: ctrl-c on the sign-in screen, and in the text of a verb.
func cancelled(t *testing.T, b *testBastion) {
	t.Helper()
	s := b.screen("carol", 120, 40)
	newCode(s, "")
	s.Press("ctrl+c")
	s.Exit()
	s = b.screen("carol", 100, 30, "whoami")
	newCode(s, "")
	s.Press("ctrl+c")
	if c := s.Exit(); c != 253 {
		t.Errorf("a cancelled sign-in ended with %d:\n%s", c, s.Text())
	}
}

// A person without a key gets in with zero prompts, for one connection only, and
// learns how to make a key.
func keyless(t *testing.T, b *testBastion) {
	t.Helper()
	b.ssh("", "whoami").must(t, 253).has(t, "sign in first")
	s := b.screen("", 120, 40)
	text, code := newCode(s, "")
	if strings.Contains(text, "remember this key") {
		t.Errorf("a key that is not there would be remembered:\n%s", text)
	}
	b.approve(text, "alice")
	s.See("ssh-keygen -t ed25519")
	s.See("orders-lite")
	s.Press("q")
	s.Exit()
	b.ssh("", "whoami").must(t, 253)
	s = b.screen("", 100, 30, "whoami")
	text, _ = newCode(s, code)
	b.approve(text, "alice")
	s.See("key: none")
	s.See("for this connection only")
	if c := s.Exit(); c != 0 {
		t.Errorf("whoami without a key ended with %d", c)
	}
}

// Behind the names there is nothing: each access ends with code and words, in
// verbs as on screens, and none of them hangs.
func TestFaultsOfTargets(t *testing.T) {
	t.Parallel()
	p := faultProvider(t, "", "", 0)
	b := serveBastion(t, t.TempDir(), p.Issuer())
	b.signIn("alice")
	b.signIn("dave")
	b.ssh("alice", "sql", "orders-db", quote("select 1")).must(t, 1).has(t, "orders-db", "target is unreachable", "hint: is the target up?")
	b.ssh("alice", "exec", "demo-host", "--", "true").must(t, 1).has(t, "demo-host", "target is unreachable", "connection refused")
	if err := os.Rename(filepath.Join(b.home, "orders.sqlite"), filepath.Join(b.home, "gone")); err != nil {
		t.Fatal(err)
	}
	b.ssh("alice", "sql", "orders-lite", quote("select 1")).must(t, 1).has(t, "orders-lite", "target is unreachable")

	// What is not there and what is not one's own look the same.
	absent := b.ssh("alice", "sql", "no-such-db", quote("select 1")).must(t, 254)
	barred := b.ssh("dave", "sql", "orders-db", quote("select 1")).must(t, 254)
	if strings.ReplaceAll(absent.err, "no-such-db", "X") != strings.ReplaceAll(barred.err, "orders-db", "X") {
		t.Errorf("one can tell an unknown resource from a barred one:\n%s%s", absent.err, barred.err)
	}

	// The reference to the secret leads nowhere.
	if err := os.Remove(filepath.Join(b.home, "password")); err != nil {
		t.Fatal(err)
	}
	b.ssh("alice", "sql", "orders-db", quote("select 1")).must(t, 255).has(t, "orders-db", "credential").lacks(t, "internal error")

	s := b.screen("alice", 120, 40)
	b.open(s, "orders-lite")
	s.See("target is unreachable")
	s.Kill()
	b.whole()
	list := b.list()
	for _, line := range []string{`orders-db .*target is unreachable`, `demo-host .*target is unreachable`, `orders-lite .*target is unreachable`} {
		if !regexp.MustCompile(line).MatchString(list) {
			t.Errorf("no record of %s in\n%s", line, list)
		}
	}
}

// A disk that is full ends sessions with words, lets nothing run that it cannot
// record, and breaks no chain.
func TestFaultFullDisk(t *testing.T) {
	t.Parallel()
	t.Run("no room", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := unix.Mount("fault", dir, "tmpfs", 0, "size=12m"); err != nil {
			t.Skipf("a small file system cannot be mounted (%v); the other way is tested all the same", err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(dir, 0); err != nil {
				t.Errorf("unmount: %v", err)
			}
		})
		ballast := filepath.Join(dir, "ballast")
		fullDisk(t, dir, func(*testBastion) {
			f, err := os.Create(ballast)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(f, zeros{}); !errors.Is(err, unix.ENOSPC) {
				t.Errorf("fill the disk: %v", err)
			}
			f.Close() // full as it is
		}, func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		})
	})
	t.Run("no larger file", func(t *testing.T) {
		t.Parallel()
		fullDisk(t, t.TempDir(), func(b *testBastion) {
			limit := unix.Rlimit{Cur: 64 << 10, Max: 64 << 10} // bytes of a file
			if err := unix.Prlimit(b.cmd.Process.Pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil {
				t.Fatal(err)
			}
		}, func() {}) // the next process has another limit
	})
}

// zeros never ends.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// fullDisk has people work while their bastion's disk fills up; free makes room
// again, for the next start.
func fullDisk(t *testing.T, dir string, fill func(*testBastion), free func()) {
	p := faultProvider(t, "", "", 0)
	b := serveBastion(t, dir, p.Issuer())
	b.signIn("alice")
	b.signIn("bob")
	bob := b.master("bob")
	s := b.screen("alice", 120, 40)
	b.open(s, "orders-lite")
	s.See("● recorded")

	fill(b)
	// What there is room for is recorded and shown; then that is over.
	numbers := "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000) select i from n"
	r := b.ssh("alice", "sql", "orders-lite", quote(numbers), "--csv").must(t, 255).has(t, "recording is unavailable", "its disk may be full")
	if strings.Contains(r.out, "1000000") {
		t.Error("all rows came, unrecorded")
	}
	s.See("recording is unavailable")
	s.Kill()
	bob.ssh("sql", "orders-lite", quote("delete from orders")).must(t, 255).has(t, "recording is unavailable")
	if !strings.Contains(b.log.String(), "recording is unavailable: sessions are ended") {
		t.Error("the log does not tell the administrator")
	}
	// A key that is remembered cannot be let in without a record, which is no
	// reason to have its person sign in again.
	b.ssh("alice", "whoami").must(t, 255).has(t, "recording is unavailable")
	b.whole()

	free()
	b.serve(filepath.Join(b.home, "serve.yaml"))
	b.ssh("alice", "sql", "orders-lite", quote("select count(*) from orders"), "--csv").must(t, 0).has(t, "500")
	b.whole()
}
