package mssql

import (
	"strings"

	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/policy"
)

func (r *reading) truncate() {
	r.facts.Verb, r.followed = "TRUNCATE TABLE", true
	if !r.at(1).Is("TABLE") || !r.at(2).Named() {
		r.unknown("the TRUNCATE is not understood")
		return
	}
	c, next := r.chain(2)
	r.table(c, true)
	r.raise(policy.DDL, "TRUNCATE empties the table")
	r.facts.Destructive = true
	if next < len(r.t) {
		r.another(next)
	}
}

// objects are what CREATE, ALTER and DROP are of.
var objects = map[string]policy.Class{
	"TABLE": policy.DDL, "VIEW": policy.DDL, "INDEX": policy.DDL, "SCHEMA": policy.DDL, "SEQUENCE": policy.DDL, "SYNONYM": policy.DDL, "TYPE": policy.DDL, "STATISTICS": policy.DDL,
	"PROCEDURE": policy.Dangerous, "PROC": policy.Dangerous, "FUNCTION": policy.Dangerous, "TRIGGER": policy.Dangerous, "ASSEMBLY": policy.Dangerous, "DATABASE": policy.Dangerous, "EXTERNAL": policy.Dangerous,
	"LOGIN": policy.Privilege, "USER": policy.Privilege, "ROLE": policy.Privilege, "SERVER": policy.Dangerous, "APPLICATION": policy.Privilege, "AUTHORIZATION": policy.Privilege, "CREDENTIAL": policy.Privilege,
	"CERTIFICATE": policy.Privilege, "SYMMETRIC": policy.Privilege, "ASYMMETRIC": policy.Privilege, "MASTER": policy.Privilege, "ENDPOINT": policy.Dangerous,
}

// bodies are those whose text goes on to its end, whatever is in it.
var bodies = set("PROCEDURE PROC FUNCTION TRIGGER")

// structure judges CREATE, ALTER and DROP.
func (r *reading) structure(verb string) {
	i := 1
	for r.at(i).Is("OR", "ALTER", "UNIQUE", "CLUSTERED", "NONCLUSTERED") && verb == "CREATE" {
		i++
	}
	word := strings.ToUpper(r.at(i).Text)
	class, ok := objects[word]
	if !ok || r.at(i).Kind != sqltext.Word {
		r.unknown(verb + " of that is not understood")
		return
	}
	r.facts.Verb = verb + " " + word
	why := r.facts.Verb + " changes what there is"
	switch {
	case bodies[word] && verb != "DROP":
		why = "it holds code, which may do anything"
	case class == policy.Privilege:
		why = r.facts.Verb + " changes who may do what"
	case class == policy.Dangerous:
		why = r.facts.Verb + " reaches beyond tables"
	}
	r.raise(class, why)
	r.facts.Destructive = verb == "DROP"
	r.followed = class == policy.DDL
	r.facts.Opaque = class == policy.Dangerous
	if bodies[word] && verb != "DROP" {
		return
	}
	r.definition(verb, word, i+1)
}

// definition looks at the rest of one that is no body, for another statement in it.
func (r *reading) definition(verb, word string, i int) {
	if r.at(i).Is("IF") && r.at(i+1).Is("EXISTS") {
		i += 2
	}
	if word == "TABLE" || word == "VIEW" {
		for verb == "DROP" && r.at(i).Named() {
			c, next := r.chain(i)
			r.table(c, true)
			if i = next; !r.at(i).Sym(",") {
				break
			}
			i++
		}
		if verb != "DROP" && r.at(i).Named() {
			c, next := r.chain(i)
			r.table(c, true)
			i = next
		}
	}
	for verb == "DROP" && (word == "INDEX" || word == "STATISTICS") && r.at(i).Named() { // table.index, as one wrote it before ON
		c, next := r.chain(i)
		if n := len(c.Parts); n > 1 {
			c.Parts = c.Parts[:n-1]
			r.table(c, true)
		}
		if i = next; !r.at(i).Sym(",") {
			break
		}
		i++
	}
	r.about(i)
	switch {
	case verb == "CREATE" && word == "VIEW":
		r.view(i)
		return
	case verb == "ALTER" && word == "TABLE":
		i = r.alteration(i)
	case verb == "ALTER" && word == "VIEW":
		r.unknown("ALTER VIEW is not understood")
		return
	}
	r.tail(i)
}

// about adds the tables that a definition is about: what an index is on, a key refers to,
// a synonym stands for, or a schema is to have. It may add what is none (a filegroup).
func (r *reading) about(i int) {
	for ; i < len(r.t); i++ {
		if r.at(i-1).Is("ON", "REFERENCES", "FOR", "TRANSFER") && !r.at(i-2).Sym(".") && r.at(i).Named() && !r.at(i).Is("DELETE", "UPDATE") {
			c, _ := r.chain(i)
			r.table(c, true)
		}
	}
}

// view judges the query of a CREATE VIEW.
func (r *reading) view(i int) {
	if r.at(i).Sym("(") {
		i = r.closing(i) + 1
	}
	if !r.at(i).Is("AS") || !r.at(i+1).Is("SELECT") {
		r.unknown("the view is not understood")
		return
	}
	r.copies("CREATE VIEW")
	r.region(i+1, len(r.t), false)
}

// alteration passes what an ALTER TABLE does.
func (r *reading) alteration(i int) int {
	switch t := r.at(i); {
	case t.Is("ADD"):
		return i + 1
	case t.Is("DROP"):
		r.facts.Destructive = true
		return i + 1
	case t.Is("ALTER") && r.at(i+1).Is("COLUMN"):
		r.facts.Destructive = true // a shorter type cuts values off
		return i + 2
	}
	r.unknown("what the ALTER TABLE does is not understood")
	return len(r.t)
}

// tail looks for another statement in what is left of one.
func (r *reading) tail(i int) {
	for ; i < len(r.t); i++ {
		t, before := r.t[i], r.at(i-1)
		upper := strings.ToUpper(t.Text)
		switch {
		case t.Sym("(") && r.at(i-1).Sym("."):
			r.unknown("a call is not understood")
		case t.Kind != sqltext.Word || !sqltext.TSQL.Starters[upper]:
			r.tailCall(i)
		case t.Is("DELETE", "UPDATE") && before.Is("ON"), t.Is("SET") && r.at(i+1).Is("NULL", "DEFAULT") && r.at(i-2).Is("ON"):
		case t.Is("ADD") && before.Kind != sqltext.Symbol && r.facts.Class == policy.Privilege:
		case r.facts.Class == policy.Dangerous && t.Is("SET"):
		default:
			r.another(i)
			return
		}
	}
}

// tailCall judges a default or a computed column's function: it runs later, whoever
// changes the table.
func (r *reading) tailCall(i int) {
	if !r.t[i].Sym("(") || r.facts.Class != policy.DDL {
		return
	}
	if r.at(i-2).Sym(".") && r.at(i-1).Named() && !r.nameOfTable(i-1) {
		r.unknown("the function before a bracket may do anything")
	}
}

// nameOfTable reports whether the chain that ends at i stands where a table's name
// does.
func (r *reading) nameOfTable(i int) bool {
	h := r.head(i)
	return r.at(h-1).Is("TABLE", "ON", "REFERENCES", "INDEX")
}

// rights judges GRANT, REVOKE and DENY: rights have the names of statements, up to what
// they are on or for.
func (r *reading) rights() {
	r.followed = true
	r.raise(policy.Privilege, r.facts.Verb+" changes who may do what")
	i := r.until(1, "ON", "TO", "FROM")
	if i == len(r.t) {
		r.unknown("the " + r.facts.Verb + " is not understood")
		return
	}
	if r.at(i).Is("ON") {
		c, next := r.chain(i + 1)
		r.table(c, false)
		i = next - 1
	}
	for i++; i < len(r.t); i++ {
		t := r.t[i]
		if t.Kind != sqltext.Word || !sqltext.TSQL.Starters[strings.ToUpper(t.Text)] || t.Is("GRANT") && r.at(i-1).Is("WITH") && r.at(i+1).Is("OPTION") {
			continue
		}
		r.another(i)
		return
	}
}

// execute judges EXEC. What comes after it may be its arguments or another statement.
func (r *reading) execute() {
	r.facts.Verb, r.facts.Opaque = "EXEC", true
	r.copies("EXEC")
	r.losing(r.t)
	r.raise(policy.Dangerous, "EXEC runs a procedure or a text, which may do anything")
}

// transaction judges what is about the requester's own.
func (r *reading) transaction(verb string) {
	i := 1
	switch {
	case r.at(i).Is("TRAN", "TRANSACTION"), verb != "BEGIN" && verb != "SAVE" && r.at(i).Is("WORK"):
		i++
	case verb == "BEGIN" || verb == "SAVE":
		r.unknown(verb + " of that is not understood")
		return
	}
	if r.at(i).Named() && !sqltext.TSQL.Starters[strings.ToUpper(r.at(i).Text)] {
		i++
	}
	if i < len(r.t) {
		r.another(i)
		return
	}
	r.control, r.followed = true, true
}

// settings are those that change nothing in how a text is read or run.
var settings = set("NOCOUNT DATEFIRST DATEFORMAT LANGUAGE")

func (r *reading) setting() {
	n := len(r.t)
	switch {
	case n == 3 && settings[strings.ToUpper(r.t[1].Text)] && r.t[2].Kind != sqltext.Variable:
	case r.at(1).Is("TRANSACTION") && r.at(2).Is("ISOLATION") && r.at(3).Is("LEVEL"):
		last := n == 6 && (r.at(4).Is("READ") && r.at(5).Is("UNCOMMITTED", "COMMITTED") || r.at(4).Is("REPEATABLE") && r.at(5).Is("READ"))
		if !last && !(n == 5 && r.at(4).Is("SNAPSHOT", "SERIALIZABLE")) {
			r.another(min(n-1, 5))
			return
		}
	case n > 3 && settings[strings.ToUpper(r.t[1].Text)]:
		r.another(3)
		return
	default:
		r.unknown("the session's settings are the gate's")
		return
	}
	r.control, r.followed = true, true
}

func (r *reading) server(verb string) {
	r.facts.Opaque = true
	r.losing(r.t[:1])
	r.raise(policy.Dangerous, verb+" is about the server, not its tables")
	if verb == "BULK" {
		r.unknown("files of the server are not read through the gate")
	}
	for i := 1; i < len(r.t); i++ {
		if t := r.t[i]; t.Depth == 0 && t.Is("SELECT", "INSERT", "DELETE", "UPDATE", "DROP", "EXEC", "EXECUTE", "TRUNCATE", "CREATE", "ALTER", "GRANT") {
			r.another(i)
			return
		}
	}
}
