package postgres

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/sallyport/sallyport/policy"
)

// Which columns a statement reads and sets. The walk notes names as they are
// written, and the catalog makes columns of them. Scopes are not told apart: a
// name counts for every relation of the statement that has it, and a name that
// nothing explains counts for all columns. So Reads may name more than is read,
// never less, for the relations that the statement names itself.

// scopeName is a relation under the name by which columns refer to it.
type scopeName struct {
	Alias  string `json:"alias"`
	Schema string `json:"schema,omitempty"`
	Table  string `json:"table"`
}

// columnName is a column as it is written: of.name, name, of.* or *.
type columnName struct {
	Of   string `json:"of,omitempty"`
	Name string `json:"name,omitempty"` // "" is a star
}

// setName is a column that the statement sets; "" is all of them.
type setName struct {
	Schema string `json:"schema,omitempty"`
	Table  string `json:"table"`
	Column string `json:"column,omitempty"`
}

// mentions notes the names in one node of the tree.
func (w *walker) mentions(m protoreflect.Message) {
	switch v := m.Interface().(type) {
	case *pg.ColumnRef:
		w.j.Columns = once(w.j.Columns, columnOf(v))
	case *pg.ResTarget:
		w.output(v.GetName())
	case *pg.CommonTableExpr:
		w.outputs(v.GetAliascolnames())
	case *pg.Alias:
		w.outputs(v.GetColnames())
	case *pg.RangeFunction:
		w.output(v.GetAlias().GetAliasname())
		for _, d := range v.GetColdeflist() {
			w.output(d.GetColumnDef().GetColname())
		}
	case *pg.RangeSubselect:
		w.output(v.GetAlias().GetAliasname())
	case *pg.JoinExpr:
		if v.GetIsNatural() {
			w.j.Columns = once(w.j.Columns, columnName{})
		}
		for _, name := range strs(v.GetUsingClause()) {
			w.j.Columns = once(w.j.Columns, columnName{Name: name})
		}
	}
}

func columnOf(c *pg.ColumnRef) columnName {
	f := strs(c.GetFields())
	if n := len(f); n < len(c.GetFields()) { // the last is a star
		if n == 0 {
			return columnName{}
		}
		return columnName{Of: f[n-1]}
	}
	out := columnName{Name: f[len(f)-1]}
	if len(f) > 1 {
		out.Of = f[len(f)-2]
	}
	return out
}

func (w *walker) output(name string) {
	if name != "" {
		w.j.Outputs = once(w.j.Outputs, name)
	}
}

func (w *walker) outputs(list []*pg.Node) {
	for _, name := range strs(list) {
		w.output(name)
	}
}

// scopes notes a relation that columns may refer to.
func (w *walker) scopes(r *pg.RangeVar) {
	w.j.Scope = once(w.j.Scope, scopeName{Alias: rowName(r), Schema: r.GetSchemaname(), Table: r.GetRelname()})
	if len(r.GetAlias().GetColnames()) > 0 { // its columns go by other names
		w.j.Columns = once(w.j.Columns, columnName{Of: rowName(r)})
	}
}

// sets notes the columns of r that a list of targets sets; all of them where the
// list is left out.
func (w *walker) sets(r *pg.RangeVar, targets []*pg.Node) {
	if w.dry || w.later {
		return
	}
	s := setName{Schema: r.GetSchemaname(), Table: r.GetRelname()}
	if len(targets) == 0 {
		w.j.Sets = once(w.j.Sets, s)
	}
	for _, n := range targets {
		s.Column = n.GetResTarget().GetName()
		if n.GetString_() != nil {
			s.Column = n.GetString_().GetSval()
		}
		w.j.Sets = once(w.j.Sets, s)
	}
}

// systemColumns are what every table has.
var systemColumns = words("ctid xmin xmax cmin cmax tableoid oid")

// columnFinder makes columns of names.
type columnFinder struct {
	j     *judgement
	c     *catalog
	found []policy.Column
	seen  map[policy.Column]bool
}

// columns are what the judgement's names come to. Without a catalog a name is
// kept for each relation it may belong to, and a star as it is.
func (j *judgement) columns(c *catalog) (reads, writes []policy.Column) {
	f := columnFinder{j: j, c: c, seen: map[policy.Column]bool{}}
	for _, n := range j.Columns {
		f.read(n)
	}
	reads, f.found = f.found, nil
	clear(f.seen)
	for _, s := range j.Sets {
		in := scopeName{Schema: s.Schema, Table: s.Table}
		if s.Column == "" {
			f.all(in)
		} else {
			f.add(in, s.Column)
		}
	}
	return reads, f.found
}

func (f *columnFinder) read(n columnName) {
	var named []scopeName
	for _, s := range f.j.Scope {
		if n.Of == "" || s.Alias == n.Of || s.Table == n.Of {
			named = append(named, s)
		}
	}
	if n.Name == "" {
		f.allOf(named)
		return
	}
	found := false
	for _, s := range f.j.Scope {
		if n.Of == "" && s.Alias == n.Name { // the whole row
			f.all(s)
			found = true
		}
	}
	for _, s := range named {
		if cols, known := f.known(s); known && slices.Contains(cols, n.Name) || !known {
			f.add(s, n.Name)
			found = true
		}
	}
	if found || systemColumns[n.Name] || n.Of == "" && slices.Contains(f.j.Outputs, n.Name) {
		return
	}
	// A function in functional notation, a new column, or anything else.
	f.allOf(named)
}

// known are the columns of a relation, where the catalog has it.
func (f *columnFinder) known(s scopeName) ([]string, bool) {
	if f.c == nil {
		return nil, false
	}
	r, ok := f.c.find(s.Schema, s.Table)
	return r.columns, ok
}

func (f *columnFinder) allOf(list []scopeName) {
	for _, s := range list {
		f.all(s)
	}
}

func (f *columnFinder) all(s scopeName) {
	cols, known := f.known(s)
	if !known {
		cols = []string{"*"}
	}
	for _, name := range cols {
		f.add(s, name)
	}
}

func (f *columnFinder) add(s scopeName, name string) {
	t := f.c.table(tableName{Schema: s.Schema, Name: s.Table})
	col := policy.Column{Schema: t.Schema, Table: t.Name, Name: name}
	if !f.seen[col] {
		f.seen[col] = true
		f.found = append(f.found, col)
	}
}
