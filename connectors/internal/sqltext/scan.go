package sqltext

import "strings"

// Chain is names with dots between them: a column, a table, a function.
type Chain struct {
	Parts []string
	// Quoted is set where any of them is.
	Quoted bool
	At     int
	Depth  int
}

// String is the chain as a text with dots.
func (c Chain) String() string { return strings.Join(c.Parts, ".") }

// Last is the last part.
func (c Chain) Last() string { return c.Parts[len(c.Parts)-1] }

// Call is a name before a bracket.
type Call struct {
	Chain
	// From and To are the tokens of its bracket.
	From, To int
}

// Source is what stands in a FROM list or after JOIN.
type Source struct {
	Chain
	Alias string
	// Function is set for a table function: a name before a bracket.
	Function bool
}

// Mentions are what a token list can name, whatever its grammar.
type Mentions struct {
	Calls  []Call
	Chains []Chain
	// Words are all words without quotes, in capitals.
	Words map[string]bool
	// Sources are the tables and table functions named by FROM and JOIN and, where a
	// dialect takes a table there, by IN.
	Sources []Source
	// Unread is set where a FROM list holds what is none of these, nor a subquery.
	Unread bool
	// Selects is how many times SELECT stands in it.
	Selects int
}

// noCall are words after which a bracket is no list of arguments.
var noCall = set("AND OR NOT IS LIKE ILIKE BETWEEN CASE WHEN THEN ELSE END SELECT DISTINCT ALL FROM WHERE BY HAVING ON USING AS UNION EXCEPT INTERSECT JOIN WITH VALUES OVER INTO PREWHERE LIMIT OFFSET SET TOP GROUP ORDER GLOBAL")

// Scan tells what a token list mentions: more than it names, never less.
func Scan(d Dialect, tokens []Token) Mentions {
	s := scan{d: &d, t: tokens, m: Mentions{Words: map[string]bool{}}}
	s.all()
	return s.m
}

func (s *scan) all() {
	for i, t := range s.t {
		if t.Kind == Word {
			s.m.Words[t.upper()] = true
		}
		switch {
		case t.Is("SELECT"):
			s.m.Selects++
		case t.Is("JOIN") && s.arrays(i):
		case t.Is("FROM", "JOIN"):
			s.sources(i + 1)
		case t.Is("IN") && s.d.InTables:
			s.in(i + 1)
		}
		if t.Named() && (i == 0 || !s.t[i-1].Sym(".")) {
			s.chain(i)
		}
	}
}

type scan struct {
	d *Dialect
	t []Token
	m Mentions
	// looked is how many tokens later has looked at.
	looked int
}

// at is the token, or none.
func at(t []Token, i int) Token {
	if i >= 0 && i < len(t) {
		return t[i]
	}
	return Token{Kind: Symbol}
}

// ChainAt reads the names with dots between them that begin at token i, which must be
// Named, and returns the token after them.
func ChainAt(t []Token, i int) (Chain, int) {
	c := Chain{At: t[i].At, Depth: t[i].Depth}
	for {
		c.Parts = append(c.Parts, t[i].Value)
		c.Quoted = c.Quoted || t[i].Kind == Name
		if !at(t, i+1).Sym(".") || !at(t, i+2).Named() {
			return c, i + 1
		}
		i += 2
	}
}

// closing is the token that closes the bracket at i.
func closing(t []Token, i int) int {
	for k := i + 1; k < len(t); k++ {
		if t[k].Depth == t[i].Depth {
			return k
		}
	}
	return len(t) - 1
}

func (s *scan) chain(i int) {
	c, next := ChainAt(s.t, i)
	if at(s.t, next).Sym("(") && s.calls(i, next) {
		s.m.Calls = append(s.m.Calls, Call{c, next, closing(s.t, next)})
	}
	s.m.Chains = append(s.m.Chains, c)
}

// calls reports whether the name at i, whose bracket is at next, may be a function.
func (s *scan) calls(i, next int) bool {
	t := s.t[i]
	switch {
	case t.Kind != Word || next > i+1:
		return true
	case t.Is("IN"):
		p := at(s.t, i-1) // the function in(a, b) stands where an operand does
		return !(p.Kind == Name || p.Kind == String || p.Kind == Number || p.Kind == Variable || p.Sym(")", "]") || p.Is("NOT", "GLOBAL") ||
			p.Kind == Word && !reserved[p.upper()])
	}
	return !noCall[t.upper()]
}

// sources reads what stands from i on as a FROM list.
func (s *scan) sources(i int) {
	for {
		t := at(s.t, i)
		switch {
		case t.Sym("("):
			s.m.Unread = s.m.Unread || !at(s.t, i+1).Is("SELECT", "WITH") && !at(s.t, i+1).Sym("(")
			i = closing(s.t, i) + 1
		case t.Named() && (t.Kind == Name || !s.d.reserves(t.upper())):
			c, next := ChainAt(s.t, i)
			src := Source{Chain: c}
			if at(s.t, next).Sym("(") {
				src.Function = true
				next = closing(s.t, next) + 1
			}
			s.m.Sources = append(s.m.Sources, src)
			i = next
		default:
			s.m.Unread = true
			return
		}
		i = s.alias(i)
		if !at(s.t, i).Sym(",") {
			break
		}
		i++
	}
	if t := at(s.t, i); i < len(s.t) && !t.Sym(")", ";") && !s.d.reserves(t.upper()) {
		s.m.Unread = true
	}
	s.later(i)
}

// endsFrom are words behind an operand after which no more tables of a FROM list come. A
// word that a server may take there for a name given to the operand is none of them.
var endsFrom = set("WHERE PREWHERE GROUP HAVING ORDER LIMIT UNION INTO SETTINGS FORMAT")

// later reads the tables that a comma adds to a FROM list behind what a join goes by, or
// behind SAMPLE, from i on. That of USING a, b adds one that may be none.
func (s *scan) later(i int) {
	if i >= len(s.t) || s.t[i].Sym(")") {
		return
	}
	depth := s.t[i].Depth
	for from := i; i < len(s.t) && s.t[i].Depth >= depth; i++ {
		t := s.t[i]
		s.looked++
		switch {
		case t.Depth > depth:
		case t.Sym(";"), t.Is("JOIN", "FROM"), (i == from || s.operand(i-1)) && s.ends(i): // a JOIN's are read by itself, and another FROM's
			return
		case t.Sym(","):
			s.sources(i + 1)
			return
		}
	}
}

func (s *scan) ends(i int) bool {
	t := s.t[i]
	return endsFrom[t.upper()] || s.d.Bare && t.Is("FOR", "OPTION") || t.Is("EXCEPT", "INTERSECT") && (at(s.t, i+1).Is("SELECT", "ALL", "DISTINCT") || at(s.t, i+1).Sym("("))
}

// operand reports whether one ends with the token at i.
func (s *scan) operand(i int) bool {
	t := at(s.t, i)
	if t.Kind != Word {
		return t.Kind != Symbol || t.Sym(")", "]")
	}
	return at(s.t, i-1).Sym(".") || t.Is("END", "NULL") || !s.d.reserves(t.upper()) && !s.d.operates(t.upper())
}

// arrays reports whether the JOIN at i is ARRAY JOIN, which names no tables. An operand
// called array may stand before another JOIN.
func (s *scan) arrays(i int) bool {
	if !s.d.Reserved["ARRAY"] || !at(s.t, i-1).Is("ARRAY") {
		return false
	}
	return s.operand(i-2) || at(s.t, i-2).Is("FINAL", "LEFT", "INNER")
}

// alias passes FINAL and a name given to a source.
func (s *scan) alias(i int) int {
	if s.d.Final && at(s.t, i).Is("FINAL") {
		i++
	}
	if at(s.t, i).Is("AS") {
		i++
	}
	if t := at(s.t, i); t.Kind == Name || t.Kind == Word && !s.d.reserves(t.upper()) {
		i++
	}
	if s.d.Final && at(s.t, i).Is("FINAL") {
		i++
	}
	return i
}

// in takes a name alone on the right of IN for a table, as ClickHouse does.
func (s *scan) in(i int) {
	for at(s.t, i).Sym("(") {
		i++
	}
	if t := at(s.t, i); !t.Named() || t.Is("NULL", "SELECT", "WITH") {
		return
	}
	c, next := ChainAt(s.t, i)
	if n := at(s.t, next); !n.Sym(",") || c.Depth == 0 {
		s.m.Sources = append(s.m.Sources, Source{Chain: c, Function: n.Sym("(")})
	}
}
