package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/all"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// checkedAtOnce is how many targets are tried at a time: those of an inventory that
// do not answer would take checkTime each.
const checkedAtOnce = 16

// targetCheck signs in at targets and out again.
type targetCheck struct {
	cfg     *config.Config
	drivers []connectors.Driver
	masks   *maskCheck
}

// tried is what there is to say of a target.
type tried struct {
	talk bytes.Buffer // what is odd about it
	open error
	// masked is of the restricted login, where there is one.
	masked    error
	hasMasked bool
	done      chan struct{}
}

// targets tries each target and tells of them in the order of their names, as soon
// as the ones before are told.
func (c *checker) targets(ctx context.Context, cfg *config.Config) {
	targets, err := newTargets(cfg, nil)
	if err != nil {
		c.say("secrets", "", err)
		return
	}
	t := &targetCheck{cfg: cfg, drivers: all.Drivers(all.Options{})}
	defer all.Close(t.drivers) // workers that do not end are killed with this process
	if t.masks, err = newMaskCheck(cfg); err != nil {
		c.say("masks", "", err)
		return
	}
	names := slices.Sorted(maps.Keys(targets))
	results := map[string]*tried{}
	for _, n := range names {
		results[n] = &tried{done: make(chan struct{})}
	}
	var g errgroup.Group
	g.SetLimit(checkedAtOnce + 1)
	g.Go(func() error {
		for _, n := range names {
			g.Go(func() error {
				defer close(results[n].done)
				t.try(ctx, targets[n], results[n])
				return nil
			})
		}
		return nil
	})
	for _, n := range names {
		r := results[n]
		<-r.done
		fmt.Fprint(c.io.out, r.talk.String())
		if targets[n].Unavailable != "" {
			continue
		}
		c.say("target", n, r.open)
		if r.hasMasked {
			c.say("restricted login", n, r.masked)
		}
	}
	_ = g.Wait() // none has an error
	for _, w := range t.masks.idle() {
		fmt.Fprintf(c.io.out, "warn  %s\n", widget.Escape(w))
	}
}

// try signs in at one target, and with its restricted login.
func (c *targetCheck) try(ctx context.Context, t session.Target, r *tried) {
	if t.Unavailable != "" {
		c.masks.unread(t.Resource)
		fmt.Fprintf(&r.talk, "skip  target %s: unavailable: %s\n", t.Name, widget.Escape(t.Unavailable))
		return
	}
	r.open = bounded(ctx, func(ctx context.Context) error { return c.login(ctx, t, &r.talk) })
	if r.open != nil {
		c.masks.unread(t.Resource)
	}
	if r.hasMasked = t.Endpoint.Masked != nil; r.hasMasked {
		r.masked = bounded(ctx, func(ctx context.Context) error { return checkMasked(ctx, c.cfg, t.Name) })
	}
}

func (c *targetCheck) login(ctx context.Context, t session.Target, out io.Writer) error {
	i := slices.IndexFunc(c.drivers, func(d connectors.Driver) bool { return d.Kind() == t.Kind })
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
	conn, err := c.drivers[i].Open(ctx, t.Reach(), secret, closedGuard{})
	if err != nil {
		return err
	}
	if w, ok := conn.(interface{ Warnings() []string }); ok {
		for _, text := range w.Warnings() {
			fmt.Fprintf(out, "warn  target %s: %s\n", t.Name, widget.Escape(text))
		}
	}
	relations, told := catalogOf(ctx, t.Kind, conn)
	return errors.Join(c.masks.look(t.Resource, relations, told), conn.Close())
}

// closedGuard lets a driver sign in and read its catalog, and runs nothing.
type closedGuard struct{}

func (closedGuard) Check(context.Context, connectors.Operation) (connectors.Permit, error) {
	return nil, errors.New("check runs nothing")
}
func (closedGuard) Note(context.Context, string) error { return nil }
