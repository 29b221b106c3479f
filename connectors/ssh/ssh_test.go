package ssh

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
	"github.com/sallyport/sallyport/mask"
)

func endpoint(s *sshdtest.Server) connectors.Endpoint {
	return connectors.Endpoint{Name: "web-1", Address: s.Address, User: s.User, HostKeys: []string{s.HostKey}}
}

var cannot = map[connectortest.Property]string{
	connectortest.MasksHold.Of(connectortest.ToForward): "what goes through is not understood: it is counted and hashed, not masked",
}

// The suite against OpenSSH.
func TestSuite(t *testing.T) {
	s := sshdtest.Start(t)
	other := sshdtest.Start(t)
	changed := endpoint(s)
	changed.HostKeys = []string{other.HostKey}
	unpinned := endpoint(s)
	unpinned.HostKeys = nil
	files, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	pids, effects := filepath.Join(s.Dir, "pids"), filepath.Join(s.Dir, "effects")
	connectortest.Run(t, connectortest.Target{
		Driver:   New(Options{}),
		Endpoint: endpoint(s),
		Secret:   s.PrivateKey,
		Faults: []connectortest.Fault{
			{Name: "wrong key", Endpoint: endpoint(s), Secret: other.PrivateKey, Want: connectors.ErrCredential},
			{Name: "a password where a key is wanted", Endpoint: endpoint(s), Secret: "Tr0ub4dor-and-3", Want: connectors.ErrCredential},
			{Name: "changed host key", Endpoint: changed, Secret: s.PrivateKey, Want: connectors.ErrHostKey},
			{Name: "no host key pinned", Endpoint: unpinned, Secret: s.PrivateKey, Want: connectors.ErrHostKey},
		},
		Sessions: func(testing.TB) int { return s.Sessions() },
		Active:   func(t testing.TB) int { return running(t, pids) },
		Forward:  &connectortest.Forwarding{},
		// What a target with a stalled connection waits for.
		Impatient: New(Options{KeepAlive: 500 * time.Millisecond, Grace: 300 * time.Millisecond}),
		Cannot:    cannot,
		Files:     &connectortest.Files{Dir: files, Local: files},
		Host: &connectortest.Host{
			Command: "printf 'to out\\n'; printf 'to err\\n' >&2; exit 3",
			Stdout:  "to out\n", Stderr: "to err\n", Exit: connectors.Exit{Code: 3},
			Cat:     "cat",
			Effect:  "echo x >> " + effects,
			Observe: func(t testing.TB) string { return contents(t, effects) },
			// OpenSSH (9.2) passes no signal on to a login as root; a closed output
			// ends this one.
			Slow:  "echo $$ >> " + pids + "; while echo x; do sleep 0.05; done",
			Flood: func(n int) string { return "head -c " + strconv.Itoa(n) + " /dev/zero" },
			Type:  "echo $((40+2))x\nexit 7\n", Typed: "42x", ShellExit: connectors.Exit{Code: 7},
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

// running counts the processes that live of those whose numbers are in the file.
func running(t testing.TB, file string) int {
	t.Helper()
	n := 0
	for _, f := range strings.Fields(contents(t, file)) {
		pid, err := strconv.Atoi(f)
		if err == nil && syscall.Kill(pid, 0) == nil {
			n++
		}
	}
	return n
}

// Every byte passes a raw terminal of OpenSSH as it is, both ways.
func TestTerminalIsExact(t *testing.T) {
	s := sshdtest.Start(t)
	c, err := New(Options{}).Open(t.Context(), endpoint(s), mask.NewSecret([]byte(s.PrivateKey)), &connectortest.Guard{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var sent []byte
	for i := range 64 {
		for b := range 256 {
			sent = append(sent, byte(b+i))
		}
	}
	in, keys := io.Pipe()
	out := &ready{want: []byte("re" + "ady\r\n"), seen: make(chan struct{})}
	go func() {
		_, _ = io.WriteString(keys, "PS1=; stty raw -echo; printf 're''ady\\r\\n'; exec head -c 16384\r")
		<-out.seen
		_, _ = keys.Write(sent)
	}()
	exit, err := c.(connectors.Attacher).Attach(t.Context(), &connectortest.Guard{}, connectors.Terminal{
		Term: "xterm", Size: connectors.Size{Width: 200, Height: 24}, Stdio: connectors.Stdio{In: in, Out: out}})
	_ = in.Close()
	if err != nil || exit.Code != 0 {
		t.Errorf("%+v, %v", exit, err)
	}
	_, got, _ := bytes.Cut(out.b.Bytes(), out.want)
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back of %d, or others", len(got), len(sent))
	}
}

// ready tells when a text has come.
type ready struct {
	want []byte
	seen chan struct{}
	b    bytes.Buffer
	done bool
}

func (r *ready) Write(p []byte) (int, error) {
	r.b.Write(p)
	if !r.done && bytes.Contains(r.b.Bytes(), r.want) {
		r.done = true
		close(r.seen)
	}
	return len(p), nil
}
