package clickhouse

import (
	"context"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// judged is all that is found out about a text without running it.
type judged struct {
	*reading
	trace *connectors.Trace
	// names are what the answer's columns are called, as far as that is known; nil where
	// they were not traced.
	names []string
	// used are the tables that the trace goes by.
	used []*relation
	// lists is set for a statement whose answer holds nothing of tables.
	lists bool
}

// assess judges a text by the catalog as last read.
func (c *Conn) assess(text string) *judged {
	cat := c.catalog.Load()
	j := &judged{reading: read(text, c.endpoint.Database)}
	j.follow(cat, c.endpoint.Database)
	j.resolve(cat, c.endpoint.Database)
	if j.cannot == "" {
		j.cannot = j.secretive(cat, c.endpoint.Database)
	}
	return j
}

// secretive says why the text that made a relation is not shown, "" if it may be.
func (j *judged) secretive(cat *catalog, database string) string {
	if !j.created() {
		return ""
	}
	for _, t := range j.facts.Tables {
		if t.Kind != policy.TablePlain && t.Kind != policy.TableView {
			return "what made " + t.Name + " may hold a password"
		}
	}
	if len(j.facts.Tables) == 0 {
		return "it may show a password"
	}
	return ""
}

// follow traces where values come from and go to.
func (j *judged) follow(cat *catalog, database string) {
	j.trace = &connectors.Trace{}
	why := ""
	switch t := j.first(); {
	case j.tokens == nil || j.facts.Class == policy.Unknown:
		why = j.facts.Why
	case t.Is("SELECT"):
		why = j.query(cat, database, j.body)
	case t.Is("INSERT"):
		why = j.inserted(cat, database)
	case j.named && !t.Is("CREATE"):
		j.lists = true
	case !j.facts.Opaque && (j.named || t.Is("DROP", "TRUNCATE", "DETACH", "OPTIMIZE")):
	case t.Is("WITH"), t.Sym("("):
		why = "WITH and set operations are not traced"
	default:
		why = j.facts.Verb + " is not traced"
	}
	if why != "" {
		j.trace, j.names, j.used, j.lists = &connectors.Trace{Why: why}, nil, nil, false
		return
	}
	j.facts.Copies = false // where values go is known
}

func (j *judged) first() sqltext.Token {
	if len(j.tokens) == 0 {
		return sqltext.Token{Kind: sqltext.Symbol}
	}
	return j.tokens[0]
}

// answers reports whether the statement is answered with columns, if with nothing else.
func (j *judged) answers() bool {
	return j.first().Is("SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXISTS", "EXPLAIN", "CHECK") || len(j.tokens) > 0 && j.first().Sym("(")
}

// query traces a SELECT, which must be of the simple shape. It says what is not
// understood.
func (j *judged) query(cat *catalog, database string, body []sqltext.Token) string {
	s, err := sqltext.ReadSelect(sqltext.ClickHouse, body)
	if err != nil {
		return err.Error()
	}
	if why := strange(s.Calls()); why != "" {
		return why
	}
	closed := ""
	res, err := s.Resolve(func(parts []string) *sqltext.Table {
		r := cat.find(database, parts)
		switch {
		case r == nil:
			return nil
		case r.closed != "":
			closed = r.Name + ": " + r.closed
			return nil
		}
		if !slices.Contains(j.used, r) {
			j.used = append(j.used, r)
		}
		return &r.Table
	}, false)
	switch {
	case closed != "":
		return closed
	case err != nil:
		return err.Error()
	}
	j.adopt(res)
	if !settled(s) {
		j.stored()
	}
	return ""
}

// orderless are aggregate functions that come to the same in any order of rows.
var orderless = set("count sum min max avg uniq uniqExact uniqCombined uniqHLL12 quantile median varPop varSamp stddevPop stddevSamp")

// settled reports whether the order in which rows are stored shows nothing in the
// answer: it is put in an order of its own, or is one row of figures. Rows that are
// alike in that order still come as they are stored.
func settled(s *sqltext.Select) bool {
	for _, c := range s.Calls() {
		if ordered(c.Last()) {
			return false
		}
	}
	for _, c := range s.Clauses {
		if c.Name == "ORDER BY" && slices.ContainsFunc(c.Plain, func(n sqltext.Chain) bool { return !computed(s, n) }) {
			return true
		}
	}
	for _, it := range s.Items {
		if it.Kind != sqltext.Expression || len(it.Expr.Calls) != 1 || !orderless[it.Expr.Calls[0].Last()] {
			return false
		}
	}
	return true
}

// computed reports whether a name may be an item's that is no column: such a one may be
// the same in all rows, and is no order of its own.
func computed(s *sqltext.Select, name sqltext.Chain) bool {
	return slices.ContainsFunc(s.Items, func(it sqltext.Item) bool {
		return it.Kind == sqltext.Expression && it.Alias != "" && (it.Alias == name.String() || it.Alias == name.Last() || it.Alias == name.Parts[0])
	})
}

// stored adds the columns by which the tables' rows are stored to those that decide.
func (j *judged) stored() {
	for _, r := range j.used {
		for _, name := range r.sorted {
			c := mask.Column{Schema: r.Schema, Table: r.Name, Name: name}
			j.trace.Reads = append(j.trace.Reads, c)
			j.trace.Predicates = append(j.trace.Predicates, connectors.Predicate{Column: c, Clause: "the order in which rows are stored: ORDER BY another column settles it", Tries: 1})
		}
	}
}

// strange names a call that does not compute from its arguments alone.
func strange(calls []sqltext.Call) string {
	for _, c := range calls {
		if len(c.Parts) > 1 || !harmless(c.Last()) {
			return "what the function " + c.String() + " reads is not known"
		}
	}
	return ""
}

// adopt takes a resolution over in the hub's words.
func (j *judged) adopt(res *sqltext.Resolution) {
	j.names = []string{}
	for _, c := range res.Columns {
		j.names = append(j.names, c.Name)
		j.trace.Columns = append(j.trace.Columns, connectors.ValueOrigin{Direct: c.Direct, Columns: columns(c.Columns)})
	}
	tries := map[sqltext.Ref]int{}
	for _, p := range res.Predicates {
		tries[p.Ref] += p.Tries
	}
	for _, p := range res.Predicates {
		j.trace.Predicates = append(j.trace.Predicates, connectors.Predicate{Column: of(p.Ref), Equality: p.Equality, Clause: p.Clause, Tries: max(1, tries[p.Ref])})
	}
	j.trace.Reads = columns(res.Reads)
	for _, r := range res.Reads {
		j.facts.Reads = append(j.facts.Reads, policy.Column{Schema: r.Schema, Table: r.Table, Name: r.Name})
	}
}

func of(r sqltext.Ref) mask.Column {
	return mask.Column{Schema: r.Schema, Table: r.Table, Name: r.Name}
}

func columns(refs []sqltext.Ref) []mask.Column {
	out := make([]mask.Column, len(refs))
	for i, r := range refs {
		out[i] = of(r)
	}
	return out
}

// inserted traces INSERT: its values go into the table's columns, in order.
func (j *judged) inserted(cat *catalog, database string) string {
	if len(j.into.Parts) == 0 || len(j.rest) == 0 {
		return "INSERT is not traced"
	}
	r := cat.find(database, j.into.Parts)
	if r == nil {
		return "the table " + j.into.String() + " is not known"
	}
	names := j.columns
	if len(names) == 0 {
		for _, c := range r.Columns {
			if !c.Hidden {
				names = append(names, c.Name)
			}
		}
	}
	var targets []mask.Column
	for _, n := range names {
		if !slices.ContainsFunc(r.Columns, func(c sqltext.TableColumn) bool { return c.Name == n }) {
			return "the column " + n + " of " + r.Name + " is not known"
		}
		targets = append(targets, mask.Column{Schema: r.Schema, Table: r.Name, Name: n})
		j.facts.Writes = append(j.facts.Writes, policy.Column{Schema: r.Schema, Table: r.Name, Name: n})
	}
	if j.rest[0].Is("VALUES") {
		e, err := sqltext.ReadValues(sqltext.ClickHouse, j.rest)
		switch {
		case err != nil:
			return err.Error()
		}
		for _, c := range e.Columns {
			if c.Quoted || !valueWords[strings.ToLower(c.String())] {
				return "VALUES names " + c.String()
			}
		}
		return strange(e.Calls)
	}
	if why := j.query(cat, database, j.rest); why != "" {
		return why
	}
	if len(targets) != len(j.trace.Columns) {
		return "as many columns as are selected are not inserted into"
	}
	for i, o := range j.trace.Columns {
		w := connectors.Written{Into: r.Name + "." + targets[i].Name, Sources: o.Columns}
		if o.Direct {
			w.Targets = targets[i : i+1]
		}
		j.trace.Writes = append(j.trace.Writes, w)
	}
	j.trace.Columns, j.names = nil, nil
	return ""
}

// valueWords are words that are values.
var valueWords = set("true false inf nan default")

// resolve completes the facts by what the catalog knows.
func (j *judged) resolve(cat *catalog, database string) {
	for name := range j.within { // which servers do not see everywhere: the table may be meant
		if cat.relations[[2]string{database, name}] != nil {
			j.facts.Tables = append(j.facts.Tables, policy.Table{Name: name})
		}
	}
	for _, r := range j.used { // however their names were come by
		if !slices.ContainsFunc(j.facts.Tables, func(t policy.Table) bool { return t.Name == r.Name && (t.Schema == "" || t.Schema == r.Schema) }) {
			j.facts.Tables = append(j.facts.Tables, policy.Table{Schema: r.Schema, Name: r.Name})
		}
	}
	for i := range j.facts.Tables {
		t := &j.facts.Tables[i]
		if t.Schema == "" {
			t.Schema = database
		}
		if r := cat.relations[[2]string{t.Schema, t.Name}]; r != nil {
			t.Kind = r.kind
			if r.queue && !t.Write && !j.named {
				j.facts.Class, j.facts.Destructive = policy.Worst(j.facts.Class, policy.Write), true
				j.facts.Why = strings.TrimPrefix(j.facts.Why+"; what is read from "+r.Name+" is gone from it: it is a queue ("+r.engine+")", "; ")
			}
		}
	}
	if j.trace.Why != "" && j.facts.Class == policy.Unknown {
		j.facts.Opaque = true
	}
	if j.created() && slices.ContainsFunc(j.facts.Tables, func(t policy.Table) bool { return t.Kind == policy.TableView }) {
		j.facts.Class = policy.Worst(j.facts.Class, policy.Dangerous)
		j.facts.Why = "what made a view may hold the password of another server: describe it instead"
	}
}

// created reports whether the statement asks for the text that made something.
func (j *judged) created() bool {
	return len(j.tokens) > 1 && j.tokens[0].Is("SHOW") && j.tokens[1].Is("CREATE")
}

// Judge finds the facts of a statement from its text and the catalog as last read. It
// asks the target nothing.
func (c *Conn) Judge(_ context.Context, s connectors.Statement) (policy.Facts, error) {
	return c.assess(s.Text).facts, nil
}

// Trace tells where a statement's values come from, as Judge does facts.
func (c *Conn) Trace(_ context.Context, s connectors.Statement) (*connectors.Trace, error) {
	return c.assess(s.Text).trace, nil
}
