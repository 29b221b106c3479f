package lineage

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// SELECT DISTINCT id, email and GROUP BY id, email tell nothing of e-mails that id
// alone does not: where a key of a table is among what rows are told apart by, the
// table's other columns decide nothing. That holds of columns of one entry in FROM,
// as they are; values that went through a subquery have lost where they are of.

// Key is a set of columns by which no two rows of a relation are equal, none of
// them null, at any moment.
type Key struct {
	Columns []string
	Primary bool
}

// place is the column of an entry in FROM that a value is, unchanged.
type place struct {
	of   *instance
	name string
}

// instance is one entry of a FROM list: a table with its keys.
type instance struct{ keys []Key }

// placed marks columns of a table as of one entry.
func placed(cols []column, rel *Relation) []column {
	if len(rel.Keys) == 0 || len(rel.Kin) > 0 {
		return cols
	}
	of := &instance{rel.Keys}
	for i, c := range rel.Columns {
		cols[i].at = place{of, c.Name}
	}
	return cols
}

// displaced are columns that another level makes of them.
func displaced(cols []column) []column {
	out := make([]column, len(cols))
	for i, c := range cols {
		out[i] = c
		out[i].at = place{}
	}
	return out
}

// determined reports whether a value is settled by others that are told apart
// beside it: the key of its table that is among them, and that it is no part of. Of
// several keys one counts, the primary one first, or each would settle the others.
func determined(v value, among []value, primary bool) bool {
	if v.at.of == nil {
		return false
	}
	k := v.at.of.keyAmong(among, primary)
	return k != nil && !slices.Contains(k.Columns, v.at.name)
}

// keyAmong is the key that counts, nil where none is whole.
func (of *instance) keyAmong(among []value, primary bool) *Key {
	var found *Key
	for i := range of.keys {
		k := &of.keys[i]
		missing := slices.ContainsFunc(k.Columns, func(name string) bool {
			return !slices.ContainsFunc(among, func(v value) bool { return v.at == place{of, name} })
		})
		switch {
		case missing, primary && !k.Primary:
		case found == nil || k.Primary:
			found = k
		}
	}
	return found
}

// distinct notes what SELECT DISTINCT tells rows apart by. Rows come in the order in
// which they are told apart, by values or by hashes of them, so that what is settled
// by a key is passed over only where ORDER BY settles the order by all the rest.
func (a *analyzer) distinct(s *pg.SelectStmt, sc *scope, cols []column) {
	all := make([]value, len(cols))
	for i, c := range cols {
		all[i] = c.value
	}
	settled := make([]bool, len(cols))
	ordered := a.orders(s, sc, cols)
	whole := true
	for i := range cols {
		settled[i] = determined(all[i], all, false)
		whole = whole && (settled[i] || ordered[i])
	}
	for i, c := range cols {
		if !whole || !settled[i] {
			a.decides(c.src, "DISTINCT")
		}
	}
}

// orders says which columns of the answer ORDER BY sorts by.
func (a *analyzer) orders(s *pg.SelectStmt, sc *scope, cols []column) []bool {
	out := make([]bool, len(cols))
	for _, n := range s.GetSortClause() {
		n = n.GetSortBy().GetNode()
		if i := n.GetAConst().GetIval(); i != nil && i.GetIval() >= 1 && int(i.GetIval()) <= len(cols) {
			out[i.GetIval()-1] = true
			continue
		}
		name, named := bare(n), false
		for i, c := range cols {
			if name != "" && c.name == name {
				out[i], named = true, true
			}
		}
		if named || n.GetColumnRef() == nil {
			continue
		}
		v := a.expr(n, sc)
		for i, c := range cols {
			out[i] = out[i] || v.at.of != nil && v.at == c.at
		}
	}
	return out
}

// groupings notes what GROUP BY tells rows apart by. The target itself drops what a
// primary key settles from what it groups by.
func (a *analyzer) groupings(list []*pg.Node, sc *scope, cols []column) {
	var all []value
	plain := true
	for _, g := range list {
		plain = plain && g.GetGroupingSet() == nil
		all = a.grouping(all, g, sc, cols)
	}
	for _, v := range all {
		if !plain || !determined(v, all, true) {
			a.decides(v.src, "GROUP BY")
		}
	}
}
