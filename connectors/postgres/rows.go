package postgres

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/policy"
)

// The five statements about rows, wherever they stand: a data-changing common
// table expression changes data as much as a statement does.

func (w *walker) selects(s *pg.SelectStmt) {
	if into := s.GetIntoClause(); into != nil {
		w.raise(policy.DDL, "SELECT INTO creates a table")
		w.j.copies("SELECT INTO")
	}
	if len(s.GetLockingClause()) > 0 {
		w.raise(policy.Write, "takes row locks")
	}
}

func (w *walker) inserts(s *pg.InsertStmt) {
	w.named(s.GetRelation(), true)
	w.sets(s.GetRelation(), s.GetCols())
	if c := s.GetOnConflictClause(); len(c.GetTargetList()) > 0 {
		w.sets(s.GetRelation(), c.GetTargetList())
		if src := s.GetSelectStmt().GetSelectStmt(); src != nil && w.whole(src, s.GetRelation()) && !(c.GetWhereClause() != nil && w.bounds(c.GetWhereClause(), s.GetRelation(), false)) {
			w.destroys("INSERT ... ON CONFLICT DO UPDATE meets every row that is there")
		}
	}
	if src := s.GetSelectStmt().GetSelectStmt(); src != nil {
		values := len(src.GetValuesLists()) > 0
		if !values || contains(src.ProtoReflect(), func(*pg.SubLink) bool { return true }) {
			w.j.copies("INSERT ... SELECT")
		}
	}
	w.assigns(s.GetOnConflictClause().GetTargetList(), "INSERT ... ON CONFLICT", false, rowName(s.GetRelation()), "excluded")
}

func (w *walker) updates(s *pg.UpdateStmt) {
	w.named(s.GetRelation(), true)
	w.sets(s.GetRelation(), s.GetTargetList())
	w.self = w.rejoins(s.GetRelation(), s.GetFromClause(), s.GetWhereClause())
	if !w.bounds(s.GetWhereClause(), s.GetRelation(), false) {
		w.destroys(unbounded("UPDATE", s.GetWhereClause()))
	}
	w.assigns(s.GetTargetList(), "UPDATE ... SET from a column", len(s.GetFromClause()) > 0, rowName(s.GetRelation()))
}

func (w *walker) deletes(s *pg.DeleteStmt) {
	w.named(s.GetRelation(), true)
	w.self = w.rejoins(s.GetRelation(), s.GetUsingClause(), s.GetWhereClause())
	if !w.bounds(s.GetWhereClause(), s.GetRelation(), false) {
		w.destroys(unbounded("DELETE", s.GetWhereClause()))
	}
}

func (w *walker) merges(s *pg.MergeStmt) {
	w.named(s.GetRelation(), true)
	w.j.copies("MERGE")
	w.self = w.rejoins(s.GetRelation(), []*pg.Node{s.GetSourceRelation()}, nil)
	joined := w.bounds(s.GetJoinCondition(), s.GetRelation(), false)
	for _, n := range s.GetMergeWhenClauses() {
		c := n.GetMergeWhenClause()
		if k := c.GetCommandType(); k == pg.CmdType_CMD_UPDATE || k == pg.CmdType_CMD_INSERT {
			w.sets(s.GetRelation(), c.GetTargetList())
		}
		if c.GetCommandType() != pg.CmdType_CMD_UPDATE && c.GetCommandType() != pg.CmdType_CMD_DELETE {
			continue
		}
		// Rows that the source does not match are bounded by nothing but the
		// clause's own condition.
		matched := joined && c.GetMatchKind() == pg.MergeMatchKind_MERGE_WHEN_MATCHED
		if !matched && !(c.GetCondition() != nil && w.bounds(c.GetCondition(), s.GetRelation(), false)) {
			w.destroys("MERGE changes rows without a condition")
		}
	}
}

// rejoins reports whether all rows of the target are among the other relations
// once more, so that a join with them leaves nothing out, or whether the
// condition names it, whose subqueries then are looked at with more care.
func (w *walker) rejoins(target *pg.RangeVar, from []*pg.Node, where *pg.Node) bool {
	named := func(r *pg.RangeVar) bool { return r.GetRelname() == target.GetRelname() }
	if where != nil && contains(where.ProtoReflect(), named) {
		return true
	}
	return slices.ContainsFunc(from, func(n *pg.Node) bool {
		switch {
		case n.GetRangeVar() != nil:
			if cte := w.ctes[n.GetRangeVar().GetRelname()]; cte != nil {
				return w.whole(cte, target)
			}
			return named(n.GetRangeVar())
		case n.GetRangeSubselect() != nil:
			q := n.GetRangeSubselect().GetSubquery().GetSelectStmt()
			return q == nil || w.whole(q, target)
		case n.GetJoinExpr() != nil:
			return w.rejoins(target, []*pg.Node{n.GetJoinExpr().GetLarg(), n.GetJoinExpr().GetRarg()}, nil)
		}
		return n != nil && contains(n.ProtoReflect(), named)
	})
}

func unbounded(verb string, where *pg.Node) string {
	if where == nil {
		return verb + " without WHERE"
	}
	return verb + " whose WHERE does not select: it is always true, or only excludes"
}

// assigns marks assignments that may bring a value from elsewhere: from another
// column of the row or, with other relations in the statement, from any column,
// since an alias can give one the target's name. own are the names of the row
// itself: the relation's or its alias, and excluded.
func (w *walker) assigns(targets []*pg.Node, form string, others bool, own ...string) {
	for _, n := range targets {
		t := n.GetResTarget()
		if t == nil {
			continue
		}
		m := t.GetVal().ProtoReflect()
		moved := contains(m, func(c *pg.ColumnRef) bool { return others || !sameColumn(c, t.GetName(), own) })
		if moved || contains(m, func(*pg.SubLink) bool { return true }) {
			w.j.copies(form)
		}
	}
}

// sameColumn reports whether c is the column of that name of the row itself.
func sameColumn(c *pg.ColumnRef, name string, own []string) bool {
	f := c.GetFields()
	switch len(f) {
	case 1:
		return f[0].GetString_().GetSval() == name
	case 2:
		return slices.Contains(own, f[0].GetString_().GetSval()) && f[1].GetString_().GetSval() == name
	}
	return false
}

// rowName is the name by which a statement calls its target's row.
func rowName(r *pg.RangeVar) string {
	if alias := r.GetAlias().GetAliasname(); alias != "" {
		return alias
	}
	return r.GetRelname()
}
