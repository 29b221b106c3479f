package sqlite

import (
	"slices"
	"strconv"
	"strings"
)

// condition is the WHERE of a statement that changes rows of a table, known by
// the names that its columns may be qualified with, in lower case.
type condition struct{ target []string }

// narrows reports whether a condition surely depends on the row and picks: every
// alternative of it compares a column with something that does not contain the
// same column. When in doubt it says no, and the statement counts as
// destructive. So it does for what only excludes (id <> 0, NOT IN, NOT LIKE) and
// for bounds that keys seldom cross (id > -1). neg is set within NOT.
func (c condition) narrows(toks []token, neg bool) bool {
	toks = unwrap(toks)
	if len(toks) == 0 {
		return false
	}
	// NOT (a AND b) is NOT a OR NOT b.
	alternatives := split(toks, func(t token) bool { return t.is("OR") })
	if len(alternatives) > 1 {
		if neg {
			return slices.ContainsFunc(alternatives, func(a []token) bool { return c.narrows(a, neg) })
		}
		return !covers(alternatives) && c.all(alternatives, neg)
	}
	if terms := conjuncts(toks); len(terms) > 1 {
		if neg {
			return c.all(terms, neg)
		}
		return slices.ContainsFunc(terms, func(a []token) bool { return c.narrows(a, neg) })
	}
	if toks[0].is("NOT") {
		return c.narrows(toks[1:], !neg)
	}
	return c.compares(toks, neg)
}

func (c condition) all(parts [][]token, neg bool) bool {
	return !slices.ContainsFunc(parts, func(p []token) bool { return !c.narrows(p, neg) })
}

// conjuncts cuts at AND, except at the one that belongs to BETWEEN.
func conjuncts(toks []token) [][]token {
	between := 0
	return split(toks, func(t token) bool {
		switch {
		case t.is("BETWEEN"):
			between++
		case t.is("AND") && between > 0:
			between--
		case t.is("AND"):
			return true
		}
		return false
	})
}

// unwrap removes parentheses around the whole.
func unwrap(toks []token) []token {
	for len(toks) >= 2 && toks[0].op("(") && closing(toks) == len(toks)-1 {
		toks = toks[1 : len(toks)-1]
	}
	return toks
}

// closing is the index of the parenthesis that closes toks[0], -1 if none does.
func closing(toks []token) int {
	depth := 0
	for i, t := range toks {
		switch {
		case t.op("("):
			depth++
		case t.op(")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// comparison is one comparison: left, operator, right.
type comparison struct {
	left, right []token
	op          string // in capitals; = for ==, <> for !=
	not         bool   // NOT LIKE, NOT IN, IS NOT
}

var operators = map[string]string{
	"=": "=", "==": "=", "!=": "<>", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
	"IS": "IS", "IN": "IN", "LIKE": "LIKE", "GLOB": "GLOB", "REGEXP": "REGEXP", "MATCH": "MATCH", "BETWEEN": "BETWEEN",
}

// comparisonOf finds the one comparison outside of parentheses.
func comparisonOf(toks []token) (k comparison, ok bool) {
	at, depth := -1, 0
	for i, t := range toks {
		switch {
		case t.op("("):
			depth++
		case t.op(")"):
			depth--
		case depth == 0 && (t.kind == tokenOther || t.kind == tokenWord) && operators[t.text] != "":
			if at >= 0 {
				return k, false
			}
			at = i
		}
	}
	if at < 0 {
		return k, false
	}
	k = comparison{left: toks[:at], right: toks[at+1:], op: operators[toks[at].text]}
	if n := len(k.left); n > 0 && k.left[n-1].is("NOT") {
		k.left, k.not = k.left[:n-1], true
	}
	if k.op == "IS" && len(k.right) > 0 && k.right[0].is("NOT") {
		k.right, k.not = k.right[1:], true
	}
	if k.op == "IS" && len(k.right) > 2 && k.right[0].is("DISTINCT") && k.right[1].is("FROM") {
		k.right, k.not = k.right[2:], !k.not
	}
	return k, len(k.left) > 0 && len(k.right) > 0
}

// compares judges what has neither AND nor OR outside of parentheses.
func (c condition) compares(toks []token, neg bool) bool {
	switch last := toks[len(toks)-1]; {
	case slices.ContainsFunc(toks, func(t token) bool { return t.is("CASE") }):
		return false
	case toks[0].is("EXISTS"):
		return !neg && c.looksAt(toks) && c.subquery(toks[1:])
	case last.is("ISNULL"):
		return !neg && len(columns(toks)) > 0
	case last.is("NOTNULL"), len(toks) > 1 && last.is("NULL") && toks[len(toks)-2].is("NOT"):
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
	if len(k.right) < 3 || !k.right[0].op("(") {
		return false
	}
	if k.right[1].is("SELECT") || k.right[1].is("WITH") {
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
func value(toks []token) (float64, bool) {
	toks = unwrap(toks)
	if len(toks) == 2 && toks[0].op("-") {
		v, ok := value(toks[1:])
		return -v, ok
	}
	if len(toks) != 1 || toks[0].kind != tokenLiteral && toks[0].kind != tokenString {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(toks[0].text, "_", ""), 64)
	return v, err == nil
}

// wide reports whether the ends of BETWEEN leave nothing out.
func wide(toks []token) bool {
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
func degenerate(toks []token) bool {
	for i, t := range toks {
		if !t.op("*") && !t.op("%") && !t.op("&") || i == 0 || i+1 == len(toks) {
			continue
		}
		l, okL := value(toks[i-1 : i])
		r, okR := value(toks[i+1 : i+2])
		if okR && (r == 0 || r == 1 && t.op("%")) || okL && l == 0 {
			return true
		}
	}
	return false
}

// everything reports whether a pattern matches every text.
func everything(k comparison) bool {
	return k.right[0].kind == tokenString &&
		(k.op == "LIKE" && strings.Trim(k.right[0].text, "%") == "" || k.op == "GLOB" && strings.Trim(k.right[0].text, "*") == "")
}

// fills gives the operators that together with one hold for every value.
var fills = map[string][]string{"=": {"<>"}, "<": {">=", ">", "<>"}, "<=": {">", ">="}, ">": {"<=", "<", "<>"}, ">=": {"<", "<="}}

// covers reports whether two alternatives together hold always.
func covers(alternatives [][]token) bool {
	for i, a := range alternatives {
		for _, b := range alternatives[i+1:] {
			if opposite(unwrap(a), unwrap(b)) || opposite(unwrap(b), unwrap(a)) {
				return true
			}
		}
	}
	return false
}

func opposite(a, b []token) bool {
	if len(b) > 1 && b[0].is("NOT") && alike(a, unwrap(b[1:])) {
		return true
	}
	x, ok1 := comparisonOf(a)
	y, ok2 := comparisonOf(b)
	return ok1 && ok2 && alike(x.left, y.left) && alike(x.right, y.right) &&
		(slices.Contains(fills[x.op], y.op) || x.op == y.op && x.not != y.not)
}

// alike compares texts as SQLite would read them.
func alike(a, b []token) bool {
	return slices.EqualFunc(unwrap(a), unwrap(b), func(x, y token) bool {
		name := func(t token) bool { return t.kind == tokenWord || t.kind == tokenName }
		return (x.kind == y.kind || name(x) && name(y)) && strings.EqualFold(x.text, y.text)
	})
}

func holds(toks []token, word string) bool {
	return slices.ContainsFunc(toks, func(t token) bool { return t.is(word) })
}

// apart reports whether there are columns, and none stands on both sides.
func apart(left, right []token) bool {
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
func (c condition) looksAt(toks []token) bool {
	for i, t := range toks {
		if (t.kind == tokenWord || t.kind == tokenName) && i+1 < len(toks) && toks[i+1].op(".") && slices.Contains(c.target, strings.ToLower(t.text)) {
			return true
		}
	}
	return false
}

// subquery reports whether "(SELECT ... WHERE ...)" has a condition that narrows.
func (c condition) subquery(toks []token) bool {
	toks = unwrap(toks)
	if len(toks) == 0 || !toks[0].is("SELECT") || holds(toks, "UNION") {
		return false
	}
	i := indexWord(toks, "WHERE")
	return i >= 0 && c.narrows(until(toks[i+1:], "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "EXCEPT", "INTERSECT"), false)
}
