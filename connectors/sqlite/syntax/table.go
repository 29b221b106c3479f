package syntax

// table reads CREATE TABLE after its first words.
func (p *parser) table() *Table {
	t := &Table{}
	_, t.Name = p.dotted()
	if p.word("AS") {
		t.Query = p.query()
		return t
	}
	p.needOp("(")
	for {
		if p.constraintWord() {
			p.constraints(t)
			break
		}
		p.definition(t)
		if !p.op(",") {
			break
		}
	}
	p.needOp(")")
	for !p.end() && !p.at(0).Op(";") {
		switch {
		case p.word("WITHOUT", "ROWID"):
			t.WithoutRowid = true
		case p.word("STRICT"):
			t.Strict = true
		default:
			p.fail()
		}
		p.op(",")
	}
	return t
}

// constraintWord reports whether a constraint of the table comes, rather than a
// column: none of these words is a name.
func (p *parser) constraintWord() bool {
	switch p.at(0).Text {
	case "CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN":
		return p.at(0).Kind == Word
	}
	return false
}

func (p *parser) definition(t *Table) {
	d := &Definition{Name: p.name()}
	d.Type = p.typeName()
	t.Columns = append(t.Columns, d)
	for p.columnConstraint(t, d) {
	}
}

// columnConstraint reads one constraint of a column, false if there is none.
func (p *parser) columnConstraint(t *Table, d *Definition) bool {
	own := []string{d.Name}
	switch {
	case p.word("CONSTRAINT"):
		p.name()
	case p.word("PRIMARY", "KEY"):
		c := Constraint{Rule: Primary, Columns: own, Desc: p.oneOf("ASC", "DESC") == "DESC"}
		p.onConflict()
		p.word("AUTOINCREMENT")
		t.Constraints = append(t.Constraints, c)
	case p.word("UNIQUE"):
		p.onConflict()
		t.Constraints = append(t.Constraints, Constraint{Rule: Unique, Columns: own})
	case p.word("CHECK"):
		t.Constraints = append(t.Constraints, p.check())
	case p.word("NOT", "NULL"):
		d.NotNull = true
		p.onConflict()
	case p.word("NULL"):
		p.onConflict()
	case p.word("DEFAULT"):
		d.Default = !p.at(0).Is("NULL")
		p.defaultValue()
	case p.word("COLLATE"):
		p.name()
	case p.word("GENERATED", "ALWAYS", "AS"), p.word("AS"):
		p.needOp("(")
		d.Generated = p.expr(0)
		p.needOp(")")
		d.Stored = p.oneOf("STORED", "VIRTUAL") == "STORED"
	case p.word("REFERENCES"):
		t.Constraints = append(t.Constraints, p.references(own))
	default:
		return p.deferrable()
	}
	return true
}

func (p *parser) check() Constraint {
	p.needOp("(")
	e := p.expr(0)
	p.needOp(")")
	p.onConflict()
	return Constraint{Rule: Check, Expr: e}
}

func (p *parser) defaultValue() {
	if p.op("(") {
		p.expr(0)
		p.needOp(")")
		return
	}
	p.signed()
}

func (p *parser) onConflict() {
	if p.word("ON", "CONFLICT") && p.oneOf("ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE") == "" {
		p.fail()
	}
}

func (p *parser) deferrable() bool {
	if !p.word("NOT", "DEFERRABLE") && !p.word("DEFERRABLE") {
		return false
	}
	if p.word("INITIALLY") && p.oneOf("DEFERRED", "IMMEDIATE") == "" {
		p.fail()
	}
	return true
}

func (p *parser) references(columns []string) Constraint {
	c := Constraint{Rule: Foreign, Columns: columns, Parent: p.name()}
	if p.at(0).Op("(") {
		c.Keys = p.names()
	}
	for {
		switch {
		case p.word("ON", "DELETE"), p.word("ON", "UPDATE"), p.word("ON", "INSERT"):
			if !p.word("SET", "NULL") && !p.word("SET", "DEFAULT") && !p.word("NO", "ACTION") && p.oneOf("CASCADE", "RESTRICT") == "" {
				p.fail()
			}
		case p.word("MATCH"):
			p.name()
		default:
			return c
		}
	}
}

// constraints reads those of the table, to the closing parenthesis.
func (p *parser) constraints(t *Table) {
	for !p.at(0).Op(")") {
		switch {
		case p.word("CONSTRAINT"):
			p.name()
		case p.word("PRIMARY", "KEY"):
			c := Constraint{Rule: Primary, Columns: p.keyed()}
			p.onConflict()
			t.Constraints = append(t.Constraints, c)
		case p.word("UNIQUE"):
			c := Constraint{Rule: Unique, Columns: p.keyed()}
			p.onConflict()
			t.Constraints = append(t.Constraints, c)
		case p.word("CHECK"):
			t.Constraints = append(t.Constraints, p.check())
		case p.word("FOREIGN", "KEY"):
			cols := p.names()
			p.need("REFERENCES")
			t.Constraints = append(t.Constraints, p.references(cols))
			p.deferrable()
		case p.op(","):
		default:
			p.fail()
		}
	}
}

// keyed are the columns of a key, which have directions and collations.
func (p *parser) keyed() (out []string) {
	p.needOp("(")
	for {
		e := p.expr(0)
		for e.Op == Collate {
			e = e.Args[0]
		}
		if e.Op == Constant && e.Text != "" { // 'name', which is allowed here
			e = &Expr{Op: Column, Names: []string{e.Text}}
		}
		if e.Op != Column || len(e.Names) != 1 {
			p.fail()
		}
		out = append(out, e.Names[0])
		p.oneOf("ASC", "DESC")
		p.word("AUTOINCREMENT")
		if !p.op(",") {
			break
		}
	}
	p.needOp(")")
	return out
}
