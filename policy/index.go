package policy

import (
	"fmt"
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
	labels []label
	area   int
}

// area is what resources have in common that the same roles and masks cover, and
// that conditions cannot tell apart but by their names.
type area struct {
	kind  string
	roles set
	masks set
}

func newIndex(p *Policy, resources []Resource, labels []string) *index {
	x := &index{known: make(map[string]entry, len(resources))}
	byKey := map[string]int{}
	var key strings.Builder
	for i := range resources {
		r := &resources[i]
		a := p.area(r)
		a.key(&key, r, labels)
		n, ok := byKey[key.String()]
		if !ok {
			n = len(x.areas)
			byKey[key.String()] = n
			x.areas = append(x.areas, a)
		}
		x.known[r.Name] = entry{r.Kind, newSelector(Selector{Labels: r.Labels}).labels, n}
	}
	return x
}

// key writes what tells the area of a resource from others.
func (a *area) key(to *strings.Builder, r *Resource, labels []string) {
	to.Reset()
	fmt.Fprintf(to, "%q %x %x", a.kind, a.roles, a.masks)
	for _, l := range labels {
		if v, ok := r.Labels[l]; ok {
			fmt.Fprintf(to, " %q", v)
		} else {
			to.WriteString(" -")
		}
	}
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
	if !ok || e.kind != r.Kind || len(e.labels) != len(r.Labels) {
		return -1
	}
	for _, l := range e.labels {
		if v, ok := r.Labels[l.key]; !ok || v != l.value {
			return -1
		}
	}
	return e.area
}
