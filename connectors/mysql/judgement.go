package mysql

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/mysql/lineage"
	"github.com/sallyport/sallyport/policy"
)

// judged is all that is found out about a text without running it.
type judged struct {
	facts policy.Facts
	*lineage.Result
	statement ast.StmtNode // nil where the text is not one
	// cannot says why it is not run, "" if it may be; unparsed that the parser does
	// not take it: the target may say what is wrong with it.
	cannot   string
	unparsed bool
}

// assess judges a text by the catalog as last read.
func (c *Conn) assess(text string) *judged {
	cat := c.catalog.Load()
	database, tainted := c.place()
	j := &judged{facts: Facts(text)}
	st, err := parseOne(text)
	switch {
	case err != nil:
		j.Result = &lineage.Result{Why: err.Error()}
		j.cannot = err.Error()
		j.unparsed = !scan(text).special && !errors.Is(err, errSeveral)
	case tainted != "":
		j.statement, j.Result = st, &lineage.Result{Why: tainted}
	default:
		j.statement, j.Result = st, lineage.Analyze(st, tracer{cat, database})
	}
	if j.cannot == "" {
		j.cannot = impossible(st, text, j.facts)
	}
	j.resolve(tracer{cat, database})
	return j
}

// impossible says why a statement is not run through the gate.
func impossible(st ast.StmtNode, text string, f policy.Facts) string {
	switch n := st.(type) {
	case *ast.ShowStmt:
		if n.Tp == ast.ShowWarnings || n.Tp == ast.ShowErrors {
			return "the gate's own statements came in between; the target's warnings are shown beside each answer"
		}
		if n.Tp == ast.ShowGrants || n.Tp == ast.ShowCreateUser {
			return "it would show the hash of a password, the gate's own among them"
		}
	case *ast.SetStmt:
		for _, v := range n.Variables {
			if name := strings.ToLower(strings.TrimPrefix(v.Name, "@@")); v.IsSystem && (name == "autocommit" || name == "completion_type") {
				return "a transaction begins with BEGIN and ends with COMMIT or ROLLBACK: " + name + " is the gate's"
			}
		}
	case *ast.PrepareStmt, *ast.ExecuteStmt, *ast.DeallocateStmt:
		return "statements that the session prepares are not run"
	case *ast.LockTablesStmt, *ast.UnlockTablesStmt:
		return "locks that outlive the statement are not taken"
	case *ast.LoadDataStmt:
		if n.FileLocRef == ast.FileLocClient {
			return "there is no file of the client's here"
		}
	}
	lower := strings.ToLower(text)
	switch {
	case f.Class == policy.Unknown:
		return f.Why
	case strings.Contains(text, "/*+") && (strings.Contains(lower, "set_var") || strings.Contains(lower, "max_execution_time")):
		return "a hint changes the session's limits or settings"
	}
	return ""
}

// resolve completes the facts by what the catalog knows. What is not understood may
// reach more than its text tells.
func (j *judged) resolve(t tracer) {
	for i := range j.facts.Tables {
		n := &j.facts.Tables[i]
		if r := t.find(n.Schema, n.Name); r != nil {
			n.Schema, n.Name, n.Kind = r.Schema, r.Name, r.kind
		} else if n.Schema == "" {
			n.Schema = t.database
		}
	}
	for i := range j.facts.Writes {
		w := &j.facts.Writes[i]
		if r := t.find(w.Schema, w.Table); r != nil {
			w.Schema, w.Table, w.Name = r.Schema, r.Name, r.spelled(w.Name)
		}
	}
	if !j.Understood {
		j.facts.Opaque = true
		return
	}
	j.facts.Copies = false // where values go is known
	j.facts.Opaque = j.facts.Opaque || j.Code
	j.facts.Reads = nil
	for _, c := range j.Reads {
		j.facts.Reads = append(j.facts.Reads, policy.Column{Schema: c.Schema, Table: c.Table, Name: c.Name})
	}
}

// within is the session's own schema, where it is not the one that it was opened with.
func (c *Conn) within() string {
	database, _ := c.place()
	if database == c.endpoint.Database {
		return ""
	}
	return database
}

// unsaid is the variable of the session that a statement reads, "" for none.
func (j *judged) unsaid() string {
	f := variables{}
	if j.statement != nil {
		j.statement.Accept(&f)
	}
	return f.found
}

// variables looks for one that the requester sets.
type variables struct{ found string }

func (f *variables) Enter(n ast.Node) (ast.Node, bool) {
	if v, ok := n.(*ast.VariableExpr); ok && !v.IsSystem && v.Value == nil {
		f.found = "the variable @" + v.Name
	}
	return n, f.found != ""
}

func (f *variables) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// Judge finds the facts of a statement from its text and the catalog as last read.
// It asks the target nothing.
func (c *Conn) Judge(_ context.Context, s connectors.Statement) (policy.Facts, error) {
	return c.assess(s.Text).facts, nil
}

// Trace tells where a statement's values come from, as Judge does facts.
func (c *Conn) Trace(_ context.Context, s connectors.Statement) (*connectors.Trace, error) {
	return c.assess(s.Text).hub(), nil
}

// hub is the lineage in the hub's words.
func (j *judged) hub() *connectors.Trace {
	if !j.Understood {
		return &connectors.Trace{Why: j.Why}
	}
	out := &connectors.Trace{Reads: slices.Clone(j.Reads)}
	for _, c := range j.Columns {
		out.Reads = append(out.Reads, c.Sources...)
		out.Columns = append(out.Columns, connectors.ValueOrigin{Direct: c.Direct, Columns: c.Sources})
	}
	for _, p := range j.Predicates {
		out.Reads = append(out.Reads, p.Column)
		out.Predicates = append(out.Predicates, connectors.Predicate{Column: p.Column, Equality: p.Equality, Clause: p.Clause, Tries: j.Tries[p.Column]})
	}
	for _, w := range j.Writes {
		out.Reads = append(out.Reads, w.Sources...)
		out.Writes = append(out.Writes, connectors.Written{Into: w.Into, Targets: w.Targets, Sources: w.Sources})
	}
	return out
}
