package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
)

// What a condition may cost, in the language's own unit: about one step each. A
// run that would cost more is an error, and decides as errors do. What may cost
// far more than that with lists of ordinary length is not loaded.
const (
	runCost    = 50_000
	staticCost = 1_000_000
	// usualText is how long a text is taken to be by the estimate.
	usualText    = 200
	maxCondition = 4000
)

// condition is a CEL expression made ready.
type condition struct {
	text string
	uses variables
	// labels are the keys of the resource's labels that it asks for by name.
	labels []string
	// checked is the tree, for whoever wants to find more in it.
	checked *cel.Ast
	run     cel.Program
	// early runs it while nothing is known of the operation but action and class;
	// nil where the condition does not speak of it.
	early cel.Program
	// never says that the condition is false whatever is asked.
	never bool
}

// variables is a set of what a condition speaks of.
type variables uint8

const (
	usesIdentity variables = 1 << iota
	usesResource
	usesOperation
	usesSession
	usesNow
	// usesWholeResource: of the resource it asks more than its kind and named labels.
	usesWholeResource
)

var variableBits = map[string]variables{
	"identity": usesIdentity, "resource": usesResource, "operation": usesOperation, "session": usesSession, "now": usesNow,
}

// variableNames are in the order in which people read them.
var variableNames = []string{"identity", "resource", "operation", "session", "now"}

// environment is the condition language: CEL's own words, those about addresses,
// and glob. There is no dyn: it would hide a typing error until it decides.
var environment = func() *cel.Env {
	e, err := cel.NewEnv(append(fileFunctions(),
		cel.CustomTypeProvider(provider{registry}),
		cel.CustomTypeAdapter(registry),
		cel.Variable("identity", identityNoun.typ),
		cel.Variable("resource", resourceNoun.typ),
		cel.Variable("operation", operationNoun.typ),
		cel.Variable("session", sessionNoun.typ),
		cel.Variable("now", types.TimestampType),
		ext.Network(),
		cel.Function("glob", cel.MemberOverload("string_glob_string", []*cel.Type{cel.StringType, cel.StringType}, cel.BoolType,
			cel.BinaryBinding(func(s, g ref.Val) ref.Val {
				text, ok1 := s.(types.String)
				glob, ok2 := g.(types.String)
				if !ok1 || !ok2 {
					return types.NewErr("glob needs two texts")
				}
				return types.Bool(globMatch(string(glob), string(text)))
			}))),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateHomogeneousAggregateLiterals()),
		cel.ParserExpressionSizeLimit(maxCondition),
		cel.ParserRecursionLimit(100),
		cel.DefaultUTCTimeZone(true),
	)...)
	if err != nil {
		panic("policy: the condition language does not build: " + err.Error())
	}
	return e
}()

// notYet are the parts of an operation that are not known before it is there.
var notYet = func() []*cel.AttributePatternType {
	var all []*cel.AttributePatternType
	for _, f := range operationNoun.order {
		if f != "action" && f != "class" {
			all = append(all, cel.AttributePattern("operation").QualString(f))
		}
	}
	return all
}()

// conditionFault is what is wrong with a condition: where in its text, counted
// from 1, and what. An empty one is not about a place.
type conditionFault struct {
	line, column int
	message      string
}

// newCondition compiles a condition. Nothing is returned for an empty text. A
// panic of the library becomes a fault: a file that is read anew must not end the
// sessions of a running bastion.
func newCondition(src string) (c *condition, faults []conditionFault) {
	if src == "" {
		return nil, nil
	}
	defer func() {
		if recover() != nil {
			c, faults = nil, []conditionFault{{1, 1, "the condition confuses the reader of conditions"}}
		}
	}()
	return compileCondition(src)
}

func compileCondition(src string) (*condition, []conditionFault) {
	checked, issues := environment.Compile(src)
	if issues.Err() != nil {
		parsed, _ := environment.Parse(src)
		return nil, conditionFaults(issues, parsed)
	}
	if checked.OutputType() != cel.BoolType {
		return nil, []conditionFault{{1, 1, fmt.Sprintf("a condition is true or false, and this is of type %s", checked.OutputType())}}
	}
	c := &condition{text: src, checked: checked}
	var faults []conditionFault
	for _, e := range expressions(checked.NativeRep().Expr()) {
		if e.Kind() == ast.IdentKind {
			c.uses |= variableBits[e.AsIdent()]
		}
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "dyn" {
			faults = append(faults, at(checked, e.ID(), "dyn hides typing errors, so it is not spoken here"))
		}
		if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == "glob" && e.AsCall().Args()[0].Kind() != ast.LiteralKind {
			// What it costs grows with the pattern, which must not come from a statement.
			faults = append(faults, at(checked, e.ID(), "the pattern of glob is written out: glob(\"orders-*\")"))
		}
	}
	c.resourceUse(checked)
	faults = append(faults, tooCostly(checked)...)
	if len(faults) > 0 {
		return nil, faults
	}
	return c, c.prepare(checked)
}

// resourceUse finds whether all that the condition asks of the resource is its
// kind and labels that are named: resources of which those are the same are alike.
func (c *condition) resourceUse(checked *cel.Ast) {
	mentions, named := 0, 0
	for _, e := range expressions(checked.NativeRep().Expr()) {
		switch e.Kind() {
		case ast.IdentKind:
			if e.AsIdent() == "resource" {
				mentions++
			}
		case ast.SelectKind:
			s := e.AsSelect()
			switch {
			case selected(e) == "resource.kind":
				named++
			case selected(s.Operand()) == "resource.labels":
				named++
				c.labels = append(c.labels, s.FieldName())
			}
		case ast.CallKind:
			args := e.AsCall().Args()
			if len(args) != 2 {
				continue
			}
			of, key := args[0], args[1]
			if e.AsCall().FunctionName() == "@in" {
				of, key = key, of
			} else if e.AsCall().FunctionName() != "_[_]" {
				continue
			}
			if s, ok := literal(key); ok && selected(of) == "resource.labels" {
				named++
				c.labels = append(c.labels, s)
			}
		}
	}
	if mentions > named {
		c.uses |= usesWholeResource
	}
}

// prepare makes the programs.
func (c *condition) prepare(checked *cel.Ast) []conditionFault {
	var err error
	bound := []cel.ProgramOption{cel.EvalOptions(cel.OptOptimize)}
	if !straight(checked) {
		bound = append(bound, cel.CostLimit(runCost))
	}
	if c.run, err = environment.Program(checked, bound...); err != nil {
		return []conditionFault{{1, 1, plain(err.Error())}}
	}
	if c.uses&usesOperation != 0 {
		c.early, err = environment.Program(checked, cel.EvalOptions(cel.OptPartialEval), cel.CostLimit(runCost))
		if err != nil {
			return []conditionFault{{1, 1, plain(err.Error())}}
		}
	}
	if c.uses == 0 {
		ok, err := c.holds(&scope{identity: &Identity{}, resource: &Resource{}, session: &Session{}})
		c.never = err == nil && !ok
	}
	return nil
}

// straightCalls are the functions that take time linear in what they are given
// and make nothing larger.
var straightCalls = []string{"_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_[_]", "startsWith", "endsWith", "contains", "glob",
	"getHours", "getMinutes", "getDayOfWeek", "getDayOfMonth", "getDate", "getMonth", "getFullYear", "timestamp", "duration", "cidr", "ip", "containsIP", "within", "touches"}

// straight reports whether a condition runs each of its parts once, and none of
// them can grow: counting its steps would only slow it down.
func straight(checked *cel.Ast) bool {
	return !slices.ContainsFunc(expressions(checked.NativeRep().Expr()), func(e ast.Expr) bool {
		return e.Kind() == ast.ComprehensionKind || e.Kind() == ast.CallKind && !slices.Contains(straightCalls, e.AsCall().FunctionName())
	})
}

func at(a *cel.Ast, id int64, format string, args ...any) conditionFault {
	l := a.NativeRep().SourceInfo().GetStartLocation(id)
	return conditionFault{max(l.Line(), 1), max(l.Column()+1, 1), fmt.Sprintf(format, args...)}
}

func tooCostly(checked *cel.Ast) []conditionFault {
	estimate, err := environment.EstimateCost(checked, sizes{})
	if err != nil || estimate.Max <= staticCost {
		return nil
	}
	return []conditionFault{{1, 1, "the condition may take too long to compute: compare texts of bounded length, and put fewer lists inside of each other"}}
}

// expressions is an expression with all in it.
func expressions(e ast.Expr) (all []ast.Expr) {
	ast.PreOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) { all = append(all, e) }))
	return all
}

// sizes says how long texts and lists are taken to be.
type sizes struct{}

func (sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	most := uint64(usualText)
	if path := n.Path(); len(path) > 1 {
		for _, noun := range nouns {
			if f, ok := noun.fields[path[len(path)-1]]; ok && f.most > 0 && f.typ.IsExactType(n.Type()) {
				most = f.most
			}
		}
	}
	if n.ComputedSize() != nil {
		return nil
	}
	switch n.Type().Kind() {
	case types.StringKind, types.ListKind, types.MapKind:
		return &cost.SizeEstimate{Min: 0, Max: most}
	}
	return nil
}

func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// scope is what a condition is about. Its operation is nil where it is not known.
type scope struct {
	identity *Identity
	resource *Resource
	session  *Session
	now      time.Time
	op       *judged
	// early: of the operation only action and class are known.
	early bool
}

// ResolveName finds a variable. A time that is not known is no variable, and so
// an error.
func (s *scope) ResolveName(name string) (any, bool) {
	switch name {
	case "identity":
		return object{identityNoun, s.identity}, true
	case "resource":
		return object{resourceNoun, s.resource}, true
	case "session":
		return object{sessionNoun, s.session}, true
	case "operation":
		if s.op != nil {
			return object{operationNoun, s.op}, true
		}
	case "now":
		if !s.now.IsZero() {
			return types.Timestamp{Time: s.now}, true
		}
	}
	return nil, false
}

func (s *scope) Parent() cel.Activation { return nil }

// holds computes the condition; nil always holds.
func (c *condition) holds(s *scope) (bool, error) {
	if c == nil {
		return true, nil
	}
	out, _, err := c.run.Eval(s)
	return truth(out, err)
}

// may computes the condition for a sort of operation of which only action and
// class are known. It reports open where the answer depends on the rest.
func (c *condition) may(s *scope) (yes, open bool, err error) {
	if c == nil || c.early == nil {
		yes, err = c.holds(s)
		return yes, false, err
	}
	partial, err := cel.PartialVars(s, notYet...)
	if err != nil {
		return false, false, err
	}
	out, _, err := c.early.Eval(partial)
	if err == nil && types.IsUnknown(out) {
		return false, true, nil
	}
	yes, err = truth(out, err)
	return yes, false, err
}

func truth(out ref.Val, err error) (bool, error) {
	if err != nil {
		return false, errors.New(plain(strings.TrimPrefix(err.Error(), "no such attribute(s): ")))
	}
	b, ok := out.(types.Bool)
	if !ok {
		return false, errors.New("it is neither true nor false")
	}
	return bool(b), nil
}
