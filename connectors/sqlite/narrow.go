package sqlite

import (
	"slices"
	"strings"
)

// narrows reports whether a condition surely depends on the row: every
// alternative of it compares a column with something that does not contain the
// same column. When in doubt it says no, and the statement counts as
// destructive. It cannot know that "id > -1" holds for all rows: that is for an
// estimate of the rows to tell.
func narrows(toks []token) bool {
	toks = unwrap(toks)
	if len(toks) == 0 {
		return false
	}
	if alternatives := split(toks, func(t token) bool { return t.is("OR") }); len(alternatives) > 1 {
		return all(alternatives, narrows)
	}
	if terms := conjuncts(toks); len(terms) > 1 {
		return slices.ContainsFunc(terms, narrows)
	}
	if toks[0].is("NOT") && (len(toks) < 2 || !toks[1].is("EXISTS")) {
		return negationNarrows(toks[1:])
	}
	return comparisonNarrows(toks)
}

// negationNarrows is for what follows NOT: there all parts must narrow, since
// not (a and b) is (not a or not b).
func negationNarrows(toks []token) bool {
	toks = unwrap(toks)
	for _, parts := range [][][]token{split(toks, func(t token) bool { return t.is("OR") }), conjuncts(toks)} {
		if len(parts) > 1 {
			return all(parts, negationNarrows)
		}
	}
	return narrows(toks)
}

func all(parts [][]token, ok func([]token) bool) bool {
	return !slices.ContainsFunc(parts, func(p []token) bool { return !ok(p) })
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

var comparisons = []string{"=", "==", "!=", "<>", "<", "<=", ">", ">="}

// comparisonNarrows judges one comparison.
func comparisonNarrows(toks []token) bool {
	if slices.ContainsFunc(toks, func(t token) bool { return t.is("CASE") }) {
		return false
	}
	if toks[len(toks)-1].is("ISNULL") {
		return len(columns(toks)) > 0
	}
	at, n := -1, 0
	depth := 0
	for i, t := range toks {
		switch {
		case t.op("("):
			depth++
		case t.op(")"):
			depth--
		case depth == 0 && compares(t):
			at, n = i, n+1
		}
	}
	if toks[0].is("EXISTS") || len(toks) > 1 && toks[0].is("NOT") && toks[1].is("EXISTS") {
		return subqueryNarrows(toks[slices.IndexFunc(toks, func(t token) bool { return t.is("EXISTS") })+1:])
	}
	if n != 1 {
		return false
	}
	left, right := toks[:at], toks[at+1:]
	if len(left) > 0 && left[len(left)-1].is("NOT") {
		left = left[:len(left)-1]
	}
	switch {
	case len(left) == 0 || len(right) == 0 || holds(left, "SELECT"):
		return false
	case toks[at].is("IS") && len(right) == 2 && right[0].is("NOT") && right[1].is("NULL"):
		return false
	case toks[at].is("IN"):
		if right[0].op("(") && len(right) > 1 && (right[1].is("SELECT") || right[1].is("WITH")) {
			return len(columns(left)) > 0 && subqueryNarrows(right)
		}
		return len(right) > 2 && right[0].op("(") && apart(left, right)
	case holds(right, "SELECT"), everything(toks[at], right):
		return false
	}
	return apart(left, right)
}

func compares(t token) bool {
	if t.kind == tokenOther {
		return slices.Contains(comparisons, t.text)
	}
	return t.kind == tokenWord && slices.Contains([]string{"IS", "IN", "LIKE", "GLOB", "REGEXP", "MATCH", "BETWEEN"}, t.text)
}

// everything reports whether a pattern matches every text.
func everything(op token, right []token) bool {
	return len(right) > 0 && right[0].kind == tokenString &&
		(op.is("LIKE") && strings.Trim(right[0].text, "%") == "" ||
			op.is("GLOB") && strings.Trim(right[0].text, "*") == "")
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

// subqueryNarrows reports whether "(SELECT ... WHERE ...)" has a condition that
// narrows.
func subqueryNarrows(toks []token) bool {
	toks = unwrap(toks)
	if len(toks) == 0 || !toks[0].is("SELECT") || holds(toks, "UNION") {
		return false
	}
	i := indexWord(toks, "WHERE")
	return i >= 0 && narrows(until(toks[i+1:], "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "EXCEPT", "INTERSECT"))
}
