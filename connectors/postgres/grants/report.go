package grants

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// ErrNoRole: there is no such role.
var ErrNoRole = errors.New("there is no such role")

// Kind is what a finding is about.
type Kind string

// The kinds, the gravest first.
const (
	KindAttribute   Kind = "attribute"
	KindMembership  Kind = "membership"
	KindOwnership   Kind = "ownership"
	KindColumn      Kind = "column"
	KindView        Kind = "view"
	KindForeign     Kind = "foreign table"
	KindFunction    Kind = "function"
	KindSystem      Kind = "system"
	KindServer      Kind = "foreign server"
	KindLargeObject Kind = "large object"
	KindPartition   Kind = "partition key"
	KindWrite       Kind = "write"
	KindCreate      Kind = "create"
	KindDefault     Kind = "default privilege"
)

var kindOrder = []Kind{KindAttribute, KindMembership, KindOwnership, KindColumn, KindView, KindForeign, KindFunction, KindSystem,
	KindServer, KindLargeObject, KindPartition, KindWrite, KindCreate, KindDefault}

// Public is the grantee of a privilege that everybody has.
const Public = "PUBLIC"

// Finding is one way by which a role reaches a masked column, or may do more
// than read. Its texts hold names and no values; whoever shows them escapes them.
type Finding struct {
	Kind   Kind   `json:"kind"`
	Object string `json:"object"` // quoted as in SQL
	Via    string `json:"via"`    // the role that has it, or PUBLIC
	Why    string `json:"why"`
	// Fix is the statement that closes it, "" where no single one does. One that
	// takes from PUBLIC takes from others too.
	Fix string `json:"fix,omitempty"`
}

// String is the finding for people, without its fix.
func (f Finding) String() string {
	s := string(f.Kind)
	if f.Object != "" {
		s += " " + f.Object
	}
	if f.Via != "" {
		s += ", by " + f.Via
	}
	return s + ": " + f.Why
}

// Report says whether a role is closed. The zero Report is not.
type Report struct {
	Role string `json:"role"`
	// Closed is set where nothing is open: no masked column is reachable, and the
	// role can do nothing but read.
	Closed bool      `json:"closed"`
	Open   []Finding `json:"open"`
	// Masked counts the columns that are kept from the role.
	Masked int `json:"masked_columns"`
}

// Why says in one line why the role is not closed, "" if it is.
func (r Report) Why() string {
	const shown = 3
	if r.Closed {
		return ""
	}
	if len(r.Open) == 0 {
		return "it was not checked"
	}
	var parts []string
	for _, f := range r.Open[:min(shown, len(r.Open))] {
		parts = append(parts, f.String())
	}
	if more := len(r.Open) - shown; more > 0 {
		parts = append(parts, "and "+count(more, "more finding"))
	}
	return strings.Join(parts, "; ")
}

// order makes a report the same for the same database, each finding once.
func order(list []Finding) []Finding {
	slices.SortFunc(list, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(kindOrder, a.Kind), slices.Index(kindOrder, b.Kind)),
			cmp.Compare(a.Object, b.Object), cmp.Compare(a.Via, b.Via), cmp.Compare(a.Why, b.Why))
	})
	return slices.Compact(list)
}
