package sqltext

import (
	"slices"
	"strings"
)

// Table is one of the caller's catalog.
type Table struct {
	Schema, Name string
	Columns      []TableColumn
}

// TableColumn is a column of a Table, in the table's order.
type TableColumn struct {
	Name string
	// Hidden columns are not part of *.
	Hidden bool
	// From are columns of the same table that its values are computed from.
	From []string
}

// Ref is a column of a table of the catalog.
type Ref struct{ Schema, Table, Name string }

// Origin is where the values of one column of an answer come from.
type Origin struct {
	// Name is what the answer will call it, "" where that is the server's choice.
	Name string
	// Direct values are those of the one column, unchanged; others may be computed
	// from any of Columns.
	Direct  bool
	Columns []Ref
}

// Predicate is a column that decides rows, their order, or an expression's value.
type Predicate struct {
	Ref
	Clause string
	// Equality is set where the bare column is compared with constants and nothing
	// else decides; Tries is with how many.
	Equality bool
	Tries    int
}

// Resolution is where a Select's values come from.
type Resolution struct {
	Columns    []Origin
	Predicates []Predicate
	// Reads are all columns that it refers to.
	Reads []Ref
}

// Resolve looks up every name of the statement. find returns a table by the parts of
// its name, nil where there is none; fold ignores case. A name that may mean several
// columns, or an item by the name given to it, means all of them. It fails where a
// name means nothing: then it is not understood.
func (s *Select) Resolve(find func(parts []string) *Table, fold bool) (*Resolution, error) {
	r := &resolver{s: s, fold: fold, seen: map[Ref]bool{}, once: 1 + len(s.Items)}
	for _, src := range s.From {
		t := find(src.Parts)
		if t == nil {
			return nil, &Error{src.At, "the table " + src.String() + " is not known"}
		}
		r.tables = append(r.tables, t)
		r.once += len(t.Columns)
	}
	for i := range s.Items {
		if err := r.item(i); err != nil {
			return nil, err
		}
	}
	for _, c := range s.Clauses {
		if err := r.clause(c); err != nil {
			return nil, err
		}
	}
	return &r.out, nil
}

type resolver struct {
	s      *Select
	fold   bool
	tables []*Table // of s.From
	out    Resolution
	seen   map[Ref]bool
	once   int // comparisons that looking up one name takes
	work   int // comparisons so far
}

// maxWork bounds how often names are compared: there may be many, over many columns, and
// names of items may stand in each other, twice in each. maxFound bounds what they lead
// to.
const (
	maxWork  = 8 << 20
	maxFound = 50_000
)

const tooOften = "it has too many names to trace, or they refer to each other too often"

func (r *resolver) tired() bool {
	return r.work > maxWork || len(r.out.Reads)+len(r.out.Predicates) > maxFound
}

func (r *resolver) same(a, b string) bool { return a == b || r.fold && strings.EqualFold(a, b) }

func (r *resolver) read(refs []Ref) {
	for _, c := range refs {
		if !r.seen[c] {
			r.seen[c] = true
			r.out.Reads = append(r.out.Reads, c)
		}
	}
}

func (r *resolver) decides(refs []Ref, p Predicate) {
	r.read(refs)
	for _, c := range refs {
		p.Ref = c
		r.out.Predicates = append(r.out.Predicates, p)
	}
}

func (r *resolver) item(i int) error {
	it := r.s.Items[i]
	switch it.Kind {
	case Star:
		return r.star(it)
	case Column:
		refs, direct, err := r.chain(it.Column, map[int]bool{i: true})
		if err != nil {
			return err
		}
		name := it.Alias
		if name == "" && len(it.Column.Parts) == 1 {
			name = it.Column.Last()
		}
		r.add(Origin{Name: name, Direct: direct, Columns: refs})
		if !direct {
			r.decides(refs, Predicate{Clause: "an expression"})
		}
	case Expression:
		refs, _, err := r.chains(it.Expr.Columns, map[int]bool{i: true})
		if err != nil {
			return err
		}
		r.add(Origin{Name: it.Alias, Columns: refs})
		r.decides(refs, Predicate{Clause: "an expression"})
	}
	return nil
}

func (r *resolver) add(o Origin) {
	r.out.Columns = append(r.out.Columns, o)
	r.read(o.Columns)
	if r.s.Distinct {
		r.decides(o.Columns, Predicate{Clause: "DISTINCT"})
	}
}

// star is the columns of the only table: of several, servers differ in which columns
// there are and in which order.
func (r *resolver) star(it Item) error {
	if len(r.tables) != 1 {
		return &Error{it.Column.At, "a * over more than one table is not traced"}
	}
	if len(it.Column.Parts) > 0 && !r.qualifies(0, it.Column.Parts) {
		return &Error{it.Column.At, "the table " + it.Column.String() + " is not known"}
	}
	t := r.tables[0]
	if r.s.elements && len(it.Column.Parts) > 0 {
		for _, c := range t.Columns {
			if whole, part := r.names(0, c.Name, it.Column.Parts); whole || part {
				return &Error{it.Column.At, it.Column.String() + ".* may be of the column " + c.Name + ", too"}
			}
		}
	}
	for _, c := range t.Columns {
		if c.Hidden {
			continue
		}
		refs, direct := r.column(t, c)
		if r.work += len(r.s.Items) + len(refs); r.tired() {
			return &Error{it.Column.At, tooOften}
		}
		for k, o := range r.s.Items {
			if o.Alias != "" && r.same(o.Alias, c.Name) { // which may take the column's place
				more, _, err := r.chains(r.mentioned(k), map[int]bool{k: true})
				if err != nil {
					return err
				}
				refs, direct = append(refs, more...), false
			}
		}
		r.add(Origin{Name: c.Name, Direct: direct, Columns: refs})
		if !direct {
			r.decides(refs, Predicate{Clause: "an expression"})
		}
	}
	return nil
}

// column is where the values of a table's column come from.
func (r *resolver) column(t *Table, c TableColumn) (refs []Ref, direct bool) {
	refs = []Ref{{t.Schema, t.Name, c.Name}}
	for _, f := range c.From {
		refs = append(refs, Ref{t.Schema, t.Name, f})
	}
	return refs, len(refs) == 1
}

// qualifies reports whether parts name the table of a source.
func (r *resolver) qualifies(k int, parts []string) bool {
	src, t := r.s.From[k], r.tables[k]
	switch len(parts) {
	case 1:
		return src.Alias != "" && r.same(parts[0], src.Alias) || r.same(parts[0], t.Name)
	case 2:
		return r.same(parts[0], t.Schema) && r.same(parts[1], t.Name)
	}
	return false
}

// mentioned are the chains of an item.
func (r *resolver) mentioned(k int) []Chain {
	if it := r.s.Items[k]; it.Kind == Column {
		return []Chain{it.Column}
	}
	return r.s.Items[k].Expr.Columns
}

func (r *resolver) chains(list []Chain, within map[int]bool) (refs []Ref, aliased bool, err error) {
	have := map[Ref]bool{}
	for _, c := range list {
		more, direct, err := r.chain(c, within)
		if err != nil {
			return nil, false, err
		}
		aliased = aliased || !direct
		for _, m := range more {
			if !have[m] {
				have[m] = true
				refs = append(refs, m)
			}
		}
	}
	return refs, aliased, nil
}

// chain is every column that a name may mean. Direct is set where it means one column
// of a table and can mean nothing else. within are the items that are being resolved.
func (r *resolver) chain(c Chain, within map[int]bool) (refs []Ref, direct bool, err error) {
	if r.work += r.once; r.tired() {
		return nil, false, &Error{c.At, tooOften}
	}
	direct = true
	meant := false // it is an item's name
	may := [][]string{c.Parts}
	for k, t := range r.tables {
		for _, col := range t.Columns {
			whole, part := r.names(k, col.Name, c.Parts)
			if !whole && !part {
				continue
			}
			more, plain := r.column(t, col)
			refs, direct = append(refs, more...), direct && plain && whole
			for _, f := range col.From { // whose names a server may read as the statement's
				may = append(may, []string{f})
			}
		}
	}
	direct = direct && len(refs) == 1
	for i, it := range r.s.Items {
		if it.Alias == "" || !slices.ContainsFunc(may, func(parts []string) bool { return r.called(it.Alias, parts) }) {
			continue
		}
		if within[i] {
			direct = direct && it.Kind == Column && len(within) == 1
			continue
		}
		inner := map[int]bool{i: true}
		for k := range within {
			inner[k] = true
		}
		more, _, err := r.chains(r.mentioned(i), inner)
		if err != nil {
			return nil, false, err
		}
		refs, direct, meant = append(refs, more...), false, true
	}
	if len(refs) == 0 && !meant && (c.Quoted || len(c.Parts) > 1 || !constants[strings.ToUpper(c.Parts[0])]) {
		return nil, false, &Error{c.At, "the column " + c.String() + " is not known"}
	}
	return refs, direct && len(refs) == 1, nil
}

// called reports whether parts may name an item by its name: also after a table's, which
// a server may take off before it looks names up, with dots in it, and with an element's
// after it.
func (r *resolver) called(alias string, parts []string) bool {
	for q := 0; q < len(parts) && q <= 2; q++ {
		for n := q + 1; n <= len(parts); n++ {
			if r.same(strings.Join(parts[q:n], "."), alias) {
				return true
			}
		}
	}
	return false
}

// names reports whether parts name a column of a source, and whether they name a part
// of one (an element of a tuple, a column of a nested structure).
func (r *resolver) names(k int, column string, parts []string) (whole, part bool) {
	for q := 0; q < len(parts) && q <= 2; q++ {
		if q > 0 && !r.qualifies(k, parts[:q]) {
			continue
		}
		rest := strings.Join(parts[q:], ".")
		if r.same(rest, column) {
			whole = true
		}
		for n := q + 1; n < len(parts); n++ {
			if r.same(strings.Join(parts[q:n], "."), column) {
				part = true
			}
		}
		// a nested structure by its name alone: its columns are n.a, n.b
		if len(column) > len(rest) && r.same(column[:len(rest)], rest) && column[len(rest)] == '.' {
			part = true
		}
	}
	return whole, part
}

func (r *resolver) clause(c Clause) error {
	refs, aliased, err := r.chains(c.Expr.Columns, map[int]bool{})
	if err != nil {
		return err
	}
	where := c.Name == "WHERE" || c.Name == "PREWHERE"
	r.decides(refs, Predicate{Clause: c.Name, Equality: where && c.Equality && !aliased, Tries: c.Tries})
	if !c.Ordinal {
		return nil
	}
	for _, o := range append([]Origin(nil), r.out.Columns...) {
		r.decides(o.Columns, Predicate{Clause: c.Name})
	}
	return nil
}
