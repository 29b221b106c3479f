package lineage

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	tidb "github.com/pingcap/tidb/pkg/parser/mysql"
	"github.com/pingcap/tidb/pkg/parser/opcode"
)

// optional is expr for what may be missing.
func (a *analyzer) optional(e ast.ExprNode, sc *scope) value {
	if e == nil {
		return value{direct: true}
	}
	return a.expr(e, sc)
}

// each is computed of several expressions.
func (a *analyzer) each(sc *scope, list ...ast.ExprNode) value {
	var vs []value
	for _, e := range list {
		vs = append(vs, a.optional(e, sc))
	}
	return a.computed(vs...)
}

// expr traces an expression. A kind that is not listed is not understood.
func (a *analyzer) expr(e ast.ExprNode, sc *scope) value {
	if !a.enter() {
		return value{}
	}
	defer a.leave()
	switch n := e.(type) {
	case *ast.ColumnNameExpr:
		return a.reference(n.Name, sc)
	case *ast.ParenthesesExpr:
		return a.expr(n.Expr, sc)
	case ast.ParamMarkerExpr:
		a.fail("a placeholder, for which there is no value")
		return value{}
	case ast.ValueExpr:
		return value{direct: true}
	case *ast.VariableExpr:
		return a.variable(n, sc)
	case *ast.BinaryOperationExpr:
		return a.binary(n, sc)
	case *ast.UnaryOperationExpr:
		v := a.each(sc, n.V)
		if n.Op == opcode.Minus {
			return a.partial(v, "an error of -")
		}
		return v
	case *ast.FuncCallExpr:
		return a.call(n, sc)
	case *ast.FuncCastExpr:
		v := a.each(sc, n.Expr)
		if t := n.Tp.GetType(); t == tidb.TypeJSON || t == tidb.TypeGeometry || n.Tp.IsArray() {
			return a.partial(v, "an error of CAST")
		}
		return v // in a statement that reads, what cannot be cast is a warning
	case *ast.AggregateFuncExpr:
		return a.aggregate(n, sc)
	case *ast.WindowFuncExpr:
		return a.windowed(n, sc)
	}
	return a.condense(e, sc)
}

// condense traces what is computed of its parts and nothing else.
func (a *analyzer) condense(e ast.ExprNode, sc *scope) value {
	switch n := e.(type) {
	case *ast.BetweenExpr:
		return a.each(sc, n.Expr, n.Left, n.Right)
	case *ast.IsNullExpr:
		return a.each(sc, n.Expr)
	case *ast.IsTruthExpr:
		return a.each(sc, n.Expr)
	case *ast.PatternLikeOrIlikeExpr:
		return a.each(sc, n.Expr, n.Pattern)
	case *ast.PatternRegexpExpr:
		return a.partial(a.each(sc, n.Expr, n.Pattern), "an error of REGEXP")
	case *ast.SetCollationExpr:
		return a.each(sc, n.Expr)
	case *ast.RowExpr:
		return a.each(sc, n.Values...)
	case *ast.CaseExpr:
		return a.branches(n, sc)
	case *ast.PatternInExpr:
		if n.Sel == nil {
			return a.inOrder(sc, append([]ast.ExprNode{n.Expr}, n.List...)...)
		}
		return a.membership(a.expr(n.Expr, sc), n.Sel, sc)
	case *ast.CompareSubqueryExpr:
		return a.membership(a.expr(n.L, sc), n.R, sc)
	case *ast.ExistsSubqueryExpr:
		if s, ok := n.Sel.(*ast.SubqueryExpr); ok {
			defer a.enterPart(predicate)()
			a.query(s.Query, sc)
			return value{mayFail: true}
		}
	case *ast.SubqueryExpr:
		return a.scalar(n, sc)
	case *ast.DefaultExpr:
		if n.Name == nil {
			return value{direct: true}
		}
		a.reference(n.Name, sc) // the default is in the table's definition
		v := value{src: a.defaults(n.Name, sc)}
		return a.partial(v, "an error of DEFAULT")
	case *ast.ValuesExpr:
		return a.reference(n.Column.Name, &scope{items: sc.given(), outer: sc})
	case *ast.MatchAgainst:
		var vs []value
		for _, c := range n.ColumnNames {
			vs = append(vs, a.reference(c, sc))
		}
		return a.partial(a.computed(append(vs, a.expr(n.Against, sc))...), "MATCH")
	case *ast.TrimDirectionExpr, *ast.TimeUnitExpr, *ast.GetFormatSelectorExpr, *ast.MaxValueExpr:
		return value{direct: true}
	case *ast.PositionExpr:
		a.fail("a number of a column where there is none")
		return value{}
	}
	a.fail("an expression of a kind that is not known")
	return value{}
}

// given are the items of VALUES() in ON DUPLICATE KEY UPDATE.
func (s *scope) given() []*item {
	for ; s != nil; s = s.outer {
		for _, i := range s.items {
			if i.name == excluded {
				return []*item{i}
			}
		}
	}
	return nil
}

// excluded names what ON DUPLICATE KEY UPDATE would have inserted; no table can.
const excluded = "\x00given"

// partial is a value whose making may fail for some of what it is made of.
func (a *analyzer) partial(v value, why string) value {
	a.decides(v.src, why)
	v.mayFail = true
	return v
}

// scalar is a subquery as a value: there may be too many rows.
func (a *analyzer) scalar(n *ast.SubqueryExpr, sc *scope) value {
	defer a.enterPart(predicate)()
	cols := a.query(n.Query, sc)
	if len(cols) == 1 {
		v := cols[0].value
		v.mayFail = true
		return v
	}
	return value{src: all(cols), mayFail: true}
}

// membership is a comparison with a subquery's rows. The server may turn it into a
// join, so that it decides the order of rows, too.
func (a *analyzer) membership(v value, q ast.ExprNode, sc *scope) value {
	s, ok := q.(*ast.SubqueryExpr)
	if !ok {
		a.fail("a comparison with a subquery is not understood")
		return value{}
	}
	defer a.enterPart(predicate)()
	cols := a.query(s.Query, sc)
	return a.computed(v, value{src: all(cols), mayFail: true})
}

// variable is a variable of the session: what is put into it leaves the statement.
func (a *analyzer) variable(n *ast.VariableExpr, sc *scope) value {
	name := fold(strings.TrimPrefix(n.Name, "@@"))
	if n.Value != nil {
		v := a.expr(n.Value, sc)
		a.writesTo("the variable @"+n.Name, nil, v.src)
		return value{src: v.src, mayFail: true}
	}
	if n.IsSystem && (name == "warning_count" || name == "error_count") {
		a.fail("the variable " + name + " tells of the statement before")
	}
	return value{direct: true}
}

func (a *analyzer) binary(n *ast.BinaryOperationExpr, sc *scope) value {
	l, r := a.expr(n.L, sc), a.expr(n.R, sc)
	v := a.computed(l, r)
	switch n.Op {
	case opcode.LogicAnd, opcode.LogicOr:
		a.chooses(l, r)
		a.chooses(r, l) // the server begins with whichever it likes
		return v
	case opcode.LogicXor, opcode.EQ, opcode.NE, opcode.NullEQ, opcode.LT, opcode.LE, opcode.GT, opcode.GE,
		opcode.LeftShift, opcode.RightShift:
		return v
	}
	return a.partial(v, "an error of "+n.Op.String()) // an overflow, or bytes of two lengths
}

// FunctionName is what a function is called, in lower case. The parser has names of
// its own for what DATE '2024-05-01' and the like are.
func FunctionName(n *ast.FuncCallExpr) string { return strings.TrimPrefix(n.FnName.L, "'tidb`.(") }

// call traces a function of the server.
func (a *analyzer) call(n *ast.FuncCallExpr, sc *scope) value {
	name := FunctionName(n)
	if n.Schema.L != "" {
		a.fail("the function " + n.Schema.O + "." + n.FnName.O + " is not understood")
		return value{}
	}
	var v value
	if choosing[name] {
		v = a.inOrder(sc, n.Args...)
	} else {
		v = a.each(sc, n.Args...)
	}
	v.called = true
	if k, ok := growing[name]; ok && k < len(n.Args) { // how much it makes
		a.decides(a.expr(n.Args[k], sc).src, "the time that "+name+" takes")
	}
	switch a.cat.Function(name) {
	case Total:
		return value{src: v.src, mayFail: v.mayFail, called: true}
	case Partial:
		return a.partial(v, "an error of "+name)
	}
	a.fail("the function " + n.FnName.O + " is not understood")
	return value{}
}

// aggregate traces an aggregate. In what order it takes rows shows in its value.
func (a *analyzer) aggregate(n *ast.AggregateFuncExpr, sc *scope) value {
	vs := []value{a.each(sc, n.Args...)}
	if n.Order != nil {
		for _, i := range n.Order.Items {
			if _, ok := i.Expr.(*ast.PositionExpr); ok {
				continue // one of the arguments
			}
			vs = append(vs, a.expr(i.Expr, sc))
		}
	}
	v := a.computed(vs...)
	switch a.cat.Function(fold(n.F)) {
	case Total:
		return value{src: v.src, mayFail: v.mayFail}
	case Partial:
		return a.partial(v, "an error of "+n.F)
	}
	a.fail("the function " + n.F + " is not understood")
	return value{}
}

func (a *analyzer) windowed(n *ast.WindowFuncExpr, sc *scope) value {
	v := a.computed(a.each(sc, n.Args...), value{src: a.window(&n.Spec, sc).src})
	switch a.cat.Function(fold(n.Name)) {
	case Total:
		return value{src: v.src, mayFail: v.mayFail}
	case Partial:
		return a.partial(v, "an error of "+n.Name)
	}
	a.fail("the function " + n.Name + " is not understood")
	return value{}
}

// condition notes which columns a condition decides by. Comparisons of bare columns
// with constants are told from all else.
func (a *analyzer) condition(e ast.ExprNode, sc *scope, clause string) {
	if !a.enter() {
		return
	}
	defer a.leave()
	e = unwrap(e)
	if b, ok := e.(*ast.BinaryOperationExpr); ok && (b.Op == opcode.LogicAnd || b.Op == opcode.LogicOr) {
		if b.Op == opcode.LogicOr {
			a.alternatives++
			defer func() { a.alternatives-- }()
		}
		a.condition(b.L, sc, clause)
		a.condition(b.R, sc, clause)
		return
	}
	if n := tries(e); n > 0 { // texts are not converted, so that this cannot fail
		v := a.expr(compared(e), sc)
		a.tests(v.src)
		a.fixes(e, sc)
		if v.direct {
			a.decidesEqual(v.src, clause, n)
		} else { // the name of something computed
			a.decides(v.src, clause)
		}
		return
	}
	v := a.expr(e, sc)
	a.tests(v.src)
	a.fixes(e, sc)
	a.decides(v.src, clause)
}

// tries is with how many constants a comparison of a bare column with texts or
// numbers compares it; 0 where it is no such comparison.
func tries(e ast.ExprNode) int {
	switch n := e.(type) {
	case *ast.BinaryOperationExpr:
		if n.Op == opcode.EQ && (bare(n.L) && constant(n.R) || constant(n.L) && bare(n.R)) {
			return 1
		}
	case *ast.PatternInExpr:
		if n.Not || n.Sel != nil || !bare(n.Expr) {
			return 0
		}
		for _, v := range n.List {
			if !constant(v) {
				return 0
			}
		}
		return len(n.List)
	}
	return 0
}

// compared is the column of such a comparison.
func compared(e ast.ExprNode) ast.ExprNode {
	switch n := e.(type) {
	case *ast.BinaryOperationExpr:
		if bare(n.L) {
			return n.L
		}
		return n.R
	case *ast.PatternInExpr:
		return n.Expr
	}
	return e
}

func bare(e ast.ExprNode) bool {
	_, ok := unwrap(e).(*ast.ColumnNameExpr)
	return ok
}

// constant reports whether a value is a text. A number is compared with the number
// that a text begins with, which is equal to many.
func constant(e ast.ExprNode) bool {
	v, ok := unwrap(e).(ast.ValueExpr)
	if !ok {
		return false
	}
	_, text := v.GetValue().(string)
	return text
}
