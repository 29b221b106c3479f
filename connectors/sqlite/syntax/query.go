package syntax

func (p *parser) startsSelect() bool {
	t := p.at(0)
	return t.Is("SELECT") || t.Is("VALUES") || t.Is("WITH")
}

// with reads the common table expressions, nil if there are none.
func (p *parser) with() *With {
	if !p.word("WITH") {
		return nil
	}
	if p.at(0).Is("RECURSIVE") && !p.at(1).Is("AS") && !p.at(1).Op("(") {
		p.i++
	}
	w := &With{}
	for {
		c := &CTE{Name: p.name()}
		if p.at(0).Op("(") {
			c.Columns = p.names()
		}
		p.need("AS")
		p.word("NOT")
		p.word("MATERIALIZED")
		p.needOp("(")
		c.Query = p.query()
		p.needOp(")")
		w.Tables = append(w.Tables, c)
		if !p.op(",") {
			return w
		}
	}
}

func (p *parser) query() *Select { return p.selectAfter(p.with()) }

func (p *parser) selectAfter(w *With) *Select {
	p.enter()
	defer p.leave()
	s := &Select{With: w}
	for {
		s.Parts = append(s.Parts, p.core())
		switch {
		case p.word("UNION", "ALL"):
			s.Ops = append(s.Ops, "UNION ALL")
		case p.word("UNION"):
			s.Ops = append(s.Ops, "UNION")
		case p.word("INTERSECT"):
			s.Ops = append(s.Ops, "INTERSECT")
		case p.word("EXCEPT"):
			s.Ops = append(s.Ops, "EXCEPT")
		default:
			s.Order, s.Limit = p.orderBy(), p.limit()
			return s
		}
	}
}

func (p *parser) core() *Core {
	if p.word("VALUES") {
		c := &Core{}
		for {
			p.needOp("(")
			c.Values = append(c.Values, p.list())
			p.needOp(")")
			if !p.op(",") {
				return c
			}
		}
	}
	p.need("SELECT")
	c := &Core{Distinct: p.word("DISTINCT")}
	if !c.Distinct {
		p.word("ALL")
	}
	c.Columns = p.results()
	if p.word("FROM") {
		c.From = p.sources()
	}
	c.Where = p.where()
	if p.word("GROUP", "BY") {
		c.Group = p.list()
	}
	if p.word("HAVING") {
		c.Having = p.expr(0)
	}
	if p.at(0).Is("WINDOW") {
		p.i++
		c.Windows = p.windows()
	}
	return c
}

func (p *parser) where() *Expr {
	if p.word("WHERE") {
		return p.expr(0)
	}
	return nil
}

func (p *parser) results() (out []Result) {
	for {
		switch {
		case p.op("*"):
			out = append(out, Result{Star: true})
		case named(p.at(0)) && p.at(1).Op(".") && p.at(2).Op("*"):
			out = append(out, Result{Star: true, Table: p.name()})
			p.i += 2
		default:
			e := p.expr(0)
			out = append(out, Result{Expr: e, Alias: p.alias()})
		}
		if !p.op(",") {
			return out
		}
	}
}

func (p *parser) sources() (out []*Source) {
	out = append(out, p.source())
	for {
		natural, joined := p.join()
		if !joined {
			return out
		}
		s := p.source()
		s.Natural = natural
		out = append(out, s)
		p.onUsing(s)
	}
}

// join reads a join operator.
func (p *parser) join() (natural, ok bool) {
	if p.op(",") {
		return false, true
	}
	from := p.i
	for {
		switch w := p.oneOf("NATURAL", "LEFT", "RIGHT", "FULL", "OUTER", "INNER", "CROSS"); w {
		case "NATURAL":
			natural = true
			continue
		case "":
			if p.word("JOIN") {
				return natural, true
			}
			p.i = from
			return false, false
		}
	}
}

func (p *parser) onUsing(s *Source) {
	switch {
	case p.word("ON"):
		s.On = p.expr(0)
	case p.word("USING"):
		s.Using = p.names()
	}
}

func (p *parser) source() *Source {
	p.enter()
	defer p.leave()
	s := &Source{Pos: p.at(0).Pos}
	if p.op("(") {
		if p.startsSelect() {
			s.Query = p.query()
		} else {
			s.Nested = p.sources()
		}
		p.needOp(")")
		s.Alias = p.alias()
		return s
	}
	s.Schema, s.Name = p.dotted()
	s.End = p.toks[p.i-1].End
	if p.op("(") {
		s.Call = true
		if !p.at(0).Op(")") {
			s.Args = p.list()
		}
		p.needOp(")")
		s.Alias = p.alias()
		return s
	}
	s.Alias = p.alias()
	s.After = p.toks[p.i-1].End
	s.IndexedBy, s.NotIndexed = p.indexed()
	return s
}

func (p *parser) indexed() (by string, not bool) {
	if p.word("INDEXED", "BY") {
		return p.name(), false
	}
	return "", p.word("NOT", "INDEXED")
}

func (p *parser) orderBy() []*Expr {
	if p.word("ORDER", "BY") {
		return p.sorted()
	}
	return nil
}

// sorted is a list of expressions with directions.
func (p *parser) sorted() (out []*Expr) {
	for {
		out = append(out, p.expr(0))
		p.oneOf("ASC", "DESC")
		if p.word("NULLS") {
			p.oneOf("FIRST", "LAST")
		}
		if !p.op(",") {
			return out
		}
	}
}

func (p *parser) limit() (out []*Expr) {
	if !p.word("LIMIT") {
		return nil
	}
	out = append(out, p.expr(0))
	if p.word("OFFSET") || p.op(",") {
		out = append(out, p.expr(0))
	}
	return out
}

func (p *parser) windows() (out []*Window) {
	for {
		name := p.name()
		p.need("AS")
		p.needOp("(")
		w := p.window()
		w.Name = name
		out = append(out, w)
		if !p.op(",") {
			return out
		}
	}
}

// window is what stands in the parentheses of a window, and the closing one.
func (p *parser) window() *Window {
	w := &Window{}
	frame := p.at(0).Is("PARTITION") && p.at(1).Is("BY") || p.at(0).Is("ORDER") || p.at(0).Op(")") ||
		(p.at(0).Is("RANGE") || p.at(0).Is("ROWS") || p.at(0).Is("GROUPS")) && !p.at(1).Op(")")
	if !frame {
		w.Base = p.name()
	}
	if p.word("PARTITION", "BY") {
		w.Partition = p.list()
	}
	w.Order = p.orderBy()
	if p.oneOf("RANGE", "ROWS", "GROUPS") != "" {
		if p.word("BETWEEN") {
			w.Frame = append(w.Frame, p.bound()...)
			p.need("AND")
		}
		w.Frame = append(w.Frame, p.bound()...)
		if p.word("EXCLUDE") && !p.word("NO", "OTHERS") && !p.word("CURRENT", "ROW") && p.oneOf("GROUP", "TIES") == "" {
			p.fail()
		}
	}
	p.needOp(")")
	return w
}

func (p *parser) bound() []*Expr {
	switch {
	case p.word("UNBOUNDED", "PRECEDING"), p.word("UNBOUNDED", "FOLLOWING"), p.word("CURRENT", "ROW"):
		return nil
	}
	e := p.expr(bitLevel)
	if p.oneOf("PRECEDING", "FOLLOWING") == "" {
		p.fail()
	}
	return []*Expr{e}
}
