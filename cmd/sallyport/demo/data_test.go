package demo

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ncruces/go-sqlite3"
)

func values(t *testing.T, tables []table, name, column string) []string {
	t.Helper()
	for _, tab := range tables {
		for i, c := range tab.columns {
			if tab.name == name && c.name == column {
				var all []string
				for _, r := range tab.rows {
					if s, ok := r[i].(string); ok {
						all = append(all, s)
					}
				}
				return all
			}
		}
	}
	t.Fatalf("no column %s.%s", name, column)
	return nil
}

func TestTablesAreDeterministic(t *testing.T) {
	if diff := cmp.Diff(tables(), tables(), cmp.AllowUnexported(table{}, column{}, date{})); diff != "" {
		t.Error(diff)
	}
	var got []int
	for _, tab := range tables() {
		got = append(got, len(tab.rows))
		for _, r := range tab.rows {
			if len(r) != len(tab.columns) {
				t.Fatalf("%s: a row of %d values for %d columns", tab.name, len(r), len(tab.columns))
			}
		}
	}
	if diff := cmp.Diff([]int{500, 500, 500, 120, 60}, got); diff != "" {
		t.Error(diff)
	}
}

// luhn is the textbook's check, written another way than the generator's.
func luhn(s string) bool {
	sum, double := 0, len(s)%2 == 0
	for _, r := range s {
		d := int(r - '0')
		if double {
			d = d*2/10 + d*2%10
		}
		sum += d
		double = !double
	}
	return sum%10 == 0
}

// ibanValid is ISO 13616's check: the first four to the end, letters as numbers,
// the rest modulo 97 is 1.
func ibanValid(s string) bool {
	rest := 0
	for _, r := range s[4:] + s[:4] {
		if r >= 'A' {
			rest = (rest*100 + int(r-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(r-'0')) % 97
		}
	}
	return rest == 1
}

func TestValuesAreSyntheticAndValid(t *testing.T) {
	all := tables()
	email := regexp.MustCompile(`^[\w.]+@(mail\.)?example\.(com|org|net)$`)
	ssn := regexp.MustCompile(`^(73[4-9]|74\d)-(0[1-9]|[1-9]\d)-\d{4}$`)
	phone := regexp.MustCompile(`^\+(1 \d{3}-555-01\d\d|44 20 7946 0\d{3}|49 30 23125 \d{3}|31 20 555 \d{4}|33 1 99 00 \d\d \d\d|61 2 5550 \d{4})$`)
	card := regexp.MustCompile(`^(4000\d{12}|5555\d{12}|3782\d{11})$`)
	documentation := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24")}
	for _, tt := range []struct {
		table, column string
		ok            func(string) bool
	}{
		{"customers", "email", email.MatchString},
		{"payments", "payer_email", email.MatchString},
		{"employees", "work_email", email.MatchString},
		{"customers", "ssn", ssn.MatchString},
		{"customers", "phone", phone.MatchString},
		{"customers", "card_number", func(s string) bool { return card.MatchString(s) && luhn(s) }},
		{"payments", "card_number", func(s string) bool { return card.MatchString(s) && luhn(s) }},
		{"payments", "iban", ibanValid},
		{"orders", "client_ip", func(s string) bool {
			ip, err := netip.ParseAddr(s)
			return err == nil && (documentation[0].Contains(ip) || documentation[1].Contains(ip) || documentation[2].Contains(ip))
		}},
	} {
		got := values(t, all, tt.table, tt.column)
		if len(got) == 0 {
			t.Errorf("%s.%s is empty", tt.table, tt.column)
		}
		for _, v := range got {
			if !tt.ok(v) {
				t.Errorf("%s.%s: %q", tt.table, tt.column, v)
				break
			}
		}
	}
	for _, text := range append(values(t, all, "customers", "notes"), values(t, all, "customers", "profile")...) {
		for _, m := range regexp.MustCompile(`\S+@\S+`).FindAllString(text, -1) {
			if !strings.Contains(m, "@example.org") {
				t.Fatalf("an e-mail outside of the reserved domains: %q", m)
			}
		}
	}
}

func query(t *testing.T, file, sql string) [][]string {
	t.Helper()
	c, err := sqlite3.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stmt, _, err := c.Prepare(sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer stmt.Close()
	var rows [][]string
	for stmt.Step() {
		var row []string
		for i := range stmt.ColumnCount() {
			row = append(row, stmt.ColumnText(i))
		}
		rows = append(rows, row)
	}
	if err := stmt.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

func TestSQLite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "data", "orders.db")
	if err := SQLite(file, false); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	for sql, want := range map[string]string{
		"select count(*) from customers":                                                                     "500",
		"select count(*) from orders join customers c on c.id = customer_id":                                 "500",
		"select count(*) from payments join orders o on o.id = order_id":                                     "500",
		"select count(*) from employees":                                                                     "120",
		"select count(*) from api_tokens join employees e on e.id = owner_id":                                "60",
		"select count(contact) from v_customer_contact":                                                      "500",
		"select count(since) from v_customer_public":                                                         "500",
		"select count(*) from mv_directory where entry like '% <%@%>'":                                       "500",
		"select count(*) from customers where json_extract(profile, '$.contact.email') like '%@example.org'": "500",
		"select typeof(total) from orders limit 1":                                                           "real",
	} {
		if got := query(t, file, sql); len(got) != 1 || got[0][0] != want {
			t.Errorf("%s: %v, want %s", sql, got, want)
		}
	}
	// Orders can be deleted, also by a connection that minds foreign keys.
	query(t, file, "delete from orders")
	c, err := sqlite3.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Exec("pragma foreign_keys = on; delete from orders"); err != nil {
		t.Error(err)
	}
	if err := SQLite(file, false); err != nil {
		t.Fatal(err)
	}
	if got := query(t, file, "select count(*) from orders"); got[0][0] != "0" {
		t.Errorf("an existing database was made anew: %v", got)
	}
	if err := SQLite(file, true); err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("reset makes another database: %v", err)
	}
}

func TestSQLiteFails(t *testing.T) {
	dir := t.TempDir()
	blocked := filepath.Join(dir, "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := SQLite(filepath.Join(blocked, "orders.db"), false); err == nil {
		t.Error("a database was made below a file")
	}
}
