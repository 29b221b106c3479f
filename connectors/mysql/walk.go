package mysql

import (
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/connectors/mysql/lineage"
	"github.com/sallyport/sallyport/policy"
)

func lower(s string) string { return strings.ToLower(s) }

// walk judges everything within a node: tables, columns, calls, locks, files.
func (j *judge) walk(n ast.Node) {
	if n == nil {
		return
	}
	w := &walker{j: j, ctes: map[string]bool{}}
	n.Accept(w)
	w.resolve()
}

// walker is an ast.Visitor.
type walker struct {
	j       *judge
	depth   int
	ctes    map[string]bool
	columns []*ast.ColumnName
	base    []policy.Table    // base tables of the node
	aliases map[string]string // alias to table
}

// Enter judges a node and goes into it.
func (w *walker) Enter(n ast.Node) (ast.Node, bool) {
	if w.depth++; w.depth > maxDepth {
		w.j.raise(policy.Unknown, "the statement is nested too deeply to judge")
		return n, true
	}
	switch n := n.(type) {
	case *ast.CommonTableExpression:
		w.ctes[n.Name.L] = true
	case *ast.TableSource:
		if t, ok := n.Source.(*ast.TableName); ok && n.AsName.L != "" {
			w.alias(n.AsName.L, t.Name.L)
		}
	case *ast.TableName:
		if n.Schema.L == "" && w.ctes[n.Name.L] {
			break
		}
		w.j.table(n, false)
		w.base = append(w.base, policy.Table{Schema: n.Schema.O, Name: n.Name.O})
	case *ast.SelectStmt:
		w.selects(n)
	case *ast.FuncCallExpr:
		w.j.call(n)
	case *ast.AggregateFuncExpr:
		w.j.function(lower(n.F))
	case *ast.WindowFuncExpr:
		w.j.function(lower(n.Name))
	case *ast.ColumnNameExpr:
		w.columns = append(w.columns, n.Name)
	case *ast.VariableExpr:
		if n.IsSystem && n.Value != nil {
			w.j.raise(policy.Dangerous, "sets a variable of the server")
		}
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt:
		w.j.raise(policy.Write, "changes rows")
	}
	return n, false
}

// Leave goes back out.
func (w *walker) Leave(n ast.Node) (ast.Node, bool) {
	w.depth--
	return n, true
}

func (w *walker) alias(as, table string) {
	if w.aliases == nil {
		w.aliases = map[string]string{}
	}
	w.aliases[as] = table
}

func (w *walker) selects(n *ast.SelectStmt) {
	if n.LockInfo != nil && n.LockInfo.LockType != ast.SelectLockNone {
		w.j.raise(policy.Write, "the SELECT locks rows")
	}
	if n.SelectIntoOpt != nil {
		w.j.raise(policy.Dangerous, "SELECT INTO writes a file of the server")
		w.j.copies("SELECT INTO")
	}
	for _, h := range n.TableHints {
		if strings.Contains(h.HintName.L, "set_var") {
			w.j.raise(policy.Dangerous, "a hint sets a variable of the session")
		}
	}
}

// resolve names the table of each column where the statement tells it.
func (w *walker) resolve() {
	for _, c := range w.columns {
		col := policy.Column{Schema: c.Schema.O, Table: c.Table.O, Name: c.Name.O}
		switch t, ok := w.aliases[c.Table.L]; {
		case ok:
			col.Table = t
		case c.Table.L == "" && len(w.base) == 1:
			col.Schema, col.Table = w.base[0].Schema, w.base[0].Name
		case c.Table.L == "":
			continue // which of several tables only the server knows
		}
		if !slices.Contains(w.j.facts.Reads, col) {
			w.j.facts.Reads = append(w.j.facts.Reads, col)
		}
	}
}

// call judges a function.
func (j *judge) call(n *ast.FuncCallExpr) {
	name := lineage.FunctionName(n)
	if n.Schema.L != "" {
		name = n.Schema.L + "." + name
	}
	j.function(name)
}

func (j *judge) function(name string) {
	if !slices.Contains(j.facts.Functions, name) {
		j.facts.Functions = append(j.facts.Functions, name)
	}
	list := functions()
	bare := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case list.dangerous[bare] || strings.HasPrefix(bare, "sys_") && bare != "sys_guid" || strings.HasPrefix(bare, "lib_mysqludf"):
		j.raise(policy.Dangerous, "calls "+name+", which reads files, runs programs or holds the server up")
	case list.writes[bare]:
		j.raise(policy.Write, "calls "+name+", which changes something")
	case bare != name || !list.harmless[name]:
		j.facts.Opaque = true
		j.raise(policy.Write, "calls "+name+", which is not known to be harmless")
	}
}

func (j *judge) insert(n *ast.InsertStmt) {
	j.verb = "INSERT"
	if n.IsReplace {
		j.verb = "REPLACE"
	}
	j.raise(policy.Write, j.verb+" changes rows")
	j.walk(n)
	target := targets(n.Table)
	for _, t := range target {
		j.table(t, true)
	}
	if len(target) == 1 {
		for _, c := range n.Columns {
			j.writes(target[0], c)
		}
		for _, a := range n.OnDuplicate {
			j.writes(target[0], a.Column)
		}
	}
	if n.Select != nil {
		j.copies("INSERT ... SELECT")
	}
}

func (j *judge) writes(t *ast.TableName, c *ast.ColumnName) {
	col := policy.Column{Schema: t.Schema.O, Table: t.Name.O, Name: c.Name.O}
	if !slices.Contains(j.facts.Writes, col) {
		j.facts.Writes = append(j.facts.Writes, col)
	}
}

func (j *judge) update(n *ast.UpdateStmt) {
	j.verb = "UPDATE"
	j.raise(policy.Write, "UPDATE changes rows")
	j.walk(n)
	named := targets(n.TableRefs)
	for _, t := range named {
		j.table(t, true)
	}
	if len(named) == 1 {
		for _, a := range n.List {
			j.writes(named[0], a.Column)
		}
	}
	j.effective(n.Where, n.TableRefs, "UPDATE")
}

func (j *judge) delete(n *ast.DeleteStmt) {
	j.verb = "DELETE"
	j.raise(policy.Write, "DELETE removes rows")
	j.walk(n)
	if n.Tables != nil {
		for _, t := range n.Tables.Tables {
			j.table(t, true)
		}
	} else {
		for _, t := range targets(n.TableRefs) {
			j.table(t, true)
		}
	}
	j.effective(n.Where, n.TableRefs, "DELETE")
}

// effective finds out whether a condition bounds what is changed.
func (j *judge) effective(where ast.ExprNode, from *ast.TableRefsClause, verb string) {
	if where == nil {
		j.destroys(policy.Write, verb+" without WHERE")
		return
	}
	c := condition{tables: targets(from)}
	if !c.bounds(where, false) {
		j.destroys(policy.Write, verb+" whose WHERE bounds nothing")
	}
}

// targets are the tables of a FROM clause, without those in subqueries.
func targets(refs *ast.TableRefsClause) []*ast.TableName {
	if refs == nil {
		return nil
	}
	var out []*ast.TableName
	var in func(n ast.ResultSetNode, depth int)
	in = func(n ast.ResultSetNode, depth int) {
		if depth > 200 {
			return
		}
		switch n := n.(type) {
		case *ast.Join:
			if n != nil {
				in(n.Left, depth+1)
				in(n.Right, depth+1)
			}
		case *ast.TableSource:
			if t, ok := n.Source.(*ast.TableName); ok {
				out = append(out, t)
			} else {
				in(n.Source, depth+1)
			}
		case *ast.TableName:
			out = append(out, n)
		}
	}
	in(refs.TableRefs, 0)
	return out
}
