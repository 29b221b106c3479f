package postgres

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxSteps bounds how many conditions are looked at: subqueries within
// subqueries ask for theirs again and again.
const maxSteps = 5000

// bounds reports whether a condition selects: whether it is not certain to hold
// for most rows of target. neg is set within NOT. What is not understood does
// not bound, and neither does what only excludes (<>, NOT IN, IS NOT NULL).
func (w *walker) bounds(n *pg.Node, target *pg.RangeVar, neg bool) bool {
	if w.j.steps++; w.j.steps > maxSteps {
		return false
	}
	if truth, known := constant(n); known {
		return truth == neg
	}
	switch {
	case n.GetBoolExpr() != nil:
		return w.boundsBool(n.GetBoolExpr(), target, neg)
	case n.GetAExpr() != nil:
		return w.boundsExpr(n.GetAExpr(), target, neg)
	case n.GetNullTest() != nil:
		is := n.GetNullTest().GetNulltesttype() == pg.NullTestType_IS_NULL
		if e := n.GetNullTest().GetArg().GetAExpr(); e.GetKind() == pg.A_Expr_Kind_AEXPR_NULLIF && same(e.GetLexpr(), e.GetRexpr()) {
			return false
		}
		return is != neg && w.ofTarget(n, target)
	case n.GetBooleanTest() != nil:
		t := n.GetBooleanTest().GetBooltesttype()
		is := t == pg.BoolTestType_IS_TRUE || t == pg.BoolTestType_IS_FALSE || t == pg.BoolTestType_IS_UNKNOWN
		return is != neg && w.boundsArgument(n.GetBooleanTest().GetArg(), target)
	case n.GetSubLink() != nil:
		return !neg && w.boundsSubLink(n.GetSubLink(), target)
	case n.GetTypeCast() != nil:
		return w.bounds(n.GetTypeCast().GetArg(), target, neg)
	case n.GetCurrentOfExpr() != nil:
		return !neg
	case n.GetColumnRef() != nil:
		return w.ofTarget(n, target)
	case n.GetCoalesceExpr() != nil:
		// coalesce(paid, false): a literal first one decides.
		args := n.GetCoalesceExpr().GetArgs()
		return len(args) > 0 && unwrap(args[0]).GetAConst() == nil && w.bounds(args[0], target, neg)
	case n.GetFuncCall() != nil:
		return !neg && w.ofTarget(n, target)
	}
	return false
}

func (w *walker) boundsBool(b *pg.BoolExpr, target *pg.RangeVar, neg bool) bool {
	if b.GetBoolop() == pg.BoolExprType_NOT_EXPR {
		return len(b.GetArgs()) == 1 && w.bounds(b.GetArgs()[0], target, !neg)
	}
	// NOT (a AND b) is NOT a OR NOT b.
	all := (b.GetBoolop() == pg.BoolExprType_OR_EXPR) != neg
	if all && covers(b.GetArgs()) {
		return false
	}
	for _, a := range b.GetArgs() {
		if w.bounds(a, target, neg) != all {
			return !all
		}
	}
	return all
}

// boundsArgument is for what is compared with a truth value.
func (w *walker) boundsArgument(n *pg.Node, target *pg.RangeVar) bool {
	return n.GetColumnRef() != nil || w.bounds(n, target, false)
}

// negated gives the operator that holds exactly where the other does not.
var negated = map[string]string{
	"=": "<>", "<>": "=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">",
	"~~": "!~~", "!~~": "~~", "~~*": "!~~*", "!~~*": "~~*",
	"~": "!~", "!~": "~", "~*": "!~*", "!~*": "~*",
}

func (w *walker) boundsExpr(e *pg.A_Expr, target *pg.RangeVar, neg bool) bool {
	names := strs(e.GetName())
	if len(names) != 1 {
		return false
	}
	op := names[0]
	left, right := e.GetLexpr(), e.GetRexpr()
	if !w.ofTarget(left, target) && !w.ofTarget(right, target) {
		return false // the same for every row
	}
	// t.id = o.id joins, unless o is t once more.
	if same(left, right) && (w.self || !joins(left, right)) || itself(left, right) || degenerate(left) || degenerate(right) {
		return false
	}
	if op != "=" && (w.unfiltered(left, target) || w.unfiltered(right, target)) {
		return false // id >= (select min(id) from t)
	}
	switch e.GetKind() {
	case pg.A_Expr_Kind_AEXPR_IN:
		return (op == "=") != neg && !memberOf(left, right)
	case pg.A_Expr_Kind_AEXPR_OP_ANY:
		return op == "=" && !neg && !memberOf(left, right)
	case pg.A_Expr_Kind_AEXPR_BETWEEN, pg.A_Expr_Kind_AEXPR_BETWEEN_SYM:
		return !neg && !memberOf(left, right) && !wide(right)
	case pg.A_Expr_Kind_AEXPR_NOT_BETWEEN, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		return neg && !memberOf(left, right)
	case pg.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		return !neg
	case pg.A_Expr_Kind_AEXPR_DISTINCT:
		return neg
	case pg.A_Expr_Kind_AEXPR_OP, pg.A_Expr_Kind_AEXPR_LIKE, pg.A_Expr_Kind_AEXPR_ILIKE, pg.A_Expr_Kind_AEXPR_SIMILAR:
		if neg {
			op = negated[op]
		}
		return selects(op, left, right)
	}
	return false
}

// selects reports whether a comparison picks rows.
func selects(op string, left, right *pg.Node) bool {
	switch op {
	case "=":
		return true
	case ">", ">=":
		return !small(right) && !large(left)
	case "<", "<=":
		return !large(right) && !small(left)
	case "~~", "~~*", "~", "~*":
		return !matchesAll(right)
	case "@>", "<@", "&&", "?", "@@", "@?":
		return true
	}
	return false
}

// small and large are bounds that keys and amounts seldom cross: id > 0.
func small(n *pg.Node) bool {
	f, ok := number(n)
	return ok && f <= 0
}

func large(n *pg.Node) bool {
	f, ok := number(n)
	return ok && f >= 1e9
}

func matchesAll(pattern *pg.Node) bool {
	if f := pattern.GetFuncCall(); f != nil && len(f.GetArgs()) > 0 { // SIMILAR TO, LIKE ... ESCAPE
		return matchesAll(f.GetArgs()[0])
	}
	s := unwrap(pattern).GetAConst().GetSval()
	return s != nil && strings.Trim(s.GetSval(), "%.*^$_()") == ""
}

// memberOf reports whether n itself is among the values it is compared with.
func memberOf(n, values *pg.Node) bool {
	var list []*pg.Node
	switch v := unwrap(values); {
	case v.GetList() != nil:
		list = v.GetList().GetItems()
	case v.GetAArrayExpr() != nil:
		list = v.GetAArrayExpr().GetElements()
	case v.GetColumnRef() != nil: // = any (array column)
		return false
	default:
		return v.GetAConst() == nil && v.GetParamRef() == nil
	}
	for _, v := range list {
		if unwrap(v).GetAConst() == nil && same(n, v) {
			return true
		}
	}
	return false
}

// boundsSubLink: IN (SELECT ...) and EXISTS bound as their query does.
func (w *walker) boundsSubLink(s *pg.SubLink, target *pg.RangeVar) bool {
	q := s.GetSubselect().GetSelectStmt()
	if q == nil || q.GetLarg() != nil {
		return false
	}
	switch s.GetSubLinkType() {
	case pg.SubLinkType_EXISTS_SUBLINK:
		// What does not look at the row is the same for every row.
		return w.filtered(q) && correlated(q, target)
	case pg.SubLinkType_ANY_SUBLINK:
		if !w.ofTarget(s.GetTestexpr(), target) {
			return false
		}
		if len(q.GetValuesLists()) > 0 || w.filtered(q) || limited(q) {
			return true
		}
		return !w.reaches(q, target, 0) && contains(q.ProtoReflect(), func(*pg.RangeVar) bool { return true })
	}
	return false
}

// constant folds what does not depend on a row: literals and comparisons of
// literals. NULL holds for no row, like false.
func constant(n *pg.Node) (truth, known bool) {
	n = unwrap(n)
	if n == nil {
		return true, true // no condition
	}
	if c := n.GetAConst(); c != nil {
		switch {
		case c.GetIsnull():
			return false, true
		case c.GetBoolval() != nil:
			return c.GetBoolval().GetBoolval(), true
		case c.GetIval() != nil:
			return c.GetIval().GetIval() != 0, true
		case c.GetSval() != nil:
			return !strings.HasPrefix("false", strings.ToLower(c.GetSval().GetSval())) && c.GetSval().GetSval() != "0", true
		}
		return true, true
	}
	if e := n.GetAExpr(); e != nil && e.GetKind() == pg.A_Expr_Kind_AEXPR_OP {
		if ops := strs(e.GetName()); len(ops) == 1 {
			return compare(ops[0], unwrap(e.GetLexpr()), unwrap(e.GetRexpr()))
		}
	}
	return false, false
}

func compare(op string, l, r *pg.Node) (truth, known bool) {
	a, okA := number(l)
	b, okB := number(r)
	if !okA || !okB {
		if l.GetAConst().GetSval() == nil || r.GetAConst().GetSval() == nil || (op != "=" && op != "<>") {
			return false, false
		}
		return same(l, r) == (op == "="), true
	}
	switch op {
	case "=":
		return a == b, true
	case "<>":
		return a != b, true
	case "<":
		return a < b, true
	case "<=":
		return a <= b, true
	case ">":
		return a > b, true
	case ">=":
		return a >= b, true
	}
	return false, false
}

// number is the value of a numeric literal, also in quotes or with a sign.
func number(n *pg.Node) (float64, bool) {
	n = unwrap(n)
	if e := n.GetAExpr(); e != nil && e.GetLexpr() == nil {
		f, ok := number(e.GetRexpr())
		if op := strs(e.GetName()); ok && len(op) == 1 && op[0] == "-" {
			return -f, true
		}
		return 0, false
	}
	c := n.GetAConst()
	switch {
	case c.GetIval() != nil:
		return float64(c.GetIval().GetIval()), true
	case c.GetFval() != nil:
		f, err := strconv.ParseFloat(c.GetFval().GetFval(), 64)
		return f, err == nil
	case c.GetSval() != nil:
		f, err := strconv.ParseFloat(c.GetSval().GetSval(), 64)
		return f, err == nil
	}
	return 0, false
}

// unwrap removes casts.
func unwrap(n *pg.Node) *pg.Node {
	for n.GetTypeCast() != nil {
		n = n.GetTypeCast().GetArg()
	}
	return n
}

// same reports whether two expressions are written alike, wherever they stand
// and whether or not their columns are qualified.
func same(a, b *pg.Node) bool {
	if a == nil || b == nil {
		return false
	}
	x, y := proto.Clone(unwrap(a)), proto.Clone(unwrap(b))
	plain(x.ProtoReflect())
	plain(y.ProtoReflect())
	return proto.Equal(x, y)
}

// joins reports whether two columns are qualified, and by different names.
func joins(a, b *pg.Node) bool {
	x, y := strs(a.GetColumnRef().GetFields()), strs(b.GetColumnRef().GetFields())
	return len(x) > 1 && len(y) > 1 && x[len(x)-2] != y[len(y)-2]
}

// plain removes positions, casts' positions and qualifications of columns.
func plain(m protoreflect.Message) {
	if c, ok := m.Interface().(*pg.ColumnRef); ok && len(c.Fields) > 1 {
		c.Fields = c.Fields[len(c.Fields)-1:]
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Name() == "location":
			m.Clear(fd)
		case fd.Message() == nil:
		case fd.IsList():
			for l, i := v.List(), 0; i < l.Len(); i++ {
				plain(l.Get(i).Message())
			}
		default:
			plain(v.Message())
		}
		return true
	})
}
