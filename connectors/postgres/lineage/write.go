package lineage

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/mask"
)

// target is a relation that a statement changes, as an item of its own.
func (a *analyzer) target(r *pg.RangeVar, sc *scope) (*Relation, *item) {
	rel, ok := a.cat.Relation(r.GetSchemaname(), r.GetRelname())
	if !ok || r.GetCatalogname() != "" {
		a.fail("the relation " + r.GetRelname() + " is not known")
		return &Relation{}, &item{}
	}
	if rel.Rules {
		a.fail("writes to " + r.GetRelname() + " are rewritten by a rule or a trigger")
	}
	a.code = a.code || rel.Triggers
	i := &item{name: r.GetRelname(), schema: rel.Schema, named: true, bare: true, cols: a.relationColumns(rel), table: rel.Query == nil}
	i.rename(r.GetAlias())
	return rel, i
}

// writes notes that a column takes a value.
func (a *analyzer) write(rel *Relation, i *item, name string, v value) {
	if len(v.src) == 0 {
		return
	}
	w := Write{Into: rel.Name + "." + name, Sources: v.src.sorted()}
	k := -1
	for n, c := range rel.Columns {
		if c.Name == name {
			k = n
		}
	}
	if k < 0 || k >= len(i.cols) {
		a.fail("the column " + name + " of " + rel.Name + " is not known")
		return
	}
	if rel.Query != nil { // through a view: into the column it stands for
		if !i.cols[k].direct {
			a.fail("the column " + name + " of " + rel.Name + " is no column of a table")
			return
		}
		for c := range i.cols[k].src {
			if c.Table != rel.Name || c.Schema != rel.Schema {
				w.Targets = append(w.Targets, c)
			}
		}
	} else {
		w.Targets = []mask.Column{{Schema: rel.Schema, Table: rel.Name, Name: name}}
	}
	a.writes = append(a.writes, w)
}

func (a *analyzer) insert(s *pg.InsertStmt, sc *scope) []column {
	a.with(s.GetWithClause(), sc)
	rel, i := a.target(s.GetRelation(), sc)
	var given []column
	if q := s.GetSelectStmt().GetSelectStmt(); q != nil {
		given = a.query(q, sc)
	}
	cols := a.insertColumns(s, rel, len(given))
	excluded := &item{name: "excluded", named: true, bare: true}
	for k, name := range cols {
		if k < len(given) {
			a.write(rel, i, name, given[k].value)
		}
	}
	for _, c := range rel.Columns {
		v := value{}
		for k, name := range cols {
			if name == c.Name && k < len(given) {
				v = computed(given[k].value)
			}
		}
		excluded.cols = append(excluded.cols, column{c.Name, v})
	}
	a.conflict(s, rel, i, excluded, cols, sc)
	back := &scope{outer: sc, items: []*item{i}}
	return a.targets(s.GetReturningList(), back)
}

// insertColumns are the columns that an INSERT gives values for, in order.
func (a *analyzer) insertColumns(s *pg.InsertStmt, rel *Relation, n int) []string {
	var cols []string
	for _, c := range s.GetCols() {
		if len(c.GetResTarget().GetIndirection()) > 0 {
			a.fail("an INSERT into a part of a column is not understood")
		}
		cols = append(cols, c.GetResTarget().GetName())
	}
	if len(s.GetCols()) == 0 {
		for _, c := range rel.Columns {
			cols = append(cols, c.Name)
		}
		cols = cols[:min(n, len(cols))]
	}
	if n > len(cols) {
		a.fail("an INSERT has more values than columns")
	}
	return cols
}

// conflict traces ON CONFLICT: whether there is one tells of the values that are
// there.
func (a *analyzer) conflict(s *pg.InsertStmt, rel *Relation, i, excluded *item, cols []string, sc *scope) {
	c := s.GetOnConflictClause()
	if c == nil {
		return
	}
	in := &scope{outer: sc, items: []*item{i}}
	for k, col := range i.cols {
		// Without a named index any of the columns may be the one.
		if len(c.GetInfer().GetIndexElems()) == 0 && k < len(rel.Columns) {
			a.decides(col.src, "ON CONFLICT")
		}
	}
	for _, n := range c.GetInfer().GetIndexElems() {
		e := n.GetIndexElem()
		if e.GetName() != "" {
			a.decides(a.column(e.GetName(), in).src, "ON CONFLICT")
			continue
		}
		a.decides(a.optional(e.GetExpr(), in).src, "ON CONFLICT")
	}
	if w := c.GetInfer().GetWhereClause(); w != nil {
		a.condition(w, in, "ON CONFLICT")
	}
	hidden := *excluded
	hidden.bare = false
	both := &scope{outer: sc, items: []*item{i, &hidden}}
	a.assign(rel, i, c.GetTargetList(), both)
	if c.GetWhereClause() != nil {
		a.condition(c.GetWhereClause(), both, "ON CONFLICT")
	}
}

// assign traces SET lists.
func (a *analyzer) assign(rel *Relation, i *item, list []*pg.Node, sc *scope) {
	for _, n := range list {
		t := n.GetResTarget()
		if t == nil {
			a.fail("an assignment is not understood")
			return
		}
		val := t.GetVal()
		if m := val.GetMultiAssignRef(); m != nil {
			val = m.GetSource() // any of its values may be this one
		}
		v := a.expr(val, sc)
		for _, ind := range t.GetIndirection() {
			x := ind.GetAIndices()
			v = computed(v, a.optional(x.GetLidx(), sc), a.optional(x.GetUidx(), sc))
		}
		a.write(rel, i, t.GetName(), v)
	}
}

func (a *analyzer) update(s *pg.UpdateStmt, sc *scope) []column {
	a.with(s.GetWithClause(), sc)
	rel, i := a.target(s.GetRelation(), sc)
	in := &scope{outer: sc, items: []*item{i}}
	for _, f := range s.GetFromClause() {
		in.items = append(in.items, a.from(f, in)...)
	}
	a.assign(rel, i, s.GetTargetList(), in)
	if s.GetWhereClause() != nil {
		a.condition(s.GetWhereClause(), in, "WHERE")
	}
	return a.targets(s.GetReturningList(), in)
}

func (a *analyzer) remove(s *pg.DeleteStmt, sc *scope) []column {
	a.with(s.GetWithClause(), sc)
	_, i := a.target(s.GetRelation(), sc)
	in := &scope{outer: sc, items: []*item{i}}
	for _, f := range s.GetUsingClause() {
		in.items = append(in.items, a.from(f, in)...)
	}
	if s.GetWhereClause() != nil {
		a.condition(s.GetWhereClause(), in, "WHERE")
	}
	return a.targets(s.GetReturningList(), in)
}

func (a *analyzer) merge(s *pg.MergeStmt, sc *scope) []column {
	a.with(s.GetWithClause(), sc)
	rel, i := a.target(s.GetRelation(), sc)
	source := &scope{outer: sc}
	items := a.from(s.GetSourceRelation(), source)
	in := &scope{outer: sc, items: append([]*item{i}, items...)}
	a.condition(s.GetJoinCondition(), in, "MERGE")
	for _, n := range s.GetMergeWhenClauses() {
		w := n.GetMergeWhenClause()
		if w.GetCondition() != nil {
			a.condition(w.GetCondition(), in, "MERGE")
		}
		if w.GetCommandType() == pg.CmdType_CMD_INSERT {
			a.mergeInsert(rel, i, w, in)
			continue
		}
		a.assign(rel, i, w.GetTargetList(), in)
	}
	// RETURNING gives the source's columns before the target's.
	back := &scope{outer: sc, items: append(append([]*item(nil), items...), i)}
	return a.targets(s.GetReturningList(), back)
}

func (a *analyzer) mergeInsert(rel *Relation, i *item, w *pg.MergeWhenClause, sc *scope) {
	var cols []string
	for _, t := range w.GetTargetList() {
		cols = append(cols, t.GetResTarget().GetName())
	}
	if len(cols) == 0 {
		for _, c := range rel.Columns {
			cols = append(cols, c.Name)
		}
	}
	for k, n := range w.GetValues() {
		v := a.expr(n, sc)
		if k >= len(cols) {
			a.fail("a MERGE has more values than columns")
			return
		}
		a.write(rel, i, cols[k], v)
	}
}
