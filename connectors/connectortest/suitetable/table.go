package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors/connectortest"
)

// table is kind × property.
type table struct {
	columns []*column
	notes   []string // numbered from 1
	more    []string
	wrong   []string
}

// column is a kind, or one of its targets that has a name: all runs of it.
type column struct {
	kind  string
	runs  []*suiteRun
	cells map[connectortest.Property]string
}

func newTable(r *results, kinds []string) *table {
	t := &table{more: r.notes, wrong: slices.Clone(r.wrong)}
	find := func(kind string) *column {
		for _, c := range t.columns {
			if c.kind == kind {
				return c
			}
		}
		c := &column{kind: kind, cells: map[connectortest.Property]string{}}
		t.columns = append(t.columns, c)
		return c
	}
	for _, k := range kinds {
		find(k)
	}
	for _, run := range r.runs {
		c := find(run.kind)
		c.runs = append(c.runs, run)
	}
	slices.SortStableFunc(t.columns, func(a, b *column) int { return strings.Compare(a.kind, b.kind) })
	for _, p := range connectortest.Properties() {
		for _, c := range t.columns {
			c.cells[p] = t.cell(c, p)
		}
	}
	for _, run := range r.runs {
		for p, why := range run.cannot {
			if slices.Contains(connectortest.Powers(), connectortest.Power(p)) {
				t.more = append(t.more, fmt.Sprintf("%s has no %s: %s", run.kind, p, why))
			}
		}
	}
	slices.Sort(t.more)
	for _, c := range t.columns {
		if len(c.runs) == 0 {
			t.wrong = append(t.wrong, fmt.Sprintf("NO RUN of %s: its package has no test called TestSuite... or TestConformance... that calls connectortest.Run", c.kind))
		}
	}
	return t
}

// cell is a kind's word on a property: that of all its powers.
func (t *table) cell(c *column, p connectortest.Property) string {
	var proved bool
	var named []string
	why := map[string][]connectortest.Power{}
	for _, w := range c.powers() {
		if !slices.Contains(w.Demanded(), p) {
			continue
		}
		switch state, reason := c.state(w, p); state {
		case "proved":
			proved = true
		case "named":
			if why[reason] == nil {
				named = append(named, reason)
			}
			why[reason] = append(why[reason], w)
		case "failed":
			return "✗"
		default:
			t.wrong = append(t.wrong, fmt.Sprintf("MISSING %s: %s: %s", c.kind, w, p))
			return "?"
		}
	}
	var marks []string
	if proved {
		marks = append(marks, "✓")
	}
	for _, reason := range named {
		marks = append(marks, t.note(c.kind, why[reason], reason, proved))
	}
	switch {
	case len(marks) == 0:
		return "?"
	case !proved:
		return "– " + strings.Join(marks, " ")
	}
	return strings.Join(marks, " ")
}

// note numbers a reason: with its kind, and the powers where others have it.
func (t *table) note(kind string, powers []connectortest.Power, reason string, some bool) string {
	text := kind + ": " + reason
	if some {
		var names []string
		for _, w := range powers {
			names = append(names, string(w))
		}
		text = kind + ", " + strings.Join(names, " and ") + ": " + reason
	}
	i := slices.Index(t.notes, text)
	if i < 0 {
		t.notes = append(t.notes, text)
		i = len(t.notes) - 1
	}
	return fmt.Sprintf("[%d]", i+1)
}

func (c *column) powers() []connectortest.Power {
	var out []connectortest.Power
	for _, r := range c.runs {
		for _, w := range r.powers {
			if !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

// state of a property of a power, over all runs: "failed" if it failed in any,
// "proved" if it was in one, "named" with the reason if it was in none, or "".
func (c *column) state(w connectortest.Power, p connectortest.Property) (state, reason string) {
	for _, r := range c.runs {
		for _, proof := range r.proofs {
			switch {
			case proof.power != w || proof.property != p:
			case proof.result != "pass":
				return "failed", ""
			default:
				state = "proved"
			}
		}
		if why := r.cannot[p.Of(w)]; why != "" {
			reason = why
		} else if why := r.cannot[p]; why != "" {
			reason = why
		}
	}
	if state == "" && reason != "" {
		state = "named"
	}
	return state, reason
}

const heading = "# What each kind of target was proved to keep\n\n" +
	"✓ is proved for every power of the kind; [n] says which power has it not, and why; – is none at all. Written by `make suite ARGS=-update`.\n\n"

// String is the table in Markdown.
func (t *table) String() string {
	var b strings.Builder
	b.WriteString(heading)
	b.WriteString("| |")
	for _, c := range t.columns {
		b.WriteString(" " + c.kind + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat(":-:|", len(t.columns)) + "\n")
	for _, p := range connectortest.Properties() {
		b.WriteString("| " + string(p) + " |")
		for _, c := range t.columns {
			b.WriteString(" " + c.cells[p] + " |")
		}
		b.WriteString("\n")
	}
	if len(t.notes) > 0 {
		b.WriteString("\n")
	}
	for i, n := range t.notes {
		fmt.Fprintf(&b, "[%d] %s  \n", i+1, n)
	}
	for i, n := range t.more {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString(n + "  \n")
	}
	return b.String()
}
