package lineage

import (
	"fmt"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// query traces a SELECT, VALUES, TABLE or set operation below outer.
func (a *analyzer) query(s *pg.SelectStmt, outer *scope) []column {
	if s.GetIntoClause() != nil {
		a.fail("SELECT INTO within another query")
	}
	cols, _ := a.queryLevel(s, &scope{outer: outer})
	return cols
}

// queryLevel traces a query at the level sc, which is new.
func (a *analyzer) queryLevel(s *pg.SelectStmt, sc *scope) ([]column, *scope) {
	if s == nil {
		a.fail("a query is not understood")
	}
	if !a.enter() {
		return nil, sc
	}
	defer a.leave()
	a.with(s.GetWithClause(), sc)
	switch {
	case s.GetLarg() != nil:
		return a.setOperation(s, sc), sc
	case len(s.GetValuesLists()) > 0:
		cols := a.values(s.GetValuesLists(), sc)
		a.tail(s, sc, cols)
		return cols, sc
	}
	sc.sources = sourcesOf(s.GetFromClause())
	for _, f := range s.GetFromClause() {
		sc.items = append(sc.items, a.from(f, sc)...)
	}
	a.namedWindows(s.GetWindowClause(), sc)
	cols := a.targets(s.GetTargetList(), sc)
	if s.GetWhereClause() != nil {
		a.condition(s.GetWhereClause(), sc, "WHERE")
	}
	if s.GetHavingClause() != nil {
		a.condition(s.GetHavingClause(), sc, "HAVING")
	}
	a.groupings(s.GetGroupClause(), sc, cols)
	for _, d := range s.GetDistinctClause() {
		if d.GetNode() == nil { // plain DISTINCT
			a.distinct(s, sc, cols)
			continue
		}
		a.decides(a.ordering(d, sc, cols).src, "DISTINCT ON")
	}
	a.tail(s, sc, cols)
	return cols, sc
}

// tail is what may follow any query: ORDER BY, LIMIT, OFFSET, FOR UPDATE.
func (a *analyzer) tail(s *pg.SelectStmt, sc *scope, cols []column) {
	for _, o := range s.GetSortClause() {
		a.decides(a.sortBy(o, sc, cols).src, "ORDER BY")
	}
	for _, n := range []*pg.Node{s.GetLimitCount(), s.GetLimitOffset()} {
		a.decides(a.optional(n, sc).src, "LIMIT")
	}
}

func (a *analyzer) sortBy(n *pg.Node, sc *scope, cols []column) value {
	s := n.GetSortBy()
	if s == nil {
		a.fail("an ORDER BY is not understood")
		return value{}
	}
	a.operator(s.GetUseOp())
	return a.ordering(s.GetNode(), sc, cols)
}

// ordering resolves an item of ORDER BY or DISTINCT ON: a position, the name of an
// output column, which comes before those of the input, or an expression.
func (a *analyzer) ordering(n *pg.Node, sc *scope, cols []column) value {
	if v, ok := a.position(n, cols); ok {
		return v
	}
	if name := bare(n); name != "" {
		if v, ok := output(name, cols); ok {
			return v
		}
	}
	return a.expr(n, sc)
}

// output is what an output name stands for; several of the same name must mean
// the same, so together they are no more.
func output(name string, cols []column) (v value, ok bool) {
	for _, c := range cols {
		if c.name == name {
			v, ok = value{src: union(v.src, c.src)}, true
		}
	}
	return v, ok
}

// position resolves an integer constant.
func (a *analyzer) position(n *pg.Node, cols []column) (value, bool) {
	c := n.GetAConst()
	if c == nil || c.GetIsnull() {
		return value{}, false
	}
	if i := c.GetIval(); i != nil {
		if k := int(i.GetIval()); k >= 1 && k <= len(cols) {
			return cols[k-1].value, true
		}
		a.fail("a position that is not in the select list")
	}
	return value{}, true
}

// bare is the name of a column reference of one part.
func bare(n *pg.Node) string {
	f := n.GetColumnRef().GetFields()
	if len(f) == 1 {
		return f[0].GetString_().GetSval()
	}
	return ""
}

// grouping resolves an item of GROUP BY, where a name means the input's column
// first, and appends what it groups by.
func (a *analyzer) grouping(all []value, n *pg.Node, sc *scope, cols []column) []value {
	if g := n.GetGroupingSet(); g != nil {
		for _, c := range g.GetContent() {
			all = a.grouping(all, c, sc, cols)
		}
		return all
	}
	if r := n.GetRowExpr(); r != nil && r.GetRowFormat() == pg.CoercionForm_COERCE_IMPLICIT_CAST {
		for _, c := range r.GetArgs() {
			all = a.grouping(all, c, sc, cols)
		}
		return all
	}
	if v, ok := a.position(n, cols); ok {
		return append(all, v)
	}
	if name := bare(n); name != "" && !sc.offers(name) {
		if v, ok := output(name, cols); ok {
			return append(all, v)
		}
	}
	return append(all, a.expr(n, sc))
}

// offers reports whether the level itself has a column of that name.
func (s *scope) offers(name string) bool {
	for _, i := range s.items {
		if !i.bare {
			continue
		}
		if _, n := i.find(name); n > 0 {
			return true
		}
	}
	return false
}

// setOperation: a row of the answer is one of either side's. Where duplicates or
// what both sides have decide, all columns do.
func (a *analyzer) setOperation(s *pg.SelectStmt, sc *scope) []column {
	l := a.query(s.GetLarg(), sc)
	r := a.query(s.GetRarg(), sc)
	if len(l) != len(r) {
		a.fail("the two sides of a set operation have different columns")
		return nil
	}
	out := a.joinSides(s, l, r)
	a.tail(s, sc, out)
	return out
}

func (a *analyzer) joinSides(s *pg.SelectStmt, l, r []column) []column {
	out := make([]column, len(l))
	for i := range l {
		out[i] = column{l[i].name, either(l[i].value, r[i].value)}
		if !s.GetAll() || s.GetOp() != pg.SetOperation_SETOP_UNION {
			a.decides(out[i].src, setWords[s.GetOp()])
		}
	}
	return out
}

var setWords = map[pg.SetOperation]string{
	pg.SetOperation_SETOP_UNION: "UNION", pg.SetOperation_SETOP_INTERSECT: "INTERSECT", pg.SetOperation_SETOP_EXCEPT: "EXCEPT",
}

func (a *analyzer) values(rows []*pg.Node, sc *scope) []column {
	var out []column
	for i, r := range rows {
		list := r.GetList().GetItems()
		if i > 0 && len(list) != len(out) {
			a.fail("VALUES of different lengths")
			return nil
		}
		for k, n := range list {
			v := a.expr(n, sc)
			if i == 0 {
				out = append(out, column{fmt.Sprintf("column%d", k+1), v})
				continue
			}
			out[k].value = either(out[k].value, v)
		}
	}
	return out
}

// targets resolves a select list, or one of RETURNING.
func (a *analyzer) targets(list []*pg.Node, sc *scope) []column {
	var out []column
	for _, n := range list {
		t := n.GetResTarget()
		if t == nil {
			a.fail("an item of a select list is not understood")
			return nil
		}
		if cols, ok := a.star(t.GetVal(), sc); ok {
			out = append(out, cols...)
			continue
		}
		v, name := a.expr(t.GetVal(), sc), t.GetName()
		if name == "" {
			name = a.figure(t.GetVal())
		}
		out = append(out, column{name, v})
	}
	for _, c := range out {
		a.read(c.src)
	}
	return out
}

func (a *analyzer) read(s set) {
	for c := range s {
		a.reads[c] = struct{}{}
	}
}

// star expands *, x.* and (expression).*.
func (a *analyzer) star(n *pg.Node, sc *scope) ([]column, bool) {
	if ref := n.GetColumnRef(); ref != nil {
		f := ref.GetFields()
		if len(f) == 0 || f[len(f)-1].GetAStar() == nil {
			return nil, false
		}
		return a.expand(names(f), sc), true
	}
	ind := n.GetAIndirection()
	list := ind.GetIndirection()
	if len(list) == 0 || list[len(list)-1].GetAStar() == nil {
		return nil, false
	}
	v := a.indirection(ind.GetArg(), list[:len(list)-1], sc)
	if v.fields == nil {
		a.fail("the columns of a row are not known")
	}
	return v.fields, true
}

func (a *analyzer) expand(qualifier []string, sc *scope) []column {
	if len(qualifier) > 0 {
		i := sc.relation("", qualifier[0])
		if n := len(qualifier); n > 1 && n < 4 {
			i = sc.relation(qualifier[n-2], qualifier[n-1])
		}
		if i == nil {
			if v := a.reference(qualifier, sc); v.fields != nil {
				return v.fields // of an argument or column of a row type
			}
			a.fail("the relation " + qualifier[len(qualifier)-1] + " is not in FROM")
			return nil
		}
		if i.rest != nil {
			a.fail("the columns of " + i.name + " are not known")
		}
		return i.cols
	}
	var out []column
	for _, i := range sc.items {
		if !i.bare {
			continue
		}
		if i.rest != nil {
			a.fail("the columns of " + i.name + " are not known")
		}
		out = append(out, i.cols...)
	}
	return out
}

// namedWindows resolves WINDOW clauses, each of which may build on one before it.
func (a *analyzer) namedWindows(list []*pg.Node, sc *scope) {
	for _, n := range list {
		w := n.GetWindowDef()
		if sc.windows == nil {
			sc.windows = map[string]value{}
		}
		sc.windows[w.GetName()] = a.window(w, w.GetRefname(), sc)
	}
}

// over is what an OVER clause depends on.
func (a *analyzer) over(w *pg.WindowDef, sc *scope) value {
	if w.GetRefname() == "" {
		return a.window(w, w.GetName(), sc) // OVER name
	}
	return a.window(w, w.GetRefname(), sc)
}

// window is what a window depends on that builds on another, if base is not
// empty. Rows come out in the order in which windows sort them, so that it
// decides.
func (a *analyzer) window(w *pg.WindowDef, base string, sc *scope) value {
	var vs []value
	if base != "" {
		v, ok := sc.windows[base]
		if !ok {
			a.fail("the window " + base + " is not known")
		}
		vs = append(vs, v)
	}
	for _, n := range w.GetPartitionClause() {
		vs = append(vs, a.expr(n, sc))
	}
	for _, n := range w.GetOrderClause() {
		a.operator(n.GetSortBy().GetUseOp())
		vs = append(vs, a.expr(n.GetSortBy().GetNode(), sc))
	}
	vs = append(vs, a.optional(w.GetStartOffset(), sc), a.optional(w.GetEndOffset(), sc))
	v := computed(vs...)
	a.decides(v.src, "OVER")
	return v
}
