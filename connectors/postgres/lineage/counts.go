package lineage

import (
	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// counts is the column of the answer, from one on, that says how many rows each of
// its rows is about; 0 where a statement does more than count. It is one that
// counts the rows of one table, in groups or all, and shows nothing but what they
// are grouped by: from anything else, a sum, a smallest id, a condition that fails
// for one row, one could tell who is among the rows of a large group.
func (a *analyzer) counts(n *pg.Node) int {
	s := n.GetSelectStmt()
	switch {
	case s == nil, s.GetLarg() != nil, s.GetWithClause() != nil, s.GetIntoClause() != nil, len(s.GetValuesLists()) > 0,
		s.GetHavingClause() != nil, len(s.GetDistinctClause()) > 0, len(s.GetWindowClause()) > 0, len(s.GetLockingClause()) > 0,
		s.GetLimitCount() != nil, s.GetLimitOffset() != nil, // a small group would take a place
		len(s.GetFromClause()) != 1, s.GetFromClause()[0].GetRangeVar() == nil:
		return 0
	}
	r := s.GetFromClause()[0].GetRangeVar()
	rel, ok := a.cat.Relation(r.GetSchemaname(), r.GetRelname())
	if !ok || rel.Query != nil || len(a.cat.Routines("count")) > 0 || holds(n, "SubLink") {
		return 0
	}
	at := 0
	for i, t := range s.GetTargetList() {
		switch v := t.GetResTarget().GetVal(); {
		case countsRows(v):
			at = i + 1
		case !groups(v):
			return 0
		}
	}
	if w := s.GetWhereClause(); w != nil && a.expr(w, a.level(s)).loud {
		return 0
	}
	for _, g := range s.GetGroupClause() {
		if !groups(g) {
			return 0
		}
	}
	for _, o := range s.GetSortClause() {
		if v := o.GetSortBy().GetNode(); !countsRows(v) && !groups(v) {
			return 0
		}
	}
	return at
}

// level is the level of a query of one table.
func (a *analyzer) level(s *pg.SelectStmt) *scope {
	sc := &scope{}
	for _, f := range s.GetFromClause() {
		sc.items = append(sc.items, a.from(f, sc)...)
	}
	return sc
}

// countsRows reports whether an expression is count(*) and no more.
func countsRows(n *pg.Node) bool {
	f := n.GetFuncCall()
	list := names(f.GetFuncname())
	return f.GetAggStar() && last(list) == "count" && (len(list) == 1 || list[0] == "pg_catalog") && f.GetAggFilter() == nil && f.GetOver() == nil
}

// groups reports whether an expression is a column or a position in the select
// list.
func groups(n *pg.Node) bool {
	if c := n.GetColumnRef(); c != nil {
		f := c.GetFields()
		return len(f) > 0 && f[len(f)-1].GetAStar() == nil
	}
	return n.GetAConst().GetIval() != nil
}

// holds reports whether a node of a kind is anywhere within another.
func holds(n *pg.Node, kind protoreflect.Name) bool {
	found := false
	var walk func(m protoreflect.Message)
	walk = func(m protoreflect.Message) {
		found = found || m.Descriptor().Name() == kind
		m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			switch {
			case found, fd.Message() == nil:
			case fd.IsList():
				for l, i := v.List(), 0; i < l.Len(); i++ {
					walk(l.Get(i).Message())
				}
			default:
				walk(v.Message())
			}
			return !found
		})
	}
	walk(n.ProtoReflect())
	return found
}
