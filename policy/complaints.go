package policy

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// conditionFaults are the language's complaints, with what was probably meant.
func conditionFaults(issues *cel.Issues, parsed *cel.Ast) []conditionFault {
	var all []conditionFault
	for i, e := range issues.Errors() {
		if i > 0 && strings.HasPrefix(e.Message, "Syntax error") {
			break // what follows a first one follows from it
		}
		f := conditionFault{max(e.Location.Line(), 1), max(e.Location.Column()+1, 1), meant(e, parsed)}
		// The library repeats itself; one fault a place is enough.
		if !slices.ContainsFunc(all, func(o conditionFault) bool { return o.line == f.line && o.column == f.column }) {
			all = append(all, f)
		}
	}
	return all
}

// meant is a complaint's words with a suggestion.
func meant(e *cel.Error, parsed *cel.Ast) string {
	text, _, _ := strings.Cut(e.Message, "\n")
	text = strings.TrimPrefix(text, "Syntax error: ")
	if name, ok := between(text, "undefined field '", "'"); ok {
		return "unknown field " + name + Suggest(name, fieldsNear(parsed, e.ExprID))
	}
	if name, ok := between(text, "undeclared reference to '", "'"); ok && !environment.HasFunction(name) {
		if calls(parsed, name) {
			return "unknown function " + name + Suggest(name, functionNames)
		}
		return "unknown word " + name + Suggest(name, variableNames)
	}
	switch {
	case strings.Contains(text, "input '<EOF>'"):
		return "the condition ends before it is complete"
	case strings.HasPrefix(text, "token recognition error at: '="):
		return "= compares nothing: did you mean ==?"
	}
	text, _, _ = strings.Cut(text, " expecting ")
	text, _, _ = strings.Cut(text, " (in container ''")
	return plain(text)
}

// functionNames are the functions that people write by name.
var functionNames = func() []string {
	all := []string{"has", "all", "exists", "exists_one", "filter", "map"}
	for name := range environment.Functions() {
		if strings.IndexFunc(name, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') }) < 0 && name != "dyn" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}()

// calls reports whether the expression calls something of that name.
func calls(parsed *cel.Ast, name string) bool {
	return parsed != nil && slices.ContainsFunc(expressions(parsed.NativeRep().Expr()), func(e ast.Expr) bool {
		return e.Kind() == ast.CallKind && e.AsCall().FunctionName() == name
	})
}

func between(s, before, after string) (string, bool) {
	_, rest, ok := strings.Cut(s, before)
	if !ok {
		return "", false
	}
	found, _, ok := strings.Cut(rest, after)
	return found, ok
}

// fieldsNear are the fields that could have been meant by the selection: those of
// its operand's type where that can be told, and else all there are.
func fieldsNear(parsed *cel.Ast, id int64) []string {
	if parsed != nil {
		for _, e := range expressions(parsed.NativeRep().Expr()) {
			if e.ID() == id && e.Kind() == ast.SelectKind {
				if n := nounOf(e.AsSelect().Operand()); n != nil {
					return n.order
				}
			}
		}
	}
	var all []string
	for _, n := range nouns {
		all = append(all, n.order...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// nounOf is the type of a variable, or of a field of one.
func nounOf(e ast.Expr) *noun {
	switch e.Kind() {
	case ast.IdentKind:
		return nouns[nounPrefix+e.AsIdent()]
	case ast.SelectKind:
		if n := nounOf(e.AsSelect().Operand()); n != nil {
			if f, ok := n.fields[e.AsSelect().FieldName()]; ok {
				return nouns[f.typ.TypeName()]
			}
		}
	}
	return nil
}
