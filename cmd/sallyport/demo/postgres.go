package demo

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/mask"
)

// PostgresUser is the login that the bastion uses: no superuser, owner of
// nothing, reads and writes rows and cannot change structure.
const PostgresUser = "app"

var postgresDialect = dialect{
	boolean: func(b bool) string { return fmt.Sprint(b) },
	list: func(l []string) string {
		var all []string
		for _, s := range l {
			all = append(all, quote(s))
		}
		return "ARRAY[" + strings.Join(all, ",") + "]::text[]"
	},
}

// PostgresSchema is the statements that make the demo's tables, rows, views and
// functions, one each, to be run in one transaction by the owner of an empty
// database. They need no extension, and nothing above PostgreSQL 12.
func PostgresSchema() []string {
	statements := []string{"SET standard_conforming_strings = on"}
	for _, t := range tables() {
		statements = append(statements, t.create(func(c column) string { return c.postgres }))
		statements = append(statements, t.insert(postgresDialect)...)
	}
	return append(statements,
		"CREATE SEQUENCE ticket_seq START 1000",
		"CREATE VIEW v_customer_contact AS SELECT id AS ref, full_name AS label, email AS contact, phone AS line FROM customers",
		"CREATE VIEW v_customer_public AS SELECT id, tier, country, is_active, created_at::date AS since FROM customers",
		"CREATE MATERIALIZED VIEW mv_directory AS SELECT c.id, c.full_name || ' <' || c.email || '>' AS entry, c.country FROM customers c",
		"CREATE FUNCTION get_customers(p_country text) RETURNS SETOF customers LANGUAGE sql STABLE AS $$ SELECT * FROM customers WHERE country = p_country ORDER BY id $$",
		"CREATE FUNCTION customer_card(p_id int) RETURNS TABLE(ref int, v text) LANGUAGE sql STABLE AS $$ SELECT id, card_number FROM customers WHERE id = p_id $$",
		"CREATE FUNCTION reach(c customers) RETURNS text LANGUAGE sql STABLE AS $$ SELECT c.email $$",
		"CREATE FUNCTION order_count(p_customer int) RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT count(*) FROM orders WHERE customer_id = p_customer $$",
		"CREATE INDEX orders_customer_idx ON orders(customer_id)",
		"CREATE INDEX customers_country_idx ON customers(country)",
		"ANALYZE customers", "ANALYZE orders", "ANALYZE payments", "ANALYZE employees", "ANALYZE api_tokens")
}

// PostgresLogin is the statements that make the login of PostgresUser, or give it
// a new password, and grant it what it may do; to be run by a superuser after
// PostgresSchema, in the same database, at each start. With an empty password
// the login has none. The statements hold the password: do not log them.
func PostgresLogin(password mask.Secret) []string {
	secret := "NULL"
	if !password.Empty() {
		secret = quote(string(password.Reveal()))
	}
	return []string{
		"SET standard_conforming_strings = on",
		"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'app') THEN CREATE ROLE app; END IF; END $$",
		"ALTER ROLE app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD " + secret,
		"DO $$ BEGIN EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()); END $$",
		"DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO app', current_database()); END $$",
		"REVOKE CREATE ON SCHEMA public FROM PUBLIC",
		"GRANT USAGE ON SCHEMA public TO app",
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app",
		"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO app",
	}
}
