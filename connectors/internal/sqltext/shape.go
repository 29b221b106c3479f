package sqltext

// ItemKind is what an item of a SELECT list is.
type ItemKind uint8

const (
	Expression ItemKind = iota
	Column              // a name, with its table's or without
	Star                // * or table.*
)

// Item is one of a SELECT list.
type Item struct {
	Kind ItemKind
	// Column is the chain of a Column, and the table's of a Star, which may have none.
	Column Chain
	// Alias is the name given to it, "" for none.
	Alias string
	Expr  Expr
}

// Clause is a condition or a list of expressions beside the items.
type Clause struct {
	// Name is WHERE, ON, USING, GROUP BY, ...
	Name string
	Expr Expr
	// Equality is set where all of it is comparisons of a column with a constant,
	// by = or IN, joined by AND; Tries is with how many constants.
	Equality bool
	Tries    int
	// Ordinal is set where a number stands for an item, or may.
	Ordinal bool
	// Plain are those of its expressions that are a name and nothing else.
	Plain []Chain
}

// Select is a SELECT of the simple shape.
type Select struct {
	Distinct bool
	Items    []Item
	From     []Source
	Clauses  []Clause

	elements bool // of the dialect
}

// ReadSelect reads a statement of the simple shape; the package says which that is.
// Its errors are *Error and say what is beyond it.
func ReadSelect(d Dialect, statement []Token) (*Select, error) {
	r := &reader{d: &d, t: statement}
	s := &Select{elements: d.Elements}
	if !r.now().Is("SELECT") {
		return nil, r.fail("it is no SELECT")
	}
	r.i++
	if r.now().Is("DISTINCT", "ALL") && !at(r.t, r.i+1).Sym("(", ",", ".") {
		s.Distinct = r.now().Is("DISTINCT")
		r.i++
	}
	if err := r.top(); err != nil {
		return nil, err
	}
	if err := r.selectList(s); err != nil {
		return nil, err
	}
	if r.now().Is("FROM") {
		if err := r.from(s); err != nil {
			return nil, err
		}
	}
	if err := r.clauses(s); err != nil {
		return nil, err
	}
	if !r.end() {
		return nil, r.fail("the text is beyond the simple shape")
	}
	return s, nil
}

// top passes T-SQL's TOP with a number.
func (r *reader) top() error {
	if !r.d.Top || !r.now().Is("TOP") {
		return nil
	}
	switch {
	case at(r.t, r.i+1).Kind == Number:
		r.i += 2
	case at(r.t, r.i+1).Sym("(") && at(r.t, r.i+2).Kind == Number && at(r.t, r.i+3).Sym(")"):
		r.i += 4
	default:
		return r.fail("TOP is not understood")
	}
	return nil
}

func (r *reader) selectList(s *Select) error {
	for {
		item, err := r.item()
		if err != nil {
			return err
		}
		s.Items = append(s.Items, item)
		if !r.now().Sym(",") {
			return nil
		}
		r.i++
	}
}

func (r *reader) item() (Item, error) {
	var it Item
	if star, ok := r.star(); ok {
		return Item{Kind: Star, Column: star}, nil
	}
	start := r.i
	if err := r.expr(&it.Expr); err != nil {
		return it, err
	}
	if len(it.Expr.Columns) == 1 && r.t[start].Named() {
		if c, next := ChainAt(r.t, start); next == r.i {
			it.Kind, it.Column = Column, c
		}
	}
	return it, r.itemName(&it)
}

// star reads * and table.*.
func (r *reader) star() (Chain, bool) {
	if r.now().Sym("*") {
		r.i++
		return Chain{}, true
	}
	if !r.now().Named() || r.now().Kind == Word && r.d.reserves(r.now().upper()) {
		return Chain{}, false
	}
	c, next := ChainAt(r.t, r.i)
	if at(r.t, next).Sym(".") && at(r.t, next+1).Sym("*") {
		r.i = next + 2
		return c, true
	}
	return Chain{}, false
}

// itemName reads the name given to an item, if any.
func (r *reader) itemName(it *Item) error {
	as := r.now().Is("AS")
	if as {
		r.i++
	}
	switch t := r.now(); {
	case t.Kind == Name, t.Kind == Word && !r.d.reserves(t.upper()) && !r.d.operates(t.upper()):
		it.Alias = t.Value
		r.i++
	case as:
		return r.fail("a name is missing after AS")
	}
	return nil
}

func (r *reader) from(s *Select) error {
	r.i++
	if err := r.source(s); err != nil {
		return err
	}
	for {
		comma := r.now().Sym(",")
		joined, err := r.join()
		if err != nil || !joined && !comma {
			return err
		}
		if comma {
			r.i++
		}
		if err := r.source(s); err != nil {
			return err
		}
		if joined {
			if err := r.condition(s); err != nil {
				return err
			}
		}
	}
}

// source reads one table with its name.
func (r *reader) source(s *Select) error {
	t := r.now()
	if !t.Named() || t.Kind == Word && r.d.reserves(t.upper()) {
		return r.fail("what stands in FROM is not a table's name")
	}
	c, next := ChainAt(r.t, r.i)
	r.i = next
	if r.now().Sym("(", ".") {
		return r.fail("what stands in FROM is not a table's name")
	}
	src := Source{Chain: c}
	if r.d.Final && r.now().Is("FINAL") {
		r.i++
	}
	as := r.now().Is("AS")
	if as {
		r.i++
	}
	switch t := r.now(); {
	case t.Kind == Name, t.Kind == Word && !r.d.reserves(t.upper()) && !r.d.operates(t.upper()):
		src.Alias = t.Value
		r.i++
	case as:
		return r.fail("a name is missing after AS")
	}
	if r.d.Final && r.now().Is("FINAL") {
		r.i++
	}
	s.From = append(s.From, src)
	return r.hints()
}

// hints passes T-SQL's WITH (NOLOCK).
func (r *reader) hints() error {
	if len(r.d.Hints) == 0 || !r.now().Is("WITH") || !at(r.t, r.i+1).Sym("(") {
		return nil
	}
	to := closing(r.t, r.i+1)
	for k := r.i + 2; k < to; k++ {
		if !r.d.Hints[r.t[k].upper()] && !r.t[k].Sym(",") {
			return r.fail("a table's hint is not understood")
		}
	}
	r.i = to + 1
	return nil
}

// join passes the words of a join.
func (r *reader) join() (bool, error) {
	start := r.i
	for r.now().Is("INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS") || r.d.Strictness[r.now().upper()] {
		r.i++
	}
	if r.now().Is("JOIN") {
		r.i++
		return true, nil
	}
	if r.i > start {
		return false, r.fail("a join is not understood")
	}
	return false, nil
}

// condition reads what a join goes by, if anything.
func (r *reader) condition(s *Select) error {
	switch {
	case r.now().Is("ON"):
		r.i++
		return r.clause(s, "ON", false)
	case r.now().Is("USING"):
		r.i++
		return r.clause(s, "USING", true)
	}
	return nil
}

// clause reads a condition, or a list where many is set.
func (r *reader) clause(s *Select, name string, many bool) error {
	start := r.i
	c := Clause{Name: name}
	for {
		from := r.i
		if err := r.expr(&c.Expr); err != nil {
			return err
		}
		c.Ordinal = c.Ordinal || ordinal(r.t[from:r.i])
		if r.t[from].Named() && r.i > from {
			if name, next := ChainAt(r.t, from); next == r.i {
				c.Plain = append(c.Plain, name)
			}
		}
		if name == "ORDER BY" {
			if err := r.direction(); err != nil {
				return err
			}
		}
		if !many || !r.now().Sym(",") {
			break
		}
		r.i++
	}
	if !many {
		c.Equality, c.Tries = equalities(r.t[start:r.i])
	}
	s.Clauses = append(s.Clauses, c)
	return nil
}

// ordinal reports whether an expression may be a number to a server: also one in
// brackets, or with a sign, by which newer ones count from the end.
func ordinal(t []Token) bool {
	found := false
	for _, k := range t {
		found = found || k.Kind == Number
		if k.Kind != Number && k.Kind != Symbol {
			return false
		}
	}
	return found
}

func (r *reader) direction() error {
	if r.now().Is("ASC", "DESC") {
		r.i++
	}
	if r.now().Is("NULLS") {
		if !at(r.t, r.i+1).Is("FIRST", "LAST") {
			return r.fail("NULLS is not understood")
		}
		r.i += 2
	}
	return nil
}

// clauses reads those after FROM, each at most once and in order.
func (r *reader) clauses(s *Select) error {
	for _, c := range []struct {
		first, second string
		many          bool
	}{{"PREWHERE", "", false}, {"WHERE", "", false}, {"GROUP", "BY", true}, {"HAVING", "", false}, {"ORDER", "BY", true}} {
		if !r.now().Is(c.first) {
			continue
		}
		name := c.first
		r.i++
		if c.second != "" {
			if !r.now().Is(c.second) {
				return r.fail(c.second + " is missing")
			}
			name += " " + c.second
			r.i++
		}
		if err := r.clause(s, name, c.many); err != nil {
			return err
		}
	}
	return r.limit()
}

// limit passes LIMIT and OFFSET with numbers alone, and T-SQL's OFFSET … FETCH.
func (r *reader) limit() error {
	number := func(words ...string) bool {
		if !r.now().Is(words...) || at(r.t, r.i+1).Kind != Number {
			return false
		}
		r.i += 2
		return true
	}
	if number("LIMIT") {
		if r.now().Sym(",") && at(r.t, r.i+1).Kind == Number {
			r.i += 2
			return nil
		}
	}
	if number("OFFSET") && r.now().Is("ROW", "ROWS") {
		r.i++
	}
	if r.now().Is("FETCH") && at(r.t, r.i+1).Is("NEXT", "FIRST") {
		r.i++
		if !number("NEXT", "FIRST") || !r.now().Is("ROW", "ROWS") || !at(r.t, r.i+1).Is("ONLY") {
			return r.fail("FETCH is not understood")
		}
		r.i += 2
	}
	return nil
}

// Calls are all calls of the statement.
func (s *Select) Calls() []Call {
	var all []Call
	for _, it := range s.Items {
		all = append(all, it.Expr.Calls...)
	}
	for _, c := range s.Clauses {
		all = append(all, c.Expr.Calls...)
	}
	return all
}

// ReadValues reads VALUES and lists in brackets after it, with commas between them or
// without, and returns what they mention. Its errors are *Error.
func ReadValues(d Dialect, t []Token) (*Expr, error) {
	r := &reader{d: &d, t: t}
	if !r.now().Is("VALUES") || len(t) == 1 {
		return nil, r.fail("it is no VALUES")
	}
	e := &Expr{}
	for r.i++; !r.end(); {
		if !r.now().Sym("(") {
			return nil, r.fail("the values are not understood")
		}
		if err := r.list(e); err != nil {
			return nil, err
		}
		if r.now().Sym(",") {
			r.i++
		}
	}
	return e, nil
}
