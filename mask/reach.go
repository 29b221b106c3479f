package mask

import "strings"

// Reach says of a column that is a field of documents, whose Name is a path (a.b.c,
// arrays left out), which of the names around it are meant besides.
type Reach uint8

const (
	// Exact is the name alone: a column of a table.
	Exact Reach = iota
	// Field is a value at a path: it is masked by a rule for it or for what it is in.
	Field
	// Tree is a value with all that is in it: it is masked by a rule for anything in it,
	// too. The empty name is a whole document.
	Tree
)

// matches takes a folded column. A rule "a.b.c" may mean the field b.c of a as well as
// the column c of the table a.b, so of fields it means both.
func (p *pattern) matches(c Column) bool {
	if p.matchesTable(c.Schema, c.Table) && matchesName(p.name, c) {
		return true
	}
	return c.Reach != Exact && p.schema != "" && glob(p.schema, c.Table) && matchesName(p.table+"."+p.name, c)
}

func matchesName(pattern string, c Column) bool {
	if glob(pattern, c.Name) {
		return true
	}
	if c.Reach == Exact {
		return false
	}
	for i := range len(c.Name) {
		if c.Name[i] == '.' && glob(pattern, c.Name[:i]) {
			return true
		}
	}
	return c.Reach == Tree && (c.Name == "" || globBegins(pattern, c.Name+"."))
}

// globBegins reports whether a text that begins with s can match a pattern in which *
// is any run.
func globBegins(pattern, s string) bool {
	literal, _, star := strings.Cut(pattern, "*")
	if len(literal) >= len(s) {
		return literal[:len(s)] == s
	}
	return star && strings.HasPrefix(s, literal)
}

// MasksDocuments reports whether any field of a table's documents is masked.
func (p *Plan) MasksDocuments(schema, table string) bool {
	if p.closed() {
		return true
	}
	c := Column{Schema: schema, Table: table, Reach: Tree}.folded()
	for i := range p.patterns {
		if p.patterns[i].matches(c) {
			return true
		}
	}
	return false
}
