package ssh

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
)

func endpoint(s *sshdtest.Server) connectors.Endpoint {
	return connectors.Endpoint{Name: "web-1", Address: s.Address, User: s.User, HostKeys: []string{s.HostKey}}
}

// The suite against OpenSSH.
func TestSuite(t *testing.T) {
	s := sshdtest.Start(t)
	other := sshdtest.Start(t)
	changed := endpoint(s)
	changed.HostKeys = []string{other.HostKey}
	unpinned := endpoint(s)
	unpinned.HostKeys = nil
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
		Host: &connectortest.Host{
			Command: "printf 'to out\\n'; printf 'to err\\n' >&2; exit 3",
			Stdout:  "to out\n", Stderr: "to err\n", Exit: connectors.Exit{Code: 3},
			Cat:     "cat",
			Effect:  "echo x >> " + effects,
			Observe: func(t testing.TB) string { return contents(t, effects) },
			// OpenSSH before 9.? passes no signal on to a login as root; a closed output ends this one.
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
