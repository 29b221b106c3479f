package mssql

import (
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/internal/sqltext"
	"github.com/sallyport/sallyport/mask"
)

// index is one of a table: its columns in order, without those that it only carries.
type index struct {
	number  string
	unique  bool
	columns []string
}

// link is one of a foreign key's columns, at the other table.
type link struct {
	own   string
	other mask.Column
}

const (
	indexText   = "SELECT s.name, o.name, i.index_id, i.is_unique, c.name FROM sys.indexes i JOIN sys.index_columns x ON x.object_id = i.object_id AND x.index_id = i.index_id JOIN sys.objects o ON o.object_id = i.object_id JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.columns c ON c.object_id = x.object_id AND c.column_id = x.column_id WHERE x.is_included_column = 0 AND o.type = 'U' ORDER BY s.name, o.name, i.index_id, x.key_ordinal"
	foreignText = "SELECT s.name, o.name, c.name, t.name, p.name, d.name FROM sys.foreign_key_columns f JOIN sys.objects o ON o.object_id = f.parent_object_id JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.columns c ON c.object_id = f.parent_object_id AND c.column_id = f.parent_column_id JOIN sys.objects p ON p.object_id = f.referenced_object_id JOIN sys.schemas t ON t.schema_id = p.schema_id JOIN sys.columns d ON d.object_id = f.referenced_object_id AND d.column_id = f.referenced_column_id"
	checkText   = "SELECT s.name, o.name, k.definition FROM sys.check_constraints k JOIN sys.objects o ON o.object_id = k.parent_object_id JOIN sys.schemas s ON s.schema_id = o.schema_id"
)

func (cat *catalog) addIndex(r []string) {
	rel := cat.relations[key(r[0], r[1])]
	if rel == nil {
		return
	}
	if n := len(rel.indexes); n == 0 || rel.indexes[n-1].number != r[2] {
		rel.indexes = append(rel.indexes, index{number: r[2], unique: r[3] == "1"})
	}
	i := &rel.indexes[len(rel.indexes)-1]
	i.columns = append(i.columns, r[4])
}

func (cat *catalog) addForeign(r []string) {
	child, parent := cat.relations[key(r[0], r[1])], cat.relations[key(r[3], r[4])]
	if child == nil || parent == nil {
		return
	}
	child.parents = append(child.parents, link{r[2], mask.Column{Schema: parent.Schema, Table: parent.Name, Name: r[5]}})
	parent.children = append(parent.children, link{r[5], mask.Column{Schema: child.Schema, Table: child.Name, Name: r[2]}})
}

// addCheck keeps which columns a CHECK is about; where its text cannot be read, all.
func (cat *catalog) addCheck(r []string) {
	rel := cat.relations[key(r[0], r[1])]
	if rel == nil {
		return
	}
	tokens, err := sqltext.Lex(sqltext.TSQL, r[2])
	var names []string
	for _, c := range rel.Columns {
		found := err != nil || len(tokens) == 0
		for _, t := range tokens {
			found = found || t.Named() && strings.EqualFold(t.Value, c.Name)
		}
		if found {
			names = append(names, c.Name)
		}
	}
	rel.checks = append(rel.checks, names)
}

func among(list []string, name string) bool {
	for _, n := range list {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

func covers(list, all []string) bool {
	for _, n := range all {
		if !among(list, n) {
			return false
		}
	}
	return len(all) > 0
}

func (r *relation) column(name string) mask.Column {
	return mask.Column{Schema: r.Schema, Table: r.Name, Name: name}
}

// indexOrder are the columns by whose order the rows may come: those of every index of
// the tables, where the statement does not settle the order itself.
func (j *judged) indexOrder(s *sqltext.Select) (out []connectors.Predicate) {
	if j.settled(s) {
		return nil
	}
	for _, r := range j.used {
		for _, i := range r.indexes {
			for _, c := range i.columns {
				out = append(out, connectors.Predicate{Column: r.column(c), Clause: "the order of an index; ORDER BY a key settles it"})
			}
		}
	}
	return out
}

// aggregates are functions by which all rows become one.
var aggregates = set("COUNT COUNT_BIG SUM MIN MAX AVG STDEV STDEVP VAR VARP CHECKSUM_AGG")

// settled reports whether which rows there are, and in which order, is the same
// whatever index the server reads: there is one row at most, or they are ordered by the
// columns of a unique index.
func (j *judged) settled(s *sqltext.Select) bool {
	one, grouped := len(s.Items) > 0, false
	for _, it := range s.Items {
		calls := it.Expr.Calls
		one = one && it.Kind == sqltext.Expression && len(calls) > 0 && aggregates[strings.ToUpper(calls[0].Last())]
	}
	for _, c := range s.Clauses {
		grouped = grouped || c.Name == "GROUP BY"
	}
	if one && !grouped || len(s.From) == 0 {
		return true
	}
	if len(j.used) != 1 {
		return false
	}
	ordered := j.ordered()
	for _, i := range j.used[0].indexes {
		if !i.unique {
			continue
		}
		if covers(ordered, i.columns) {
			return true
		}
		for _, c := range s.Clauses {
			var names []string
			for _, n := range c.Expr.Columns {
				names = append(names, n.Last())
			}
			if c.Name == "WHERE" && c.Equality && c.Tries == len(names) && covers(names, i.columns) {
				return true
			}
		}
	}
	return false
}

// ordered are the plain columns that the statement is ordered by.
func (j *judged) ordered() (names []string) {
	for i, t := range j.query {
		if !t.Is("BY") || t.Depth > 0 || i == 0 || !j.query[i-1].Is("ORDER") {
			continue
		}
		rest := reading{t: j.query}
		for k := i + 1; rest.at(k).Named(); k++ {
			c, next := rest.chain(k)
			for _, it := range j.aliases {
				if strings.EqualFold(it, c.Last()) {
					return nil // it may be the item's name
				}
			}
			if k = next; rest.at(k).Is("ASC", "DESC") {
				k++
			}
			if t := rest.at(k); k < len(j.query) && !t.Sym(",") && !t.Is("OFFSET") {
				return names
			}
			names = append(names, c.Last())
			if !rest.at(k).Sym(",") {
				return names
			}
		}
	}
	return names
}

// betrayed are the columns whose values a change may tell of by failing: those of its
// unique keys, of keys at other tables, and of CHECKs.
func (j *judged) betrayed(into *relation, changed []string) (out []connectors.Predicate) {
	add := func(c mask.Column, clause string) { out = append(out, connectors.Predicate{Column: c, Clause: clause}) }
	whole := j.facts.Verb != "UPDATE" // a row comes or goes
	touched := func(name string) bool { return whole || among(changed, name) }
	for _, i := range into.indexes {
		hit := false
		for _, c := range i.columns {
			hit = hit || touched(c)
		}
		for _, c := range i.columns {
			if i.unique && hit && j.facts.Verb != "DELETE" {
				add(into.column(c), "a unique key")
			}
		}
	}
	for _, l := range into.parents {
		if touched(l.own) && j.facts.Verb != "DELETE" {
			add(l.other, "a foreign key")
		}
	}
	for _, l := range into.children {
		if touched(l.own) && j.facts.Verb != "INSERT" {
			add(l.other, "a foreign key")
		}
	}
	for _, check := range into.checks {
		hit := false
		for _, c := range check {
			hit = hit || among(changed, c)
		}
		for _, c := range check {
			if hit && j.facts.Verb == "UPDATE" {
				add(into.column(c), "a CHECK")
			}
		}
	}
	return out
}
