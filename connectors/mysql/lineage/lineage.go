// Package lineage answers: from which base columns does each value of a MySQL or
// MariaDB statement come?
//
// It walks TiDB's parse tree with the catalog at hand and resolves every name as
// the servers do. A value is either taken unchanged from base columns (direct:
// through aliases, joins, subqueries, set operations, views) or computed from a set
// of them. Beside the answer's columns it tells which columns decide what rows
// there are, how they are ordered or whether there is an error (predicates), and
// which values are written where.
//
// The sets may be too wide, never too narrow. What is not known to the package, a
// kind of node, a function, a table, makes the whole statement "not understood",
// with the reason: nothing is guessed open.
//
// # What fails
//
// An error tells of the values that it came of, and so does the time something
// takes. So a function that may fail is listed as partial, and its arguments
// decide; and where a part of an expression may fail at all, the other parts decide
// whether it is reached. In statements that change rows the servers are strict, and
// any computed value may fail.
//
// Nothing here knows of masks, and nothing asks the target: Catalog does.
package lineage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/mask"
)

// Result is what a statement does with base columns.
type Result struct {
	// Understood is false where anything in the statement could not be traced; Why
	// says what. The rest of a Result means nothing then.
	Understood bool
	Why        string
	// Columns are those of the answer, in order. Named says that they are known: they
	// are not for SHOW and EXPLAIN, which answer with nothing of any table.
	Columns []Output
	Named   bool
	// Predicates are columns that decide rows, their number, their order, or errors.
	Predicates []Predicate
	// Tries are, of columns that constants are compared with for equality, how many
	// constants are.
	Tries map[mask.Column]int
	// Writes are values that go anywhere but into the answer.
	Writes []Write
	// Reads are all base columns that the statement refers to.
	Reads []mask.Column
	// Relations are the relations it was traced by, of views also those behind them.
	Relations [][2]string
	// Code is set where triggers run, which may speak of what they see.
	Code bool
}

// Output is one column of an answer. Plain says that Name is what the server calls
// it, too.
type Output struct {
	Name   string
	Plain  bool
	Direct bool
	// Sources are where the values come from: where Direct is set, each value is one of
	// one of them, unchanged, or a constant; otherwise computed from them.
	Sources []mask.Column
}

// Predicate is a column that decides. Equality is set where it is compared with
// constants alone. Clause names where.
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

// Effect is what a function may do beside returning something of its arguments.
type Effect uint8

const (
	Unknown Effect = iota // anything
	Total                 // nothing, for whatever arguments
	Partial               // it may fail, or take its time, for some
)

// Catalog is what the target's catalog tells. Its methods answer from what was read
// before; they ask the target nothing.
type Catalog interface {
	// Relation finds a table or view; an empty schema is the session's own.
	Relation(schema, name string) (*Relation, bool)
	// Function says what the server's own function of that name does: Unknown, too,
	// where a stored function may be meant.
	Function(name string) Effect
}

// Relation is one relation of the catalog.
type Relation struct {
	Schema, Name string
	Columns      []Attribute
	Keys         []Key
	// Query is set for a view. Its error means that it is not understood.
	Query func() (ast.ResultSetNode, error)
	// Closed says why what it holds cannot be told; "" if it can.
	Closed string
	// Triggers is set where writes to it run triggers.
	Triggers bool
	// Stamped is set where a column notes when its row was last changed.
	Stamped bool
	// Checks are the columns of each CHECK.
	Checks [][]string
	// Parents are columns of other tables that a column's values must be among,
	// Children those whose values must be among a column's.
	Parents, Children map[string][]mask.Column
}

// Attribute is a column of a relation. Generated is the expression of a generated
// one, parsed; Default names the columns that its default is made of, "" for any. Both
// may be nil.
type Attribute struct {
	Name      string
	Closed    bool // what it holds tells of the values of tables
	Generated func() (ast.ExprNode, error)
	Default   func() []string
}

// Key is an index: its columns, in order.
type Key struct {
	Columns         []string
	Unique, Primary bool
}

// Analyze traces one statement.
func Analyze(n ast.StmtNode, c Catalog) *Result {
	a := &analyzer{cat: c, predicates: map[Predicate]bool{}, tries: map[mask.Column]int{}, reads: set{}, used: map[[2]string]bool{}}
	out, named := a.statement(n)
	a.unordered()
	if a.why != "" {
		return &Result{Why: a.why}
	}
	r := &Result{Understood: true, Writes: a.writes, Reads: a.reads.sorted(), Code: a.code, Tries: a.tries, Named: named}
	for _, c := range out {
		r.Columns = append(r.Columns, Output{Name: c.name, Plain: c.plain, Direct: c.direct, Sources: c.src.sorted()})
	}
	for k := range a.used {
		r.Relations = append(r.Relations, k)
	}
	for p := range a.predicates {
		r.Predicates = append(r.Predicates, p)
	}
	slices.SortFunc(r.Predicates, func(a, b Predicate) int {
		return cmp.Or(compare(a.Column, b.Column), cmp.Compare(a.Clause, b.Clause))
	})
	return r
}

// analyzer is the work on one statement.
type analyzer struct {
	cat        Catalog
	why        string
	predicates map[Predicate]bool
	tries      map[mask.Column]int
	writes     []Write
	reads      set
	used       map[[2]string]bool
	code       bool
	strict     bool // computed values may fail: the statement changes rows
	ordering
	depth int
	steps int
}

// maxDepth bounds nesting, of expressions and of views within each other; maxSteps
// the work as a whole, which nested views can multiply.
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

// decides notes that columns decide.
func (a *analyzer) decides(src set, clause string) {
	for c := range src {
		if c == closed {
			a.fail("a column that tells of the values of tables")
		}
		a.predicates[Predicate{c, false, clause}] = true
	}
}

// decidesEqual notes that columns are compared with n constants.
func (a *analyzer) decidesEqual(src set, clause string, n int) {
	for c := range src {
		a.predicates[Predicate{c, true, clause}] = true
		a.tries[c] += n
	}
}

func (a *analyzer) writesTo(into string, targets []mask.Column, src set) {
	if len(src) > 0 {
		a.writes = append(a.writes, Write{Into: into, Targets: targets, Sources: src.sorted()})
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
	several := false
	for _, s := range sets {
		if len(s) > 0 {
			several = several || only != nil
			only = s
		}
	}
	if !several {
		return only
	}
	all := set{}
	for _, s := range sets {
		for c := range s {
			all[c] = struct{}{}
		}
	}
	return all
}

func of(cols ...mask.Column) set {
	s := set{}
	for _, c := range cols {
		s[c] = struct{}{}
	}
	return s
}

// value is where an expression's values come from. direct ones are unchanged, or
// constant where src is empty; mayFail says that evaluating it may be an error, or
// take long; called that a function has been at it.
type value struct {
	src     set
	direct  bool
	mayFail bool
	called  bool
}

// column is a value with the name that SQL knows it by, in lower case.
type column struct {
	name  string
	plain bool
	value
}

// computed is the value of something made of others. Which of them are evaluated
// may depend on the others.
func (a *analyzer) computed(vs ...value) value {
	var v value
	for _, x := range vs {
		v.src, v.mayFail, v.called = union(v.src, x.src), v.mayFail || x.mayFail, v.called || x.called
	}
	if v.mayFail {
		a.decides(v.src, "an error")
	}
	if a.strict {
		a.decides(v.src, "an error of a conversion")
	}
	return v
}

// either is a value that is one of two, unchanged.
func either(a, b value) value {
	return value{src: union(a.src, b.src), direct: a.direct && b.direct, mayFail: a.mayFail || b.mayFail, called: a.called || b.called}
}

func all(cols []column) set {
	var s set
	for _, c := range cols {
		s = union(s, c.src)
	}
	return s
}

func fold(s string) string { return strings.ToLower(s) }
