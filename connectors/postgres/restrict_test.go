package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/postgres/grants"
	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

const maskedPassword = "pw-Holunder-90ddba11"

const maskedSchema = `create table customers (id int primary key, email text, tier text);
	insert into customers values (1, 'ada@mail.example.com', 'pro'), (2, 'bob@mail.example.com', 'free');
	create table notes (body text); insert into notes values ('n');
	create view v as select email from customers;
	create function talk() returns text language plpgsql stable as 'declare x text; begin select email into x from customers limit 1; return x; end';
	create function tiers() returns setof text language plpgsql stable as 'begin return query select tier from customers order by id; end';
	create function turn() returns text language plpgsql as 'begin perform set_config(''search_path'', ''nowhere'', false), set_config(''default_transaction_read_only'', ''off'', false); return ''x''; end';
	create function write() returns text language plpgsql as 'begin insert into notes values (''w''); return ''x''; end';`

// masker is a guard that tells its masks ahead, as the gate's does.
type masker struct {
	*connectortest.Guard
	plan *mask.Plan
}

func (m masker) Masks() (seen, kept *mask.Plan, err error) { return m.Seen, m.plan, nil }

func emailPlan(t testing.TB) *mask.Plan {
	t.Helper()
	p, err := mask.NewPlan([]mask.Rule{{Name: "personal", Column: "customers.email"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// openMasked opens a connection with a second login, which is made by the
// generated text. fetched counts how often its credential was asked for.
func openMasked(t *testing.T) (s *pgserver.Server, name, role string, c *Conn, g masker, fetched *int) {
	t.Helper()
	s, name = database(t, maskedSchema)
	role = "masked_" + name
	plan := emailPlan(t)
	g = masker{allow(), plan}
	g.Seen, g.Kept = plan, plan
	fetched = new(int)
	e := endpoint(s, name)
	e.Masked = &connectors.Login{User: role, Secret: func(context.Context) (mask.Secret, error) {
		*fetched++
		return mask.NewSecret([]byte(maskedPassword)), nil
	}}
	opened, err := testDriver().Open(t.Context(), e, mask.NewSecret([]byte(appPassword)), g)
	if err != nil {
		t.Fatal(err)
	}
	c = opened.(*Conn)
	t.Cleanup(func() { _ = c.Close() })
	text, err := c.RoleSQL(t.Context(), plan, role, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(t.Context(), name, text); err != nil {
		t.Fatal(err)
	}
	if err := s.CreateUser(t.Context(), role, maskedPassword); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Close()
		if err := s.Exec(context.Background(), name, fmt.Sprintf("drop owned by %q; drop role %q", role, role)); err != nil {
			t.Error(err)
		}
	})
	return s, name, role, c, g, fetched
}

// ask runs a text on the restricted path, as Query does with what it does not
// understand.
func ask(t testing.TB, c *Conn, g connectors.Guard, text string) (rows string, err error) {
	t.Helper()
	ctx, err := c.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.refresh(ctx, g); err != nil {
		t.Fatal(err)
	}
	j, err := c.driver.judge(ctx, text)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.queryRestricted(ctx, g, text, j, resolve(j, c.catalog.Load()))
	if err != nil {
		return "", err
	}
	defer r.Close()
	for {
		batch, err := r.Batch(t.Context(), 10)
		for _, row := range batch {
			for _, cell := range row {
				rows += cell.Text + "|"
			}
		}
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
	}
}

func TestRestricted(t *testing.T) {
	s, name, role, c, g, fetched := openMasked(t)
	if ok, why := c.Restricted(); ok || why == "" || *fetched != 0 {
		t.Errorf("before it is needed: %v %q, credential fetched %d times", ok, why, *fetched)
	}
	// What is not permitted fetches no credential, and opens nothing.
	denied := &policy.Refusal{Rule: "r"}
	g.Judge = func(connectors.Operation) error { return denied }
	if got, err := ask(t, c, g, "select * from tiers()"); !errors.Is(err, denied) || *fetched != 0 || c.second.conn != nil {
		t.Errorf("denied: %q, %v; the credential was fetched %d times", got, err, *fetched)
	}
	g.Judge = func(connectors.Operation) error { return nil }
	for text, want := range map[string]string{
		"select * from tiers()":         "pro|free|",
		"select upper(body) from notes": "N|",
		"select turn()":                 "x|",
		"select session_user":           role + "|",
	} {
		if got, err := ask(t, c, g, text); err != nil || got != want {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"select talk()":                       "permission denied",
		"select email from customers":         "permission denied",
		"select * from v":                     "permission denied",
		"select c from customers c":           "permission denied",
		"select write()":                      "read-only",
		"do $$ begin perform write(); end $$": "read-only",
		"set role app":                        "not supported",
		"select count(*) from customers where email like 'a%'": "permission denied",
	} {
		got, err := ask(t, c, g, text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(got+err.Error(), "ada@") {
			t.Errorf("%q: %q, %v; want an error with %q", text, got, err, want)
		}
	}
	if ok, why := c.Restricted(); !ok || *fetched != 1 {
		t.Errorf("restricted: %v %q; the credential was fetched %d times", ok, why, *fetched)
	}
	// Query itself leaves to it what is opaque, and nothing else.
	for text, want := range map[string]string{"select * from tiers()": "pro free", "select email from customers": "[masked] [masked]"} {
		r, err := c.Query(t.Context(), g, connectors.Statement{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		batch, err := r.Batch(t.Context(), 10)
		if err != nil && !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		var got []string
		for _, row := range batch {
			got = append(got, row[0].Text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		r.Close()
	}
	// One for whom nothing is masked needs no second line.
	free := masker{allow(), g.plan}
	var err error
	if free.Seen, err = mask.NewPlan(nil, nil); err != nil {
		t.Fatal(err)
	}
	if !c.secondLine(g, policy.Facts{Opaque: true}) || c.secondLine(free, policy.Facts{Opaque: true}) {
		t.Error("the second line is for those from whom something is kept")
	}
	for _, op := range g.Operations() {
		if op.Login != role && op.Text != "select email from customers" {
			t.Errorf("%q was asked for the login %q", op.Text, op.Login)
		}
	}
	// The ordinary session is as it was, and so is what it runs as.
	if _, rows, _, err := run(t, c, g.Guard, "select current_user from notes"); err != nil || len(rows) != 1 {
		t.Errorf("the ordinary session: %v, %v", rows, err)
	}
	if notes := strings.Join(g.Notes(), "\n"); !strings.Contains(notes, "open a second session with the restricted login") || strings.Contains(notes, maskedPassword) {
		t.Errorf("notes: %s", notes)
	}
	// A hole made by others closes the path, before anybody is asked.
	if err := s.Exec(t.Context(), name, "grant select on v to public"); err != nil {
		t.Fatal(err)
	}
	before := len(g.Operations())
	var no *policy.Refusal
	if got, err := ask(t, c, g, "select * from v"); !errors.As(err, &no) || !strings.Contains(no.Reason, `view "public"."v"`) {
		t.Errorf("after a view was opened to all: %q, %v", got, err)
	}
	if n := len(g.Operations()); n != before {
		t.Errorf("the guard was asked for what cannot run")
	}
	if ok, why := c.Restricted(); ok || !strings.Contains(why, `"v"`) {
		t.Errorf("after a view was opened to all: %v %q", ok, why)
	}
}

// TestRestrictedByPermit: the plan that the permit brings counts, whatever was
// told ahead.
func TestRestrictedByPermit(t *testing.T) {
	_, _, _, c, g, _ := openMasked(t)
	more, err := mask.NewPlan([]mask.Rule{{Name: "all", Column: "*.tier"}, {Name: "personal", Column: "customers.email"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	g.Kept = more
	var no *policy.Refusal
	if got, err := ask(t, c, g, "select * from tiers()"); !errors.As(err, &no) || !strings.Contains(no.Reason, `"tier"`) {
		t.Errorf("a mask that came while it waited: %q, %v", got, err)
	}
	for _, p := range g.Permits() {
		if len(p.Outcomes()) != 1 {
			t.Errorf("a permit was ended %d times", len(p.Outcomes()))
		}
	}
}

// TestNotRestricted: without a second login that works, nothing runs, and the
// connection goes on.
func TestNotRestricted(t *testing.T) {
	s, name := database(t, maskedSchema)
	g := masker{allow(), emailPlan(t)}
	secret := func(context.Context) (mask.Secret, error) { return mask.NewSecret([]byte("wrong")), nil }
	unset := errors.New("environment variable is not set")
	if err := s.CreateUser(t.Context(), "app2", "not wrong"); err != nil {
		t.Fatal(err)
	}
	for what, login := range map[string]*connectors.Login{
		"no such role":       {User: "app3", Secret: secret},
		"there is none":      nil,
		"the ordinary login": {User: "app"},
		"a wrong password":   {User: "app2", Secret: secret},
		"no credential":      {User: "app2", Secret: func(context.Context) (mask.Secret, error) { return mask.Secret{}, unset }},
		"no name":            {},
	} {
		e := endpoint(s, name)
		e.Masked = login
		c := openAs(t, e, appPassword, g.Guard)
		if got, err := ask(t, c, g, "select 1"); err == nil {
			t.Errorf("%s: %q", what, got)
		} else if strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: %v", what, err)
		}
		if ok, why := c.Restricted(); ok || why == "" {
			t.Errorf("%s: %v %q", what, ok, why)
		}
		if _, rows, _, err := run(t, c, g.Guard, "select body from notes"); err != nil || len(rows) != 1 {
			t.Errorf("%s: the ordinary session: %v, %v", what, rows, err)
		}
	}
	if n := len(g.Permits()); n > 8 {
		t.Errorf("%d permits", n)
	}
}

// TestRestrictedEnds: cancelling and closing reach the second session.
func TestRestrictedEnds(t *testing.T) {
	s, name, role, c, g, _ := openMasked(t)
	sessions := func() int {
		rows, err := s.Query(context.WithoutCancel(t.Context()), name, "select from pg_stat_activity where usename = '"+role+"'")
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	if _, err := ask(t, c, g, "select 1"); err != nil {
		t.Fatal(err)
	}
	if n := sessions(); n != 1 {
		t.Fatalf("%d restricted sessions", n)
	}
	ctx, err := c.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	j, err := c.driver.judge(ctx, "select pg_sleep(600)")
	if err != nil {
		t.Fatal(err)
	}
	g.OnPermit = func(connectors.Operation) {
		go func() {
			for { // when it sleeps
				rows, err := s.Query(t.Context(), name, "select from pg_stat_activity where usename = '"+role+"' and wait_event = 'PgSleep'")
				if err != nil || len(rows) > 0 {
					_ = c.Close()
					return
				}
			}
		}()
	}
	r, err := c.queryRestricted(ctx, g, "select pg_sleep(600)", j, resolve(j, c.catalog.Load()))
	if err == nil {
		_, err = r.Batch(t.Context(), 1)
		r.Close()
	}
	if err == nil {
		t.Error("a statement outlived its connection")
	}
	if err := s.Exec(t.Context(), name, "select pg_sleep(0)"); err != nil {
		t.Fatal(err)
	}
	// The server's processes end a little after their connections.
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if sessions() == 0 {
			return
		}
	}
	t.Errorf("%d restricted sessions after Close", sessions())
}

func TestReport(t *testing.T) {
	_, _, role, c, g, _ := openMasked(t)
	r, err := c.RoleReport(t.Context(), g.plan, role)
	if err != nil || !r.Closed || r.Masked != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = c.RoleReport(t.Context(), g.plan, "app"); err != nil || r.Closed {
		t.Errorf("the ordinary login: %+v, %v", r, err)
	}
	if _, err = c.RoleReport(t.Context(), g.plan, "nobody at all"); !errors.Is(err, grants.ErrNoRole) {
		t.Errorf("nobody: %v", err)
	}
}
