package postgres

import (
	"encoding/json"
	"slices"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/policy"
)

// Statements carry other statements as text: DO and CREATE FUNCTION in their
// body, query_to_xml in its argument. What can be read there is judged like a
// statement of its own; what cannot, such as EXECUTE of text that is put
// together when it runs, is opaque.

// maxDepth is how many texts within texts are followed.
const maxDepth = 3

// body is the source of a routine or a DO block.
type body struct {
	language string // lower case
	source   string
	do       bool
}

// bodyOf reads the language and the source from a statement's options.
func bodyOf(options []*pg.Node, do bool) body {
	b := body{do: do}
	if do {
		b.language = "plpgsql"
	}
	for _, n := range options {
		d := n.GetDefElem()
		switch d.GetDefname() {
		case "language":
			b.language = strings.ToLower(d.GetArg().GetString_().GetSval())
		case "as":
			b.source = d.GetArg().GetString_().GetSval()
			if parts := strs(d.GetArg().GetList().GetItems()); len(parts) > 0 {
				b.source = parts[0] // C gives a library and a symbol
			}
		}
	}
	return b
}

// lookInto judges what the walk put aside. text is the whole text, which the
// parser of PL/pgSQL wants.
func (j *judgement) lookInto(text string) {
	for _, b := range j.bodies {
		var in *judgement
		switch b.language {
		case "sql":
			in = judgeWithin(b.source, j.depth)
		case "plpgsql":
			in = judgeBlock(text, b, j.depth)
		}
		switch {
		case b.do:
			j.blocks(in)
		case b.language == "sql" || b.language == "plpgsql":
			j.defines(in)
		}
	}
	j.bodies = nil
}

// blocks accounts for a DO block, which runs at once.
func (j *judgement) blocks(in *judgement) {
	switch {
	case in == nil:
		j.destroys(opaqueBlock)
	default:
		j.names(in.settled())
		if in.Destructive {
			j.destroys("")
		}
		for _, why := range in.Why {
			j.because(why)
		}
	}
}

// defines accounts for a routine's body: it runs later, under a call that looks
// no worse than a write, so what is worse than structure is said now.
func (j *judgement) defines(in *judgement) {
	if in == nil {
		j.raise(policy.Dangerous, "the body of the function cannot be judged")
		return
	}
	in.Sets = nil // nothing is changed yet
	for i := range in.Tables {
		in.Tables[i].Write = false
	}
	j.names(in.settled())
	if in.Class.Severity() > policy.DDL.Severity() {
		j.raise(policy.Dangerous, "the body of the function is of class "+in.Class.String()+": "+strings.Join(in.Why, "; "))
	}
}

// settled is the judgement with its calls accounted for: the class of what holds
// it does not depend on them any more.
func (j *judgement) settled() *judgement {
	for i := range j.Calls {
		j.Calls[i].Known = true
	}
	return j
}

// names takes over what another judgement names, not what it does.
func (j *judgement) names(in *judgement) {
	for _, t := range in.Tables {
		j.table(t)
	}
	for _, c := range in.Calls {
		j.call(c)
	}
	for _, s := range in.Fields {
		j.Fields = once(j.Fields, s)
	}
	for _, s := range in.Operators {
		j.Operators = once(j.Operators, s)
	}
	for _, s := range in.Types {
		j.Types = once(j.Types, s)
	}
	for _, s := range in.Scope {
		j.Scope = once(j.Scope, s)
	}
	for _, s := range in.Columns {
		j.Columns = once(j.Columns, s)
	}
	for _, s := range in.Sets {
		j.Sets = once(j.Sets, s)
	}
	for _, s := range in.Outputs {
		j.Outputs = once(j.Outputs, s)
	}
}

// judgeWithin judges a text that stands within another; nil is what cannot be
// read.
func judgeWithin(text string, depth int) *judgement {
	if depth >= maxDepth || refused(text) != "" {
		return nil
	}
	in, err := judgeNested(text, depth+1)
	if err != nil || in.Statements == 0 {
		return nil
	}
	return in
}

// The parser's names for how an expression of PL/pgSQL is to be read
// (RawParseMode of the server's parser.h).
const (
	modeStatement = 0
	modeType      = 1
	modeExpr      = 2
	modeAssign    = 3 // and 4, 5: name := expression
)

// judgeBlock judges every statement and expression of a PL/pgSQL source. text
// is a whole text that holds it.
func judgeBlock(text string, b body, depth int) *judgement {
	if depth > 0 && b.do { // the source stands within a string of text
		text = "do " + dollar(b.source)
	}
	out, err := parsePL(text)
	if err != nil || depth >= maxDepth {
		return nil
	}
	var tree any
	if json.Unmarshal([]byte(out), &tree) != nil {
		return nil
	}
	p := plWalker{j: &judgement{Class: policy.Read, Statements: 1}, depth: depth}
	p.visit(tree)
	if p.opaque {
		return nil
	}
	return p.j
}

// plWalker visits the JSON that the parser of PL/pgSQL gives.
type plWalker struct {
	j      *judgement
	depth  int
	opaque bool // something could not be read
}

// dynamic are the nodes that run text, under the key of its expression.
var dynamic = []string{"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"}

func (p *plWalker) visit(n any) {
	switch v := n.(type) {
	case []any:
		for _, e := range v {
			p.visit(e)
		}
	case map[string]any:
		for key, e := range v {
			switch {
			case key == "PLpgSQL_expr":
				p.expression(e)
			case key == "dynquery", slices.Contains(dynamic, key):
				p.runs(key, e)
			default:
				p.visit(e)
			}
		}
	}
}

// runs follows text that is run where it is a literal.
func (p *plWalker) runs(key string, n any) {
	m, _ := n.(map[string]any)
	query := n
	if key != "dynquery" {
		query = m["query"]
		for k, e := range m {
			if k != "query" {
				p.visit(e)
			}
		}
	}
	q, _ := query.(map[string]any)
	expr, _ := q["PLpgSQL_expr"].(map[string]any)
	text, _ := expr["query"].(string)
	tree, err := parseNodes("select " + text)
	if err != nil || len(tree.GetStmts()) != 1 {
		p.opaque = true
		return
	}
	targets := tree.GetStmts()[0].GetStmt().GetSelectStmt().GetTargetList()
	if len(targets) != 1 {
		p.opaque = true
		return
	}
	literal, ok := literalText(targets[0].GetResTarget().GetVal())
	in := (*judgement)(nil)
	if ok {
		in = judgeWithin(literal, p.depth)
	}
	p.add(in)
}

func (p *plWalker) expression(n any) {
	m, _ := n.(map[string]any)
	text, _ := m["query"].(string)
	mode, _ := m["parseMode"].(float64)
	switch {
	case int(mode) == modeType:
		return
	case int(mode) == modeExpr:
		text = "select " + text
	case int(mode) >= modeAssign:
		_, value, ok := strings.Cut(text, "=") // of := too
		if !ok {
			p.opaque = true
			return
		}
		text = "select " + value
	}
	p.add(judgeWithin(text, p.depth))
}

func (p *plWalker) add(in *judgement) {
	if in == nil {
		p.opaque = true
		return
	}
	p.j.names(in)
	p.j.raise(in.Class, "")
	for _, why := range in.Why {
		p.j.because(why)
	}
	if in.Destructive {
		p.j.destroys("")
	}
}

// literalText is the value of an expression that is a string literal, or
// several joined by ||.
func literalText(n *pg.Node) (string, bool) {
	n = unwrap(n)
	if e := n.GetAExpr(); e != nil && e.GetKind() == pg.A_Expr_Kind_AEXPR_OP {
		l, ok1 := literalText(e.GetLexpr())
		r, ok2 := literalText(e.GetRexpr())
		op := strs(e.GetName())
		return l + r, ok1 && ok2 && len(op) == 1 && op[0] == "||"
	}
	s := n.GetAConst().GetSval()
	return s.GetSval(), s != nil
}

// dollar quotes a text with a tag that is not in it.
func dollar(s string) string {
	tag := "$b$"
	for strings.Contains(s, tag) {
		tag = tag[:len(tag)-1] + "b$"
	}
	return tag + s + tag
}
