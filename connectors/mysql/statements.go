package mysql

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/policy"
)

// top judges one statement.
func (j *judge) top(st ast.StmtNode) {
	switch n := st.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt:
		j.verb = "SELECT"
		j.walk(n)
	case *ast.InsertStmt:
		j.insert(n)
	case *ast.UpdateStmt:
		j.update(n)
	case *ast.DeleteStmt:
		j.delete(n)
	case *ast.ExplainStmt:
		j.explain(n)
	case *ast.SetStmt:
		j.set(n)
	case *ast.PrepareStmt:
		j.prepare(n)
	case *ast.DoStmt:
		j.verb = "DO"
		j.walk(n)
	case *ast.ShowStmt:
		j.show(n)
	case *ast.LoadDataStmt:
		j.load(n)
	default:
		if !j.session(st) && !j.accounts(st) && !j.server(st) && !j.structure(st) {
			j.verb = firstWord(st)
			j.raise(policy.Unknown, "a statement that is not known: "+j.verb)
		}
	}
}

func firstWord(st ast.StmtNode) string {
	if words := strings.Fields(st.Text()); len(words) > 0 {
		return strings.ToUpper(words[0])
	}
	return "?"
}

// session judges transaction control and what concerns the session alone.
func (j *judge) session(st ast.StmtNode) bool {
	switch n := st.(type) {
	case *ast.BeginStmt:
		j.verb = "BEGIN"
	case *ast.CommitStmt:
		j.verb = "COMMIT"
	case *ast.RollbackStmt:
		j.verb = "ROLLBACK"
	case *ast.SavepointStmt:
		j.verb = "SAVEPOINT"
	case *ast.ReleaseSavepointStmt:
		j.verb = "RELEASE"
	case *ast.UseStmt:
		j.verb = "USE"
		if strings.EqualFold(n.DBName, "mysql") {
			j.raise(policy.Privilege, "goes to the schema that holds accounts and rights")
		}
	case *ast.HelpStmt:
		j.verb = "HELP"
	case *ast.DeallocateStmt:
		j.verb = "DEALLOCATE"
	case *ast.UnlockTablesStmt:
		j.verb = "UNLOCK TABLES"
	case *ast.ExecuteStmt:
		j.verb = "EXECUTE"
		j.facts.Opaque = true
		j.raise(policy.Unknown, "EXECUTE runs a statement that is not in the text")
	case *ast.CallStmt:
		j.verb = "CALL"
		j.facts.Opaque = true
		j.copies("CALL")
		j.walk(n)
		j.raise(policy.Dangerous, "CALL runs a procedure, which may do anything")
	default:
		return false
	}
	return true
}

// accounts judges what is about people and rights.
func (j *judge) accounts(st ast.StmtNode) bool {
	switch st.(type) {
	case *ast.GrantStmt, *ast.GrantRoleStmt, *ast.GrantProxyStmt:
		j.verb = "GRANT"
	case *ast.RevokeStmt, *ast.RevokeRoleStmt:
		j.verb = "REVOKE"
	case *ast.CreateUserStmt:
		j.verb = "CREATE USER"
	case *ast.AlterUserStmt:
		j.verb = "ALTER USER"
	case *ast.RenameUserStmt:
		j.verb = "RENAME USER"
	case *ast.SetPwdStmt:
		j.verb = "SET PASSWORD"
	case *ast.SetRoleStmt:
		j.verb = "SET ROLE"
	case *ast.SetDefaultRoleStmt:
		j.verb = "SET DEFAULT ROLE"
	case *ast.DropUserStmt:
		j.verb = "DROP USER"
		j.destroys(policy.Privilege, "drops accounts or roles")
	default:
		return false
	}
	j.raise(policy.Privilege, j.verb+" changes accounts or rights")
	return true
}

// server judges what steers the server.
func (j *judge) server(st ast.StmtNode) bool {
	switch n := st.(type) {
	case *ast.KillStmt:
		j.verb = "KILL"
		j.destroys(policy.Dangerous, "KILL ends another session or its statement")
	case *ast.ShutdownStmt:
		j.verb = "SHUTDOWN"
		j.destroys(policy.Dangerous, "SHUTDOWN stops the server")
	case *ast.RestartStmt:
		j.verb = "RESTART"
		j.destroys(policy.Dangerous, "RESTART stops the server")
	case *ast.FlushStmt:
		j.verb = "FLUSH"
		if n.Tp == ast.FlushPrivileges {
			j.raise(policy.Privilege, "FLUSH PRIVILEGES makes rights that were written to tables real")
		}
		j.raise(policy.Dangerous, "FLUSH steers the server")
	case *ast.LockTablesStmt:
		j.verb = "LOCK TABLES"
		for _, l := range n.TableLocks {
			j.table(l.Table, false)
		}
		j.raise(policy.Dangerous, "LOCK TABLES blocks other sessions")
	case *ast.BinlogStmt:
		j.verb = "BINLOG"
		j.facts.Opaque = true
		j.raise(policy.Dangerous, "BINLOG applies changes that are not in the text")
	case *ast.AlterInstanceStmt:
		j.verb = "ALTER INSTANCE"
		j.raise(policy.Dangerous, "ALTER INSTANCE steers the server")
	case *ast.ProcedureInfo:
		j.verb = "CREATE PROCEDURE"
		j.facts.Opaque = true
		j.raise(policy.Dangerous, "CREATE PROCEDURE holds code that runs later")
	default:
		return false
	}
	return true
}

func (j *judge) explain(n *ast.ExplainStmt) {
	if show, ok := n.Stmt.(*ast.ShowStmt); ok { // DESCRIBE t
		j.show(show)
		j.verb = "DESCRIBE"
		return
	}
	if n.Stmt == nil {
		j.verb = "EXPLAIN"
		j.raise(policy.Unknown, "an EXPLAIN whose statement is not in the text")
		return
	}
	if n.Analyze {
		j.top(n.Stmt)
		j.copies("EXPLAIN ANALYZE")
		j.verb = "EXPLAIN ANALYZE"
		return
	}
	// It plans and does not run; but planning may run subqueries and functions.
	inner := &judge{facts: policy.Facts{Class: policy.Read}, nested: j.nested}
	inner.walk(n.Stmt)
	j.verb = "EXPLAIN"
	for _, t := range inner.facts.Tables {
		t.Write = false
		j.facts.Tables = append(j.facts.Tables, t)
	}
	j.facts.Functions = append(j.facts.Functions, inner.facts.Functions...)
	if inner.facts.Class.Severity() > policy.DDL.Severity() || inner.facts.Opaque {
		j.raise(inner.facts.Class, "the planner may run what the statement calls")
	}
	j.facts.Opaque = j.facts.Opaque || inner.facts.Opaque
}

func (j *judge) prepare(n *ast.PrepareStmt) {
	j.verb = "PREPARE"
	j.copies("PREPARE")
	if n.SQLVar != nil || n.SQLText == "" || j.nested > 3 {
		j.raise(policy.Unknown, "PREPARE of a text that is only known when it runs")
		j.facts.Opaque = true
		return
	}
	if s := scan(n.SQLText); s.odd != "" || s.special {
		j.raise(policy.Unknown, "PREPARE of a text with comments that may run")
		return
	}
	f := judgeText(n.SQLText, j.nested+1)
	j.raise(f.Class, "prepares: "+f.Why)
	j.facts.Destructive = j.facts.Destructive || f.Destructive
	j.facts.Opaque = j.facts.Opaque || f.Opaque
	j.facts.Tables = append(j.facts.Tables, f.Tables...)
	j.facts.Functions = append(j.facts.Functions, f.Functions...)
}

func (j *judge) show(n *ast.ShowStmt) {
	j.verb = "SHOW"
	switch n.Tp {
	case ast.ShowCreateUser:
		j.raise(policy.Privilege, "shows a password's hash")
	case ast.ShowCreateTable, ast.ShowColumns, ast.ShowIndex, ast.ShowCreateView:
		if n.Table != nil {
			j.facts.Tables = append(j.facts.Tables, policy.Table{Schema: n.Table.Schema.O, Name: n.Table.Name.O})
		}
	}
	if n.Where != nil {
		j.walk(n.Where)
	}
}

// harmlessVariables concern the session's own reading alone.
var harmlessVariables = set(`autocommit time_zone names setnames setcharset character_set_results collation_connection lc_time_names lc_messages
	transaction_isolation tx_isolation tx_isolation_one_shot transaction_isolation_one_shot transaction_read_only tx_read_only max_execution_time max_statement_time group_concat_max_len wait_timeout interactive_timeout net_read_timeout net_write_timeout
	lock_wait_timeout innodb_lock_wait_timeout profiling profiling_history_size sql_select_limit sql_safe_updates sql_big_selects max_join_size optimizer_switch
	sql_quote_show_create sql_notes sql_warnings div_precision_increment sort_buffer_size join_buffer_size tmp_table_size rand_seed1 rand_seed2 cte_max_recursion_depth information_schema_stats_expiry`)

func (j *judge) set(n *ast.SetStmt) {
	j.verb = "SET"
	for _, v := range n.Variables {
		name := strings.ToLower(strings.TrimPrefix(v.Name, "@@"))
		if v.Value != nil {
			j.walk(v.Value)
		}
		switch {
		case name == "session_user" || strings.HasPrefix(name, "password"):
			j.raise(policy.Privilege, "SET changes an account")
		case v.IsGlobal || v.IsInstance || strings.HasPrefix(name, "persist") || strings.HasPrefix(name, "global."):
			j.raise(policy.Dangerous, "SET of "+name+" for the whole server")
		case !v.IsSystem && !strings.EqualFold(v.Name, "SetNAMES") && !strings.EqualFold(v.Name, "SetCharset"):
			// a variable of the user's
		case !harmlessVariables[name]:
			j.raise(policy.Dangerous, "SET of "+name+", which may change how statements are read or recorded")
		case name == "sql_safe_updates" || name == "autocommit":
		}
	}
}

func (j *judge) load(n *ast.LoadDataStmt) {
	j.verb = "LOAD DATA"
	j.table(n.Table, true)
	j.walk(n)
	if n.FileLocRef == ast.FileLocClient {
		j.raise(policy.Dangerous, "LOAD DATA LOCAL reads a file of the client, here of the gateway")
		return
	}
	j.raise(policy.Dangerous, "LOAD DATA reads a file of the server")
}
