package lineage

import (
	"maps"
	"slices"

	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
	"github.com/sallyport/sallyport/mask"
)

// change is what a statement does to the rows of one table.
type change struct {
	rel *Relation
	// given are the values of the columns that it sets, by their names as the
	// engine compares them.
	given map[string]value
	// rows is how many rows are written; -1 where the text does not say.
	rows int
}

// target is a relation that a statement changes, as an item of its own.
func (a *analyzer) target(t *syntax.Target) (*Relation, *item) {
	rel := a.relation(t.Schema, t.Name)
	if rel == nil {
		return nil, nil
	}
	a.references(rel)
	i := &item{name: t.Name, schema: rel.Schema, bare: true, derived: rel.View != nil}
	i.cols, i.rowid = a.relationColumns(rel)
	if t.Alias != "" {
		i.name, i.schema = t.Alias, ""
	}
	return rel, i
}

// stores notes where the values of a change go, and what becomes of them there.
func (a *analyzer) stores(c change) {
	for _, name := range slices.Sorted(maps.Keys(c.given)) {
		v := c.given[name]
		a.read(v.src)
		att := c.rel.attribute(name)
		if att == nil {
			a.fail("the column " + name + " of " + c.rel.Name + " is not known")
			return
		}
		if len(v.src) == 0 || c.rel.View != nil {
			continue
		}
		to := c.rel.column(att.Name)
		a.writes = append(a.writes, Write{Into: c.rel.Name + "." + att.Name, Targets: []mask.Column{to}, Sources: v.src.sorted()})
		if !v.direct && (att.NotNull || c.rel.Strict) {
			a.decides(v.src, "a constraint of "+c.rel.Name+"."+att.Name)
		}
	}
}

func (a *analyzer) insert(s *syntax.Insert, outer *scope) []column {
	if !a.enter() {
		return nil
	}
	defer a.leave()
	sc := &scope{outer: outer}
	a.with(s.With, sc)
	rel, i := a.target(&s.Into)
	if rel == nil {
		return nil
	}
	var rows []column
	if s.Query != nil {
		rows = a.query(s.Query, sc)
	}
	given := a.inserted(s, rel, rows)
	c := change{rel: rel, given: given, rows: -1}
	if s.Query == nil || len(s.Query.Parts) == 1 && s.Query.Parts[0].Values != nil {
		c.rows = 1
		if s.Query != nil {
			c.rows = len(s.Query.Parts[0].Values)
		}
	}
	a.stores(c)
	a.inserts(c)
	if s.Or == "REPLACE" || len(s.Upserts) > 0 {
		a.conflicts(s, rel, i, c, sc)
	}
	a.fire(rel, "INSERT", given, i)
	return a.returned(s.Returned, rel, i, given, sc)
}

// inserted are the values of the columns that an INSERT names, or of all.
func (a *analyzer) inserted(s *syntax.Insert, rel *Relation, rows []column) map[string]value {
	names := s.Columns
	if len(names) == 0 && s.Query != nil {
		for _, c := range rel.Columns {
			if c.Generated == nil {
				names = append(names, c.Name)
			}
		}
	}
	if s.Query != nil && len(names) != len(rows) {
		a.fail("an INSERT has other values than columns")
		return nil
	}
	given := map[string]value{}
	for k, n := range names {
		att := rel.attribute(n)
		if att == nil {
			a.fail("the column " + n + " of " + rel.Name + " is not known")
			return nil
		}
		given[syntax.Fold(att.Name)] = rows[k].value
	}
	return given
}

// conflicts traces what happens to rows that are there already.
func (a *analyzer) conflicts(s *syntax.Insert, rel *Relation, i *item, c change, sc *scope) {
	if s.Or == "REPLACE" {
		a.fire(rel, "DELETE", nil, i)
		a.removes(rel)
	}
	excluded := &item{name: "excluded"}
	for _, col := range i.cols {
		v := c.given[syntax.Fold(col.name)]
		excluded.cols = append(excluded.cols, column{name: col.name, value: v})
	}
	excluded.rowid = &value{}
	in := &scope{outer: sc, items: []*item{i}}
	both := &scope{outer: sc, items: []*item{i, excluded}}
	for _, u := range s.Upserts {
		for _, e := range u.On {
			a.expr(e, in) // its values decide by their constraint, as those of any row
		}
		if u.OnWhere != nil {
			a.condition(u.OnWhere, in, "ON CONFLICT")
		}
		if !u.Update {
			continue
		}
		set := change{rel: rel, given: a.assigned(u.Set, rel, both), rows: -1}
		if u.Where != nil {
			a.condition(u.Where, both, "ON CONFLICT")
		}
		a.stores(set)
		a.updates(set)
		a.fire(rel, "UPDATE", set.given, i)
	}
}

// assigned are the values of SET.
func (a *analyzer) assigned(list []syntax.Assignment, rel *Relation, sc *scope) map[string]value {
	given := map[string]value{}
	for _, s := range list {
		v := a.expr(s.Value, sc)
		for k, n := range s.Columns {
			att := rel.attribute(n)
			if att == nil {
				a.fail("the column " + n + " of " + rel.Name + " is not known")
				return nil
			}
			one := v
			if len(s.Columns) > 1 && s.Value.Op == syntax.Row && k < len(s.Value.Args) {
				one = a.expr(s.Value.Args[k], sc)
			} else if len(s.Columns) > 1 {
				one = computed(v)
			}
			given[syntax.Fold(att.Name)] = one
		}
	}
	return given
}

func (a *analyzer) update(s *syntax.Update, outer *scope) []column {
	if !a.enter() {
		return nil
	}
	defer a.leave()
	sc := &scope{outer: outer}
	a.with(s.With, sc)
	rel, i := a.target(&s.Target)
	if rel == nil {
		return nil
	}
	a.scan(Scan{Relation: rel, Target: &s.Target})
	in := &scope{outer: sc, items: []*item{i}}
	a.from(s.From, in)
	set := change{rel: rel, given: a.assigned(s.Set, rel, in), rows: 1}
	a.conditions(s.From, in)
	if s.Where != nil {
		a.condition(s.Where, in, "WHERE")
	}
	a.stores(set)
	a.updates(set)
	if s.Or == "REPLACE" {
		a.fire(rel, "DELETE", nil, i)
		a.removes(rel)
	}
	a.fire(rel, "UPDATE", set.given, i)
	a.bounded(s.Order, s.Limit, in)
	return a.returned(s.Returned, rel, i, set.given, sc)
}

func (a *analyzer) remove(s *syntax.Delete, outer *scope) []column {
	if !a.enter() {
		return nil
	}
	defer a.leave()
	sc := &scope{outer: outer}
	a.with(s.With, sc)
	rel, i := a.target(&s.Target)
	if rel == nil {
		return nil
	}
	a.scan(Scan{Relation: rel, Target: &s.Target})
	in := &scope{outer: sc, items: []*item{i}}
	if s.Where != nil {
		a.condition(s.Where, in, "WHERE")
	}
	a.fire(rel, "DELETE", nil, i)
	a.removes(rel)
	a.bounded(s.Order, s.Limit, in)
	return a.returned(s.Returned, rel, i, nil, sc)
}

// bounded are ORDER BY and LIMIT of a change.
func (a *analyzer) bounded(order, limit []*syntax.Expr, sc *scope) {
	for _, e := range order {
		a.decides(a.expr(e, sc).src, "ORDER BY")
	}
	for _, e := range limit {
		a.decides(a.expr(e, sc).src, "LIMIT")
	}
}

// returned resolves RETURNING: the rows as they are after the change.
func (a *analyzer) returned(list []syntax.Result, rel *Relation, i *item, given map[string]value, sc *scope) []column {
	if len(list) == 0 {
		return nil
	}
	return a.results(list, &scope{outer: sc, items: []*item{after(i, rel.Name, given)}})
}

// after is the row as a change leaves it: what is not set stays.
func after(i *item, name string, given map[string]value) *item {
	out := &item{name: name, schema: i.schema, bare: true, rowid: i.rowid, derived: i.derived}
	if i.name != "" && name == "" {
		out.name = i.name
	}
	for _, c := range i.cols {
		if v, ok := given[syntax.Fold(c.name)]; ok {
			c.value = value{src: union(c.src, v.src), direct: c.direct && v.direct}
		}
		out.cols = append(out.cols, c)
	}
	return out
}
