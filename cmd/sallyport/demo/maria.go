package demo

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/mask"
)

// MariaTarget is where orders-maria is; the zero value leaves it out.
type MariaTarget struct {
	// Unavailable says why there is none; nothing else is needed then.
	Unavailable string
	// Address is the path of a Unix socket, User the login.
	Address, Database, User string
	// PasswordFile is a file, mode 0600.
	PasswordFile string
}

// MariaUser is the login that the bastion uses: it reads and writes rows and cannot
// change structure.
const MariaUser = "app"

var mariaDialect = dialect{
	boolean: func(b bool) string { return fmt.Sprint(b) },
	list: func(l []string) string {
		b, err := json.Marshal(l)
		if err != nil {
			panic("strings do not encode: " + err.Error())
		}
		return quote(string(b))
	},
}

// mariaType is a column's type, from PostgreSQL's.
func mariaType(c column) string {
	first, rest, _ := strings.Cut(c.postgres, " ")
	switch first {
	case "text":
		if strings.Contains(rest, "UNIQUE") {
			first = "varchar(190)"
		}
	case "jsonb":
		first = "json"
	case "timestamptz":
		first = "datetime"
	case "uuid":
		first = "char(36)"
	case "inet":
		first = "varchar(45)"
	case "text[]":
		first = "varchar(200)"
	}
	return strings.TrimSpace(first + " " + rest)
}

// MariaSchema is the statements that make the demo's tables, rows, views and
// functions in an empty database, one each, on one connection, by a superuser.
func MariaSchema() []string {
	// Times are written as PostgreSQL reads them, and a backslash is one.
	statements := []string{"SET NAMES utf8mb4", "SET sql_mode = 'NO_BACKSLASH_ESCAPES'"}
	for _, t := range tables() {
		statements = append(statements, t.create(mariaType))
		statements = append(statements, t.insert(mariaDialect)...)
	}
	return append(statements, "SET sql_mode = DEFAULT",
		"CREATE VIEW v_customer_contact AS SELECT id AS ref, full_name AS label, email AS contact, phone AS line FROM customers",
		"CREATE VIEW v_customer_public AS SELECT id, tier, country, is_active, cast(created_at AS date) AS since FROM customers",
		"CREATE FUNCTION customer_card(p_id int) RETURNS varchar(40) READS SQL DATA RETURN (SELECT card_number FROM customers WHERE id = p_id)",
		"CREATE FUNCTION order_count(p_customer int) RETURNS bigint READS SQL DATA RETURN (SELECT count(*) FROM orders WHERE customer_id = p_customer)",
		"CREATE INDEX customers_country_idx ON customers(country)",
		"ANALYZE TABLE customers, orders, payments, employees, api_tokens")
}

// MariaLogin is the statements that make the login of MariaUser in the database, or
// give it a new password. They hold the password: do not log them.
func MariaLogin(database string, password mask.Secret) []string {
	who := "'" + MariaUser + "'@'localhost'"
	return []string{
		"CREATE USER IF NOT EXISTS " + who,
		"ALTER USER " + who + " IDENTIFIED BY " + quote(string(password.Reveal())),
		"GRANT SELECT, INSERT, UPDATE, DELETE, SHOW VIEW, TRIGGER ON `" + database + "`.* TO " + who,
	}
}
