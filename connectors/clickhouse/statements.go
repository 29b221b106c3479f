package clickhouse

import (
	"strings"

	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/policy"
)

// statement judges by the leading words. It sets body where there is a SELECT to look
// into.
func (r *reading) statement() {
	t := r.tokens[0]
	switch {
	case t.Is("SELECT"), t.Is("WITH"), t.Sym("(") && (r.at(1).Is("SELECT", "WITH") || r.at(1).Sym("(")):
		r.body = r.tokens
	case t.Is("INSERT"):
		r.insert()
	case t.Is("SHOW"):
		r.show()
	case t.Is("DESCRIBE", "DESC", "EXISTS", "CHECK"):
		r.about()
	case t.Is("EXPLAIN"):
		r.explain()
	case t.Is("USE"):
		r.cannot = "each statement is asked in the resource's database: write database.table"
	case t.Is("SET"):
		r.setting()
	case r.structure(), r.control():
	default:
		r.raise(policy.Unknown, "the statement "+r.facts.Verb+" is not known")
	}
}

// setting judges SET and SET ROLE. The line has no session that would keep it.
func (r *reading) setting() {
	r.cannot = "settings are the gate's, and no statement leaves any behind"
	if r.at(1).Is("ROLE", "DEFAULT") {
		r.raise(policy.Privilege, "SET ROLE changes what the session may do")
		return
	}
	r.raise(policy.Dangerous, "SET changes the limits of the session")
}

// control judges what is about the server, its sessions and accounts.
func (r *reading) control() bool {
	t := r.tokens[0]
	switch {
	case t.Is("KILL"):
		r.raise(policy.Dangerous, "KILL ends what others run")
	case t.Is("SYSTEM"):
		r.raise(policy.Dangerous, "SYSTEM controls the server")
	case t.Is("BACKUP", "RESTORE"):
		r.raise(policy.Dangerous, r.facts.Verb+" moves data between tables and files")
	case t.Is("GRANT", "REVOKE"):
		r.raise(policy.Privilege, r.facts.Verb+" changes rights")
	default:
		return false
	}
	r.facts.Opaque = true
	return true
}

// insert judges INSERT INTO t [(columns)] VALUES … or SELECT ….
func (r *reading) insert() {
	r.raise(policy.Write, "INSERT adds rows")
	i := 1
	if r.at(i).Is("INTO") {
		i++
	}
	if r.at(i).Is("TABLE") {
		i++
	}
	if r.at(i).Is("FUNCTION") {
		r.tableFunction(r.at(i + 1).Value)
		r.raise(policy.Dangerous, "writes to files or other servers")
		r.body = r.tokens[i+1:]
		return
	}
	if !r.at(i).Named() || i == 1 {
		r.raise(policy.Unknown, "INSERT is not understood")
		return
	}
	c, next := r.chain(i)
	r.into = c
	if next = r.columnList(next); next < 0 {
		r.raise(policy.Unknown, "the columns of INSERT are not understood")
		next = len(r.tokens)
	}
	r.table(c, true)
	r.rest = r.tokens[min(next, len(r.tokens)):]
	switch t := r.at(next); {
	case t.Is("VALUES"):
		r.body = r.rest[1:]
	case t.Is("SELECT", "WITH"), t.Sym("("):
		r.facts.Copies, r.facts.Form = true, "INSERT ... SELECT"
		r.body = r.rest
	default:
		r.raise(policy.Unknown, "what is inserted is not understood")
		r.cannot = "rows are inserted by VALUES or SELECT"
		r.facts.Opaque = true
	}
}

// columnList reads the columns that an INSERT names; the result is the token after
// them, or -1.
func (r *reading) columnList(i int) int {
	if !r.at(i).Sym("(") || r.at(i+1).Is("SELECT", "WITH") {
		return i
	}
	for i++; ; {
		if !r.at(i).Named() {
			return -1
		}
		c, next := r.chain(i)
		r.columns = append(r.columns, c.String())
		switch t := r.at(next); {
		case t.Sym(")"):
			return next + 1
		case !t.Sym(","):
			return -1
		}
		i = next + 1
	}
}

// show judges SHOW. What is not on the list may tell of accounts or sessions.
func (r *reading) show() {
	t := r.at(1)
	if t.Is("TEMPORARY", "FULL", "EXTENDED") {
		t = r.at(2)
	}
	switch {
	case t.Is("DATABASES", "TABLES", "DICTIONARIES", "COLUMNS", "FIELDS", "FUNCTIONS", "ENGINES"):
		r.named = true
		r.like()
	case t.Is("CREATE"):
		r.named = true
		r.showCreate()
	case t.Is("PROCESSLIST"):
		r.facts.Verb = "SHOW PROCESSLIST"
		r.raise(policy.Dangerous, "SHOW PROCESSLIST shows what other sessions run")
	case t.Is("GRANTS", "USERS", "ROLES", "ACCESS", "QUOTAS", "QUOTA", "POLICIES", "PROFILES", "CURRENT", "ENABLED", "ROW", "SETTINGS"):
		r.raise(policy.Privilege, "it shows accounts and rights")
	default:
		r.raise(policy.Unknown, "what SHOW would show is not known")
	}
}

// like takes SHOW TABLES [FROM d] [LIKE '…'] and no condition besides.
func (r *reading) like() {
	for _, t := range r.tokens[1:] {
		if t.Is("WHERE", "FORMAT", "INTO", "SETTINGS") || t.Sym("(", "{") {
			r.raise(policy.Unknown, t.Text+" in SHOW is not understood")
		}
	}
}

func (r *reading) showCreate() {
	i := 2
	if r.at(i).Is("TEMPORARY") {
		i++
	}
	switch t := r.at(i); {
	case t.Is("USER", "ROLE", "QUOTA", "ROW", "POLICY", "PROFILE", "SETTINGS"):
		r.raise(policy.Privilege, "it shows an account")
		return
	case t.Is("DICTIONARY", "FUNCTION", "NAMED"):
		r.raise(policy.Unknown, "it may show a password")
		return
	case t.Is("DATABASE"):
		r.facts.Opaque = true
		return
	case t.Is("TABLE", "VIEW"):
		i++
	}
	r.only(i)
}

// about judges DESCRIBE, EXISTS and CHECK of a table.
func (r *reading) about() {
	r.named = true
	i := 1
	for r.at(i).Is("TEMPORARY", "TABLE", "VIEW", "DATABASE", "DICTIONARY") && r.at(i+1).Named() {
		i++
	}
	if r.at(i-1).Is("DATABASE", "DICTIONARY") {
		if i+1 < len(r.tokens) {
			r.raise(policy.Unknown, "what follows the name is not understood")
		}
		return
	}
	r.only(i)
}

// only takes one table's name and nothing after it.
func (r *reading) only(i int) {
	if !r.at(i).Named() {
		r.raise(policy.Unknown, "it names no table")
		r.body = r.tokens[i:]
		return
	}
	c, next := r.chain(i)
	if next < len(r.tokens) {
		r.raise(policy.Unknown, "what follows the table's name is not understood")
		r.body = r.tokens[i:]
		r.facts.Opaque = true
	}
	r.table(c, false)
}

// explain judges EXPLAIN by what it explains, which must be a SELECT.
func (r *reading) explain() {
	i := 1
	for i < len(r.tokens) && !r.at(i).Is("SELECT", "WITH") {
		t := r.at(i)
		if !t.Is("AST", "SYNTAX", "PLAN", "PIPELINE", "ESTIMATE", "QUERY", "TREE") {
			r.raise(policy.Unknown, "EXPLAIN of "+strings.ToUpper(t.Text)+" is not understood")
			return
		}
		i++
	}
	if i == len(r.tokens) {
		r.raise(policy.Unknown, "EXPLAIN of nothing")
		return
	}
	r.facts.Copies, r.facts.Form = true, "EXPLAIN"
	r.body = r.tokens[i:]
}

// tables adds the names from i on, with commas between them; the result is the token
// after them.
func (r *reading) tables(i int) int {
	for {
		if r.at(i).Is("IF") {
			i++
			for r.at(i).Is("NOT", "EXISTS", "EMPTY") {
				i++
			}
		}
		if !r.at(i).Named() {
			return i
		}
		c, next := sqltext.ChainAt(r.tokens, i)
		r.table(c, true)
		if !r.at(next).Sym(",") {
			return next
		}
		i = next + 1
	}
}
