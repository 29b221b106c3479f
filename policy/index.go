package policy

import (
	"maps"
	"strings"
)

// index knows, of the resources that there are, which roles and masks cover them,
// so that a listing need not try every selector on every resource.
type index struct {
	known map[string]entry // by name
	areas []area
}

// entry is a known resource, and the area it is in.
type entry struct {
	kind   string
	labels map[string]string
	area   int
}

// area is what resources have in common that the same roles and masks cover.
type area struct {
	kind  string
	roles set
	masks set
}

func newIndex(p *Policy, resources []Resource) *index {
	x := &index{known: make(map[string]entry, len(resources))}
	byKey := map[string]int{}
	var key strings.Builder
	for i := range resources {
		r := &resources[i]
		a := p.area(r)
		key.Reset()
		key.WriteString(a.kind)
		for _, s := range []set{a.roles, a.masks} {
			key.WriteByte(0)
			for n := s.next(0); n >= 0; n = s.next(n + 1) {
				key.WriteByte(byte(n))
				key.WriteByte(byte(n >> 8))
				key.WriteByte(byte(n >> 16))
				key.WriteByte(1)
			}
		}
		n, ok := byKey[key.String()]
		if !ok {
			n = len(x.areas)
			byKey[key.String()] = n
			x.areas = append(x.areas, a)
		}
		x.known[r.Name] = entry{r.Kind, maps.Clone(r.Labels), n}
	}
	return x
}

// area finds what covers a resource, the slow way.
func (p *Policy) area(r *Resource) area {
	a := area{kind: r.Kind}
	for i := range p.roles {
		if p.roles[i].where.matches(r) {
			a.roles = a.roles.with(i)
		}
	}
	for i := range p.masks {
		if p.masks[i].where.matches(r) {
			a.masks = a.masks.with(i)
		}
	}
	return a
}

// find is the number of the area of a resource, -1 for one that is not known or
// is known otherwise.
func (x *index) find(r *Resource) int {
	e, ok := x.known[r.Name]
	if !ok || e.kind != r.Kind || !maps.Equal(e.labels, r.Labels) {
		return -1
	}
	return e.area
}
