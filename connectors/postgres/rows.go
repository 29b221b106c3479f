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
	if t := s.GetOnConflictClause().GetTargetList(); len(t) > 0 {
		w.sets(s.GetRelation(), t)
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
	w.self = rejoins(s.GetRelation(), slices.Concat(s.GetFromClause(), []*pg.Node{s.GetWhereClause()}))
	if !w.bounds(s.GetWhereClause(), s.GetRelation(), false) {
		w.destroys(unbounded("UPDATE", s.GetWhereClause()))
	}
	w.assigns(s.GetTargetList(), "UPDATE ... SET from a column", len(s.GetFromClause()) > 0, rowName(s.GetRelation()))
}

func (w *walker) deletes(s *pg.DeleteStmt) {
	w.named(s.GetRelation(), true)
	w.self = rejoins(s.GetRelation(), slices.Concat(s.GetUsingClause(), []*pg.Node{s.GetWhereClause()}))
	if !w.bounds(s.GetWhereClause(), s.GetRelation(), false) {
		w.destroys(unbounded("DELETE", s.GetWhereClause()))
	}
}

func (w *walker) merges(s *pg.MergeStmt) {
	w.named(s.GetRelation(), true)
	w.j.copies("MERGE")
	w.self = rejoins(s.GetRelation(), []*pg.Node{s.GetSourceRelation()})
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

// rejoins reports whether target is named again among the other relations.
func rejoins(target *pg.RangeVar, others []*pg.Node) bool {
	for _, n := range others {
		if n != nil && contains(n.ProtoReflect(), func(r *pg.RangeVar) bool { return r.GetRelname() == target.GetRelname() }) {
			return true
		}
	}
	return false
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
