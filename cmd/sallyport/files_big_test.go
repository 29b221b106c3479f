package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
)

// A file of 1 GiB goes there and back by stock scp and sftp, and its hash is the
// same at both ends and on record. How long that takes beside the same without the
// gate is told, and is no verdict. It needs 4 GiB of disk: make big.
func TestFilesGigabyte(t *testing.T) {
	if os.Getenv("SALLYPORT_BIG") == "" {
		t.Skip("set SALLYPORT_BIG=1 (make big)")
	}
	host := sshdtest.Start(t)
	b := startBastion(t, "--later", "orders-db,orders-maria")
	b.signIn("alice")
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := os.WriteFile(key, []byte(host.PrivateKey), 0o600); err != nil {
		t.Fatal(err)
	}
	addHost(t, b, host, key)

	big := filepath.Join(dir, "big")
	if out, err := exec.Command("sh", "-c", "head -c 1G /dev/zero | openssl enc -aes-128-ctr -pass pass:1 -nosalt -pbkdf2 >"+big).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := fileHash(t, big)
	at, port, err := net.SplitHostPort(host.Address)
	if err != nil {
		t.Fatal(err)
	}
	direct := []string{"-F", "none", "-P", port, "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"}
	gated := filesArgs(b, "alice")
	there, back := filepath.Join(dir, "there"), filepath.Join(dir, "back")
	took := map[string]time.Duration{}
	for _, way := range []struct {
		name     string
		args     []string
		from, to string
	}{
		{"up, direct", direct, big, host.User + "@" + at + ":" + there},
		{"up, through the gate", gated, big, "127.0.0.1:web-1" + there},
		{"down, direct", direct, host.User + "@" + at + ":" + there, back},
		{"down, through the gate", gated, "127.0.0.1:/web-1" + there, back},
	} {
		start := time.Now()
		if out, err := exec.Command("scp", slices.Concat(way.args, []string{way.from, way.to})...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", way.name, err, out)
		}
		took[way.name] = time.Since(start)
		t.Logf("%-24s %6.1f MiB/s", way.name, 1024/took[way.name].Seconds())
		if got := fileHash(t, map[bool]string{true: there, false: back}[strings.HasPrefix(way.name, "up")]); got != want {
			t.Errorf("%s: the hash is %s, want %s", way.name, got, want)
		}
		if err := os.RemoveAll(back); err != nil {
			t.Fatal(err)
		}
	}
	batch := filepath.Join(dir, "batch")
	if err := os.WriteFile(batch, []byte("get /web-1"+there+" "+back+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sftp", slices.Concat(gated, []string{"-b", batch, "127.0.0.1"})...).CombinedOutput(); err != nil || fileHash(t, back) != want {
		t.Errorf("sftp: %v: %s", err, out)
	}
	t.Logf("peak memory of the bastion: %d MiB", b.peak(t)>>10)
	for _, id := range sessionsOf(b, "web-1") {
		b.ssh("alice", "replay", id).must(t, 0).has(t, "1073741824 bytes", "the whole file, SHA-256 "+want)
	}
}

// addHost makes a host a resource of the running bastion, with all files open.
func addHost(t *testing.T, b *testBastion, host *sshdtest.Server, key string) {
	t.Helper()
	config := filepath.Join(b.data, "demo.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	resource := fmt.Sprintf("  - {name: web-1, kind: ssh, address: %q, user: %s, private_key: {file: %s}, host_keys: [%q]}\n  - name: demo-host\n", host.Address, host.User, key, host.HostKey)
	role := "\n  - name: big\n    groups: [engineering]\n    resources: {names: [web-1]}\n    rules: [{name: all, allow: [file], binary: true, limits: {idle: 1h}}]\n"
	changed := strings.Replace(string(text), "  - name: demo-host\n", resource, 1) + role
	if err := os.WriteFile(config+".new", []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(config+".new", config); err != nil {
		t.Fatal(err)
	}
	b.eventually("web-1 is open", func() bool { return b.ssh("alice", "ls").contains("web-1") })
}

func fileHash(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sessionsOf are the transcripts of a resource.
func sessionsOf(b *testBastion, resource string) (ids []string) {
	for l := range strings.Lines(b.ssh("alice", "transcripts").out) {
		if strings.Contains(l, resource) {
			ids = append(ids, strings.Fields(l)[0])
		}
	}
	return ids
}
