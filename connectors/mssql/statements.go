package mssql

import (
	"strings"

	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/policy"
)

// judge judges the one statement of the text by its first word.
func (r *reading) judge() {
	first := r.t[0]
	if first.Kind != sqltext.Word {
		r.unknown("the text begins with a name: that would call a procedure; write EXEC")
		return
	}
	verb := strings.ToUpper(first.Text)
	r.facts.Verb = verb
	switch verb {
	case "SELECT":
		r.followed, r.query = true, r.t
		r.region(0, len(r.t), false)
		r.followed = r.followed && r.facts.Class == policy.Read
	case "WITH":
		r.with()
	case "INSERT":
		r.insert()
	case "UPDATE":
		r.update()
	case "DELETE":
		r.delete()
	case "TRUNCATE":
		r.truncate()
	case "CREATE", "ALTER", "DROP":
		r.structure(verb)
	case "GRANT", "REVOKE", "DENY":
		r.rights()
	case "EXEC", "EXECUTE":
		r.execute()
	case "BEGIN", "COMMIT", "ROLLBACK", "SAVE":
		r.transaction(verb)
	case "SET":
		r.setting()
	case "BACKUP", "RESTORE", "DBCC", "SHUTDOWN", "KILL", "RECONFIGURE", "BULK":
		r.server(verb)
	default:
		switch {
		case sqltext.TSQL.Starters[verb]:
			r.unknown(verb + " is not run through the gate, or not understood")
		default:
			r.unknown("the text begins with a name: that would call a procedure; write EXEC")
		}
	}
}

// with finds the statement after common table expressions.
func (r *reading) with() {
	i := 1
	for {
		if !r.at(i).Named() {
			break
		}
		if i++; r.at(i).Sym("(") {
			i = r.closing(i) + 1
		}
		if !r.at(i).Is("AS") || !r.at(i+1).Sym("(") {
			break
		}
		if i = r.closing(i+1) + 1; !r.at(i).Sym(",") {
			break
		}
		i++
	}
	if !r.at(i).Is("SELECT") {
		r.unknown("a change by WITH is not understood")
		return
	}
	r.facts.Verb, r.followed = "SELECT", true
	r.region(0, len(r.t), false, i)
	r.followed = r.facts.Class == policy.Read
}

// top passes TOP (n).
func (r *reading) top(i int) int {
	if !r.at(i).Is("TOP") {
		return i
	}
	if !r.at(i + 1).Sym("(") {
		r.unknown("TOP is not understood")
		return i + 1
	}
	if i = r.closing(i+1) + 1; r.at(i).Is("PERCENT") {
		i++
	}
	return i
}

// targeted reads what a statement changes, with its hints.
func (r *reading) targeted(i int) int {
	if !r.at(i).Named() {
		r.unknown("what it changes is not understood")
		return len(r.t)
	}
	c, next := r.chain(i)
	r.target = c
	r.table(c, true)
	if r.at(next).Is("WITH") && r.at(next+1).Sym("(") {
		r.hints(next + 1)
		next = r.closing(next+1) + 1
	}
	return next
}

func (r *reading) insert() {
	r.raise(policy.Write, "")
	r.counts, r.followed = true, true
	i := r.top(1)
	if r.at(i).Is("INTO") {
		i++
	}
	rowset := r.at(i)
	i = r.targeted(i)
	if r.at(i).Sym("(") && !r.at(i+1).Is("SELECT") {
		if rowset.Kind == sqltext.Word && strings.HasPrefix(strings.ToUpper(rowset.Text), "OPEN") {
			r.unknown("it reaches another server by " + rowset.Text)
		}
		to := r.closing(i)
		for k := i + 1; k < to; k++ {
			switch t := r.t[k]; {
			case t.Named():
				r.assigned = append(r.assigned, t.Value)
			case !t.Sym(","):
				r.unknown("the list of columns is not understood")
			}
		}
		i = to + 1
	}
	switch t := r.at(i); {
	case t.Is("VALUES"):
		r.values(i + 1)
	case t.Is("DEFAULT") && r.at(i+1).Is("VALUES"):
		if i+2 < len(r.t) {
			r.another(i + 2)
		}
	case t.Is("SELECT"):
		r.copies("INSERT … SELECT")
		r.query = r.t[i:]
		r.region(i, len(r.t), false)
	case t.Is("EXEC", "EXECUTE"):
		r.facts.Opaque, r.followed = true, false
		r.copies("INSERT … EXEC")
		r.raise(policy.Dangerous, "EXEC runs a procedure, which may do anything")
	default:
		r.unknown("the INSERT is not understood")
	}
}

// values reads rows of constants and expressions.
func (r *reading) values(i int) {
	query := []sqltext.Token{{Kind: sqltext.Word, Text: "SELECT", Value: "SELECT"}}
	for rows := 0; ; rows++ {
		if !r.at(i).Sym("(") {
			r.unknown("VALUES is not understood")
			return
		}
		to := r.closing(i)
		r.region(i+1, to, false)
		if rows > 0 {
			query = append(query, sqltext.Token{Kind: sqltext.Symbol, Text: ",", Value: ","})
		}
		for _, t := range r.t[i+1 : to] {
			t.Depth--
			query = append(query, t)
		}
		switch i = to + 1; {
		case i == len(r.t):
			r.query = query
			return
		case !r.at(i).Sym(","):
			r.another(i)
			return
		}
		i++
	}
}

func (r *reading) update() {
	r.raise(policy.Write, "")
	r.counts, r.followed = true, true
	i := r.top(1)
	limited := i > 1
	i = r.targeted(i)
	if !r.at(i).Is("SET") {
		r.unknown("the UPDATE is not understood")
		return
	}
	set := i
	i++
	end := r.until(i, "FROM", "WHERE", "OPTION", "OUTPUT")
	query := []sqltext.Token{{Kind: sqltext.Word, Text: "SELECT", Value: "SELECT"}}
	for from := i; from < end; {
		to := from
		for to < end && !(r.t[to].Sym(",") && r.t[to].Depth == 0) {
			to++
		}
		c, next := r.chain(from)
		if !r.t[from].Named() || !r.at(next).Sym("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=") || next+1 >= to {
			r.unknown("what the UPDATE sets is not understood")
			return
		}
		r.assigned = append(r.assigned, c.Last())
		if len(query) > 1 {
			query = append(query, sqltext.Token{Kind: sqltext.Symbol, Text: ",", Value: ","})
		}
		if !r.at(next).Sym("=") { // a op= b is of a, too
			query = append(append(query, r.t[from:next]...), sqltext.Token{Kind: sqltext.Symbol, Text: "+", Value: "+"})
		}
		query = append(query, r.t[next+1:to]...)
		from = to + 1
	}
	r.region(set+1, len(r.t), true)
	r.conditioned(end, limited, query)
}

func (r *reading) delete() {
	r.raise(policy.Write, "")
	r.counts, r.followed = true, true
	i := r.top(1)
	limited := i > 1
	if r.at(i).Is("FROM") {
		i++
	}
	i = r.targeted(i)
	r.region(i, len(r.t), true)
	if i < len(r.t) && !r.at(i).Is("FROM", "WHERE", "OPTION", "OUTPUT") {
		r.another(i)
		return
	}
	one := sqltext.Token{Kind: sqltext.Number, Text: "1", Value: "1"}
	r.conditioned(i, limited, []sqltext.Token{{Kind: sqltext.Word, Text: "SELECT", Value: "SELECT"}, one})
}

// conditioned judges which rows a change is about, from the token on that ends what it
// does to them, and makes the query that it is traced by.
func (r *reading) conditioned(i int, limited bool, query []sqltext.Token) {
	where := r.until(i, "WHERE")
	end := r.until(where, "OPTION")
	switch {
	case where == len(r.t):
		r.destroys(r.facts.Verb + " without WHERE")
	case !bounded(r.t[where+1 : end]):
		r.destroys("the WHERE may hold for every row")
	}
	if limited {
		r.facts.Destructive = true
	}
	if where != i && i < len(r.t) && !r.at(i).Is("OPTION") {
		return // FROM: it is not traced
	}
	query = append(query, sqltext.Token{Kind: sqltext.Word, Text: "FROM", Value: "FROM"})
	for k, p := range r.target.Parts {
		if k > 0 {
			query = append(query, sqltext.Token{Kind: sqltext.Symbol, Text: ".", Value: "."})
		}
		query = append(query, sqltext.Token{Kind: sqltext.Name, Text: p, Value: p})
	}
	r.query = append(query, r.t[where:end]...)
}

// until is the first of the words outside of brackets from i on, or the end.
func (r *reading) until(i int, words ...string) int {
	for ; i < len(r.t); i++ {
		if r.t[i].Depth == 0 && r.t[i].Is(words...) && !r.at(i-1).Sym(".") {
			return i
		}
	}
	return len(r.t)
}

// bounded reports whether a condition holds for some rows only, as far as a text can
// tell: a column is compared with constants, by AND with whatever else, or each side
// of an OR is so.
func bounded(t []sqltext.Token) bool {
	if len(t) > 1 && t[0].Sym("(") {
		inner := 1
		for inner < len(t) && t[inner].Depth != t[0].Depth {
			inner++
		}
		if inner == len(t)-1 {
			return bounded(t[1:inner])
		}
	}
	if parts := parted(t, "OR"); len(parts) > 1 {
		for _, p := range parts {
			if !bounded(p) {
				return false
			}
		}
		return true
	}
	parts := parted(t, "AND")
	if len(parts) == 1 {
		return compared(t)
	}
	for _, p := range parts {
		if bounded(p) {
			return true
		}
	}
	return false
}

// parted cuts at a word outside of brackets. That of BETWEEN … AND cuts, too: then
// neither part is understood, and nothing is taken for bounded.
func parted(t []sqltext.Token, word string) (out [][]sqltext.Token) {
	from := 0
	for i, k := range t {
		if k.Is(word) && k.Depth == t[0].Depth {
			out, from = append(out, t[from:i]), i+1
		}
	}
	return append(out, t[from:])
}

// compared reports whether a column is compared with constants.
func compared(t []sqltext.Token) bool {
	i := 0
	for i < len(t) && (t[i].Named() && !t[i].Is("NOT", "EXISTS", "CASE") || t[i].Sym(".")) && !(i > 0 && t[i].Named() && t[i-1].Named()) {
		i++
	}
	rest := t[min(i, len(t)):]
	constant := func(k sqltext.Token) bool { return k.Kind == sqltext.Number || k.Kind == sqltext.String }
	switch {
	case i == 0 || len(rest) < 2:
		return false
	case rest[0].Sym("=", "<", ">", "<=", ">=") && len(rest) == 2:
		return constant(rest[1])
	case rest[0].Sym("=", "<", ">", "<=", ">=") && len(rest) == 3 && rest[1].Sym("-"):
		return rest[2].Kind == sqltext.Number
	}
	return listed(t)
}

// listed reports whether a column stands in a list of constants.
func listed(t []sqltext.Token) bool {
	i := len(t) - 1
	if !t[i].Sym(")") {
		return false
	}
	for i--; i > 0 && !t[i].Sym("("); i-- {
		if k := t[i]; k.Kind != sqltext.Number && k.Kind != sqltext.String && !k.Sym(",", "-") {
			return false
		}
	}
	if i < 2 || !t[i-1].Is("IN") {
		return false
	}
	for _, k := range t[:i-1] {
		if !k.Named() && !k.Sym(".") || k.Is("NOT") {
			return false
		}
	}
	return true
}
