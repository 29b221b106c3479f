package lineage

import (
	"strconv"

	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
	"github.com/sallyport/sallyport/mask"
)

// scope is a query level: what its FROM offers, the common table expressions
// declared at it, and the level around it.
type scope struct {
	outer *scope
	items []*item
	ctes  map[string]*cte
	// aliases are the named results of the level: conditions may use them where the
	// FROM has no such column.
	aliases []column
	windows map[string]*syntax.Window

	// within counts aggregates whose arguments are being traced. loose are columns
	// that are used outside of them, picked what MIN and MAX choose rows by.
	within int
	loose  map[place]bool
	picked set
}

// place is a column of an item.
type place struct {
	item *item
	name string
}

// item is a table as names see it.
type item struct {
	name   string // alias, or the relation's own name
	schema string // of a relation without an alias
	cols   []column
	// bare is set where the columns go by their names alone.
	bare  bool
	rowid *value // nil where there is none
	// derived items have columns whose names are in part made by the engine: of the
	// text of an expression, or with a number where two are alike.
	derived bool
	// called items are functions, which have hidden columns for their arguments.
	called bool
}

func (s *scope) cte(name string) *cte {
	for ; s != nil; s = s.outer {
		if c := s.ctes[syntax.Fold(name)]; c != nil {
			return c
		}
	}
	return nil
}

// hidden is the scope without the items of its own level: what an entry of FROM
// sees.
func (s *scope) hidden() *scope { return &scope{outer: s.outer, ctes: s.ctes} }

// find is a column of the item by name. A hidden one counts only where the item is
// named, too.
func (i *item) find(name string, qualified bool) (value, bool) {
	name = syntax.Fold(name)
	for k := range i.cols {
		c := &i.cols[k]
		if syntax.Fold(c.name) != name || c.name == "" {
			continue
		}
		switch {
		case qualified:
			return c.value, true
		case c.hidden:
			return value{}, false
		case c.joined != nil:
			return *c.joined, true
		}
		return c.value, true
	}
	return value{}, false
}

// column resolves a name as lookupName (resolve.c) does: level by level outwards.
func (a *analyzer) column(e *syntax.Expr, sc *scope) value {
	n := len(e.Names)
	name, table, schema := e.Names[n-1], "", ""
	if n > 1 {
		table = syntax.Fold(e.Names[n-2])
	}
	if n > 2 {
		schema = syntax.Fold(e.Names[0])
	}
	for s := sc; s != nil; s = s.outer {
		if v, ok := a.at(s, schema, table, name); ok {
			a.read(v.src)
			return v
		}
		if table != "" {
			continue
		}
		for _, c := range s.aliases {
			if syntax.Fold(c.name) == syntax.Fold(name) {
				return c.value
			}
		}
	}
	if word := syntax.Fold(name); n == 1 && !e.Quoted && (word == "true" || word == "false") {
		return value{direct: true, fixed: true}
	}
	a.fail("the name " + strconv.Quote(name) + " is not known")
	return value{}
}

// at looks for a column among the items of one level. More than one is an error
// of the statement's, but for columns of a subquery, of which the engine takes
// the first: find does.
func (a *analyzer) at(s *scope, schema, table, name string) (value, bool) {
	var found value
	n := 0
	for _, i := range s.items {
		if !i.goesBy(schema, table) {
			continue
		}
		if v, ok := i.find(name, table != ""); ok {
			found = v
			n++
			s.used(i, name)
		}
	}
	if n == 0 && rowids[syntax.Fold(name)] {
		for _, i := range s.items {
			if i.rowid != nil && i.goesBy(schema, table) {
				found = *i.rowid
				n++
				s.used(i, "rowid")
			}
		}
	}
	if n == 0 && s.mayHave(schema, table, name) {
		a.fail("the column " + strconv.Quote(name) + " may be one that its table does not list")
	}
	if n > 1 {
		a.fail("the column " + strconv.Quote(name) + " is ambiguous")
	}
	return found, n > 0
}

// mayHave reports whether a name that is not found may be one that the engine made,
// a hidden column, or the rowid of a subquery.
func (s *scope) mayHave(schema, table, name string) bool {
	fold := syntax.Fold(name)
	for _, i := range s.items {
		if i.goesBy(schema, table) && (i.derived && (!plain(name) || rowids[fold]) || i.called && arguments[fold]) {
			return true
		}
	}
	return false
}

// plain reports whether a name is one that an expression's text cannot be, but for
// a column's.
func plain(name string) bool {
	switch syntax.Fold(name) {
	case "", "null", "current_date", "current_time", "current_timestamp":
		return false
	}
	for k := 0; k < len(name); k++ {
		c := name[k]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
		if !letter && (k == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return true
}

func (i *item) goesBy(schema, table string) bool {
	if table == "" {
		return i.bare
	}
	return syntax.Fold(i.name) == table && (schema == "" || syntax.Fold(i.schema) == schema)
}

// used notes a column that stands outside of aggregates.
func (s *scope) used(i *item, name string) {
	if s.within == 0 {
		if s.loose == nil {
			s.loose = map[place]bool{}
		}
		s.loose[place{i, syntax.Fold(name)}] = true
	}
}

// relationColumns are a relation's columns as they are read, and its rowid.
func (a *analyzer) relationColumns(r *Relation) ([]column, *value) {
	if r.Closed != "" {
		a.fail(r.Closed)
		return nil, nil
	}
	if r.View != nil {
		return a.view(r), nil
	}
	cols := make([]column, len(r.Columns))
	for i, c := range r.Columns {
		src := set{r.column(c.Name): {}}
		for _, h := range c.Holds {
			src[h] = struct{}{}
		}
		cols[i] = column{name: c.Name, value: value{src: src, direct: len(c.Holds) == 0}}
	}
	for i, c := range r.Columns {
		if c.Generated != nil {
			cols[i].value = a.generated(r, &r.Columns[i], cols)
		}
	}
	if r.Rowid == "" {
		return cols, nil
	}
	if r.Rowid == "rowid" {
		return cols, &value{src: set{r.column("rowid"): {}}, direct: true}
	}
	i := &item{cols: cols}
	v, _ := i.find(r.Rowid, true)
	return cols, &v
}

// generated is a column that is made of others of its row, which may be generated
// themselves.
func (a *analyzer) generated(r *Relation, c *Attribute, cols []column) value {
	src := set{r.column(c.Name): {}}
	seen := map[string]bool{}
	var follow func(e *syntax.Expr)
	follow = func(e *syntax.Expr) {
		for _, name := range mentions(e) {
			other := r.attribute(name)
			if other == nil || seen[other.Name] {
				continue
			}
			seen[other.Name] = true
			src[r.column(other.Name)] = struct{}{}
			if other.Generated != nil {
				follow(other.Generated)
			}
		}
	}
	follow(c.Generated)
	a.made[r.column(c.Name)] = src.sorted()
	return value{src: src}
}

// view are a view's columns by its definition, which also go by their own names.
func (a *analyzer) view(r *Relation) []column {
	if !a.enter() {
		return nil
	}
	defer a.leave()
	reads := a.reads
	a.reads = set{} // what the view reads counts where it is referred to
	around := a.viewing
	a.viewing = r
	out := a.query(r.View.Query, nil)
	a.viewing = around
	for c := range a.reads {
		if a.decided(c) {
			reads[c] = struct{}{}
		}
	}
	a.reads = reads
	if len(out) != len(r.Columns) {
		a.fail("the view " + r.Name + " has other columns than its definition")
		return nil
	}
	cols := make([]column, len(out))
	for i, c := range r.Columns {
		own := set{mask.Column{Schema: r.Schema, Table: r.Name, Name: c.Name}: {}}
		cols[i] = column{name: c.Name, value: value{src: union(own, out[i].src), direct: out[i].direct}}
	}
	return cols
}

func (a *analyzer) decided(c mask.Column) bool {
	for p := range a.predicates {
		if p.Column == c {
			return true
		}
	}
	return false
}
