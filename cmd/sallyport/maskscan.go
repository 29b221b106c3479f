package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/tui/widget"
)

// scanTime bounds a whole scan.
const scanTime = 15 * time.Minute

// scanTold is how often a scan says how far it is.
const scanTold = 3 * time.Second

// confidence is how sure a proposal is.
type confidence string

const (
	high   confidence = "high"
	medium confidence = "medium"
	low    confidence = "low"
)

// scanned is a column with what its name, type and sample say. It holds no value.
type scanned struct {
	Schema     string         `json:"schema,omitempty"`
	Table      string         `json:"table"`
	Column     string         `json:"column"`
	Type       string         `json:"type"`
	Kind       string         `json:"kind,omitempty"` // of sensitive value
	Confidence confidence     `json:"confidence,omitempty"`
	Why        string         `json:"why,omitempty"`
	Sampled    int            `json:"sampled"` // values that were there
	Hits       map[string]int `json:"hits,omitempty"`
	// Rule is the column pattern to propose; CoveredBy the mask that has it already.
	Rule      string `json:"rule,omitempty"`
	CoveredBy string `json:"covered_by,omitempty"`
}

// runMaskScan samples a database and proposes masks, as YAML to paste.
func runMaskScan(ctx context.Context, args []string, io stdio) error {
	f := flags("mask scan", io)
	path := f.String("config", "", "the configuration file")
	rows := f.Int("rows", 500, "how many rows of each table are looked at")
	asJSON := f.Bool("json", false, "every sensitive-looking column as JSON")
	if err := parse(f, args); err != nil {
		return err
	}
	switch {
	case f.NArg() != 1:
		return &usageError{"mask scan needs one resource", "sallyport mask scan RESOURCE --config FILE"}
	case *rows < 1 || *rows > 100_000:
		return &usageError{"--rows is a number from 1 to 100000", ""}
	}
	m, err := loadMaskTarget(*path, f.Arg(0), "postgres", "mysql", "clickhouse", "mssql", "sqlite")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, scanTime)
	defer cancel()
	columns, tables, err := m.scan(ctx, io, *rows)
	if err != nil {
		return err
	}
	found := slices.DeleteFunc(columns, func(c *scanned) bool { return c.Confidence == "" })
	if *asJSON {
		if found == nil {
			found = []*scanned{}
		}
		return printJSON(io, found)
	}
	fmt.Fprint(io.out, proposal(m.resource.Name, found))
	open := 0
	for _, c := range found {
		if c.CoveredBy == "" {
			open++
		}
	}
	fmt.Fprintf(io.err, "%d tables, at most %d rows of each; %d columns look sensitive, %d of them no mask covers; no value was printed or kept\n",
		tables, *rows, len(found), open)
	return nil
}

// scan looks at every table that the login reads. Views are not looked at: what
// they show is masked by what they read.
func (m *maskTarget) scan(ctx context.Context, io stdio, rows int) (out []*scanned, tables int, err error) {
	s, err := newSampler(rows)
	if err != nil {
		return nil, 0, err
	}
	conn, done, err := m.open(ctx, sampleGuard{}, false)
	if err != nil {
		return nil, 0, err
	}
	defer done()
	told := time.Now()
	relations, err := conn.(connectors.Describer).Catalog(ctx)
	if err != nil {
		return nil, 0, err
	}
	for _, r := range relations {
		if r.Kind == policy.TableView || r.Kind == policy.TableForeign && m.resource.Kind == "clickhouse" || len(r.Columns) == 0 {
			continue
		}
		tables++
		columns := make([]*scanned, len(r.Columns))
		for i, c := range r.Columns {
			columns[i] = &scanned{Schema: r.Schema, Table: r.Name, Column: c.Name, Type: c.Type}
		}
		if r.Kind == policy.TableForeign {
			err = fmt.Errorf("its rows are at another place")
		} else {
			err = s.table(ctx, conn.(connectors.Querier), m.resource.Kind, r, columns)
		}
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		if err != nil {
			fmt.Fprintf(io.err, "%s was judged by its names alone: %v\n", widget.Escape(r.Name), err)
		}
		for _, c := range columns {
			c.judge()
			m.cover(c)
		}
		out = append(out, columns...)
		if now := time.Now(); now.Sub(told) >= scanTold {
			fmt.Fprintf(io.err, "%d tables looked at, of %d and views; ctrl-c ends it\n", tables, len(relations))
			told = now
		}
	}
	return out, tables, nil
}

// cover says which mask has the column already, or the pattern to propose.
func (m *maskTarget) cover(c *scanned) {
	if rule, ok := m.kept.Column(mask.Column{Schema: c.Schema, Table: c.Table, Name: c.Column}); ok {
		c.CoveredBy = rule.Name
		return
	}
	parts := []string{c.Table, c.Column}
	if c.Schema != "" && c.Schema != "public" && c.Schema != "main" {
		parts = append([]string{c.Schema}, parts...)
	}
	for i, p := range parts {
		parts[i] = patternPart(p)
	}
	c.Rule = strings.Join(parts, ".")
}

// patternPart writes a name as a pattern: what may not stand in one is any run.
func patternPart(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"`'[](),;. ", r) || r < ' ' || widget.Unsafe(string(r)) {
			return '*'
		}
		return r
	}, name)
}

// detectorKinds are what the hits of a detector mean; others mean a credential.
var detectorKinds = map[string]string{"email": "email", "card": "card", "ssn": "ssn", "phone": "phone", "iban": "bank-account"}

// judge weighs a column's name and its sample. Many hits are worth more than a
// name; a few in free text are a hint.
func (c *scanned) judge() {
	kind, sure, byName := named(c.Table, c.Column, c.Type)
	detector, hits := "", 0
	for _, d := range slices.Sorted(maps.Keys(c.Hits)) {
		if c.Hits[d] > hits {
			detector, hits = d, c.Hits[d]
		}
	}
	found := cmp.Or(detectorKinds[detector], "credential")
	seen := fmt.Sprintf("%d of %d values by the detector %s", hits, c.Sampled, detector)
	switch {
	case hits >= 3 && hits*2 >= c.Sampled:
		c.set(high, found, seen)
	case byName && sure:
		c.set(high, kind, "its name")
		if hits > 0 {
			c.Why += ", " + seen
		}
	case hits*20 >= c.Sampled && hits > 0:
		c.set(medium, found, seen)
	case byName && hits > 0:
		c.set(medium, kind, "its name, "+seen)
	case byName:
		c.set(low, kind, "its name")
	case hits > 0:
		c.set(low, found, seen)
	}
}

func (c *scanned) set(how confidence, kind, why string) { c.Confidence, c.Kind, c.Why = how, kind, why }

// proposal is the YAML: a mask for each kind of value, and in comments what is
// covered already and what is only a hint.
func proposal(resource string, found []*scanned) string {
	var b strings.Builder
	kinds := map[string][]*scanned{}
	var hints, covered []*scanned
	for _, c := range found {
		switch {
		case c.CoveredBy != "":
			covered = append(covered, c)
		case c.Confidence == low:
			hints = append(hints, c)
		default:
			kinds[c.Kind] = append(kinds[c.Kind], c)
		}
	}
	if len(kinds) > 0 {
		b.WriteString("masks:\n")
	} else {
		b.WriteString("# Nothing to propose.\n")
	}
	for _, k := range slices.Sorted(maps.Keys(kinds)) {
		fmt.Fprintf(&b, "  - name: scan-%s\n    resources: {names: [%s]}\n    columns:\n", k, resource)
		for _, c := range kinds[k] {
			fmt.Fprintf(&b, "      - %q # %s: %s\n", c.Rule, c.Confidence, c.Why)
		}
		b.WriteString("    method: redact\n")
	}
	for _, part := range []struct {
		head string
		list []*scanned
	}{{"Only a hint, look at them:", hints}, {"Covered already:", covered}} {
		if len(part.list) > 0 {
			fmt.Fprintf(&b, "# %s\n", part.head)
		}
		for _, c := range part.list {
			by := ""
			if c.CoveredBy != "" {
				by = ", by mask " + c.CoveredBy
			}
			fmt.Fprintf(&b, "#   %s.%s: %s, %s: %s%s\n", widget.Escape(c.Table), widget.Escape(c.Column), c.Kind, c.Confidence, c.Why, widget.Escape(by))
		}
	}
	return b.String()
}
