package mysql

import (
	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/policy"
)

// structure judges what changes the shape of the data.
func (j *judge) structure(st ast.StmtNode) bool {
	switch n := st.(type) {
	case *ast.CreateTableStmt:
		j.createTable(n)
	case *ast.AlterTableStmt:
		j.alter(n)
	case *ast.TruncateTableStmt:
		j.verb = "TRUNCATE"
		j.table(n.Table, true)
		j.destroys(policy.DDL, "TRUNCATE empties the table")
	case *ast.DropTableStmt:
		j.verb = "DROP TABLE"
		if n.IsView {
			j.verb = "DROP VIEW"
		}
		for _, t := range n.Tables {
			j.table(t, true)
		}
		j.destroys(policy.DDL, j.verb)
	case *ast.DropDatabaseStmt:
		j.verb = "DROP DATABASE"
		j.destroys(policy.DDL, j.verb)
	case *ast.DropIndexStmt:
		j.verb = "DROP INDEX"
		j.table(n.Table, true)
		j.destroys(policy.DDL, j.verb)
	case *ast.DropSequenceStmt:
		j.verb = "DROP SEQUENCE"
		j.destroys(policy.DDL, j.verb)
	case *ast.DropProcedureStmt:
		j.verb = "DROP PROCEDURE"
		j.destroys(policy.DDL, j.verb)
	default:
		return j.shapes(st)
	}
	return true
}

// shapes judges the changes of shape that lose nothing.
func (j *judge) shapes(st ast.StmtNode) bool {
	switch n := st.(type) {
	case *ast.CreateDatabaseStmt:
		j.verb = "CREATE DATABASE"
	case *ast.AlterDatabaseStmt:
		j.verb = "ALTER DATABASE"
	case *ast.CreateViewStmt:
		j.verb = "CREATE VIEW"
		j.table(n.ViewName, true)
		j.walk(n.Select)
		j.copies("CREATE VIEW")
	case *ast.CreateIndexStmt:
		j.verb = "CREATE INDEX"
		j.table(n.Table, true)
	case *ast.CreateSequenceStmt:
		j.verb = "CREATE SEQUENCE"
	case *ast.AlterSequenceStmt:
		j.verb = "ALTER SEQUENCE"
	case *ast.RenameTableStmt:
		j.verb = "RENAME TABLE"
		for _, t := range n.TableToTables {
			j.table(t.OldTable, true)
			j.table(t.NewTable, true)
		}
	case *ast.OptimizeTableStmt:
		j.verb = "OPTIMIZE TABLE"
		for _, t := range n.Tables {
			j.table(t, true)
		}
	case *ast.AnalyzeTableStmt:
		j.verb = "ANALYZE TABLE"
		for _, t := range n.TableNames {
			j.table(t, false)
		}
	case *ast.RepairTableStmt:
		j.verb = "REPAIR TABLE"
		j.table(n.Table, true)
	default:
		return false
	}
	j.raise(policy.DDL, j.verb+" changes the structure")
	return true
}

func (j *judge) createTable(n *ast.CreateTableStmt) {
	j.verb = "CREATE TABLE"
	j.table(n.Table, true)
	j.table(n.ReferTable, false)
	j.raise(policy.DDL, "CREATE TABLE changes the structure")
	if n.Select != nil {
		j.walk(n.Select)
		j.copies("CREATE TABLE AS")
	}
	for _, c := range n.Cols {
		j.walk(c)
	}
	j.tableOptions(n.Options)
}

// tableOptions finds tables that live elsewhere.
func (j *judge) tableOptions(options []*ast.TableOption) {
	for _, o := range options {
		switch o.Tp {
		case ast.TableOptionEngine:
			if e := set("federated connect spider s3 federatedx"); e[lower(o.StrValue)] {
				j.raise(policy.Dangerous, "the table lives on another server or in a file")
			}
		case ast.TableOptionConnection, ast.TableOptionDataDirectory, ast.TableOptionIndexDirectory, ast.TableOptionUnion:
			j.raise(policy.Dangerous, "the table lives on another server, in another file or in other tables")
		}
	}
}

// drops are the changes of a table that lose something.
var drops = map[ast.AlterTableType]string{
	ast.AlterTableDropColumn: "drops a column", ast.AlterTableDropPrimaryKey: "drops the primary key", ast.AlterTableDropIndex: "drops an index", ast.AlterTableDropForeignKey: "drops a foreign key",
	ast.AlterTableDropPartition: "drops a partition with its rows", ast.AlterTableTruncatePartition: "empties a partition", ast.AlterTableDropCheck: "drops a check",
	ast.AlterTableExchangePartition: "swaps a partition's rows", ast.AlterTableDiscardTablespace: "discards the table's rows", ast.AlterTableDiscardPartitionTablespace: "discards a partition's rows",
}

func (j *judge) alter(n *ast.AlterTableStmt) {
	j.verb = "ALTER TABLE"
	j.table(n.Table, true)
	j.raise(policy.DDL, "ALTER TABLE changes the structure")
	for _, s := range n.Specs {
		if why, ok := drops[s.Tp]; ok {
			j.destroys(policy.DDL, why)
		}
		j.table(s.NewTable, true)
		j.tableOptions(s.Options)
		for _, c := range s.NewColumns {
			j.walk(c)
		}
	}
}
