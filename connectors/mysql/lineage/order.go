package lineage

import (
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/opcode"

	"github.com/sallyport/sallyport/mask"
)

// Rows that no ORDER BY puts in order come in that of the index which the server
// reads, and that is the order of the index's values: SELECT id FROM customers is
// answered from a small index on email, in the order of the e-mails. The server
// reads an index instead of the table where that has all it needs, or where a
// condition, an order or a group goes by its first columns.

// part is where in a statement a SELECT stands.
type part uint8

const (
	top       part = iota // the statement itself
	source                // what its rows are made of: a view, a subquery in FROM, a part of a UNION
	predicate             // a subquery in an expression
)

// ordering is what is known of the order in which rows come.
type ordering struct {
	part         part
	tables       []*met
	tested       set              // columns that conditions, orders and groups go by
	ordered      set              // columns that the answer is ordered by
	pins         set              // columns that are equal to a constant
	equal        [][2]mask.Column // columns that are equal to each other
	grouped      bool             // the answer's rows are groups, in an order of their own
	alternatives int              // ORs around what is looked at
}

// met is a table that a SELECT reads.
type met struct {
	rel  *Relation
	used map[string]bool
	// hinted says that the statement names indexes.
	hinted bool
	part   part
	// alone says that the order shows within the SELECT: it keeps the first rows, or puts
	// rows together one after the other.
	alone bool
}

// enterPart notes that what follows stands in p; the function it returns ends that.
func (a *analyzer) enterPart(p part) func() {
	was := a.part
	if p > a.part {
		a.part = p
	}
	return func() { a.part = was }
}

func (a *analyzer) tests(src set) {
	if a.tested == nil {
		a.tested = set{}
	}
	for c := range src {
		a.tested[c] = struct{}{}
	}
}

// one is the base column that a bare name stands for, unchanged.
func (a *analyzer) one(e ast.ExprNode, sc *scope) (mask.Column, bool) {
	c, ok := unwrap(e).(*ast.ColumnNameExpr)
	if !ok {
		return mask.Column{}, false
	}
	return single(a.reference(c.Name, sc))
}

func single(v value) (mask.Column, bool) {
	if v.direct && len(v.src) == 1 {
		for c := range v.src {
			return c, true
		}
	}
	return mask.Column{}, false
}

// fixes notes what a condition that must hold says of equality.
func (a *analyzer) fixes(e ast.ExprNode, sc *scope) {
	b, ok := e.(*ast.BinaryOperationExpr)
	if !ok || b.Op != opcode.EQ || a.alternatives > 0 {
		return
	}
	l, okL := a.one(b.L, sc)
	r, okR := a.one(b.R, sc)
	_, constL := unwrap(b.L).(ast.ValueExpr)
	_, constR := unwrap(b.R).(ast.ValueExpr)
	switch {
	case okL && okR:
		a.equal = append(a.equal, [2]mask.Column{l, r})
	case okL && constR:
		a.pins = union(a.pins, of(l))
	case okR && constL:
		a.pins = union(a.pins, of(r))
	}
}

// arranged notes what the answer itself is ordered by. A name in ORDER BY is a
// column of the answer first.
func (a *analyzer) arranged(e ast.ExprNode, cols []column, sc *scope, clause string) {
	if clause != "ORDER BY" || a.part != top {
		return
	}
	if p, ok := e.(*ast.PositionExpr); ok {
		if p.P == nil && p.N >= 1 && p.N <= len(cols) {
			if c, ok := single(cols[p.N-1].value); ok {
				a.ordersBy(c)
			}
		}
		return
	}
	n, ok := unwrap(e).(*ast.ColumnNameExpr)
	if !ok {
		return
	}
	for _, o := range sc.aliases {
		if n.Name.Table.L == "" && o.means(n.Name.Name.L) == sure {
			if c, ok := single(o.value); ok {
				a.ordersBy(c)
			}
			return
		}
	}
	if c, ok := a.one(e, sc); ok {
		a.ordersBy(c)
	}
}

func (a *analyzer) ordersBy(c mask.Column) { a.ordered = union(a.ordered, of(c)) }

// meets notes the tables that a SELECT reads. A single row has no order.
func (a *analyzer) meets(n *ast.SelectStmt, sc *scope) {
	if n.GroupBy == nil && oneRow(n) {
		return
	}
	if a.part == top && n.GroupBy != nil && groups(n) {
		a.grouped = true
	}
	alone := a.part != top && n.Limit != nil || gathers(n)
	for _, i := range sc.items {
		if i.rel != nil && i.used != nil {
			a.tables = append(a.tables, &met{rel: i.rel, used: i.used, hinted: i.hinted, part: a.part, alone: alone})
		}
	}
}

// oneRow reports whether a select gives one row, whatever order it reads in.
func oneRow(n *ast.SelectStmt) bool {
	if n.Fields == nil {
		return false
	}
	for _, f := range n.Fields.Fields {
		if f.Expr == nil {
			return false
		}
		if g, ok := unwrap(f.Expr).(*ast.AggregateFuncExpr); !ok || gather(g) {
			return false
		}
	}
	return true
}

// gather reports whether an aggregate shows the order of what it takes.
func gather(g *ast.AggregateFuncExpr) bool {
	switch strings.ToLower(g.F) {
	case "group_concat", "json_arrayagg", "json_objectagg":
		return g.Order == nil
	}
	return false
}

// gathers reports whether any aggregate of the select list does, or a window that
// goes by the order of rows.
func gathers(n *ast.SelectStmt) bool {
	f := gatherer{}
	if n.Fields != nil {
		n.Fields.Accept(&f)
	}
	return f.found
}

type gatherer struct{ found bool }

func (f *gatherer) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.AggregateFuncExpr:
		f.found = f.found || gather(n)
	case *ast.SubqueryExpr:
		return n, true // has its own
	}
	return n, f.found
}

func (f *gatherer) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// groups reports whether a select gives nothing but groups and their numbers, and
// ORDER BY has all that it groups by.
func groups(n *ast.SelectStmt) bool {
	names := map[string]bool{}
	for k, f := range n.Fields.Fields {
		if f.Expr == nil {
			return false
		}
		if g, ok := unwrap(f.Expr).(*ast.AggregateFuncExpr); ok && !gather(g) {
			continue
		}
		if !listed(n.GroupBy.Items, f, k) {
			return false
		}
		if n.OrderBy == nil || !listed(n.OrderBy.Items, f, k) {
			return false
		}
		names[fieldName(f)] = true
	}
	return len(names) >= len(n.GroupBy.Items)
}

func fieldName(f *ast.SelectField) string {
	if f.AsName.L != "" {
		return f.AsName.L
	}
	if c, ok := unwrap(f.Expr).(*ast.ColumnNameExpr); ok {
		return c.Name.Name.L
	}
	return fold(strings.TrimSpace(f.Text()))
}

// listed reports whether a column of the answer, the k-th, is among the items.
func listed(items []*ast.ByItem, f *ast.SelectField, k int) bool {
	return slices.ContainsFunc(items, func(i *ast.ByItem) bool {
		if p, ok := i.Expr.(*ast.PositionExpr); ok {
			return p.N == k+1
		}
		c, ok := unwrap(i.Expr).(*ast.ColumnNameExpr)
		if !ok {
			return fold(i.Expr.Text()) == fold(strings.TrimSpace(f.Text()))
		}
		return c.Name.Name.L == fieldName(f)
	})
}

// unordered notes the columns of indexes whose order the answer may have.
func (a *analyzer) unordered() {
	settled := map[*met]bool{}
	for range a.tables { // each round may settle what is joined to it
		for _, m := range a.tables {
			settled[m] = settled[m] || a.settled(m, settled)
		}
	}
	whole := true // the answer's rows have an order of their own
	for _, m := range a.tables {
		whole = whole && (m.part == predicate || settled[m] || m.part == top && a.grouped)
	}
	for _, m := range a.tables {
		if settled[m] && !m.alone || a.grouped && m.part == top && !m.alone || whole && m.part == predicate && !m.alone {
			continue
		}
		for _, k := range m.rel.Keys {
			a.byIndex(m, k)
		}
	}
}

// settled reports whether each row of the table has its place: by a unique key that
// is ordered by, or equal to a constant or to what has its place.
func (a *analyzer) settled(m *met, others map[*met]bool) bool {
	if slices.ContainsFunc(a.tables, func(o *met) bool { return o != m && o.rel.Schema == m.rel.Schema && o.rel.Name == m.rel.Name }) {
		return false // which of them is meant is not known here
	}
	return slices.ContainsFunc(m.rel.Keys, func(k Key) bool {
		return k.Unique && !slices.ContainsFunc(k.Columns, func(name string) bool {
			c := mask.Column{Schema: m.rel.Schema, Table: m.rel.Name, Name: a.spelled(m.rel, name)}
			_, ordered := a.ordered[c]
			_, pinned := a.pins[c]
			return !ordered && !pinned && !a.joined(c, others)
		})
	})
}

// joined reports whether a column is equal to one of a table whose rows have their
// place.
func (a *analyzer) joined(c mask.Column, settled map[*met]bool) bool {
	for _, e := range a.equal {
		o := e[1]
		if e[1] == c {
			o = e[0]
		} else if e[0] != c {
			continue
		}
		if slices.ContainsFunc(a.tables, func(m *met) bool { return settled[m] && m.rel.Schema == o.Schema && m.rel.Name == o.Table }) {
			return true
		}
	}
	return false
}

// clustered reports whether the table itself may be kept in the order of a key: its
// primary one, or where it has none, a unique one.
func clustered(rel *Relation, k Key) bool {
	return k.Primary || k.Unique && !slices.ContainsFunc(rel.Keys, func(o Key) bool { return o.Primary })
}

// byIndex notes an index's columns where the server may read it instead of the
// table. What stands in a view or a subquery may be merged with what is around it,
// so that less of it is needed than is written.
func (a *analyzer) byIndex(m *met, k Key) {
	has := map[string]bool{}
	for _, o := range append([]Key{k}, m.rel.Keys...) {
		if o.Primary || len(has) == 0 {
			for _, c := range o.Columns {
				has[fold(c)] = true
			}
		}
	}
	covers := true
	if m.part == top && !m.hinted && !clustered(m.rel, k) {
		for c := range m.used {
			covers = covers && has[c]
		}
	}
	column := func(name string) mask.Column {
		return mask.Column{Schema: m.rel.Schema, Table: m.rel.Name, Name: a.spelled(m.rel, name)}
	}
	_, first := a.tested[column(k.Columns[0])]
	for n, c := range k.Columns {
		if covers || first && n > 0 {
			a.decides(of(column(c)), "the order of an index: ORDER BY a key of the table")
		}
	}
}
