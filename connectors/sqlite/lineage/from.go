package lineage

import (
	"slices"

	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
)

// from resolves a FROM: its items go into the scope. What functions among them are
// called with may be columns of any.
func (a *analyzer) from(list []*syntax.Source, sc *scope) {
	var calls []call
	a.sources(list, sc, &calls)
	// A function may be called with what another gives.
	for range calls {
		for _, c := range calls {
			v := computed(each(a, c.source.Args, sc)...)
			a.decides(v.src, "FROM "+c.source.Name)
			for k := range c.item.cols {
				c.item.cols[k].value = value{src: v.src}
			}
		}
	}
}

// call is a function in FROM.
type call struct {
	source *syntax.Source
	item   *item
}

func each(a *analyzer, list []*syntax.Expr, sc *scope) []value {
	out := make([]value, len(list))
	for i, e := range list {
		out[i] = a.expr(e, sc)
	}
	return out
}

func (a *analyzer) sources(list []*syntax.Source, sc *scope, calls *[]call) {
	first := len(sc.items)
	for k, s := range list {
		at := len(sc.items)
		a.source(s, sc, calls)
		if k == 0 || a.why != "" {
			continue
		}
		using := s.Using
		if s.Natural {
			using = common(sc.items[first:at], sc.items[at:])
			if unsure(sc.items[first:at]) && unsure(sc.items[at:]) {
				a.fail("a NATURAL join by columns without names of their own")
			}
		}
		for _, name := range using {
			a.using(name, sc.items[first:at], sc.items[at:])
		}
	}
}

// common are the names that both sides of a natural join have.
func common(left, right []*item) (out []string) {
	for _, r := range right {
		for _, c := range r.cols {
			if c.hidden || slices.Contains(out, c.name) {
				continue
			}
			for _, l := range left {
				if _, ok := l.find(c.name, false); ok {
					out = append(out, c.name)
					break
				}
			}
		}
	}
	return out
}

// unsure reports whether a side of a join has columns that the engine gives names:
// those of expressions, and all but the first of those that are alike.
func unsure(items []*item) bool {
	for _, i := range items {
		seen := map[string]bool{}
		for _, c := range i.cols {
			name := syntax.Fold(c.name)
			if i.derived && (name == "" || seen[name] || !plain(name)) {
				return true
			}
			seen[name] = true
		}
	}
	return false
}

// using merges a column of both sides: without a table its name means either.
func (a *analyzer) using(name string, left, right []*item) {
	l, r := member(left, name), member(right, name)
	if l == nil || r == nil {
		a.fail("the column " + name + " of a join is not known")
		return
	}
	was := l.value
	if l.joined != nil {
		was = *l.joined
	}
	other := r.value
	if r.joined != nil {
		other = *r.joined
	}
	a.decides(union(was.src, other.src), "JOIN")
	v := either(was, other)
	l.joined, r.hidden = &v, true
}

// member is the first column of a side by that name.
func member(items []*item, name string) *column {
	for _, i := range items {
		for k := range i.cols {
			if c := &i.cols[k]; !c.hidden && syntax.Fold(c.name) == syntax.Fold(name) && c.name != "" {
				return c
			}
		}
	}
	return nil
}

// source adds the items of one entry.
func (a *analyzer) source(s *syntax.Source, sc *scope, calls *[]call) {
	if !a.enter() {
		return
	}
	defer a.leave()
	switch {
	case s.Query != nil:
		sc.items = append(sc.items, &item{name: s.Alias, bare: true, derived: true, cols: a.query(s.Query, sc.hidden())})
	case s.Nested != nil:
		a.nested(s, sc, calls)
	case s.Call:
		a.function(s, sc, calls)
	default:
		sc.items = append(sc.items, a.table(s, sc))
	}
}

// nested is a join in parentheses. With an alias its tables have no names; its
// columns are those of a star.
func (a *analyzer) nested(s *syntax.Source, sc *scope, calls *[]call) {
	in := sc.hidden()
	a.sources(s.Nested, in, calls)
	if s.Alias != "" && len(*calls) > 0 {
		a.fail("a function within a join that has an alias")
	}
	a.conditions(s.Nested, in)
	if s.Alias == "" {
		sc.items = append(sc.items, in.items...)
		return
	}
	cols := a.star("", in)
	for k := range cols {
		a.read(cols[k].src)
	}
	sc.items = append(sc.items, &item{name: s.Alias, bare: true, derived: true, cols: cols})
}

// tableFunctions are the functions in FROM with the columns that they give. Their
// hidden columns, which take arguments, are none: who names one is not understood.
var tableFunctions = map[string][]string{
	"json_each":       jsonColumns,
	"json_tree":       jsonColumns,
	"jsonb_each":      jsonColumns,
	"jsonb_tree":      jsonColumns,
	"generate_series": {"value"},
}

// arguments are the hidden columns of those functions.
var arguments = words(`json root start stop step`)

var jsonColumns = []string{"key", "value", "type", "atom", "id", "parent", "fullkey", "path"}

func (a *analyzer) function(s *syntax.Source, sc *scope, calls *[]call) {
	cols, ok := tableFunctions[syntax.Fold(s.Name)]
	if !ok || s.Schema != "" {
		a.fail("the function " + s.Name + " in FROM is not known")
		return
	}
	i := &item{name: s.Name, bare: true, rowid: &value{}, called: true}
	if s.Alias != "" {
		i.name = s.Alias
	}
	for _, c := range cols {
		i.cols = append(i.cols, column{name: c})
	}
	sc.items = append(sc.items, i)
	*calls = append(*calls, call{s, i})
}

// table is a common table expression, a table or a view.
func (a *analyzer) table(s *syntax.Source, sc *scope) *item {
	i := &item{name: s.Name, bare: true}
	if c := sc.cte(s.Name); c != nil && s.Schema == "" {
		i.derived = true
		i.cols = slices.Clone(a.cteColumns(c))
	} else if r := a.relation(s.Schema, s.Name); r != nil {
		i.schema, i.derived = r.Schema, r.View != nil
		if a.viewing != nil && s.Schema == "" {
			a.viewed[syntax.Fold(s.Name)] = true
		}
		i.cols, i.rowid = a.relationColumns(r)
		a.scan(Scan{Relation: r, Source: s})
	}
	if s.Alias != "" {
		i.name, i.schema = s.Alias, ""
	}
	return i
}

// scan notes a table of a text that is not a trigger's.
func (a *analyzer) scan(s Scan) {
	if a.acting > 0 {
		return
	}
	s.View = a.viewing
	for _, was := range a.scans {
		if was == s {
			return
		}
	}
	a.scans = append(a.scans, s)
}

// relation finds a table or view; nil where it is not known.
func (a *analyzer) relation(schema, name string) *Relation {
	r := a.cat.Relation(syntax.Fold(schema), syntax.Fold(name))
	if r == nil {
		a.fail("the table " + name + " is not known")
		return nil
	}
	a.relations[syntax.Fold(r.Name)] = r
	return r
}

// conditions are those of the joins, which see all items.
func (a *analyzer) conditions(list []*syntax.Source, sc *scope) {
	for _, s := range list {
		if s.On != nil {
			a.condition(s.On, sc, "JOIN")
		}
	}
}
