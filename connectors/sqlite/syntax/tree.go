package syntax

// Statement is one statement. Of the pointers at most one is set; where none is,
// Verb says what it is.
type Statement struct {
	// Explain is set for EXPLAIN and EXPLAIN QUERY PLAN.
	Explain bool
	Verb    string // the first word, in capitals

	Select  *Select
	Insert  *Insert
	Update  *Update
	Delete  *Delete
	Table   *Table
	View    *View
	Index   *Index
	Trigger *Trigger
	Alter   *Alter
}

// With holds the common table expressions before a statement. All of them see
// each other and themselves.
type With struct{ Tables []*CTE }

// CTE is one common table expression.
type CTE struct {
	Name    string
	Columns []string
	Query   *Select
}

// Select is a query: parts that set operations join, from left to right.
type Select struct {
	With  *With
	Parts []*Core
	Ops   []string // between the parts: UNION, UNION ALL, INTERSECT, EXCEPT
	Order []*Expr
	Limit []*Expr // with OFFSET
}

// Core is one SELECT or VALUES of a query.
type Core struct {
	Distinct bool
	Columns  []Result
	From     []*Source
	Where    *Expr
	Group    []*Expr
	Having   *Expr
	Windows  []*Window
	Values   [][]*Expr // where it is VALUES
}

// Result is an item of a select list: an expression, or a star.
type Result struct {
	Expr  *Expr
	Star  bool
	Table string // of table.*
	Alias string
}

// Source is one entry of a FROM, joined to all that is to its left.
type Source struct {
	Schema, Name string
	Call         bool // a function: Name(Args)
	Args         []*Expr
	Query        *Select
	Nested       []*Source // a join in parentheses
	Alias        string

	IndexedBy  string
	NotIndexed bool
	// [Pos, End) is where the name stands, with the schema's, and After where
	// INDEXED may be written: after the alias.
	Pos, End, After int

	Natural bool
	On      *Expr
	Using   []string
}

// Op is what an expression is.
type Op uint8

const (
	Constant Op = iota // a literal or a variable
	Column             // Names are its parts
	Call               // of the function Names[0]
	Operator           // Text with Args
	Cond               // CASE: Args are the conditions and their results in turn, Base and Else
	Cast
	Collate
	Exists
	Subquery // (SELECT ...)
	Row      // (a, b)
	In       // Args[0] IN the rest, Query or Table
	Raise
)

// Expr is an expression.
type Expr struct {
	Op     Op
	Names  []string
	Quoted bool   // of a Column: the one part is a quoted name
	Text   string // the operator in capitals, NOT left out; the literal; the collation
	Args   []*Expr
	Base   *Expr
	Else   *Expr
	Query  *Select
	Table  *Source // of IN

	// Of a Call.
	Star, Distinct bool
	Order          []*Expr
	Filter         *Expr
	Over           *Window
}

// Window is a window, or a reference to one by Base alone.
type Window struct {
	Name      string // in WINDOW name AS
	Base      string
	Partition []*Expr
	Order     []*Expr
	Frame     []*Expr
}

// Target is the table that a statement changes.
type Target struct {
	Schema, Name, Alias string
	IndexedBy           string
	NotIndexed          bool
	After               int // where INDEXED may be written; 0 for INSERT
}

// Insert is INSERT or REPLACE.
type Insert struct {
	With     *With
	Or       string // ABORT, IGNORE, REPLACE, ... or ""
	Into     Target
	Columns  []string
	Query    *Select // nil for DEFAULT VALUES
	Upserts  []*Upsert
	Returned []Result
}

// Upsert is one ON CONFLICT.
type Upsert struct {
	On      []*Expr
	OnWhere *Expr
	Update  bool
	Set     []Assignment
	Where   *Expr
}

// Assignment gives columns the values of one expression.
type Assignment struct {
	Columns []string
	Value   *Expr
}

// Update is UPDATE.
type Update struct {
	With     *With
	Or       string
	Target   Target
	Set      []Assignment
	From     []*Source
	Where    *Expr
	Returned []Result
	Order    []*Expr
	Limit    []*Expr
}

// Delete is DELETE.
type Delete struct {
	With     *With
	Target   Target
	Where    *Expr
	Returned []Result
	Order    []*Expr
	Limit    []*Expr
}

// Table is CREATE TABLE.
type Table struct {
	Name         string
	Query        *Select // CREATE TABLE AS
	Columns      []*Definition
	Constraints  []Constraint
	WithoutRowid bool
	Strict       bool
}

// Definition is a column of CREATE TABLE.
type Definition struct {
	Name      string
	Type      string // words of the type, in capitals, one space between
	NotNull   bool
	Default   bool // it has one that is not NULL
	Generated *Expr
	Stored    bool
}

// Rule is what a constraint demands.
type Rule uint8

const (
	Primary Rule = iota
	Unique
	Check
	Foreign
)

// Constraint is one of a table, or of a column of it.
type Constraint struct {
	Rule    Rule
	Columns []string // of Primary, Unique and Foreign
	Desc    bool     // of a Primary of one column in its definition
	Expr    *Expr    // of Check
	Parent  string   // of Foreign
	Keys    []string // of Foreign; none is the parent's primary key
}

// View is CREATE VIEW.
type View struct {
	Name    string
	Columns []string
	Query   *Select
	// [Pos, End) is where the query stands in the text.
	Pos, End int
}

// Index is CREATE INDEX.
type Index struct {
	Name, Table string
	Unique      bool
	Columns     []*Expr
	Where       *Expr
}

// Trigger is CREATE TRIGGER.
type Trigger struct {
	Name, Table string
	Event       string // INSERT, UPDATE, DELETE
	Instead     bool
	Columns     []string // of UPDATE OF
	When        *Expr
	Body        []*Statement
}

// Alter is ALTER TABLE: Action says ADD COLUMN, DROP COLUMN, RENAME or OTHER,
// Checked that rows are looked at: a new column with CHECK, NOT NULL, REFERENCES
// or a generated value.
type Alter struct {
	Schema, Table string
	Action        string
	Checked       bool
}
