package lineage

import (
	"slices"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/mask"
)

// target is a base table that a statement changes.
func (a *analyzer) target(i *item, name string) bool {
	if i == nil || i.rel == nil {
		a.fail("what " + name + " changes is not understood")
		return false
	}
	if i.rel.Query != nil {
		a.fail("a change through the view " + i.rel.Name + " is not understood")
		return false
	}
	a.code = a.code || i.rel.Triggers
	return true
}

// write notes that a column takes a value.
func (a *analyzer) write(rel *Relation, name string, v value) {
	k := slices.IndexFunc(rel.Columns, func(c Attribute) bool { return fold(c.Name) == name })
	if k < 0 {
		a.fail("the column " + name + " of " + rel.Name + " is not known")
		return
	}
	c := mask.Column{Schema: rel.Schema, Table: rel.Name, Name: rel.Columns[k].Name}
	if !v.direct {
		a.decides(v.src, "an error of what is written")
	} else {
		for s := range v.src {
			if s != c {
				a.decides(of(s), "an error of what is written")
			}
		}
	}
	a.decides(of(rel.Parents[name]...), "a foreign key")
	a.writesTo(rel.Name+"."+c.Name, []mask.Column{c}, v.src)
}

// keys: whether a row is refused tells whether its value is there already. fixed is
// how many rows of constants are written, 0 where they are not.
func (a *analyzer) keys(rel *Relation, assigned map[string]bool, fixed int, clause string) {
	for _, k := range rel.Keys {
		if !k.Unique || assigned != nil && !slices.ContainsFunc(k.Columns, func(c string) bool { return assigned[fold(c)] }) {
			continue
		}
		src := set{}
		for _, c := range k.Columns {
			src[mask.Column{Schema: rel.Schema, Table: rel.Name, Name: a.spelled(rel, c)}] = struct{}{}
		}
		if fixed > 0 {
			a.decidesEqual(src, clause, fixed)
		} else {
			a.decides(src, clause)
		}
	}
}

func (a *analyzer) spelled(rel *Relation, name string) string {
	for _, c := range rel.Columns {
		if fold(c.Name) == fold(name) {
			return c.Name
		}
	}
	return name
}

func (a *analyzer) insert(n *ast.InsertStmt) {
	a.strict = true
	sc := &scope{}
	items, _ := a.source(n.Table.TableRefs, sc)
	if len(items) != 1 || !a.target(items[0], "INSERT") {
		a.fail("the target of an INSERT is not understood")
		return
	}
	rel := items[0].rel
	names := a.insertColumns(n, rel)
	given := make([]value, len(names))
	fixed := len(n.Lists)
	for i := range given {
		given[i].direct = true
	}
	for _, row := range n.Lists {
		if len(row) > len(names) {
			a.fail("an INSERT has more values than columns")
			return
		}
		for i, e := range row {
			v := a.optional(e, &scope{items: items}) // values may refer to columns before them
			if _, ok := unwrap(e).(ast.ValueExpr); !ok {
				fixed = 0
			}
			given[i] = either(given[i], v)
		}
	}
	var cols []column
	if n.Select != nil {
		cols, fixed = a.query(n.Select, sc), 0
		if len(cols) != len(names) {
			a.fail("an INSERT has another number of values than columns")
			return
		}
		for i, c := range cols {
			given[i] = c.value
		}
	}
	for i, name := range names {
		a.write(rel, name, given[i])
	}
	a.byDefault(rel, names, given)
	a.keys(rel, nil, fixed, "a unique key")
	a.onDuplicate(n, rel, items, names, given, sc)
}

// byDefault traces the columns of a new row whose values are made of its others. One
// that is given may be DEFAULT in some of the rows.
func (a *analyzer) byDefault(rel *Relation, names []string, given []value) {
	for _, c := range rel.Columns {
		var src set
		for made := range rel.madeOf(c) {
			if k := slices.Index(names, fold(made.Name)); k >= 0 {
				src = union(src, given[k].src)
			}
		}
		if len(src) > 0 {
			a.write(rel, fold(c.Name), value{src: src})
		}
	}
}

// insertColumns are the columns that an INSERT gives values for, in order.
func (a *analyzer) insertColumns(n *ast.InsertStmt, rel *Relation) []string {
	var names []string
	for _, c := range n.Columns {
		names = append(names, c.Name.L)
	}
	if len(n.Columns) == 0 {
		for _, c := range rel.Columns {
			names = append(names, fold(c.Name))
		}
		if len(n.Lists) > 0 && len(n.Lists[0]) == 0 {
			return nil
		}
	}
	return names
}

// onDuplicate traces ON DUPLICATE KEY UPDATE. How many rows it says were changed
// tells whether a row was there, and whether it was the same.
func (a *analyzer) onDuplicate(n *ast.InsertStmt, rel *Relation, items []*item, names []string, given []value, sc *scope) {
	if len(n.OnDuplicate) == 0 {
		return
	}
	would := &item{name: excluded}
	for i, name := range names {
		would.cols = append(would.cols, column{name: name, plain: true, value: value{src: given[i].src}})
	}
	for _, c := range rel.Columns {
		if !slices.Contains(names, fold(c.Name)) {
			would.cols = append(would.cols, column{name: fold(c.Name), plain: true})
		}
	}
	in := &scope{outer: sc, items: append(slices.Clone(items), would)}
	if s, ok := n.Select.(*ast.SelectStmt); ok && s.From != nil { // it sees the SELECT's tables
		more, _ := a.source(s.From.TableRefs, sc)
		in.items = append(in.items, more...)
	} else if n.Select != nil {
		a.fail("ON DUPLICATE KEY UPDATE of such a SELECT is not understood")
	}
	assigned := map[string]bool{}
	for _, as := range n.OnDuplicate {
		assigned[as.Column.Name.L] = true
		a.write(rel, as.Column.Name.L, a.given(as, rel, in))
		a.decides(of(mask.Column{Schema: rel.Schema, Table: rel.Name, Name: a.spelled(rel, as.Column.Name.L)}), "ON DUPLICATE KEY UPDATE")
	}
	a.changed(rel, assigned)
}

// changed notes what an UPDATE's effects tell of a table's columns.
func (a *analyzer) changed(rel *Relation, assigned map[string]bool) {
	a.keys(rel, assigned, 0, "a unique key")
	for name := range assigned {
		c := mask.Column{Schema: rel.Schema, Table: rel.Name, Name: a.spelled(rel, name)}
		if rel.Stamped {
			a.decides(of(c), "the time of the last change")
		}
		a.decides(of(rel.Children[name]...), "a foreign key")
	}
	for _, check := range rel.Checks {
		if !slices.ContainsFunc(check, func(c string) bool { return assigned[fold(c)] }) {
			continue
		}
		for _, c := range check {
			if !assigned[fold(c)] {
				a.decides(of(mask.Column{Schema: rel.Schema, Table: rel.Name, Name: a.spelled(rel, c)}), "a CHECK")
			}
		}
	}
}

func (a *analyzer) update(n *ast.UpdateStmt) {
	a.strict = true
	sc := &scope{}
	a.with(n.With, sc)
	items, _ := a.source(n.TableRefs.TableRefs, sc)
	sc.items = items
	assigned := map[*item]map[string]bool{}
	for _, as := range n.List {
		i := owner(items, as.Column)
		if !a.target(i, "UPDATE") {
			return
		}
		a.write(i.rel, as.Column.Name.L, a.given(as, i.rel, sc))
		if assigned[i] == nil {
			assigned[i] = map[string]bool{}
		}
		assigned[i][as.Column.Name.L] = true
	}
	for i, names := range assigned {
		a.changed(i.rel, names)
	}
	a.bounded(n.Where, n.Order, n.Limit, sc)
}

// given is the value of an assignment.
func (a *analyzer) given(as *ast.Assignment, rel *Relation, sc *scope) value {
	if d, ok := unwrap(as.Expr).(*ast.DefaultExpr); ok && d.Name == nil {
		if src := rel.defaults(as.Column.Name.L); src != nil {
			return value{src: src}
		}
	}
	return a.expr(as.Expr, sc)
}

// bounded traces what chooses the rows of an UPDATE or DELETE.
func (a *analyzer) bounded(where ast.ExprNode, o *ast.OrderByClause, l *ast.Limit, sc *scope) {
	if where != nil {
		a.condition(where, sc, "WHERE")
	}
	a.order(o, nil, sc, "ORDER BY")
	a.limit(l, sc)
	if l == nil {
		return
	}
	for _, i := range sc.items { // which rows are the first ones may go by any index
		if i.rel == nil {
			continue
		}
		for _, k := range i.rel.Keys {
			for _, c := range k.Columns {
				a.decides(of(mask.Column{Schema: i.rel.Schema, Table: i.rel.Name, Name: a.spelled(i.rel, c)}), "LIMIT")
			}
		}
	}
}

// owner is the item that an assigned column is of.
func owner(items []*item, c *ast.ColumnName) *item {
	var found *item
	for _, i := range items {
		if i.is(c) == no {
			continue
		}
		if _, m := i.find(c.Name.L); m != no {
			if found != nil {
				return nil
			}
			found = i
		}
	}
	return found
}

func (a *analyzer) remove(n *ast.DeleteStmt) {
	a.strict = true
	sc := &scope{}
	a.with(n.With, sc)
	sc.items, _ = a.source(n.TableRefs.TableRefs, sc)
	targets := sc.items
	if n.Tables != nil {
		targets = nil
		for _, t := range n.Tables.Tables {
			k := slices.IndexFunc(sc.items, func(i *item) bool { return i.is(&ast.ColumnName{Schema: t.Schema, Table: t.Name}) != no })
			if k < 0 || sc.items[k].is(&ast.ColumnName{Schema: t.Schema, Table: t.Name}) != sure {
				a.fail("the target of a DELETE is not understood")
				return
			}
			targets = append(targets, sc.items[k])
		}
	}
	for _, i := range targets {
		if !a.target(i, "DELETE") {
			return
		}
		for _, cols := range i.rel.Children {
			a.decides(of(cols...), "a foreign key")
		}
	}
	a.bounded(n.Where, n.Order, n.Limit, sc)
}
