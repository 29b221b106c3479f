package postgres

import (
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sallyport/sallyport/policy"
)

// utility looks closer at statements whose kind alone does not tell enough.
func (w *walker) utility(m protoreflect.Message) {
	switch v := m.Interface().(type) {
	case *pg.IntoClause:
		w.makes(v.GetRel())
	case *pg.CreateStmt:
		w.makes(v.GetRelation())
	case *pg.ViewStmt:
		w.makes(v.GetView())
	case *pg.CopyStmt:
		w.copy(v)
	case *pg.VariableSetStmt:
		w.setting(v)
	case *pg.TransactionStmt:
		w.transaction(v)
	case *pg.DropStmt:
		w.drops(v)
	case *pg.TruncateStmt:
		w.truncates(v)
	case *pg.AlterTableStmt:
		w.alters(v)
	case *pg.CreateFunctionStmt:
		w.function(v)
	case *pg.AlterSystemStmt:
		w.j.because("changes the server's configuration")
	case *pg.LockStmt:
		w.j.because("blocks other sessions")
	case *pg.DoStmt:
		w.j.Opaque = true
		w.j.because(opaqueBlock)
		w.j.bodies = append(w.j.bodies, bodyOf(v.GetArgs(), true))
	case *pg.CallStmt:
		w.routine = v.GetFunccall()
		w.j.Opaque = true
		w.j.because(opaqueBlock)
	case *pg.PrepareStmt:
		w.prepares(v)
	case *pg.ExecuteStmt:
		w.executes(v)
	case *pg.DiscardStmt:
		w.discards(v)
	case *pg.AlterDatabaseStmt:
		w.database(v)
	case *pg.RenameStmt:
		if v.GetRenameType() == pg.ObjectType_OBJECT_ROLE {
			w.raise(policy.Privilege, "renames a role: who it is changes, and its md5 password is lost")
		}
	case *pg.DropdbStmt:
		if len(v.GetOptions()) > 0 { // the only one is FORCE
			w.raise(policy.Dangerous, "ends the sessions of the database")
		}
	case *pg.AlterDomainStmt:
		if v.GetSubtype() == "X" {
			w.destroys("ALTER DOMAIN drops a constraint")
		}
	case *pg.RuleStmt:
		w.j.Opaque = true
		w.j.because("a rule runs with the rights of the relation's owner, for whoever uses it")
	case *pg.ColumnDef:
		if serial(v.GetTypeName()) {
			w.serial = v.GetTypeName()
		}
	default:
		w.maintains(m)
	}
}

// maintains looks at statements that only some of the time can run in a
// transaction, and at code that is kept for later.
func (w *walker) maintains(m protoreflect.Message) {
	switch v := m.Interface().(type) {
	case *pg.IndexStmt:
		w.j.Alone = w.j.Alone || v.GetConcurrent()
	case *pg.VacuumStmt:
		w.j.Alone = w.j.Alone || v.GetIsVacuumcmd()
	case *pg.ReindexStmt:
		w.j.Alone = w.j.Alone || v.GetKind() != pg.ReindexObjectType_REINDEX_OBJECT_TABLE || len(v.GetParams()) > 0
	case *pg.CreateTrigStmt, *pg.CreateEventTrigStmt:
		w.j.Opaque = true
	}
}

// prepares keeps what a prepared statement is, for an EXECUTE of the same text.
func (w *walker) prepares(s *pg.PrepareStmt) {
	in := &judgement{Class: policy.Read, prepared: w.j.prepared, depth: w.j.depth}
	(&walker{j: in}).message(s.GetQuery().ProtoReflect(), nil)
	w.j.prepared[s.GetName()] = *in
	w.j.Prepares = s.GetName()
}

func (w *walker) executes(s *pg.ExecuteStmt) {
	in, ok := w.j.prepared[s.GetName()]
	if !ok {
		in := &judgement{Class: policy.Read, prepared: w.j.prepared, depth: w.j.depth}
		for _, n := range s.GetParams() {
			(&walker{j: in}).message(n.ProtoReflect(), nil)
		}
		if w.verb == "EXECUTE" {
			w.j.Executes, w.j.Arguments = s.GetName(), in.Class
		}
		w.raise(policy.Unknown, "EXECUTE runs a statement that was prepared elsewhere")
		return
	}
	w.raise(in.Class, "")
	if in.Destructive {
		w.destroys("")
	}
}

// discards judges DISCARD. What it drops ends with the session anyway; ALL also
// resets who the session acts as.
func (w *walker) discards(s *pg.DiscardStmt) {
	switch s.GetTarget() {
	case pg.DiscardMode_DISCARD_PLANS, pg.DiscardMode_DISCARD_SEQUENCES:
	case pg.DiscardMode_DISCARD_TEMP:
		w.raise(policy.DDL, "drops the session's temporary tables")
	default:
		w.j.cannot("the gate owns the session's settings; DISCARD TEMP, PLANS and SEQUENCES are run")
		w.raise(policy.Privilege, "resets who the session acts as")
	}
}

// database judges ALTER DATABASE's options: those that lock people out are the
// server's control.
func (w *walker) database(s *pg.AlterDatabaseStmt) {
	for _, n := range s.GetOptions() {
		switch n.GetDefElem().GetDefname() {
		case "allow_connections", "connection_limit":
			w.raise(policy.Dangerous, "decides who can connect at all")
		}
	}
}

// serial reports whether a column's type is one of the words for an integer with a
// sequence: of a column they are no types, whatever types there are.
func serial(t *pg.TypeName) bool {
	n := strs(t.GetNames())
	if len(n) != 1 || len(t.GetArrayBounds()) > 0 {
		return false
	}
	switch n[0] {
	case "serial", "bigserial", "smallserial", "serial2", "serial4", "serial8":
		return true
	}
	return false
}

func (w *walker) makes(r *pg.RangeVar) {
	if r != nil {
		w.j.table(tableName{Schema: r.GetSchemaname(), Name: r.GetRelname(), Write: true, New: true})
	}
}

func (w *walker) explains(s *pg.ExplainStmt, sc *scope) {
	run := false
	for _, n := range s.GetOptions() {
		if d := n.GetDefElem(); d.GetDefname() == "analyze" {
			run = on(d.GetArg())
		}
	}
	if run {
		w.j.copies("EXPLAIN ANALYZE")
		w.j.because("EXPLAIN ANALYZE runs the statement")
	} else {
		outer := w.dry
		w.dry = true
		defer func() { w.dry = outer }()
	}
	w.message(s.GetQuery().ProtoReflect(), sc)
}

// on reads a boolean option as the server does; only a clear no is a no.
func on(n *pg.Node) bool {
	switch {
	case n == nil:
		return true
	case n.GetInteger() != nil:
		return n.GetInteger().GetIval() != 0
	case n.GetBoolean() != nil:
		return n.GetBoolean().GetBoolval()
	}
	return !slices.Contains([]string{"false", "off", "0"}, strings.ToLower(n.GetString_().GetSval()))
}

func (w *walker) copy(s *pg.CopyStmt) {
	switch {
	case s.GetRelation() == nil:
	case s.GetIsFrom():
		w.named(s.GetRelation(), true)
		w.sets(s.GetRelation(), s.GetAttlist())
	case len(s.GetAttlist()) == 0:
		w.j.Columns = once(w.j.Columns, columnName{Of: rowName(s.GetRelation())})
	default:
		for _, name := range strs(s.GetAttlist()) {
			w.j.Columns = once(w.j.Columns, columnName{Of: rowName(s.GetRelation()), Name: name})
		}
	}
	switch {
	case s.GetIsProgram():
		w.raise(policy.Dangerous, "COPY runs a program on the database host")
	case s.GetFilename() != "":
		w.raise(policy.Dangerous, "COPY reads or writes a file on the database host")
	case s.GetIsFrom():
		w.raise(policy.Write, "")
		w.j.cannot("COPY FROM STDIN has no data to read here; use INSERT")
	default:
		w.j.cannot("COPY TO STDOUT gives bytes that cannot be masked; run the SELECT and export its answer")
	}
}

func (w *walker) transaction(s *pg.TransactionStmt) {
	w.j.cannot("each statement is a transaction of its own; BEGIN, COMMIT and the like are not run")
	switch s.GetKind() {
	case pg.TransactionStmtKind_TRANS_STMT_PREPARE, pg.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED, pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_PREPARED:
		w.raise(policy.Write, "acts on a prepared transaction")
	case pg.TransactionStmtKind_TRANS_STMT_BEGIN, pg.TransactionStmtKind_TRANS_STMT_START:
		w.verb = "BEGIN"
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT:
		w.verb = "COMMIT"
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK, pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		w.verb = "ROLLBACK"
	}
}

// dropClasses are the kinds of object whose loss is more than structure.
var dropClasses = map[pg.ObjectType]policy.Class{
	pg.ObjectType_OBJECT_POLICY:         policy.Privilege,
	pg.ObjectType_OBJECT_EVENT_TRIGGER:  policy.Privilege,
	pg.ObjectType_OBJECT_FOREIGN_SERVER: policy.Privilege,
	pg.ObjectType_OBJECT_FDW:            policy.Privilege,
	pg.ObjectType_OBJECT_EXTENSION:      policy.Dangerous,
	pg.ObjectType_OBJECT_LANGUAGE:       policy.Dangerous,
}

func (w *walker) drops(s *pg.DropStmt) {
	kind := strings.ReplaceAll(strings.TrimPrefix(s.GetRemoveType().String(), "OBJECT_"), "_", " ")
	if kind == "MATVIEW" {
		kind = "MATERIALIZED VIEW"
	}
	w.verb = "DROP " + kind
	if c, ok := dropClasses[s.GetRemoveType()]; ok {
		w.raise(c, "")
	}
	w.j.Alone = w.j.Alone || s.GetConcurrent()
	w.j.Opaque = w.j.Opaque || s.GetBehavior() == pg.DropBehavior_DROP_CASCADE
	for _, o := range s.GetObjects() {
		names := strs(o.GetList().GetItems())
		switch s.GetRemoveType() {
		case pg.ObjectType_OBJECT_TABLE, pg.ObjectType_OBJECT_VIEW, pg.ObjectType_OBJECT_MATVIEW, pg.ObjectType_OBJECT_FOREIGN_TABLE, pg.ObjectType_OBJECT_SEQUENCE:
		case pg.ObjectType_OBJECT_TRIGGER, pg.ObjectType_OBJECT_RULE, pg.ObjectType_OBJECT_POLICY:
			if len(names) > 1 {
				names = names[:len(names)-1] // the last is the object's own
			}
		default:
			continue
		}
		w.j.table(relationOf(names))
	}
}

// relationOf reads [database.][schema.]name.
func relationOf(names []string) tableName {
	t := tableName{Write: true}
	if n := len(names); n > 0 {
		t.Name = names[n-1]
		if n > 1 {
			t.Schema = names[n-2]
		}
	}
	return t
}

func (w *walker) truncates(s *pg.TruncateStmt) {
	// CASCADE empties tables that nobody named.
	w.j.Opaque = w.j.Opaque || s.GetBehavior() == pg.DropBehavior_DROP_CASCADE
	for _, n := range s.GetRelations() {
		w.named(n.GetRangeVar(), true)
	}
}

func (w *walker) alters(s *pg.AlterTableStmt) {
	w.named(s.GetRelation(), true)
	if contains(s.ProtoReflect(), func(*pg.ColumnRef) bool { return true }) {
		w.j.copies("ALTER TABLE with an expression")
	}
	for _, n := range s.GetCmds() {
		switch c := n.GetAlterTableCmd(); c.GetSubtype() {
		case pg.AlterTableType_AT_DropColumn, pg.AlterTableType_AT_DropConstraint, pg.AlterTableType_AT_DetachPartition, pg.AlterTableType_AT_DetachPartitionFinalize:
			w.destroys("ALTER TABLE drops what is there")
		case pg.AlterTableType_AT_AlterColumnType:
			if d := c.GetDef().GetColumnDef(); !widens(d) {
				w.destroys("ALTER TABLE rewrites every value of a column")
			}
		case pg.AlterTableType_AT_ChangeOwner, pg.AlterTableType_AT_EnableRowSecurity, pg.AlterTableType_AT_DisableRowSecurity,
			pg.AlterTableType_AT_ForceRowSecurity, pg.AlterTableType_AT_NoForceRowSecurity:
			w.raise(policy.Privilege, "changes who may see or own rows")
		case pg.AlterTableType_AT_DisableTrig, pg.AlterTableType_AT_DisableTrigAll, pg.AlterTableType_AT_DisableTrigUser,
			pg.AlterTableType_AT_DisableRule, pg.AlterTableType_AT_EnableReplicaTrig, pg.AlterTableType_AT_EnableReplicaRule:
			w.raise(policy.Privilege, "switches off what guards or audits the table")
		case pg.AlterTableType_AT_AddInherit, pg.AlterTableType_AT_AttachPartition:
			w.j.copies("ALTER TABLE INHERIT or ATTACH PARTITION")
		case pg.AlterTableType_AT_GenericOptions, pg.AlterTableType_AT_AlterColumnGenericOptions:
			w.raise(policy.Dangerous, "changes where a foreign table's rows come from")
		}
	}
}

// widening are types that hold every value a column is likely to come from.
var widening = map[string]bool{
	"text": true, "varchar": true, "int8": true, "numeric": true, "float8": true, "timestamptz": true, "jsonb": true, "bytea": true,
}

// refusing are types whose limit cuts nothing off: a value that is too long fails
// the statement. So it is with numeric(p,s), which only rounds past its places.
var refusing = map[string]bool{"varchar": true, "bpchar": true}

// widens reports whether a new type of a column keeps what is there: it is wide,
// without a limit that changes values, and no expression takes the values' place.
func widens(d *pg.ColumnDef) bool {
	t := d.GetTypeName()
	n := strs(t.GetNames())
	if d.GetRawDefault() != nil || len(n) == 0 {
		return false
	}
	kind := n[len(n)-1]
	return widening[kind] && len(t.GetTypmods()) == 0 || refusing[kind] || kind == "numeric" && len(t.GetTypmods()) == 2 && t.GetTypmods()[1].GetAConst().GetIval().GetIval() > 0
}

func (w *walker) function(s *pg.CreateFunctionStmt) {
	w.j.Opaque = true
	if s.GetIsProcedure() {
		w.verb = "CREATE PROCEDURE"
	}
	if b := bodyOf(s.GetOptions(), false); s.GetSqlBody() == nil {
		w.j.bodies = append(w.j.bodies, b)
	}
	for _, n := range s.GetOptions() {
		d := n.GetDefElem()
		switch d.GetDefname() {
		case "language":
			switch lang := strings.ToLower(d.GetArg().GetString_().GetSval()); lang {
			case "sql", "plpgsql":
			default:
				w.raise(policy.Dangerous, "a function in "+lang+" runs code on the database host")
			}
		case "security":
			if on(d.GetArg()) {
				w.raise(policy.Privilege, "SECURITY DEFINER runs with its owner's rights")
			}
		}
	}
}
