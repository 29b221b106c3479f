package mask

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// PathRule masks values in JSON documents: those at Path, and all that is below
// them. Name is for people.
//
// A path is parts with dots between, from the document on: a key, [3] for an
// element and [*] for every one, * for any key or element, ** for any number of
// parts, none too. "$." may begin it. Case is ignored, as servers ignore it where
// they read such a document. A key with a dot or bracket in it is written as
// ["tls.key"].
//
//	$.items[*].email
//	**.password
//	data.*
type PathRule struct {
	Name   string
	Path   string
	Method Method
}

// Paths are compiled rules. They are immutable. Nil is none.
type Paths struct{ rules []path }

// And returns the rules of both, nil where there are none.
func (ps *Paths) And(more *Paths) *Paths {
	var all []path
	for _, p := range []*Paths{ps, more} {
		if p != nil {
			all = append(all, p.rules...)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return &Paths{all}
}

type path struct {
	text  string
	rule  Rule
	parts []pathPart
}

type pathPart struct {
	key   string // folded
	index int
	kind  pathKind
}

type pathKind uint8

const (
	pathKey   pathKind = iota
	pathIndex          // one element
	pathEach           // any element
	pathAny            // any key or element
	pathDeep           // any number of parts
)

// maxPath is the most parts of a path: a bit for each.
const maxPath = 60

// NewPaths compiles rules for documents under a plan, whose key serves the
// methods hash and token. All faults are reported, joined.
func (p *Plan) NewPaths(rules []PathRule) (*Paths, error) {
	var faults []error
	ps := &Paths{}
	for _, r := range rules {
		parts, err := parsePath(r.Path)
		switch {
		case err != nil:
		case int(r.Method) >= len(methodNames):
			err = fmt.Errorf("unknown mask method %d%s", r.Method, suggest("", methodNames[:]))
		case r.Method.keyed() && (p.closed() || p.key.empty()):
			err = fmt.Errorf("method %s needs the deployment's masking key, and there is none", r.Method)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("mask path %q: %w", r.Name, err))
			continue
		}
		rule := Rule{Name: r.Name, Method: r.Method}
		if !p.closed() {
			rule.key = p.key
		}
		ps.rules = append(ps.rules, path{r.Path, rule, parts})
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return ps, nil
}

func parsePath(s string) ([]pathPart, error) {
	rest := strings.TrimPrefix(s, "$")
	if rest == "" {
		return nil, errors.New(`the path is empty: write "$.items[*].email" or "**.password"`)
	}
	var parts []pathPart
	for rest != "" {
		part, n, err := parsePart(rest)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", s, err)
		}
		if rest = rest[n:]; part.kind == pathDeep && rest == "" {
			return nil, fmt.Errorf("path %q: a rule masks all that is below, so ** cannot end it", s)
		}
		parts = append(parts, part)
	}
	if len(parts) > maxPath {
		return nil, fmt.Errorf("path %q has %d parts, more than %d", s, len(parts), maxPath)
	}
	return parts, nil
}

// parsePart parses the part that s begins with and returns its length.
func parsePart(s string) (pathPart, int, error) {
	if s[0] == '[' {
		end := strings.IndexByte(s, ']')
		if strings.HasPrefix(s, `["`) {
			end = strings.Index(s, `"]`) + 1
		}
		if end < 2 {
			return pathPart{}, 0, errors.New("a bracket is not closed")
		}
		inner := s[1:end]
		switch {
		case inner == "*":
			return pathPart{kind: pathEach}, end + 1, nil
		case inner[0] == '"':
			return pathPart{kind: pathKey, key: fold(inner[1 : len(inner)-1])}, end + 1, nil
		}
		i, err := strconv.Atoi(inner)
		if err != nil || i < 0 {
			return pathPart{}, 0, fmt.Errorf("[%s] is no element: write [3], [*] or [\"key\"]", inner)
		}
		return pathPart{kind: pathIndex, index: i}, end + 1, nil
	}
	n := 0
	if s[0] == '.' {
		n = 1
	}
	end := len(s)
	if i := strings.IndexAny(s[n:], ".["); i >= 0 {
		end = n + i
	}
	switch key := s[n:end]; key {
	case "":
		return pathPart{}, 0, errors.New("a part is empty")
	case "*":
		return pathPart{kind: pathAny}, end, nil
	case "**":
		return pathPart{kind: pathDeep}, end, nil
	default:
		if strings.ContainsAny(key, `"]* `) {
			return pathPart{}, 0, fmt.Errorf("part %q: write a key with such characters as [\"key\"]", key)
		}
		return pathPart{kind: pathKey, key: fold(key)}, end, nil
	}
}

// begin returns where a path stands at the document: a bit for each part that may
// come next, and that for the end of all parts.
func (p *path) begin() uint64 { return p.through(1) }

// through adds what is reached without a step, past **.
func (p *path) through(at uint64) uint64 {
	for i := range p.parts {
		if p.parts[i].kind == pathDeep && at&(1<<i) != 0 {
			at |= 1 << (i + 1)
		}
	}
	return at
}

// step returns where a path stands after a key, or an element if index is not
// negative.
func (p *path) step(at uint64, key string, index int) uint64 {
	var next uint64
	for i := range p.parts {
		if at&(1<<i) == 0 {
			continue
		}
		switch q := &p.parts[i]; {
		case q.kind == pathDeep:
			next |= 1 << i
		case q.kind == pathAny, q.kind == pathEach && index >= 0, q.kind == pathIndex && index == q.index,
			q.kind == pathKey && index < 0 && q.key == key:
			next |= 1 << (i + 1)
		}
	}
	return p.through(next)
}

// masks reports whether the value where the path stands is masked.
func (p *path) masks(at uint64) bool { return at&(1<<len(p.parts)) != 0 }
