package lineage

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// looksUp reports whether a comparison is of a bare column with constants.
func (a *analyzer) looksUp(e *pg.A_Expr, sc *scope) bool {
	f := sc.frame()
	if op := names(e.GetName()); len(op) != 1 || op[0] != "=" || f != nil && f.given == nil {
		return false // within a function a parameter is no constant
	}
	l, r := e.GetLexpr(), e.GetRexpr()
	switch e.GetKind() {
	case pg.A_Expr_Kind_AEXPR_OP:
		if f.constant(l) {
			l, r = r, l
		}
	case pg.A_Expr_Kind_AEXPR_IN, pg.A_Expr_Kind_AEXPR_OP_ANY:
	default:
		return false
	}
	return l.GetColumnRef() != nil && f.constant(r) && a.expr(l, sc).direct
}

// argument is what EXECUTE gave for a parameter, nil where it is not known.
func (f *frame) argument(p *pg.ParamRef) *pg.Node {
	if k := int(p.GetNumber()); f != nil && k >= 1 && k <= len(f.given) {
		return f.given[k-1]
	}
	return nil
}

// constant reports whether an expression is made of literals and parameters.
func (f *frame) constant(n *pg.Node) bool {
	switch v := n.GetNode().(type) {
	case *pg.Node_AConst:
		return true
	case *pg.Node_ParamRef:
		if f == nil {
			return true
		}
		in := f.argument(v.ParamRef)
		return in != nil && (*frame)(nil).constant(in)
	case *pg.Node_TypeCast:
		return f.constant(v.TypeCast.GetArg())
	case *pg.Node_List:
		return f.constants(v.List.GetItems())
	case *pg.Node_AArrayExpr:
		return f.constants(v.AArrayExpr.GetElements())
	}
	return false
}

func (f *frame) constants(list []*pg.Node) bool {
	for _, n := range list {
		if !f.constant(n) {
			return false
		}
	}
	return true
}

// tries is how many values are compared with at most: a text may be written as an
// array, '{a,b}', and so may an argument of EXECUTE.
func (f *frame) tries(n *pg.Node) int {
	var list []*pg.Node
	switch v := n.GetNode().(type) {
	case *pg.Node_AConst:
		return 1 + strings.Count(v.AConst.GetSval().GetSval(), ",")
	case *pg.Node_ParamRef:
		if in := f.argument(v.ParamRef); in != nil {
			return (*frame)(nil).tries(in)
		}
		return 1
	case *pg.Node_TypeCast:
		return f.tries(v.TypeCast.GetArg())
	case *pg.Node_List:
		list = v.List.GetItems()
	case *pg.Node_AArrayExpr:
		list = v.AArrayExpr.GetElements()
	default:
		return 1
	}
	sum := 0
	for _, x := range list {
		sum += f.tries(x)
	}
	return sum
}
