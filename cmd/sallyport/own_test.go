package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
	"github.com/sallyport/sallyport/server/identity/idptest"
	"github.com/sallyport/sallyport/server/termtest"
)

// ownSite is what somebody has who follows "Your own database" of the README: a
// PostgreSQL, an OpenID provider of another make, and the file that init wrote.
type ownSite struct {
	pg      *pgserver.Server
	issuer  string
	file    string // bastion.yaml, in a folder with the password's file
	wrote   string // what init wrote into it
	bastion *testBastion
}

// The site's words. The password has what quoting gets wrong; the part before
// that is looked for wherever it must not be.
const (
	ownDatabase = "shop"
	ownUser     = "shop-app"
	ownSecret   = "s3cr3t-0f-the-shop"
	ownPassword = ownSecret + ` it's "100%" \ {file: x} # no`
	ownWrong    = "n0t-the-passw0rd"
)

// ownMail are the e-mails in the table, which nobody may see.
var ownMail = []string{"grace@customers.example", "edsger@customers.example"}

var placeholder = regexp.MustCompile(`(https://)?CHANGE-ME[.\w-]+(:\d+)?`)

// README's "Your own database", line by line: init, edit, check, serve, and a
// person at the door who works on the database.
func TestOwnDatabase(t *testing.T) {
	s := &ownSite{pg: ownPostgres(t), issuer: idptest.Start(t, map[string]idptest.Person{
		"bob":   {Email: "bob@idp.example", Groups: []string{"engineers"}},
		"dora":  {Email: "dora@idp.example", Groups: []string{"dba"}},
		"mario": {Email: "mario@idp.example", Groups: []string{"sales"}},
	}).Issuer}
	s.file = filepath.Join(t.TempDir(), "bastion.yaml")
	s.bastion = &testBastion{t: t, data: filepath.Join(filepath.Dir(s.file), "sallyport-data"), home: t.TempDir()}
	t.Cleanup(func() {
		s.bastion.t = t
		s.bastion.stop()
		if t.Failed() && s.bastion.log != nil {
			t.Log("the bastion printed:\n" + s.bastion.log.String())
		}
	})
	for _, step := range []struct {
		name string
		run  func(*testing.T, *ownSite)
	}{
		{"init", ownInit},
		{"placeholders", ownPlaceholders},
		{"check", ownCheck},
		{"check finds", ownFaults},
		{"restricted login", ownMasked},
		{"serve", ownServe},
		{"sign in", ownSignIn},
		{"sql", ownSQL},
		{"sql not understood", ownNotUnderstood},
		{"approve", ownApprove},
		{"stop", ownStop},
	} {
		// Each step stands on the one before.
		if !t.Run(step.name, func(t *testing.T) { s.bastion.t = t; step.run(t, s) }) {
			t.FailNow()
		}
	}
}

// ownPostgres is a server with one database, one table, and a login that may do
// what its people may, and nothing besides.
func ownPostgres(t *testing.T) *pgserver.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	pg, err := pgserver.Start(ctx, pgserver.Options{})
	if errors.Is(err, pgserver.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, NOT PROVED: one's own PostgreSQL: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pg.Stop)
	if _, err := pg.CreateDatabase(ctx, ownDatabase); err != nil {
		t.Fatal(err)
	}
	if err := pg.CreateUser(ctx, ownUser, ownPassword); err != nil {
		t.Fatal(err)
	}
	err = pg.Exec(ctx, ownDatabase, `create table customers (id int primary key, email text, phone text);
		insert into customers (id, email) values (1, '`+strings.Join(ownMail, "'), (2, '")+`');
		grant select, insert, update, delete on customers to "`+ownUser+`"`)
	if err != nil {
		t.Fatal(err)
	}
	return pg
}

// runOwn runs a subcommand as an administrator would, to its end.
func runOwn(t *testing.T, args ...string) result {
	t.Helper()
	cmd := sallyport(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop() // the code is -1 then
	_ = cmd.Wait()                                                              // the code tells
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

func ownInit(t *testing.T, s *ownSite) {
	runOwn(t, "init", s.file).must(t, 0).has(t, "sallyport check --config "+s.file)
	b, err := os.ReadFile(s.file)
	if err != nil {
		t.Fatal(err)
	}
	s.wrote = string(b)
	runOwn(t, "init", s.file).must(t, 1).has(t, "is there already", "--force")
}

// Nothing starts while a placeholder is in, and each is named with its line.
func ownPlaceholders(t *testing.T, s *ownSite) {
	var marked []string
	for line := range strings.Lines(s.wrote) {
		if code, _, _ := strings.Cut(line, "#"); strings.Contains(code, "CHANGE-ME") {
			marked = append(marked, placeholder.FindString(code))
		}
	}
	check := s.check(t, 1).has(t, marked...).has(t, "sign_in.issuer", "sign_in.client_id", "resources[0].address",
		"resources[0].database", "resources[0].user", "roles[0].groups[0]", "roles[0].rules[1].by[0]")
	serve := runOwn(t, "serve", "--config", s.file).must(t, 1)
	if d := cmp.Diff(check.out+check.err, serve.out+serve.err); d != "" {
		t.Errorf("check and serve do not say the same (-check +serve):\n%s", d)
	}
	if _, err := os.Stat(s.bastion.data); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a data directory already: %v", err)
	}
}

// edit writes the file as init did, filled in, and with further replacements:
// old, new, old, new. A text to be replaced must be there.
func (s *ownSite) edit(t *testing.T, more ...string) {
	t.Helper()
	text := s.wrote
	change := append([]string{
		"issuer: https://CHANGE-ME.example", "issuer: " + s.issuer + "\n  insecure_issuer: true",
		"CHANGE-ME-client-id", idptest.Client,
		"[profile, email]", "[" + strings.Join(idptest.Scopes, ", ") + "]",
		"CHANGE-ME-host:5432", s.pg.SocketDir(),
		"CHANGE-ME-database", ownDatabase,
		"CHANGE-ME-user", ownUser,
		"CHANGE-ME-group", "engineers",
		"CHANGE-ME-approvers", "dba",
		"    tls: verify-full", "    # tls: verify-full",
	}, more...)
	for pair := range slices.Chunk(change, 2) {
		if !strings.Contains(text, pair[0]) {
			t.Fatalf("there is no %q to replace in\n%s", pair[0], text)
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// password writes the file that init's configuration names.
func (s *ownSite) password(t *testing.T, text string, mode fs.FileMode) {
	t.Helper()
	path := filepath.Join(filepath.Dir(s.file), "orders-db-password")
	if err := errors.Join(os.WriteFile(path, []byte(text+"\n"), mode), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

// check runs `sallyport check`, which never shows a password.
func (s *ownSite) check(t *testing.T, code int) result {
	t.Helper()
	return runOwn(t, "check", "--config", s.file).must(t, code).lacks(t, ownSecret, ownWrong)
}

// What is filled in as the file's comments say is good.
func ownCheck(t *testing.T, s *ownSite) {
	s.password(t, ownPassword, 0o600)
	s.edit(t, "    # tls: verify-full", "    tls: verify-full")
	s.check(t, 1).has(t, "resources[0].tls", "a Unix socket has no TLS: take it away")
	s.edit(t)
	r := s.check(t, 0).lacks(t, "FAIL", "warn", "skip")
	want := "ok    configuration " + s.file + "\n" +
		"ok    data directory " + s.bastion.data + "\n" +
		"ok    provider " + s.issuer + "\n" +
		"ok    target orders-db\n"
	if d := cmp.Diff(want, r.out); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// What is wrong is said, for its own thing alone.
func ownFaults(t *testing.T, s *ownSite) {
	// One after the other: the next has undone what the one before did.
	s.password(t, ownWrong, 0o600)
	s.check(t, 1).has(t, "ok    provider", "FAIL  target orders-db", "password authentication failed")
	s.password(t, ownPassword, 0o644)
	s.check(t, 1).has(t, "FAIL  target orders-db", "chmod 600")
	s.password(t, ownPassword, 0o600)

	s.edit(t, s.pg.SocketDir(), s.pg.SocketDir()+"/gone")
	s.check(t, 1).has(t, "ok    provider", "FAIL  target orders-db", "unreachable", "no such file")

	var gone string
	t.Run("a provider that ends", func(t *testing.T) {
		gone = idptest.Start(t, map[string]idptest.Person{"bob": {}}).Issuer
		s.edit(t, s.issuer, gone)
		s.check(t, 0)
	})
	s.check(t, 1).has(t, "FAIL  provider "+gone, "refused", "ok    target orders-db", "ok    data directory")

	s.edit(t, "insecure_issuer: true", "")
	s.check(t, 1).has(t, "sign_in.issuer", "insecure_issuer: true")
	s.edit(t, "remember_key", "remember_keys")
	s.check(t, 1).has(t, s.file+":", "remember_keys")

	// More than an ordinary login is said aloud, and is no fault.
	s.edit(t)
	alter := func(to string) {
		if err := s.pg.Exec(t.Context(), ownDatabase, `alter role "`+ownUser+`" `+to); err != nil {
			t.Fatal(err)
		}
	}
	alter("superuser")
	s.check(t, 0).has(t, "warn  target orders-db: ", "superuser")
	alter("nosuperuser")
	s.check(t, 0).lacks(t, "warn")
}

// ownServe starts the bastion as a process of its own and learns its port from
// the log. The bastion ends with the whole test, not with this step.
func ownServe(t *testing.T, s *ownSite) {
	b := s.bastion
	b.log, b.exited = &logBuffer{}, make(chan error, 1)
	b.cmd = sallyport("serve", "--config", s.file, "--listen", "127.0.0.1:0")
	errs, err := b.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := b.cmd
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := make(chan string, 1)
	go func() { // until the process has ended
		defer close(address)
		for lines := bufio.NewScanner(io.TeeReader(errs, b.log)); lines.Scan(); {
			var said struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &said) == nil && said.Msg == "serving" {
				address <- said.Address
			}
		}
		b.exited <- cmd.Wait()
	}()
	if _, b.port, err = net.SplitHostPort(<-address); err != nil {
		t.Fatal("the bastion is not ready:\n" + b.log.String())
	}
}

// signIn signs people in on terminals, at the pages of the other provider. They
// do so together, as the provider wants to be asked every few seconds only.
func (s *ownSite) signIn(t *testing.T, people ...string) {
	t.Helper()
	var screens []*termtest.Screen
	for _, person := range people {
		screens = append(screens, s.bastion.screen(person, 100, 30, "whoami"))
	}
	for i, person := range people {
		text := screens[i].WaitFor("a code", func(text string) bool { return userCode.MatchString(text) && loginURL.MatchString(text) })
		at := loginURL.FindString(text)
		if !strings.HasPrefix(at, s.issuer+"/") {
			t.Errorf("the page is %q, not one of %s", at, s.issuer)
		}
		if err := idptest.Approve(t.Context(), at, userCode.FindString(text), person); err != nil {
			t.Fatalf("sign in as %s at %s: %v\n%s", person, at, err, text)
		}
	}
	for i, person := range people {
		code, text := screens[i].Exit(), screens[i].Text()
		if code != 0 || !strings.Contains(text, person+"@idp.example") {
			t.Fatalf("sign-in of %s ended with %d:\n%s", person, code, text)
		}
	}
}

// A person proves who they are on the provider's pages; the key is remembered.
func ownSignIn(t *testing.T, s *ownSite) {
	b := s.bastion
	b.ssh("bob", "whoami").must(t, 253)
	s.signIn(t, "bob", "dora", "mario")
	b.ssh("bob", "whoami").must(t, 0).has(t, "bob@idp.example", "engineers")
	b.ssh("bob", "ls").must(t, 0).has(t, "orders-db")
	// Another group of the same provider has nothing.
	b.ssh("mario", "ls").must(t, 0).lacks(t, "orders-db")
	b.ssh("mario", "sql", "orders-db", quote("select 1")).must(t, 254)
}

// Reads come back masked; nothing else runs by itself.
func ownSQL(t *testing.T, s *ownSite) {
	b := s.bastion
	const all = "select id, email from customers"
	b.ssh("bob", "sql", "orders-db", quote(all)).must(t, 0).has(t, "id", "email", "1", "2").lacks(t, "@", "customers.example")
	r := b.ssh("bob", "sql", "orders-db", quote(all+" order by id"), "--csv").must(t, 0)
	rows, err := csv.NewReader(strings.NewReader(r.out)).ReadAll()
	if err != nil || len(rows) != 3 || len(rows[0]) != 2 {
		t.Fatalf("csv: %q, %v", r.out, err)
	}
	for i, id := range []string{"id", "1", "2"} {
		if rows[i][0] != id || rows[i][1] == "" || strings.Contains(rows[i][1], "@") {
			t.Errorf("row %q, want %s and a mask", rows[i], id)
		}
	}
	b.ssh("bob", "sql", "orders-db", quote("delete from customers"), "--wait", "0").must(t, 254).
		has(t, "needs approval", "engineers/writes", "dba")
	b.ssh("bob", "sql", "orders-db", quote("create role eve login superuser"), "--wait", "0").must(t, 254).
		has(t, "engineers/never", "done by the database's owners, outside of the bastion")
	s.rows(t, "2")
}

// rows asks the database itself how many customers there are.
func (s *ownSite) rows(t *testing.T, want string) {
	t.Helper()
	got, err := s.pg.Query(t.Context(), ownDatabase, "select count(*) from customers")
	if err != nil || len(got) != 1 || got[0][0] != want {
		t.Errorf("the table has %v rows (%v), want %s", got, err, want)
	}
}

// One of the approvers' group says yes to a statement, and it runs.
func ownApprove(t *testing.T, s *ownSite) {
	b := s.bastion
	const sql = "delete from customers where id = 2"
	r := b.ssh("bob", "sql", "orders-db", quote(sql), "--wait", "0").must(t, 254)
	id := requestID(t, r.err)
	b.ssh("dora", "approvals").must(t, 0).has(t, id, sql, "bob")
	b.ssh("bob", "approve", id).must(t, 254)
	b.ssh("mario", "approve", id).must(t, 254)
	s.rows(t, "2")
	b.ssh("dora", "approve", id).must(t, 0)
	b.ssh("bob", "sql", "orders-db", quote(sql)).must(t, 0).has(t, "DELETE 1")
	s.rows(t, "1")
}

// The evidence is whole, and holds what was asked but no e-mail and no password.
func ownStop(t *testing.T, s *ownSite) {
	b := s.bastion
	process := b.cmd
	b.stop()
	if code := process.ProcessState.ExitCode(); code != 0 {
		t.Errorf("SIGTERM ended the bastion with %d", code)
	}
	b.verify().must(t, 0).has(t, "the chain is whole", " sealed").lacks(t, "not sealed")
	kept := b.log.String()
	files, _ := filepath.Glob(filepath.Join(b.data, "*")) // fails for bad patterns only
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		kept += string(text)
	}
	if !strings.Contains(kept, "delete from customers where id = 2") {
		t.Error("the statement is not in the evidence")
	}
	for _, never := range append([]string{ownSecret, ownMaskedPassword}, ownMail...) {
		if strings.Contains(kept, never) {
			t.Errorf("%q is in the data directory or the log", never)
		}
	}
}
