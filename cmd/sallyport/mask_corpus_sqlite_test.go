package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"
)

// corpusFiles are the two databases of the SQLite lines.
func corpusFiles(t *testing.T) (a, b string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "corpus", "sqlite_schema.sql"))
	if err != nil {
		t.Fatal(err)
	}
	make := func(seed, word string) string {
		file := filepath.Join(t.TempDir(), "corpus.db")
		c, err := sqlite3.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(c.Exec(strings.NewReplacer("@SEED@", seed, "@WORD@", word).Replace(string(text))), c.Close()); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return make("37", "planted"), make("59", "hidden-otherwise")
}

// TestMaskCorpusSQLite: through a whole gate nothing tells the two databases apart,
// what is asked for is answered masked, and what is not masked comes as it is.
func TestMaskCorpusSQLite(t *testing.T) {
	if testing.Short() {
		t.Skip("short: a thousand lines, one after the other")
	}
	a, b := corpusFiles(t)
	dir := filepath.Join("..", "..", "testdata", "corpus")
	var out bytes.Buffer
	err := runMaskCorpus(context.Background(), []string{"-v", "--sqlite", a, "--alt-sqlite", b, "--sensitive", filepath.Join(dir, "sqlite_sensitive.json"),
		filepath.Join(dir, "sqlite_masking.jsonl"), filepath.Join(dir, "sqlite_benign.jsonl")}, stdio{out: &out, err: &out})
	if err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	m := regexp.MustCompile(`masked (\d+), refused (\d+)`).FindStringSubmatch(out.String())
	if m == nil {
		t.Fatalf("no score:\n%s", out.String())
	}
	t.Log(out.String()[strings.Index(out.String(), m[0]):])
	if masked, err := strconv.Atoi(m[1]); err != nil || masked < 170 {
		t.Errorf("%d lines were answered, %v", masked, err)
	}
}
