package lineage

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/sallyport/sallyport/mask"
)

// Catalog is what the target's catalog tells. Its methods answer from what was
// read before; they ask the target nothing.
type Catalog interface {
	// Relation finds a table, view or sequence; an empty schema goes by the search
	// path.
	Relation(schema, name string) (*Relation, bool)
	// Routines are all functions of that name outside pg_catalog, wherever they
	// are: which of them a call means depends on types.
	Routines(name string) []*Routine
	// Builtin says what pg_catalog's functions of that name do, Absent where it has
	// none.
	Builtin(name string) Effect
	// BuiltinSet reports whether one of them returns any number of rows.
	BuiltinSet(name string) bool
	// BuiltinColumns are the names of what pg_catalog's functions of that name
	// return, where it is a row.
	BuiltinColumns(name string) ([]string, bool)
	// Operator says what the operators of that name outside pg_catalog do; Pure
	// where there are none.
	Operator(name string) Effect
	// PlainType reports whether a cast to or from a type calls nothing but pure
	// functions.
	PlainType(schema, name string) bool
	// Prepared and Cursor are the statements that the session has under a name.
	Prepared(name string) *pg.Node
	Cursor(name string) *pg.Node
}

// Effect is what a function does beside returning something made of its arguments.
type Effect uint8

const (
	Unknown Effect = iota // anything
	Pure                  // nothing
	Acts                  // something that its arguments flow into
	Absent                // there is no such function
)

// Relation is one relation of the catalog.
type Relation struct {
	Schema, Name string
	Columns      []Attribute
	// Query is set for a view. Its error means that it is not understood.
	Query func() (*pg.Node, error)
	// Kin are the relations whose rows are also this one's, or the reverse: parents
	// and children, direct or not.
	Kin [][2]string
	// Keys are its unique keys.
	Keys []Key
	// Closed says why what it holds cannot be told; "" if it can.
	Closed string
	// Rules is set where a rule rewrites writes to it, or a trigger stands in for them.
	Rules bool
	// Triggers is set where writes to it run functions.
	Triggers bool
}

// Attribute is a column of a relation.
type Attribute struct {
	Name string
	Type string // as format_type writes it, without a modifier
	// Holds are columns whose values were put here, besides its own; Computed is set
	// where they were not put here unchanged.
	Holds    []mask.Column
	Computed bool
	// Generated is the expression of a generated column, parsed.
	Generated func() (*pg.Node, error)
}

// Routine is a function outside pg_catalog.
type Routine struct {
	Schema string
	Effect Effect
	Set    bool // it returns any number of rows
	// Body is set for a function in SQL: its CREATE FUNCTION, parsed, and the
	// statements of its body.
	Body func() (*pg.CreateFunctionStmt, []*pg.Node, error)
}
