// Package lineage answers: from which base columns does each value of a
// PostgreSQL statement come?
//
// It walks the server's own parse tree with the catalog at hand and resolves
// every name as the server does. A value is either taken unchanged from base
// columns (direct: through aliases, joins, subqueries, set operations, views) or
// computed from a set of them. Beside the answer's columns it tells which columns
// decide what rows there are or how they are ordered (predicates), and which
// values are written where.
//
// The sets may be too wide, never too narrow. What is not known to the package,
// a kind of node, a function, a type, makes the whole statement "not understood",
// with the reason: nothing is guessed open.
//
// Nothing here knows of masks, and nothing asks the target: Catalog does.
package lineage

import (
	"cmp"
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"

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
	// Tries are, of columns that constants are compared with for equality, how many
	// constants are.
	Tries map[mask.Column]int
	// Writes are values that go anywhere but into the answer.
	Writes []Write
	// Reads are all base columns that the statement refers to.
	Reads []mask.Column
	// Made are the columns of a temporary table that the statement makes, which its
	// session must follow: see Attribute.Holds.
	Made []Output
	// Counts is the column, from one on, that counts the rows that a row of the answer
	// is about, where the statement does nothing else; see counts.
	Counts int
	// Code is set where functions of users run: those that were followed into their
	// bodies, and triggers, which change nothing of what was traced but may speak.
	Code bool
}

// Output is one column of an answer.
type Output struct {
	Name string
	// Direct values are those of Sources, unchanged: with several sources each value
	// is one of one of them, or a constant. Otherwise they are computed from them.
	Direct  bool
	Sources []mask.Column
}

// Use is how a predicate uses a column.
type Use uint8

const (
	// Other uses tell more than equality: ranges, patterns, order, grouping.
	Other Use = iota
	// Equality compares the bare column with constants.
	Equality
)

// Predicate is a column that decides which rows there are. Clause names where.
type Predicate struct {
	Column mask.Column
	Use    Use
	Clause string
}

// Write is where values go besides the answer. Targets are the base columns that
// take them; none where it is something else, which Into names.
type Write struct {
	Into    string
	Targets []mask.Column
	Sources []mask.Column
}

// Analyze traces one statement.
func Analyze(n *pg.Node, c Catalog) *Result {
	a := &analyzer{cat: c, predicates: map[Predicate]bool{}, tries: map[mask.Column]int{}, reads: set{}, subLinks: map[*pg.SubLink]string{}}
	a.top = n
	out := a.statement(n, &scope{})
	if a.why != "" {
		return &Result{Why: a.why}
	}
	r := &Result{Understood: true, Writes: a.writes, Reads: a.reads.sorted(), Code: a.code}
	r.Columns, r.Made = outputs(out), outputs(a.made)
	r.Counts = a.counts(n)
	if len(r.Columns) != len(n.GetSelectStmt().GetTargetList()) {
		r.Counts = 0 // a star stands for several
	}
	r.Tries = a.tries
	for p := range a.predicates {
		r.Predicates = append(r.Predicates, p)
	}
	slices.SortFunc(r.Predicates, func(a, b Predicate) int {
		return cmp.Or(compare(a.Column, b.Column), cmp.Compare(a.Use, b.Use), cmp.Compare(a.Clause, b.Clause))
	})
	return r
}

func outputs(cols []column) []Output {
	var out []Output
	for _, c := range cols {
		out = append(out, Output{Name: c.name, Direct: c.direct, Sources: c.src.sorted()})
	}
	return out
}

// analyzer is the work on one statement.
type analyzer struct {
	cat        Catalog
	why        string
	predicates map[Predicate]bool
	tries      map[mask.Column]int
	writes     []Write
	top        *pg.Node // the statement itself
	made       []column
	reads      set
	code       bool
	subLinks   map[*pg.SubLink]string // the names of what they give
	depth      int
	steps      int
}

// maxDepth bounds nesting, of expressions and of views and functions within each
// other; maxSteps the work as a whole, which nested views can multiply.
const (
	maxDepth = 400
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
		a.predicates[Predicate{c, Other, clause}] = true
	}
}

// set is a set of base columns. Those that are handed on are not changed.
type set map[mask.Column]struct{}

func (s set) sorted() []mask.Column {
	out := make([]mask.Column, 0, len(s))
	for c := range s {
		out = append(out, c)
	}
	slices.SortFunc(out, compare)
	return out
}

func compare(a, b mask.Column) int {
	return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Name, b.Name))
}

// union of sets; where at most one is not empty, that one.
func union(sets ...set) set {
	var only set
	for _, s := range sets {
		switch {
		case len(s) == 0:
		case only == nil:
			only = s
		default:
			return merged(sets)
		}
	}
	return only
}

func merged(sets []set) set {
	all := set{}
	for _, s := range sets {
		for c := range s {
			all[c] = struct{}{}
		}
	}
	return all
}

// value is where an expression's values come from.
type value struct {
	src    set
	direct bool     // unchanged, or constant where src is empty
	fields []column // of a row, where they are known
	out    string   // the name that a function gives its only column
	// unbounded is set for numbers whose arithmetic does not overflow, plain for a
	// row of nothing but bare columns.
	unbounded, plain bool
	// scalar is set for what is surely no array, fixed for what has a number of
	// elements that its type or the statement says: JSON of a row, ARRAY[a, b].
	scalar, fixed bool
	// varies is set for what may be an array of a length that depends on values.
	varies bool
	// at is the column of an entry in FROM that it is (keys.go).
	at place
	// loud is set where making it may be noticed (loud.go). sized says that its size
	// hangs on what it holds, size how large the statement makes it: a measure, see
	// size.go.
	loud, sized bool
	size        float64
	// weight counts the operations that a number without bounds is made by.
	weight int
}

// column is a value with the name that SQL knows it by.
type column struct {
	name string
	value
}

// computed is the value of something made of others.
func computed(vs ...value) value {
	sets := make([]set, len(vs))
	out := value{}
	for i, v := range vs {
		sets[i] = v.src
		out.varies = out.varies || v.varies
		out.noted(v)
	}
	out.src = union(sets...)
	return out
}

// noted adds what is to be known of making a value that this one is made of.
func (v *value) noted(of value) {
	v.loud, v.sized = v.loud || of.loud, v.sized || of.sized
	v.size += of.measure()
}

// either is a value that is one of two, unchanged.
func either(a, b value) value {
	v := value{src: union(a.src, b.src), direct: a.direct && b.direct, varies: a.varies || b.varies}
	v.noted(a)
	v.noted(b)
	if len(a.fields) == len(b.fields) {
		for i := range a.fields {
			v.fields = append(v.fields, column{a.fields[i].name, either(a.fields[i].value, b.fields[i].value)})
		}
	}
	return v
}

// row is a value of the columns together.
func row(cols []column) value {
	v := value{fields: cols}
	for _, c := range cols {
		v.src = union(v.src, c.src)
		v.noted(c.value)
	}
	return v
}
