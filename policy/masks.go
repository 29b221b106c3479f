package policy

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// maskSet is one mask of the configuration, made ready.
type maskSet struct {
	where  selector
	rules  []MaskRule
	detect []string
}

func newMaskSet(m Mask) maskSet {
	s := maskSet{where: newSelector(m.Resources), detect: slices.Clone(m.Detect)}
	r := MaskRule{Name: m.Name, Method: cmp.Or(m.Method, methods[0]), Predicates: cmp.Or(m.Predicates, predicates[0])}
	switch {
	case r.Predicates == predicates[0]: // nothing is there to be counted
	case m.Budget != nil:
		r.Budget = *m.Budget
	default:
		r.Budget = defaultBudget
	}
	if r.Budget > 0 {
		if r.Within = span(m.Within); r.Within == 0 {
			r.Within = defaultWithin
		}
	}
	r.Rows, r.Group = *first(m.Rows, new(int64)), *first(m.Group, new(int64))
	for _, c := range m.Columns {
		r.Column = c
		s.rules = append(s.rules, r)
	}
	for _, p := range m.Paths {
		s.rules = append(s.rules, MaskRule{Name: r.Name, Path: p, Method: r.Method})
	}
	return s
}

// defaultBudget is enough to work by e-mail addresses for a day, and too little to
// go through a list of them.
const (
	defaultBudget = 100
	defaultWithin = 24 * time.Hour
)

// Masks returns the two plans for this person on this resource.
//
// Kept holds every mask on the resource, whoever looks. Seen is Kept without
// what a role of this person reveals there: column patterns that a reveal covers
// whole, and detectors that are named. Each list is free of duplicates and
// sorted strictest method first, then by column: where a column is matched by
// several rules, the first is the strictest, and each says the strictest of what
// they say about predicates.
func (v *View) Masks(res Resource) Masks { return v.masks(&res) }

// masks is Masks in memory of its own.
func (v *View) masks(res *Resource) Masks {
	if v.p == nil {
		return Masks{}
	}
	return v.masksIn(res, v.p.index.find(res))
}

func (v *View) masksIn(res *Resource, area int) (m Masks) {
	if v.p == nil {
		return m
	}
	for i := range v.p.masks {
		s := &v.p.masks[i]
		if area >= 0 && v.p.index.areas[area].masks.has(i) || area < 0 && s.where.matches(res) {
			m.Kept = append(m.Kept, s.rules...)
			m.KeptDetect = append(m.KeptDetect, s.detect...)
		}
	}
	m.Kept = strictest(m.Kept)
	slices.Sort(m.KeptDetect)
	m.KeptDetect = slices.Compact(m.KeptDetect)

	m.Seen, m.SeenDetect = slices.Clone(m.Kept), slices.Clone(m.KeptDetect)
	s := &scope{identity: &v.id, resource: res, session: &v.ses, now: v.now}
	for n := v.roles.next(0); n >= 0; n = v.roles.next(n + 1) {
		r := &v.p.roles[n]
		if len(r.columns)+len(r.paths)+len(r.detects) == 0 || !r.where.matches(res) || r.when.ask(s).is != yes {
			continue
		}
		m.Seen = slices.DeleteFunc(m.Seen, func(k MaskRule) bool { return r.liftsRule(k) })
		m.SeenDetect = slices.DeleteFunc(m.SeenDetect, func(d string) bool { return slices.Contains(r.detects, d) })
	}
	return m
}

func (r *role) liftsRule(k MaskRule) bool {
	if k.Path != "" {
		return slices.Contains(r.paths, k.Path)
	}
	return r.lifts(k.Column)
}

// lifts reports whether the role reveals all that the column pattern hides.
func (r *role) lifts(column string) bool {
	column = qualified(column)
	return slices.ContainsFunc(r.columns, func(c string) bool { return columnCovers(c, column) })
}

// strictest sorts rules as Masks says and keeps, of those with equal patterns,
// the first, with the strictest of what they say about predicates. Where patterns
// only overlap, each rule stays, and who asks takes the strictest that matches.
func strictest(rules []MaskRule) []MaskRule {
	slices.SortFunc(rules, func(a, b MaskRule) int {
		return cmp.Or(
			cmp.Compare(slices.Index(methods, a.Method), slices.Index(methods, b.Method)),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Name, b.Name))
	})
	said := map[string]MaskRule{}
	for _, r := range rules {
		k := r.key()
		s, ok := said[k]
		rows, group := tighter(s.Rows, r.Rows), max(s.Group, r.Group)
		if !ok || looser(s, r) {
			s = r
		}
		s.Rows, s.Group = rows, group
		said[k] = s
	}
	out := rules[:0]
	for _, r := range rules {
		if s, ok := said[r.key()]; ok {
			r.Predicates, r.Budget, r.Within, r.Rows, r.Group = s.Predicates, s.Budget, s.Within, s.Rows, s.Group
			out = append(out, r)
			delete(said, r.key())
		}
	}
	return out
}

// key tells what a rule is about.
func (r MaskRule) key() string {
	if r.Path != "" {
		return r.Path
	}
	return qualified(r.Column)
}

// looser reports whether a lets more be asked about a column than b.
func looser(a, b MaskRule) bool {
	n, m := slices.Index(predicates, a.Predicates), slices.Index(predicates, b.Predicates)
	return n > m || n == m && b.Budget > 0 && (a.Budget == 0 || b.Budget < a.Budget || b.Budget == a.Budget && b.Within > a.Within)
}

// qualified gives a column pattern its third part: without a schema it is about
// any.
func qualified(column string) string {
	if strings.Count(column, ".") == 1 {
		return "*." + column
	}
	return column
}

// columnCovers and columnsMeet compare two qualified patterns part by part, case
// and all: a reveal must never lift more than its letters say, so that of two
// spellings the mask stays.
func columnCovers(wide, narrow string) bool { return eachPart(wide, narrow, globCovers) }

// columnsMeet does fold case: it only finds what to complain about.
func columnsMeet(a, b string) bool {
	return eachPart(strings.ToLower(a), strings.ToLower(b), globsMeet)
}

func eachPart(a, b string, holds func(a, b string) bool) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range as {
		if i >= len(bs) || !holds(as[i], bs[i]) {
			return false
		}
	}
	return len(as) == len(bs)
}

// Revealing names the roles that lift a mask of this column pattern or path on the
// resource, each with whom it is for, in the order of the text.
func (p *Policy) Revealing(res Resource, column string) []string {
	if p == nil {
		return nil
	}
	var all []string
	for i := range p.roles {
		lifts := p.roles[i].lifts
		if strings.HasPrefix(column, pathRoot) {
			lifts = func(path string) bool { return slices.Contains(p.roles[i].paths, path) }
		}
		if r := &p.roles[i]; r.where.matches(&res) && lifts(column) {
			who := slices.Clone(r.groups)
			for _, c := range r.claims {
				who = append(who, c.name+" "+strings.Join(c.values, " or "))
			}
			all = append(all, r.name+" ("+strings.Join(who, ", ")+")")
		}
	}
	return all
}
