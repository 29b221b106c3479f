package syntax

// target is the table of UPDATE and DELETE.
func (p *parser) target() Target {
	t := Target{}
	t.Schema, t.Name = p.dotted()
	if p.word("AS") {
		t.Alias = p.name()
	}
	t.After = p.toks[p.i-1].End
	t.IndexedBy, t.NotIndexed = p.indexed()
	return t
}

func (p *parser) or() string {
	if !p.word("OR") {
		return ""
	}
	w := p.oneOf("ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE")
	if w == "" {
		p.fail()
	}
	return w
}

func (p *parser) insert(w *With) *Insert {
	s := &Insert{With: w}
	if p.word("REPLACE") {
		s.Or = "REPLACE"
	} else {
		p.need("INSERT")
		s.Or = p.or()
	}
	p.need("INTO")
	s.Into.Schema, s.Into.Name = p.dotted()
	if p.word("AS") {
		s.Into.Alias = p.name()
	}
	if p.at(0).Op("(") {
		s.Columns = p.names()
	}
	if !p.word("DEFAULT", "VALUES") {
		s.Query = p.query()
		for p.word("ON", "CONFLICT") {
			s.Upserts = append(s.Upserts, p.upsert())
		}
	}
	s.Returned = p.returning()
	return s
}

func (p *parser) upsert() *Upsert {
	u := &Upsert{}
	if p.op("(") {
		u.On = p.sorted()
		p.needOp(")")
		u.OnWhere = p.where()
	}
	p.need("DO")
	if p.word("NOTHING") {
		return u
	}
	p.need("UPDATE", "SET")
	u.Update = true
	u.Set, u.Where = p.assignments(), p.where()
	return u
}

func (p *parser) assignments() (out []Assignment) {
	for {
		a := Assignment{}
		if p.at(0).Op("(") {
			a.Columns = p.names()
		} else {
			a.Columns = []string{p.name()}
		}
		p.needOp("=")
		a.Value = p.expr(0)
		out = append(out, a)
		if !p.op(",") {
			return out
		}
	}
}

func (p *parser) update(w *With) *Update {
	s := &Update{With: w, Or: p.or(), Target: p.target()}
	p.need("SET")
	s.Set = p.assignments()
	if p.word("FROM") {
		s.From = p.sources()
	}
	s.Where, s.Returned = p.where(), p.returning()
	s.Order, s.Limit = p.orderBy(), p.limit()
	return s
}

func (p *parser) remove(w *With) *Delete {
	s := &Delete{With: w, Target: p.target()}
	s.Where, s.Returned = p.where(), p.returning()
	s.Order, s.Limit = p.orderBy(), p.limit()
	return s
}

func (p *parser) returning() []Result {
	if p.word("RETURNING") {
		return p.results()
	}
	return nil
}

func (p *parser) view() *View {
	v := &View{}
	_, v.Name = p.dotted()
	if p.at(0).Op("(") {
		v.Columns = p.names()
	}
	p.need("AS")
	v.Pos = p.at(0).Pos
	v.Query = p.query()
	v.End = p.toks[p.i-1].End
	return v
}

func (p *parser) index(unique bool) *Index {
	x := &Index{Unique: unique}
	_, x.Name = p.dotted()
	p.need("ON")
	x.Table = p.name()
	p.needOp("(")
	x.Columns = p.sorted()
	p.needOp(")")
	x.Where = p.where()
	return x
}

func (p *parser) trigger() *Trigger {
	t := &Trigger{}
	_, t.Name = p.dotted()
	switch {
	case p.word("INSTEAD", "OF"):
		t.Instead = true
	default:
		p.oneOf("BEFORE", "AFTER")
	}
	if t.Event = p.oneOf("DELETE", "INSERT", "UPDATE"); t.Event == "" {
		p.fail()
	}
	if p.word("OF") {
		for {
			t.Columns = append(t.Columns, p.name())
			if !p.op(",") {
				break
			}
		}
	}
	p.need("ON")
	_, t.Table = p.dotted()
	p.word("FOR", "EACH", "ROW")
	if p.word("WHEN") {
		t.When = p.expr(0)
	}
	p.need("BEGIN")
	for !p.word("END") {
		s := &Statement{}
		p.data(s)
		t.Body = append(t.Body, s)
		p.needOp(";")
	}
	return t
}

// alter tells what ALTER TABLE changes, not how.
func (p *parser) alter() *Alter {
	a := &Alter{Action: "OTHER"}
	a.Schema, a.Table = p.dotted()
	switch {
	case p.word("RENAME"):
		a.Action = "RENAME"
	case p.word("DROP", "CONSTRAINT"), p.word("ADD", "CONSTRAINT"), p.word("ADD", "CHECK"), p.word("ALTER"):
	case p.word("DROP"):
		a.Action = "DROP COLUMN"
	case p.word("ADD"):
		a.Action = "ADD COLUMN"
	}
	for ; !p.end() && !p.at(0).Op(";"); p.i++ {
		switch p.at(0).Text {
		case "CHECK", "NOT", "REFERENCES", "GENERATED", "AS", "UNIQUE", "PRIMARY":
			a.Checked = true
		}
	}
	return a
}
