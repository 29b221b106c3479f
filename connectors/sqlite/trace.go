package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/sqlite/lineage"
	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Trace tells where a statement's values come from. Nothing runs.
func (c *Conn) Trace(ctx context.Context, s connectors.Statement) (*connectors.Trace, error) {
	j, err := c.assess(ctx, s.Text)
	if err != nil {
		return nil, err
	}
	return j.trace, nil
}

// trees keeps what was parsed: the definitions of a schema are used again and
// again. It is used by the judge alone.
type trees map[string]*syntax.Statement

const (
	treesMax = 1000
	treeText = 16 << 10
)

func (t *trees) parse(text string) (*syntax.Statement, error) {
	if s, ok := (*t)[text]; ok {
		return s, nil
	}
	s, err := syntax.Parse(text)
	if err != nil || len(text) > treeText {
		return s, err
	}
	if *t == nil || len(*t) >= treesMax {
		*t = trees{}
	}
	(*t)[text] = s
	return s, nil
}

// traced is a statement's lineage, held against what the engine says of it.
func (c *Conn) traced(text string, k kinds, stmt *sqlite3.Stmt, log []action) (r *lineage.Result) {
	defer func() {
		if recover() != nil {
			r = &lineage.Result{Why: "its analysis failed"}
		}
	}()
	st, err := syntax.Parse(text)
	if err != nil {
		return &lineage.Result{Why: err.Error()}
	}
	r = lineage.Analyze(st, c.structureOf(k))
	if !r.Understood {
		c.structure = nil // a table may have been described wrongly, by an engine that was interrupted
		return r
	}
	if why := disagree(r, k, st, stmt, log); why != "" {
		return &lineage.Result{Why: why}
	}
	return r
}

// structureOf describes the schema, as long as it is the same one. It is used by
// the judge alone.
func (c *Conn) structureOf(k kinds) *structure {
	if c.structure != nil && c.structure.kinds.stamp == k.stamp {
		return c.structure
	}
	c.structure = &structure{kinds: k, parse: c.trees.parse, columns: func(table string) []string {
		var out []string
		for _, col := range c.columnsOf(table) {
			out = append(out, col.Name)
		}
		return out
	}}
	return c.structure
}

// disagree says where the engine describes a statement in another way than its
// lineage does, "" if nowhere: it has other columns, an origin that the lineage has
// not, or reads what the lineage does not know of.
func disagree(r *lineage.Result, k kinds, st *syntax.Statement, stmt *sqlite3.Stmt, log []action) string {
	if n := stmt.ColumnCount(); !st.Explain && n != len(r.Columns) {
		return fmt.Sprintf("the engine gives %d columns and its lineage %d", n, len(r.Columns))
	}
	for i := range r.Columns {
		if st.Explain {
			break
		}
		table, column := stmt.ColumnTableName(i), stmt.ColumnOriginName(i)
		if _, known := k.tables[syntax.Fold(table)]; !known || column == "" {
			continue // of a table of the statement's own
		}
		if !holdsColumn(r.Columns[i].Sources, table, column) {
			return fmt.Sprintf("the engine takes column %d from %s.%s", i+1, table, column)
		}
	}
	for _, a := range log {
		if a.code != sqlite3.AUTH_READ || a.b == "" || internal(a.a) {
			continue
		}
		if _, known := k.tables[syntax.Fold(a.a)]; known && !holdsColumn(r.Touched, a.a, a.b) && !structuralStatement(st) {
			return fmt.Sprintf("the engine reads %s.%s", a.a, a.b)
		}
	}
	return ""
}

// structuralStatement reports whether a statement makes something that the engine
// compiles with it, but for queries.
func structuralStatement(st *syntax.Statement) bool {
	return st.Index != nil || st.Alter != nil || st.Trigger != nil || st.View != nil
}

func holdsColumn(list []mask.Column, table, name string) bool {
	table, name = syntax.Fold(table), syntax.Fold(name)
	for _, c := range list {
		if syntax.Fold(c.Table) == table && syntax.Fold(c.Name) == name {
			return true
		}
	}
	return false
}

// follow puts a lineage into a judgement: in the hub's words, and what it corrects
// of the facts.
func (j *judgement) follow(r *lineage.Result, text string) {
	j.lineage = r
	if !r.Understood {
		j.trace = &connectors.Trace{Why: r.Why}
		// The authorizer is not asked about the columns that these join by, nor always
		// about their tables.
		if j.facts.Class != policy.Unknown && joins(text) {
			j.facts.Class, j.facts.Why = policy.Unknown, "what NATURAL or USING joins cannot be told: "+r.Why
		}
		return
	}
	j.facts.Copies, j.reads = false, nil
	for _, rel := range r.Relations {
		j.name(rel)
	}
	needed := needs(r, j.facts.Class)
	j.unread = map[mask.Column]bool{}
	for _, c := range r.Touched {
		if !needed[c] {
			j.unread[fold(c)] = true
		}
	}
	t := &connectors.Trace{Reads: r.Reads}
	for _, c := range r.Columns {
		t.Columns = append(t.Columns, connectors.ValueOrigin{Direct: c.Direct, Columns: c.Sources})
	}
	all := r.Predicates
	for _, p := range r.Soft {
		if needed[p.Column] {
			all = append(all, p)
		}
	}
	for _, p := range all {
		t.Predicates = append(t.Predicates, connectors.Predicate{Column: p.Column, Equality: p.Equality, Clause: p.Clause, Tries: r.Tries[p.Column]})
	}
	for _, w := range r.Writes {
		t.Writes = append(t.Writes, connectors.Written{Into: w.Into, Targets: w.Targets, Sources: w.Sources})
	}
	j.trace = t
}

// name adds a table to the facts that the authorizer was not asked about.
func (j *judgement) name(rel *lineage.Relation) {
	for _, t := range j.facts.Tables {
		if syntax.Fold(t.Name) == syntax.Fold(rel.Name) {
			return
		}
	}
	kind, _ := j.kinds.of(rel.Name)
	j.facts.Tables = append(j.facts.Tables, policy.Table{Schema: rel.Schema, Name: rel.Name, Kind: kind})
}

// joins reports whether a text has a join whose columns are not written out.
func joins(text string) bool {
	for _, t := range syntax.Lex(text) {
		if t.Is("NATURAL") || t.Is("USING") {
			return true
		}
	}
	return false
}

// needs are the columns whose values make a difference to what can be seen of a
// statement, apart from those that are masked whole. What changes something needs
// all.
func needs(r *lineage.Result, class policy.Class) map[mask.Column]bool {
	out := map[mask.Column]bool{}
	add := func(list []mask.Column) {
		for _, c := range list {
			out[c] = true
		}
	}
	for _, c := range r.Columns {
		if c.Direct {
			add(c.Sources)
		}
	}
	for _, p := range r.Predicates {
		out[p.Column] = true
	}
	for _, w := range r.Writes {
		add(w.Sources)
	}
	add(r.Counted)
	if class != policy.Read {
		add(r.Touched)
	}
	return out
}

func fold(c mask.Column) mask.Column {
	return mask.Column{Schema: syntax.Fold(c.Schema), Table: syntax.Fold(c.Table), Name: syntax.Fold(c.Name)}
}

// hides reports whether the engine is to take NULL for what it reads: a masked
// column of which nothing but what is masked whole would show. So no error, no
// time taken and no choice within the statement can depend on its values.
func (j *judgement) hides(a action, seen *mask.Plan) bool {
	if a.code != sqlite3.AUTH_READ || a.b == "" || j.lineage == nil || !j.lineage.Understood {
		return false
	}
	c := mask.Column{Schema: a.schema, Table: a.a, Name: a.b}
	if !j.unread[fold(c)] {
		return false
	}
	if _, masked := seen.Column(c); masked {
		return true
	}
	for made, of := range j.lineage.Made {
		if fold(made) != fold(c) {
			continue
		}
		if _, masked := connectors.MaskedRead(seen, of); masked {
			return true
		}
	}
	return false
}

// errMoved is for a schema that is not the one that the statement was judged by.
var errMoved = errors.New("the schema has changed since the statement was judged; run it again")
