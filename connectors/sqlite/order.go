package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/sqlite/lineage"
	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// The engine goes through an index instead of its table where that is smaller:
// "SELECT id FROM customers" then answers in the order of the e-mail addresses,
// without a word of them in the statement. So the engine's plan is looked at. If
// it uses an index that holds a masked column, the statement is planned again
// with NOT INDEXED at the table, which changes nothing but the way; views are
// put in by their definitions for that. What still has such an order is refused.

// use is an index that a plan uses.
type use struct {
	table  string // in lower case
	column mask.Column
	rule   mask.Rule
}

// disorder rewrites the statement where its plan would give rows in the order of
// a masked column.
func (r *rows) disorder(ctx context.Context, g connectors.Guard) error {
	if j := r.j; !r.seen.MasksColumns() || !j.trace.Understood() || j.facts.Verb == "EXPLAIN" || len(j.lineage.Scans) == 0 {
		return nil
	}
	uses, steps, err := r.plan()
	if err != nil {
		return err
	}
	if u := r.stored(); u != nil && !lookUps(steps) {
		return u.refusal()
	}
	if len(uses) == 0 {
		return nil
	}
	text, ok := rewritten(r.text, r.j, r.seen, uses)
	if !ok {
		return uses[0].refusal()
	}
	j, err := r.conn.assess(ctx, text)
	if err != nil {
		return err
	}
	if j.fault != nil || !j.trace.Understood() || j.facts.Class != r.j.facts.Class || len(j.labels) != len(r.j.labels) ||
		j.trace.Refusal(r.seen, r.kept, j.facts) != nil {
		return uses[0].refusal()
	}
	r.text, r.again = text, j
	if uses, _, err = r.plan(); err != nil || len(uses) > 0 {
		return cmp.Or(err, error(uses[0].refusal()))
	}
	return g.Note(ctx, text+" -- as it is planned without the indexes that hold masked columns")
}

func (u use) refusal() *policy.Refusal {
	return &policy.Refusal{
		Rule:   "masks/" + u.rule.Name,
		Reason: fmt.Sprintf("its rows would come in the order of the masked column %s.%s: that would let one guess its values", u.column.Table, u.column.Name),
		Hint:   "name the table itself, without INDEXED BY",
	}
}

// stored finds a table whose rows lie in the order of a masked key.
func (r *rows) stored() *use {
	for _, s := range r.j.lineage.Scans {
		for _, name := range s.Relation.Order() {
			c := mask.Column{Schema: s.Relation.Schema, Table: s.Relation.Name, Name: name}
			if rule, hidden := r.hidden(c); hidden {
				return &use{s.Relation.Name, c, rule}
			}
		}
	}
	return nil
}

// hidden reports whether a column, or what it is made of, is masked such that its
// order must not show.
func (r *rows) hidden(c mask.Column) (mask.Rule, bool) {
	of := []mask.Column{c}
	for made, from := range r.j.lineage.Made {
		if fold(made) == fold(c) {
			of = from
		}
	}
	for _, c := range of {
		if _, masked := r.seen.Column(c); !masked {
			continue
		}
		if may, rule := r.seen.Predicates(c); may != mask.AllowPredicates {
			return rule, true
		}
	}
	return mask.Rule{}, false
}

// plan asks the engine how it would go about the statement, and finds the indexes
// that hold masked columns.
func (r *rows) plan() (uses []use, steps []string, err error) {
	err = r.call(func() error {
		if err := r.unmoved(); err != nil {
			return err
		}
		s, _, err := r.engine.c.Prepare("EXPLAIN QUERY PLAN " + bare(r.text))
		if err != nil {
			return err
		}
		defer s.Close()
		for s.Step() {
			steps = append(steps, s.ColumnText(3))
		}
		return s.Err()
	})
	if err != nil {
		return nil, nil, err
	}
	for table, list := range r.judged().kinds.indexes {
		for _, d := range list {
			for _, step := range steps {
				if fixed, used := usedBy(step, d.name); used {
					u, err := r.holding(table, d, fixed)
					if err != nil {
						return nil, nil, err
					}
					uses = append(uses, u...)
				}
			}
		}
	}
	slices.SortFunc(uses, func(a, b use) int { return cmp.Compare(a.column.Table+a.column.Name, b.column.Table+b.column.Name) })
	return uses, steps, nil
}

// bare is a text from its first word on.
func bare(text string) string {
	for _, t := range syntax.Lex(text) {
		if !t.Op(";") {
			return text[t.Pos:]
		}
	}
	return text
}

// lookUps reports whether a plan does nothing but look rows up by their keys.
func lookUps(steps []string) bool {
	for _, s := range steps {
		_, by, ok := strings.Cut(s, " PRIMARY KEY (")
		if !ok || !searches(s) || strings.ContainsAny(by, "<>") {
			return false
		}
	}
	return true
}

// searches reports whether a step of a plan looks rows up by what it says in
// brackets. An alias is the statement's own and may say anything, brackets too.
func searches(step string) bool {
	return strings.HasPrefix(step, "SEARCH ") && strings.Count(step, "(") == 1
}

// usedBy reports whether a step of a plan may use an index, and with what it surely
// looks rows up there: "SEARCH t USING INDEX name (a=? AND b>?)".
func usedBy(step, index string) (fixed string, used bool) {
	for rest, more := step, true; more && !used; {
		_, rest, more = strings.Cut(rest, " INDEX "+index)
		used = more && (rest == "" || rest[0] == ' ')
		fixed = rest
	}
	if !used || !searches(step) {
		return "", used
	}
	return fixed, true
}

// holding are the masked columns of an index but those that are looked up by one
// value each.
func (r *rows) holding(table string, d definition, fixed string) (out []use, err error) {
	columns, err := r.indexed(d)
	if err != nil {
		return nil, err
	}
	name := r.judged().kinds.defined[table].name
	for _, c := range columns {
		if strings.Contains(fixed, "("+c+"=?") || strings.Contains(fixed, " "+c+"=?") {
			continue
		}
		col := mask.Column{Schema: "main", Table: name, Name: c}
		if rule, hidden := r.hidden(col); hidden {
			out = append(out, use{table, col, rule})
		}
	}
	return out, nil
}

// indexed are the columns of an index, with those that its expressions use.
func (r *rows) indexed(d definition) (out []string, err error) {
	err = r.call(func() error {
		r.engine.own = true
		defer func() { r.engine.own = false }()
		s, _, err := r.engine.c.Prepare(`PRAGMA index_xinfo("` + strings.ReplaceAll(d.name, `"`, `""`) + `")`)
		if err != nil {
			return err
		}
		defer s.Close()
		for s.Step() {
			if s.ColumnInt(5) == 0 { // the rowid, or what is stored beside
				continue
			}
			out = append(out, s.ColumnText(2)) // "" for an expression
		}
		return s.Err()
	})
	if err != nil || d.sql == "" {
		return out, err
	}
	st, err := syntax.Parse(d.sql)
	if err != nil || st.Index == nil {
		return nil, fmt.Errorf("the index %s is not understood", d.name)
	}
	for _, e := range st.Index.Columns {
		out = append(out, lineage.Mentions(e)...)
	}
	return out, nil
}

// rewritten is the text with NOT INDEXED at the tables whose indexes are used, not
// ok where it cannot be said there.
func rewritten(text string, j *judgement, seen *mask.Plan, uses []use) (string, bool) {
	w := writer{j: j, seen: seen, tables: map[string]bool{}}
	for _, u := range uses {
		w.tables[u.table] = true
	}
	out := w.text(text, nil)
	return out, !w.failed
}

// writer makes texts that do not use indexes.
type writer struct {
	j      *judgement
	seen   *mask.Plan
	tables map[string]bool // in lower case
	failed bool
	depth  int
}

// edit replaces [from, to) of a text.
type edit struct {
	from, to int
	text     string
}

// text is a text with its tables marked and its views put in; view is whose
// definition it is.
func (w *writer) text(text string, view *lineage.Relation) string {
	if w.depth++; w.depth > 50 {
		w.failed = true
		return text
	}
	defer func() { w.depth-- }()
	var edits []edit
	for _, s := range w.j.lineage.Scans {
		if s.View != view {
			continue
		}
		edits = append(edits, w.edits(s)...)
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(b.from, a.from) })
	for _, e := range edits {
		text = text[:e.from] + e.text + text[e.to:]
	}
	return text
}

func (w *writer) edits(s lineage.Scan) []edit {
	name := syntax.Fold(s.Relation.Name)
	switch {
	case s.Relation.View != nil:
		return w.view(s)
	case !w.tables[name]:
		return nil
	case s.Target != nil && !s.Target.NotIndexed && s.Target.After > 0:
		return []edit{{s.Target.After, s.Target.After, " NOT INDEXED"}}
	case s.Source != nil && !s.Source.NotIndexed && s.Source.After > 0:
		return []edit{{s.Source.After, s.Source.After, " NOT INDEXED"}}
	}
	return nil // x IN t, and what says so itself
}

// view puts a view's definition in its place, if it goes through one of the
// tables.
func (w *writer) view(s lineage.Scan) []edit {
	v := s.Relation
	sql := w.j.kinds.defined[syntax.Fold(v.Name)].sql
	if s.Source == nil || s.Source.After == 0 || !w.reaches(v, 0) {
		return nil
	}
	for _, c := range v.Columns {
		if _, masked := w.seen.Column(mask.Column{Schema: v.Schema, Table: v.Name, Name: c.Name}); masked {
			w.failed = true // the mask goes by the view's own name
		}
	}
	// The definition's text is edited at its own positions, and cut out after.
	query := w.text(sql, v)
	end := len(query) - (len(sql) - v.View.End)
	query = query[v.View.Pos:end]
	if len(v.View.Columns) > 0 {
		var names []string
		for _, n := range v.View.Columns {
			names = append(names, quote(n))
		}
		query = "WITH the_view (" + strings.Join(names, ", ") + ") AS (" + query + ") SELECT * FROM the_view"
	}
	text := "(" + query + "\n)"
	if s.Source.Alias == "" {
		text += " AS " + quote(s.Source.Name)
	}
	return []edit{{s.Source.Pos, s.Source.End, text}}
}

// reaches reports whether a view's definition goes through one of the tables.
func (w *writer) reaches(v *lineage.Relation, depth int) bool {
	for _, s := range w.j.lineage.Scans {
		if s.View != v {
			continue
		}
		if w.tables[syntax.Fold(s.Relation.Name)] || s.Relation.View != nil && depth < 50 && w.reaches(s.Relation, depth+1) {
			return true
		}
	}
	return false
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
