package lineage

import (
	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
)

// Whether a change succeeds tells of the values that it is held against: those of
// other rows, for what must be unique; those of the row that it leaves as they
// are, for CHECK; those of other tables, for FOREIGN KEY.

// references notes what the engine looks at for the sake of foreign keys, whether
// or not it decides.
func (a *analyzer) references(rel *Relation) {
	look := func(at *Relation, names []string) {
		for _, n := range names {
			if att := at.attribute(n); att != nil {
				a.read(set{at.column(att.Name): {}})
			}
		}
	}
	for _, k := range rel.Constraints {
		if k.Rule != syntax.Foreign {
			continue
		}
		look(rel, k.Columns)
		if parent := a.cat.Relation("", syntax.Fold(k.Parent)); parent != nil {
			look(parent, keys(parent, k.Keys))
		}
	}
	for _, f := range a.cat.Children(rel.Name) {
		look(f.Relation, f.Columns)
		look(rel, keys(rel, f.Keys))
	}
}

// inserts notes what decides whether rows can be added.
func (a *analyzer) inserts(c change) {
	for i := range c.rel.Constraints {
		k := &c.rel.Constraints[i]
		switch k.Rule {
		case syntax.Primary, syntax.Unique:
			if !a.mayRepeat(c, k) {
				continue
			}
			a.unique(c, k)
		case syntax.Foreign:
			a.parent(c, k)
		case syntax.Check:
			for _, name := range names(k) {
				if v, ok := c.given[name]; ok {
					a.decides(v.src, "CHECK")
				}
			}
		}
	}
}

// names are the columns that a constraint is about, as the engine compares them.
func names(k *Constraint) (out []string) {
	for _, n := range k.Columns {
		out = append(out, syntax.Fold(n))
	}
	for _, e := range k.Exprs {
		for _, n := range mentions(e) {
			out = append(out, syntax.Fold(n))
		}
	}
	return out
}

// mayRepeat reports whether a row to be added may be there already: not where one
// of the columns is surely NULL.
func (a *analyzer) mayRepeat(c change, k *Constraint) bool {
	if len(k.Exprs) > 0 {
		return true
	}
	for _, n := range k.Columns {
		att := c.rel.attribute(n)
		if att == nil {
			a.fail("the column " + n + " of " + c.rel.Name + " is not known")
			return true
		}
		v, given := c.given[syntax.Fold(att.Name)]
		if (!given && !att.Default || given && v.null) && att.Generated == nil {
			return false
		}
	}
	return true
}

// unique: what the columns of other rows hold decides.
func (a *analyzer) unique(c change, k *Constraint) {
	fixed := len(k.Exprs) == 0 && c.rows >= 0
	for _, n := range names(k) {
		att := c.rel.attribute(n)
		if att == nil {
			continue
		}
		v, given := c.given[syntax.Fold(att.Name)]
		fixed = fixed && given && v.fixed
	}
	for _, n := range names(k) {
		att := c.rel.attribute(n)
		if att == nil {
			continue
		}
		own := a.stored(c.rel, att)
		v := c.given[syntax.Fold(att.Name)]
		if fixed {
			a.looksUp(own, "a UNIQUE constraint", max(1, c.rows))
			continue
		}
		a.decides(union(own, v.src), "a UNIQUE constraint")
	}
}

// stored is what a column holds in the rows that are there.
func (a *analyzer) stored(rel *Relation, att *Attribute) set {
	src := set{rel.column(att.Name): {}}
	if att.Generated != nil {
		for _, n := range mentions(att.Generated) {
			if other := rel.attribute(n); other != nil && other != att {
				src[rel.column(other.Name)] = struct{}{}
			}
		}
	}
	return src
}

// parent: a foreign key asks whether another table has the value.
func (a *analyzer) parent(c change, k *Constraint) {
	any, fixed := false, c.rows >= 0
	var sources set
	for _, n := range k.Columns {
		v, given := c.given[syntax.Fold(n)]
		any = any || given && !v.null
		fixed = fixed && given && v.fixed
		sources = union(sources, v.src)
	}
	rel := a.cat.Relation("", syntax.Fold(k.Parent))
	if rel == nil {
		return // it fails, whatever there is
	}
	if !any {
		return
	}
	a.decides(sources, "a FOREIGN KEY")
	for _, n := range keys(rel, k.Keys) {
		att := rel.attribute(n)
		switch {
		case att == nil:
		case fixed:
			a.looksUp(a.stored(rel, att), "a FOREIGN KEY", max(1, c.rows))
		default:
			a.decides(a.stored(rel, att), "a FOREIGN KEY")
		}
	}
}

// keys are what a foreign key leads to: its parent's primary key unless it says.
func keys(rel *Relation, said []string) []string {
	if len(said) > 0 {
		return said
	}
	for _, k := range rel.Constraints {
		if k.Rule == syntax.Primary {
			return k.Columns
		}
	}
	return nil
}

// updates notes what decides whether rows can be changed.
func (a *analyzer) updates(c change) {
	for i := range c.rel.Constraints {
		k := &c.rel.Constraints[i]
		if !concerned(c, k) {
			continue
		}
		switch k.Rule {
		case syntax.Primary, syntax.Unique:
			a.unique(c, k)
		case syntax.Foreign:
			a.parent(c, k)
		case syntax.Check:
			a.checked(c, k)
		}
	}
	for _, f := range a.cat.Children(c.rel.Name) {
		for _, n := range keys(c.rel, f.Keys) {
			if _, ok := c.given[syntax.Fold(n)]; ok {
				a.child(f)
				break
			}
		}
	}
}

// concerned reports whether a change sets any column that the constraint is about.
func concerned(c change, k *Constraint) bool {
	seen := map[string]bool{}
	var any func(list []string) bool
	any = func(list []string) bool {
		for _, n := range list {
			att := c.rel.attribute(n)
			if att == nil || seen[att.Name] {
				continue
			}
			seen[att.Name] = true
			if _, ok := c.given[syntax.Fold(att.Name)]; ok || any(mentions(att.Generated)) {
				return true
			}
		}
		return false
	}
	return any(names(k))
}

// checked: of the columns of a CHECK that stay as they are the values decide.
func (a *analyzer) checked(c change, k *Constraint) {
	for _, n := range names(k) {
		att := c.rel.attribute(n)
		if att == nil {
			continue
		}
		if v, ok := c.given[syntax.Fold(att.Name)]; ok {
			a.decides(v.src, "CHECK")
			continue
		}
		a.decides(a.stored(c.rel, att), "CHECK")
	}
}

// removes notes what decides whether rows can be deleted.
func (a *analyzer) removes(rel *Relation) {
	for _, f := range a.cat.Children(rel.Name) {
		a.child(f)
	}
}

// child: rows of another table may hold on to one.
func (a *analyzer) child(f Child) {
	if len(f.Relation.Triggers) > 0 {
		a.fail("a FOREIGN KEY may fire triggers of " + f.Relation.Name)
	}
	for _, n := range f.Columns {
		if att := f.Relation.attribute(n); att != nil {
			a.decides(a.stored(f.Relation, att), "a FOREIGN KEY")
		}
	}
}

// index: what must be unique is found out when the index is made, and so is what
// fails for some rows.
func (a *analyzer) index(x *syntax.Index) {
	rel := a.relation("", x.Table)
	if rel == nil {
		return
	}
	i := &item{name: rel.Name, schema: rel.Schema, bare: true}
	i.cols, i.rowid = a.relationColumns(rel)
	sc := &scope{items: []*item{i}}
	for _, e := range x.Columns {
		for e.Op == syntax.Collate {
			e = e.Args[0]
		}
		v := a.expr(e, sc)
		if x.Unique || e.Op != syntax.Column {
			a.decides(v.src, "CREATE INDEX")
		}
	}
	if x.Where != nil {
		a.condition(x.Where, sc, "CREATE INDEX")
	}
}

// alter: a new constraint is held against the rows that are there.
func (a *analyzer) alter(s *syntax.Alter) {
	rel := a.relation(s.Schema, s.Table)
	switch {
	case rel == nil:
	case s.Action == "RENAME":
		a.fail("masks go by names, and it changes one")
	case s.Action == "OTHER", s.Action == "ADD COLUMN" && s.Checked:
		cols, _ := a.relationColumns(rel)
		a.decides(all(cols).src, "ALTER TABLE")
	}
}
