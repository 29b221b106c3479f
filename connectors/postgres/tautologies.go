package postgres

import (
	"slices"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
)

// What conditions.go asks of the parts of a condition: ways in which one that
// names a column still holds for every row.

// ofTarget reports whether an expression may name a column of the target: one
// that is qualified by another relation's name does not. An unqualified one may.
func (w *walker) ofTarget(n *pg.Node, target *pg.RangeVar) bool {
	if n == nil {
		return false
	}
	name := rowName(target)
	return contains(n.ProtoReflect(), func(c *pg.ColumnRef) bool {
		f := strs(c.GetFields())
		return len(f) < 2 || slices.Contains(f[:len(f)-1], name) || len(c.GetFields()) > len(f)
	})
}

// itself reports whether a column is compared with something made of it alone:
// id + 0 = id.
func itself(left, right *pg.Node) bool {
	l, r := unwrap(left).GetColumnRef(), unwrap(right).GetColumnRef()
	switch {
	case l != nil && r == nil:
		return names(right, l)
	case r != nil && l == nil:
		return names(left, r)
	}
	return false
}

func names(n *pg.Node, column *pg.ColumnRef) bool {
	if n == nil || n.GetList() != nil || n.GetSubLink() != nil {
		return false
	}
	a := proto.Clone(column)
	plain(a.ProtoReflect())
	return contains(n.ProtoReflect(), func(c *pg.ColumnRef) bool {
		b := proto.Clone(c)
		plain(b.ProtoReflect())
		return proto.Equal(a, b)
	})
}

// degenerate reports whether an expression of columns is one value for all of
// them: id * 0, id % 1, id & 0.
func degenerate(n *pg.Node) bool {
	e := unwrap(n).GetAExpr()
	op := strs(e.GetName())
	if e == nil || len(op) != 1 {
		return false
	}
	l, okL := number(e.GetLexpr())
	r, okR := number(e.GetRexpr())
	switch op[0] {
	case "*", "&":
		return okL && l == 0 || okR && r == 0
	case "%":
		return okR && (r == 1 || r == -1)
	}
	return false
}

// wide reports whether the two ends of BETWEEN leave nothing out.
func wide(ends *pg.Node) bool {
	items := ends.GetList().GetItems()
	return len(items) == 2 && small(items[0]) && large(items[1])
}

// maxParts bounds how many parts of an OR are compared with each other.
const maxParts = 64

// covers reports whether two of the parts of an OR together hold always: a
// condition and its opposite.
func covers(parts []*pg.Node) bool {
	// What an = leaves out only an exclusion covers, and that never bounds.
	parts = slices.DeleteFunc(slices.Clone(parts), func(n *pg.Node) bool {
		op := strs(n.GetAExpr().GetName())
		return len(op) == 1 && op[0] == "="
	})
	if len(parts) > maxParts {
		return true
	}
	for i, a := range parts {
		for _, b := range parts[i+1:] {
			if opposite(a, b) || opposite(b, a) {
				return true
			}
		}
	}
	return false
}

// fills gives the operators that together with one hold for every value.
var fills = map[string][]string{
	"=": {"<>", "!="}, "<": {">=", ">", "<>"}, "<=": {">", ">="}, ">": {"<=", "<", "<>"}, ">=": {"<", "<="},
	"~~": {"!~~"}, "~": {"!~"}, "~~*": {"!~~*"}, "~*": {"!~*"},
}

func opposite(a, b *pg.Node) bool {
	if n := b.GetBoolExpr(); n.GetBoolop() == pg.BoolExprType_NOT_EXPR && len(n.GetArgs()) == 1 && same(a, n.GetArgs()[0]) {
		return true
	}
	x, y := a.GetAExpr(), b.GetAExpr()
	if x == nil || y == nil || !same(x.GetLexpr(), y.GetLexpr()) || !same(x.GetRexpr(), y.GetRexpr()) {
		return false
	}
	ox, oy := strs(x.GetName()), strs(y.GetName())
	return len(ox) == 1 && len(oy) == 1 && slices.Contains(fills[ox[0]], oy[0])
}

// filtered reports whether a query picks among its own rows.
func (w *walker) filtered(q *pg.SelectStmt) bool {
	where := q.GetWhereClause()
	if where == nil {
		return false
	}
	in := walker{j: w.j, ctes: w.ctes, self: w.self}
	for _, n := range q.GetFromClause() {
		if r := n.GetRangeVar(); r != nil && in.bounds(where, r, false) {
			return true
		}
	}
	// Joins and subqueries: any column of theirs will do.
	return !slices.ContainsFunc(q.GetFromClause(), func(n *pg.Node) bool { return n.GetRangeVar() != nil }) && in.bounds(where, &pg.RangeVar{}, false)
}

// limited reports whether a query has a LIMIT that is not an endless one.
func limited(q *pg.SelectStmt) bool {
	n := q.GetLimitCount()
	return n != nil && !n.GetAConst().GetIsnull() && !large(n)
}

// correlated reports whether a subquery names a column of the target.
func correlated(q *pg.SelectStmt, target *pg.RangeVar) bool {
	name := rowName(target)
	return contains(q.ProtoReflect(), func(c *pg.ColumnRef) bool {
		f := strs(c.GetFields())
		return len(f) > 1 && slices.Contains(f[:len(f)-1], name)
	})
}

// reaches reports whether a query reads the target, itself or through a common
// table expression that does not pick among its rows.
func (w *walker) reaches(q *pg.SelectStmt, target *pg.RangeVar, depth int) bool {
	return contains(q.ProtoReflect(), func(r *pg.RangeVar) bool {
		cte := w.ctes[r.GetRelname()]
		if cte == nil || r.GetSchemaname() != "" || depth > maxDepth {
			return r.GetRelname() == target.GetRelname()
		}
		return !w.filtered(cte) && !limited(cte) && w.reaches(cte, target, depth+1)
	})
}

// unfiltered reports whether n is a subquery over the whole target.
func (w *walker) unfiltered(n *pg.Node, target *pg.RangeVar) bool {
	q := unwrap(n).GetSubLink().GetSubselect().GetSelectStmt()
	return q != nil && w.whole(q, target)
}

// whole reports whether a query gives all rows of the target.
func (w *walker) whole(q *pg.SelectStmt, target *pg.RangeVar) bool {
	return !w.filtered(q) && !limited(q) && w.reaches(q, target, 0)
}
