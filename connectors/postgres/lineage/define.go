package lineage

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// defines traces what has no rows.
func (a *analyzer) defines(n *pg.Node) {
	switch v := n.GetNode().(type) {
	case *pg.Node_IndexStmt:
		a.index(v.IndexStmt)
		return
	case *pg.Node_AlterTableStmt:
		a.alterTable(v.AlterTableStmt)
		return
	case *pg.Node_RenameStmt:
		a.renames(v.RenameStmt)
		return
	}
	if m := message(n); m == nil || !dataless[m.Descriptor().Name()] {
		a.fail("a statement of a kind that is not traced")
	}
}

// index traces CREATE INDEX. Columns as they are tell nothing; an expression or a
// condition may fail for some values, and a unique index fails where two are equal.
func (a *analyzer) index(s *pg.IndexStmt) {
	in := a.alone(s.GetRelation())
	for _, list := range [][]*pg.Node{s.GetIndexParams(), s.GetIndexIncludingParams()} {
		for _, n := range list {
			e := n.GetIndexElem()
			if e == nil || len(e.GetOpclassopts()) > 0 {
				a.fail("an index is not understood")
				return
			}
			if e.GetName() == "" {
				a.decides(a.expr(e.GetExpr(), in).src, "an index")
			} else if v := a.column(e.GetName(), in); s.GetUnique() {
				a.decides(v.src, "a unique index")
			}
		}
	}
	if len(s.GetExcludeOpNames()) > 0 {
		a.fail("an index is not understood")
	}
	if w := s.GetWhereClause(); w != nil {
		a.condition(w, in, "an index")
	}
}

// alone is the level of a statement about one table.
func (a *analyzer) alone(r *pg.RangeVar) *scope {
	return &scope{items: []*item{a.rangeVar(r, &scope{})}}
}

// plainChanges of a table neither read its values nor say where they are to be
// found: masks go by names.
var plainChanges = map[pg.AlterTableType]bool{
	pg.AlterTableType_AT_DropColumn: true, pg.AlterTableType_AT_DropNotNull: true, pg.AlterTableType_AT_SetStatistics: true,
	pg.AlterTableType_AT_SetOptions: true, pg.AlterTableType_AT_ResetOptions: true, pg.AlterTableType_AT_SetStorage: true,
	pg.AlterTableType_AT_SetCompression: true, pg.AlterTableType_AT_DropConstraint: true, pg.AlterTableType_AT_ClusterOn: true,
	pg.AlterTableType_AT_DropCluster: true, pg.AlterTableType_AT_SetLogged: true, pg.AlterTableType_AT_SetUnLogged: true,
	pg.AlterTableType_AT_SetRelOptions: true, pg.AlterTableType_AT_ResetRelOptions: true, pg.AlterTableType_AT_ReplicaIdentity: true,
	pg.AlterTableType_AT_ChangeOwner: true, pg.AlterTableType_AT_EnableTrig: true, pg.AlterTableType_AT_DisableTrig: true,
}

// alterTable traces ALTER TABLE: the changes that are plain, new columns, which
// hold a constant, and constants for what is inserted later.
func (a *analyzer) alterTable(s *pg.AlterTableStmt) {
	if s.GetObjtype() != pg.ObjectType_OBJECT_TABLE {
		a.fail("a statement of a kind that is not traced")
		return
	}
	a.alone(s.GetRelation()) // a table that is known
	for _, n := range s.GetCmds() {
		c := n.GetAlterTableCmd()
		switch {
		case plainChanges[c.GetSubtype()]:
		case c.GetSubtype() == pg.AlterTableType_AT_AddColumn && a.plainColumn(c.GetDef().GetColumnDef()):
		case c.GetSubtype() == pg.AlterTableType_AT_ColumnDefault && (c.GetDef() == nil || c.GetDef().GetAConst() != nil):
		default:
			a.fail("a change of a table that is not traced")
			return
		}
	}
}

// plainColumn reports whether a new column holds nothing, or a constant.
func (a *analyzer) plainColumn(d *pg.ColumnDef) bool {
	if d == nil || d.GetRawDefault() != nil {
		return false
	}
	for _, n := range d.GetConstraints() {
		c := n.GetConstraint()
		switch c.GetContype() {
		case pg.ConstrType_CONSTR_NULL, pg.ConstrType_CONSTR_NOTNULL:
		case pg.ConstrType_CONSTR_DEFAULT:
			e := c.GetRawExpr()
			if f := e.GetFuncCall(); e.GetAConst() == nil && e.GetSqlvalueFunction() == nil && e.GetTypeCast().GetArg().GetAConst() == nil &&
				(last(names(f.GetFuncname())) != "now" || len(a.cat.Routines("now")) > 0) {
				return false
			}
		default:
			return false
		}
	}
	a.typed(d.GetTypeName())
	return true
}

// renames traces the renaming of an index: what the catalog knows as a relation is
// none, whatever the statement calls it.
func (a *analyzer) renames(s *pg.RenameStmt) {
	r := s.GetRelation()
	_, known := a.cat.Relation(r.GetSchemaname(), r.GetRelname())
	if s.GetRenameType() != pg.ObjectType_OBJECT_INDEX || known || r.GetCatalogname() != "" {
		a.fail("a statement of a kind that is not traced")
	}
}
