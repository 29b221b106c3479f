package mask

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"strings"
)

// Custom is a detector of a deployment's own. Make one with NewCustom.
type Custom struct {
	Name    string
	pattern *regexp.Regexp
	literal string
}

// maxCustomName bounds the word that stands for a hit.
const maxCustomName = 40

// NewCustom compiles a detector from a regular expression of RE2. What it matches
// must begin with a literal of three characters or more, by which it is found;
// the match is the leftmost longest from there on, of 400 characters at most.
// Where the literal begins with a letter or digit, no letter or digit may precede
// it. It is matched against what a terminal shows, so that fullwidth forms and
// escapes in between do not hide it; characters outside ASCII are one byte there,
// 0x80 for a letter and 0x81 for any other.
func NewCustom(name, expression string) (*Custom, error) {
	if err := CustomName(name); err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", name, err)
	}
	re, err := regexp.Compile("^(?:" + expression + ")")
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", name, err)
	}
	re.Longest()
	c := &Custom{Name: name, pattern: re, literal: prefix(parsed)}
	if len(c.literal) < 3 {
		return nil, fmt.Errorf("pattern %q: %w", name, errNoLiteral)
	}
	return c, nil
}

// CustomName says what is wrong with the name of a detector of a deployment's own,
// nil for nothing.
func CustomName(name string) error {
	switch {
	case name == "" || len(name) > maxCustomName || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "":
		return fmt.Errorf("pattern name %q: use up to %d lower-case letters, digits and _", name, maxCustomName)
	case named(name):
		return fmt.Errorf("pattern name %q is that of a built-in detector", name)
	}
	return nil
}

var errNoLiteral = errors.New("it must begin with three characters or more that are always the same, by which it is found")

// prefix returns the text that every match begins with.
func prefix(re *syntax.Regexp) string {
	switch re = re.Simplify(); re.Op {
	case syntax.OpLiteral:
		if re.Flags&syntax.FoldCase != 0 {
			return ""
		}
		for _, r := range re.Rune {
			if r < ' ' || r >= 0x7f {
				return ""
			}
		}
		return string(re.Rune)
	case syntax.OpConcat:
		return prefix(re.Sub[0])
	case syntax.OpCapture:
		return prefix(re.Sub[0])
	}
	return ""
}

func named(name string) bool {
	_, err := detectorNamed(name)
	return err == nil
}

// nextCustom returns the first place at i or after where the literal of one is.
func (t *text) nextCustom(i int) int {
	next := math.MaxInt
	for _, c := range t.custom {
		if i < len(t.v) {
			if k := indexOf(t.v[i:], c.literal); k >= 0 {
				next = min(next, i+k)
			}
		}
	}
	return next
}

// customAt appends the hits of the deployment's own detectors at a place.
func (t *text) customAt(at int, hits []span) ([]span, verdict) {
	for k, c := range t.custom {
		if t.has(at, c.literal) != yes || isAlnum(c.literal[0]) && !t.free(at) {
			continue
		}
		window := t.v[at:min(len(t.v), at+reach)]
		if !t.final && len(window) < reach && indexOf(window, "\n") < 0 {
			return hits, more
		}
		if line := indexOf(window, "\n"); line >= 0 {
			window = window[:line]
		}
		if m := c.pattern.FindIndex(window); m != nil && m[1] > 0 {
			end := at + m[1]
			hits = append(hits, span{at, end, at, detectorSet(1) << (customShift + k)})
			t.masked = max(t.masked, end)
		}
	}
	return hits, no
}

// customCut moves a cut to before what may be the beginning of a literal.
func (t *text) customCut(cut int) int {
	for _, c := range t.custom {
		for n := min(len(c.literal)-1, len(t.v)-t.start); n > 0; n-- {
			if string(t.v[len(t.v)-n:]) == c.literal[:n] {
				cut = min(cut, len(t.v)-n)
				break
			}
		}
	}
	return cut
}
