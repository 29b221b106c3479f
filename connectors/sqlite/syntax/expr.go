package syntax

// Levels of binding, from loose to tight (parse.y, %left and %right).
const (
	orLevel = iota + 1
	andLevel
	notLevel
	equalLevel
	compareLevel
	escapeLevel
	bitLevel
	addLevel
	mulLevel
	concatLevel
	collateLevel
	unaryLevel
)

var binary = map[string]int{
	"=": equalLevel, "==": equalLevel, "!=": equalLevel, "<>": equalLevel,
	"<": compareLevel, "<=": compareLevel, ">": compareLevel, ">=": compareLevel,
	"&": bitLevel, "|": bitLevel, "<<": bitLevel, ">>": bitLevel,
	"+": addLevel, "-": addLevel, "*": mulLevel, "/": mulLevel, "%": mulLevel,
	"||": concatLevel, "->": concatLevel, "->>": concatLevel,
}

func (p *parser) list() (out []*Expr) {
	for {
		out = append(out, p.expr(0))
		if !p.op(",") {
			return out
		}
	}
}

// expr reads an expression of operators that bind tighter than the level.
func (p *parser) expr(level int) *Expr {
	p.enter()
	defer p.leave()
	left := p.prefix()
	for {
		next := p.infix(left, level)
		if next == nil {
			return left
		}
		left = next
	}
}

func operator(text string, args ...*Expr) *Expr { return &Expr{Op: Operator, Text: text, Args: args} }

// infix reads one operator after left that binds tighter than the level, nil if
// there is none.
func (p *parser) infix(left *Expr, level int) *Expr {
	t := p.at(0)
	if t.Kind == Other {
		l := binary[t.Text]
		if l == 0 || l <= level {
			return nil
		}
		p.i++
		return operator(t.Text, left, p.expr(l))
	}
	if t.Kind != Word {
		return nil
	}
	switch {
	case t.Is("COLLATE") && level < collateLevel:
		p.i++
		return &Expr{Op: Collate, Text: p.name(), Args: []*Expr{left}}
	case t.Is("AND") && level < andLevel:
		p.i++
		return operator("AND", left, p.expr(andLevel))
	case t.Is("OR") && level < orLevel:
		p.i++
		return operator("OR", left, p.expr(orLevel))
	case level < equalLevel:
		return p.equality(left)
	}
	return nil
}

// equality reads the operators in words of that level.
func (p *parser) equality(left *Expr) *Expr {
	from := p.i
	switch {
	case p.word("ISNULL"), p.word("NOTNULL"), p.word("NOT", "NULL"):
		return operator("ISNULL", left)
	case p.word("IS", "NOT", "DISTINCT", "FROM"), p.word("IS", "DISTINCT", "FROM"), p.word("IS", "NOT"), p.word("IS"):
		op := "IS"
		if p.i > from+1 {
			op = "IS NOT" // or DISTINCT: no equality in any case
		}
		return operator(op, left, p.expr(equalLevel))
	}
	not := p.word("NOT")
	switch op := p.oneOf("LIKE", "GLOB", "REGEXP", "MATCH", "BETWEEN", "IN"); op {
	case "":
		p.i = from
		return nil
	case "BETWEEN":
		low := p.expr(equalLevel)
		p.need("AND")
		return operator("BETWEEN", left, low, p.expr(equalLevel))
	case "IN":
		e := p.in(left)
		if not {
			e.Text = "NOT"
		}
		return e
	default:
		e := operator(op, left, p.expr(equalLevel))
		if p.word("ESCAPE") {
			e.Args = append(e.Args, p.expr(escapeLevel))
		}
		return e
	}
}

func (p *parser) in(left *Expr) *Expr {
	e := &Expr{Op: In, Args: []*Expr{left}}
	if p.op("(") {
		switch {
		case p.startsSelect():
			e.Query = p.query()
		case !p.at(0).Op(")"):
			e.Args = append(e.Args, p.list()...)
		}
		p.needOp(")")
		return e
	}
	s := &Source{Pos: p.at(0).Pos}
	s.Schema, s.Name = p.dotted()
	s.End = p.toks[p.i-1].End
	if p.op("(") {
		s.Call = true
		if !p.at(0).Op(")") {
			s.Args = p.list()
		}
		p.needOp(")")
	}
	e.Table = s
	return e
}

// prefix reads an operand.
func (p *parser) prefix() *Expr {
	t := p.at(0)
	switch {
	case t.Is("NOT"):
		p.i++
		return operator("NOT", p.expr(notLevel))
	case t.Op("-"), t.Op("+"), t.Op("~"):
		p.i++
		return operator(t.Text, p.expr(unaryLevel))
	case t.Op("("):
		return p.parenthesis()
	case t.Kind == Literal, t.Kind == Variable:
		p.i++
		return &Expr{Op: Constant, Text: t.Text}
	case t.Kind == String && !p.at(1).Op("."):
		p.i++
		return &Expr{Op: Constant, Text: t.Text}
	case t.Kind == Word && (p.at(1).Op("(") || reserved[t.Text]):
		if e := p.keyword(t); e != nil {
			return e
		}
	}
	if t.Kind == Word && !p.at(1).Op(".") {
		switch t.Text {
		case "CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP":
			p.i++
			return &Expr{Op: Constant, Text: t.Text}
		}
	}
	return p.column()
}

// keyword reads what begins with a word that has a meaning of its own, or with a
// function's name.
func (p *parser) keyword(t Token) *Expr {
	switch {
	case p.word("NULL"):
		return &Expr{Op: Constant, Text: "NULL"}
	case p.word("CASE"):
		return p.cond()
	case p.word("EXISTS"):
		p.needOp("(")
		e := &Expr{Op: Exists, Query: p.query()}
		p.needOp(")")
		return e
	case !p.at(1).Op("("):
		return nil
	case p.word("CAST"):
		p.needOp("(")
		e := &Expr{Op: Cast, Args: []*Expr{p.expr(0)}}
		p.need("AS")
		e.Text = p.typeName()
		p.needOp(")")
		return e
	case p.word("RAISE"):
		return p.raise()
	case reserved[t.Text]:
		return nil
	}
	return p.call()
}

func (p *parser) raise() *Expr {
	p.needOp("(")
	e := &Expr{Op: Raise}
	if !p.word("IGNORE") {
		if p.oneOf("ABORT", "FAIL", "ROLLBACK") == "" {
			p.fail()
		}
		p.needOp(",")
		e.Args = []*Expr{p.expr(0)}
	}
	p.needOp(")")
	return e
}

func (p *parser) parenthesis() *Expr {
	p.needOp("(")
	if p.startsSelect() {
		e := &Expr{Op: Subquery, Query: p.query()}
		p.needOp(")")
		return e
	}
	list := p.list()
	p.needOp(")")
	if len(list) == 1 {
		return list[0]
	}
	return &Expr{Op: Row, Args: list}
}

func (p *parser) column() *Expr {
	quoted := p.at(0).Kind == Quoted
	if quoted && p.at(1).Op("(") {
		return p.call()
	}
	e := &Expr{Op: Column, Names: []string{p.name()}}
	for p.op(".") {
		e.Names = append(e.Names, p.name())
	}
	if len(e.Names) > 3 {
		p.fail()
	}
	e.Quoted = quoted && len(e.Names) == 1
	return e
}

func (p *parser) cond() *Expr {
	e := &Expr{Op: Cond}
	if !p.at(0).Is("WHEN") {
		e.Base = p.expr(0)
	}
	for p.word("WHEN") {
		cond := p.expr(0)
		p.need("THEN")
		e.Args = append(e.Args, cond, p.expr(0))
	}
	if p.word("ELSE") {
		e.Else = p.expr(0)
	}
	p.need("END")
	return e
}

func (p *parser) call() *Expr {
	e := &Expr{Op: Call, Names: []string{p.name()}}
	p.needOp("(")
	switch {
	case p.op("*"):
		e.Star = true
	case !p.at(0).Op(")"):
		e.Distinct = p.word("DISTINCT")
		if !e.Distinct {
			p.word("ALL")
		}
		e.Args = p.list()
		e.Order = p.orderBy()
	}
	p.needOp(")")
	if p.word("WITHIN", "GROUP") {
		p.needOp("(")
		e.Order = append(e.Order, p.orderBy()...)
		p.needOp(")")
	}
	if p.at(0).Is("FILTER") && p.at(1).Op("(") {
		p.i += 2
		e.Filter = p.where()
		p.needOp(")")
	}
	if p.at(0).Is("OVER") && (p.at(1).Op("(") || named(p.at(1))) {
		p.i++
		if p.op("(") {
			e.Over = p.window()
		} else {
			e.Over = &Window{Base: p.name()}
		}
	}
	return e
}

// typeName reads the words of a type, with what may stand in parentheses.
func (p *parser) typeName() string {
	out := ""
	for named(p.at(0)) && !typeEnds[p.at(0).Text] {
		if out != "" {
			out += " "
		}
		out += capitals(p.name())
	}
	if out != "" && p.op("(") {
		for {
			p.signed()
			if !p.op(",") {
				break
			}
		}
		p.needOp(")")
	}
	return out
}

// signed steps over a number with a sign, or a name.
func (p *parser) signed() {
	if p.at(0).Op("-") || p.at(0).Op("+") {
		p.i++
	}
	if p.end() {
		p.fail()
	}
	p.i++
}

// typeEnds are words that may be names, and after a type are none.
var typeEnds = words(`GENERATED`)
