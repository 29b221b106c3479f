package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/all"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/config"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui/widget"
)

// maskTarget is a resource of a configuration with its masks: what the commands
// under mask look at.
type maskTarget struct {
	resource config.Resource
	target   session.Target
	masks    policy.Masks
	kept     *mask.Plan // the strictest, whoever looks
}

// loadMaskTarget reads a configuration and finds the resource in it. Only the
// credentials of that resource are looked at.
func loadMaskTarget(path, name string, kinds ...string) (*maskTarget, error) {
	if path == "" {
		return nil, &usageError{"a configuration is needed: --config FILE", ""}
	}
	cfg, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	return newMaskTarget(cfg, name, kinds...)
}

func newMaskTarget(cfg *config.Config, name string, kinds ...string) (*maskTarget, error) {
	i := slices.IndexFunc(cfg.Resources, func(r config.Resource) bool { return r.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("the configuration has no resource %q", name)
	}
	m := &maskTarget{resource: cfg.Resources[i]}
	if !slices.Contains(kinds, m.resource.Kind) {
		return nil, fmt.Errorf("resource %q is of kind %s; this is about %v", name, m.resource.Kind, kinds)
	}
	if m.resource.Unavailable != "" {
		return nil, fmt.Errorf("resource %q is unavailable: %s", name, m.resource.Unavailable)
	}
	p, err := cfg.Policy()
	if err != nil {
		return nil, err
	}
	m.masks = p.MasksFor(policy.Identity{}, m.resource.Policy())
	if m.kept, err = planOf(m.masks); err != nil {
		return nil, err
	}
	one := *cfg
	one.Resources = []config.Resource{m.resource}
	targets, err := newTargets(&one, nil)
	if err != nil {
		return nil, err
	}
	m.target = targets[name]
	return m, nil
}

// planOf is the plan of which columns are kept masked. How does not matter to who
// may read them, so it needs no key.
func planOf(m policy.Masks) (*mask.Plan, error) {
	rules := make([]mask.Rule, len(m.Kept))
	for i, r := range m.Kept {
		rules[i] = mask.Rule{Name: r.Name, Column: r.Column}
	}
	return mask.NewPlan(rules, nil)
}

// open signs in with the resource's own credential, or, where second is set,
// with that of its restricted login. The caller calls the function it returns.
func (m *maskTarget) open(ctx context.Context, g connectors.Guard, second bool) (connectors.Conn, func(), error) {
	e, source := m.target.Endpoint, m.target.Secret
	if second {
		e.User, source = e.Masked.User, m.target.Masked
	}
	e.Masked = nil
	secret := mask.Secret{}
	if source != nil {
		var err error
		if secret, err = source.Get(ctx); err != nil {
			return nil, nil, err
		}
		defer secret.Destroy()
	}
	drivers := all.Drivers(all.Options{})
	i := slices.IndexFunc(drivers, func(d connectors.Driver) bool { return d.Kind() == m.target.Kind })
	if i < 0 {
		return nil, nil, fmt.Errorf("this binary does not speak %s", m.target.Kind)
	}
	conn, err := drivers[i].Open(ctx, e, secret, g)
	if err != nil {
		_ = all.Close(drivers)
		return nil, nil, err
	}
	return conn, func() {
		_ = conn.Close()
		_ = all.Close(drivers)
	}, nil
}

// printJSON prints v for people and programs: names in it come from a target,
// and no character of them drives a terminal.
func printJSON(io stdio, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, r := range string(b) {
		if r == '\n' || !widget.Unsafe(string(r)) {
			out.WriteRune(r)
			continue
		}
		for _, u := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&out, `\u%04x`, u)
		}
	}
	_, err = fmt.Fprintln(io.out, out.String())
	return err
}
