package sqlite

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors/sqlite/lineage"
	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// structure answers a lineage analysis from the schema: it parses the definitions
// of what is asked for, and no more.
type structure struct {
	kinds   kinds
	columns func(table string) []string // as the engine names them
	parse   func(text string) (*syntax.Statement, error)
	known   map[string]*lineage.Relation
}

var _ lineage.Catalog = (*structure)(nil)

// Relation is a table or view of the file.
func (s *structure) Relation(schema, name string) *lineage.Relation {
	if schema != "" && schema != "main" {
		return nil
	}
	name = syntax.Fold(name)
	if r, ok := s.known[name]; ok {
		return r
	}
	if s.known == nil {
		s.known = map[string]*lineage.Relation{}
	}
	r := s.describe(name)
	s.known[name] = r
	return r
}

func (s *structure) describe(name string) *lineage.Relation {
	switch name {
	case "sqlite_master", "sqlite_schema", "sqlite_temp_master", "sqlite_temp_schema":
		return named(name, "rowid", "type", "name", "tbl_name", "rootpage", "sql")
	}
	kind, _ := s.kinds.of(name)
	d, ok := s.kinds.defined[name]
	if !ok {
		return nil
	}
	if kind != policy.TablePlain && kind != policy.TableView {
		return &lineage.Relation{Schema: "main", Name: d.name, Closed: "what " + d.name + " holds of other tables cannot be told"}
	}
	if name == "sqlite_sequence" {
		r := named(d.name, "rowid", "name", "seq")
		r.Columns[1].Holds = s.Rowids()
		return r
	}
	st, err := s.parse(d.sql)
	switch {
	case err != nil:
		return &lineage.Relation{Schema: "main", Name: d.name, Closed: "the definition of " + d.name + " is not understood: " + err.Error()}
	case st.View != nil:
		r := named(d.name, "", s.columns(d.name)...)
		r.View = st.View
		s.triggers(r)
		return r
	case st.Table != nil:
		return s.table(d.name, st.Table)
	}
	return &lineage.Relation{Schema: "main", Name: d.name, Closed: "the definition of " + d.name + " is not understood"}
}

// named is a relation with columns of which no more is known.
func named(name, rowid string, columns ...string) *lineage.Relation {
	r := &lineage.Relation{Schema: "main", Name: name, Rowid: rowid}
	for _, c := range columns {
		r.Columns = append(r.Columns, lineage.Attribute{Name: c})
	}
	return r
}

// Rowids are the primary keys of which sqlite_sequence may hold the largest.
func (s *structure) Rowids() (out []mask.Column) {
	for _, n := range s.kinds.names {
		if internal(n) || s.kinds.tables[syntax.Fold(n)] != policy.TablePlain {
			continue
		}
		if r := s.Relation("", n); r != nil && r.Rowid != "" && r.Rowid != "rowid" {
			out = append(out, mask.Column{Schema: "main", Table: r.Name, Name: r.Rowid})
		}
	}
	return out
}

func (s *structure) table(name string, t *syntax.Table) *lineage.Relation {
	r := &lineage.Relation{Schema: "main", Name: name, Strict: t.Strict}
	var own []string
	for _, c := range t.Columns {
		own = append(own, c.Name)
		r.Columns = append(r.Columns, lineage.Attribute{Name: c.Name, NotNull: c.NotNull, Default: c.Default, Generated: c.Generated})
		if c.Generated != nil && (c.NotNull || lineage.MayFail(c.Generated)) {
			r.Constraints = append(r.Constraints, lineage.Constraint{Rule: syntax.Check, Exprs: []*syntax.Expr{c.Generated}})
		}
	}
	if !slices.Equal(own, s.columns(name)) {
		r.Closed = "the definition of " + name + " is not understood: the engine sees other columns"
	}
	for _, c := range t.Constraints {
		k := lineage.Constraint{Rule: c.Rule, Columns: c.Columns, Parent: c.Parent, Keys: c.Keys}
		if c.Expr != nil {
			k.Exprs = []*syntax.Expr{c.Expr}
		}
		r.Constraints = append(r.Constraints, k)
	}
	r.Rowid = rowid(t)
	if t.WithoutRowid {
		for _, k := range r.Constraints {
			if k.Rule == syntax.Primary {
				r.Key = k.Columns
			}
		}
	}
	if err := s.indexes(r); err != nil {
		r.Closed = "an index of " + name + " is not understood: " + err.Error()
	}
	s.triggers(r)
	return r
}

// rowid is what the rowid of a table is called: its INTEGER PRIMARY KEY if it has
// one (sqlite.org/lang_createtable.html#rowid).
func rowid(t *syntax.Table) string {
	if t.WithoutRowid {
		return ""
	}
	for _, c := range t.Constraints {
		if c.Rule != syntax.Primary || len(c.Columns) != 1 || c.Desc {
			continue
		}
		for _, d := range t.Columns {
			if syntax.Fold(d.Name) == syntax.Fold(c.Columns[0]) && d.Type == "INTEGER" {
				return d.Name
			}
		}
	}
	return "rowid"
}

// indexes adds what the indexes of a table demand.
func (s *structure) indexes(r *lineage.Relation) error {
	for _, d := range s.kinds.indexes[syntax.Fold(r.Name)] {
		if d.sql == "" {
			continue // of a constraint, which is there already
		}
		st, err := s.parse(d.sql)
		if err != nil || st.Index == nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		k := lineage.Constraint{Rule: syntax.Check}
		if st.Index.Unique {
			k.Rule = syntax.Unique
		}
		plain := st.Index.Where == nil
		for _, e := range st.Index.Columns {
			for e.Op == syntax.Collate {
				e = e.Args[0]
			}
			plain = plain && e.Op == syntax.Column
			k.Exprs = append(k.Exprs, e)
			k.Columns = append(k.Columns, lineage.Mentions(e)...)
		}
		switch {
		case plain && st.Index.Unique:
			k.Exprs = nil
		case plain:
			continue
		default:
			k.Columns = nil
			if st.Index.Where != nil {
				k.Exprs = append(k.Exprs, st.Index.Where)
			}
		}
		if k.Rule == syntax.Check && !slices.ContainsFunc(k.Exprs, lineage.MayFail) {
			continue
		}
		r.Constraints = append(r.Constraints, k)
	}
	return nil
}

func (s *structure) triggers(r *lineage.Relation) {
	for _, d := range s.kinds.fired[syntax.Fold(r.Name)] {
		st, err := s.parse(d.sql)
		if err != nil || st.Trigger == nil {
			r.Opaque = "the trigger " + d.name + " is not understood"
			continue
		}
		r.Triggers = append(r.Triggers, st.Trigger)
	}
}

// Children are the tables with foreign keys that lead to the table.
func (s *structure) Children(name string) (out []lineage.Child) {
	for _, n := range s.kinds.names {
		if !strings.Contains(strings.ToUpper(s.kinds.defined[syntax.Fold(n)].sql), "REFERENCES") || s.kinds.tables[syntax.Fold(n)] != policy.TablePlain {
			continue
		}
		r := s.Relation("", n)
		if r == nil {
			continue
		}
		for _, k := range r.Constraints {
			if k.Rule == syntax.Foreign && syntax.Fold(k.Parent) == syntax.Fold(name) {
				out = append(out, lineage.Child{Relation: r, Columns: k.Columns, Keys: k.Keys})
			}
		}
	}
	return out
}
