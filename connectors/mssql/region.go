package mssql

import (
	"strings"

	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/policy"
)

// region looks at the tokens from one on to another, whatever their grammar: which
// functions are called, which tables named, and whether another statement begins in
// it, for which T-SQL needs no semicolon. allowed are tokens that may be what would
// otherwise be refused, since the form of the statement has them there.
func (r *reading) region(from, to int, write bool, allowed ...int) {
	cases := 0
	for i := from; i < to; i++ {
		t := r.t[i]
		for _, a := range allowed {
			if a == i {
				t.Kind = sqltext.Symbol
			}
		}
		switch {
		case t.Kind == sqltext.Variable:
			if !globals[strings.ToUpper(t.Text)] {
				r.unknown("the variable " + t.Text + " is not followed")
			}
		case t.Sym("("):
			r.call(i)
		case t.Sym(".") && r.at(i-1).Sym("."):
			r.raise(policy.Dangerous, "a name with a part left out may be of another database")
			r.facts.Opaque = true
		case t.Is("CASE"):
			cases++
		case t.Is("END"):
			if cases--; cases < 0 {
				r.unknown("END ends nothing")
			}
		case t.Is("ELSE") && cases == 0:
			r.unknown("ELSE is not understood")
		case t.Kind == sqltext.Word:
			r.word(i, from)
		}
		if t.Named() && !r.at(i-1).Sym(".") {
			if c, _ := r.chain(i); len(c.Parts) > 3 {
				r.raise(policy.Dangerous, "a name of four parts is of another server")
				r.facts.Opaque = true
			}
		}
	}
	r.named(from, to, write)
}

// word judges a word that may begin a statement or change what the statement is.
func (r *reading) word(i, from int) {
	t, before := r.t[i], r.at(i-1)
	upper := strings.ToUpper(t.Text)
	switch {
	case t.Is("INTO"):
		r.raise(policy.Write, "its rows go into a table")
		r.copies("SELECT INTO")
		c, _ := r.chain(i + 1)
		r.table(c, true)
		r.raise(policy.Write, "SELECT INTO makes a table")
	case t.Is("VALUE") && before.Is("NEXT"):
		r.unknown("NEXT VALUE FOR moves a sequence, and nothing moves it back")
	case t.Is("WITH") && r.at(i+1).Sym("("):
		r.hints(i + 1)
	case t.Is("WITH") && r.at(i+1).Is("TIES", "ROLLUP", "CUBE"):
	case t.Is("WITH") && i > from:
		r.another(i)
	case t.Is("JOIN", "APPLY") && !r.listed(i):
		r.unknown("tables joined within a bracket are not understood")
	case t.Is("APPLY") && r.at(i+1).Named():
		if _, next := r.chain(i + 1); !r.at(next).Sym("(") {
			r.unknown("APPLY of a table is not understood")
		}
	case t.Is("CURRENT") && r.at(i+1).Is("OF"):
		r.unknown("a cursor is not followed")
	case t.Is("OUTPUT"):
		r.unknown("OUTPUT is not understood")
	case t.Is("SELECT"):
		if i == from || before.Sym("(") || before.Is("UNION", "EXCEPT", "INTERSECT") || before.Is("ALL") && r.at(i-2).Is("UNION") {
			return
		}
		r.another(i)
	case t.Is("FETCH") && r.at(i+1).Is("NEXT", "FIRST") && before.Is("ROW", "ROWS"):
	case contextual[upper] && (t.Depth > 0 || before.Sym(".", ",") || before.Is("AS")):
	case sqltext.TSQL.Starters[upper] && i > from, others[upper] && t.Depth == 0 && !before.Sym(".", ",") && !before.Is("AS", "SELECT"):
		r.another(i)
	}
}

// listed reports whether a FROM stands before the word, in the same bracket.
func (r *reading) listed(i int) bool {
	for k := i - 1; k >= 0 && r.t[k].Depth >= r.t[i].Depth; k-- {
		if r.t[k].Depth == r.t[i].Depth && r.t[k].Is("FROM") {
			return true
		}
	}
	return false
}

// another is a word at which a second statement may begin.
func (r *reading) another(i int) {
	r.losing(r.t[i:])
	r.facts.Statements = 2
	r.unknown(several + ": another may begin at " + strings.ToUpper(r.t[i].Text))
}

// call judges the name before a bracket.
func (r *reading) call(i int) {
	t, before := r.at(i-1), r.at(i-2)
	switch {
	case i == 0 || !t.Named():
		return
	case before.Sym("."):
		c, _ := r.chain(r.head(i - 1))
		r.function(c.String())
		r.unknown("the function " + c.String() + " may do anything")
	case t.Kind == sqltext.Word && grammar[strings.ToUpper(t.Text)]:
	case t.Kind == sqltext.Word && harmless()[strings.ToLower(t.Text)]:
		r.function(strings.ToLower(t.Text))
	case r.at(r.closing(i)+1).Is("AS") && r.at(r.closing(i)+2).Sym("(") && (before.Is("WITH") || before.Sym(",")):
		// a common table expression with names of its columns
	default:
		r.function(strings.ToLower(t.Value))
		r.unknown("what " + t.Value + "(…) does is not known")
	}
}

// head is the first token of the chain that the one at i belongs to.
func (r *reading) head(i int) int {
	for i > 0 && (r.at(i-1).Sym(".") || r.at(i).Sym(".") && r.at(i-1).Named()) {
		i--
	}
	return i
}

func (r *reading) function(name string) {
	for _, f := range r.facts.Functions {
		if f == name {
			return
		}
	}
	r.facts.Functions = append(r.facts.Functions, name)
}

// hints judges those of a table, in their bracket.
func (r *reading) hints(open int) {
	for i := open + 1; i < r.closing(open); i++ {
		t := r.t[i]
		switch upper := strings.ToUpper(t.Text); {
		case t.Sym(",", "(", ")", "="), t.Kind == sqltext.Number, t.Kind == sqltext.Name:
		case r.at(i-1).Sym("(", "=") && i > open+1: // an index's name
		case t.Kind == sqltext.Word && looks[upper]:
		case t.Kind == sqltext.Word && locks[upper]:
			r.raise(policy.Write, "the hint "+upper+" takes locks")
		default:
			r.unknown("the hint " + t.Text + " is not understood")
		}
	}
}

// named adds the tables that FROM and JOIN name.
func (r *reading) named(from, to int, write bool) {
	m := sqltext.Scan(sqltext.TSQL, r.t[from:to])
	// The names of WITH, from where they are given: before that, and in another case,
	// the same name is a table's.
	own := map[string]int{}
	for i := from; i < to; i++ {
		if t := r.t[i]; t.Named() && (r.at(i-1).Is("WITH") || r.at(i-1).Sym(",")) {
			next := i + 1
			if r.at(next).Sym("(") {
				next = r.closing(next) + 1
			}
			if r.at(next).Is("AS") && r.at(next+1).Sym("(") && r.at(next+2).Is("SELECT") {
				own[t.Value] = t.At
			}
		}
	}
	for _, s := range m.Sources {
		from, given := own[s.Last()]
		switch {
		case s.Function:
			r.facts.Opaque = true
		case len(s.Parts) == 1 && given && s.At > from:
		default:
			r.table(s.Chain, write)
		}
	}
	if m.Unread {
		r.unknown("what stands in FROM is not understood")
	}
}
