package lineage

import (
	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// statement traces a whole statement, at the level sc, which is new.
func (a *analyzer) statement(n *pg.Node, sc *scope) []column {
	switch v := n.GetNode().(type) {
	case *pg.Node_SelectStmt:
		return a.selectStatement(v.SelectStmt, sc)
	case *pg.Node_InsertStmt:
		return a.insert(v.InsertStmt, sc)
	case *pg.Node_UpdateStmt:
		return a.update(v.UpdateStmt, sc)
	case *pg.Node_DeleteStmt:
		return a.remove(v.DeleteStmt, sc)
	case *pg.Node_MergeStmt:
		return a.merge(v.MergeStmt, sc)
	case *pg.Node_ExplainStmt:
		return a.explain(v.ExplainStmt, sc)
	case *pg.Node_CreateTableAsStmt:
		a.createAs(v.CreateTableAsStmt, sc)
		return nil
	case *pg.Node_ViewStmt:
		a.statement(v.ViewStmt.GetQuery(), sc) // its rows are traced when it is read
		return nil
	case *pg.Node_DeclareCursorStmt:
		a.statement(v.DeclareCursorStmt.GetQuery(), sc)
		return nil
	case *pg.Node_FetchStmt:
		return a.fetch(v.FetchStmt)
	case *pg.Node_PrepareStmt:
		a.statement(v.PrepareStmt.GetQuery(), sc)
		return nil
	case *pg.Node_ExecuteStmt:
		return a.execute(v.ExecuteStmt, sc)
	case *pg.Node_CopyStmt:
		return a.copy(v.CopyStmt, sc)
	case *pg.Node_VariableShowStmt:
		if v.VariableShowStmt.GetName() == "all" {
			return []column{{"name", value{direct: true}}, {"setting", value{direct: true}}, {"description", value{direct: true}}}
		}
		return []column{{"", value{direct: true}}}
	}
	a.defines(n)
	return nil
}

// dataless are statements that move no value of any table. What renames or
// changes a table is not among them: masks go by names.
var dataless = map[protoreflect.Name]bool{
	"TransactionStmt": true, "ClosePortalStmt": true, "DeallocateStmt": true,
	"VariableSetStmt": true, "ConstraintsSetStmt": true, "UnlistenStmt": true, "ListenStmt": true, "DiscardStmt": true,
	"TruncateStmt": true, "DropStmt": true, "LockStmt": true, "VacuumStmt": true, "CheckPointStmt": true,
	"CommentStmt": true, "GrantStmt": true, "GrantRoleStmt": true, "CreateSchemaStmt": true, "CreateSeqStmt": true, "AlterSeqStmt": true,
	"CreateRoleStmt": true, "DropRoleStmt": true, "AlterRoleStmt": true, "RefreshMatViewStmt": true,
	"ReindexStmt": true, "ClusterStmt": true,
	"CompositeTypeStmt": true, "CreateEnumStmt": true, "AlterEnumStmt": true,
}

func (a *analyzer) selectStatement(s *pg.SelectStmt, sc *scope) []column {
	cols, _ := a.queryLevel(s, sc)
	if s.GetIntoClause() == nil {
		return cols
	}
	a.into(s.GetIntoClause(), cols, a.top.GetSelectStmt() == s)
	return nil
}

func (a *analyzer) createAs(s *pg.CreateTableAsStmt, sc *scope) {
	own := a.top.GetCreateTableAsStmt() == s && s.GetObjtype() == pg.ObjectType_OBJECT_TABLE && s.GetQuery().GetSelectStmt() != nil
	a.into(s.GetInto(), a.statement(s.GetQuery(), sc), own)
}

// into is where the rows go that a table is made of. A temporary one of the
// statement itself is the session's to follow.
func (a *analyzer) into(i *pg.IntoClause, cols []column, own bool) {
	if own && (i.GetRel().GetRelpersistence() == "t" || i.GetRel().GetSchemaname() == "pg_temp") {
		a.made = renamed(cols, names(i.GetColNames()))
		return
	}
	if v := all(cols); len(v.src) > 0 {
		a.writes = append(a.writes, Write{Into: i.GetRel().GetRelname(), Sources: v.src.sorted()})
	}
}

// explain: a plan shows literals and estimates, and those tell of values.
func (a *analyzer) explain(s *pg.ExplainStmt, sc *scope) []column {
	before := a.reads
	a.reads = set{}
	a.statement(s.GetQuery(), sc)
	reads := a.reads
	a.reads = union(before, reads)
	if len(a.reads) == 0 {
		a.reads = set{}
	}
	for p := range a.predicates {
		reads = union(reads, set{p.Column: {}})
	}
	return []column{{"QUERY PLAN", value{src: reads}}}
}

func (a *analyzer) fetch(s *pg.FetchStmt) []column {
	q := a.cat.Cursor(s.GetPortalname())
	if q == nil {
		a.fail("the cursor " + s.GetPortalname() + " is not one of this session's")
		return nil
	}
	cols := a.statement(q, &scope{})
	if s.GetIsmove() {
		return nil
	}
	return cols
}

func (a *analyzer) execute(s *pg.ExecuteStmt, sc *scope) []column {
	q := a.cat.Prepared(s.GetName())
	if q == nil {
		a.fail("the prepared statement " + s.GetName() + " is not one of this session's")
		return nil
	}
	var args []column
	for _, n := range s.GetParams() {
		args = append(args, column{"", a.expr(n, sc)})
	}
	return a.statement(q, &scope{fn: &frame{args: args, given: s.GetParams()}})
}

// copy traces COPY TO, of a query or of a table; COPY FROM brings no value of any
// table.
func (a *analyzer) copy(s *pg.CopyStmt, sc *scope) []column {
	var cols []column
	switch {
	case s.GetIsFrom() && (s.GetFilename() != "" || s.GetIsProgram()):
		a.fail("what a file or program of the server holds")
		return nil
	case s.GetIsFrom():
		return nil
	case s.GetQuery() != nil:
		cols = a.statement(s.GetQuery(), sc)
	default:
		i := a.rangeVar(s.GetRelation(), &scope{})
		cols = i.cols
		if list := names(s.GetAttlist()); len(list) > 0 {
			cols = nil
			for _, name := range list {
				v, n := i.find(name)
				if n != 1 {
					a.fail("the column " + name + " is not known")
				}
				cols = append(cols, column{name, v})
			}
		}
		if s.GetWhereClause() != nil {
			a.fail("a COPY with a condition")
		}
	}
	into := "the text of a COPY, which has no columns"
	if s.GetFilename() != "" || s.GetIsProgram() {
		into = "a file or program of the server"
	}
	if v := all(cols); len(v.src) > 0 {
		a.writes = append(a.writes, Write{Into: into, Sources: v.src.sorted()})
	}
	return []column{{"COPY", all(cols)}}
}
