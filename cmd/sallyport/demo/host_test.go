package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/ssh"
)

// startHost starts a host in a directory that its account can reach.
func startHost(t *testing.T) *Host {
	t.Helper()
	h, err := StartHost(filepath.Join(t.TempDir(), "host"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return h
}

func endpoint(h *Host) connectors.Endpoint {
	return connectors.Endpoint{Name: HostName, Address: "demo-host:22", User: h.User(), HostKeys: []string{h.KeyLine()}, Dial: h.Dial}
}

func open(t *testing.T, h *Host) connectors.Conn {
	t.Helper()
	c, err := ssh.New(ssh.Options{}).Open(t.Context(), endpoint(h), h.Password(), &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// The connectors' suite, on the demo's host.
func TestSuite(t *testing.T) {
	h, other := startHost(t), startHost(t)
	changed, unknown := endpoint(h), endpoint(h)
	changed.HostKeys = []string{other.KeyLine()}
	unknown.User = "root"
	pids, effects := filepath.Join(h.Home(), "pids"), filepath.Join(h.Home(), "effects")
	files := filepath.Join(h.Home(), "files")
	if err := os.Mkdir(files, 0o777); err != nil {
		t.Fatal(err)
	}
	connectortest.Run(t, connectortest.Target{
		Name: "the demo's host",
		Cannot: map[connectortest.Property]string{
			connectortest.Property(connectortest.ToForward): "the demo's host opens no connections of its own",
		},
		// What a target with a stalled connection waits for.
		Impatient: ssh.New(ssh.Options{KeepAlive: 500 * time.Millisecond, Grace: 300 * time.Millisecond}),
		Files:     &connectortest.Files{Dir: "/files", Local: files}, // the home is the root of file transfer
		Driver:    ssh.New(ssh.Options{}), Endpoint: endpoint(h), Secret: string(h.Password().Reveal()),
		Faults: []connectortest.Fault{
			{Name: "wrong password", Endpoint: endpoint(h), Secret: "Tr0ub4dor-and-3", Want: connectors.ErrCredential},
			{Name: "unknown login", Endpoint: unknown, Secret: string(h.Password().Reveal()), Want: connectors.ErrCredential},
			{Name: "changed host key", Endpoint: changed, Secret: string(h.Password().Reveal()), Want: connectors.ErrHostKey},
		},
		Sessions: func(testing.TB) int { return int(h.live.Load()) },
		Active:   func(t testing.TB) int { return alive(t, pids) },
		Host: &connectortest.Host{
			Command: "printf 'to out\\n'; printf 'to err\\n' >&2; exit 3",
			Stdout:  "to out\n", Stderr: "to err\n", Exit: connectors.Exit{Code: 3},
			Cat: "cat", Effect: "echo x >> " + effects,
			Observe: func(t testing.TB) string { return contents(t, effects) },
			Slow:    "echo $$ >> " + pids + "; exec sleep 613",
			Flood:   func(n int) string { return "head -c " + strconv.Itoa(n) + " /dev/zero" },
			Type:    "echo $((40+2))x\nexit 7\n", Typed: "42x", ShellExit: connectors.Exit{Code: 7},
			ShowSize: "stty size\n", SizeShown: "23 61",
		},
	})
}

func contents(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// alive counts the processes that live of those whose numbers are in the file.
func alive(t testing.TB, file string) int {
	t.Helper()
	n := 0
	for _, f := range strings.Fields(contents(t, file)) {
		if pid, err := strconv.Atoi(f); err == nil && syscall.Kill(pid, 0) == nil {
			n++
		}
	}
	return n
}

// run runs a command and returns what it wrote.
func run(t *testing.T, c connectors.Conn, command string) string {
	t.Helper()
	var out bytes.Buffer
	exit, err := c.(connectors.Executor).Exec(t.Context(), &connectortest.Guard{}, command, connectors.Stdio{Out: &out, Err: io.Discard})
	if err != nil || exit != (connectors.Exit{}) {
		t.Fatalf("%q: %+v, %v", command, exit, err)
	}
	return out.String()
}

func TestEnvironmentIsClean(t *testing.T) {
	t.Setenv("SALLYPORT_TEST_CANARY", "of the demo's own process")
	c := open(t, startHost(t))
	env := run(t, c, "env")
	for _, leak := range []string{"CANARY", "SSH_", "GOPATH"} {
		if strings.Contains(env, leak) {
			t.Errorf("the environment holds %s:\n%s", leak, env)
		}
	}
}

// A demo that root starts hands out no shell of root's, nor its groups.
func TestShellsOfRootAreNobodys(t *testing.T) {
	c := open(t, startHost(t))
	id := run(t, c, "id -u; id -G")
	if os.Getuid() == 0 && strings.ContainsAny(strings.ReplaceAll(id, "65534", "n"), "0123456789") {
		t.Errorf("root's demo runs commands as %q", id)
	}
	if os.Getuid() != 0 && !strings.HasPrefix(id, strconv.Itoa(os.Getuid())+"\n") {
		t.Errorf("commands run as %q", id)
	}
}

func TestHomeHasSomethingToMask(t *testing.T) {
	h := startHost(t)
	c := open(t, h)
	if got := run(t, c, "pwd; cat README"); !strings.HasPrefix(got, h.Home()+"\n") || !strings.Contains(got, "recorded") {
		t.Errorf("README: %q", got)
	}
	log := run(t, c, "cat app.log")
	if !strings.Contains(log, "@example.") || !strings.Contains(log, "card=4000") {
		t.Errorf("the log holds nothing to mask: %.300q", log)
	}
	run(t, c, "echo changed > notes.txt")
}

// reachable is a directory that every account can reach; t.TempDir is not.
func reachable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "demo-host-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "host")
}

// What is in the home and the host's key stay; the password does not.
func TestHostPersists(t *testing.T) {
	dir := reachable(t)
	var keys, passwords []string
	for i := range 2 {
		h, err := StartHost(dir)
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(dir, homeDir); h.Home() != want || h.scratch != "" {
			t.Errorf("home %q, want %q", h.Home(), want)
		}
		keys, passwords = append(keys, h.KeyLine()), append(passwords, string(h.Password().Reveal()))
		if contents(t, h.PasswordFile()) != passwords[i] {
			t.Error("the password's file holds another")
		}
		for _, f := range []string{h.PasswordFile(), filepath.Join(dir, hostKeyFile)} {
			if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s: %v, %v", f, info.Mode(), err)
			}
		}
		c, err := ssh.New(ssh.Options{}).Open(t.Context(), endpoint(h), h.Password(), &connectortest.Guard{})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			run(t, c, "echo mine > notes.txt; rm README")
		} else if got := run(t, c, "cat notes.txt; head -c 7 README"); got != "mine\nWelcome" {
			t.Errorf("the home holds %q", got)
		}
		if err := errors.Join(c.Close(), h.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Dial(t.Context(), "", ""); err == nil {
			t.Error("a closed host can be dialled")
		}
	}
	if keys[0] != keys[1] || passwords[0] == passwords[1] {
		t.Errorf("keys equal: %v, passwords equal: %v", keys[0] == keys[1], passwords[0] == passwords[1])
	}
	if err := os.Chmod(filepath.Join(dir, hostKeyFile), 0o644); err != nil {
		t.Fatal(err)
	}
	if h, err := StartHost(dir); err == nil {
		t.Error("a host key that others can read is used")
		_ = h.Close()
	}
}

// Where the account cannot reach the directory, the home is elsewhere, and goes
// with the host.
func TestHomeElsewhere(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the account of the shells is one's own, which reaches what one makes")
	}
	h, err := StartHost(filepath.Join(t.TempDir(), "host")) // below a directory with mode 0700
	if err != nil {
		t.Fatal(err)
	}
	if h.scratch == "" || !strings.HasPrefix(run(t, open(t, h), "pwd"), h.scratch) {
		t.Errorf("home %q", h.Home())
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(h.scratch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%q is left behind: %v", h.scratch, err)
	}
}

// Closing the host ends what runs on it, also what ignores HUP.
func TestCloseEndsPrograms(t *testing.T) {
	need(t, "setsid")
	h, err := StartHost(reachable(t))
	if err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	pids := filepath.Join(h.Home(), "pids")
	escaped := filepath.Join(h.Home(), "escaped")
	c := open(t, h)
	done := make(chan error, 1)
	go func() {
		_, err := c.(connectors.Executor).Exec(t.Context(), &connectortest.Guard{},
			"trap '' HUP; setsid sh -c 'echo $$ >> "+escaped+"; exec sleep 614' & echo $$ >> "+pids+"; sleep 613; sleep 613",
			connectors.Stdio{Out: io.Discard, Err: io.Discard})
		done <- err
	}()
	eventually(t, "the program runs", func() bool { return alive(t, pids) == 1 && alive(t, escaped) == 1 })
	pid, err := strconv.Atoi(strings.TrimSpace(contents(t, escaped)))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, connectors.ErrVanished) {
		t.Errorf("exec: %v", err)
	}
	if alive(t, pids) != 0 {
		t.Error("the program outlives its host")
	}
	// As on any host, what left its session stays; it does not hold up the end.
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("the one that left its session: %v", err)
	}
	eventually(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before+1 })
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-tick.C {
		if ok() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// screen is what a terminal shows, as bytes.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *screen) see(t *testing.T, text string) {
	t.Helper()
	eventually(t, "the screen shows "+text, func() bool { return strings.Contains(s.String(), text) })
}

// prompt waits for the n-th prompt: what is typed before it is the program's in
// front.
func (s *screen) prompt(t *testing.T, n int) {
	t.Helper()
	eventually(t, "the screen shows a prompt again", func() bool { return strings.Count(s.String(), "demo-host$ ") >= n })
}

// attach opens a shell; the returned function waits for its end.
func attach(t *testing.T, c connectors.Conn) (keys io.Writer, s *screen, end func() (connectors.Exit, error)) {
	t.Helper()
	in, out := io.Pipe()
	s = &screen{}
	type result struct {
		exit connectors.Exit
		err  error
	}
	done := make(chan result, 1)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() {
		exit, err := c.(connectors.Attacher).Attach(ctx, &connectortest.Guard{}, connectors.Terminal{
			Term: "xterm-256color", Size: connectors.Size{Width: 90, Height: 30}, Stdio: connectors.Stdio{In: in, Out: s},
		})
		_ = in.Close()
		done <- result{exit, err}
	}()
	return out, s, func() (connectors.Exit, error) {
		r := <-done
		return r.exit, r.err
	}
}

func typeIn(t *testing.T, keys io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(keys, text); err != nil {
		t.Fatal(err)
	}
}

// need finds a program of the test.
func need(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed", program)
	}
	t.Skipf("%s is not installed: this test runs it", program)
}

func TestVim(t *testing.T) {
	need(t, "vim")
	h := startHost(t)
	keys, s, end := attach(t, open(t, h))
	s.prompt(t, 1)
	typeIn(t, keys, "vim -u NONE new.txt\r")
	s.see(t, "new.txt")
	typeIn(t, keys, "ihello, \xc3\xa9\x1b:wq\r")
	eventually(t, "the file is written", func() bool { return contents(t, filepath.Join(h.Home(), "new.txt")) == "hello, é\n" })
	s.prompt(t, 2)
	typeIn(t, keys, "exit\r")
	if exit, err := end(); err != nil || exit.Code != 0 {
		t.Errorf("%+v, %v", exit, err)
	}
}

func TestTop(t *testing.T) {
	need(t, "top")
	keys, s, end := attach(t, open(t, startHost(t)))
	s.prompt(t, 1)
	typeIn(t, keys, "top\r")
	s.see(t, "load average")
	typeIn(t, keys, "q")
	s.prompt(t, 2)
	typeIn(t, keys, "exit\r")
	if _, err := end(); err != nil {
		t.Error(err)
	}
}

// ctrl-c reaches the program in front, and only that.
func TestInterrupt(t *testing.T) {
	keys, s, end := attach(t, open(t, startHost(t)))
	s.prompt(t, 1)
	// The program says itself that it has the terminal: what ctrl-c reaches before
	// that is the shell's business.
	typeIn(t, keys, "sh -c 'echo begin$((1+1)); exec sleep 613'\r")
	s.see(t, "begin2")
	typeIn(t, keys, "\x03")
	s.prompt(t, 2)
	typeIn(t, keys, "echo after$((1+1)); exit 4\r")
	s.see(t, "after2")
	if exit, err := end(); err != nil || exit.Code != 4 {
		t.Errorf("%+v, %v", exit, err)
	}
}

func TestExitSignal(t *testing.T) {
	c := open(t, startHost(t))
	exit, err := c.(connectors.Executor).Exec(t.Context(), &connectortest.Guard{}, "kill -TERM $$", connectors.Stdio{Out: io.Discard, Err: io.Discard})
	if err != nil || exit != (connectors.Exit{Signal: "TERM"}) {
		t.Errorf("%+v, %v", exit, err)
	}
}
