package sqlite

import (
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/sqlite/lineage"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// action is one call of the authorizer.
type action struct {
	code          sqlite3.AuthorizerActionCode
	a, b          string // what they are depends on the code: sqlite.org/c3ref/c_alter_table.html
	schema, inner string // inner is the trigger, view or CTE that asks
}

// judgement is what was found out about a text without running it.
type judgement struct {
	facts policy.Facts
	// allowed are the actions that the statement may take when it runs.
	allowed map[action]bool
	// reads are the columns that a statement which changes something reads.
	reads []mask.Column
	// selects is how many SELECTs the log has.
	selects int
	// control is set for BEGIN, COMMIT and the like.
	control bool
	// fault is what the target says where the text does not compile.
	fault error
	kinds kinds
	// lineage is where values come from, trace the same in the hub's words; unread
	// are the columns whose values are not needed, folded. nil where there is no
	// statement.
	lineage *lineage.Result
	trace   *connectors.Trace
	unread  map[mask.Column]bool
	labels  []string // of the answer's columns
}

// neverPrepared are denied while judging and while running: they act when they
// are prepared, or reach other files.
func neverPrepared(c sqlite3.AuthorizerActionCode) bool {
	switch c {
	case sqlite3.AUTH_PRAGMA, sqlite3.AUTH_ATTACH, sqlite3.AUTH_DETACH:
		return true
	}
	return false
}

// assess turns the log into facts.
func assess(text string, log []action, k kinds) *judgement {
	s := shapeOf(text)
	j := &judgement{kinds: k, allowed: make(map[action]bool)}
	r := reading{s: s, j: j, class: policy.Read, seen: make(map[string]int)}
	for _, a := range log {
		j.allowed[a] = true
		r.ddl = r.ddl || structural(a.code)
		r.altered = r.altered || a.code == sqlite3.AUTH_ALTER_TABLE
	}
	if len(log) == 0 {
		r.unknown(strings.TrimSpace(s.verb + " does not say what it does"))
	}
	for _, a := range log {
		r.add(a)
	}
	r.finish()
	return j
}

// reading goes through a log.
type reading struct {
	s     shape
	j     *judgement
	class policy.Class
	why   string

	ddl, altered    bool
	inserts, makes  bool // into a table of the user
	updates, copies bool
	deletes         bool
	seen            map[string]int // table → index in Facts.Tables
	called          map[string]bool
}

func (r *reading) unknown(why string) {
	if r.class != policy.Unknown {
		r.class, r.why = policy.Unknown, why
	}
}

func (r *reading) worst(c policy.Class) { r.class = policy.Worst(r.class, c) }

func (r *reading) add(a action) {
	switch a.code {
	case sqlite3.AUTH_SELECT:
		r.j.selects++
	case sqlite3.AUTH_RECURSIVE:
	case sqlite3.AUTH_READ:
		r.read(a)
	case sqlite3.AUTH_FUNCTION:
		r.call(strings.ToLower(a.b))
	case sqlite3.AUTH_INSERT, sqlite3.AUTH_UPDATE, sqlite3.AUTH_DELETE:
		r.change(a)
	case sqlite3.AUTH_TRANSACTION, sqlite3.AUTH_SAVEPOINT:
		r.j.control = true
	case sqlite3.AUTH_CREATE_TABLE:
		r.makes = true
		r.structure(a.schema, a.a)
	case sqlite3.AUTH_DROP_TABLE, sqlite3.AUTH_CREATE_VIEW, sqlite3.AUTH_DROP_VIEW, sqlite3.AUTH_ANALYZE, sqlite3.AUTH_DROP_VTABLE:
		r.structure(a.schema, a.a)
	case sqlite3.AUTH_CREATE_INDEX, sqlite3.AUTH_DROP_INDEX, sqlite3.AUTH_CREATE_TRIGGER, sqlite3.AUTH_DROP_TRIGGER:
		r.structure(a.schema, a.b)
	case sqlite3.AUTH_ALTER_TABLE:
		r.structure(a.a, a.b)
	case sqlite3.AUTH_REINDEX:
		r.worst(policy.DDL)
	default: // temporary objects, virtual tables, and what is not known
		r.unknown(fmt.Sprintf("%s is not run through the gate", r.s.verb))
	}
}

func structural(c sqlite3.AuthorizerActionCode) bool {
	switch c {
	case sqlite3.AUTH_CREATE_TABLE, sqlite3.AUTH_DROP_TABLE, sqlite3.AUTH_CREATE_VIEW, sqlite3.AUTH_DROP_VIEW,
		sqlite3.AUTH_CREATE_INDEX, sqlite3.AUTH_DROP_INDEX, sqlite3.AUTH_CREATE_TRIGGER, sqlite3.AUTH_DROP_TRIGGER,
		sqlite3.AUTH_ALTER_TABLE, sqlite3.AUTH_REINDEX, sqlite3.AUTH_ANALYZE, sqlite3.AUTH_DROP_VTABLE:
		return true
	}
	return false
}

func (r *reading) read(a action) {
	if r.ddl && internal(a.a) {
		return
	}
	if _, known := r.j.kinds.of(a.a); !known && a.b == "" && !builtin(a.a) {
		// A CTE or a subquery of which no column is used: SQLite gives its name or
		// alias, and logs what it reads itself.
		return
	}
	r.table(a.schema, a.a, false)
	if a.b != "" {
		r.j.reads = append(r.j.reads, mask.Column{Schema: a.schema, Table: a.a, Name: a.b})
		// A trigger reads in order to act.
		r.copies = r.copies || r.j.kinds.triggers[a.inner]
	}
}

func (r *reading) call(name string) {
	if !harmless[name] && !(r.altered && renaming[name]) {
		r.unknown(fmt.Sprintf("function %s is not known to be harmless", name))
	}
	if r.called == nil {
		r.called = make(map[string]bool)
	}
	if !r.called[name] && !renaming[name] {
		r.called[name] = true
		r.j.facts.Functions = append(r.j.facts.Functions, name)
	}
}

func (r *reading) change(a action) {
	if internal(a.a) {
		if !r.ddl {
			r.structure(a.schema, a.a)
		}
		return
	}
	r.table(a.schema, a.a, true)
	r.worst(policy.Write)
	switch a.code {
	case sqlite3.AUTH_INSERT:
		r.inserts = true
	case sqlite3.AUTH_UPDATE:
		r.updates = true
	case sqlite3.AUTH_DELETE:
		r.deletes = true
	}
}

func (r *reading) structure(schema, table string) {
	r.worst(policy.DDL)
	r.table(schema, table, true)
}

// internal reports whether SQLite keeps a table for itself.
func internal(table string) bool {
	return len(table) >= 7 && strings.EqualFold(table[:7], "sqlite_")
}

// builtin reports whether a name may be a table that SQLite makes up: nobody may
// read these, not even no column of them.
func builtin(table string) bool {
	lower := strings.ToLower(table)
	return internal(lower) || strings.HasPrefix(lower, "pragma_") ||
		lower == "dbstat" || lower == "bytecode" || lower == "tables_used" || lower == "completion"
}

func (r *reading) table(schema, name string, write bool) {
	if name == "" {
		return
	}
	kind, known := r.j.kinds.of(name)
	if !known && !r.ddl {
		r.unknown(fmt.Sprintf("table %s is not in the schema", name))
	}
	if i, ok := r.seen[name]; ok {
		t := &r.j.facts.Tables[i]
		t.Write = t.Write || write
		return
	}
	r.seen[name] = len(r.j.facts.Tables)
	r.j.facts.Tables = append(r.j.facts.Tables, policy.Table{Schema: schema, Name: name, Kind: kind, Write: write})
}

func (r *reading) finish() {
	f := &r.j.facts
	f.Verb, f.Statements = r.s.verb, max(1, r.s.statements)
	if strings.HasPrefix(f.Verb, "CREATE") {
		f.Statements = 1 // the semicolons of a trigger's body
	}
	if r.s.explained && r.class != policy.Unknown {
		// Nothing of it runs: SQLite answers with its program or plan.
		r.class, r.j.reads, r.j.control = policy.Read, nil, false
		r.why = "EXPLAIN runs nothing"
	} else {
		r.loss(f)
		r.form(f)
	}
	f.Class = r.class
	if r.why != "" {
		f.Why = r.why
	}
	if r.class == policy.Read {
		r.j.reads = nil
	}
}

// loss finds what is destructive.
func (r *reading) loss(f *policy.Facts) {
	switch {
	case strings.HasPrefix(r.s.verb, "DROP"):
		f.Destructive, f.Why = true, r.s.verb
	case r.altered && !r.s.renames && r.drops():
		f.Destructive, f.Why = true, "ALTER TABLE ... DROP"
	case r.s.unbounded != "":
		f.Destructive, f.Why = true, r.s.unbounded
	case (r.deletes || r.updates) && !r.ddl && r.s.verb == "":
		f.Destructive, f.Why = true, "its condition could not be found"
	}
}

func (r *reading) drops() bool {
	for a := range r.j.allowed {
		if a.code == sqlite3.AUTH_FUNCTION && strings.HasPrefix(strings.ToLower(a.b), "sqlite_drop") {
			return true
		}
	}
	return false
}

// form finds what moves rows elsewhere than into the answer.
func (r *reading) form(f *policy.Facts) {
	switch {
	case r.makes && r.j.selects > 0 && !r.altered:
		f.Form = "CREATE TABLE AS"
	case r.s.verb == "CREATE TRIGGER":
		// What it will copy is seen only when it runs, for whoever runs it.
		f.Form, f.Opaque = r.s.verb, true
	case r.s.generates:
		f.Form = r.s.verb + " with a generated column"
	case r.s.renames:
		f.Form = "ALTER TABLE RENAME"
	case r.ddl:
	case r.copies:
		f.Form = r.s.verb + " with a trigger"
	case r.inserts && r.j.selects > 0:
		f.Form = "INSERT SELECT"
	case r.s.assigns:
		f.Form = r.s.verb + " from columns"
	}
	f.Copies = f.Form != ""
}
