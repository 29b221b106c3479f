package lineage

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// What is evaluated only for some values tells which: (ssn < '740') and 1/(id-1) > 0
// fails, sleeps or moves a sequence where the left side holds, and is skipped where
// it does not. A value is loud if making it may be noticed: it can fail, take its
// time, or act. Where a column decides whether something loud is made, it decides,
// like a condition. All is loud but what is known to be quiet: bare columns,
// constants, comparisons, and a few functions of these.

// quietFuncs are functions that do not fail, and take no time worth the name, for
// values of moderate size. Aggregates are made before anything that uses them.
var quietFuncs = words(`
	lower upper initcap length char_length character_length octet_length left right btrim ltrim rtrim strpos starts_with
	now transaction_timestamp statement_timestamp current_database current_schema
	count sum min max avg bool_and bool_or every`)

// quietOps are operators alike; as all operators they have quiet operands only.
var quietOps = words(`= <> != < > <= >= ~~ ~~* !~~ !~~*`)

// guards notes that the values of guard decide whether one of the others is made.
func (a *analyzer) guards(guard value, clause string, others ...value) {
	if len(guard.src) == 0 {
		return
	}
	for _, v := range others {
		if v.loud {
			a.decides(guard.src, clause)
			return
		}
	}
}

// boolean is AND, OR or NOT: where one side has the answer, the others may be
// skipped. The planner may change their order.
func (a *analyzer) boolean(b *pg.BoolExpr, sc *scope) value {
	var vs []value
	for _, n := range b.GetArgs() {
		vs = append(vs, a.optional(n, sc))
	}
	a.shortCircuit(vs, strings.TrimSuffix(strings.TrimPrefix(b.GetBoolop().String(), "BOOL_EXPR_"), "_EXPR"))
	return computed(vs...)
}

// coalesced is COALESCE: what comes after a value that is not null is skipped.
func (a *analyzer) coalesced(list []*pg.Node, sc *scope) value {
	var vs []value
	for _, n := range list {
		vs = append(vs, a.optional(n, sc))
	}
	a.shortCircuit(vs, "COALESCE")
	return computed(vs...)
}

func (a *analyzer) shortCircuit(vs []value, clause string) {
	for i, v := range vs {
		a.guards(v, clause, vs[:i]...)
		a.guards(v, clause, vs[i+1:]...)
	}
}

// extremes is GREATEST or LEAST, which chooses by value among what may be of very
// different size: bare columns and small literals are not.
func (a *analyzer) extremes(list []*pg.Node, sc *scope) value {
	var vs []value
	odd := false
	for _, n := range list {
		x := a.optional(n, sc)
		odd = odd || x.loud || len(x.src) > 0 && !x.direct
		vs = append(vs, x)
	}
	v := computed(vs...)
	if v.big() || odd {
		a.decides(v.src, "the size of GREATEST or LEAST")
	}
	v.sized = v.sized || len(v.src) > 0
	return v
}

// loudOperation says whether an operation may be noticed, and notes what the
// operations that skip a part of theirs decide by.
func (a *analyzer) loudOperation(e *pg.A_Expr, op string, v value) bool {
	switch e.GetKind() {
	case pg.A_Expr_Kind_AEXPR_IN, pg.A_Expr_Kind_AEXPR_BETWEEN, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN,
		pg.A_Expr_Kind_AEXPR_BETWEEN_SYM, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		if v.loud {
			a.decides(v.src, "IN or BETWEEN")
		}
		return v.loud
	case pg.A_Expr_Kind_AEXPR_DISTINCT, pg.A_Expr_Kind_AEXPR_NOT_DISTINCT, pg.A_Expr_Kind_AEXPR_LIKE, pg.A_Expr_Kind_AEXPR_ILIKE:
		return v.loud
	}
	if v.loud && (e.GetLexpr().GetRowExpr() != nil || e.GetRexpr().GetRowExpr() != nil) {
		a.decides(v.src, "a comparison of rows")
	}
	return v.loud || !quietOps[op]
}

// loudCast: what is cast may fail, but for constants, which are converted when the
// statement is planned, whatever happens then, and for text.
func loudCast(c *pg.TypeCast, to string, v value) bool {
	if c.GetArg().GetAConst() != nil {
		return false
	}
	return v.loud || !textTypes[to]
}

// loudCall says whether a call of a function of the system may be noticed.
func loudCall(name string, args value) bool { return args.loud || args.big() || !quietFuncs[name] }
