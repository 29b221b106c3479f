package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
)

// Who closes a forward, on a connection that stays, leaves nothing behind, though the
// far side never ends: no session goes on, and no connection at the target.
func TestForwardLeft(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer c.Close()
				_, _ = io.WriteString(c, "hello")
				<-over
			})
		}
	})
	t.Cleanup(func() { close(over); _ = l.Close(); all.Wait() })
	s := sshdtest.Start(t)
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(s.PrivateKey), 0o600); err != nil {
		t.Fatal(err)
	}
	b := startBastion(t, "--later", "orders-db,orders-maria")
	b.reach(t, s, key, ", forwards: [\""+l.Addr().String()+"\"]")
	text, err := os.ReadFile(b.key("alice"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	c, err := gossh.Dial("tcp", "127.0.0.1:"+b.port, &gossh.ClientConfig{User: "alice", Auth: []gossh.AuthMethod{gossh.PublicKeys(signer)},
		HostKeyCallback: gossh.InsecureIgnoreHostKey()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	ch, requests, err := c.OpenChannel("direct-tcpip", gossh.Marshal(struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}{"web-1", uint32(n), "127.0.0.1", 1}))
	if err != nil {
		t.Fatal(err)
	}
	go gossh.DiscardRequests(requests)
	hello := make([]byte, 5)
	if _, err := io.ReadFull(ch, hello); err != nil || string(hello) != "hello" {
		t.Fatalf("%q, %v", hello, err)
	}
	if !b.ssh("alice", "sessions").must(t, 0).contains("web-1") {
		t.Error("the forward is no session")
	}
	if err := ch.Close(); err != nil {
		t.Fatal(err)
	}
	b.eventually("the session ends", func() bool { return !b.ssh("alice", "sessions").must(t, 0).contains("web-1") })
	b.eventually("the target is left", func() bool { return s.Sessions() == 0 })
}
