package lineage

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// from resolves one entry of a FROM list. sc holds what stands to its left, which
// only LATERAL entries see. It returns the items that the entry adds, of which
// the last offers the columns of the whole entry in order.
func (a *analyzer) from(n *pg.Node, sc *scope) []*item {
	if !a.enter() {
		return []*item{{}}
	}
	defer a.leave()
	switch {
	case n.GetRangeVar() != nil:
		return []*item{a.rangeVar(n.GetRangeVar(), sc)}
	case n.GetRangeSubselect() != nil:
		return []*item{a.rangeSubselect(n.GetRangeSubselect(), sc)}
	case n.GetJoinExpr() != nil:
		return a.join(n.GetJoinExpr(), sc)
	case n.GetRangeFunction() != nil:
		return []*item{a.rangeFunction(n.GetRangeFunction(), sc)}
	case n.GetRangeTableSample() != nil:
		return a.sample(n.GetRangeTableSample(), sc)
	case n.GetRangeTableFunc() != nil:
		return []*item{a.xmlTable(n.GetRangeTableFunc(), sc)}
	case n.GetJsonTable() != nil:
		return []*item{a.jsonTable(n.GetJsonTable(), sc)}
	}
	a.fail("a source of rows of a kind that is not known")
	return []*item{{}}
}

// hidden is a scope without the items of its own level: what entries that are
// not lateral see.
func hidden(sc *scope) *scope {
	return &scope{outer: sc.outer, ctes: sc.ctes, fn: sc.fn}
}

func (a *analyzer) rangeVar(r *pg.RangeVar, sc *scope) *item {
	i := &item{name: r.GetRelname(), named: true, bare: true}
	if c := sc.cte(r.GetRelname()); c != nil && r.GetSchemaname() == "" {
		i.cols = displaced(a.cteColumns(c))
	} else {
		rel, ok := a.cat.Relation(r.GetSchemaname(), r.GetRelname())
		if !ok || r.GetCatalogname() != "" {
			a.fail("the relation " + r.GetRelname() + " is not known")
			return i
		}
		i.schema, i.cols, i.table = rel.Schema, a.relationColumns(rel), rel.Query == nil
		if i.table && len(i.cols) == len(rel.Columns) {
			i.cols = placed(i.cols, rel)
		}
	}
	i.rename(r.GetAlias())
	return i
}

// rename gives an item its alias and the columns theirs.
func (i *item) rename(al *pg.Alias) {
	if al == nil {
		return
	}
	i.name, i.schema = al.GetAliasname(), ""
	i.cols = renamed(i.cols, names(al.GetColnames()))
}

func renamed(cols []column, to []string) []column {
	if len(to) == 0 {
		return cols
	}
	out := append([]column(nil), cols...)
	for k, n := range to {
		if k < len(out) {
			out[k].name = n
		}
	}
	return out
}

// names are the texts of a list of names.
func names(list []*pg.Node) []string {
	var out []string
	for _, n := range list {
		if s := n.GetString_(); s != nil {
			out = append(out, s.GetSval())
		}
	}
	return out
}

func (a *analyzer) rangeSubselect(r *pg.RangeSubselect, sc *scope) *item {
	in := sc
	if !r.GetLateral() {
		in = hidden(sc)
	}
	i := &item{named: r.GetAlias() != nil, bare: true, cols: displaced(a.query(r.GetSubquery().GetSelectStmt(), in))}
	i.rename(r.GetAlias())
	return i
}

// sample: which rows a sample takes may depend on its arguments.
func (a *analyzer) sample(r *pg.RangeTableSample, sc *scope) []*item {
	if m := names(r.GetMethod()); len(m) != 1 || m[0] != "system" && m[0] != "bernoulli" {
		a.fail("a sampling method that is not known")
	}
	for _, n := range append(r.GetArgs(), r.GetRepeatable()) {
		a.decides(a.optional(n, sc).src, "TABLESAMPLE")
	}
	return a.from(r.GetRelation(), sc)
}

func (a *analyzer) join(j *pg.JoinExpr, sc *scope) []*item {
	left := a.from(j.GetLarg(), sc)
	before := sc.items
	sc.items = append(append([]*item(nil), before...), left...)
	right := a.from(j.GetRarg(), sc)
	sc.items = before
	l, r := left[len(left)-1], right[len(right)-1]

	on := hidden(sc)
	on.items = append(append([]*item(nil), left...), right...)
	if j.GetQuals() != nil {
		a.condition(j.GetQuals(), on, "JOIN")
	}
	using := names(j.GetUsingClause())
	if j.GetIsNatural() {
		using = common(l.cols, r.cols)
		if l.rest != nil || r.rest != nil {
			a.fail("a natural join with columns that are not known")
		}
	}
	joined := &item{bare: true, rest: together(l.rest, r.rest)}
	merged := a.using(joined, using, l, r)
	all := append(left, right...)
	if u := j.GetJoinUsingAlias(); u != nil {
		all = append(all, &item{name: u.GetAliasname(), named: true, cols: merged})
	}
	if al := j.GetAlias(); al != nil {
		joined.named = true
		joined.rename(al)
		return []*item{joined}
	}
	for k, i := range all {
		c := *i
		c.bare = false
		all[k] = &c
	}
	return append(all, joined)
}

// using fills the columns of a join and returns those that it merges.
func (a *analyzer) using(joined *item, using []string, l, r *item) []column {
	is := map[string]bool{}
	for _, name := range using {
		is[name] = true
		lv, ln := l.find(name)
		rv, rn := r.find(name)
		if ln != 1 || rn != 1 {
			a.fail("the column " + name + " of a join is not known")
			return nil
		}
		a.decides(union(lv.src, rv.src), "JOIN")
		joined.cols = append(joined.cols, column{name, either(lv, rv)})
	}
	merged := joined.cols
	for _, cols := range [][]column{l.cols, r.cols} {
		for _, c := range cols {
			if !is[c.name] {
				joined.cols = append(joined.cols, c)
			}
		}
	}
	return merged[:len(merged):len(merged)]
}

func common(l, r []column) []string {
	var out []string
	for _, c := range l {
		for _, d := range r {
			if c.name == d.name {
				out = append(out, c.name)
			}
		}
	}
	return out
}

func together(l, r *value) *value {
	switch {
	case l == nil:
		return r
	case r == nil:
		return l
	}
	v := computed(*l, *r)
	return &v
}

// rangeFunction is a function in FROM, or several side by side.
func (a *analyzer) rangeFunction(r *pg.RangeFunction, sc *scope) *item {
	i := &item{named: true, bare: true}
	for _, f := range r.GetFunctions() {
		list := f.GetList().GetItems()
		if len(list) == 0 || list[0] == nil {
			a.fail("a function in FROM is not understood")
			return i
		}
		defs := r.GetColdeflist()
		if len(list) > 1 && list[1].GetList() != nil {
			defs = list[1].GetList().GetItems()
		}
		a.functionColumns(i, list[0], defs, r.GetAlias(), len(r.GetFunctions()) == 1, sc)
	}
	if r.GetOrdinality() {
		i.cols = append(i.cols, column{"ordinality", value{}})
	}
	i.rename(r.GetAlias())
	return i
}

// functionColumns adds what one function in FROM returns.
func (a *analyzer) functionColumns(i *item, n *pg.Node, defs []*pg.Node, al *pg.Alias, alone bool, sc *scope) {
	call := n.GetFuncCall()
	if call == nil { // CURRENT_DATE and the like
		i.name = "value"
		v := a.expr(n, sc)
		i.cols = append(i.cols, column{a.functionName(n, al, alone), v})
		return
	}
	name := last(names(call.GetFuncname()))
	if i.name == "" {
		i.name = name
	}
	if name == "unnest" && len(call.GetArgs()) > 1 {
		for _, arg := range call.GetArgs() {
			one := &pg.FuncCall{Funcname: call.GetFuncname(), Args: []*pg.Node{arg}}
			a.returned(i, &pg.Node{Node: &pg.Node_FuncCall{FuncCall: one}}, nil, "unnest", sc)
		}
		return
	}
	a.returned(i, n, defs, a.functionName(n, al, alone), sc)
}

func (a *analyzer) returned(i *item, n *pg.Node, defs []*pg.Node, scalar string, sc *scope) {
	call := n.GetFuncCall()
	v := a.call(call, sc)
	name := last(names(call.GetFuncname()))
	switch {
	case len(defs) > 0:
		for _, d := range defs {
			a.typed(d.GetColumnDef().GetTypeName())
			i.cols = append(i.cols, column{d.GetColumnDef().GetColname(), computed(v)})
		}
	case v.fields != nil:
		i.cols = append(i.cols, v.fields...)
	case name == "unnest" && len(a.cat.Routines(name)) == 0 && len(call.GetArgs()) == 1 && atoms(call.GetArgs()[0]):
		i.cols = append(i.cols, column{scalar, v})
	case len(a.cat.Routines(name)) > 0 && !a.followed(call), name == "unnest", name == "json_populate_record",
		name == "jsonb_populate_record", name == "json_populate_recordset", name == "jsonb_populate_recordset":
		// It may return a row whose columns are not known here.
		w := computed(v)
		i.rest = together(i.rest, &w)
		i.cols = append(i.cols, column{scalar, computed(v)})
	default:
		if v.out != "" {
			scalar = v.out
		}
		i.cols = append(i.cols, column{scalar, v})
	}
}

// atoms reports whether an expression is an array whose elements are no rows for
// sure: literals, or of a type of the system that is not one.
func atoms(n *pg.Node) bool {
	if c := n.GetTypeCast(); c != nil {
		t := names(c.GetTypeName().GetNames())
		system := len(t) == 2 && t[0] == "pg_catalog" || len(t) == 1 && t[0] == "text"
		return system && len(c.GetTypeName().GetArrayBounds()) > 0 && (textTypes[last(t)] || fixedTypes[last(t)])
	}
	e := n.GetAArrayExpr()
	for _, x := range e.GetElements() {
		if x.GetAConst() == nil {
			return false
		}
	}
	return e != nil
}

// followed reports whether a call is of a user's functions in SQL alone, whose
// rows are accounted for in their bodies.
func (a *analyzer) followed(call *pg.FuncCall) bool {
	list := names(call.GetFuncname())
	rs := a.cat.Routines(last(list))
	for _, r := range rs {
		if r.Body == nil {
			return false
		}
	}
	return len(rs) > 0 && (len(list) > 1 || a.cat.Builtin(last(list)) == Unknown)
}

// functionName is the name of a column of scalars: the function's own, or its
// alias where it stands alone.
func (a *analyzer) functionName(n *pg.Node, al *pg.Alias, alone bool) string {
	if al != nil && alone {
		return al.GetAliasname()
	}
	return a.figure(n)
}

func last(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}

func (a *analyzer) xmlTable(t *pg.RangeTableFunc, sc *scope) *item {
	v := computed(a.optional(t.GetDocexpr(), sc), a.optional(t.GetRowexpr(), sc), a.within(t.ProtoReflect(), sc, "columns", "alias"))
	i := &item{name: "xmltable", named: true, bare: true}
	for _, n := range t.GetColumns() {
		c := n.GetRangeTableFuncCol()
		if !c.GetForOrdinality() {
			a.typed(c.GetTypeName())
		}
		w := computed(v, a.optional(c.GetColexpr(), sc), a.optional(c.GetColdefexpr(), sc))
		i.cols = append(i.cols, column{c.GetColname(), w})
	}
	for _, c := range i.cols {
		a.decides(c.src, "FROM")
	}
	a.decides(v.src, "FROM")
	i.rename(t.GetAlias())
	return i
}

func (a *analyzer) jsonTable(t *pg.JsonTable, sc *scope) *item {
	v := a.within(t.ProtoReflect(), sc, "columns", "alias")
	i := &item{name: "json_table", named: true, bare: true}
	a.jsonColumns(i, t.GetColumns(), v, sc)
	a.decides(v.src, "FROM")
	i.rename(t.GetAlias())
	return i
}

func (a *analyzer) jsonColumns(i *item, list []*pg.Node, v value, sc *scope) {
	for _, n := range list {
		c := n.GetJsonTableColumn()
		if c == nil {
			a.fail("a column of JSON_TABLE is not understood")
			return
		}
		if len(c.GetColumns()) > 0 {
			a.jsonColumns(i, c.GetColumns(), v, sc)
			continue
		}
		if c.GetTypeName() != nil {
			a.typed(c.GetTypeName())
		}
		w := computed(v, a.within(c.ProtoReflect(), sc, "type_name", "columns"))
		a.decides(w.src, "FROM")
		i.cols = append(i.cols, column{c.GetName(), w})
	}
}
