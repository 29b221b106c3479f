package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pkg/sftp"
)

// A client that looks at nothing first, and reads where it likes, gets no more than
// those that ask politely.
func TestFilesBluntClient(t *testing.T) {
	b := startBastion(t, "--later", "orders-db,orders-maria")
	b.signIn("alice")
	c, err := sftp.NewClient(b.dial(t, "alice", "alice"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	// What detectors would mask: nothing of it comes, nor what is behind it.
	log, err := c.Open("/demo-host/app.log")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if _, err := io.Copy(&got, struct{ io.Reader }{log}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a log with addresses: %v", err)
	}
	if bytes.Contains(got.Bytes(), []byte("@")) {
		t.Errorf("an address came: %s", got.Bytes())
	}
	_ = log.Close() // refused already

	// What masks look into is read from its beginning: a place far behind is refused.
	far, err := c.Open("/demo-host/notes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := far.ReadAt(make([]byte, 10), 64<<20); err == nil || n > 0 {
		t.Errorf("from 64 MiB on: %d bytes, %v", n, err)
	}
	_ = far.Close()

	for path, want := range map[string]error{
		"/orders-lite/x": fs.ErrNotExist, "/nowhere/x": fs.ErrNotExist, "/demo-host/nowhere": fs.ErrNotExist, "/": fs.ErrPermission,
	} {
		if _, err := c.Open(path); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
	}
	if _, err := c.Create("/demo-host/.profile"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that is denied: %v", err)
	}
	if f, err := c.OpenFile("/demo-host/both", os.O_RDWR|os.O_CREATE); err != nil {
		t.Errorf("a file for both: %v", err)
	} else {
		_, werr := f.WriteAt([]byte("to and fro"), 0)
		back := make([]byte, 10)
		_, rerr := io.ReadFull(io.NewSectionReader(f, 0, 10), back)
		if err := errors.Join(werr, rerr, f.Close()); err != nil || string(back) != "to and fro" {
			t.Errorf("a file for both: %q, %v", back, err)
		}
	}
	// A link out of the home leads to a place that no rule of the demo forbids: it is
	// the host that keeps what is outside.
	if err := c.Symlink("../../../../etc/hostname", "/demo-host/out"); err == nil {
		if _, err := c.Open("/demo-host/out"); err == nil {
			t.Error("a link leads out of the home")
		}
	}
	if err := c.Rename("/demo-host/notes.txt", "/demo-host/.bashrc"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a rename to what is denied: %v", err)
	}
}

// A client that leaves while its operation waits for a yes takes the request back,
// and a session that is ended takes its open files with it.
func TestFilesLeftWaiting(t *testing.T) {
	b := startBastion(t, "--later", "orders-db,orders-maria")
	b.signIn("alice")
	b.signIn("bob")
	b.asksFor("{name: asked, approve: [file], files: [delete], paths: [/**], by: [dba]}", "remove /notes.txt")
	wire := b.dial(t, "alice", "alice")
	c, err := sftp.NewClient(wire)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	go func() { left <- c.Remove("/demo-host/notes.txt") }()
	id := waitingRequest(t, b)
	_ = wire.Close()
	if err := <-left; err == nil {
		t.Error("a file was removed without a yes")
	}
	b.withdrawn(t, id)

	if c, err = sftp.NewClient(b.dial(t, "alice", "alice")); err != nil {
		t.Fatal(err)
	}
	f, err := c.Create("/demo-host/half")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("half of it")); err != nil {
		t.Fatal(err)
	}
	live := sessionID.FindString(b.ssh("alice", "sessions").must(t, 0).out)
	b.ssh("alice", "end", live).must(t, 0)
	if _, err := f.Write([]byte("the other")); err == nil {
		t.Error("an ended session takes more")
	}
	if _, err := c.Stat("/demo-host/half"); err == nil {
		t.Error("an ended session answers")
	}
	b.ssh("alice", "replay", live).must(t, 0).has(t, "10 bytes written", "failed")
}

var sessionID = regexp.MustCompile(`[0-9]{8}T[0-9]{6}-[0-9a-z]+`)

// asksFor adds a rule on files to the demo's, and waits until an operation asks by it.
func (b *testBastion) asksFor(rule, operation string) {
	b.t.Helper()
	const before = "      - name: no-dot-files\n"
	config := filepath.Join(b.data, "demo.yaml")
	text, err := os.ReadFile(config)
	if err != nil {
		b.t.Fatal(err)
	}
	changed := strings.Replace(string(text), before, "      - "+rule+"\n"+before, 1)
	if err := errors.Join(os.WriteFile(config+".new", []byte(changed), 0o600), os.Rename(config+".new", config)); err != nil {
		b.t.Fatal(err)
	}
	b.eventually("the rule is in force", func() bool {
		return b.ssh("alice", "why", "demo-host", "--file", "--", quote(operation)).contains("needs approval from one of dba")
	})
}
