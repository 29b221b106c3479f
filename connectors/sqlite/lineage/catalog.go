package lineage

import (
	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
	"github.com/sallyport/sallyport/mask"
)

// Catalog is the schema as an analysis asks for it. Names are compared as the
// engine does.
type Catalog interface {
	// Relation is a table or view; nil if there is none.
	Relation(schema, name string) *Relation
	// Children are the tables whose foreign keys lead to the table.
	Children(name string) []Child
	// Rowids are the primary keys that are rowids: functions and tables of the engine
	// tell of the last of them.
	Rowids() []mask.Column
}

// Relation is a table or view.
type Relation struct {
	Schema, Name string
	// Closed says why the values of the relation cannot be traced, "" if they can.
	Closed  string
	Columns []Attribute
	// Rowid is what rowid stands for: the INTEGER PRIMARY KEY, "rowid" where there
	// is none, "" where there is no rowid.
	Rowid string
	// Key is the primary key of a table without rowids, whose rows lie in its order.
	Key []string
	// View is what a view selects.
	View *syntax.View
	// Strict tables refuse values of other types.
	Strict      bool
	Constraints []Constraint
	Triggers    []*syntax.Trigger
	// Opaque says which trigger is not understood, so that no change is; "" if all are.
	Opaque string
}

// Attribute is a column of a relation.
type Attribute struct {
	Name      string
	NotNull   bool
	Default   bool // it has a default that is not NULL
	Generated *syntax.Expr
	// Holds are columns whose values are in this one, too.
	Holds []mask.Column
}

// Constraint is what changes of a table are held against.
type Constraint struct {
	Rule syntax.Rule
	// Columns are those of a Primary, Unique or Foreign.
	Columns []string
	// Exprs are those of a Check, of a unique index with expressions or a condition,
	// of a generated column, of an index.
	Exprs []*syntax.Expr
	// Parent and Keys are what a Foreign leads to.
	Parent string
	Keys   []string
}

// Child is a foreign key seen from its parent.
type Child struct {
	Relation      *Relation
	Columns, Keys []string
}

// column is a column of the relation as masks know it.
func (r *Relation) column(name string) mask.Column {
	return mask.Column{Schema: r.Schema, Table: r.Name, Name: name}
}

// Order are the columns that the rows of the table lie in the order of, if any: a
// rowid that is no column tells of nothing but when a row was added.
func (r *Relation) Order() []string {
	if r.Rowid == "" {
		return r.Key
	}
	return []string{r.Rowid}
}

// attribute finds a column by its name, or by rowid's; nil if there is none.
func (r *Relation) attribute(name string) *Attribute {
	name = syntax.Fold(name)
	for i := range r.Columns {
		if syntax.Fold(r.Columns[i].Name) == name {
			return &r.Columns[i]
		}
	}
	if rowids[name] && r.Rowid != "" {
		if r.Rowid == "rowid" {
			return &Attribute{Name: "rowid"}
		}
		return r.attribute(r.Rowid)
	}
	return nil
}

// rowids are the names of the rowid, where no column has them.
var rowids = words(`rowid _rowid_ oid`)

// MayFail reports whether an expression of a table's definition fails for some
// values.
func MayFail(e *syntax.Expr) bool {
	if e == nil {
		return false
	}
	if e.Op == syntax.Call && !total[syntax.Fold(e.Names[0])] || e.Op == syntax.Operator && (e.Text == "->" || e.Text == "->>") {
		return true
	}
	for _, list := range [][]*syntax.Expr{e.Args, {e.Base, e.Else}} {
		for _, x := range list {
			if MayFail(x) {
				return true
			}
		}
	}
	return false
}

// Mentions are the names of the columns in an expression of a table's definition.
func Mentions(e *syntax.Expr) []string { return mentions(e) }
