package main

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/server/config"
)

// runConfig prints what editors need to complete and check a configuration.
func runConfig(_ context.Context, args []string, io stdio) error {
	f := flags("config", io)
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() != 1 || f.Arg(0) != "schema" {
		return &usageError{"usage: sallyport config schema", "it prints a JSON Schema; editors find it by a first line # yaml-language-server: $schema=FILE"}
	}
	schema, err := config.Schema()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(io.out, "%s\n", schema)
	return err
}
