package lineage

import (
	"slices"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/mask"
)

// scope is a query level: what its FROM offers, the common table expressions
// declared at it, and the level around it.
type scope struct {
	outer *scope
	items []*item
	ctes  map[string]*cte
	// aliases are the answer's columns, for the clauses that see them; listed those
	// that stand before a subquery of the select list.
	aliases, listed []column
	// own is the common table expression whose level this is.
	own *cte
	// windows are the named windows of the level.
	windows map[string]value
}

// item is what one place of FROM offers.
type item struct {
	name   string // alias, or the relation's own name
	schema string // of a relation
	rel    *Relation
	cols   []column
	used   map[string]bool // columns that the level refers to, of a base table
	hinted bool            // the statement says which indexes are to be used
}

// cte is a common table expression.
type cte struct {
	node      *ast.CommonTableExpression
	clause    *ast.WithClause // of which it is the one at
	at        int
	sc        *scope // where it is declared
	recursive bool
	cols      []column
	state     uint8 // 0 not begun, 1 under way, 2 done
}

// base is a relation as an item.
func (a *analyzer) base(n *ast.TableName) *item {
	a.legible(n.Schema.O, n.Name.O)
	if n.AsOf != nil || n.TableSample != nil {
		a.fail("the table " + n.Name.O + " is read in a way that is not understood")
		return &item{}
	}
	rel, ok := a.cat.Relation(n.Schema.O, n.Name.O)
	if !ok {
		a.fail("the table " + n.Name.O + " is not known")
		return &item{}
	}
	if rel.Closed != "" {
		a.fail(rel.Closed)
		return &item{}
	}
	a.used[[2]string{rel.Schema, rel.Name}] = true
	i := &item{name: n.Name.O, schema: rel.Schema, rel: rel}
	if rel.Query != nil {
		i.cols = a.view(rel)
		return i
	}
	i.used, i.hinted = map[string]bool{}, len(n.IndexHints) > 0
	if len(n.PartitionNames) > 0 { // which rows are in it may go by any column
		for _, c := range rel.Columns {
			a.decides(of(mask.Column{Schema: rel.Schema, Table: rel.Name, Name: c.Name}), "PARTITION")
		}
	}
	for _, c := range rel.Columns {
		i.cols = append(i.cols, a.attribute(rel, c))
	}
	return i
}

// attribute is a column of a base table; of a generated one also what it is
// generated from.
func (a *analyzer) attribute(rel *Relation, c Attribute) column {
	if c.Closed {
		// Referring to it is what is not understood; that it is there is no harm.
		return column{name: fold(c.Name), plain: true, value: value{src: of(closed), direct: true}}
	}
	v := value{src: of(mask.Column{Schema: rel.Schema, Table: rel.Name, Name: c.Name}), direct: true}
	if c.Generated != nil {
		e, err := c.Generated()
		if err != nil {
			a.fail("the generated column " + c.Name + " is not understood")
			return column{}
		}
		own := &item{name: rel.Name, schema: rel.Schema}
		for _, o := range rel.Columns {
			if o.Generated == nil {
				own.cols = append(own.cols, column{name: fold(o.Name), plain: true, value: value{src: of(mask.Column{Schema: rel.Schema, Table: rel.Name, Name: o.Name}), direct: true}})
			} else if o.Name != c.Name { // generated columns may be made of earlier ones
				own.cols = append(own.cols, a.shallow(rel, o))
			}
		}
		// It was computed when it was written, so that reading it fails no more.
		inner := &analyzer{cat: a.cat, predicates: map[Predicate]bool{}, tries: map[mask.Column]int{}, reads: set{}, used: map[[2]string]bool{}, depth: a.depth}
		g := inner.expr(e, &scope{items: []*item{own}})
		if inner.why != "" {
			a.fail("the generated column " + c.Name + " is not understood: " + inner.why)
		}
		if len(g.src) > 0 {
			// Where its own name is masked, it is masked as such; otherwise as what it is of.
			v = value{src: union(v.src, g.src)}
		}
	}
	return column{name: fold(c.Name), plain: !odd(c.Name), value: v}
}

// shallow is a generated column that another is made of: of every plain column.
func (a *analyzer) shallow(rel *Relation, c Attribute) column {
	s := of(mask.Column{Schema: rel.Schema, Table: rel.Name, Name: c.Name})
	for _, o := range rel.Columns {
		if o.Generated == nil {
			s[mask.Column{Schema: rel.Schema, Table: rel.Name, Name: o.Name}] = struct{}{}
		}
	}
	return column{name: fold(c.Name), plain: true, value: value{src: s}}
}

// closed marks columns that may not be referred to.
var closed = mask.Column{Schema: "\x00", Table: "\x00", Name: "\x00"}

func (a *analyzer) view(rel *Relation) []column {
	if !a.enter() {
		return nil
	}
	defer a.leave()
	defer a.enterPart(source)()
	q, err := rel.Query()
	if err != nil {
		a.fail("the view " + rel.Name + " is not understood: " + err.Error())
		return nil
	}
	cols := slices.Clone(a.query(q, nil))
	if len(cols) != len(rel.Columns) {
		a.fail("the view " + rel.Name + " is not understood: its columns are others than the catalog's")
		return nil
	}
	for k := range cols {
		cols[k].name, cols[k].plain = fold(rel.Columns[k].Name), !odd(rel.Columns[k].Name)
	}
	return cols
}

// source is what a place of FROM offers: its items, and the columns of its star.
func (a *analyzer) source(n ast.ResultSetNode, sc *scope) (items []*item, star []column) {
	if !a.enter() {
		return nil, nil
	}
	defer a.leave()
	switch n := n.(type) {
	case *ast.Join:
		return a.join(n, sc)
	case *ast.TableSource:
		return a.tableSource(n, sc)
	case *ast.TableName:
		i := a.named(n, sc)
		return []*item{i}, i.cols
	}
	a.fail("a source of rows of a kind that is not known")
	return nil, nil
}

// named is a common table expression or a relation.
func (a *analyzer) named(n *ast.TableName, sc *scope) *item {
	if c := a.cte(n, sc); c != nil {
		return &item{name: n.Name.O, cols: a.cteColumns(c)}
	}
	return a.base(n)
}

func (a *analyzer) tableSource(n *ast.TableSource, sc *scope) ([]*item, []column) {
	a.legible(n.AsName.O)
	switch s := n.Source.(type) {
	case *ast.TableName:
		i := a.named(s, sc)
		if n.AsName.L != "" {
			i.name = n.AsName.O
		}
		if len(n.ColumnNames) > 0 {
			a.fail("names for the columns of a table are not understood")
		}
		return []*item{i}, i.cols
	case *ast.Join:
		return a.join(s, sc)
	case *ast.SelectStmt, *ast.SetOprStmt:
		around := &scope{outer: sc.outer, ctes: sc.ctes}
		if n.Lateral {
			around = sc
		}
		back := a.enterPart(source)
		i := &item{name: n.AsName.O, cols: a.called(a.query(s, around), n.ColumnNames, n.AsName.O)}
		back()
		return []*item{i}, i.cols
	}
	a.fail("a source of rows of a kind that is not known")
	return nil, nil
}

func (a *analyzer) join(n *ast.Join, sc *scope) ([]*item, []column) {
	items, star := a.source(n.Left, sc)
	if n.Right == nil {
		return items, star
	}
	// LATERAL sees what stands before it.
	within := &scope{outer: sc.outer, ctes: sc.ctes, items: append(slices.Clone(sc.items), items...)}
	more, rest := a.source(n.Right, within)
	both := append(slices.Clone(items), more...)
	if n.On != nil {
		a.condition(n.On.Expr, &scope{outer: sc.outer, ctes: sc.ctes, items: both}, "ON")
	}
	if !n.NaturalJoin && len(n.Using) == 0 {
		return both, a.few(append(slices.Clone(star), rest...))
	}
	if n.Tp == ast.RightJoin {
		a.fail("a RIGHT JOIN by names is not understood: write it with ON")
	}
	shared := map[string]bool{}
	for _, c := range n.Using {
		a.legible(c.Name.O)
		shared[c.Name.L] = true
	}
	if n.NaturalJoin {
		if slices.ContainsFunc(append(slices.Clone(star), rest...), func(c column) bool { return !c.plain }) {
			a.fail("a NATURAL JOIN by columns without names of their own")
		}
		for _, c := range star {
			shared[c.name] = slices.ContainsFunc(rest, func(o column) bool { return o.name == c.name })
		}
	}
	for _, i := range both {
		for name, is := range shared {
			if is {
				if v, m := i.find(name); m != no {
					a.tests(v.src)
					a.decides(v.src, "JOIN")
				}
			}
		}
	}
	return both, a.few(coalesced(star, rest, shared))
}

// coalesced are the columns of a join by names: the shared ones first, then what
// only one side has.
func coalesced(left, right []column, shared map[string]bool) []column {
	var first, last []column
	for _, c := range left {
		if !shared[c.name] {
			last = append(last, c)
			continue
		}
		for _, o := range right {
			if o.name == c.name {
				c.value = either(c.value, o.value)
			}
		}
		first = append(first, c)
	}
	for _, c := range right {
		if !shared[c.name] {
			last = append(last, c)
		}
	}
	return append(first, last...)
}
