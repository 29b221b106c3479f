package lineage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/mask"
)

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
	for _, s := range sets {
		switch {
		case len(s) == 0:
		case only == nil:
			only = s
		default:
			return merged(sets)
		}
	}
	return only
}

func merged(sets []set) set {
	all := set{}
	for _, s := range sets {
		for c := range s {
			all[c] = struct{}{}
		}
	}
	return all
}

// value is where an expression's values come from.
type value struct {
	src    set
	direct bool // unchanged, or constant where src is empty
	null   bool // surely NULL
	fixed  bool // a literal or a variable
	called bool // a function has been at it
}

// column is a value with the name that SQL knows it by; "" is a name that is not
// known here.
type column struct {
	name string
	value
	// hidden columns are merged into one to their left by a join, and go by the
	// name of their table alone. joined is what the name means without a table.
	hidden bool
	joined *value
}

// computed is the value of something made of others.
func computed(vs ...value) value {
	sets := make([]set, len(vs))
	called := false
	for i, v := range vs {
		sets[i], called = v.src, called || v.called
	}
	return value{src: union(sets...), called: called}
}

// either is a value that is one of two, unchanged.
func either(a, b value) value {
	return value{src: union(a.src, b.src), direct: a.direct && b.direct, null: a.null && b.null, fixed: a.fixed && b.fixed, called: a.called || b.called}
}

// all is made of all columns.
func all(cols []column) value {
	sets := make([]set, len(cols))
	for i, c := range cols {
		sets[i] = c.src
	}
	return value{src: union(sets...)}
}

func words(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}
