package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors/mysql/mariaserver"
	"github.com/sallyport/sallyport/mask"
)

// The shop's data is all there, and its login signs in and changes rows alone.
func TestMaria(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s, err := mariaserver.Start(ctx, mariaserver.Options{})
	if errors.Is(err, mariaserver.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, the demo's MariaDB is not tested: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	if err := s.Exec(ctx, "", "create database orders character set utf8mb4"); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec(ctx, "orders", strings.Join(MariaSchema(), ";\n")); err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice changes nothing
		if err := s.Exec(ctx, "", strings.Join(MariaLogin("orders", mask.NewSecret([]byte("it's a password"))), ";\n")); err != nil {
			t.Fatal(err)
		}
	}
	for _, tb := range tables() {
		rows, err := s.Query(ctx, "orders", "select count(*) from "+tb.name)
		if err != nil || rows[0][0] != fmt.Sprint(len(tb.rows)) {
			t.Errorf("%s: %v %v, want %d rows", tb.name, rows, err, len(tb.rows))
		}
	}
	rows, err := s.Query(ctx, "orders", "select (select count(*) from v_customer_contact), order_count(1) >= 0, (select count(*) from customers where created_at > '2000-01-01'), (select count(*) from customers where json_valid(profile))")
	if err != nil || strings.Join(rows[0][:1], "") != fmt.Sprint(customerCount) || rows[0][2] != fmt.Sprint(customerCount) || rows[0][3] != fmt.Sprint(customerCount) {
		t.Errorf("%v %v", rows, err)
	}
}
