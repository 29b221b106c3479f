package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
	"github.com/sallyport/sallyport/mask"
)

// startShop starts a server that holds the shop, and returns a connection of the
// bastion's login.
func startShop(t *testing.T) (*pgserver.Server, *pgx.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := pgserver.Start(ctx, pgserver.Options{})
	if errors.Is(err, pgserver.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, the demo's PostgreSQL is not tested: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	if _, err := s.CreateDatabase(ctx, "orders"); err != nil {
		t.Fatal(err)
	}
	const password = "it's \\ a $$ password"
	// A login is granted what it may do at each start: twice changes nothing.
	for _, statements := range [][]string{PostgresSchema(), PostgresLogin(mask.Secret{}), PostgresLogin(mask.NewSecret([]byte(password)))} {
		if err := s.Exec(ctx, "orders", "BEGIN;"+strings.Join(statements, ";\n")+";COMMIT"); err != nil {
			t.Fatal(err)
		}
	}
	config, err := pgx.ParseConfig(fmt.Sprintf("host=%s user=%s dbname=orders sslmode=disable", s.SocketDir(), PostgresUser))
	if err != nil {
		t.Fatal(err)
	}
	config.Password = password
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return s, c
}

func TestPostgres(t *testing.T) {
	s, c := startShop(t)
	file := filepath.Join(t.TempDir(), "orders.db")
	if err := SQLite(file, false); err != nil {
		t.Fatal(err)
	}
	// The same rows in both dialects, as far as both show them alike.
	for _, sql := range []string{
		"select id, full_name, email, phone, ssn, card_number, coalesce(notes, '-'), tier, country from customers order by id",
		"select id, order_no, customer_id, status, total, currency, ext_ref, tracking_no, app_version, build_sha from orders order by id",
		"select id, order_id, method, amount, card_number, iban, payer_email, gateway_ref from payments order by id",
		"select id, full_name, work_email, department, title, salary, coalesce(manager_id, 0), hired_on from employees order by id",
		"select id, name, kind, secret, owner_id from api_tokens order by id",
		"select ref, label, contact, line from v_customer_contact order by ref",
		"select id, since from v_customer_public order by id",
		"select id, entry, country from mv_directory order by id",
	} {
		rows, err := s.Query(t.Context(), "orders", sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if diff := cmp.Diff(query(t, file, sql), rows); diff != "" {
			t.Errorf("%s (-sqlite +postgres):\n%.2000s", sql, diff)
		}
	}
	for sql, code := range map[string]string{
		"update orders set status = 'paid' where id = 1": "",
		"delete from orders":                             "",
		"select * from get_customers('DE')":              "",
		"select nextval('ticket_seq')":                   "",
		"drop table orders":                              "42501",
		"alter table orders add column x int":            "42501",
		"truncate orders":                                "42501",
		"create table x (n int)":                         "42501",
		"create temp table x (n int)":                    "42501",
		"create schema x":                                "42501",
		"create role x":                                  "42501",
		"grant select on orders to public":               "", // a warning: nothing is granted
		"copy orders to '/tmp/x'":                        "42501",
		"select pg_read_file('/etc/passwd')":             "42501",
		"set role postgres":                              "42501",
	} {
		_, err := c.Exec(t.Context(), sql)
		var pg *pgconn.PgError
		got := ""
		if errors.As(err, &pg) {
			got = pg.Code
		} else if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		if got != code {
			t.Errorf("%s: code %q, want %q (%v)", sql, got, code, err)
		}
	}
	if rows, err := s.Query(t.Context(), "orders", "select rolsuper or rolcreatedb or rolcreaterole or rolbypassrls from pg_roles where rolname = 'app'"); err != nil || rows[0][0] != "f" {
		t.Errorf("the login's attributes: %v, %v", rows, err)
	}
}
