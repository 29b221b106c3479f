package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/sallyport/sallyport/server/config"
)

// runInit writes a commented configuration to start from.
func runInit(_ context.Context, args []string, io stdio) error {
	f := flags("init", io)
	force := f.Bool("force", false, "overwrite FILE")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		return &usageError{"usage: sallyport init [--force] FILE", ""}
	}
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if *force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(f.Arg(0), mode, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &hinted{fmt.Errorf("%q is there already", f.Arg(0)), "--force overwrites it"}
	}
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	_, err = file.WriteString(config.Template())
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	fmt.Fprintf(io.err, "wrote %s: fill in what it marks, then: sallyport check --config %s\n", f.Arg(0), f.Arg(0))
	return nil
}
