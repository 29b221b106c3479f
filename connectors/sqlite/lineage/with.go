package lineage

import "github.com/sallyport/sallyport/connectors/sqlite/syntax"

// cte is a common table expression, worked out when it is first used.
type cte struct {
	node  *syntax.CTE
	sc    *scope // of its clause: all of one clause see each other
	cols  []column
	state uint8 // 0 not begun, 1 under way, 2 done
}

// with declares common table expressions at a level. Those that nobody uses are
// traced, too: the engine resolves some of them.
func (a *analyzer) with(w *syntax.With, sc *scope) {
	if w == nil {
		return
	}
	sc.ctes = map[string]*cte{}
	in := &scope{ctes: sc.ctes}
	// The tables of clauses around it are seen, but no columns.
	if sc.outer != nil {
		in.outer = sc.outer.tables()
	}
	for _, n := range w.Tables {
		a.declared[syntax.Fold(n.Name)] = true
		sc.ctes[syntax.Fold(n.Name)] = &cte{node: n, sc: in}
	}
	for _, n := range w.Tables {
		a.cteColumns(sc.ctes[syntax.Fold(n.Name)])
	}
}

// tables is a scope with the common table expressions of all levels, and nothing
// else.
func (s *scope) tables() *scope {
	if s == nil {
		return nil
	}
	return &scope{outer: s.outer.tables(), ctes: s.ctes}
}

// cteColumns are the columns of a common table expression as they are known now.
func (a *analyzer) cteColumns(c *cte) []column {
	switch {
	case c.state == 2:
		return c.cols
	case c.state == 1 && c.cols == nil:
		a.fail("the recursion of " + c.node.Name + " is not understood")
		return nil
	case c.state == 1:
		return c.cols
	}
	if !a.enter() {
		return nil
	}
	defer a.leave()
	c.state = 1
	if q := c.node.Query; len(q.Parts) > 1 {
		a.fixpoint(c, q)
	} else {
		c.cols = a.named(c, a.query(q, c.sc))
	}
	c.state = 2
	return c.cols
}

// maxRounds bounds a fixpoint: each round but the last widens a set of columns.
const maxRounds = 200

// fixpoint traces a query that may be recursive: the parts see what all have given
// so far, until nothing more comes.
func (a *analyzer) fixpoint(c *cte, q *syntax.Select) {
	level := &scope{outer: c.sc}
	a.with(q.With, level)
	c.cols = a.named(c, a.core(q.Parts[0], &scope{outer: level}))
	for range maxRounds {
		if a.why != "" {
			return
		}
		next := a.named(c, a.body(q, level))
		if sameColumns(next, c.cols) {
			return
		}
		c.cols = next
	}
	a.fail("a recursive query does not come to an end")
}

func sameColumns(a, b []column) bool {
	for i := range a {
		if i < len(b) && (len(a[i].src) != len(b[i].src) || a[i].direct != b[i].direct) {
			return false
		}
	}
	return len(a) == len(b)
}

// named gives the columns the names that the clause lists.
func (a *analyzer) named(c *cte, cols []column) []column {
	if len(c.node.Columns) == 0 {
		return cols
	}
	if len(c.node.Columns) != len(cols) {
		a.fail("the table " + c.node.Name + " has other columns than it lists")
		return cols
	}
	out := make([]column, len(cols))
	for i, n := range c.node.Columns {
		out[i] = column{name: n, value: cols[i].value}
	}
	return out
}

// shadowed: to the engine a table in a view's definition is the common table
// expression of that name around the view, if there is one.
func (a *analyzer) shadowed() {
	for name := range a.viewed {
		if a.declared[name] {
			a.fail("the common table expression " + name + " has the name of a table that a view goes through")
		}
	}
}
