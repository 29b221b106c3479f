package policy

import (
	"cmp"
	"slices"
	"strings"
)

// maskSet is one mask of the configuration, made ready.
type maskSet struct {
	where  selector
	rules  []MaskRule
	detect []string
}

func newMaskSet(m Mask) maskSet {
	s := maskSet{where: newSelector(m.Resources), detect: slices.Clone(m.Detect)}
	for _, c := range m.Columns {
		s.rules = append(s.rules, MaskRule{Name: m.Name, Column: c, Method: cmp.Or(m.Method, methods[0])})
	}
	return s
}

// MasksFor returns the two plans for this person on this resource.
//
// Kept holds every mask on the resource, whoever looks. Seen is Kept without
// what a role of this person reveals there: column patterns that a reveal covers
// whole, and detectors that are named. Each list is free of duplicates and
// sorted strictest method first, then by column: where a column is matched by
// several rules, the first is the strictest.
func (p *Policy) MasksFor(id Identity, res Resource) Masks {
	var m Masks
	if p == nil {
		return m
	}
	for i := range p.masks {
		s := &p.masks[i]
		if s.where.matches(&res) {
			m.Kept = append(m.Kept, s.rules...)
			m.KeptDetect = append(m.KeptDetect, s.detect...)
		}
	}
	m.Kept = strictest(m.Kept)
	slices.Sort(m.KeptDetect)
	m.KeptDetect = slices.Compact(m.KeptDetect)

	m.Seen, m.SeenDetect = slices.Clone(m.Kept), slices.Clone(m.KeptDetect)
	p.eachRole(&id, &res, func(r *role) {
		m.Seen = slices.DeleteFunc(m.Seen, func(k MaskRule) bool { return r.lifts(k.Column) })
		m.SeenDetect = slices.DeleteFunc(m.SeenDetect, func(d string) bool { return slices.Contains(r.detects, d) })
	})
	return m
}

// lifts reports whether the role reveals all that the column pattern hides.
func (r *role) lifts(column string) bool {
	column = qualified(column)
	return slices.ContainsFunc(r.columns, func(c string) bool { return columnCovers(c, column) })
}

// strictest sorts rules as MasksFor says and keeps, of those with equal
// patterns, the first.
func strictest(rules []MaskRule) []MaskRule {
	slices.SortFunc(rules, func(a, b MaskRule) int {
		return cmp.Or(
			cmp.Compare(slices.Index(methods, a.Method), slices.Index(methods, b.Method)),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Name, b.Name))
	})
	seen := map[string]bool{}
	return slices.DeleteFunc(rules, func(r MaskRule) bool {
		again := seen[qualified(r.Column)]
		seen[qualified(r.Column)] = true
		return again
	})
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
