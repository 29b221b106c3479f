package lineage

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/mask"
)

// scope is a query level: what its FROM offers, the common table expressions
// declared at it, and the level around it.
type scope struct {
	outer *scope
	items []*item
	// sources are the entries of FROM, those of joins one by one.
	sources []*pg.Node
	ctes    map[string]*cte
	// windows are the named windows of the level.
	windows map[string]value
	// fn is set at the outermost level of a function's body.
	fn *frame
}

// item is a range table entry as names see it.
type item struct {
	name   string // alias, or the relation's own name
	schema string // of a relation without an alias, for schema.table.column
	cols   []column
	// named and open say whether names may go through the item's name, and whether
	// its columns are visible without it: a join hides and offers.
	named, bare bool
	// table is set for a base relation, which has system columns.
	table bool
	// rest is where further columns come from whose names are not known.
	rest *value
}

// frame holds a function's arguments.
type frame struct {
	name string
	args []column
	// given are the arguments of EXECUTE, as they are written.
	given []*pg.Node
}

// cte is a common table expression. Those of WITH RECURSIVE are worked out when
// they are first used.
type cte struct {
	node      *pg.CommonTableExpr
	sc        *scope // where it is declared
	recursive bool
	cols      []column
	state     uint8 // 0 not begun, 1 under way, 2 done
}

func (s *scope) cte(name string) *cte {
	for ; s != nil; s = s.outer {
		if c := s.ctes[name]; c != nil {
			return c
		}
	}
	return nil
}

func (s *scope) frame() *frame {
	for ; s != nil; s = s.outer {
		if s.fn != nil {
			return s.fn
		}
	}
	return nil
}

var systemColumns = map[string]bool{"ctid": true, "tableoid": true, "xmin": true, "xmax": true, "cmin": true, "cmax": true}

// find is the column of an item by name: how many there are, and the last.
func (i *item) find(name string) (v value, n int) {
	for k := range i.cols {
		if i.cols[k].name == name {
			v = i.cols[k].value
			n++
		}
	}
	if n == 0 && i.table && systemColumns[name] {
		return value{direct: true}, 1
	}
	return v, n
}

// column resolves a bare name: level by level outwards, then as a whole row, then
// as a function's argument.
func (a *analyzer) column(name string, sc *scope) value {
	var rest []value // what columns of unknown names may be
	for s := sc; s != nil; s = s.outer {
		found, n := value{}, 0
		for _, i := range s.items {
			if !i.bare {
				continue
			}
			v, k := i.find(name)
			if k > 0 {
				found = v
			}
			n += k
			if i.rest != nil {
				rest = append(rest, *i.rest)
			}
		}
		if n > 1 {
			a.fail("the column " + name + " is ambiguous")
			return value{}
		}
		if n == 1 {
			return widen(found, rest)
		}
	}
	if i := sc.relation("", name); i != nil {
		return widen(i.row(), rest)
	}
	if f := sc.frame(); f != nil {
		for _, arg := range f.args {
			if arg.name == name {
				return widen(arg.value, rest)
			}
		}
	}
	if len(rest) > 0 {
		return computed(rest...)
	}
	a.fail("the column " + name + " is not known")
	return value{}
}

func widen(v value, rest []value) value {
	if len(rest) == 0 {
		return v
	}
	return computed(append(rest, v)...)
}

// relation finds an item by its name, outwards.
func (s *scope) relation(schema, name string) *item {
	for ; s != nil; s = s.outer {
		for _, i := range s.items {
			if i.named && i.name == name && (schema == "" || i.schema == schema) {
				return i
			}
		}
	}
	return nil
}

// row is the item as one value.
func (i *item) row() value {
	v := row(i.cols)
	if i.rest != nil {
		return computed(v, *i.rest)
	}
	if len(i.cols) == 1 && !i.table {
		// A function's scalar result is the value itself; a row of one is no harm.
		v.direct = false
	}
	return v
}

// reference resolves a ColumnRef that does not end in a star.
func (a *analyzer) reference(names []string, sc *scope) value {
	switch len(names) {
	case 0:
		a.fail("a reference without a name")
		return value{}
	case 1:
		return a.column(names[0], sc)
	case 2:
		if i := sc.relation("", names[0]); i != nil {
			return a.member(i, names[1], sc)
		}
		if v, ok := argument(names, sc); ok {
			return v
		}
		a.fail("the name " + names[0] + "." + names[1] + " is not known")
		return value{}
	}
	if len(names) > 4 {
		a.fail("a name of more than four parts")
		return value{}
	}
	n := len(names)
	if i := sc.relation(names[n-3], names[n-2]); i != nil {
		return a.member(i, names[n-1], sc)
	}
	if v, ok := argument(names[:2], sc); ok {
		return a.field(v, names[2], sc)
	}
	a.fail("the name " + names[n-3] + "." + names[n-2] + " is not known")
	return value{}
}

// argument resolves name.argument within a function, and argument.field.
func argument(names []string, sc *scope) (value, bool) {
	f := sc.frame()
	if f == nil {
		return value{}, false
	}
	for _, arg := range f.args {
		if f.name == names[0] && arg.name == names[1] {
			return arg.value, true
		}
	}
	for _, arg := range f.args {
		if arg.name == names[0] && arg.name != "" {
			for _, c := range arg.fields {
				if c.name == names[1] {
					return c.value, true
				}
			}
			return computed(arg.value), true
		}
	}
	return value{}, false
}

// member is a column of an item, or a function of its row in functional notation.
func (a *analyzer) member(i *item, name string, sc *scope) value {
	v, n := i.find(name)
	switch {
	case n == 1 && i.rest == nil:
		return v
	case n == 1:
		return widen(v, []value{*i.rest})
	case n > 1:
		a.fail("the column " + name + " is ambiguous")
		return value{}
	}
	return a.field(i.row(), name, sc)
}

// field is an attribute of a row value, or a function called in its notation.
func (a *analyzer) field(v value, name string, sc *scope) value {
	for _, c := range v.fields {
		if c.name == name {
			return c.value
		}
	}
	if len(a.cat.Routines(name)) == 0 && a.cat.Builtin(name) == Absent {
		if v.fields != nil {
			a.fail("the attribute " + name + " is not known")
		}
		return computed(v)
	}
	return computed(v, a.function("", name, []value{v}, nil, nil))
}

// relationColumns are a relation's columns as they are read.
func (a *analyzer) relationColumns(r *Relation) []column {
	if r.Closed != "" {
		a.fail(r.Closed)
		return nil
	}
	if r.Query != nil {
		return a.view(r)
	}
	cols := make([]column, len(r.Columns))
	for i, c := range r.Columns {
		src := r.sources(c.Name)
		for _, h := range c.Holds {
			src[h] = struct{}{}
		}
		cols[i] = column{c.Name, value{src: src, direct: !c.Computed, unbounded: unboundedTypes[c.Type], scalar: !strings.HasSuffix(c.Type, "]"), varies: strings.HasSuffix(c.Type, "]")}}
	}
	for i, c := range r.Columns {
		if c.Generated != nil {
			cols[i].value = a.generated(r, c, cols)
		}
	}
	return cols
}

// sources are a column and those of its kin by the same name, in which the same
// values are stored.
func (r *Relation) sources(name string) set {
	s := set{mask.Column{Schema: r.Schema, Table: r.Name, Name: name}: {}}
	for _, k := range r.Kin {
		s[mask.Column{Schema: k[0], Table: k[1], Name: name}] = struct{}{}
	}
	return s
}

// generated is a column that is made of others of its row.
func (a *analyzer) generated(r *Relation, c Attribute, cols []column) value {
	n, err := c.Generated()
	if err != nil {
		a.fail("the generated column " + r.Name + "." + c.Name + " is not understood")
		return value{}
	}
	v := a.expr(n, &scope{items: []*item{{name: r.Name, schema: r.Schema, cols: cols, named: true, bare: true, table: true}}})
	return value{src: union(r.sources(c.Name), v.src), loud: true} // some are made as they are read
}

// view are a view's columns by its definition, which also go by their own names.
func (a *analyzer) view(r *Relation) []column {
	if !a.enter() {
		return nil
	}
	defer a.leave()
	n, err := r.Query()
	if err != nil || n.GetSelectStmt() == nil {
		a.fail("the view " + r.Name + " is not understood")
		return nil
	}
	reads := a.reads
	a.reads = set{} // what the view reads counts where it is referred to
	out := a.query(n.GetSelectStmt(), nil)
	a.reads = reads
	if len(out) != len(r.Columns) {
		a.fail("the view " + r.Name + " has other columns than its definition")
		return nil
	}
	cols := make([]column, len(out))
	for i, c := range r.Columns {
		v := out[i].value
		own := set{mask.Column{Schema: r.Schema, Table: r.Name, Name: c.Name}: {}}
		cols[i] = column{c.Name, value{src: union(own, v.src), direct: v.direct, fields: v.fields, unbounded: v.unbounded, weight: v.weight, scalar: v.scalar, varies: v.varies}}
		cols[i].noted(v)
	}
	return cols
}
