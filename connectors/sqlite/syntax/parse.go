package syntax

import (
	"errors"
	"fmt"
)

// maxDepth bounds nesting; the engine's own bound is lower.
const maxDepth = 1000

// fault stops a parser: its panic goes no further than Parse.
type fault struct{ err error }

// parser reads tokens from left to right.
type parser struct {
	toks  []Token
	i     int
	depth int
}

// Parse makes a tree of a text that is one statement.
func Parse(text string) (s *Statement, err error) {
	p := &parser{toks: Lex(text)}
	defer func() {
		switch v := recover().(type) {
		case nil:
		case fault:
			s, err = nil, v.err
		default:
			panic(v)
		}
	}()
	for p.op(";") {
	}
	s = p.statement()
	for p.op(";") {
	}
	if !p.end() {
		p.fail()
	}
	return s, nil
}

func (p *parser) fail() {
	if p.end() {
		panic(fault{errors.New("its end is not understood")})
	}
	panic(fault{fmt.Errorf("its grammar is not understood at character %d", p.toks[p.i].Pos+1)})
}

func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		panic(fault{errors.New("it is nested too deeply")})
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) end() bool { return p.i >= len(p.toks) }

// at is the token k places ahead.
func (p *parser) at(k int) Token {
	if p.i+k >= len(p.toks) {
		return Token{Kind: Other}
	}
	return p.toks[p.i+k]
}

// op and word step over a token if it is the one.
func (p *parser) op(s string) bool {
	if p.at(0).Op(s) {
		p.i++
		return true
	}
	return false
}

func (p *parser) word(words ...string) bool {
	for k, w := range words {
		if !p.at(k).Is(w) {
			return false
		}
	}
	p.i += len(words)
	return true
}

func (p *parser) needOp(s string) {
	if !p.op(s) {
		p.fail()
	}
}

func (p *parser) need(words ...string) {
	if !p.word(words...) {
		p.fail()
	}
}

// oneOf steps over one of the words and returns it.
func (p *parser) oneOf(words ...string) string {
	for _, w := range words {
		if p.word(w) {
			return w
		}
	}
	return ""
}

// reserved are the keywords that are never names without quotes. All others fall
// back to names (parse.y, %fallback ID).
var reserved = words(`ADD ALL ALTER AND AS AUTOINCREMENT BETWEEN CASE CHECK COLLATE COMMIT CONSTRAINT CREATE DEFAULT DEFERRABLE
	DELETE DISTINCT DROP ELSE ESCAPE EXISTS FOREIGN FROM GROUP HAVING IN INDEX INSERT INTO IS ISNULL LIMIT NOT NOTHING NOTNULL
	NULL ON OR ORDER PRIMARY REFERENCES RETURNING SELECT SET TABLE THEN TO TRANSACTION UNION EXCEPT INTERSECT UNIQUE UPDATE USING VALUES WHEN WHERE`)

// joinWords may be names, but not an alias without AS; nor may those that open a
// clause after a table.
var (
	joinWords = words(`CROSS FULL INNER LEFT NATURAL OUTER RIGHT JOIN INDEXED`)
	clauses   = words(`WINDOW`)
)

func words(s string) map[string]bool {
	m := map[string]bool{}
	from := -1
	for i := 0; i <= len(s); i++ {
		if i < len(s) && nameByte(s[i]) {
			if from < 0 {
				from = i
			}
			continue
		}
		if from >= 0 {
			m[s[from:i]] = true
			from = -1
		}
	}
	return m
}

// named reports whether a token may be a name.
func named(t Token) bool {
	return t.Kind == Quoted || t.Kind == String || t.Kind == Word && !reserved[t.Text]
}

func (p *parser) name() string {
	t := p.at(0)
	if !named(t) {
		p.fail()
	}
	p.i++
	return t.Name
}

// names are in parentheses.
func (p *parser) names() (out []string) {
	p.needOp("(")
	for {
		out = append(out, p.name())
		if !p.op(",") {
			break
		}
	}
	p.needOp(")")
	return out
}

// dotted is a name that may have a schema's before it.
func (p *parser) dotted() (schema, name string) {
	name = p.name()
	if p.op(".") {
		schema, name = name, p.name()
	}
	return schema, name
}

// alias is what follows an expression or table: AS name, or a name.
func (p *parser) alias() string {
	if p.word("AS") {
		return p.name()
	}
	t := p.at(0)
	if !named(t) || t.Kind == Word && (joinWords[t.Text] || clauses[t.Text]) {
		return ""
	}
	p.i++
	return t.Name
}

func (p *parser) statement() *Statement {
	s := &Statement{}
	if p.word("EXPLAIN") {
		s.Explain = true
		p.word("QUERY", "PLAN")
	}
	s.Verb = p.at(0).Text
	if p.at(0).Kind != Word {
		p.fail()
	}
	switch {
	case p.at(0).Is("CREATE"):
		p.create(s)
	case p.word("ALTER", "TABLE"):
		s.Alter = p.alter()
	case p.startsSelect(), p.at(0).Is("INSERT"), p.at(0).Is("REPLACE"), p.at(0).Is("UPDATE"), p.at(0).Is("DELETE"):
		p.data(s)
	default:
		p.i = len(p.toks)
	}
	return s
}

// data is a statement that may stand in a trigger.
func (p *parser) data(s *Statement) {
	w := p.with()
	s.Verb = p.at(0).Text
	switch {
	case p.at(0).Is("INSERT"), p.at(0).Is("REPLACE"):
		s.Insert = p.insert(w)
	case p.word("UPDATE"):
		s.Update = p.update(w)
	case p.word("DELETE", "FROM"):
		s.Delete = p.remove(w)
	default:
		s.Select = p.selectAfter(w)
	}
}

func (p *parser) create(s *Statement) {
	p.need("CREATE")
	p.oneOf("TEMP", "TEMPORARY")
	switch {
	case p.word("TABLE"):
		p.ifNot()
		s.Table = p.table()
	case p.word("VIEW"):
		p.ifNot()
		s.View = p.view()
	case p.word("UNIQUE", "INDEX"):
		p.ifNot()
		s.Index = p.index(true)
	case p.word("INDEX"):
		p.ifNot()
		s.Index = p.index(false)
	case p.word("TRIGGER"):
		p.ifNot()
		s.Trigger = p.trigger()
	default:
		p.fail()
	}
}

func (p *parser) ifNot() { p.word("IF", "NOT", "EXISTS") }
