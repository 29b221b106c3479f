package clickhouse

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/policy"
)

// structure judges statements that change what there is.
func (r *reading) structure() bool {
	t := r.tokens[0]
	switch {
	case t.Is("CREATE"), t.Is("ATTACH"):
		r.create()
	case t.Is("DROP"), t.Is("UNDROP"):
		r.drop()
	case t.Is("DETACH"):
		r.tables(r.kindOf(1))
		r.destroys(policy.DDL, "DETACH makes a table disappear")
	case t.Is("TRUNCATE"):
		r.truncate()
	case t.Is("ALTER"):
		r.alter()
	case t.Is("OPTIMIZE"):
		i := r.kindOf(1)
		r.raise(policy.DDL, "OPTIMIZE rewrites the table's parts")
		i = r.tables(i)
		if slices.ContainsFunc(r.tokens[i:], func(t sqltext.Token) bool { return t.Is("DEDUPLICATE") }) {
			r.destroys(policy.DDL, "DEDUPLICATE removes rows")
		}
	case t.Is("RENAME"), t.Is("EXCHANGE"):
		r.rename()
	case t.Is("DELETE"):
		if r.at(1).Is("FROM") {
			r.tables(2)
		}
		r.destroys(policy.Write, "DELETE removes rows")
		r.body = r.tokens
	case t.Is("UPDATE"):
		r.tables(1)
		r.destroys(policy.Write, "UPDATE rewrites rows")
		r.body = r.tokens[1:]
	case t.Is("MOVE"):
		r.raise(policy.Privilege, "MOVE is about accounts")
	default:
		return false
	}
	r.facts.Opaque = r.facts.Opaque || !r.contained()
	return true
}

// contained reports whether the statement reaches no more than the tables that it
// names, so that it can be followed: it has no subquery and no text that may name one.
func (r *reading) contained() bool {
	t := r.tokens[0]
	if t.Is("CREATE") {
		return r.named // by create, for a plain table
	}
	for i, k := range r.tokens {
		if i > 0 && k.Is("SELECT", "CLUSTER", "ALL", "TABLES", "DATABASE", "FROM", "IN", "LIKE", "ILIKE") || k.Sym("(") {
			return false
		}
	}
	return t.Is("DROP", "TRUNCATE", "OPTIMIZE", "DETACH")
}

// accounts are words after CREATE, ALTER and DROP that are about accounts and rights.
var accounts = set("USER ROLE ROW POLICY QUOTA SETTINGS PROFILE NAMED MASKING")

// kindOf passes words for a kind of object.
func (r *reading) kindOf(i int) int {
	for r.at(i).Is("TEMPORARY", "TABLE", "VIEW", "DATABASE", "DICTIONARY", "FUNCTION", "INDEX", "WORKLOAD", "RESOURCE") && r.at(i+1).Kind != sqltext.Symbol {
		i++
	}
	return i
}

// verb names the statement with its second word.
func (r *reading) verb() string {
	if w := r.at(1); w.Kind == sqltext.Word && len(w.Text) < 20 {
		r.facts.Verb += " " + strings.ToUpper(w.Text)
	}
	return r.facts.Verb
}

func (r *reading) drop() {
	verb := r.verb()
	if accounts[strings.ToUpper(r.at(1).Text)] && r.at(1).Kind == sqltext.Word {
		r.raise(policy.Privilege, verb+" changes accounts and rights")
		return
	}
	if r.at(1).Is("TABLE", "VIEW", "TEMPORARY", "DICTIONARY") {
		r.tables(r.kindOf(1))
	} else {
		r.facts.Opaque = true
	}
	r.destroys(policy.DDL, verb)
}

func (r *reading) truncate() {
	i := 1
	if r.at(i).Is("ALL", "DATABASE", "TABLES") {
		r.facts.Opaque = true
		r.destroys(policy.DDL, "TRUNCATE empties many tables")
		return
	}
	for r.at(i).Is("TEMPORARY", "TABLE") && r.at(i+1).Named() {
		i++
	}
	r.tables(i)
	r.destroys(policy.DDL, "TRUNCATE empties the table")
}

func (r *reading) rename() {
	r.raise(policy.DDL, r.facts.Verb+" gives tables other names")
	r.facts.Opaque = true
	for i := 1; i < len(r.tokens); {
		if !r.at(i).Named() || r.at(i).Is("TABLE", "TABLES", "DATABASE", "DICTIONARY", "TO", "AND", "ON", "CLUSTER", "IF", "EXISTS") && r.at(i).Kind == sqltext.Word {
			i++
			continue
		}
		c, next := r.chain(i)
		r.table(c, true)
		i = next
	}
}

// create judges CREATE and ATTACH.
func (r *reading) create() {
	verb := r.verb()
	i := 1
	for r.at(i).Is("OR", "REPLACE", "TEMPORARY") {
		if r.at(i).Is("REPLACE") {
			r.destroys(policy.DDL, "OR REPLACE loses what was there")
		}
		i++
	}
	t := r.at(i)
	switch {
	case t.Kind == sqltext.Word && accounts[strings.ToUpper(t.Text)]:
		r.raise(policy.Privilege, verb+" changes accounts and rights")
		return
	case t.Is("FUNCTION"):
		r.raise(policy.Dangerous, "CREATE FUNCTION makes a function that any statement may call")
		return
	case t.Is("DICTIONARY"):
		r.raise(policy.Dangerous, "a dictionary reads from anywhere")
		return
	case t.Is("DATABASE"):
		r.raise(policy.DDL, verb)
		r.engine(r.tokens[i:], set("Atomic Ordinary Memory Lazy"))
		return
	case !t.Is("TABLE", "VIEW", "MATERIALIZED", "LIVE", "WINDOW"):
		r.raise(policy.Unknown, verb+" is not known")
		return
	}
	r.raise(policy.DDL, verb)
	table := t.Is("TABLE")
	for r.at(i).Is("TABLE", "VIEW", "MATERIALIZED", "LIVE", "WINDOW") {
		i++
	}
	next := r.tables(i)
	r.definition(next, table)
}

// definition judges what a table or view is made of.
func (r *reading) definition(i int, table bool) {
	rest := r.tokens[min(i, len(r.tokens)):]
	r.engine(rest, lists()["engine"])
	for k, t := range rest {
		switch {
		case t.Is("SELECT", "WITH") && (k > 0 && (rest[k-1].Is("AS") || rest[k-1].Sym("("))):
			r.facts.Copies, r.facts.Form = true, r.facts.Verb+" AS SELECT"
			r.body = rest[k:]
			return
		case t.Is("FROM") && k+1 < len(rest) && rest[k+1].Kind == sqltext.String:
			r.raise(policy.Dangerous, "reads a folder of the server's")
		case t.Is("TO") && !table && k+1 < len(rest) && rest[k+1].Named():
			c, _ := sqltext.ChainAt(rest, k+1)
			r.table(c, true)
		case t.Is("AS") && table && k+1 < len(rest) && rest[k+1].Named() && t.Depth == 0:
			c, next := sqltext.ChainAt(rest, k+1)
			if next < len(rest) && rest[next].Sym("(") {
				r.tableFunction(c.Last())
			} else {
				r.table(c, false)
			}
			return
		}
	}
	r.named = table && r.tokens[0].Is("CREATE") && r.plain(rest)
}

// plain reports whether a definition is columns and an engine of its own: no value of
// it is computed from anything.
func (r *reading) plain(rest []sqltext.Token) bool {
	engine := false
	for _, t := range rest {
		if t.Is("DEFAULT", "MATERIALIZED", "ALIAS", "EPHEMERAL", "CLUSTER", "TTL", "CODEC", "CLONE", "COMMENT", "SETTINGS") {
			return false
		}
		engine = engine || t.Is("ENGINE")
	}
	return engine && !r.facts.Opaque
}

// engine judges ENGINE = name: one that is not on the list reaches elsewhere.
func (r *reading) engine(rest []sqltext.Token, own map[string]bool) {
	for k, t := range rest {
		if !t.Is("ENGINE") {
			continue
		}
		if k++; k < len(rest) && rest[k].Sym("=") {
			k++
		}
		if k == len(rest) || !rest[k].Named() {
			r.raise(policy.Unknown, "the engine is not understood")
			return
		}
		switch name := rest[k].Value; {
		case own[name]:
		case lists()["engine.view"][name]:
			r.facts.Opaque = true
			r.raise(policy.DDL, "the engine "+name+" shows other tables")
		default:
			r.facts.Opaque = true
			r.raise(policy.Dangerous, "the engine "+name+" reaches files or other servers, or is not known")
		}
		return
	}
}

// alter judges each command of ALTER TABLE by its first words.
func (r *reading) alter() {
	verb := r.verb()
	if w := r.at(1); w.Kind == sqltext.Word && accounts[strings.ToUpper(w.Text)] {
		r.raise(policy.Privilege, verb+" changes accounts and rights")
		return
	}
	r.facts.Opaque = true
	if !r.at(1).Is("TABLE") || !r.at(2).Named() {
		r.raise(policy.Unknown, verb+" is not known")
		return
	}
	c, i := r.chain(2)
	r.table(c, true)
	if r.at(i).Is("ON") && r.at(i+1).Is("CLUSTER") && r.at(i+2).Named() {
		i += 3
	}
	if r.at(i).Kind != sqltext.Word {
		r.raise(policy.Unknown, "the change is not understood")
		return
	}
	for i < len(r.tokens) {
		r.change(i)
		for i++; i < len(r.tokens) && !(r.at(i-1).Sym(",") && r.at(i-1).Depth == r.tokens[0].Depth && commands[strings.ToUpper(r.at(i).Text)]); i++ {
		}
	}
	r.body = r.tokens[2:]
}

// commands are first words of what ALTER TABLE does.
var commands = set("ADD DROP MODIFY COMMENT RENAME CLEAR DELETE UPDATE FREEZE UNFREEZE ATTACH DETACH REPLACE MOVE FETCH MATERIALIZE RESET REMOVE")

// expires reports whether the command at i is about a TTL, of the table or of a column.
func (r *reading) expires(i int) bool {
	for i++; i < len(r.tokens) && !(r.at(i).Sym(",") && r.at(i).Depth == 0); i++ {
		if r.at(i).Is("TTL") {
			return true
		}
	}
	return false
}

func (r *reading) change(i int) {
	t, n := r.at(i), r.at(i+1)
	word := strings.ToUpper(t.Text)
	switch {
	case t.Is("DELETE", "UPDATE"):
		r.destroys(policy.Write, "ALTER … "+word+" rewrites rows for good")
	case t.Is("DROP", "CLEAR", "DETACH"), t.Is("REPLACE") && n.Is("PARTITION"):
		r.destroys(policy.DDL, word+" loses data")
	case t.Is("ADD", "MODIFY", "MATERIALIZE") && r.expires(i):
		r.destroys(policy.DDL, "a TTL removes rows by their age")
	case t.Is("ADD", "MODIFY", "COMMENT", "RENAME", "FREEZE", "UNFREEZE", "MATERIALIZE", "RESET", "REMOVE", "ATTACH"), t.Is("MOVE") && n.Is("PARTITION", "PART"):
		r.raise(policy.DDL, "ALTER TABLE changes the table")
	default:
		r.raise(policy.Unknown, "ALTER TABLE … "+word+" is not known")
	}
	for k := i + 1; k < len(r.tokens); k++ { // ATTACH PARTITION … FROM t, MOVE … TO TABLE t
		if r.at(k).Is("FROM") && r.at(k+1).Named() || r.at(k-1).Is("TO") && r.at(k).Is("TABLE") && r.at(k+1).Named() {
			c, _ := r.chain(k + 1)
			r.table(c, r.at(k).Is("TABLE"))
		}
	}
}
