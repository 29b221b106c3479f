package policy

import (
	"maps"
	"slices"
	"strings"
)

// anyValue as a label's value in a selector means that the label is there.
const anyValue = "*"

// selector is a Selector made ready: labels in an order, so that matching
// neither allocates nor iterates a map.
type selector struct {
	names  []string
	kinds  []string
	labels []label
}

type label struct{ key, value string }

func newSelector(s Selector) selector {
	c := selector{names: slices.Clone(s.Names), kinds: slices.Clone(s.Kinds)}
	for _, k := range slices.Sorted(maps.Keys(s.Labels)) {
		c.labels = append(c.labels, label{k, s.Labels[k]})
	}
	return c
}

// Empty reports whether the selector says nothing and so matches nothing.
func (s Selector) Empty() bool { return len(s.Names)+len(s.Kinds)+len(s.Labels) == 0 }

// Matches reports whether the selector picks the resource.
func (s Selector) Matches(r Resource) bool { return s.Matcher()(r) }

// Matcher is Matches made ready for many resources.
func (s Selector) Matcher() func(Resource) bool {
	c := newSelector(s)
	return func(r Resource) bool { return c.matches(&r) }
}

func (s *selector) empty() bool { return len(s.names)+len(s.kinds)+len(s.labels) == 0 }

func (s *selector) matches(r *Resource) bool {
	if s.empty() || r.Name == "" {
		return false
	}
	if len(s.kinds) > 0 && !slices.Contains(s.kinds, r.Kind) {
		return false
	}
	for _, l := range s.labels {
		v, ok := r.Labels[l.key]
		if !ok || l.value != anyValue && l.value != v {
			return false
		}
	}
	return len(s.names) == 0 || s.matchesName(r.Name)
}

func (s *selector) matchesName(name string) bool {
	for _, g := range s.names {
		if globMatch(g, name) {
			return true
		}
	}
	return false
}

// everything reports whether the selector is names ["*"] and nothing else that
// narrows it.
func (s *selector) everything() bool {
	return slices.Contains(s.names, "*") && len(s.kinds)+len(s.labels) == 0
}

// meets reports whether some resource could be picked by both.
func (s *selector) meets(o *selector) bool {
	if s.empty() || o.empty() {
		return false
	}
	if len(s.kinds) > 0 && len(o.kinds) > 0 &&
		!slices.ContainsFunc(s.kinds, func(k string) bool { return slices.Contains(o.kinds, k) }) {
		return false
	}
	for _, a := range s.labels {
		for _, b := range o.labels {
			if a.key == b.key && a.value != b.value && a.value != anyValue && b.value != anyValue {
				return false
			}
		}
	}
	if len(s.names) == 0 || len(o.names) == 0 {
		return true
	}
	return slices.ContainsFunc(s.names, func(g string) bool {
		return slices.ContainsFunc(o.names, func(h string) bool { return globsMeet(g, h) })
	})
}

// covers reports whether s picks every resource that o does. Where it says no,
// that need not be so.
func (s *selector) covers(o *selector) bool {
	if s.empty() || len(s.kinds) > 0 && (len(o.kinds) == 0 || slices.ContainsFunc(o.kinds, func(k string) bool { return !slices.Contains(s.kinds, k) })) {
		return false
	}
	for _, a := range s.labels {
		if !slices.ContainsFunc(o.labels, func(b label) bool { return a.key == b.key && (a.value == b.value || a.value == anyValue) }) {
			return false
		}
	}
	if len(s.names) == 0 || slices.Contains(s.names, "*") {
		return true
	}
	return len(o.names) > 0 && !slices.ContainsFunc(o.names, func(n string) bool {
		return !slices.ContainsFunc(s.names, func(g string) bool { return globCovers(g, n) })
	})
}

// globMatch reports whether the glob matches all of s; * matches any run, also
// an empty one, and every other byte itself.
func globMatch(glob, s string) bool {
	g, i := 0, 0
	star, back := -1, 0 // the last star seen, and where in s its run ends so far
	for i < len(s) {
		switch {
		case g < len(glob) && glob[g] == '*':
			star, back = g, i
			g++
		case g < len(glob) && glob[g] == s[i]:
			g++
			i++
		case star >= 0:
			back++
			g, i = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(glob[g:], "*") == ""
}

// globCovers reports whether every text that narrow matches is matched by wide.
// A star of narrow stands for any text, so only a star of wide can take it: that
// is globMatch with narrow's stars as a byte that wide has no literal of.
func globCovers(wide, narrow string) bool {
	return globMatch(wide, strings.ReplaceAll(narrow, "*", "\x00"))
}

// globsMeet reports whether some text is matched by both.
func globsMeet(a, b string) bool {
	// reach[j] says whether a text exists that a[:i] and b[:j] both match.
	reach := make([]bool, len(b)+1)
	reach[0] = true
	for j := 1; j <= len(b) && b[j-1] == '*'; j++ {
		reach[j] = true
	}
	for i := 1; i <= len(a); i++ {
		diagonal := reach[0]
		reach[0] = reach[0] && a[i-1] == '*'
		for j := 1; j <= len(b); j++ {
			above := reach[j]
			switch {
			case a[i-1] == '*' || b[j-1] == '*':
				// A star takes one more of the other, or nothing more.
				reach[j] = above || reach[j-1] || diagonal
			default:
				reach[j] = diagonal && a[i-1] == b[j-1]
			}
			diagonal = above
		}
	}
	return reach[len(b)]
}
