package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

const (
	sampleTime  = 10 * time.Second // at the target, for one table
	sampleBytes = 16 << 20         // of one table
	sampleValue = 2000             // characters of one value
)

// sampler looks at values and keeps counts alone: no value leaves it.
type sampler struct {
	detectors []detectorPlan
	rows      int
}

// detectorPlan is a plan with one detector.
type detectorPlan struct {
	name string
	plan *mask.Plan
}

// newSampler runs every detector but those for addresses of machines, which are
// a site's choice.
func newSampler(rows int) (*sampler, error) {
	s := &sampler{rows: rows}
	for _, d := range mask.Detectors() {
		if strings.HasPrefix(d.Name, "ipv") {
			continue
		}
		p, err := mask.NewPlan(nil, []string{d.Name})
		if err != nil {
			return nil, err
		}
		s.detectors = append(s.detectors, detectorPlan{d.Name, p})
	}
	return s, nil
}

// table reads some rows of a table and counts hits by column, in their order.
// Its error says nothing of values.
func (s *sampler) table(ctx context.Context, q connectors.Querier, kind string, r connectors.Relation, columns []*scanned) error {
	err := s.read(ctx, q, sampleText(kind, r, s.rows), columns)
	var te *connectors.TargetError
	switch {
	case errors.As(err, &te):
		return fmt.Errorf("the target refused (%s)", te.Code)
	case err != nil:
		return errors.New("it could not be read")
	}
	return nil
}

func (s *sampler) read(ctx context.Context, q connectors.Querier, text string, columns []*scanned) error {
	res, err := q.Query(ctx, sampleGuard{}, connectors.Statement{Text: text})
	if err != nil {
		return err
	}
	defer res.Close()
	for {
		rows, err := res.Batch(ctx, 100)
		for _, row := range rows {
			for i, cell := range row {
				if i < len(columns) && !cell.Null && cell.Text != "" {
					s.value(columns[i], cell.Text)
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *sampler) value(c *scanned, text string) {
	c.Sampled++
	for _, d := range s.detectors {
		if _, hit := d.plan.Text(text); hit {
			if c.Hits == nil {
				c.Hits = map[string]int{}
			}
			c.Hits[d.name]++
		}
	}
}

// sampleText reads the first rows there are, which costs the target little
// whatever the table's size, and of each value its beginning.
func sampleText(kind string, r connectors.Relation, rows int) string {
	form := "left((%s)::text, %d)"
	quoted := quoted
	switch kind {
	case "sqlite":
		form = "substr(cast(%s as text), 1, %d)"
	case "mysql":
		form = "left(cast(%s as char), %d)"
		quoted = func(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
	case "mssql":
		form = "left(cast(%s as nvarchar(max)), %d)"
	case "clickhouse":
		form = "substring(toString(%s), 1, %d)"
	}
	var cols []string
	for _, c := range r.Columns {
		if kind == "clickhouse" && wordless(c.Type) {
			cols = append(cols, "''")
			continue
		}
		cols = append(cols, fmt.Sprintf(form, quoted(c.Name), sampleValue))
	}
	from := quoted(r.Name)
	if r.Schema != "" {
		from = quoted(r.Schema) + "." + from
	}
	if kind == "mssql" {
		return fmt.Sprintf("select top (%d) %s from %s", rows, strings.Join(cols, ", "), from)
	}
	return fmt.Sprintf("select %s from %s limit %d", strings.Join(cols, ", "), from, rows)
}

// wordless reports whether ClickHouse makes no text of a type by itself.
func wordless(typ string) bool {
	return strings.HasPrefix(typ, "AggregateFunction") || strings.HasPrefix(typ, "Tuple") || strings.Contains(typ, "Nothing")
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// sampleGuard lets an administrator's own scan read: read-only, in little time,
// without a record, since nothing of what is read is shown to anybody.
type sampleGuard struct{}

func (sampleGuard) Check(_ context.Context, op connectors.Operation) (connectors.Permit, error) {
	if op.Action != policy.ActionSQL {
		return nil, errors.New("a scan reads tables alone")
	}
	return samplePermit{}, nil
}

func (sampleGuard) Note(context.Context, string) error { return nil }

type samplePermit struct{}

// nothingMasked shows values as they are to the detectors.
var nothingMasked = func() *mask.Plan {
	p, err := mask.NewPlan(nil, nil)
	if err != nil {
		panic(err) // a plan of nothing has no faults
	}
	return p
}()

func (samplePermit) Seen() *mask.Plan { return nothingMasked }
func (samplePermit) Kept() *mask.Plan { return nothingMasked }
func (samplePermit) Terms() connectors.Terms {
	return connectors.Terms{ReadOnly: true, Timeout: sampleTime, MaxBytes: sampleBytes}
}
func (samplePermit) Observe(context.Context, connectors.Chunk) error { return nil }
func (samplePermit) Stdio(raw connectors.Stdio) (connectors.Stdio, func() error) {
	return raw, func() error { return nil }
}
func (samplePermit) Reply(w connectors.ResponseWriter, _ []mask.PathRule) (connectors.ResponseWriter, func() error) {
	return w, func() error { return nil }
}
func (samplePermit) Done(connectors.Outcome) {}
