package lineage

import (
	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/mask"
)

// statement traces one statement and returns the answer's columns; named says that
// they are known.
func (a *analyzer) statement(n ast.StmtNode) (out []column, named bool) {
	switch n := n.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt:
		return a.query(n, &scope{}), true
	case *ast.InsertStmt:
		a.insert(n)
	case *ast.UpdateStmt:
		a.update(n)
	case *ast.DeleteStmt:
		a.remove(n)
	case *ast.DoStmt:
		for _, e := range n.Exprs {
			a.expr(e, &scope{})
		}
	case *ast.SetStmt:
		for _, v := range n.Variables {
			if v.Value != nil {
				a.writesTo("the variable "+v.Name, nil, a.expr(v.Value, &scope{}).src)
			}
		}
	case *ast.ExplainStmt:
		a.explain(n)
		return nil, false
	case *ast.ShowStmt:
		a.show(n)
		return nil, false
	case *ast.BeginStmt, *ast.CommitStmt, *ast.RollbackStmt, *ast.SavepointStmt, *ast.ReleaseSavepointStmt, *ast.UseStmt, *ast.UnlockTablesStmt:
	case *ast.GrantStmt, *ast.GrantRoleStmt, *ast.RevokeStmt, *ast.RevokeRoleStmt, *ast.CreateUserStmt, *ast.AlterUserStmt, *ast.DropUserStmt, *ast.SetPwdStmt:
	default:
		a.structure(n)
	}
	return nil, true
}

// explain: what the planner says of rows is of the statistics of the tables, and it
// looks values up.
func (a *analyzer) explain(n *ast.ExplainStmt) {
	if s, ok := n.Stmt.(*ast.ShowStmt); ok { // DESCRIBE
		a.show(s)
		return
	}
	if n.Stmt == nil {
		a.fail("an EXPLAIN whose statement is not in the text")
		return
	}
	a.statement(n.Stmt)
	for k := range a.used {
		if rel, ok := a.cat.Relation(k[0], k[1]); ok {
			for _, c := range rel.Columns { // how large it is tells of the lengths of all
				if !c.Closed {
					a.decides(of(mask.Column{Schema: rel.Schema, Table: rel.Name, Name: c.Name}), "EXPLAIN")
				}
			}
		}
	}
	a.writes = nil
}

// shown are the forms of SHOW that say nothing of the values of tables.
var shown = map[ast.ShowStmtType]bool{
	ast.ShowEngines: true, ast.ShowDatabases: true, ast.ShowTables: true, ast.ShowColumns: true, ast.ShowCharset: true, ast.ShowVariables: true,
	ast.ShowCollation: true, ast.ShowCreateTable: true, ast.ShowCreateView: true, ast.ShowCreateSequence: true,
	ast.ShowTriggers: true, ast.ShowProcedureStatus: true, ast.ShowFunctionStatus: true, ast.ShowCreateDatabase: true, ast.ShowPlugins: true,
	ast.ShowPrivileges: true, ast.ShowCreateProcedure: true,
}

func (a *analyzer) show(n *ast.ShowStmt) {
	if !shown[n.Tp] || n.Extended {
		a.fail("this SHOW may tell of the values of tables")
		return
	}
	if n.Where != nil {
		f := finder{}
		n.Where.Accept(&f)
		if f.found {
			a.fail("a SHOW with a subquery or a function is not understood")
		}
	}
}

// finder looks for what reaches beyond the rows of a SHOW.
type finder struct{ found bool }

func (f *finder) Enter(n ast.Node) (ast.Node, bool) {
	switch n.(type) {
	case *ast.SubqueryExpr, *ast.FuncCallExpr, *ast.VariableExpr, *ast.SelectStmt, *ast.SetOprStmt:
		f.found = true
	}
	return n, f.found
}

func (f *finder) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// structure traces what changes the shape of the data: under another name, values
// are no longer masked, and what must hold for all rows fails where it does not.
func (a *analyzer) structure(n ast.StmtNode) {
	switch n := n.(type) {
	case *ast.CreateTableStmt:
		a.createTable(n)
	case *ast.CreateViewStmt:
		a.writesTo("the view "+n.ViewName.Name.O, nil, all(a.query(n.Select, &scope{})))
	case *ast.AlterTableStmt:
		if i := a.table(n.Table); i != nil {
			for _, s := range n.Specs {
				a.alter(s, i)
			}
		}
	case *ast.RenameTableStmt:
		for _, t := range n.TableToTables {
			a.renamed(t.OldTable, t.NewTable.Name.O)
		}
	case *ast.CreateIndexStmt:
		if i := a.table(n.Table); i != nil && n.KeyType != ast.IndexKeyTypeNone {
			a.decides(all(i.cols), "CREATE INDEX")
		}
	case *ast.TruncateTableStmt, *ast.DropDatabaseStmt, *ast.DropIndexStmt, *ast.CreateDatabaseStmt, *ast.DropTableStmt:
	case *ast.OptimizeTableStmt, *ast.AnalyzeTableStmt, *ast.RepairTableStmt: // their answers tell how they went
	default:
		a.fail("the statement is not understood")
	}
}

func (a *analyzer) table(n *ast.TableName) *item {
	i := a.base(n)
	if i.rel == nil || i.rel.Query != nil {
		a.fail("a change of what is no table is not understood")
		return nil
	}
	return i
}

func (a *analyzer) renamed(n *ast.TableName, to string) {
	if i := a.table(n); i != nil {
		a.writesTo("the table "+to, nil, all(i.cols))
	}
}

func (a *analyzer) createTable(n *ast.CreateTableStmt) {
	if n.TemporaryKeyword != ast.TemporaryNone {
		a.fail("a temporary table may stand in for another")
		return
	}
	if n.Select != nil {
		a.strict = true
		cols := a.query(n.Select, &scope{})
		a.writesTo("the table "+n.Table.Name.O, nil, all(cols))
		for _, c := range cols {
			if !c.direct {
				a.decides(c.src, "an error of what is written")
			}
		}
		if len(n.Constraints) > 0 || len(n.Cols) > 0 || n.Partition != nil {
			a.decides(all(cols), "CREATE TABLE")
		}
	}
	for _, o := range n.Options {
		switch o.Tp {
		case ast.TableOptionUnion, ast.TableOptionConnection, ast.TableOptionDataDirectory, ast.TableOptionIndexDirectory:
			a.fail("a table that lives in others, or elsewhere")
		case ast.TableOptionEngine:
			if e := fold(o.StrValue); e != "innodb" && e != "memory" && e != "aria" && e != "myisam" && e != "rocksdb" {
				a.fail("a table of the engine " + o.StrValue + " may live in others")
			}
		}
	}
}

// alter traces one change of a table: all that is not listed as harmless may fail
// for some values, or bring them under another name.
func (a *analyzer) alter(s *ast.AlterTableSpec, i *item) {
	switch s.Tp {
	case ast.AlterTableDropColumn, ast.AlterTableDropIndex, ast.AlterTableDropPrimaryKey, ast.AlterTableDropForeignKey, ast.AlterTableRenameIndex,
		ast.AlterTableLock, ast.AlterTableAlgorithm, ast.AlterTableForce, ast.AlterTableDropCheck, ast.AlterTableEnableKeys, ast.AlterTableDisableKeys,
		ast.AlterTableIndexInvisible:
		return
	case ast.AlterTableAddColumns:
		if plainColumns(s.NewColumns) && len(s.NewConstraints) == 0 {
			return
		}
	case ast.AlterTableAlterColumn: // its default
		if plainColumns(s.NewColumns) {
			return
		}
	case ast.AlterTableExchangePartition: // the rows of each go into the other
		if other := a.table(s.NewTable); other != nil {
			a.decides(all(other.cols), "ALTER TABLE")
			a.writesTo("a partition", nil, all(other.cols))
		}
	case ast.AlterTableAddConstraint:
		if c := s.Constraint; c != nil && (c.Tp == ast.ConstraintKey || c.Tp == ast.ConstraintIndex || c.Tp == ast.ConstraintFulltext) {
			return
		}
	case ast.AlterTableOption:
		harmless := true
		for _, o := range s.Options {
			harmless = harmless && (o.Tp == ast.TableOptionComment || o.Tp == ast.TableOptionAutoIncrement)
		}
		if harmless {
			return
		}
	}
	a.decides(all(i.cols), "ALTER TABLE")
	a.writesTo("a changed table", nil, all(i.cols))
}

// plainColumns reports whether columns hold nothing of others.
func plainColumns(cols []*ast.ColumnDef) bool {
	for _, c := range cols {
		for _, o := range c.Options {
			switch o.Tp {
			case ast.ColumnOptionNotNull, ast.ColumnOptionNull, ast.ColumnOptionComment, ast.ColumnOptionCollate, ast.ColumnOptionAutoIncrement:
			case ast.ColumnOptionDefaultValue:
				if _, ok := o.Expr.(ast.ValueExpr); !ok {
					return false
				}
			default:
				return false
			}
		}
	}
	return true
}
