package lineage

import (
	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
)

// expr traces an expression.
func (a *analyzer) expr(e *syntax.Expr, sc *scope) value {
	if !a.enter() {
		return value{}
	}
	defer a.leave()
	switch e.Op {
	case syntax.Constant:
		return value{direct: true, fixed: true, null: e.Text == "NULL"}
	case syntax.Column:
		return a.column(e, sc)
	case syntax.Call:
		return a.call(e, sc)
	case syntax.Operator:
		return a.operation(e, sc)
	case syntax.Cond:
		return a.cond(e, sc)
	case syntax.Cast:
		return computed(a.expr(e.Args[0], sc))
	case syntax.Collate:
		return a.expr(e.Args[0], sc)
	case syntax.Exists:
		a.query(e.Query, sc)
		return value{}
	case syntax.Subquery:
		cols := a.query(e.Query, sc)
		if len(cols) == 1 {
			v := cols[0].value
			v.fixed, v.null = false, false
			return v
		}
		return all(cols)
	case syntax.Row:
		return computed(each(a, e.Args, sc)...)
	case syntax.In:
		return a.in(e, sc)
	case syntax.Raise:
		v := computed(each(a, e.Args, sc)...)
		a.decides(v.src, "RAISE")
		return v
	}
	a.fail("an expression of a kind that is not known")
	return value{}
}

// optional is expr for what may be missing.
func (a *analyzer) optional(e *syntax.Expr, sc *scope) value {
	if e == nil {
		return value{direct: true}
	}
	return a.expr(e, sc)
}

// operation: what an operator gives is computed.
func (a *analyzer) operation(e *syntax.Expr, sc *scope) value {
	args := each(a, e.Args, sc)
	v := computed(args...)
	a.mayFail(e, v, e.Text)
	if e.Text == "AND" || e.Text == "OR" { // the engine begins with whichever it likes
		for i := range args {
			a.chooses(args[i], computed(append(args[:i:i], args[i+1:]...)...))
		}
	}
	if len(e.Args) == 1 && (e.Text == "-" || e.Text == "+") && e.Args[0].Op == syntax.Constant {
		v.fixed, v.direct = true, true
	}
	return v
}

// mayFail notes that a column decides whether a computation fails, or whether one
// is made that may fail or take long.
func (a *analyzer) mayFail(e *syntax.Expr, v value, name string) {
	if len(v.src) > 0 && !sure(e) {
		a.softly(v.src, "an error of "+name)
	}
}

// chooses notes that columns decide what is computed: a CASE has as many milliseconds
// as the branch that it takes.
func (a *analyzer) chooses(by, what value) {
	if what.called && len(by.src) > 0 {
		a.softly(by.src, "the time that it takes")
	}
}

// sure reports whether an expression gives something for every value, and at once.
func sure(e *syntax.Expr) bool {
	if e == nil {
		return true
	}
	switch e.Op {
	case syntax.Exists, syntax.Subquery, syntax.Raise:
		return false
	case syntax.In:
		if e.Query != nil || e.Table != nil {
			return false
		}
	case syntax.Call:
		if !total[syntax.Fold(e.Names[0])] || e.Over != nil || e.Filter != nil || len(e.Order) > 0 {
			return false
		}
	case syntax.Operator:
		switch e.Text {
		case "->", "->>", "REGEXP", "MATCH":
			return false
		case "LIKE", "GLOB": // of a pattern that is a constant
			for _, p := range e.Args[1:] {
				if !constant(p) {
					return false
				}
			}
		}
	}
	for _, x := range e.Args {
		if !sure(x) {
			return false
		}
	}
	return sure(e.Base) && sure(e.Else)
}

func (a *analyzer) in(e *syntax.Expr, sc *scope) value {
	v := computed(each(a, e.Args, sc)...)
	switch {
	case e.Query != nil:
		v = computed(v, all(a.query(e.Query, sc)))
	case e.Table != nil:
		in := sc.hidden()
		in.outer = sc
		a.from([]*syntax.Source{e.Table}, in)
		for _, i := range in.items {
			v = computed(v, all(i.cols))
			a.read(v.src)
		}
	}
	a.mayFail(e, v, "IN")
	return v
}

// cond: a condition chooses what is evaluated.
func (a *analyzer) cond(e *syntax.Expr, sc *scope) value {
	by := []value{a.optional(e.Base, sc)}
	what := []value{a.optional(e.Else, sc)}
	for k := 0; k+1 < len(e.Args); k += 2 {
		by, what = append(by, a.expr(e.Args[k], sc)), append(what, a.expr(e.Args[k+1], sc))
	}
	v := computed(append(by, what...)...)
	a.mayFail(e, v, "CASE")
	if len(by) > 2 { // whether a condition is come to, the one before it says
		what = append(what, by[2:]...)
	}
	a.chooses(computed(by...), computed(what...))
	return v
}

// call traces a function, an aggregate or a window function.
func (a *analyzer) call(e *syntax.Expr, sc *scope) value {
	name := syntax.Fold(e.Names[0])
	aggregate := aggregates[name] && e.Over == nil && !(len(e.Args) > 1 && (name == "min" || name == "max"))
	if aggregate {
		sc.within++
	}
	args := each(a, e.Args, sc)
	v := computed(append(args, a.optional(e.Filter, sc))...)
	for _, o := range e.Order {
		v = computed(v, a.expr(o, sc))
	}
	if aggregate {
		sc.within--
	}
	a.mayFail(e, v, name)
	if choosing[name] && len(args) > 1 {
		last := len(args) - 1
		if name == "iif" || name == "if" {
			last = 1
		}
		a.chooses(computed(args[:last]...), computed(args[1:]...))
	}
	v.called = true
	if e.Over != nil {
		v = computed(v, a.over(e.Over, sc))
	}
	if name == "last_insert_rowid" {
		v.src = set{}
		for _, c := range a.cat.Rowids() {
			v.src[c] = struct{}{}
		}
		a.read(v.src)
	}
	switch {
	case aggregate && (name == "min" || name == "max"):
		for s := sc; s != nil; s = s.outer { // of columns further out, it is theirs
			s.picked = union(s.picked, v.src)
		}
	case name == "count" && e.Over == nil && e.Filter == nil && !e.Distinct && len(args) == 1 && args[0].direct:
		// How many there are tells no value.
		a.read(v.src)
		for c := range v.src {
			a.counted[c] = struct{}{}
		}
		return value{}
	}
	return v
}

// choosing functions do not compute all of their arguments.
var choosing = words(`coalesce ifnull iif if`)

// aggregates see all rows of a group.
var aggregates = words(`avg count group_concat json_group_array json_group_object jsonb_group_array jsonb_group_object
	max median min percentile percentile_cont percentile_disc string_agg sum total decimal_sum`)

// total are functions that give something for every value, and no more than about
// as much as they are given. The others may fail for some.
var total = words(`
	avg ceil ceiling coalesce count cume_dist date datetime dense_rank exp first_value floor hex
	ifnull instr json_quote julianday last_value length lower ltrim max min nullif octet_length
	percent_rank pi quote radians degrees rank round row_number rtrim sign soundex sqrt strftime substr substring
	time total trim trunc typeof unicode unixepoch upper`)

// over is what a window depends on. Rows come out in the order in which windows
// sort them, so that it decides.
func (a *analyzer) over(w *syntax.Window, sc *scope) value {
	if !a.enter() {
		return value{}
	}
	defer a.leave()
	var vs []value
	if w.Base != "" {
		var base *syntax.Window
		for s := sc; s != nil && base == nil; s = s.outer {
			base = s.windows[syntax.Fold(w.Base)]
		}
		if base == nil || base == w {
			a.fail("the window " + w.Base + " is not known")
			return value{}
		}
		vs = append(vs, a.over(base, sc))
	}
	for _, list := range [][]*syntax.Expr{w.Partition, w.Order, w.Frame} {
		vs = append(vs, each(a, list, sc)...)
	}
	v := computed(vs...)
	a.decides(v.src, "OVER")
	return v
}

// condition notes which columns a condition decides by. Comparisons of bare
// columns with constants are told from all else.
func (a *analyzer) condition(e *syntax.Expr, sc *scope, clause string) {
	if !a.enter() {
		return
	}
	defer a.leave()
	if e.Op == syntax.Operator && (e.Text == "AND" || e.Text == "OR") {
		for _, arg := range e.Args {
			a.condition(arg, sc, clause)
		}
		return
	}
	v := a.expr(e, sc)
	if n := a.lookUp(e, sc); n > 0 {
		a.looksUp(v.src, clause, n)
		return
	}
	a.decides(v.src, clause)
}

// lookUp is with how many constants a condition compares a bare column for
// equality; 0 where it is another one.
func (a *analyzer) lookUp(e *syntax.Expr, sc *scope) int {
	var left *syntax.Expr
	var rest []*syntax.Expr
	switch {
	case e.Op == syntax.Operator && (e.Text == "=" || e.Text == "==" || e.Text == "IS"):
		left, rest = e.Args[0], e.Args[1:]
		if constant(left) {
			left, rest = e.Args[1], e.Args[:1]
		}
	case e.Op == syntax.In && e.Text != "NOT" && e.Query == nil && e.Table == nil && len(e.Args) > 1:
		left, rest = e.Args[0], e.Args[1:]
	default:
		return 0
	}
	for _, r := range rest {
		if !constant(r) || e.Text == "IS" && r.Text == "NULL" {
			return 0
		}
	}
	if left.Op != syntax.Column || !a.column(left, sc).direct {
		return 0
	}
	return len(rest)
}

// constant reports whether an expression is made of literals and parameters.
func constant(e *syntax.Expr) bool {
	switch e.Op {
	case syntax.Constant:
		return true
	case syntax.Operator:
		return len(e.Args) == 1 && (e.Text == "-" || e.Text == "+") && constant(e.Args[0])
	}
	return false
}

// mentions are the names of the columns in an expression of a table's definition.
func mentions(e *syntax.Expr) (out []string) {
	if e == nil {
		return nil
	}
	if e.Op == syntax.Column {
		return []string{e.Names[len(e.Names)-1]}
	}
	for _, list := range [][]*syntax.Expr{e.Args, {e.Base, e.Else, e.Filter}, e.Order} {
		for _, x := range list {
			out = append(out, mentions(x)...)
		}
	}
	return out
}
