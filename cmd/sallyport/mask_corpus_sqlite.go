package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/sqlite"
	"github.com/sallyport/sallyport/mask"
)

// corpusFile is a file of SQLite of which copies are made.
type corpusFile struct {
	template []byte
	dir      string
	copy     string // used until something changes it
	copies   int
	driver   *sqlite.Driver
}

var _ corpusPlace = (*corpusFile)(nil)

func newCorpusFile(path string, d *sqlite.Driver) (*corpusFile, error) {
	f := &corpusFile{driver: d}
	var err error
	if f.template, err = os.ReadFile(path); err != nil {
		return nil, fmt.Errorf("read the database of the corpus: %w", err)
	}
	if f.dir, err = os.MkdirTemp("", "sallyport-corpus-"); err != nil {
		return nil, fmt.Errorf("make a place for copies: %w", err)
	}
	return f, nil
}

func (f *corpusFile) close() { _ = os.RemoveAll(f.dir) }

func (f *corpusFile) changed() {
	if f.copy != "" {
		_ = os.Remove(f.copy)
	}
	f.copy = ""
}

// database is a copy that nothing has changed.
func (f *corpusFile) database(context.Context) (string, error) {
	if f.copy != "" {
		return f.copy, nil
	}
	f.copies++
	path := filepath.Join(f.dir, fmt.Sprintf("copy-%d.db", f.copies))
	if err := os.WriteFile(path, f.template, 0o600); err != nil {
		return "", fmt.Errorf("copy the database of the corpus: %w", err)
	}
	f.copy = path
	return path, nil
}

// pre runs what must have run before a line.
func (f *corpusFile) pre(ctx context.Context, l *leakLine, database string) error {
	for _, text := range l.Pre {
		var d corpusDump
		if err := f.ungated(ctx, database, text, &d); err != nil {
			return fmt.Errorf("prepare the database: %w", err)
		}
	}
	return nil
}

func (f *corpusFile) endpoint(database, _ string) (connectors.Endpoint, mask.Secret) {
	return connectors.Endpoint{Name: "corpus", Database: database}, mask.NewSecret(nil)
}

// raw is what a line's answer is without the gate.
func (f *corpusFile) raw(ctx context.Context, l *leakLine, database string) (string, error) {
	var d corpusDump
	for _, text := range l.steps() {
		if err := f.ungated(ctx, database, text, &d); err != nil {
			d.failed(err)
		}
	}
	return d.String(), nil
}

// ungated runs one statement with neither masks nor rules.
func (f *corpusFile) ungated(ctx context.Context, database, text string, d *corpusDump) error {
	e, secret := f.endpoint(database, "")
	c, err := f.driver.Open(ctx, e, secret, openGuard{})
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	r, err := c.(connectors.Querier).Query(ctx, openGuard{}, connectors.Statement{Text: text})
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	var names []string
	for _, c := range r.Columns() {
		names = append(names, c.Name)
	}
	d.columns(names)
	for {
		rows, err := r.Batch(ctx, 500)
		for _, row := range rows {
			d.cells(row)
		}
		switch {
		case errors.Is(err, io.EOF):
			d.tag(r.Summary().Tag)
			return nil
		case err != nil:
			return err
		}
	}
}

// openGuard permits everything and masks nothing, of databases that are copies.
type openGuard struct{ sampleGuard }

func (openGuard) Check(_ context.Context, op connectors.Operation) (connectors.Permit, error) {
	return openPermit{op: op}, nil
}

type openPermit struct {
	samplePermit
	op connectors.Operation
}

func (p openPermit) Terms() connectors.Terms {
	return connectors.Terms{ReadOnly: p.op.Facts.Class.String() == "read", Timeout: sampleTime}
}

// unordered sorts a dump of a statement that asks for no order: through the gate it
// may be planned in another way.
func unordered(l *leakLine, dump string) string {
	if strings.Contains(strings.ToLower(l.SQL), "order by") {
		return dump
	}
	lines := strings.Split(dump, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
