package lineage

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/sallyport/sallyport/mask"
)

// A name that means another column to the server than to us is a way past every
// mask: in (SELECT c.email FROM (SELECT 'x' AS email) C) below customers c, a server
// that tells C from c takes the customer's. So where it is not certain that a name is
// a column's, it may be that one and whatever it would be otherwise.

// match says whether a name is that of something.
type match uint8

const (
	no match = iota
	maybe
	sure
)

// means says whether a name, in lower case, is the column's. What the statement does
// not name is named by the server: by the text of its expression, without some of the
// comments, by the value of a literal, or, where that is too long, by a number.
func (c *column) means(name string) match {
	switch {
	case c.plain && c.name == name:
		return sure
	case c.plain:
		return no
	case c.name == name || !simple(name):
		return maybe
	}
	return no
}

// simple reports whether a name cannot be one that a server makes of an expression.
// Those of literals and of functions without parentheses can be so, too, but nothing
// of a table is in them.
func simple(name string) bool {
	if strings.HasPrefix(name, "name_exp_") || strings.HasPrefix(name, "my_exp_") {
		return false
	}
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// is says whether the name of a column that is written with its table is one of the
// item's. Whether servers tell names of tables apart by case is theirs to set; to a
// subquery some give the session's schema.
func (i *item) is(n *ast.ColumnName) match {
	return least(alike(i.name, n.Table.O), i.within(n.Schema.O))
}

func (i *item) within(schema string) match {
	if schema != "" && i.schema == "" {
		return maybe
	}
	return alike(i.schema, schema)
}

// alike compares the name of a table or schema with what is written, "" for nothing.
func alike(name, written string) match {
	switch {
	case written == "" || name == written:
		return sure
	case fold(name) == fold(written):
		return maybe
	}
	return no
}

func least(a, b match) match { return min(a, b) }

// find is what a name may be among the columns of an item.
func (i *item) find(name string) (v value, m match) {
	for k := range i.cols {
		is := i.cols[k].means(name)
		if is == no {
			continue
		}
		if i.used != nil {
			i.used[i.cols[k].name] = true
		}
		if m == no {
			v = i.cols[k].value
		} else {
			v = either(v, i.cols[k].value)
		}
		m = max(m, is)
	}
	return v, m
}

// reference resolves a name: level by level outwards, until a level has it for sure.
// Where there are several, all of them count: the server refuses it, or they are one
// by USING. Aliases of the answer's columns are seen where the level has any.
func (a *analyzer) reference(n *ast.ColumnName, sc *scope) value {
	a.legible(n.Schema.O, n.Table.O, n.Name.O)
	var v value
	found := no
	for s := sc; s != nil && found != sure; s = s.outer {
		add := func(x value, m match) {
			switch {
			case m == no:
				return
			case found == no:
				v = x
			default:
				v = either(v, x)
			}
			found = max(found, m)
		}
		for _, i := range s.items {
			if is := i.is(n); is != no {
				x, m := i.find(n.Name.L)
				add(x, least(is, m))
			}
		}
		if n.Table.L != "" {
			continue
		}
		for k := range s.aliases {
			add(s.aliases[k].value, s.aliases[k].means(n.Name.L))
		}
		for k := range s.listed {
			if s != sc {
				add(s.listed[k].value, least(maybe, s.listed[k].means(n.Name.L)))
			}
		}
	}
	if found == no {
		a.fail("the column " + n.Name.O + " is not known")
		return value{}
	}
	for c := range v.src {
		if c == closed {
			a.fail("the column " + n.Name.O + " tells of the values of tables")
		}
		a.reads[c] = struct{}{}
	}
	return v
}

// legible makes a statement not understood where servers may read one of its names
// as another.
func (a *analyzer) legible(names ...string) {
	for _, s := range names {
		if odd(s) {
			a.fail("the name " + s + " may be another one to the server")
		}
	}
}

// maxName is how many characters a server keeps of a name.
const maxName = 64

// odd reports whether servers may make another name of one: they leave out the blanks
// around it, cut it, have a question mark for characters beyond the first plane, and
// do not know the lower case of all letters.
func odd(s string) bool {
	if strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) != s || utf8.RuneCountInString(s) > maxName {
		return true
	}
	return strings.ContainsFunc(s, func(r rune) bool {
		return r > 0xffff || unicode.IsControl(r) || r >= utf8.RuneSelf && unicode.SimpleFold(r) != r && !known(r)
	})
}

// known reports whether every server knows the two cases of a letter: of Latin, Greek
// and Cyrillic as they have always been.
func known(r rune) bool {
	return r >= 0xc0 && r < 0x17f && r != 0x130 && r != 0x131 || r >= 0x386 && r <= 0x3ce || r >= 0x400 && r <= 0x45f
}

// cte is the common table expression of a name: the nearest. Servers do not agree on whether one
// may be named before it is written, and on the case of names.
func (a *analyzer) cte(n *ast.TableName, sc *scope) *cte {
	var found *cte
	for s := sc; s != nil && found == nil; s = s.outer {
		found = s.ctes[n.Name.L]
	}
	if found == nil || n.Schema.L != "" {
		return nil
	}
	ahead := false
	for s := sc; s != nil; s = s.outer {
		ahead = ahead || s.own != nil && s.own.clause == found.clause && s.own.at < found.at
	}
	if ahead || found.node.Name.O != n.Name.O {
		a.fail("the name " + n.Name.O + " is a common table expression to some servers, and a table to others")
	}
	return found
}

// called are columns by the names that are given for them, if any are.
func (a *analyzer) called(cols []column, names []ast.CIStr, of string) []column {
	cols = slices.Clone(cols)
	if n := len(names); n > 0 && n != len(cols) {
		a.fail(of + " names other columns than it has")
		return nil
	}
	for i, name := range names {
		a.legible(name.O)
		cols[i].name, cols[i].plain = name.L, true
	}
	return cols
}

// maxColumns bounds what one level offers, which stars of stars can double and double
// again. Servers have 4096 in a table at most.
const maxColumns = 20_000

// few makes a statement with more not understood.
func (a *analyzer) few(cols []column) []column {
	if len(cols) > maxColumns {
		a.fail("it has too many columns to be traced")
		return nil
	}
	return cols
}

// defaults are the columns that the defaults of columns of that name are made of.
func (a *analyzer) defaults(n *ast.ColumnName, sc *scope) (src set) {
	for s := sc; s != nil; s = s.outer {
		for _, i := range s.items {
			if i.rel != nil {
				src = union(src, i.rel.defaults(n.Name.L))
			}
		}
	}
	for c := range src {
		a.reads[c] = struct{}{}
	}
	return src
}

// defaults are the columns that the default of a column is made of, nil for what is
// a constant.
func (rel *Relation) defaults(name string) set {
	for _, c := range rel.Columns {
		if fold(c.Name) == fold(name) {
			return rel.madeOf(c)
		}
	}
	return nil
}

func (rel *Relation) madeOf(c Attribute) (src set) {
	if c.Default == nil {
		return nil
	}
	for _, d := range c.Default() {
		for _, o := range rel.Columns {
			if fold(o.Name) == fold(d) || d == "" {
				src = union(src, of(mask.Column{Schema: rel.Schema, Table: rel.Name, Name: o.Name}))
			}
		}
	}
	return src
}
