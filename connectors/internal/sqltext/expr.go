package sqltext

// Expr is what an expression mentions.
type Expr struct {
	// Columns are all chains that are no function: columns, or names given to items.
	Columns []Chain
	Calls   []Call
	// Variables are those it mentions.
	Variables []string
}

// reader reads a token list from left to right.
type reader struct {
	d *Dialect
	t []Token
	i int
}

func (r *reader) now() Token { return at(r.t, r.i) }

func (r *reader) end() bool { return r.i >= len(r.t) }

func (r *reader) fail(why string) error {
	pos := 0
	if t := r.now(); !r.end() {
		pos = t.At
		why += " at " + t.Text
	} else {
		why += " at its end"
	}
	return &Error{pos, why}
}

// expr reads an expression: operands with operators between them, up to what can be
// neither. Anything that is not known is left for the caller, who finds it there.
func (r *reader) expr(e *Expr) error {
	for {
		if err := r.operand(e); err != nil {
			return err
		}
		more, err := r.operator(e)
		if err != nil || !more {
			return err
		}
	}
}

// operand reads one, with what stands before and after it.
func (r *reader) operand(e *Expr) error {
	for r.now().Sym("-", "+", "~") || r.now().Is("NOT") {
		r.i++
	}
	t := r.now()
	switch {
	case r.end():
		return r.fail("an operand is missing")
	case t.Kind == Number, t.Kind == String:
		r.i++
	case t.Kind == Variable:
		e.Variables = append(e.Variables, t.Text)
		r.i++
	case t.Sym("("), t.Sym("[") && !r.d.Brackets:
		if err := r.list(e); err != nil {
			return err
		}
	case t.Is("CASE"):
		if err := r.cases(e); err != nil {
			return err
		}
	case t.Is("INTERVAL") && at(r.t, r.i+1).Kind == Number && at(r.t, r.i+2).Kind == Word:
		r.i += 3
	case t.Named():
		if err := r.name(e); err != nil {
			return err
		}
	default:
		return r.fail("an operand is not understood")
	}
	return r.postfix(e)
}

// postfix passes subscripts and elements of tuples.
func (r *reader) postfix(e *Expr) error {
	for {
		switch t := r.now(); {
		case t.Sym("[") && !r.d.Brackets:
			if err := r.list(e); err != nil {
				return err
			}
		case t.Sym(".") && at(r.t, r.i+1).Kind == Number:
			r.i += 2
		default:
			return nil
		}
	}
}

// name reads a column, a constant or a call.
func (r *reader) name(e *Expr) error {
	t := r.now()
	if t.Is("NULL") && !at(r.t, r.i+1).Sym("(", ".") {
		r.i++
		return nil
	}
	c, next := ChainAt(r.t, r.i)
	call := at(r.t, next).Sym("(")
	if t.Kind == Word && (r.d.reserves(t.upper()) || r.d.operates(t.upper())) && !(call && t.Is("LEFT", "RIGHT", "CAST", "ANY", "FIRST", "LAST", "RANGE")) {
		return r.fail("a word is not understood")
	}
	for _, k := range r.t[r.i:next] {
		if r.d.Pseudo[k.upper()] {
			return &Error{k.At, "which column " + k.Text + " is depends on the table"}
		}
	}
	if !call {
		r.i = next
		e.Columns = append(e.Columns, c)
		return nil
	}
	e.Calls = append(e.Calls, Call{c, next, closing(r.t, next)})
	r.i = next
	if t.Is("CAST") && len(c.Parts) == 1 {
		return r.cast(e)
	}
	for r.now().Sym("(") { // parameters of an aggregate, then its arguments
		if err := r.arguments(e, c); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) arguments(e *Expr, c Chain) error {
	to := closing(r.t, r.i)
	switch {
	case to == r.i+1:
		r.i = to + 1
		return nil
	case r.t[r.i+1].Sym("*") && to == r.i+2 && len(c.Parts) == 1 && (Token{Kind: Word, Text: c.Parts[0]}).Is("COUNT", "COUNT_BIG"):
		r.i = to + 1
		return nil
	}
	if at(r.t, r.i+1).Is("DISTINCT") && at(r.t, r.i+2).Kind != Symbol {
		r.i++
	}
	return r.items(e, to)
}

// list reads a bracket's expressions.
func (r *reader) list(e *Expr) error {
	to := closing(r.t, r.i)
	if to == r.i+1 && r.t[r.i].Sym("[") {
		r.i = to + 1
		return nil
	}
	return r.items(e, to)
}

// items reads expressions with commas between them, from the token after this one to
// the bracket at to.
func (r *reader) items(e *Expr, to int) error {
	in := reader{d: r.d, t: r.t[:to], i: r.i + 1}
	for {
		if err := in.expr(e); err != nil {
			return err
		}
		if in.end() {
			r.i = to + 1
			return nil
		}
		if !in.now().Sym(",") {
			return in.fail("the text is not understood")
		}
		in.i++
	}
}

// cast reads CAST(x AS type) and CAST(x, 'type').
func (r *reader) cast(e *Expr) error {
	to := closing(r.t, r.i)
	in := reader{d: r.d, t: r.t[:to], i: r.i + 1}
	if err := in.expr(e); err != nil {
		return err
	}
	switch {
	case in.now().Sym(",") && at(in.t, in.i+1).Kind == String && in.i+2 == to:
	case in.now().Is("AS"):
		for in.i++; in.i < to; in.i++ {
			if t := in.now(); !(t.Kind == Word || t.Kind == Number || t.Kind == Name || t.Kind == String || t.Sym("(", ")", "=")) && !(t.Sym(",", "-") && t.Depth > r.t[to].Depth+1) || t.Is("AS", "SELECT") {
				return in.fail("a type is not understood")
			}
		}
	default:
		return in.fail("the text is not understood")
	}
	r.i = to + 1
	return nil
}

// cases reads CASE … END.
func (r *reader) cases(e *Expr) error {
	r.i++
	if !r.now().Is("WHEN") {
		if err := r.expr(e); err != nil {
			return err
		}
	}
	for n := 0; ; n++ {
		switch {
		case r.now().Is("WHEN"):
			r.i++
			if err := r.expr(e); err != nil {
				return err
			}
			if !r.now().Is("THEN") {
				return r.fail("THEN is missing")
			}
		case r.now().Is("ELSE") && n > 0:
		case r.now().Is("END") && n > 0:
			r.i++
			return nil
		default:
			return r.fail("CASE is not understood")
		}
		r.i++
		if err := r.expr(e); err != nil {
			return err
		}
	}
}

// operator reads what stands between two operands; more is false where the expression
// has ended.
func (r *reader) operator(e *Expr) (more bool, err error) {
	t := r.now()
	if t.Sym("+", "-", "*", "/", "%", "=", "==", "!=", "<>", "<", ">", "<=", ">=", "<=>", "||", "&", "|", "^") {
		r.i++
		return true, nil
	}
	if t.Kind != Word {
		return false, nil
	}
	start := r.i
	for r.now().Is("NOT", "GLOBAL") {
		r.i++
	}
	switch t := r.now(); {
	case t.Is("AND", "OR") && r.i == start, t.Is("LIKE", "ILIKE", "REGEXP", "BETWEEN"):
		r.i++
		return true, nil
	case t.Is("DIV", "MOD") && r.i == start && r.d.Operators[t.upper()]:
		r.i++
		return true, nil
	case t.Is("ESCAPE") && r.i == start && r.d.Operators["ESCAPE"] && at(r.t, r.i+1).Kind == String:
		r.i += 2
		return r.operator(e)
	case t.Is("COLLATE") && r.i == start && r.d.Operators["COLLATE"] && at(r.t, r.i+1).Kind == Word:
		r.i += 2
		return r.operator(e)
	case t.Is("IS") && r.i == start:
		r.i++
		if r.now().Is("NOT") {
			r.i++
		}
		if !r.now().Is("NULL") {
			return false, r.fail("IS is not understood")
		}
		r.i++
		return r.operator(e)
	case t.Is("IN"):
		if err := r.in(e); err != nil {
			return false, err
		}
		return r.operator(e)
	}
	if r.i != start {
		return false, r.fail("NOT is not understood")
	}
	return false, nil
}

// in reads the right side of IN. Where a name there may be a table, only constants are
// read.
func (r *reader) in(e *Expr) error {
	r.i++
	if !r.now().Sym("(") {
		return r.fail("the right side of IN is not a list")
	}
	if r.d.InTables {
		for _, t := range r.t[r.i:closing(r.t, r.i)] {
			if t.Named() && !t.Is("NULL") {
				return &Error{t.At, "the right side of IN holds more than constants at " + t.Text}
			}
		}
	}
	return r.list(e)
}

// equalities tells, of a condition that was read, whether it is comparisons of columns
// with constants, joined by AND.
func equalities(t []Token) (ok bool, tries int) {
	for i := 0; ; {
		if !at(t, i).Named() || reserved[t[i].upper()] {
			return false, 0
		}
		_, i = ChainAt(t, i)
		switch {
		case at(t, i).Sym("=", "==") && (at(t, i+1).Kind == Number || at(t, i+1).Kind == String):
			tries++
			i += 2
		case at(t, i).Is("IN") && at(t, i+1).Sym("("):
			to := closing(t, i+1)
			for k := i + 2; k < to; k++ {
				if odd := (k - i) % 2; odd == 0 && t[k].Kind != Number && t[k].Kind != String || odd == 1 && !t[k].Sym(",") {
					return false, 0
				}
				tries += 1 - (k-i)%2
			}
			i = to + 1
		default:
			return false, 0
		}
		if i == len(t) {
			return true, tries
		}
		if !t[i].Is("AND") {
			return false, 0
		}
		i++
	}
}
