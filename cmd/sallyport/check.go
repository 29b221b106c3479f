package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/all"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/server/session"
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
	masks  *maskCheck
}

func (c *checker) say(what, name string, err error) {
	if err == nil {
		fmt.Fprintf(c.io.out, "ok    %s %s\n", what, widget.Escape(name))
		return
	}
	c.faults++
	fmt.Fprintf(c.io.out, "FAIL  %s %s: %s\n", what, widget.Escape(name), widget.EscapeLines(err.Error()))
	if hint := checkHint(err); hint != "" {
		fmt.Fprintf(c.io.out, "      hint: %s\n", widget.EscapeLines(hint))
	}
}

// targets signs in at each target and out again.
func (c *checker) targets(ctx context.Context, cfg *config.Config) {
	targets, err := newTargets(cfg, nil)
	if err != nil {
		c.say("secrets", "", err)
		return
	}
	drivers := all.Drivers(all.Options{})
	defer all.Close(drivers) // workers that do not end are killed with this process
	names := make([]string, 0, len(targets))
	for n := range targets {
		names = append(names, n)
	}
	slices.Sort(names)
	if c.masks, err = newMaskCheck(cfg); err != nil {
		c.say("masks", "", err)
		return
	}
	for _, n := range names {
		t := targets[n]
		if t.Unavailable != "" {
			c.unread(t.Resource)
			fmt.Fprintf(c.io.out, "skip  target %s: unavailable: %s\n", n, widget.Escape(t.Unavailable))
			continue
		}
		c.say("target", n, bounded(ctx, func(ctx context.Context) error {
			err := c.login(ctx, drivers, t)
			if err != nil {
				c.unread(t.Resource)
			}
			return err
		}))
		if t.Endpoint.Masked != nil {
			c.say("restricted login", n, bounded(ctx, func(ctx context.Context) error { return checkMasked(ctx, cfg, n) }))
		}
	}
	for _, w := range c.masks.idle() {
		fmt.Fprintf(c.io.out, "warn  %s\n", widget.Escape(w))
	}
}

// unread says that what a target has is not known.
func (c *checker) unread(r policy.Resource) {
	_ = c.masks.look(r, nil, false) // its error is of a pattern, which is not made
}

func (c *checker) login(ctx context.Context, drivers []connectors.Driver, t session.Target) error {
	i := slices.IndexFunc(drivers, func(d connectors.Driver) bool { return d.Kind() == t.Kind })
	if i < 0 {
		return fmt.Errorf("this binary does not speak %s", t.Kind)
	}
	secret := mask.Secret{}
	if t.Secret != nil {
		var err error
		if secret, err = t.Secret.Get(ctx); err != nil {
			return err
		}
	}
	conn, err := drivers[i].Open(ctx, t.Reach(), secret, closedGuard{})
	if err != nil {
		return err
	}
	if w, ok := conn.(interface{ Warnings() []string }); ok {
		for _, text := range w.Warnings() {
			fmt.Fprintf(c.io.out, "warn  target %s: %s\n", t.Name, widget.Escape(text))
		}
	}
	relations, told := catalogOf(ctx, t.Kind, conn)
	return errors.Join(c.masks.look(t.Resource, relations, told), conn.Close())
}

// needsConfig is a command line without --config, or with the file given plainly.
func needsConfig(name string, args []string) error {
	file := "FILE"
	if len(args) > 0 {
		file = args[0]
	}
	return &usageError{name + " needs --config FILE", "sallyport " + name + " --config " + file + "; sallyport init FILE writes one"}
}

// closedGuard lets a driver sign in and read its catalog, and runs nothing.
type closedGuard struct{}

func (closedGuard) Check(context.Context, connectors.Operation) (connectors.Permit, error) {
	return nil, errors.New("check runs nothing")
}
func (closedGuard) Note(context.Context, string) error { return nil }

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
