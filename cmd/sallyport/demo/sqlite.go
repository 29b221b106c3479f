package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"
)

// SQLite makes the demo's database in a file, with mode 0600, where there is
// none, or, with reset, anew. It appears whole or not at all.
func SQLite(file string, reset bool) error {
	if _, err := os.Stat(file); err == nil && !reset {
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("make demo database: %w", err)
	}
	if err := makeSQLite(file); err != nil {
		return fmt.Errorf("make demo database %q: %w", file, err)
	}
	return nil
}

func makeSQLite(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	fresh := file + ".new"
	if err := removeAll(fresh, fresh+"-journal"); err != nil {
		return err
	}
	f, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := fillSQLite(fresh); err != nil {
		return errors.Join(err, removeAll(fresh, fresh+"-journal"))
	}
	// What an old database left beside it belongs to that one.
	if err := removeAll(file+"-wal", file+"-shm", file+"-journal"); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}

func removeAll(files ...string) error {
	for _, f := range files {
		if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

var sqliteDialect = dialect{
	boolean: func(b bool) string {
		if b {
			return "1"
		}
		return "0"
	},
	list: func(l []string) string {
		b, err := json.Marshal(l)
		if err != nil {
			panic("strings do not encode: " + err.Error())
		}
		return quote(string(b))
	},
}

func fillSQLite(file string) error {
	c, err := sqlite3.OpenFlags(file, sqlite3.OPEN_READWRITE)
	if err != nil {
		return err
	}
	statements := []string{"BEGIN"}
	for _, t := range tables() {
		statements = append(statements, t.create(func(c column) string { return c.sqlite }))
		statements = append(statements, t.insert(sqliteDialect)...)
	}
	statements = append(statements,
		"CREATE VIEW v_customer_contact AS SELECT id AS ref, full_name AS label, email AS contact, phone AS line FROM customers",
		"CREATE VIEW v_customer_public AS SELECT id, tier, country, is_active, substr(created_at, 1, 10) AS since FROM customers",
		"CREATE VIEW mv_directory AS SELECT c.id, c.full_name || ' <' || c.email || '>' AS entry, c.country FROM customers c",
		"CREATE INDEX orders_customer_idx ON orders(customer_id)",
		"CREATE INDEX customers_country_idx ON customers(country)",
		"COMMIT",
		// Readers and the one writer do not wait for each other.
		"PRAGMA journal_mode = WAL")
	for _, s := range statements {
		if err := c.Exec(s); err != nil {
			return errors.Join(err, c.Close())
		}
	}
	return c.Close()
}
