package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// What clients and targets do wrong, one after the other on one demo: it stays up,
// frees what was held, and every session ends in the record.
func TestFaultsOfClients(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("what a process holds is looked up in /proc")
	}
	b := startBastion(t, "--later", "orders-maria")
	dir := serverDirectory(b.data)
	t.Cleanup(func() {
		b.stop()
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove the demo's server: %v", err)
		}
	})
	b.signIn("alice")
	b.signIn("bob")
	for _, f := range []struct {
		name string
		test func(*testing.T, *testBastion)
	}{
		{"answers", faultAnswers}, {"credential", faultCredential}, {"interrupt", faultInterrupt}, {"withdrawn", faultWithdrawn},
		{"killed", faultKilled}, {"master", faultMaster}, {"sizes", faultSizes},
	} {
		t.Run(f.name, func(t *testing.T) { b.t = t; f.test(t, b) })
	}
	b.t = t
	b.whole()
	for line := range strings.Lines(b.list()) {
		if strings.HasSuffix(line, "  open\n") {
			t.Errorf("a session does not end in the record: %s", line)
		}
	}
}

// A wide and a long answer: nothing is lost, and the bastion does not hold them.
func faultAnswers(t *testing.T, b *testBastion) {
	var wide []string
	for i := range 50 {
		wide = append(wide, fmt.Sprintf("%d as column_%02d", i, i))
	}
	for _, db := range []string{"orders-lite", "orders-db"} {
		r := b.ssh("alice", "sql", db, quote("select "+strings.Join(wide, ", ")), "--csv").must(t, 0)
		rows, err := csv.NewReader(strings.NewReader(r.out)).ReadAll()
		if err != nil || len(rows) != 2 || len(rows[0]) != 50 || rows[0][49] != "column_49" || rows[1][49] != "49" {
			t.Errorf("50 columns of %s: %v, %v", db, rows, err)
		}
	}
	s := b.screen("alice", 100, 30)
	b.open(s, "orders-lite")
	s.See("● recorded")
	s.Type("select " + strings.Join(wide, ", ") + ";")
	s.Press("enter")
	s.See("1 row")
	s.Kill()

	many := 1_000_000
	if testing.Short() {
		many = 50_000
	}
	cmd := exec.Command("ssh", append(b.sshArgs("alice"), "-T", "127.0.0.1", "sql", "orders-db",
		quote(fmt.Sprintf("select i, i * 2 as twice from generate_series(1, %d) i", many)), "--csv")...)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines, last := 0, ""
	for sc := bufio.NewScanner(out); sc.Scan(); lines++ {
		last = sc.Text()
	}
	if err := cmd.Wait(); err != nil || lines != many+1 || last != fmt.Sprintf("%d,%d", many, 2*many) {
		t.Errorf("%d rows: %d lines, the last %q, %v", many, lines, last, err)
	}
	// All of them are in the record, too.
	if !b.replayed(t, "alice", fmt.Sprintf("%d rows", many)) {
		t.Errorf("the transcript does not tell of %d rows", many)
	}
	if kb := b.peak(t); kb > 400<<10 {
		t.Errorf("%d rows took the bastion to %d kB", many, kb)
	}
}

var peakLine = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// peak is the most memory that the bastion has had, in kB.
func (b *testBastion) peak(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", b.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	m := peakLine.FindSubmatch(status)
	if m == nil {
		t.Fatalf("no peak in %s", status)
	}
	kb, _ := strconv.Atoi(string(m[1])) // digits
	return kb
}

// A credential that the target refuses is named, and shown nowhere.
func faultCredential(t *testing.T, b *testBastion) {
	const wrong = "wrong-Quince-5150"
	for _, x := range []struct {
		file  string
		words []string
	}{
		{filepath.Join(b.data, "orders-db.password"), []string{"sql", "orders-db", quote("select 1")}},
		{filepath.Join(b.data, "host", "password"), []string{"exec", "demo-host", "--", "true"}},
	} {
		right, err := os.ReadFile(x.file)
		if err == nil {
			err = os.WriteFile(x.file, []byte(wrong), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		b.ssh("alice", x.words...).must(t, 1).has(t, x.words[1], "target refused the credential", "hint: tell the bastion's administrator").
			lacks(t, wrong, string(right))
		mustBeNowhere(t, b, x.file, wrong)
		mustBeNowhere(t, b, x.file, string(right))
		if err := os.WriteFile(x.file, right, 0o600); err != nil {
			t.Fatal(err)
		}
		b.ssh("alice", x.words...).must(t, 0)
	}
}

// mustBeNowhere: a secret is in its own file, and in no other, and in no log.
func mustBeNowhere(t *testing.T, b *testBastion, own, secret string) {
	t.Helper()
	if strings.Contains(b.log.String(), secret) {
		t.Error("the log holds the secret")
	}
	err := filepath.WalkDir(b.data, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the bastion works meanwhile: what was written beside a file has taken its place
		}
		if err != nil || !d.Type().IsRegular() || path == own {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// commandLines are those of the processes that run now, by id.
func commandLines(t *testing.T) map[int]string {
	t.Helper()
	all := map[int]string{}
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		id, nerr := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err == nil && nerr == nil { // else it has just ended
			all[id] = string(bytes.ReplaceAll(text, []byte{0}, []byte{' '}))
		}
	}
	return all
}

func runs(t *testing.T, part string) bool {
	for _, line := range commandLines(t) {
		if strings.Contains(line, part) && !strings.HasPrefix(line, "ssh ") {
			return true
		}
	}
	return false
}

var parentLine = regexp.MustCompile(`PPid:\s+(\d+)`)

// working is whether a backend of the demo's own server runs a statement.
func (b *testBastion) working(t *testing.T) bool {
	t.Helper()
	pid, err := os.ReadFile(filepath.Join(serverDirectory(b.data), "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	postmaster, _, _ := strings.Cut(string(pid), "\n")
	for id, line := range commandLines(t) {
		if !strings.Contains(line, "app orders") || !strings.Contains(line, "SELECT") {
			continue
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
		if m := parentLine.FindSubmatch(status); err == nil && m != nil && string(m[1]) == postmaster {
			return true
		}
	}
	return false
}

// ctrl-c during a statement that would take minutes ends it, at the server too.
func faultInterrupt(t *testing.T, b *testBastion) {
	for db, slow := range map[string]string{
		"orders-db":   "select count(*) from generate_series(1, 100000) a cross join generate_series(1, 100000) b where a * b = 7",
		"orders-lite": "with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000000000) select count(*) from n",
	} {
		s := b.screen("alice", 100, 30, "sql", db, quote(slow))
		if db == "orders-db" {
			b.eventually("the statement runs", func() bool { return b.working(t) })
		} else {
			b.eventually("the statement is in the record", func() bool { return b.replayed(t, "alice", "100000000000") })
		}
		s.Press("ctrl+c")
		code := s.Exit()
		if text := s.Text(); code == 0 || !strings.Contains(text, "cancelled") {
			t.Errorf("%s: exit code %d:\n%s", db, code, text)
		}
		if db == "orders-db" {
			b.eventually("the server is free", func() bool { return !b.working(t) })
		}
		b.ssh("alice", "sql", db, quote("select 1")).must(t, 0)
	}
}

// replayed is whether the person's newest transcript of a resource holds a text.
func (b *testBastion) replayed(t *testing.T, person, text string) bool {
	t.Helper()
	newest := strings.Fields(b.ssh(person, "transcripts").must(t, 0).out)
	return len(newest) > 0 && b.ssh(person, "replay", newest[0]).must(t, 0).contains(text)
}

// Whoever leaves while an approval is waited for has withdrawn the request, by
// ctrl-c as by vanishing. Nobody can approve it afterwards.
func faultWithdrawn(t *testing.T, b *testBastion) {
	update := []string{"sql", "orders-lite", quote("update orders set status = 'x' where id = 1"), "--reason", "test"}
	s := b.screen("alice", 100, 30, update...)
	id := waitingRequest(t, b)
	s.Press("ctrl+c")
	if code := s.Exit(); code == 0 {
		t.Error("a withdrawn operation ended with 0")
	}
	b.withdrawn(t, id)

	s = b.screen("alice", 100, 30, update...)
	id = waitingRequest(t, b)
	s.Kill()
	b.withdrawn(t, id)

	cmd := exec.Command("ssh", append(append(b.sshArgs("alice"), "-T", "127.0.0.1"), update...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	id = waitingRequest(t, b)
	_ = cmd.Process.Kill() // it waits
	_ = cmd.Wait()         // killed
	b.withdrawn(t, id)

	// In the workspace.
	s = b.screen("alice", 120, 40)
	b.open(s, "orders-lite")
	s.See("● recorded")
	s.Type("delete from orders;")
	s.Press("enter")
	s.See("dba")
	s.Type("no reason")
	s.Press("enter")
	id = waitingRequest(t, b)
	s.Kill()
	b.withdrawn(t, id)
	b.ssh("alice", "sql", "orders-lite", quote("select count(*) from orders where status <> 'x'"), "--csv").must(t, 0).has(t, "500")
}

func (b *testBastion) withdrawn(t *testing.T, id string) {
	t.Helper()
	b.eventually("request "+id+" is withdrawn", func() bool {
		return b.ssh("bob", "approvals", "--all").must(t, 0).contains(id + "  withdrawn")
	})
	b.ssh("bob", "approve", id).must(t, 254)
}

// A client that is killed in a workspace, in a shell, and in a command leaves
// nothing running, and its sessions end as disconnected.
func faultKilled(t *testing.T, b *testBastion) {
	s := b.screen("alice", 120, 40)
	b.open(s, "orders-db")
	s.See("● recorded")
	s.Type("select count(*) from generate_series(1, 100000) a cross join generate_series(1, 100000) b where a * b = 7;")
	s.Press("enter")
	b.eventually("the statement runs", func() bool { return b.working(t) })
	s.Kill()
	b.eventually("the server is free", func() bool { return !b.working(t) })
	b.disconnected(t, "orders-db", "sql")

	program := fmt.Sprintf("sleep 86399.%d", b.cmd.Process.Pid)
	s = b.screen("alice", 120, 40)
	b.open(s, "demo-host")
	s.WaitFor("a prompt", func(text string) bool { return strings.Contains(text, "$") })
	s.Type(program + "\r")
	b.eventually("the program runs", func() bool { return runs(t, program) })
	s.Kill()
	b.eventually("the program ends", func() bool { return !runs(t, program) })
	b.disconnected(t, "demo-host", "shell")

	program += "1"
	cmd := exec.Command("ssh", append(b.sshArgs("alice"), "-T", "127.0.0.1", "exec", "demo-host", "--", program)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.eventually("the command runs", func() bool { return runs(t, program) })
	_ = cmd.Process.Kill() // it waits
	_ = cmd.Wait()         // killed
	b.eventually("the command ends", func() bool { return !runs(t, program) })
	b.disconnected(t, "demo-host", "exec")
}

// disconnected waits until the newest transcript of a resource says so.
func (b *testBastion) disconnected(t *testing.T, resource, action string) {
	t.Helper()
	line := ""
	b.eventually(resource+" ends as disconnected", func() bool {
		for line = range strings.Lines(b.ssh("alice", "transcripts").must(t, 0).out) {
			if f := strings.Fields(line); len(f) > 4 && f[3] == resource && f[4] == action {
				return strings.HasSuffix(line, ", disconnected\n")
			}
		}
		return false
	})
}
