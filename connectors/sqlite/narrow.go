package sqlite

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
)

// condition is the WHERE of a statement that changes rows of a table, known by
// the names that its columns may be qualified with, in lower case.
type condition struct{ target []string }

// narrows reports whether a condition surely depends on the row and picks: every
// alternative of it compares a column with something that does not contain the
// same column. When in doubt it says no, and the statement counts as
// destructive. So it does for what only excludes (id <> 0, NOT IN, NOT LIKE) and
// for bounds that keys seldom cross (id > -1). neg is set within NOT.
func (c condition) narrows(toks []syntax.Token, neg bool) bool {
	toks = unwrap(toks)
	if len(toks) == 0 {
		return false
	}
	// NOT (a AND b) is NOT a OR NOT b.
	alternatives := split(toks, func(t syntax.Token) bool { return t.Is("OR") })
	if len(alternatives) > 1 {
		if neg {
			return slices.ContainsFunc(alternatives, func(a []syntax.Token) bool { return c.narrows(a, neg) })
		}
		return !covers(alternatives) && c.all(alternatives, neg)
	}
	if terms := conjuncts(toks); len(terms) > 1 {
		if neg {
			return c.all(terms, neg)
		}
		return slices.ContainsFunc(terms, func(a []syntax.Token) bool { return c.narrows(a, neg) })
	}
	if toks[0].Is("NOT") {
		return c.narrows(toks[1:], !neg)
	}
	return c.compares(toks, neg)
}

func (c condition) all(parts [][]syntax.Token, neg bool) bool {
	return !slices.ContainsFunc(parts, func(p []syntax.Token) bool { return !c.narrows(p, neg) })
}

// conjuncts cuts at AND, except at the one that belongs to BETWEEN.
func conjuncts(toks []syntax.Token) [][]syntax.Token {
	between := 0
	return split(toks, func(t syntax.Token) bool {
		switch {
		case t.Is("BETWEEN"):
			between++
		case t.Is("AND") && between > 0:
			between--
		case t.Is("AND"):
			return true
		}
		return false
	})
}

// unwrap removes parentheses around the whole.
func unwrap(toks []syntax.Token) []syntax.Token {
	for len(toks) >= 2 && toks[0].Op("(") && closing(toks) == len(toks)-1 {
		toks = toks[1 : len(toks)-1]
	}
	return toks
}

// closing is the index of the parenthesis that closes toks[0], -1 if none does.
func closing(toks []syntax.Token) int {
	depth := 0
	for i, t := range toks {
		switch {
		case t.Op("("):
			depth++
		case t.Op(")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// comparison is one comparison: left, operator, right.
type comparison struct {
	left, right []syntax.Token
	op          string // in capitals; = for ==, <> for !=
	not         bool   // NOT LIKE, NOT IN, IS NOT
}

var operators = map[string]string{
	"=": "=", "==": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
	"IS": "IS", "IN": "IN", "LIKE": "LIKE", "GLOB": "GLOB", "REGEXP": "REGEXP", "MATCH": "MATCH", "BETWEEN": "BETWEEN",
}

// comparisonOf finds the one comparison outside of parentheses.
func comparisonOf(toks []syntax.Token) (k comparison, ok bool) {
	at, depth := -1, 0
	for i, t := range toks {
		switch {
		case t.Op("("):
			depth++
		case t.Op(")"):
			depth--
		case depth == 0 && (t.Kind == syntax.Other || t.Kind == syntax.Word) && operators[t.Text] != "":
			if at >= 0 {
				return k, false
			}
			at = i
		}
	}
	if at < 0 {
		return k, false
	}
	k = comparison{left: toks[:at], right: toks[at+1:], op: operators[toks[at].Text]}
	if n := len(k.left); n > 0 && k.left[n-1].Is("NOT") {
		k.left, k.not = k.left[:n-1], true
	}
	if k.op == "IS" && len(k.right) > 0 && k.right[0].Is("NOT") {
		k.right, k.not = k.right[1:], true
	}
	if k.op == "IS" && len(k.right) > 2 && k.right[0].Is("DISTINCT") && k.right[1].Is("FROM") {
		k.right, k.not = k.right[2:], !k.not
	}
	return k, len(k.left) > 0 && len(k.right) > 0
}

// compares judges what has neither AND nor OR outside of parentheses.
func (c condition) compares(toks []syntax.Token, neg bool) bool {
	switch last := toks[len(toks)-1]; {
	case slices.ContainsFunc(toks, func(t syntax.Token) bool { return t.Is("CASE") }):
		return false
	case toks[0].Is("EXISTS"):
		return !neg && c.looksAt(toks) && c.subquery(toks[1:])
	case last.Is("ISNULL"):
		return !neg && len(columns(toks)) > 0
	case last.Is("NOTNULL"), len(toks) > 1 && last.Is("NULL") && toks[len(toks)-2].Is("NOT"):
		return neg && len(columns(toks)) > 0
	}
	k, ok := comparisonOf(toks)
	if !ok || holds(k.left, "SELECT") || degenerate(k.left) || degenerate(k.right) {
		return false
	}
	excludes := k.not != neg
	switch k.op {
	case "IN":
		return !excludes && c.in(k)
	case "<>":
		return excludes && apart(k.left, k.right) && !holds(k.right, "SELECT")
	case "<", "<=", ">", ">=":
		return apart(k.left, k.right) && !holds(k.right, "SELECT") && !k.open(neg)
	case "LIKE", "GLOB":
		return !excludes && apart(k.left, k.right) && !holds(k.right, "SELECT") && !everything(k)
	case "BETWEEN":
		return !excludes && apart(k.left, k.right) && !holds(k.right, "SELECT") && !wide(k.right)
	}
	return !excludes && apart(k.left, k.right) && !holds(k.right, "SELECT")
}

func (c condition) in(k comparison) bool {
	if len(k.right) < 3 || !k.right[0].Op("(") {
		return false
	}
	if k.right[1].Is("SELECT") || k.right[1].Is("WITH") {
		return len(columns(k.left)) > 0 && c.subquery(k.right)
	}
	return apart(k.left, k.right)
}

// open reports whether a bound leaves nothing out: id > 0, 1e9 > id.
func (k comparison) open(neg bool) bool {
	up := (k.op == ">" || k.op == ">=") != neg
	if v, ok := value(k.right); ok {
		return up && v <= 0 || !up && v >= 1e9
	}
	if v, ok := value(k.left); ok {
		return up && v >= 1e9 || !up && v <= 0
	}
	return false
}

// value is a number, perhaps with a sign.
func value(toks []syntax.Token) (float64, bool) {
	toks = unwrap(toks)
	if len(toks) == 2 && toks[0].Op("-") {
		v, ok := value(toks[1:])
		return -v, ok
	}
	if len(toks) != 1 || toks[0].Kind != syntax.Literal && toks[0].Kind != syntax.String {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(toks[0].Text, "_", ""), 64)
	return v, err == nil
}

// wide reports whether the ends of BETWEEN leave nothing out.
func wide(toks []syntax.Token) bool {
	i := indexWord(toks, "AND")
	if i < 0 {
		return true
	}
	low, ok1 := value(toks[:i])
	high, ok2 := value(toks[i+1:])
	return ok1 && ok2 && low <= 0 && high >= 1e9
}

// degenerate reports whether an expression has a part that takes its value away:
// id * 0, id % 1, id & 0.
func degenerate(toks []syntax.Token) bool {
	for i, t := range toks {
		if !t.Op("*") && !t.Op("%") && !t.Op("&") || i == 0 || i+1 == len(toks) {
			continue
		}
		l, okL := value(toks[i-1 : i])
		r, okR := value(toks[i+1 : i+2])
		if okR && (r == 0 || r == 1 && t.Op("%")) || okL && l == 0 {
			return true
		}
	}
	return false
}

// everything reports whether a pattern matches every text.
func everything(k comparison) bool {
	return k.right[0].Kind == syntax.String &&
		(k.op == "LIKE" && strings.Trim(k.right[0].Text, "%") == "" || k.op == "GLOB" && strings.Trim(k.right[0].Text, "*") == "")
}

// fills gives the operators that together with one hold for every value.
var fills = map[string][]string{"=": {"<>"}, "<": {">=", ">", "<>"}, "<=": {">", ">="}, ">": {"<=", "<", "<>"}, ">=": {"<", "<="}}

// covers reports whether two alternatives together hold always.
func covers(alternatives [][]syntax.Token) bool {
	for i, a := range alternatives {
		for _, b := range alternatives[i+1:] {
			if opposite(unwrap(a), unwrap(b)) || opposite(unwrap(b), unwrap(a)) {
				return true
			}
		}
	}
	return false
}

func opposite(a, b []syntax.Token) bool {
	if len(b) > 1 && b[0].Is("NOT") && alike(a, unwrap(b[1:])) {
		return true
	}
	x, ok1 := comparisonOf(a)
	y, ok2 := comparisonOf(b)
	return ok1 && ok2 && alike(x.left, y.left) && alike(x.right, y.right) &&
		(slices.Contains(fills[x.op], y.op) || x.op == y.op && x.not != y.not)
}

// alike compares texts as SQLite would read them.
func alike(a, b []syntax.Token) bool {
	return slices.EqualFunc(unwrap(a), unwrap(b), func(x, y syntax.Token) bool {
		name := func(t syntax.Token) bool { return t.Kind == syntax.Word || t.Kind == syntax.Quoted }
		return (x.Kind == y.Kind || name(x) && name(y)) && strings.EqualFold(x.Text, y.Text)
	})
}

func holds(toks []syntax.Token, word string) bool {
	return slices.ContainsFunc(toks, func(t syntax.Token) bool { return t.Is(word) })
}

// apart reports whether there are columns, and none stands on both sides.
func apart(left, right []syntax.Token) bool {
	l, r := columns(left), columns(right)
	for c := range l {
		if r[c] {
			return false
		}
	}
	return len(l)+len(r) > 0
}

// looksAt reports whether a subquery names a column of the target, qualified:
// otherwise it is the same for every row.
func (c condition) looksAt(toks []syntax.Token) bool {
	for i, t := range toks {
		if (t.Kind == syntax.Word || t.Kind == syntax.Quoted) && i+1 < len(toks) && toks[i+1].Op(".") && slices.Contains(c.target, strings.ToLower(t.Text)) {
			return true
		}
	}
	return false
}

// subquery reports whether "(SELECT ... WHERE ...)" has a condition that narrows.
func (c condition) subquery(toks []syntax.Token) bool {
	toks = unwrap(toks)
	if len(toks) == 0 || !toks[0].Is("SELECT") || holds(toks, "UNION") {
		return false
	}
	i := indexWord(toks, "WHERE")
	return i >= 0 && c.narrows(until(toks[i+1:], "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "EXCEPT", "INTERSECT"), false)
}
