// Package lineage answers: from which base columns does each value of an SQLite
// statement come?
//
// It walks the tree of package syntax with the schema at hand and resolves every
// name as the engine does. A value is either taken unchanged from base columns
// (direct: through aliases, joins, subqueries, set operations, views) or computed
// from a set of them. Beside the answer's columns it tells which columns decide
// what rows there are or how they are ordered (predicates), which decide only
// whether a computation fails or takes long (soft), and which values are written
// where, by the statement and the triggers that it fires.
//
// The sets may be too wide, never too narrow. What is not known to the package
// makes the whole statement "not understood", with the reason.
//
// Nothing here knows of masks, and nothing asks the engine: Catalog does.
package lineage

import (
	"cmp"
	"slices"

	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
	"github.com/sallyport/sallyport/mask"
)

// Result is what a statement does with base columns.
type Result struct {
	// Understood is false where anything in the statement could not be traced; Why
	// says what. The rest of a Result means nothing then.
	Understood bool
	Why        string
	// Columns are those of the answer, in order.
	Columns []Output
	// Predicates are columns that decide rows, their number or their order.
	Predicates []Predicate
	// Soft are columns that decide no more than whether a computation fails, how
	// long it takes, or what else is computed: nothing, if their values are not
	// read.
	Soft []Predicate
	// Tries are, of columns that constants are compared with for equality, how many
	// constants are.
	Tries map[mask.Column]int
	// Writes are values that go anywhere but into the answer.
	Writes []Write
	// Counted are columns of which the answer tells how many are not null.
	Counted []mask.Column
	// Reads are all base columns that the statement refers to.
	Reads []mask.Column
	// Touched are all base columns that the engine may look at for it, also those of
	// views that it does not use.
	Touched []mask.Column
	// Made are generated columns with what they are made of, themselves included.
	Made map[mask.Column][]mask.Column
	// Relations are the tables and views that it names, in the order of names, also
	// within views and triggers.
	Relations []*Relation
	// Scans are the tables in FROMs, of the statement and of its views, and the
	// targets of UPDATE and DELETE.
	Scans []Scan
}

// Output is one column of an answer.
type Output struct {
	// Direct values are those of Sources, unchanged: with several sources each value
	// is one of one of them, or a constant. Otherwise they are computed from them.
	Direct  bool
	Sources []mask.Column
}

// Predicate is a column that decides which rows there are. Equality is set where
// the bare column is compared with constants. Clause names where.
type Predicate struct {
	Column   mask.Column
	Equality bool
	Clause   string
}

// Write is where values go besides the answer. Targets are the base columns that
// take them; none where it is something else, which Into names.
type Write struct {
	Into    string
	Targets []mask.Column
	Sources []mask.Column
}

// Scan is where a text names a table or view that is gone through.
type Scan struct {
	// View is the view whose definition the text is; nil for the statement itself.
	View     *Relation
	Relation *Relation
	Source   *syntax.Source // nil for the target of UPDATE and DELETE
	Target   *syntax.Target
}

// Analyze traces one statement.
func Analyze(s *syntax.Statement, c Catalog) *Result {
	a := &analyzer{cat: c, predicates: map[Predicate]bool{}, soft: map[Predicate]bool{}, tries: map[mask.Column]int{},
		reads: set{}, touched: set{}, counted: set{}, relations: map[string]*Relation{}, firing: map[string]bool{}, declared: map[string]bool{}, viewed: map[string]bool{}, made: map[mask.Column][]mask.Column{}}
	out := a.whole(s)
	a.shadowed()
	if a.why != "" {
		return &Result{Why: a.why}
	}
	r := &Result{Understood: true, Writes: a.writes, Reads: a.reads.sorted(), Touched: a.touched.sorted(), Counted: a.counted.sorted(), Tries: a.tries, Scans: a.scans, Made: a.made}
	for _, c := range out {
		r.Columns = append(r.Columns, Output{Direct: c.direct, Sources: c.src.sorted()})
	}
	r.Predicates, r.Soft = sorted(a.predicates), sorted(a.soft)
	for _, rel := range a.relations {
		r.Relations = append(r.Relations, rel)
	}
	slices.SortFunc(r.Relations, func(a, b *Relation) int { return cmp.Compare(a.Name, b.Name) })
	return r
}

func sorted(m map[Predicate]bool) []Predicate {
	var out []Predicate
	for p := range m {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Predicate) int {
		return cmp.Or(compare(a.Column, b.Column), cmp.Compare(a.Clause, b.Clause))
	})
	return out
}

// analyzer is the work on one statement.
type analyzer struct {
	cat        Catalog
	why        string
	predicates map[Predicate]bool
	soft       map[Predicate]bool
	tries      map[mask.Column]int
	writes     []Write
	reads      set
	touched    set
	counted    set
	relations  map[string]*Relation
	scans      []Scan
	firing     map[string]bool // triggers
	// declared are the names of common table expressions, viewed those by which
	// definitions of views mean tables.
	declared, viewed map[string]bool
	made             map[mask.Column][]mask.Column
	viewing          *Relation // whose definition is being traced
	acting           int       // within triggers
	depth            int
	steps            int
}

// maxDepth bounds nesting, of expressions and of views and triggers within each
// other; maxSteps the work as a whole, which nested views can multiply.
const (
	maxDepth = 1500
	maxSteps = 200_000
)

// fail makes the statement not understood, for the first reason that comes.
func (a *analyzer) fail(why string) {
	if a.why == "" {
		a.why = why
	}
}

// enter counts a step down; leave must follow unless it reports false.
func (a *analyzer) enter() bool {
	a.depth++
	a.steps++
	if a.depth > maxDepth || a.steps > maxSteps {
		a.fail("it is nested too deeply to be traced")
	}
	if a.why != "" {
		a.depth--
		return false
	}
	return true
}

func (a *analyzer) leave() { a.depth-- }

// decides notes that columns decide rows.
func (a *analyzer) decides(src set, clause string) {
	for c := range src {
		a.predicates[Predicate{Column: c, Clause: clause}] = true
	}
	a.read(src)
}

// softly notes that columns decide about computations.
func (a *analyzer) softly(src set, clause string) {
	for c := range src {
		a.soft[Predicate{Column: c, Clause: clause}] = true
	}
	a.read(src)
}

// looksUp notes that columns are compared with so many constants.
func (a *analyzer) looksUp(src set, clause string, tries int) {
	for c := range src {
		a.predicates[Predicate{Column: c, Equality: true, Clause: clause}] = true
		a.tries[c] += tries
	}
	a.read(src)
}

func (a *analyzer) read(s set) {
	for c := range s {
		a.reads[c] = struct{}{}
		a.touched[c] = struct{}{}
	}
}

// whole traces a statement as it is asked.
func (a *analyzer) whole(s *syntax.Statement) []column {
	if !s.Explain {
		return a.statement(s, nil)
	}
	// A plan shows literals and estimates, and those tell of values.
	a.statement(s, nil)
	return []column{{value: value{src: a.reads}}, {value: value{src: a.reads}}, {value: value{src: a.reads}}, {value: value{src: a.reads}}}
}

// statement traces a statement below outer, which a trigger's body has.
func (a *analyzer) statement(s *syntax.Statement, outer *scope) []column {
	switch {
	case s.Select != nil:
		return a.query(s.Select, outer)
	case s.Insert != nil:
		return a.insert(s.Insert, outer)
	case s.Update != nil:
		return a.update(s.Update, outer)
	case s.Delete != nil:
		return a.remove(s.Delete, outer)
	case s.Table != nil:
		if s.Table.Query != nil {
			a.written(s.Table.Name, all(a.query(s.Table.Query, nil)))
		}
		return nil
	case s.View != nil:
		a.query(s.View.Query, nil) // its rows are traced when it is read
		return nil
	case s.Index != nil:
		a.index(s.Index)
		return nil
	case s.Alter != nil:
		a.alter(s.Alter)
		return nil
	case s.Trigger != nil:
		a.fail("what a trigger will do shows when it is fired, by whoever does")
		return nil
	}
	if !dataless[s.Verb] {
		a.fail("a statement of a kind that is not traced")
	}
	return nil
}

// dataless are statements that move no value of any table.
var dataless = words(`DROP REINDEX ANALYZE BEGIN COMMIT END ROLLBACK SAVEPOINT RELEASE`)

func (a *analyzer) written(into string, v value) {
	a.read(v.src)
	if len(v.src) > 0 {
		a.writes = append(a.writes, Write{Into: into, Sources: v.src.sorted()})
	}
}
