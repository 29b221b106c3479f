package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/config"
)

// catalogued are the kinds whose catalog has every column that there is; of the
// others a sample is known, in which a column may be missing.
var catalogued = []string{"postgres", "mysql", "clickhouse", "mssql", "sqlite"}

// maskCheck finds masks that hide nothing: a column that is spelt wrong is shown.
// Safe for concurrent use.
type maskCheck struct {
	p     *policy.Policy
	mu    sync.Mutex
	rules []*checkedMask // under mu
}

// checkedMask is one column of a mask, over the resources that it speaks of.
type checkedMask struct {
	policy.MaskRule
	on    []string // whose catalog was read
	found bool     // in one of them, or it may be in one whose catalog was not
	known []string // columns there, for a suggestion
}

func newMaskCheck(cfg *config.Config) (*maskCheck, error) {
	p, err := cfg.Policy()
	if err != nil {
		return nil, err
	}
	return &maskCheck{p: p}, nil
}

// look notes what a resource has. relations is nil where nobody can tell.
func (m *maskCheck) look(r policy.Resource, relations []connectors.Relation, told bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, rule := range m.p.MasksFor(policy.Identity{}, r).Kept {
		if rule.Column == "" {
			continue
		}
		c := m.of(rule)
		if !told {
			c.found = true
			continue
		}
		plan, err := mask.NewPlan([]mask.Rule{{Name: rule.Name, Column: rule.Column}}, nil)
		if err != nil {
			return fmt.Errorf("mask %q: %w", rule.Name, err)
		}
		c.on = append(c.on, r.Name)
		for _, t := range relations {
			for _, col := range t.Columns {
				if _, ok := plan.Column(mask.Column{Schema: t.Schema, Table: t.Name, Name: col.Name}); ok {
					c.found = true
				}
				c.known = append(c.known, t.Name+"."+col.Name)
			}
		}
	}
	return nil
}

// unread says that what a resource has is not known.
func (m *maskCheck) unread(r policy.Resource) {
	_ = m.look(r, nil, false) // its error is of a pattern, and none is made
}

func (m *maskCheck) of(rule policy.MaskRule) *checkedMask {
	i := slices.IndexFunc(m.rules, func(c *checkedMask) bool { return c.Name == rule.Name && c.Column == rule.Column })
	if i >= 0 {
		return m.rules[i]
	}
	m.rules = append(m.rules, &checkedMask{MaskRule: rule})
	return m.rules[len(m.rules)-1]
}

// idle are the warnings about masks that hide nothing.
func (m *maskCheck) idle() (warnings []string) {
	for _, c := range m.rules {
		if c.found {
			continue
		}
		slices.Sort(c.on)
		guess := policy.Suggest(c.Column, c.known)
		if !strings.HasPrefix(guess, ": did you mean") {
			guess = ""
		}
		warnings = append(warnings, fmt.Sprintf("mask %s hides nothing: %q is no column that the login sees on %s%s",
			c.Name, c.Column, strings.Join(c.on, ", "), guess))
	}
	slices.Sort(warnings)
	return warnings
}

// catalogOf is what a target's catalog has; false where it does not tell of every
// column.
func catalogOf(ctx context.Context, kind string, conn connectors.Conn) ([]connectors.Relation, bool) {
	d, ok := conn.(connectors.Describer)
	if !ok || !slices.Contains(catalogued, kind) {
		return nil, false
	}
	relations, err := d.Catalog(ctx)
	return relations, err == nil
}
