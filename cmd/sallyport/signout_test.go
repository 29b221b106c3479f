package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
	"github.com/sallyport/sallyport/server/termtest"
)

// Who signs out loses shells and forwards at once, on this connection and on any other
// that the key opened; a query ends, too. Bob stays.
func TestSignOutEndsWhatIsOpen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	s := sshdtest.Start(t)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(s.PrivateKey), 0o600); err != nil {
		t.Fatal(err)
	}
	b := startBastion(t)
	b.reach(t, s, key, ", forwards: [\""+l.Addr().String()+"\"]")
	b.signIn("bob")
	bobs := b.screen("bob", 100, 30)
	bobs.See("orders-lite")

	shared := b.master("alice")
	inShared := shared.screen("shell", "web-1")
	alone := b.screen("alice", 100, 30, "shell", "web-1")
	for _, screen := range []*termtest.Screen{inShared, alone} {
		screen.WaitFor("a prompt", func(text string) bool { return strings.ContainsAny(text, "#$") })
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	forward := exec.Command("ssh", append(b.sshArgs("alice"), "-W", "web-1:"+port, "127.0.0.1")...)
	in, err := forward.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := forward.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := forward.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = forward.Process.Kill(); _ = forward.Wait() }()
	if _, err := io.WriteString(in, "hello"); err != nil {
		t.Fatal(err)
	}
	hello := make([]byte, 5)
	if _, err := io.ReadFull(out, hello); err != nil || string(hello) != "hello" {
		t.Fatalf("%q, %v", hello, err)
	}
	if n := strings.Count(b.ssh("alice", "sessions").must(t, 0).out, "web-1"); n != 3 {
		t.Fatalf("%d sessions are live, want 3", n)
	}

	shared.ssh("logout").must(t, 0)
	inShared.See("you are signed out here")
	alone.See("remembered no longer")
	if rest, err := io.ReadAll(out); err != nil || len(rest) > 0 {
		t.Errorf("the forward goes on: %q, %v", rest, err)
	}
	b.eventually("the target is left", func() bool { return s.Sessions() == 0 })
	if code := b.ssh("alice", "ls").code; code != exitNotSignedIn {
		t.Errorf("alice may still list: %d", code)
	}
	bobs.Press("?")
	bobs.See("orders-lite")
}

const exitNotSignedIn = 253
