package lineage

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// call traces a function, an aggregate or a window function.
func (a *analyzer) call(f *pg.FuncCall, sc *scope) value {
	list := names(f.GetFuncname())
	if len(list) == 0 || len(list) > 2 {
		a.fail("a function's name is not understood")
		return value{}
	}
	name, schema := last(list), ""
	if len(list) == 2 {
		schema = list[0]
	}
	args := make([]value, len(f.GetArgs()))
	argNames := make([]string, len(args))
	for i, n := range f.GetArgs() {
		args[i] = a.expr(n, sc)
		argNames[i] = n.GetNamedArgExpr().GetName()
	}
	around := a.around(f, sc, args)
	if f.GetOver() != nil {
		a.shortCircuit(args, name) // lag makes its default where there is no such row
	}
	v := a.function(schema, name, args, argNames, f)
	if schema == "" || schema == "pg_catalog" {
		if patterned[name] && len(args) > 1 && !regexlessSubstring(name, f.GetArgs()) {
			a.matches(args[0], f.GetArgs()[1])
		}
		together := computed(args...)
		together.src = union(together.src, v.src)
		sized := a.size(name, together, f.GetArgs(), sc)
		v.size, v.sized = max(v.size, sized.size), v.sized || sized.sized
		v.loud = v.loud || loudCall(name, together) || len(a.cat.Routines(name)) > 0
	} else {
		v.loud, v.size = true, huge
	}
	v.at = place{}
	if len(around.src) == 0 {
		return v
	}
	return computed(v, around)
}

// regexlessSubstring reports whether a call is of the substring that counts.
func regexlessSubstring(name string, args []*pg.Node) bool {
	return name == "substring" && args[1].GetAConst().GetIval() != nil
}

// around is what an aggregate or window depends on beside its arguments.
func (a *analyzer) around(f *pg.FuncCall, sc *scope, args []value) value {
	var vs []value
	for _, n := range f.GetAggOrder() {
		a.operator(n.GetSortBy().GetUseOp())
		vs = append(vs, a.expr(n.GetSortBy().GetNode(), sc))
	}
	filter := a.optional(f.GetAggFilter(), sc)
	a.guards(filter, "FILTER", append(vs, args...)...)
	vs = append(vs, filter)
	if f.GetOver() != nil {
		vs = append(vs, a.over(f.GetOver(), sc))
	}
	return computed(vs...)
}

// function is what any function of that name may give: which one is meant depends
// on types.
func (a *analyzer) function(schema, name string, args []value, argNames []string, f *pg.FuncCall) value {
	users := 0
	out := value{}
	if schema != "pg_catalog" {
		for _, r := range a.cat.Routines(name) {
			if schema == "" || r.Schema == schema {
				users++
			}
		}
		if users > 0 {
			out = a.routines(name, args, argNames, schema)
		}
	}
	if schema != "" && schema != "pg_catalog" {
		if users == 0 {
			a.fail("the function " + schema + "." + name + " is not known")
		}
		return out
	}
	effect := a.cat.Builtin(name)
	switch {
	case effect == Absent && users == 0 && len(args) == 1:
		return a.projection(args[0], name)
	case effect == Absent && users > 0:
		return widenField(out, args, name)
	case effect == Unknown && users > 0:
		return out
	case effect == Unknown:
		a.fail("the function " + name + " may reach more than its arguments")
		return value{}
	}
	b := a.builtin(name, effect, args, f)
	if users == 0 {
		return b
	}
	return computed(out, b)
}

// projection is attribute(row), or type(value).
func (a *analyzer) projection(v value, name string) value {
	if v.fields != nil {
		return a.field(v, name, nil)
	}
	if !a.cat.PlainType("", name) {
		a.fail("the function " + name + " is not known")
	}
	if !textTypes[name] {
		a.decides(v.src, "an error of a cast")
	}
	return computed(v)
}

// widenField adds the attribute that attribute(row) may mean.
func widenField(out value, args []value, name string) value {
	if len(args) != 1 {
		return out
	}
	for _, c := range args[0].fields {
		if c.name == name {
			return computed(out, c.value)
		}
	}
	return out
}

func (a *analyzer) builtin(name string, effect Effect, args []value, f *pg.FuncCall) value {
	v := computed(args...)
	switch name {
	case "count":
		if len(args) == 1 && args[0].direct && !f.GetAggDistinct() {
			return value{} // it tells how many are null, no more
		}
	case "round", "trunc", "ceil", "ceiling", "floor", "abs", "sum", "avg", "min", "max":
		if len(args) == 1 {
			v.unbounded, v.weight = args[0].unbounded, args[0].weight
		}
	}
	v.varies = lengthy[name] || lengthen[name] && v.varies
	a.mayFail(name, args)
	if effect == Acts && len(v.src) > 0 {
		a.writes = append(a.writes, Write{Into: "the function " + name, Sources: v.src.sorted()})
	}
	counted := elements[name] && len(args) == 1 && args[0].fixed
	if a.cat.BuiltinSet(name) && !counted {
		a.decides(v.src, name) // how many rows it gives
	}
	if cols, ok := a.cat.BuiltinColumns(name); ok {
		for _, c := range cols {
			one := computed(v)
			if counted && c == "key" {
				one = value{} // the name of a column
			}
			v.fields = append(v.fields, column{c, one})
		}
	}
	v.fixed = shapes[name] && len(args) == 1 && args[0].fields != nil
	return v
}

// shapes make of a row what has an element for each of its columns, elements give
// a row for each element of their argument.
var (
	shapes   = words(`to_json to_jsonb row_to_json hstore`)
	elements = words(`unnest each json_each json_each_text jsonb_each jsonb_each_text json_object_keys jsonb_object_keys skeys svals`)
)

// routines follows all of a user's functions of a name.
func (a *analyzer) routines(name string, args []value, argNames []string, schema string) value {
	var out value
	n := 0
	for _, r := range a.cat.Routines(name) {
		if schema != "" && r.Schema != schema {
			continue
		}
		v, ok := a.routine(r, name, args, argNames)
		switch {
		case !ok:
		case n == 0:
			out, n = v, 1
		default:
			out, n = computed(out, v), 2
		}
	}
	if n == 0 {
		a.fail("no function " + name + " takes these arguments")
	}
	return out
}

// routine is what one function gives for the arguments; false if it takes others.
func (a *analyzer) routine(r *Routine, name string, args []value, argNames []string) (value, bool) {
	v := computed(args...)
	switch {
	case r.Effect == Pure:
		a.mayFail(name, args)
		v.varies = v.varies || lengthy[name]
		if r.Set && !(elements[name] && len(args) == 1 && args[0].fixed) {
			a.decides(v.src, name)
		}
		v.fixed = shapes[name] && len(args) == 1 && args[0].fields != nil
		return v, true
	case r.Body == nil:
		a.fail("the function " + name + " is not understood")
		return v, true
	}
	if !a.enter() {
		return v, true
	}
	defer a.leave()
	def, body, err := r.Body()
	if err != nil {
		a.fail("the function " + name + " is not understood: " + err.Error())
		return v, true
	}
	fn, ok := a.bind(def, name, args, argNames)
	if !ok {
		return value{}, false
	}
	a.code = true
	var cols []column
	for _, n := range body {
		// A function sees nothing of the query that calls it.
		if ret := n.GetReturnStmt(); ret != nil {
			cols = []column{{"", a.expr(ret.GetReturnval(), &scope{fn: fn})}}
			continue
		}
		cols = a.statement(n, &scope{fn: fn})
	}
	return a.result(def, cols), true
}

// bind gives a function's parameters their values.
func (a *analyzer) bind(def *pg.CreateFunctionStmt, name string, args []value, argNames []string) (*frame, bool) {
	fn := &frame{name: name}
	next := 0
	for _, n := range def.GetParameters() {
		p := n.GetFunctionParameter()
		var v value
		switch p.GetMode() {
		case pg.FunctionParameterMode_FUNC_PARAM_OUT, pg.FunctionParameterMode_FUNC_PARAM_TABLE:
			continue
		case pg.FunctionParameterMode_FUNC_PARAM_VARIADIC:
			v = computed(args[min(next, len(args)):]...)
			next = len(args)
		default:
			switch i := position(p.GetName(), argNames); {
			case i >= 0:
				v = args[i]
				next++
			case next < len(args) && argNames != nil && argNames[next] == "", next < len(args) && argNames == nil:
				v = args[next]
				next++
			case p.GetDefexpr() != nil:
				v = a.expr(p.GetDefexpr(), &scope{fn: &frame{name: name}})
			default:
				return nil, false
			}
		}
		fn.args = append(fn.args, column{p.GetName(), v})
	}
	return fn, next == len(args)
}

func position(name string, in []string) int {
	for i, n := range in {
		if n != "" && n == name {
			return i
		}
	}
	return -1
}

// result is what a function returns whose last statement gave cols.
func (a *analyzer) result(def *pg.CreateFunctionStmt, cols []column) value {
	var outs []string
	for _, n := range def.GetParameters() {
		switch p := n.GetFunctionParameter(); p.GetMode() {
		case pg.FunctionParameterMode_FUNC_PARAM_OUT, pg.FunctionParameterMode_FUNC_PARAM_INOUT, pg.FunctionParameterMode_FUNC_PARAM_TABLE:
			outs = append(outs, p.GetName())
		}
	}
	if len(outs) == 1 && len(cols) == 1 {
		v := cols[0].value
		v.out = outs[0]
		return v
	}
	if len(outs) == 0 {
		t := names(def.GetReturnType().GetNames())
		schema := ""
		if len(t) == 2 {
			schema = t[0]
		}
		rel, ok := a.cat.Relation(schema, last(t))
		if !ok || len(def.GetReturnType().GetArrayBounds()) > 0 {
			if len(cols) == 1 {
				return cols[0].value
			}
			return row(cols)
		}
		for _, c := range rel.Columns {
			outs = append(outs, c.Name)
		}
	}
	if len(cols) == 1 && len(cols[0].fields) == len(outs) {
		cols = cols[0].fields // SELECT t FROM t
	}
	if len(cols) != len(outs) {
		a.fail("a function returns other columns than it declares")
		return value{}
	}
	return row(renamed(cols, outs))
}
