package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The ten-minute tour of the README, with the stock client, on both databases.
func TestTour(t *testing.T) {
	b := startBastion(t)
	tourSignIn(t, b)
	b.signIn("bob")
	b.signIn("carol")
	b.signIn("dave")
	for _, db := range []string{"orders-lite", "orders-db"} {
		t.Run(db, func(t *testing.T) {
			b.t = t
			tourWorkspace(t, b, db)
			tourVerbs(t, b, db)
		})
	}
	t.Run("shell", func(t *testing.T) { b.t = t; tourShell(t, b) })
	t.Run("transcripts", func(t *testing.T) { b.t = t; tourTranscripts(t, b) })
	b.t = t
	b.stop()
	t.Run("verify", func(t *testing.T) { b.t = t; tourVerify(t, b) })
}

// Point 2: the sign-in screen leads straight into the picker, and the key is
// remembered.
func tourSignIn(t *testing.T, b *testBastion) {
	b.ssh("alice", "whoami").must(t, 253).has(t, "sign in first: ssh -p "+b.port+" localhost")
	s := b.screen("alice", 120, 40)
	text := s.WaitFor("a code", func(text string) bool { return userCode.MatchString(text) && loginURL.MatchString(text) })
	if all := userCode.FindAllString(text, -1); len(all) != 1 {
		t.Errorf("the screen shows %v, want one code:\n%s", all, text)
	}
	b.approve(text, "alice")
	s.See("orders-lite")
	s.See("demo-host")
	s.Type("lite")
	s.Gone("demo-host")
	s.Press("esc")
	s.See("demo-host")
	s.Press("q")
	s.Exit()
	b.ssh("alice", "whoami").must(t, 0).has(t, "alice", "engineering")
	// Nobody in particular: an empty picker says which groups were seen.
	b.ssh("alice", "ls").must(t, 0).has(t, "orders-lite", "orders-db", "demo-host")
}

// Point 4: a masked grid, an approval in place, a refusal by a named rule.
func tourWorkspace(t *testing.T, b *testBastion, db string) {
	alice := b.screen("alice", 140, 45)
	alice.See("orders-lite")
	alice.Type(db)
	alice.See(db)
	alice.Press("enter")
	alice.See("● recorded")
	alice.Type("select id, email, phone, ssn, card_number from customers order by id limit 20;")
	alice.Press("enter")
	alice.See("card_number")
	text := alice.WaitFor("20 rows", func(s string) bool { return strings.Contains(s, "20 row") })
	mustBeMasked(t, text)

	alice.Type("delete from orders;")
	alice.Press("enter")
	alice.See("dba")
	alice.Type("clean up after the test")
	alice.Press("enter")
	id := waitingRequest(t, b)

	bob := b.screen("bob", 140, 45)
	bob.See("orders-lite")
	bob.Press("2")
	bob.See("clean up after the test")
	bob.See("delete from orders")
	approveOnScreen(t, b, bob, id)
	alice.WaitFor("the row count", func(s string) bool { return strings.Contains(s, "DELETE 500") || strings.Contains(s, "500 rows") })
	bob.Kill()

	alice.Type("drop table orders;")
	alice.Press("enter")
	alice.WaitFor("the rule", func(s string) bool { return strings.Contains(s, "no-schema-changes") })
	alice.Kill()
}

// waitingRequest is the id of the one request that waits, as bob sees it.
func waitingRequest(t testing.TB, b *testBastion) string {
	t.Helper()
	for range 200 {
		if f := strings.Fields(b.ssh("bob", "approvals").must(t, 0).out); len(f) > 0 {
			return f[0]
		}
	}
	t.Fatal("no request waits")
	return ""
}

// approveOnScreen presses one key; a key within the grace period after a request
// appeared is ignored by design, so it is pressed until it counts.
func approveOnScreen(t *testing.T, b *testBastion, bob interface{ Press(...string) }, id string) {
	t.Helper()
	for range 200 {
		bob.Press("a")
		if !strings.Contains(b.ssh("bob", "approvals").must(t, 0).out, id+"  pending") {
			return
		}
	}
	t.Fatal("the approval key does nothing")
}

var (
	anEmail = regexp.MustCompile(`[\w.]+@[\w.]+\.\w+`)
	manyDig = regexp.MustCompile(`\d[\d -]{7,}\d`)
)

// mustBeMasked: nothing of an e-mail, at most four digits of a number.
func mustBeMasked(t *testing.T, text string) {
	t.Helper()
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, "localhost") || strings.Contains(line, "demo.example") {
			continue // headers name the person
		}
		if m := anEmail.FindString(line); m != "" {
			t.Errorf("an e-mail shows: %q", line)
		}
		if m := manyDig.FindString(line); m != "" && strings.Contains(line, "│") {
			t.Errorf("a number shows: %q", line)
		}
	}
}

// Point 7: verbs, exit codes, an approval without screens, a denial's words.
func tourVerbs(t *testing.T, b *testBastion, db string) {
	r := b.ssh("alice", "sql", db, quote("select email, tier from customers order by id limit 3"), "--csv").must(t, 0)
	rows, err := csv.NewReader(strings.NewReader(r.out)).ReadAll()
	if err != nil || len(rows) != 4 || rows[0][0] != "email" || strings.Contains(r.out, "@") {
		t.Errorf("csv: %v %v", rows, err)
	}
	b.ssh("alice", "sql", db, quote("select count(*) n from orders"), "--json").must(t, 0).has(t, `"n":"0"`)
	b.ssh("alice", "sql", db, quote("drop table orders")).must(t, 254).has(t, "no-schema-changes")
	b.ssh("alice", "sql", db, quote("selec 1")).must(t, 254)
	b.ssh("alice", "sql", "no-such-db", quote("select 1")).must(t, 254).has(t, "no-such-db")
	b.ssh("dave", "sql", db, quote("select 1")).must(t, 254)
	b.ssh("alice", "sql", db).must(t, 2)
	b.ssh("alice", "nonsense").must(t, 2)

	update := "update orders set status = 'x' where id = 1"
	r = b.ssh("alice", "sql", db, quote(update), "--wait", "0").must(t, 254).has(t, "needs approval")
	id := requestID(t, r.err)
	b.ssh("bob", "approvals").must(t, 0).has(t, id, "update orders set status = 'x' where id = 1")
	b.ssh("alice", "approve", id).must(t, 254).has(t, "own")
	b.ssh("carol", "approve", id).must(t, 254)
	b.ssh("bob", "deny", id, "--comment", quote("not on a Friday")).must(t, 0)
	b.ssh("bob", "approve", id).must(t, 254)

	done := make(chan result)
	go func() { done <- b.ssh("alice", "sql", db, quote(update), "--reason", quote("it is Monday")) }()
	id = waitingRequest(t, b)
	b.ssh("bob", "deny", id, "--comment", quote("still no")).must(t, 0)
	r = <-done
	r.must(t, 254).has(t, "still no", "bob")

	go func() { done <- b.ssh("alice", "sql", db, quote(update), "--reason", quote("please")) }()
	id = waitingRequest(t, b)
	b.ssh("bob", "approve", id).must(t, 0)
	r = <-done
	r.must(t, 0).has(t, "UPDATE 0")

	// bob's role uncovers e-mail; his transcript does not hold it.
	r = b.ssh("bob", "sql", db, quote("select email, ssn from customers order by id limit 1"), "--csv").must(t, 0)
	mail := anEmail.FindString(r.out)
	if mail == "" {
		t.Errorf("bob sees no e-mail: %q", r.out)
	}
	ids := strings.Fields(b.ssh("bob", "transcripts").must(t, 0).out)
	b.ssh("bob", "replay", ids[0]).must(t, 0).has(t, "select email, ssn").lacks(t, mail)
}

var request = regexp.MustCompile(`request (\w+)`)

func requestID(t *testing.T, text string) string {
	t.Helper()
	m := request.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no request in %q", text)
	}
	return m[1]
}

// Point 5: a real terminal at the target, and back.
func tourShell(t *testing.T, b *testBastion) {
	s := b.screen("alice", 100, 30)
	s.See("demo-host")
	s.Type("demo-host")
	s.Gone("orders-lite")
	s.Press("enter")
	s.WaitFor("a prompt", func(text string) bool { return strings.Contains(text, "$") })
	s.Type("stty size\r")
	s.See("30 100")
	s.Resize(120, 40)
	s.WaitFor("the new size", func(text string) bool {
		if !strings.Contains(text, "40 120") {
			s.Type("stty size\r")
		}
		return strings.Contains(text, "40 120")
	})
	s.Type("vim -u NONE\r")
	s.See("VIM - Vi IMproved")
	s.Type("ihello from vim\x1b")
	s.See("hello from vim")
	s.Type(":q!\r")
	s.Gone("hello from vim")
	s.Type("exit\r")
	s.See("the shell on demo-host ended")
	s.Kill()
	b.ssh("alice", "exec", "demo-host", "--", "echo out; echo err >&2; exit 7").must(t, 7).has(t, "out", "err")
	r := b.sshIn("alice", "stdin\n", "exec", "demo-host", "--", "cat").must(t, 0)
	if r.out != "stdin\n" {
		t.Errorf("cat gave %q", r.out)
	}
}

// Point 6: one's own transcripts, all of them for the auditor, and what they hold.
func tourTranscripts(t *testing.T, b *testBastion) {
	mine := b.ssh("alice", "transcripts").must(t, 0).has(t, "alice").lacks(t, "bob@")
	b.ssh("carol", "transcripts").must(t, 0).has(t, "alice", "bob")
	b.ssh("dave", "transcripts").must(t, 0).lacks(t, "alice")
	var shell, sql string
	for line := range strings.Lines(mine.out) {
		id := strings.Fields(line)[0]
		if strings.Contains(line, " shell ") {
			shell = id
		}
		if strings.Contains(line, " sql ") && b.ssh("alice", "replay", id).must(t, 0).contains("clean up after the test") {
			sql = id
		}
	}
	if shell == "" || sql == "" {
		t.Fatalf("no transcript of the shell (%q) or of the workspace (%q):\n%s", shell, sql, mine.out)
	}
	b.ssh("carol", "replay", sql).must(t, 0).has(t, "delete from orders", "approve by rule", "granted", "yes from bob", "DELETE 500", "(masked)")
	b.ssh("carol", "replay", shell).must(t, 0).has(t, "stty size", "hello from vim")
	b.ssh("bob", "replay", shell).must(t, 254)

	s := b.screen("carol", 120, 40)
	s.See("3")
	s.Press("3")
	s.See("alice")
	s.Kill()
}

func (r result) contains(s string) bool { return strings.Contains(r.out, s) }

// The chain is whole, and where it breaks after one byte of the file is changed.
func tourVerify(t *testing.T, b *testBastion) {
	b.verify().must(t, 0).has(t, "the chain is whole")
	files, err := filepath.Glob(filepath.Join(b.data, "transcripts*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if text, err := os.ReadFile(f); err != nil || strings.Contains(string(text), "delete from orders") {
			t.Errorf("%s holds a statement in clear, or cannot be read: %v", f, err)
		}
	}
	days, err := filepath.Glob(filepath.Join(b.data, "transcripts-*.db"))
	if err != nil || len(days) == 0 {
		t.Fatalf("no file of a day among %v", files)
	}
	path := days[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := len(whole) / 2
	broken := append([]byte{}, whole...)
	broken[at] ^= 1
	if err := os.WriteFile(path, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	b.verify().must(t, 1).has(t, "broken")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	b.verify().must(t, 0)
	// A second start on the same data keeps keys and transcripts.
	b.start()
	b.ssh("alice", "transcripts").must(t, 0).has(t, "alice")
	var kept []string
	for line := range strings.Lines(b.ssh("alice", "transcripts").must(t, 0).out) {
		kept = append(kept, strings.Fields(line)[0])
	}
	b.ssh("alice", "logout").must(t, 0)
	b.ssh("alice", "whoami").must(t, 253)
	b.stop()
	b.verify().must(t, 0)
	if d := cmp.Diff(true, len(kept) > 3); d != "" {
		t.Errorf("transcripts are gone: %v", kept)
	}
}
