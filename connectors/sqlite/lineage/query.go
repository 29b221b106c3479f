package lineage

import (
	"strconv"

	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
)

// query traces a SELECT, VALUES or set operation below outer.
func (a *analyzer) query(s *syntax.Select, outer *scope) []column {
	sc := &scope{outer: outer}
	a.with(s.With, sc)
	return a.body(s, sc)
}

// body is a query at the level that holds its common table expressions.
func (a *analyzer) body(s *syntax.Select, sc *scope) []column {
	if !a.enter() {
		return nil
	}
	defer a.leave()
	if len(s.Parts) == 1 {
		return a.single(s, sc)
	}
	cols := a.core(s.Parts[0], &scope{outer: sc})
	for i, part := range s.Parts[1:] {
		cols = a.joinSides(s.Ops[i], cols, a.core(part, &scope{outer: sc}))
	}
	for _, e := range s.Order {
		a.compoundOrder(e, s, cols, sc)
	}
	a.limit(s.Limit, sc)
	return cols
}

// single is a query without set operations, whose order may go by its input.
func (a *analyzer) single(s *syntax.Select, sc *scope) []column {
	in := &scope{outer: sc}
	cols := a.core(s.Parts[0], in)
	for _, e := range s.Order {
		a.decides(a.ordering(e, cols, in).src, "ORDER BY")
	}
	a.limit(s.Limit, sc)
	a.choice(s.Parts[0], in)
	return cols
}

func (a *analyzer) limit(list []*syntax.Expr, sc *scope) {
	for _, e := range list {
		a.decides(a.expr(e, &scope{outer: sc}).src, "LIMIT")
	}
}

// core traces one SELECT at the level sc, which is new.
func (a *analyzer) core(c *syntax.Core, sc *scope) []column {
	if c.Values != nil {
		return a.values(c.Values, sc)
	}
	a.from(c.From, sc)
	for _, w := range c.Windows {
		if sc.windows == nil {
			sc.windows = map[string]*syntax.Window{}
		}
		sc.windows[syntax.Fold(w.Name)] = w
	}
	cols := a.results(c.Columns, sc)
	a.conditions(c.From, sc)
	if c.Where != nil {
		a.condition(c.Where, sc, "WHERE")
	}
	for _, e := range c.Group {
		a.grouping(e, cols, sc)
	}
	if c.Having != nil {
		a.condition(c.Having, sc, "HAVING")
	}
	if c.Distinct {
		a.decides(all(cols).src, "DISTINCT")
	}
	a.choice(c, sc)
	return cols
}

// choice: with MIN or MAX, columns outside of aggregates are those of the row
// that has it. What is grouped by is the same in all of its rows.
func (a *analyzer) choice(c *syntax.Core, sc *scope) {
	if len(sc.picked) == 0 {
		return
	}
	grouped := map[place]bool{}
	for _, e := range c.Group {
		if e.Op != syntax.Column {
			continue
		}
		n := e.Names[len(e.Names)-1]
		for _, i := range sc.items {
			if _, ok := i.find(n, true); ok {
				grouped[place{i, syntax.Fold(n)}] = true
			}
		}
	}
	for p := range sc.loose {
		if !grouped[p] {
			a.softly(sc.picked, "MIN or MAX")
			return
		}
	}
}

// results resolves a select list, or one of RETURNING.
func (a *analyzer) results(list []syntax.Result, sc *scope) []column {
	var out []column
	var aliases []column
	for _, r := range list {
		if r.Star {
			out = append(out, a.star(r.Table, sc)...)
			continue
		}
		c := column{name: r.Alias, value: a.expr(r.Expr, sc)}
		if r.Alias != "" {
			aliases = append(aliases, c)
		} else {
			c.name = figure(r.Expr)
		}
		out = append(out, c)
	}
	for _, c := range out {
		a.read(c.src)
	}
	sc.aliases = aliases // not before: a select list does not see its own
	return out
}

// figure is the name of a column without an alias, "" where the engine makes it of
// the expression's text.
func figure(e *syntax.Expr) string {
	for e.Op == syntax.Collate || e.Op == syntax.Call && likely[syntax.Fold(e.Names[0])] && len(e.Args) > 0 {
		e = e.Args[0]
	}
	if e.Op == syntax.Column {
		return e.Names[len(e.Names)-1]
	}
	return ""
}

var likely = words(`likely unlikely likelihood`)

// star expands * and table.*.
func (a *analyzer) star(table string, sc *scope) []column {
	var out []column
	found := false
	for _, i := range sc.items {
		if table != "" && syntax.Fold(i.name) != syntax.Fold(table) || table == "" && !i.bare {
			continue
		}
		found = true
		for _, c := range i.cols {
			if c.hidden && table == "" {
				continue
			}
			v := c.value
			if c.joined != nil && table == "" {
				v = *c.joined
			}
			sc.used(i, c.name)
			out = append(out, column{name: c.name, value: v})
		}
	}
	if !found {
		a.fail("the table of a star is not known")
	}
	return out
}

// ordering resolves an item of ORDER BY: a position, the alias of a result, which
// comes before the columns of the input, or an expression.
func (a *analyzer) ordering(e *syntax.Expr, cols []column, sc *scope) value {
	if v, ok := a.position(e, cols); ok {
		return v
	}
	bare := e
	for bare.Op == syntax.Collate {
		bare = bare.Args[0]
	}
	if bare.Op == syntax.Column && len(bare.Names) == 1 {
		for _, c := range sc.aliases {
			if syntax.Fold(c.name) == syntax.Fold(bare.Names[0]) {
				return c.value
			}
		}
	}
	return a.expr(e, sc)
}

// position resolves an integer constant.
func (a *analyzer) position(e *syntax.Expr, cols []column) (value, bool) {
	for e.Op == syntax.Collate {
		e = e.Args[0]
	}
	if e.Op != syntax.Constant {
		return value{}, false
	}
	if k, err := strconv.Atoi(e.Text); err == nil && k >= 1 && k <= len(cols) {
		return cols[k-1].value, true
	}
	return all(cols), true // of another constant it is not known what it means
}

// compoundOrder: an item may be a position, a name of any of the parts, or an
// expression that is in one of them. In doubt all columns decide.
func (a *analyzer) compoundOrder(e *syntax.Expr, s *syntax.Select, cols []column, sc *scope) {
	if v, ok := a.position(e, cols); ok {
		a.decides(v.src, "ORDER BY")
		return
	}
	for e.Op == syntax.Collate {
		e = e.Args[0]
	}
	if e.Op == syntax.Column && len(e.Names) == 1 {
		var found []set
		for k, c := range cols {
			named := syntax.Fold(c.name) == syntax.Fold(e.Names[0])
			for _, p := range s.Parts {
				named = named || k < len(p.Columns) && !p.Columns[k].Star && syntax.Fold(p.Columns[k].Alias) == syntax.Fold(e.Names[0])
			}
			if named {
				found = append(found, c.src)
			}
		}
		if len(found) == 1 && !anyStar(s.Parts[1:]) {
			a.decides(found[0], "ORDER BY")
			return
		}
	}
	a.decides(all(cols).src, "ORDER BY")
}

// anyStar reports whether the names of a part are not in its text.
func anyStar(parts []*syntax.Core) bool {
	for _, p := range parts {
		for _, r := range p.Columns {
			if r.Star {
				return true
			}
		}
	}
	return false
}

// grouping resolves an item of GROUP BY.
func (a *analyzer) grouping(e *syntax.Expr, cols []column, sc *scope) {
	v, ok := a.position(e, cols)
	if !ok {
		sc.within++ // what is grouped by is the same in all rows of its group
		v = a.expr(e, sc)
		sc.within--
	}
	a.decides(v.src, "GROUP BY")
}

// joinSides: a row of the answer is one of either side's. Where duplicates or what
// both sides have decide, all columns do.
func (a *analyzer) joinSides(op string, l, r []column) []column {
	if len(l) != len(r) {
		a.fail("the sides of a set operation have different columns")
		return nil
	}
	out := make([]column, len(l))
	for i := range l {
		out[i] = column{name: l[i].name, value: either(l[i].value, r[i].value)}
		if op != "UNION ALL" {
			a.decides(out[i].src, op)
		}
	}
	return out
}

func (a *analyzer) values(rows [][]*syntax.Expr, sc *scope) []column {
	var out []column
	for i, r := range rows {
		if i > 0 && len(r) != len(out) {
			a.fail("VALUES of different lengths")
			return nil
		}
		for k, e := range r {
			v := a.expr(e, sc)
			if i == 0 {
				out = append(out, column{name: "column" + strconv.Itoa(k+1), value: v})
				continue
			}
			out[k].value = either(out[k].value, v)
		}
	}
	return out
}
