package mysql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/format"
	"github.com/pingcap/tidb/pkg/parser/opcode"
)

// condition finds out whether a WHERE selects.
type condition struct {
	tables []*ast.TableName
	depth  int
}

// bounds reports whether a condition selects: whether it is not certain to hold
// for most rows. neg is set within NOT. What is not understood does not bound,
// and neither does what only excludes (<>, NOT IN, IS NOT NULL).
func (c *condition) bounds(e ast.ExprNode, neg bool) bool {
	if c.depth++; c.depth > 2000 {
		return false
	}
	e = unwrap(e)
	if v, ok := number(e); ok {
		return (v != 0) == neg
	}
	switch n := e.(type) {
	case *ast.BinaryOperationExpr:
		return c.binary(n, neg)
	case *ast.UnaryOperationExpr:
		if n.Op == opcode.Not || n.Op == opcode.Not2 {
			return c.bounds(n.V, !neg)
		}
	case *ast.IsNullExpr:
		return n.Not == neg && hasColumn(n.Expr)
	case *ast.IsTruthExpr:
		return n.Not == neg && n.True == 1 && c.bounds(n.Expr, false)
	case *ast.PatternInExpr:
		return n.Not == neg && hasColumn(n.Expr) && c.members(n)
	case *ast.BetweenExpr:
		return n.Not == neg && hasColumn(n.Expr) && !hasColumn(n.Left) && !hasColumn(n.Right) && !(small(n.Left) && large(n.Right))
	case *ast.PatternLikeOrIlikeExpr:
		return n.Not == neg && hasColumn(n.Expr) && !hasColumn(n.Pattern) && !matchesAll(n.Pattern)
	case *ast.PatternRegexpExpr:
		return n.Not == neg && hasColumn(n.Expr) && !hasColumn(n.Pattern) && !matchesAll(n.Pattern)
	case *ast.ExistsSubqueryExpr:
		return n.Not == neg && c.query(n.Sel)
	case *ast.CompareSubqueryExpr:
		return !neg && n.Op == opcode.EQ && !n.All && hasColumn(n.L) && c.query(n.R)
	case *ast.ColumnNameExpr:
		return true // a truth value of the row
	}
	return false
}

func (c *condition) binary(n *ast.BinaryOperationExpr, neg bool) bool {
	switch n.Op {
	case opcode.LogicAnd, opcode.LogicOr:
		l, r := c.bounds(n.L, neg), c.bounds(n.R, neg)
		if (n.Op == opcode.LogicAnd) != neg {
			return l || r
		}
		return l && r
	case opcode.LogicXor:
		return false
	}
	if v, ok := folded(n); ok {
		return v == neg
	}
	if !hasColumn(n.L) && !hasColumn(n.R) || alike(n.L, n.R) {
		return false // the same for every row
	}
	op := n.Op
	if neg {
		op = negated[op]
	}
	l, r := unwrap(n.L), unwrap(n.R)
	switch op {
	case opcode.EQ, opcode.NullEQ:
		return plainSide(l) && plainSide(r)
	case opcode.GT, opcode.GE:
		return !small(r) && !large(l)
	case opcode.LT, opcode.LE:
		return !large(r) && !small(l)
	}
	return false
}

var negated = map[opcode.Op]opcode.Op{
	opcode.EQ: opcode.NE, opcode.NE: opcode.EQ, opcode.GT: opcode.LE, opcode.LE: opcode.GT, opcode.LT: opcode.GE, opcode.GE: opcode.LT,
}

// plainSide is a side of = that can select: a column, or what has none. A column
// within an expression, as in id*0 = 0, may make anything of it.
func plainSide(e ast.ExprNode) bool {
	if _, ok := e.(*ast.ColumnNameExpr); ok || !hasColumn(e) {
		return true
	}
	if f, ok := e.(*ast.FuncCallExpr); ok {
		return set("lower upper trim date year month day substring left right md5 sha1 cast concat hex")[f.FnName.L]
	}
	return false
}

// members reports whether IN selects: its list does not hold the column itself,
// its query has a condition of its own.
func (c *condition) members(n *ast.PatternInExpr) bool {
	if n.Sel != nil {
		return c.query(n.Sel)
	}
	for _, v := range n.List {
		if hasColumn(v) {
			return false
		}
	}
	return len(n.List) > 0
}

// query reports whether a subquery picks rows: it has a condition that does, or
// a LIMIT, or reads other tables than the one that is changed.
func (c *condition) query(e ast.ExprNode) bool {
	sub, ok := e.(*ast.SubqueryExpr)
	if !ok {
		return false
	}
	s, ok := sub.Query.(*ast.SelectStmt)
	if !ok {
		return false
	}
	if s.Where != nil {
		inner := condition{tables: c.tables, depth: c.depth}
		return inner.bounds(s.Where, false)
	}
	if s.From == nil || s.Limit != nil {
		return s.Limit != nil
	}
	for _, t := range targets(s.From) {
		for _, o := range c.tables {
			if t.Name.L == o.Name.L {
				return false
			}
		}
	}
	return true
}

func unwrap(e ast.ExprNode) ast.ExprNode {
	for range 1000 {
		p, ok := e.(*ast.ParenthesesExpr)
		if !ok {
			return e
		}
		e = p.Expr
	}
	return e
}

// number is the value of a literal as MySQL makes a number of it.
func number(e ast.ExprNode) (float64, bool) {
	switch n := unwrap(e).(type) {
	case *ast.UnaryOperationExpr:
		if _, plain := unwrap(n.V).(ast.ValueExpr); !plain || n.Op != opcode.Minus {
			return 0, false // also bounds the recursion
		}
		v, ok := number(n.V)
		return -v, ok
	case ast.ValueExpr:
		switch v := n.GetValue().(type) {
		case nil:
			return 0, true // NULL holds for no row
		case int64:
			return float64(v), true
		case uint64:
			return float64(v), true
		case string:
			return leading(v), true
		case []byte:
			return leading(string(v)), true
		case fmt.Stringer:
			f, err := strconv.ParseFloat(v.String(), 64)
			return f, err == nil
		}
	case *ast.BinaryOperationExpr:
		if v, ok := folded(n); ok && v {
			return 1, true
		} else if ok {
			return 0, true
		}
	}
	return 0, false
}

// leading is the number at the start of a string, 0 for none.
func leading(s string) float64 {
	s = strings.TrimSpace(s)
	for end := min(len(s), 32); end > 0; end-- {
		if f, err := strconv.ParseFloat(s[:end], 64); err == nil {
			return f
		}
	}
	return 0
}

// folded compares two literals.
func folded(n *ast.BinaryOperationExpr) (truth, known bool) {
	l, okL := literal(n.L)
	r, okR := literal(n.R)
	if !okL || !okR {
		return false, false
	}
	if l.text && r.text {
		switch n.Op {
		case opcode.EQ, opcode.NullEQ:
			return strings.EqualFold(l.s, r.s), true
		case opcode.NE:
			return !strings.EqualFold(l.s, r.s), true
		}
	}
	switch n.Op {
	case opcode.EQ, opcode.NullEQ:
		return l.n == r.n, true
	case opcode.NE:
		return l.n != r.n, true
	case opcode.GT:
		return l.n > r.n, true
	case opcode.GE:
		return l.n >= r.n, true
	case opcode.LT:
		return l.n < r.n, true
	case opcode.LE:
		return l.n <= r.n, true
	}
	return false, false
}

type constant struct {
	n    float64
	s    string
	text bool
}

func literal(e ast.ExprNode) (constant, bool) {
	e = unwrap(e)
	if _, ok := e.(*ast.BinaryOperationExpr); ok {
		return constant{}, false // bounds the recursion: deeper ones are not folded
	}
	n, ok := number(e)
	c := constant{n: n}
	if v, is := e.(ast.ValueExpr); is {
		c.s, c.text = v.GetValue().(string)
	}
	return c, ok
}

// small and large are bounds that keys and amounts seldom cross: id > 0.
func small(e ast.ExprNode) bool {
	n, ok := number(e)
	return ok && n <= 0
}

func large(e ast.ExprNode) bool {
	n, ok := number(e)
	return ok && n >= 1e9
}

func matchesAll(pattern ast.ExprNode) bool {
	v, ok := unwrap(pattern).(ast.ValueExpr)
	if !ok {
		return false
	}
	s, ok := v.GetValue().(string)
	return ok && strings.Trim(s, "%.*^$_()") == ""
}

// alike reports whether two expressions are written alike, whether or not their
// columns are qualified.
func alike(a, b ast.ExprNode) bool {
	if x, ok := unwrap(a).(*ast.ColumnNameExpr); ok {
		if y, ok := unwrap(b).(*ast.ColumnNameExpr); ok {
			return x.Name.Name.L == y.Name.Name.L && (x.Name.Table.L == "" || y.Name.Table.L == "" || x.Name.Table.L == y.Name.Table.L)
		}
	}
	s, ok := text(a)
	t, ok2 := text(b)
	return ok && ok2 && s == t
}

func text(e ast.ExprNode) (string, bool) {
	var b strings.Builder
	err := unwrap(e).Restore(format.NewRestoreCtx(format.DefaultRestoreFlags|format.RestoreStringWithoutCharset, &b))
	return strings.ToLower(b.String()), err == nil
}

// hasColumn reports whether an expression depends on the row.
func hasColumn(e ast.ExprNode) bool {
	if e == nil {
		return false
	}
	f := &finder{}
	e.Accept(f)
	return f.found
}

type finder struct{ found bool }

func (f *finder) Enter(n ast.Node) (ast.Node, bool) {
	switch n.(type) {
	case *ast.ColumnNameExpr:
		f.found = true
	case *ast.SubqueryExpr:
		return n, true
	}
	return n, f.found
}

func (f *finder) Leave(n ast.Node) (ast.Node, bool) { return n, true }
