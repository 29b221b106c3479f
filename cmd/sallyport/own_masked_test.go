package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

const (
	ownMaskedUser     = "sallyport_masked" // as the template has it
	ownMaskedPassword = "s3c0nd-l1ne"
)

// ownMasked makes the second login as the template's comments say.
func ownMasked(t *testing.T, s *ownSite) {
	exec := func(text string) {
		t.Helper()
		if err := s.pg.Exec(t.Context(), ownDatabase, text); err != nil {
			t.Fatal(err)
		}
	}
	exec(`create function ids() returns setof int language plpgsql stable as 'begin return query select id from customers order by id; end';
		create function mails() returns setof text language plpgsql stable as 'begin return query select email from customers; end'`)
	exec(runOwn(t, "mask", "role", "orders-db", "--config", s.file, "--role", ownMaskedUser).must(t, 0).out)
	if err := s.pg.CreateUser(t.Context(), ownMaskedUser, ownMaskedPassword); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(s.file), "orders-db-masked-password")
	if err := errors.Join(os.WriteFile(path, []byte(ownMaskedPassword), 0o600), os.Chmod(path, 0o600)); err != nil {
		t.Fatal(err)
	}
	s.edit(t, "    # masked_user:", "    masked_user:", "    # masked_password:", "    masked_password:")
	s.check(t, 0).has(t, "ok    target orders-db", "ok    restricted login orders-db").lacks(t, ownMaskedPassword)
	exec("grant select on customers to " + ownMaskedUser)
	s.check(t, 1).has(t, "ok    target orders-db", "FAIL  restricted login orders-db: it is not closed", `"email"`, "hint: sallyport mask role orders-db --check")
	exec("revoke select on customers from " + ownMaskedUser + "; grant select (id) on customers to " + ownMaskedUser)
	s.check(t, 0)
}

// ownNotUnderstood: a function whose body is not read runs with the second
// login. What it may read is shown; what it may not, the server refuses.
func ownNotUnderstood(t *testing.T, s *ownSite) {
	b := s.bastion
	b.ssh("bob", "sql", "orders-db", quote("select * from ids()")).must(t, 0).has(t, "1", "2").lacks(t, "withheld")
	r := b.ssh("bob", "sql", "orders-db", quote("select * from mails()")).lacks(t, "@", ownMail[0])
	if r.code == 0 {
		t.Errorf("a function read masked columns: %s", r.out)
	}
	r.has(t, "permission denied")
	// The path goes off as soon as there is a hole, in sessions that are open too.
	if err := s.pg.Exec(t.Context(), ownDatabase, "grant select on customers to public"); err != nil {
		t.Fatal(err)
	}
	b.ssh("bob", "sql", "orders-db", quote("select * from mails()")).must(t, 254).has(t, "restricted login", "customers").lacks(t, "@")
	if err := s.pg.Exec(t.Context(), ownDatabase, "revoke select on customers from public"); err != nil {
		t.Fatal(err)
	}
	rows, err := s.pg.Query(t.Context(), ownDatabase, "select from pg_stat_activity where usename = '"+ownMaskedUser+"' and state <> 'idle'")
	if err != nil || len(rows) > 0 {
		t.Errorf("restricted sessions that still run: %v, %v", rows, err)
	}
}
