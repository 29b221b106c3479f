package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// estimateTimeout bounds the planner: a plan that takes longer is no help to
// somebody who waits for a verdict.
const estimateTimeout = 2 * time.Second

var _ connectors.Estimator = (*Conn)(nil)

// Estimate asks the planner how many rows a statement would return or change.
// It refuses, with connectors.ErrUnsupported, what planning may run a function
// of: planning evaluates immutable and stable ones.
func (c *Conn) Estimate(ctx context.Context, g connectors.Guard, s connectors.Statement) (int64, error) {
	run, err := c.beginOwn(ctx)
	if err != nil {
		return 0, err
	}
	defer c.end()
	if err := c.refresh(run, g); err != nil {
		return 0, err
	}
	j, err := c.driver.judge(run, s.Text)
	if err != nil {
		return 0, err
	}
	return c.estimate(run, g, j, resolve(j, c.catalog.Load()), s.Text)
}

// estimate runs EXPLAIN in a read-only transaction that is rolled back. Nothing
// else may be within the connection's operation.
func (c *Conn) estimate(ctx context.Context, g connectors.Guard, j *judgement, f policy.Facts, text string) (int64, error) {
	if c.block != noBlock {
		return 0, fmt.Errorf("%w: no estimate: a transaction is open", connectors.ErrUnsupported)
	}
	if why := inestimable(j, f); why != "" {
		return 0, fmt.Errorf("%w: no estimate: %s", connectors.ErrUnsupported, why)
	}
	text = "explain (format json) " + text
	// What is sent is judged like anything else: that it is EXPLAIN, and runs nothing.
	if e, err := c.driver.judge(ctx, text); err != nil || e.Class != policy.Read || e.Verb != "EXPLAIN" || e.Form == "EXPLAIN ANALYZE" || e.Statements != 1 {
		return 0, fmt.Errorf("%w: no estimate: EXPLAIN does not take it", connectors.ErrUnsupported)
	}
	begin := fmt.Sprintf("begin transaction read only; set local statement_timeout = %d", estimateTimeout.Milliseconds())
	if err := g.Note(ctx, begin+"; "+text+"; rollback"); err != nil {
		return 0, err
	}
	c.io <- struct{}{}
	defer func() { <-c.io }()
	q := source{c: c, g: g, run: ctx}
	if _, err := c.pg.Exec(ctx, begin).ReadAll(); err != nil {
		return 0, q.failure(err)
	}
	result := c.pg.ExecParams(ctx, text, nil, nil, nil, nil).Read()
	q.rollback()
	if result.Err != nil {
		return 0, q.failure(result.Err)
	}
	if len(result.Rows) != 1 || len(result.Rows[0]) != 1 {
		return 0, fmt.Errorf("%w: EXPLAIN gave %d rows", connectors.ErrProtocol, len(result.Rows))
	}
	return planRows(result.Rows[0][0])
}

// inestimable says why the planner is not asked about a statement.
func inestimable(j *judgement, f policy.Facts) string {
	switch {
	case j.Cannot != "":
		return j.Cannot
	case j.Statements != 1 || !slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"}, f.Verb):
		return "it is not a statement about rows"
	case f.Class.Severity() > policy.Write.Severity() || f.Opaque:
		return "it may reach more than it says"
	}
	for _, call := range j.Calls {
		if !call.Listed {
			return "planning may call " + call.Name
		}
	}
	for _, t := range f.Tables {
		if t.Kind != policy.TablePlain && t.Kind != policy.TablePartitioned {
			return "planning may call what is behind " + t.Name
		}
	}
	return ""
}

// plan is a node of EXPLAIN's answer.
type plan struct {
	Type  string  `json:"Node Type"`
	Rows  float64 `json:"Plan Rows"`
	Plans []plan  `json:"Plans"`
}

// planRows is the rows that the nodes which change rows get, or else the rows
// that come out.
func planRows(b []byte) (int64, error) {
	var out []struct{ Plan plan }
	if err := json.Unmarshal(b, &out); err != nil || len(out) != 1 {
		return 0, fmt.Errorf("%w: EXPLAIN's answer cannot be read", connectors.ErrProtocol)
	}
	rows, changes := out[0].Plan.changed()
	if !changes {
		rows = out[0].Plan.Rows
	}
	return int64(min(rows, 1e15)), nil
}

func (p plan) changed() (rows float64, changes bool) {
	for _, in := range p.Plans {
		if p.Type == "ModifyTable" {
			rows, changes = rows+in.Rows, true
		}
		n, c := in.changed()
		rows, changes = rows+n, changes || c
	}
	return rows, changes
}
