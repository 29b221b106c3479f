package policy

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
)

// condition checks a condition that must not speak of what is in without.
func (c *checker) condition(path, src string, without variables) {
	if src == "" {
		return
	}
	if strings.TrimSpace(src) == "" {
		c.fault(path, "the condition is empty: take the key away")
		return
	}
	if c.conditions[src] != nil && without == 0 {
		return // said before
	}
	ready, faults := newCondition(src)
	for _, f := range faults {
		c.faults = append(c.faults, Fault{path, f.message, f.line, f.column})
	}
	if ready == nil {
		return
	}
	before := len(c.faults)
	c.literals(path, ready.checked)
	switch {
	case ready.uses&without != 0:
		c.fault(path, "a role that reveals or shows transcripts does so whatever is asked: move what is about the operation into its rules, or into a role of its own")
	case ready.never:
		c.fault(path, "the condition is never true, so this can never match")
	case len(c.faults) == before:
		c.conditions[src] = ready
	}
}

// fileCondition compiles the condition of a rule about files with what its paths and
// files say.
func (c *checker) fileCondition(path string, r Rule) {
	src, says := r.condition()
	ready, faults := newCondition(src)
	if len(faults) > 0 || ready == nil {
		c.fault(path, "its paths, files and condition are too much in one rule: make several of it")
		return
	}
	ready.text = says
	c.conditions[src] = ready
}

func (c *checker) roleCondition(path string, r Role) {
	var without variables
	if len(r.Reveal) > 0 || r.Transcripts == transcriptsAll {
		without = usesOperation
	}
	c.condition(path, r.When, without)
}

// literals finds texts in a condition that are compared with something that can
// never be that: a class, group, label or claim that there is not.
func (c *checker) literals(path string, checked *cel.Ast) {
	for _, e := range expressions(checked.NativeRep().Expr()) {
		switch e.Kind() {
		case ast.CallKind:
			c.comparison(path, checked, e.AsCall())
		case ast.SelectKind:
			s := e.AsSelect()
			c.key(path, checked, e.ID(), s.Operand(), s.FieldName())
		}
	}
}

// comparison checks ==, != and in, and the key of an index.
func (c *checker) comparison(path string, a *cel.Ast, call ast.CallExpr) {
	args := call.Args()
	if len(args) != 2 {
		return
	}
	switch call.FunctionName() {
	case "_==_", "_!=_":
		c.value(path, a, args[0], args[1])
		c.value(path, a, args[1], args[0])
	case "@in":
		if args[1].Kind() == ast.ListKind {
			for _, e := range args[1].AsList().Elements() {
				c.value(path, a, args[0], e)
			}
		}
		if s, ok := literal(args[0]); ok {
			if f := selected(args[1]); f == "identity.groups" && !c.knowsGroup(s) {
				c.conditionFault(path, a, args[0].ID(), "no group is named "+plain(s)+Suggest(s, c.vocabulary.Groups))
			}
			c.key(path, a, args[0].ID(), args[1], s)
		}
	case "_[_]":
		if s, ok := literal(args[1]); ok {
			c.key(path, a, args[1].ID(), args[0], s)
		}
	}
}

// value checks a text that is compared with a field that has few values.
func (c *checker) value(path string, a *cel.Ast, field, text ast.Expr) {
	s, ok := literal(text)
	if !ok || field.Kind() != ast.SelectKind {
		return
	}
	sel := field.AsSelect()
	owner := nouns[a.NativeRep().GetType(sel.Operand().ID()).TypeName()]
	if owner == nil {
		return
	}
	among := owner.fields[sel.FieldName()].among
	if owner == resourceNoun && sel.FieldName() == "kind" {
		among = c.vocabulary.kindNames()
	}
	if among != nil && !slices.Contains(among, s) {
		c.conditionFault(path, a, text.ID(), sel.FieldName()+" is never "+plain(s)+Suggest(s, among))
	}
}

// key checks the key with which a label or claim is looked up.
func (c *checker) key(path string, a *cel.Ast, id int64, of ast.Expr, key string) {
	switch selected(of) {
	case "resource.labels":
		if !c.knowsLabel(key) {
			c.conditionFault(path, a, id, "no resource has a label "+plain(key)+Suggest(key, c.labels))
		}
	case "identity.claims":
		if known := c.vocabulary.Claims; known != nil && !slices.Contains(known, key) {
			c.conditionFault(path, a, id, "no sign-in keeps the claim "+plain(key)+": add it to sign_in.claims"+Suggest(key, known))
		}
	}
}

func (c *checker) conditionFault(path string, a *cel.Ast, id int64, message string) {
	f := at(a, id, "%s", message)
	c.faults = append(c.faults, Fault{path, f.message, f.line, f.column})
}

// selected is the dotted name of a field of a variable.
func selected(e ast.Expr) string {
	if e.Kind() != ast.SelectKind || e.AsSelect().Operand().Kind() != ast.IdentKind {
		return ""
	}
	return e.AsSelect().Operand().AsIdent() + "." + e.AsSelect().FieldName()
}

func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}
