package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors/postgres/pgserver"
)

// corpusServers are the two databases of the corpus on a real server: their URLs.
func corpusServers(t *testing.T) (a, b string) {
	t.Helper()
	s, err := pgserver.Start(t.Context(), pgserver.Options{})
	if errors.Is(err, pgserver.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, nothing runs against PostgreSQL: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	make := func(name, file string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "corpus", file))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateDatabase(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if err := s.Exec(t.Context(), name, string(text)); err != nil {
			t.Fatal(err)
		}
		u := url.URL{Scheme: "postgres", User: url.UserPassword(pgserver.Superuser, s.Password()), Path: "/" + name, RawQuery: url.Values{"host": {s.SocketDir()}}.Encode()}
		return u.String()
	}
	return make("corpus_a", "schema.sql"), make("corpus_b", "schema_alt.sql")
}

// TestMaskCorpus: nothing comes back of what must not, and everything that must.
func TestMaskCorpus(t *testing.T) {
	if testing.Short() {
		t.Skip("short: a thousand lines, one after the other")
	}
	a, b := corpusServers(t)
	dir := filepath.Join("..", "..", "testdata", "corpus")
	var out bytes.Buffer
	err := runMaskCorpus(context.Background(), []string{"-v", "--postgres-url", a, "--alt-url", b, "--sensitive", filepath.Join(dir, "sensitive.json"),
		filepath.Join(dir, "masking_public.sql.jsonl"), filepath.Join(dir, "benign.sql.jsonl")}, stdio{out: &out, err: &out})
	t.Log("\n" + out.String())
	if err != nil {
		t.Error(err)
	}
	percent := answered(out.String())
	// Lines of our own, which are about names, code and catalogs that change: for
	// them it is enough that nothing leaks.
	out.Reset()
	err = runMaskCorpus(context.Background(), []string{"-v", "--postgres-url", a, "--alt-url", b, "--sensitive", filepath.Join(dir, "sensitive.json"),
		filepath.Join(dir, "own.sql.jsonl"), filepath.Join(dir, "hostile.sql.jsonl")}, stdio{out: &out, err: &out})
	if err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if percent < 80 {
		t.Errorf("only %d%% of the lines that show a value as it is in a row are answered", percent)
	}
}

// answered is the percentage that the command reports.
func answered(out string) (percent int) {
	for line := range strings.Lines(out) {
		if i := strings.LastIndex(line, "("); strings.HasPrefix(line, "answered masked") && i > 0 {
			_, _ = fmt.Sscanf(line[i:], "(%d%%)", &percent)
		}
	}
	return percent
}
