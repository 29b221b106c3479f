package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	declared "github.com/sallyport/sallyport/connectors/command"
	"github.com/sallyport/sallyport/connectors/mssql/tdstest"
	"github.com/sallyport/sallyport/server/identity/oidctest"
	"github.com/sallyport/sallyport/server/termtest"
)

// bastion is a demo bastion in a process of its own, driven by the stock OpenSSH
// client.
type testBastion struct {
	t          testing.TB
	data, home string
	port       string
	cmd        *exec.Cmd
	log        *logBuffer
	exited     chan error
	tds        *tdstest.Server // of scriptMSSQL
	later      string          // of demo's flag: what the test does not open
}

// logBuffer keeps what a process printed; safe for concurrent use.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// sallyport is this test binary as the product: TestMain runs main for it.
func sallyport(args ...string) *exec.Cmd {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), asProduct+"=1")
	return cmd
}

// patience is how long a test waits for what must come; it is no measure of speed.
const patience = 90 * time.Second

// asProduct makes the test binary behave as the product.
const asProduct = "SALLYPORT_TEST_AS_PRODUCT"

func TestMain(m *testing.M) {
	// Workers are run with an empty environment: they are told by their argument.
	if os.Getenv(asProduct) != "" || (len(os.Args) == 2 && (os.Args[1] == parserWorker || os.Args[1] == declared.ChildArgument)) {
		main()
	}
	code := m.Run()
	stopCluster()
	stopFerret()
	os.Exit(code)
}

// startBastion starts a demo on a fresh data directory; args are further flags.
func startBastion(t testing.TB, args ...string) *testBastion {
	t.Helper()
	b := &testBastion{t: t, data: filepath.Join(t.TempDir(), "data"), home: t.TempDir()}
	b.start(args...)
	return b
}

var sshHint = regexp.MustCompile(`ssh -p (\d+) localhost`)

func (b *testBastion) start(args ...string) {
	b.t.Helper()
	b.log = &logBuffer{}
	b.exited = make(chan error, 1)
	b.cmd = sallyport(append([]string{"demo", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data", b.data, "--later", b.later}, args...)...)
	b.cmd.Stderr = b.log
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	lines := make(chan string, 64)
	go func() {
		s := bufio.NewScanner(io.TeeReader(out, b.log))
		for s.Scan() {
			lines <- s.Text()
		}
		close(lines)
		b.exited <- b.cmd.Wait()
	}()
	b.t.Cleanup(func() {
		b.stop()
		for _, dir := range []string{serverDirectory(b.data), serverDirectory(b.data) + "-maria"} { // for root they lie elsewhere
			if err := os.RemoveAll(dir); err != nil {
				b.t.Error(err)
			}
		}
		if b.t.Failed() {
			b.t.Log("the bastion printed:\n" + b.log.String())
		}
	})
	limit := time.After(patience)
	for {
		select {
		case l, ok := <-lines:
			if !ok {
				b.t.Fatal("the bastion ended:\n" + b.log.String())
			}
			if m := sshHint.FindStringSubmatch(l); m != nil {
				b.port = m[1]
				go func() {
					for range lines { //nolint:revive // drains until the process ends
					}
				}()
				return
			}
		case <-limit:
			b.t.Fatal("the bastion is not ready:\n" + b.log.String())
		}
	}
}

// stop ends the bastion as an administrator would.
func (b *testBastion) stop() { b.end(syscall.SIGTERM) }

func (b *testBastion) end(sig os.Signal) {
	if b.cmd == nil {
		return
	}
	_ = b.cmd.Process.Signal(sig) // it may have ended
	select {
	case <-b.exited:
	case <-time.After(patience):
		b.t.Error("the bastion does not stop")
		_ = b.cmd.Process.Kill()
		<-b.exited
	}
	b.cmd = nil
}

// key is a person's SSH key file, made at first use.
func (b *testBastion) key(person string) string {
	b.t.Helper()
	path := filepath.Join(b.home, person)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", path).CombinedOutput(); err != nil {
			b.t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
	}
	return path
}

// sshArgs are the arguments of the stock client for a person; "" has no key.
func (b *testBastion) sshArgs(person string) []string {
	args := []string{"-F", "none", "-p", b.port, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=" + filepath.Join(b.home, "known_hosts"),
		"-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "LogLevel=ERROR"}
	if person == "" {
		return append(args, "-o", "PubkeyAuthentication=no")
	}
	return append(args, "-i", b.key(person))
}

// result is what a client's command gave.
type result struct {
	out, err string
	code     int
}

// ssh runs the stock client as a person, without a terminal. words are joined by
// blanks by the client, as always.
func (b *testBastion) ssh(person string, words ...string) result {
	b.t.Helper()
	return b.sshIn(person, "", words...)
}

func (b *testBastion) sshIn(person, in string, words ...string) result {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ssh", append(append(b.sshArgs(person), "-T", "127.0.0.1"), words...)...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatalf("ssh %v: %v", words, err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// screen runs the stock client on a terminal.
func (b *testBastion) screen(person string, width, height int, words ...string) *termtest.Screen {
	b.t.Helper()
	cmd := exec.Command("ssh", append(append(b.sshArgs(person), "-tt", "127.0.0.1"), words...)...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color")
	return termtest.Start(b.t, cmd, width, height)
}

var (
	userCode = regexp.MustCompile(`\b[A-Z0-9]{4}-[A-Z0-9]{4}\b`)
	loginURL = regexp.MustCompile(`http://[^\s\x1b\x07"│|]+`)
)

// approve approves the sign-in that a screen shows, by the page behind its URL.
func (b *testBastion) approve(screen, person string) {
	b.t.Helper()
	code, url := userCode.FindString(screen), loginURL.FindString(screen)
	if code == "" || url == "" {
		b.t.Fatalf("no code or URL on the screen:\n%s", screen)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := oidctest.Approve(ctx, &http.Client{Jar: jar}, url, code, person); err != nil {
		b.t.Fatalf("approve %s as %s at %s: %v", code, person, url, err)
	}
}

// signIn signs a person in on the screens and leaves; the key is remembered.
func (b *testBastion) signIn(person string) {
	b.t.Helper()
	s := b.screen(person, 100, 30, "whoami")
	b.approve(s.WaitFor("a code", func(text string) bool { return userCode.MatchString(text) && loginURL.MatchString(text) }), person)
	if code := s.Exit(); code != 0 {
		b.t.Fatalf("sign-in of %s ended with %d:\n%s", person, code, s.Text())
	}
}

// must fails the test unless the command ended with the code.
func (r result) must(t testing.TB, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", r.code, code, r.out, r.err)
	}
	return r
}

// has fails the test unless every text is in what the command printed.
func (r result) has(t testing.TB, texts ...string) result {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(r.out+r.err, s) {
			t.Errorf("no %q in\nstdout: %s\nstderr: %s", s, r.out, r.err)
		}
	}
	return r
}

// lacks fails the test if any text is in what the command printed.
func (r result) lacks(t testing.TB, texts ...string) result {
	t.Helper()
	for _, s := range texts {
		if strings.Contains(r.out+r.err, s) {
			t.Errorf("%q is in\nstdout: %s\nstderr: %s", s, r.out, r.err)
		}
	}
	return r
}

// verify runs `sallyport transcript verify` on the stopped data.
func (b *testBastion) verify() result {
	b.t.Helper()
	cmd := sallyport("transcript", "verify", "--data", b.data)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	return result{out: out.String(), code: cmd.ProcessState.ExitCode()}
}

// quote makes one word of a text for the bastion's own splitting.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
