package postgres

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
	"github.com/sallyport/sallyport/mask"
)

func TestWarnings(t *testing.T) {
	s, name := database(t, "")
	if c := openApp(t, s, name, allow()); len(c.Warnings()) != 0 {
		t.Errorf("an ordinary login: %q", c.Warnings())
	}
	if err := s.Exec(t.Context(), "postgres", "create role reader login password '"+appPassword+"' in role pg_read_server_files"); err != nil {
		t.Fatal(err)
	}
	e := endpoint(s, name)
	e.User = "reader"
	if w := openAs(t, e, appPassword, allow()).Warnings(); len(w) != 1 || !strings.Contains(w[0], "pg_read_server_files") {
		t.Errorf("%q", w)
	}
	e.User = pgserver.Superuser
	if w := openAs(t, e, s.Password(), allow()).Warnings(); len(w) != 1 || !strings.Contains(w[0], "superuser") {
		t.Errorf("%q", w)
	}
}

// TestNothingAmbient: no variable and no file of the home directory has a say.
func TestNothingAmbient(t *testing.T) {
	s, name := database(t, "")
	home := t.TempDir()
	for file, text := range map[string]string{".pgpass": "*:*:*:*:" + appPassword + "\n", ".pg_service.conf": "[evil]\nhost=/nonexistent\n"} {
		if err := os.WriteFile(filepath.Join(home, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for k, v := range map[string]string{
		"HOME": home, "PGHOST": "/nonexistent", "PGUSER": "postgres", "PGPASSWORD": appPassword, "PGDATABASE": "x", "PGSERVICE": "evil",
		"PGOPTIONS": "-c search_path=evil", "PGTZ": "Asia/Tokyo", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": "/nonexistent",
		"PGSSLCERTMODE": "nonsense", "PGTARGETSESSIONATTRS": "standby", "PGAPPNAME": "evil", "PGREQUIREAUTH": "none", "PGCHANNELBINDING": "require",
	} {
		t.Setenv(k, v)
	}
	c := openApp(t, s, name, allow())
	if _, rows, _, err := run(t, c, allow(), "select current_user || ' ' || current_setting('application_name') || ' ' || current_database()"); err != nil || rows[0] != "app sallyport "+name {
		t.Errorf("%q, %v", rows, err)
	}
	_, err := testDriver().Open(t.Context(), endpoint(s, name), mask.NewSecret(nil), allow())
	if !errors.Is(err, connectors.ErrCredential) {
		t.Errorf("without a password: %v, want %v", err, connectors.ErrCredential)
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"db:5433": "db 5433", "db": "db 5432", "/run/pg": "/run/pg 5432", "/run/pg/.s.PGSQL.5499": "/run/pg 5499",
		"[::1]:5432": "::1 5432", "": "error", "db:x": "error", "db:99999": "error",
	} {
		host, port, err := address(in)
		got := fmt.Sprintf("%s %d", host, port)
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

// TestTLSModes: only disable, and only said aloud, goes without.
func TestTLSModes(t *testing.T) {
	for mode, want := range map[string]string{"": "full", "verify-full": "full", "verify-ca": "chain", "require": "any", "disable": "none", "prefer": "error", "allow": "error"} {
		c, err := tlsConfig(connectors.Endpoint{TLS: mode}, "db", "tcp")
		got := "full"
		switch {
		case err != nil:
			got = "error"
		case c == nil:
			got = "none"
		case c.InsecureSkipVerify && c.VerifyConnection != nil:
			got = "chain"
		case c.InsecureSkipVerify:
			got = "any"
		case c.ServerName != "db":
			got = "a name that is not compared"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", mode, got, want)
		}
	}
}
