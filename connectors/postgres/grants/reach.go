package grants

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/mask"
)

// reach is what of a database shows a masked column, and why: the fixed point of
// the ways that the package's doc lists.
type reach struct {
	s *snapshot
	// fields are masked columns. The text says why: the rule, or what it is made of.
	fields map[oid]map[string]string
	// whole are relations of which no column may be read.
	whole map[oid]string
	// opaque are views that call what is not understood, which matters to a
	// materialised one.
	opaque  map[oid]string
	changed bool
}

func newReach(s *snapshot, p *mask.Plan) *reach {
	r := &reach{s: s, fields: map[oid]map[string]string{}, whole: map[oid]string{}, opaque: map[oid]string{}}
	for _, rel := range s.relations {
		for _, c := range rel.columns {
			if rule, ok := p.Column(mask.Column{Schema: rel.schema, Table: rel.name, Name: c.name}); ok {
				r.field(rel.oid, c.num, "masked by "+rule.Name)
			}
		}
		if rel.kind == "f" {
			r.all(rel.oid, "its rows are at another place, so what it shows cannot be told")
		}
	}
	for r.changed = true; r.changed; {
		r.changed = false
		r.families()
		r.made()
		for _, rel := range s.relations {
			if rel.isView() {
				r.view(rel)
			}
		}
	}
	return r
}

func (r *reach) field(rel oid, num, why string) {
	if r.fields[rel] == nil {
		r.fields[rel] = map[string]string{}
	}
	if _, ok := r.fields[rel][num]; !ok {
		r.fields[rel][num] = why
		r.changed = true
	}
}

func (r *reach) all(rel oid, why string) {
	if _, ok := r.whole[rel]; !ok {
		r.whole[rel] = why
		r.changed = true
	}
}

// families carries masks between parents and children: the rows of one are rows
// of the other, and columns have the same names.
func (r *reach) families() {
	for _, edge := range r.s.inherits {
		for _, way := range [][2]oid{edge, {edge[1], edge[0]}} {
			from, to := r.s.byOID[way[0]], r.s.byOID[way[1]]
			if from == nil || to == nil {
				continue
			}
			for _, c := range from.columns {
				if _, masked := r.fields[from.oid][c.num]; !masked {
					continue
				}
				for _, d := range to.columns {
					if d.name == c.name {
						r.field(to.oid, d.num, "the same rows as "+from.String()+"."+quote(c.name))
					}
				}
			}
		}
	}
}

// made carries masks to generated columns.
func (r *reach) made() {
	for to, from := range r.s.generated {
		for _, f := range from {
			if _, masked := r.fields[f.rel][f.num]; masked && f != to {
				r.field(to.rel, to.num, "generated from "+r.name(f))
			}
		}
	}
}

func (r *reach) name(f field) string {
	rel := r.s.byOID[f.rel]
	if rel == nil {
		return "another table's column"
	}
	return rel.String() + "." + quote(rel.column(f.num))
}

// view finds what a view's owner reads for whoever reads the view.
func (r *reach) view(v *relation) {
	for _, f := range r.s.reads[v.oid] {
		if _, masked := r.fields[f.rel][f.num]; masked {
			r.all(v.oid, "reads "+r.name(f))
		}
	}
	t := r.s.trees[v.oid]
	if t == nil {
		r.all(v.oid, "its definition cannot be read")
		return
	}
	for _, id := range t.relations {
		r.source(v, t, id)
	}
	for _, id := range t.functions {
		switch f := r.s.users[id]; {
		case r.s.running[id]:
			r.hides(v, "calls a function that runs text or reads what no table holds")
		case f != nil && !f.understood():
			r.hides(v, "calls "+f.name+", whose body is not read")
		}
	}
	if why, ok := r.opaque[v.oid]; ok && v.kind == "m" {
		r.all(v.oid, why)
	}
}

// hidden says why no column of a relation may be read, "" if that is not so. A
// view with its reader's rights hides nothing itself; what reads it is judged as
// if it did not have them.
func (r *reach) hidden(rel *relation) string {
	if rel.kind == "v" && rel.invoker {
		return ""
	}
	return r.whole[rel.oid]
}

// source judges one relation that a view reads from.
func (r *reach) source(v *relation, t *viewTree, id oid) {
	if name, ok := r.s.system[id]; ok {
		if !structure(name) {
			r.all(v.oid, "reads "+name+", which may hold values of tables or other people's statements")
		}
		return
	}
	from := r.s.byOID[id]
	if from == nil || from == v {
		return
	}
	if why, ok := r.whole[id]; ok {
		r.all(v.oid, "reads "+from.String()+": "+why)
	}
	if t.whole && len(r.fields[id]) > 0 {
		r.all(v.oid, "may read whole rows of "+from.String()+", which has masked columns")
	}
	if why, ok := r.opaque[id]; ok {
		r.hides(v, why)
	}
}

func (r *reach) hides(v *relation, why string) {
	if _, ok := r.opaque[v.oid]; !ok {
		r.opaque[v.oid] = why
		r.changed = true
	}
}

// understood reports whether a function computes and reads nothing: those of
// extensions in C.
func (f *function) understood() bool {
	return !f.definer && f.extension && (f.language == "c" || f.language == "internal")
}

// borrows says how a function reaches more than its caller does, "" if it does not.
func (f *function) borrows() string {
	switch {
	case f.definer:
		return "it runs with its owner's rights (SECURITY DEFINER), and its body is not read"
	case f.trusted, f.understood(), f.language == "internal", f.aggregates:
		return ""
	}
	return "its language, " + f.language + ", is not held to its caller's rights"
}

// structure reports whether a relation that the server came with holds structure
// alone: names, types, rights.
func structure(name string) bool {
	if short, ok := strings.CutPrefix(name, "information_schema."); ok {
		return !strings.Contains(short, "user_mapping")
	}
	return slices.Contains(structural, strings.TrimPrefix(name, "pg_catalog."))
}

var structural = strings.Fields(`pg_am pg_attribute pg_auth_members pg_cast pg_class pg_collation pg_constraint pg_database
	pg_depend pg_description pg_enum pg_extension pg_index pg_indexes pg_inherits pg_language pg_matviews pg_namespace
	pg_operator pg_partitioned_table pg_policies pg_policy pg_proc pg_range pg_rewrite pg_roles pg_rules pg_sequence
	pg_sequences pg_settings pg_shdescription pg_tables pg_tablespace pg_timezone_names pg_trigger pg_type pg_user pg_views`)
