package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/boltstore"
	"github.com/sallyport/sallyport/recorder/export"
	"github.com/sallyport/sallyport/recorder/ledger"
)

// runExport writes a transcript for use elsewhere.
func runExport(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("transcript export", io)
	where := addArchiveFlags(f)
	format := f.String("format", "text", "text, cast (asciicast 3), cast2, operations (JSON lines), or bundle")
	output := f.StringP("output", "o", "", "the file to write (default: standard output)")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return &usageError{"export needs the ID of a transcript", "sallyport transcript list"}
	}
	a, err := where.open(io)
	if err != nil {
		return err
	}
	defer a.close(&err)
	h, err := a.store.Head(ctx, recorder.ID(f.Arg(0)))
	if err != nil {
		return err
	}
	w, done, err := destination(*output, io)
	if err != nil {
		return err
	}
	return errors.Join(a.export(ctx, h, *format, w), done())
}

// destination is where an export goes; done ends it.
func destination(path string, s stdio) (w io.Writer, done func() error, err error) {
	if path == "" {
		b := bufio.NewWriter(s.out)
		return b, b.Flush, nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("export: %w", err)
	}
	b := bufio.NewWriter(file)
	return b, func() error { return errors.Join(b.Flush(), file.Close()) }, nil
}

func (a *archive) export(ctx context.Context, h recorder.Head, format string, w io.Writer) error {
	events := recorder.Events(ctx, 0, func(ctx context.Context, from uint64, max int) ([]recorder.Event, error) {
		return a.store.Read(ctx, h.ID, from, max)
	})
	switch format {
	case "text":
		return export.Text(w, h, events)
	case "cast", "cast2":
		fmt.Fprintln(a.io.err, "warning: a cast holds the bytes that the target sent, escape sequences too: play it, do not print it")
		version := 3
		if format == "cast2" {
			version = 2
		}
		return export.Cast(w, h, events, version)
	case "operations":
		return export.Operations(w, h, events)
	case "bundle":
		p, err := ledger.Prove(a.dir, h.ID)
		if err != nil {
			return err
		}
		return export.Bundle(w, h, events, p)
	}
	return &usageError{fmt.Sprintf("there is no format %q", format), "text, cast, cast2, operations or bundle"}
}

// verifyBundle checks a bundle, which needs no store.
func verifyBundle(path, key string, kept [][]byte, io stdio) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	v, err := export.VerifyBundle(b, key, kept...)
	if errors.Is(err, recorder.ErrCorrupt) {
		fmt.Fprintf(io.out, "broken: %s\n", export.Clean(err.Error()))
		return errFound
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(io.out, "transcript %s, %d events, of which the log saw %d by %s\nlog %s, checkpoint over %d leaves\nthe bundle is whole\n",
		v.Head.ID, v.Head.Next, v.Covered, v.Logged.Format("2006-01-02 15:04:05 MST"), export.Clean(v.Checkpoint.Origin), v.Checkpoint.Size)
	if key == "" {
		fmt.Fprintf(io.err, "checked by the key in the bundle, which proves only that it fits together; compare it with the bastion's: %s\n", export.Clean(v.Key))
	}
	return nil
}

// runRewrap encrypts the keys of all transcripts for other recipients.
func runRewrap(ctx context.Context, args []string, io stdio) (err error) {
	f := flags("transcript rewrap", io)
	where := addArchiveFlags(f)
	recipients := f.StringArray("recipient", nil, "an age public key (age1...) that may read from now on; repeat it for each")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 || len(*recipients) == 0 {
		return &usageError{"rewrap needs all who may read from now on, the bastion too: --recipient age1... for each", ""}
	}
	dir, err := where.directory()
	if err != nil {
		return err
	}
	keys, err := readingKeys(dir, *where.identities)
	if err != nil {
		return err
	}
	to, err := keys.For(*recipients...)
	if err != nil {
		return err
	}
	if err := checkThere(dir); err != nil { // opening for writing would make it
		return err
	}
	store, err := boltstore.Open(dir, boltstore.Options{Keys: keys})
	if err != nil {
		return inUse(err)
	}
	n, err := store.Rewrap(ctx, to)
	if err = errors.Join(err, store.Close()); err != nil {
		return err
	}
	// Opening writes the file anew: the old wrapped keys are in its free pages.
	if store, err = boltstore.Open(dir, boltstore.Options{Keys: to}); err == nil {
		err = store.Close()
	}
	if err != nil {
		return fmt.Errorf("%d keys are wrapped anew, and the old ones are still in the file: %w", n, err)
	}
	fmt.Fprintf(io.out, "%d keys are wrapped for %s\n", n, strings.Join(*recipients, ", "))
	return nil
}
