package mysql

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// estimateTimeout bounds the planner.
const estimateTimeout = 2 * time.Second

// Estimate asks the planner how many rows a statement would return or change. It
// refuses, with connectors.ErrUnsupported, what planning may run a part of:
// subqueries and functions that are not known.
func (c *Conn) Estimate(ctx context.Context, g connectors.Guard, s connectors.Statement) (int64, error) {
	run, _, err := c.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer c.turn.End()
	if err := c.refresh(run, g); err != nil {
		return 0, err
	}
	return c.estimate(run, g, c.assess(s.Text), s.Text)
}

// estimate runs EXPLAIN on the second line, in a transaction that is rolled back: a
// read-only one does not take EXPLAIN DELETE. It runs nothing of the statement.
func (c *Conn) estimate(ctx context.Context, g connectors.Guard, j *judged, text string) (int64, error) {
	if why := j.inestimable(); why != "" {
		return 0, fmt.Errorf("%w: no estimate: %s", connectors.ErrUnsupported, why)
	}
	text = "explain " + text
	if st, err := parseOne(text); err != nil {
		return 0, fmt.Errorf("%w: no estimate: EXPLAIN does not take it", connectors.ErrUnsupported)
	} else if e, ok := st.(*ast.ExplainStmt); !ok || e.Analyze {
		return 0, fmt.Errorf("%w: no estimate: EXPLAIN does not take it", connectors.ErrUnsupported)
	}
	database, _ := c.place()
	before := []string{c.sessionText(estimateTimeout), "start transaction"}
	if database != "" {
		before = append(before, "use `"+strings.ReplaceAll(database, "`", "``")+"`")
	}
	if err := g.Note(ctx, strings.Join(before, "; ")+"; "+text+"; rollback"); err != nil {
		return 0, err
	}
	rows, err := c.planned(context.WithoutCancel(ctx), append(before, text))
	switch {
	case err != nil:
		return 0, err
	case ctx.Err() != nil:
		return 0, canceled(ctx)
	}
	return planRows(rows)
}

// planned runs statements on the second line, undoes what they did to its session,
// and returns the rows of the last. It takes no longer than estimateTimeout.
func (c *Conn) planned(ctx context.Context, texts []string) (rows [][]string, err error) {
	for _, t := range texts {
		if rows, err = c.aside(ctx, t); err != nil {
			break
		}
	}
	for _, t := range []string{"rollback", c.sessionText(0)} {
		if _, after := c.aside(ctx, t); after != nil && err == nil {
			err = after
		}
	}
	return rows, err
}

// inestimable says why the planner is not asked about a statement.
func (j *judged) inestimable() string {
	switch j.statement.(type) {
	case *ast.SelectStmt, *ast.UpdateStmt, *ast.DeleteStmt:
	default:
		return "it is not a statement about rows that are there"
	}
	if j.cannot != "" || !j.Understood || j.facts.Opaque || j.facts.Class.Severity() > policy.Write.Severity() {
		return "it may reach more than it says"
	}
	for _, t := range j.facts.Tables {
		if t.Kind != policy.TablePlain {
			return "planning may run what is behind " + t.Name
		}
	}
	s := subqueries{}
	j.statement.Accept(&s)
	if s.n > 0 {
		return "planning may run a subquery"
	}
	return ""
}

// subqueries counts the queries within a statement.
type subqueries struct{ depth, n int }

func (s *subqueries) Enter(n ast.Node) (ast.Node, bool) {
	switch n.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt, *ast.SubqueryExpr:
		if s.depth > 0 {
			s.n++
		}
	}
	s.depth++
	return n, false
}

func (s *subqueries) Leave(n ast.Node) (ast.Node, bool) {
	s.depth--
	return n, true
}

// planRows multiplies what EXPLAIN says of the tables of the statement itself: its
// columns are id, select_type, table, ..., rows, and then filtered and Extra or Extra
// alone.
func planRows(rows [][]string) (int64, error) {
	total := 1.0
	for _, r := range rows {
		if len(r) < 10 {
			return 0, fmt.Errorf("%w: EXPLAIN's answer cannot be read", connectors.ErrProtocol)
		}
		at := 8 // MariaDB's
		if len(r) >= 12 {
			at = 9 // MySQL's has partitions and filtered
		}
		n, err := strconv.ParseFloat(r[at], 64)
		if err != nil {
			n = 0 // no table, or no row at all
			if r[2] == "" && len(rows) == 1 && strings.Contains(r[len(r)-1], "No tables used") {
				n = 1
			}
		}
		if len(r) >= 12 {
			if f, err := strconv.ParseFloat(r[10], 64); err == nil {
				n *= f / 100
			}
		}
		total *= n
	}
	return int64(min(total, 1e15)), nil
}
