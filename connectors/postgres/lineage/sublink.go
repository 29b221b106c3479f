package lineage

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// subLink is a subquery within an expression. It is run as far as is needed.
func (a *analyzer) subLink(s *pg.SubLink, sc *scope) value {
	a.operator(s.GetOperName())
	test := a.optional(s.GetTestexpr(), sc)
	q := s.GetSubselect().GetSelectStmt()
	cols := a.query(q, sc)
	var v value
	switch s.GetSubLinkType() {
	case pg.SubLinkType_EXISTS_SUBLINK:
	case pg.SubLinkType_EXPR_SUBLINK:
		if v = row(cols); len(cols) == 1 {
			a.subLinks[s] = cols[0].name
			v = cols[0].value
		}
	case pg.SubLinkType_ALL_SUBLINK, pg.SubLinkType_ANY_SUBLINK:
		// It is run until the answer is known.
		a.decides(test.src, "ANY or ALL")
		v = computed(test, all(cols))
		if v.loud {
			a.decides(v.src, "ANY or ALL")
		}
	case pg.SubLinkType_ROWCOMPARE_SUBLINK, pg.SubLinkType_MULTIEXPR_SUBLINK, pg.SubLinkType_ARRAY_SUBLINK:
		v = computed(test, all(cols))
	default:
		a.fail("a subquery of a kind that is not known")
	}
	v.loud, v.at = true, place{}
	if len(v.src) == 0 {
		v.size = huge // of however many rows
	}
	return v
}

// whole is what is made of everything within, by code that takes its time.
func (a *analyzer) whole(v value, what string) value {
	if v.big() {
		a.decides(v.src, "the size of "+what)
	}
	v.loud = true
	return v
}

// regexOps match with regular expressions.
var regexOps = words(`~ ~* !~ !~*`)

// similar is the pattern of SIMILAR TO, which the grammar hands to a function.
func similar(n *pg.Node) *pg.Node {
	if f := n.GetFuncCall(); len(f.GetArgs()) > 0 {
		return f.GetArgs()[0]
	}
	return n
}
