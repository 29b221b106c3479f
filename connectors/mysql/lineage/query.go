package lineage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
)

// query traces a SELECT, a set operation, TABLE or VALUES.
func (a *analyzer) query(n ast.Node, outer *scope) []column {
	if !a.enter() {
		return nil
	}
	defer a.leave()
	switch n := n.(type) {
	case *ast.SelectStmt:
		return a.selects(n, outer)
	case *ast.SetOprStmt:
		sc := &scope{outer: outer}
		a.with(n.With, sc)
		back := a.enterPart(source)
		cols := a.setOperation(n.SelectList, sc)
		back()
		a.orderAll(n.OrderBy, n.Limit, cols, sc)
		return cols
	case *ast.SetOprSelectList:
		return a.setOperation(n, &scope{outer: outer})
	case *ast.SubqueryExpr:
		return a.query(n.Query, outer)
	}
	a.fail("a query of a kind that is not known")
	return nil
}

func (a *analyzer) setOperation(n *ast.SetOprSelectList, sc *scope) []column {
	a.with(n.With, sc)
	var out []column
	distinct := false
	for k, s := range n.Selects {
		cols := a.query(s, sc)
		if k == 0 {
			out = slices.Clone(cols)
			continue
		}
		var op *ast.SetOprType
		switch s := s.(type) {
		case *ast.SelectStmt:
			op = s.AfterSetOperator
		case *ast.SetOprSelectList:
			op = s.AfterSetOperator
		}
		distinct = distinct || op == nil || *op != ast.UnionAll
		if len(cols) != len(out) {
			a.fail("the parts of a set operation have different columns")
			return nil
		}
		for i := range out {
			out[i].value = either(out[i].value, cols[i].value)
		}
	}
	if distinct {
		a.decides(all(out), "a set operation")
	}
	a.orderAll(n.OrderBy, n.Limit, out, sc)
	return out
}

// orderAll traces ORDER BY and LIMIT behind a set operation, which see its columns.
func (a *analyzer) orderAll(o *ast.OrderByClause, l *ast.Limit, cols []column, sc *scope) {
	in := &scope{outer: sc, ctes: sc.ctes, aliases: cols}
	a.order(o, cols, in, "ORDER BY")
	a.limit(l, in)
}

func (a *analyzer) limit(l *ast.Limit, sc *scope) {
	if l == nil {
		return
	}
	for _, e := range []ast.ExprNode{l.Count, l.Offset} {
		if e != nil {
			a.decides(a.expr(e, sc).src, "LIMIT")
		}
	}
}

// order traces the items of an ORDER BY or GROUP BY, which may be numbers of columns.
func (a *analyzer) order(o *ast.OrderByClause, cols []column, sc *scope, clause string) {
	if o == nil {
		return
	}
	for _, i := range o.Items {
		a.by(i.Expr, cols, sc, clause)
	}
}

func (a *analyzer) by(e ast.ExprNode, cols []column, sc *scope, clause string) {
	a.arranged(e, cols, sc, clause)
	if p, ok := e.(*ast.PositionExpr); ok {
		if p.P != nil || p.N < 1 || p.N > len(cols) {
			a.fail(fmt.Sprintf("%s of the column %d, which there is not", clause, p.N))
			return
		}
		a.tests(cols[p.N-1].src)
		a.decides(cols[p.N-1].src, clause)
		return
	}
	v := a.expr(e, sc)
	a.tests(v.src)
	a.decides(v.src, clause)
}

// with declares common table expressions.
func (a *analyzer) with(w *ast.WithClause, sc *scope) {
	if w == nil {
		return
	}
	ctes := map[string]*cte{}
	for k, v := range sc.ctes {
		ctes[k] = v
	}
	for at, n := range w.CTEs {
		a.legible(n.Name.O)
		// Each sees those before it; with RECURSIVE also itself and those behind it, which
		// the servers refuse or not: what is found then is what is meant.
		c := &cte{node: n, clause: w, at: at, recursive: w.IsRecursive}
		c.sc = &scope{outer: sc.outer, ctes: ctes, own: c}
		if !w.IsRecursive {
			before := map[string]*cte{}
			for k, v := range ctes {
				before[k] = v
			}
			c.sc.ctes = before
		}
		ctes[n.Name.L] = c
	}
	sc.ctes = ctes
	for _, n := range w.CTEs {
		a.cteColumns(ctes[n.Name.L]) // also those that nothing uses: they may fail
	}
}

// cteColumns are the columns of a common table expression. Those of a recursive one
// are worked out until nothing is added.
func (a *analyzer) cteColumns(c *cte) []column {
	switch {
	case c.state == 2:
		return c.cols
	case c.state == 1 && c.recursive:
		return c.cols
	case c.state == 1:
		a.fail("the common table expression " + c.node.Name.O + " refers to itself")
		return nil
	}
	c.state = 1
	defer a.enterPart(source)()
	if c.recursive {
		c.cols = a.titled(c, a.anchor(c))
	}
	for range 1000 {
		next := a.titled(c, a.query(c.node.Query.Query, c.sc))
		if a.why != "" {
			return nil
		}
		if !c.recursive {
			c.cols = next
			break
		}
		grown := false
		for i := range next {
			if i >= len(c.cols) {
				a.fail("the common table expression " + c.node.Name.O + " is not understood")
				return nil
			}
			v := either(c.cols[i].value, next[i].value)
			grown = grown || len(v.src) != len(c.cols[i].src) || v.direct != c.cols[i].direct
			c.cols[i].value = v
		}
		if !grown {
			break
		}
	}
	c.state = 2
	return c.cols
}

// anchor is the first part of a recursive expression, which names the columns.
func (a *analyzer) anchor(c *cte) []column {
	var first ast.Node = c.node.Query.Query
	for range maxDepth {
		switch n := first.(type) {
		case *ast.SetOprStmt:
			first = n.SelectList
			continue
		case *ast.SetOprSelectList:
			if len(n.Selects) == 0 {
				a.fail("a set operation without parts")
				return nil
			}
			first = n.Selects[0]
			continue
		}
		break
	}
	if s, ok := first.(*ast.SelectStmt); ok && s.With == nil {
		return a.query(s, c.sc)
	}
	a.fail("the common table expression " + c.node.Name.O + " is not understood")
	return nil
}

func (a *analyzer) titled(c *cte, cols []column) []column {
	return a.called(cols, c.node.ColNameList, c.node.Name.O)
}

// selects traces one SELECT.
func (a *analyzer) selects(n *ast.SelectStmt, outer *scope) []column {
	sc := &scope{outer: outer}
	if outer != nil {
		sc.ctes = outer.ctes
	}
	a.with(n.With, sc)
	switch {
	case n.SelectIntoOpt != nil:
		a.fail("SELECT INTO writes a file of the server")
		return nil
	case n.Kind == ast.SelectStmtKindValues:
		return a.values(n, sc)
	}
	var star []column
	if n.From != nil {
		sc.items, star = a.source(n.From.TableRefs, sc)
	}
	a.namedWindows(n, sc)
	if n.Where != nil {
		a.condition(n.Where, sc, "WHERE")
	}
	var cols []column
	if n.Kind == ast.SelectStmtKindTable {
		cols = star
		a.look(star)
	} else if n.Fields != nil {
		for _, f := range n.Fields.Fields {
			cols = a.few(append(cols, a.field(f, star, sc)...))
			sc.listed = cols
		}
	}
	if n.Distinct {
		a.decides(all(cols), "DISTINCT")
	}
	seen := &scope{outer: sc.outer, ctes: sc.ctes, items: sc.items, windows: sc.windows, aliases: cols}
	if n.GroupBy != nil {
		for _, i := range n.GroupBy.Items {
			a.by(i.Expr, cols, seen, "GROUP BY")
		}
	}
	if n.Having != nil {
		a.condition(n.Having.Expr, seen, "HAVING")
	}
	a.order(n.OrderBy, cols, seen, "ORDER BY")
	a.limit(n.Limit, seen)
	a.meets(n, sc)
	for _, c := range cols {
		if _, ok := c.src[closed]; ok {
			a.fail("a column that tells of the values of tables")
		}
	}
	return cols
}

func (a *analyzer) values(n *ast.SelectStmt, sc *scope) []column {
	var out []column
	for k, row := range n.Lists {
		for i, e := range row.Values {
			v := a.expr(e, sc)
			switch {
			case k == 0:
				out = append(out, column{name: fmt.Sprintf("column_%d", i), value: v})
			case i < len(out):
				out[i].value = either(out[i].value, v)
			}
		}
	}
	a.orderAll(n.OrderBy, n.Limit, out, sc)
	return out
}

func (a *analyzer) look(cols []column) {
	for _, c := range cols {
		for s := range c.src {
			a.reads[s] = struct{}{}
		}
	}
}

// field is one entry of a select list.
func (a *analyzer) field(f *ast.SelectField, star []column, sc *scope) []column {
	if f.WildCard != nil {
		cols := star
		if w := f.WildCard; w.Table.L != "" {
			cols = nil
			for _, i := range sc.items {
				switch i.is(&ast.ColumnName{Schema: w.Schema, Table: w.Table}) {
				case sure:
					cols = append(cols, i.cols...)
				case maybe:
					a.fail("the table of a star is not known")
				}
			}
		}
		if len(cols) == 0 {
			a.fail("a star without columns")
		}
		for _, i := range sc.items {
			if t := f.WildCard.Table.O; i.used != nil && (t == "" || t == i.name) {
				for _, c := range i.cols {
					i.used[c.name] = true
				}
			}
		}
		a.look(cols)
		return cols
	}
	c := column{value: a.expr(f.Expr, sc)}
	switch e := unwrap(f.Expr).(type) {
	case *ast.ColumnNameExpr:
		_, bare := f.Expr.(*ast.ColumnNameExpr) // of one in brackets servers have two names
		c.name, c.plain = e.Name.Name.L, bare
	default:
		c.name = fold(strings.TrimSpace(f.Text()))
	}
	if f.AsName.L != "" {
		a.legible(f.AsName.O)
		c.name, c.plain = f.AsName.L, true
	}
	return []column{c}
}

func unwrap(e ast.ExprNode) ast.ExprNode {
	for range maxDepth {
		p, ok := e.(*ast.ParenthesesExpr)
		if !ok {
			return e
		}
		e = p.Expr
	}
	return e
}

// namedWindows traces the WINDOW clause.
func (a *analyzer) namedWindows(n *ast.SelectStmt, sc *scope) {
	sc.windows = map[string]value{}
	for i := range n.WindowSpecs {
		sc.windows[n.WindowSpecs[i].Name.L] = a.window(&n.WindowSpecs[i], sc)
	}
}

// window is what the partitions and the order of a window are made of. The server
// sorts by them, which shows in the order of the answer.
func (a *analyzer) window(w *ast.WindowSpec, sc *scope) value {
	v := value{}
	if w.PartitionBy != nil {
		for _, i := range w.PartitionBy.Items {
			v.src = union(v.src, a.expr(i.Expr, sc).src)
		}
	}
	if w.OrderBy != nil {
		for _, i := range w.OrderBy.Items {
			v.src = union(v.src, a.expr(i.Expr, sc).src)
		}
	}
	if w.Frame != nil {
		for _, b := range []ast.FrameBound{w.Frame.Extent.Start, w.Frame.Extent.End} {
			if b.Expr != nil {
				v.src = union(v.src, a.expr(b.Expr, sc).src)
			}
		}
	}
	for _, name := range []string{w.Ref.L, w.Name.L} {
		if o, ok := sc.windows[name]; ok {
			v.src = union(v.src, o.src)
		}
	}
	a.decides(v.src, "OVER")
	return v
}
