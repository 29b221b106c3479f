package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/pkg/sftp"
)

// A yes to a file that is written was a yes to its path, before anybody knew what would
// be written: who had one for a harmless file wrote another. What is written comes
// first, people say yes to its length and hash, and only that is written.
func TestFilesAreApprovedWithTheirContent(t *testing.T) {
	b := startBastion(t, "--later", "orders-db,orders-maria")
	b.signIn("alice")
	b.signIn("bob")
	b.asksFor("{name: asked, approve: [file], files: [write], paths: [/asked*], by: [dba]}", "write /asked")
	c, err := sftp.NewClient(b.dial(t, "alice", "alice"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	put := func(content, answer string) error {
		f, err := c.OpenFile("/demo-host/asked", os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
		if err != nil {
			t.Fatal(err)
		}
		half := len(content) / 2
		_, err = f.WriteAt([]byte(content[half:]), int64(half)) // in any order
		_, err2 := f.WriteAt([]byte(content[:half]), 0)
		if err := errors.Join(err, err2, f.Chmod(0o755)); err != nil {
			t.Fatal(err)
		}
		closed := make(chan error, 1)
		go func() { closed <- f.Close() }()
		id := waitingRequest(t, b)
		b.ssh("bob", "approvals").must(t, 0).has(t, fmt.Sprintf("bytes=%d sha256=%x then-mode=0755", len(content), sha256.Sum256([]byte(content))))
		b.ssh("bob", answer, id, "--comment", "seen").must(t, 0)
		return <-closed
	}
	holds := func(want string) {
		t.Helper()
		f, err := c.Open("/demo-host/asked")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got, err := io.ReadAll(struct{ io.Reader }{f}); err != nil || string(got) != want {
			t.Errorf("it holds %q, %v", got, err)
		}
	}
	if err := put("harmless", "approve"); err != nil {
		t.Errorf("what was approved: %v", err)
	}
	holds("harmless")
	if info, err := c.Stat("/demo-host/asked"); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v %v", info, err)
	}
	if err := put("harmful!", "deny"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("what was denied: %v", err)
	}
	holds("harmless")
	if err := put("", "approve"); err != nil {
		t.Errorf("nothing, approved: %v", err)
	}
	holds("")
	b.unasked(t, c)
}

// unasked are ways to write what nobody could say yes to.
func (b *testBastion) unasked(t *testing.T, c *sftp.Client) {
	t.Helper()
	if f, err := c.OpenFile("/demo-host/asked", os.O_RDWR|os.O_CREATE); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("for both: %v, %v", f, err)
	}
	f, err := c.OpenFile("/demo-host/asked", os.O_WRONLY|os.O_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("far"), 2<<30); err != nil {
		t.Errorf("a piece far behind: %v", err)
	}
	if _, err := f.WriteAt([]byte("near"), 0); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that is too long to hold: %v", err)
	}
	if _, err := f.WriteAt([]byte("gap"), 2<<30+4); err != nil {
		t.Errorf("another piece: %v", err)
	}
	if err := f.Close(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file with a gap: %v", err)
	}
	if out := b.ssh("bob", "approvals").must(t, 0).out; strings.TrimSpace(out) != "" {
		t.Errorf("it was asked for: %s", out)
	}
}
