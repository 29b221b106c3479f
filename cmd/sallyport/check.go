package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/tui/widget"
)

// checkTime bounds each thing that is tried.
const checkTime = 15 * time.Second

// runCheck tries what a configuration names: the provider's discovery, each
// target's login, and the data directory. It serves nothing.
func runCheck(ctx context.Context, args []string, io stdio) error {
	f := flags("check", io)
	path := f.String("config", "", "the configuration file")
	if err := parse(f, args); err != nil {
		return err
	}
	if *path == "" || f.NArg() > 0 {
		return needsConfig("check", f.Args())
	}
	cfg, err := config.Load(*path)
	if err != nil {
		return err
	}
	c := &checker{io: io}
	c.say("configuration", *path, nil)
	for _, w := range cfg.Warnings {
		fmt.Fprintf(io.out, "warn  configuration %s\n", widget.EscapeLines(w.Error()))
	}
	c.say("data directory", cfg.Data, checkData(cfg.Data))
	c.say("provider", cfg.SignIn.Issuer, bounded(ctx, func(ctx context.Context) error {
		p, err := newProvider(ctx, cfg, nil)
		if err != nil {
			return err
		}
		advice, err := p.Check(ctx)
		if advice != "" {
			fmt.Fprintf(c.io.out, "warn  provider: %s\n", widget.Escape(advice))
		}
		return err
	}))
	c.audit(ctx, cfg)
	c.targets(ctx, cfg)
	if c.faults > 0 {
		return errFound
	}
	return nil
}

type checker struct {
	io     stdio
	faults int
	told   []string // hints that were given: of many hosts, the same goes for all
}

func (c *checker) say(what, name string, err error) {
	if err == nil {
		fmt.Fprintf(c.io.out, "ok    %s %s\n", what, widget.Escape(name))
		return
	}
	c.faults++
	fmt.Fprintf(c.io.out, "FAIL  %s %s: %s\n", what, widget.Escape(name), widget.EscapeLines(err.Error()))
	if hint := checkHint(err); hint != "" && !slices.Contains(c.told, hint) {
		c.told = append(c.told, hint)
		fmt.Fprintf(c.io.out, "      hint: %s\n", widget.EscapeLines(hint))
	}
}

// needsConfig is a command line without --config, or with the file given plainly.
func needsConfig(name string, args []string) error {
	file := "FILE"
	if len(args) > 0 {
		file = args[0]
	}
	return &usageError{name + " needs --config FILE", "sallyport " + name + " --config " + file + "; sallyport init FILE writes one"}
}

func bounded(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	return f(ctx)
}

// checkData tries to write in the data directory without opening its stores.
func checkData(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	f, err := os.CreateTemp(dir, ".check-*")
	if err != nil {
		return fmt.Errorf("write to data directory: %w", err)
	}
	_, err = f.WriteString("check")
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}
