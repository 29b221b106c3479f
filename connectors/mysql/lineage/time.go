package lineage

import "github.com/pingcap/tidb/pkg/parser/ast"

// A function that is called for some values alone takes its time for them alone, and
// a join of a table with itself makes seconds of that. How long one function takes
// for one value is not looked at.

// chooses notes that a value decides whether another is computed.
func (a *analyzer) chooses(by, what value) {
	if what.called {
		a.decides(by.src, "the time that it takes")
	}
}

// inOrder is computed of expressions of which each may make the next ones needless.
func (a *analyzer) inOrder(sc *scope, list ...ast.ExprNode) value {
	var before value
	var vs []value
	for _, e := range list {
		v := a.optional(e, sc)
		a.chooses(before, v)
		vs = append(vs, v)
		before = value{src: union(before.src, v.src)}
	}
	return a.computed(vs...)
}

// branches is a CASE.
func (a *analyzer) branches(n *ast.CaseExpr, sc *scope) value {
	by := a.optional(n.Value, sc)
	vs := []value{by}
	for k, w := range n.WhenClauses {
		when := a.expr(w.Expr, sc)
		if k > 0 {
			a.chooses(by, when)
		}
		by = value{src: union(by.src, when.src)}
		then := a.expr(w.Result, sc)
		a.chooses(by, then)
		vs = append(vs, when, then)
	}
	last := a.optional(n.ElseClause, sc)
	a.chooses(by, last)
	return a.computed(append(vs, last)...)
}

// choosing functions do not compute all of their arguments.
var choosing = map[string]bool{"if": true, "ifnull": true, "nvl": true, "nvl2": true, "coalesce": true, "nullif": true, "elt": true, "field": true, "interval": true}

// growing functions make as much as one of their arguments says, by its place.
var growing = map[string]int{"repeat": 1, "space": 0, "lpad": 1, "rpad": 1}
