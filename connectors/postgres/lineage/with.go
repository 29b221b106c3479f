package lineage

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// with declares common table expressions at a level. Without RECURSIVE each sees
// only those before it.
func (a *analyzer) with(w *pg.WithClause, sc *scope) {
	if w == nil {
		return
	}
	if w.GetRecursive() {
		sc.ctes = map[string]*cte{}
		var all []*cte
		for _, n := range w.GetCtes() {
			c := &cte{node: n.GetCommonTableExpr(), sc: &scope{outer: sc.outer, ctes: sc.ctes, fn: sc.fn}, recursive: true}
			sc.ctes[c.node.GetCtename()] = c
			all = append(all, c)
		}
		for _, c := range all {
			a.cteColumns(c)
		}
		return
	}
	before := map[string]*cte{}
	for _, n := range w.GetCtes() {
		c := &cte{node: n.GetCommonTableExpr(), sc: &scope{outer: sc.outer, ctes: before, fn: sc.fn}}
		a.cteColumns(c)
		next := map[string]*cte{c.node.GetCtename(): c}
		for k, v := range before {
			if next[k] == nil {
				next[k] = v
			}
		}
		before = next
	}
	sc.ctes = before
}

// cteColumns are the columns of a common table expression as they are known now.
func (a *analyzer) cteColumns(c *cte) []column {
	switch {
	case c.state == 2:
		return c.cols
	case c.state == 1 && c.cols == nil:
		a.fail("the recursion of " + c.node.GetCtename() + " is not understood")
		return nil
	case c.state == 1:
		return c.cols
	}
	if !a.enter() {
		return nil
	}
	defer a.leave()
	c.state = 1
	q := c.node.GetCtequery()
	if s := q.GetSelectStmt(); s != nil && c.recursive && s.GetLarg() != nil {
		a.fixpoint(c, s)
	} else {
		c.cols = a.named(c, a.statement(q, &scope{outer: c.sc}))
	}
	c.state = 2
	return c.cols
}

// maxRounds bounds a fixpoint: each round but the last widens a set of columns.
const maxRounds = 200

// fixpoint traces a recursive query: the right side sees what both sides have
// given so far, until nothing more comes.
func (a *analyzer) fixpoint(c *cte, s *pg.SelectStmt) {
	level := &scope{outer: c.sc}
	a.with(s.GetWithClause(), level)
	left := a.query(s.GetLarg(), level)
	for i := range left {
		// What the first round gives says nothing of the size of what comes after.
		left[i].value = either(left[i].value, left[i].value)
	}
	c.cols = a.named(c, left)
	for range maxRounds {
		if a.why != "" {
			return
		}
		right := a.query(s.GetRarg(), level)
		if len(left) != len(right) {
			a.fail("the two sides of a recursive query have different columns")
			return
		}
		out := a.joinSides(s, left, right)
		a.tail(s, level, out)
		next := a.named(c, out)
		if sameColumns(next, c.cols) {
			a.repeated(c, out)
			return
		}
		c.cols = next
	}
	a.fail("a recursive query does not come to an end")
}

// repeated: what is made of a row again and again may be of any size.
func (a *analyzer) repeated(c *cte, cols []column) {
	for i, v := range cols {
		if v.direct && !v.loud {
			continue
		}
		if v.sized {
			a.decides(v.src, "the size of what a recursion makes")
		}
		if i < len(c.cols) && len(v.src) == 0 {
			c.cols[i].size = huge
		}
	}
}

func sameColumns(a, b []column) bool {
	for i := range a {
		if len(a[i].src) != len(b[i].src) || a[i].direct != b[i].direct {
			return false
		}
	}
	return len(a) == len(b)
}

// named gives the columns their names, and adds those of SEARCH and CYCLE.
func (a *analyzer) named(c *cte, cols []column) []column {
	cols = renamed(cols, names(c.node.GetAliascolnames()))
	of := func(list []*pg.Node) value {
		var vs []value
		for _, name := range names(list) {
			if v, ok := output(name, cols); ok {
				vs = append(vs, v)
			}
		}
		return computed(vs...)
	}
	out := cols
	if s := c.node.GetSearchClause(); s != nil {
		out = append(out, column{s.GetSearchSeqColumn(), of(s.GetSearchColList())})
	}
	if s := c.node.GetCycleClause(); s != nil {
		v := of(s.GetCycleColList())
		a.decides(v.src, "CYCLE")
		out = append(out, column{s.GetCycleMarkColumn(), v}, column{s.GetCyclePathColumn(), v})
	}
	return out
}
