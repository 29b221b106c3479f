package lineage

import (
	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// optional is expr for what may be missing.
func (a *analyzer) optional(n *pg.Node, sc *scope) value {
	if n.GetNode() == nil {
		return value{direct: true}
	}
	return a.expr(n, sc)
}

// each is computed of several expressions.
func (a *analyzer) each(sc *scope, lists ...[]*pg.Node) value {
	var vs []value
	for _, l := range lists {
		for _, n := range l {
			vs = append(vs, a.optional(n, sc))
		}
	}
	return computed(vs...)
}

// expr traces an expression. A kind that is not listed is not understood.
func (a *analyzer) expr(n *pg.Node, sc *scope) value {
	if !a.enter() {
		return value{}
	}
	defer a.leave()
	switch v := n.GetNode().(type) {
	case *pg.Node_ColumnRef:
		return a.columnRef(v.ColumnRef, sc)
	case *pg.Node_AConst:
		return value{direct: true, scalar: true, size: literalSize(v.AConst)}
	case *pg.Node_SqlvalueFunction, *pg.Node_SetToDefault:
		return value{direct: true, scalar: true}
	case *pg.Node_ParamRef:
		return a.param(v.ParamRef, sc)
	case *pg.Node_AExpr:
		return a.operation(v.AExpr, sc)
	case *pg.Node_TypeCast:
		return a.cast(v.TypeCast, sc)
	case *pg.Node_XmlSerialize:
		x := a.within(v.XmlSerialize.ProtoReflect(), sc)
		if v.XmlSerialize.GetXmloption() == pg.XmlOptionType_XMLOPTION_DOCUMENT {
			a.decides(x.src, "an error of XML")
		}
		return a.whole(x, "XML")
	case *pg.Node_XmlExpr:
		x := a.within(v.XmlExpr.ProtoReflect(), sc)
		switch v.XmlExpr.GetOp() {
		case pg.XmlExprOp_IS_XMLPARSE, pg.XmlExprOp_IS_XMLPI, pg.XmlExprOp_IS_XMLROOT, pg.XmlExprOp_IS_DOCUMENT:
			a.decides(x.src, "an error of XML")
		}
		return a.whole(x, "XML")
	case *pg.Node_CollateClause:
		return a.expr(v.CollateClause.GetArg(), sc)
	case *pg.Node_BoolExpr:
		return a.boolean(v.BoolExpr, sc)
	case *pg.Node_NullTest:
		return computed(a.expr(v.NullTest.GetArg(), sc))
	case *pg.Node_BooleanTest:
		return computed(a.expr(v.BooleanTest.GetArg(), sc))
	case *pg.Node_CaseExpr:
		return a.caseOf(v.CaseExpr, sc)
	case *pg.Node_CoalesceExpr:
		return a.coalesced(v.CoalesceExpr.GetArgs(), sc)
	case *pg.Node_MinMaxExpr:
		return a.extremes(v.MinMaxExpr.GetArgs(), sc)
	case *pg.Node_SubLink:
		return a.subLink(v.SubLink, sc)
	case *pg.Node_FuncCall:
		return a.call(v.FuncCall, sc)
	case *pg.Node_NamedArgExpr:
		return a.expr(v.NamedArgExpr.GetArg(), sc)
	case *pg.Node_AArrayExpr:
		return a.arrayOf(v.AArrayExpr, sc)
	case *pg.Node_AIndirection:
		return a.indirection(v.AIndirection.GetArg(), v.AIndirection.GetIndirection(), sc)
	case *pg.Node_RowExpr:
		return a.rowOf(v.RowExpr, sc)
	case *pg.Node_List:
		return a.each(sc, v.List.GetItems())
	case *pg.Node_GroupingFunc:
		return a.each(sc, v.GroupingFunc.GetArgs())
	}
	if n := message(n); n != nil && wholes[n.Descriptor().Name()] {
		v := a.within(n, sc)
		if partial[n.Descriptor().Name()] {
			a.decides(v.src, "an error of "+string(n.Descriptor().Name()))
		}
		return a.whole(v, "JSON")
	}
	a.fail("an expression of a kind that is not known")
	return value{}
}

// wholes are expressions that are made of everything within them and of nothing else.
var wholes = map[protoreflect.Name]bool{
	"MergeSupportFunc":      true,
	"JsonObjectConstructor": true, "JsonArrayConstructor": true, "JsonArrayQueryConstructor": true,
	"JsonObjectAgg": true, "JsonArrayAgg": true, "JsonIsPredicate": true, "JsonParseExpr": true,
	"JsonScalarExpr": true, "JsonSerializeExpr": true, "JsonFuncExpr": true,
}

// partial are those that fail for some values.
var partial = map[protoreflect.Name]bool{
	"JsonParseExpr": true, "JsonFuncExpr": true, "JsonObjectConstructor": true, "JsonObjectAgg": true,
}

// parts are messages within such an expression that are no expressions
// themselves.
var parts = map[protoreflect.Name]bool{
	"Node": true, "List": true, "JsonValueExpr": true, "JsonKeyValue": true, "JsonOutput": true, "JsonReturning": true, "JsonFormat": true,
	"JsonAggConstructor": true, "JsonArgument": true, "JsonBehavior": true, "JsonTablePathSpec": true, "ResTarget": true,
}

// message is what a node holds.
func message(n *pg.Node) protoreflect.Message {
	if n == nil {
		return nil
	}
	m := n.ProtoReflect()
	fd := m.WhichOneof(m.Descriptor().Oneofs().Get(0))
	if fd == nil || fd.Message() == nil {
		return nil
	}
	return m.Get(fd).Message()
}

// within is computed of all expressions below m, but for the fields in except.
func (a *analyzer) within(m protoreflect.Message, sc *scope, except ...protoreflect.Name) value {
	if !a.enter() {
		return value{}
	}
	defer a.leave()
	var vs []value
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		for _, e := range except {
			if fd.Name() == e {
				return true
			}
		}
		switch {
		case fd.Message() == nil:
		case fd.IsList():
			for l, i := v.List(), 0; i < l.Len(); i++ {
				vs = append(vs, a.part(l.Get(i).Message(), sc))
			}
		default:
			vs = append(vs, a.part(v.Message(), sc))
		}
		return true
	})
	return computed(vs...)
}

func (a *analyzer) part(m protoreflect.Message, sc *scope) value {
	switch v := m.Interface().(type) {
	case *pg.Node:
		in := message(v)
		if in == nil {
			return value{}
		}
		if s := v.GetSelectStmt(); s != nil { // JSON_ARRAY(SELECT ...)
			return all(a.query(s, sc))
		}
		if v.GetSortBy() != nil {
			a.operator(v.GetSortBy().GetUseOp())
			return a.expr(v.GetSortBy().GetNode(), sc)
		}
		if parts[in.Descriptor().Name()] && v.GetList() == nil {
			return a.within(in, sc)
		}
		if v.GetString_() != nil {
			return value{}
		}
		return a.expr(v, sc)
	case *pg.TypeName:
		a.typed(v)
		return value{}
	case *pg.WindowDef:
		return a.over(v, sc)
	}
	if !parts[m.Descriptor().Name()] {
		a.fail("a part of an expression of a kind that is not known: " + string(m.Descriptor().Name()))
		return value{}
	}
	return a.within(m, sc)
}

func all(cols []column) value {
	var vs []value
	for _, c := range cols {
		vs = append(vs, c.value)
	}
	return computed(vs...)
}

func (a *analyzer) columnRef(c *pg.ColumnRef, sc *scope) value {
	f := c.GetFields()
	if len(f) > 0 && f[len(f)-1].GetAStar() != nil {
		// x.* within an expression is the row, or its columns one by one.
		v := row(a.expand(names(f), sc))
		a.read(v.src)
		return v
	}
	v := a.reference(names(f), sc)
	a.read(v.src)
	return v
}

// param is a function's argument by number; a statement's own are constants.
func (a *analyzer) param(p *pg.ParamRef, sc *scope) value {
	f := sc.frame()
	if f == nil {
		return value{direct: true}
	}
	if k := int(p.GetNumber()); k >= 1 && k <= len(f.args) {
		return f.args[k-1].value
	}
	a.fail("an argument that the function does not have")
	return value{}
}

// operation: what an operator gives is computed.
func (a *analyzer) operation(e *pg.A_Expr, sc *scope) value {
	op := a.operator(e.GetName())
	l, r := a.optional(e.GetLexpr(), sc), a.optional(e.GetRexpr(), sc)
	v := computed(l, r)
	switch e.GetKind() {
	case pg.A_Expr_Kind_AEXPR_NULLIF:
		a.decides(v.src, "NULLIF")
	case pg.A_Expr_Kind_AEXPR_OP, pg.A_Expr_Kind_AEXPR_OP_ANY, pg.A_Expr_Kind_AEXPR_OP_ALL:
		if v.unbounded = a.opMayFail(e, op, l, r); v.unbounded {
			v.weight = l.weight + r.weight + 1
		}
		v.varies = v.varies && op == "||"
		if regexOps[op] {
			a.matches(l, e.GetRexpr())
		}
	case pg.A_Expr_Kind_AEXPR_LIKE, pg.A_Expr_Kind_AEXPR_ILIKE:
		a.decides(r.src, "an error of LIKE")
	case pg.A_Expr_Kind_AEXPR_SIMILAR:
		a.decides(r.src, "an error of LIKE")
		a.matches(l, similar(e.GetRexpr()))
	}
	if v.big() {
		a.decides(v.src, "the size of "+op)
	}
	v.loud = a.loudOperation(e, op, computed(l, r))
	if op == "^" && len(v.src) == 0 {
		v.size = huge
	}
	return v
}

// operator checks that an operator calls nothing but pure functions.
func (a *analyzer) operator(name []*pg.Node) string {
	n := names(name)
	if len(n) == 0 {
		return ""
	}
	op := last(n)
	if len(n) > 1 && n[0] == "pg_catalog" {
		return op
	}
	if a.cat.Operator(op) != Pure {
		a.fail("the operator " + op + " calls a function that is not understood")
	}
	return op
}

// cast: a value stays as it is where its type does; that is not known here, so
// that a cast only of a constant is direct.
func (a *analyzer) cast(c *pg.TypeCast, sc *scope) value {
	v := a.expr(c.GetArg(), sc)
	a.typed(c.GetTypeName())
	if len(v.src) == 0 && v.fields == nil {
		if bigCast(c) {
			v.size = huge
		}
		v.loud = v.loud || c.GetArg().GetAConst() == nil && c.GetArg().GetParamRef() == nil
		return v
	}
	to := last(names(c.GetTypeName().GetNames()))
	a.castMayFail(c, to, v)
	out := computed(v)
	out.unbounded = to == "numeric" || to == "float8"
	out.loud = loudCast(c, to, v)
	if textTypes[to] && bigCast(c) {
		a.decides(v.src, "the size of a cast")
	}
	return out
}

// typed checks that a type's conversions call nothing but pure functions.
func (a *analyzer) typed(t *pg.TypeName) {
	n := names(t.GetNames())
	if t.GetPctType() || len(n) == 0 || len(n) > 2 {
		a.fail("a type that is not understood")
		return
	}
	schema := ""
	if len(n) == 2 {
		schema = n[0]
	}
	if !a.cat.PlainType(schema, last(n)) {
		a.fail("the type " + last(n) + " is not understood")
	}
}

// caseOf: a condition chooses what is evaluated, and that may fail, so that it
// decides.
func (a *analyzer) caseOf(c *pg.CaseExpr, sc *scope) value {
	vs := []value{a.optional(c.GetDefresult(), sc)}
	arg := a.optional(c.GetArg(), sc)
	for _, n := range c.GetArgs() {
		w := n.GetCaseWhen()
		if w == nil {
			a.fail("a CASE is not understood")
			return value{}
		}
		cond := computed(arg, a.expr(w.GetExpr(), sc))
		a.decides(cond.src, "CASE")
		vs = append(vs, cond, a.optional(w.GetResult(), sc))
	}
	return computed(append(vs, arg)...)
}

// indirection is (expression).field, [subscript] and [from:to], in a row.
func (a *analyzer) indirection(arg *pg.Node, list []*pg.Node, sc *scope) value {
	v := a.expr(arg, sc)
	for _, n := range list {
		switch {
		case n.GetString_() != nil:
			v = a.field(v, n.GetString_().GetSval(), sc)
		case n.GetAIndices() != nil:
			i := n.GetAIndices()
			from, to := a.optional(i.GetLidx(), sc), a.optional(i.GetUidx(), sc)
			a.guards(v, "a subscript", from, to) // of null none is made
			v = computed(v, from, to)
			v.varies = v.varies && i.GetIsSlice()
		case n.GetAStar() != nil: // (x).* within ROW() or a count
			v = computed(v)
		default:
			a.fail("a subscript is not understood")
		}
	}
	return v
}

// arrayOf is ARRAY[...], which has as many elements as are written if none of them
// is an array itself.
func (a *analyzer) arrayOf(e *pg.A_ArrayExpr, sc *scope) value {
	v := value{fixed: true}
	for _, n := range e.GetElements() {
		x := a.expr(n, sc)
		v.noted(x)
		v.src, v.fixed = union(v.src, x.src), v.fixed && x.scalar
		if x.varies {
			a.decides(x.src, "an error of ARRAY")
		}
	}
	return v
}

// rowOf is ROW(...), whose fields have names of their own.
func (a *analyzer) rowOf(r *pg.RowExpr, sc *scope) value {
	v := value{plain: true}
	for _, n := range r.GetArgs() {
		arg := a.expr(n, sc)
		v.src, v.plain = union(v.src, arg.src), v.plain && arg.direct
		v.noted(arg)
	}
	return v
}

// condition notes which columns a condition decides by. Comparisons of bare
// columns with constants are told from all else.
func (a *analyzer) condition(n *pg.Node, sc *scope, clause string) {
	if b := n.GetBoolExpr(); b != nil && b.GetBoolop() != pg.BoolExprType_NOT_EXPR {
		for _, arg := range b.GetArgs() {
			a.condition(arg, sc, clause)
		}
		return
	}
	v := a.expr(n, sc)
	if e := n.GetAExpr(); e != nil && a.looksUp(e, sc) {
		for c := range v.src {
			a.predicates[Predicate{c, Equality, clause}] = true
			a.tries[c] += max(sc.frame().tries(e.GetLexpr()), sc.frame().tries(e.GetRexpr()))
		}
		return
	}
	a.decides(v.src, clause)
}
