package policy

import (
	"fmt"
	"slices"
	"strings"
)

func (c *checker) masks(masks Masking) {
	seen := map[string]int{}
	for i, m := range masks {
		path := fmt.Sprintf("masks[%d]", i)
		c.name(path, m.Name, "mask", "masks", seen, i)
		c.selector(path+".resources", m.Resources)
		if len(m.Columns)+len(m.Paths)+len(m.Detect) == 0 {
			c.fault(path, "the mask hides nothing: give columns, paths or detect")
		}
		for j, s := range m.Columns {
			at := fmt.Sprintf("%s.columns[%d]", path, j)
			if f := columnFault(s); f != "" {
				c.fault(at, "%s", f)
			} else if slices.Contains(m.Columns[:j], s) {
				c.fault(at, "%q is listed twice", s)
			}
		}
		for j, s := range m.Paths {
			at := fmt.Sprintf("%s.paths[%d]", path, j)
			if f := pathFault(s); f != "" {
				c.fault(at, "%s", f)
			} else if slices.Contains(m.Paths[:j], s) {
				c.fault(at, "%q is listed twice", s)
			}
		}
		if m.Method != "" && !slices.Contains(methods, m.Method) {
			c.fault(path+".method", "unknown method %q%s", m.Method, Suggest(m.Method, methods))
		}
		if m.Method != "" && len(m.Columns)+len(m.Paths) == 0 {
			c.fault(path+".method", "a method is for columns and paths, and the mask has none")
		}
		c.predicates(path+".predicates", m)
		for j, d := range m.Detect {
			at := fmt.Sprintf("%s.detect[%d]", path, j)
			if !slices.Contains(c.vocabulary.Detectors, d) {
				c.fault(at, "unknown detector %q%s", d, Suggest(d, c.vocabulary.Detectors))
			} else if slices.Contains(m.Detect[:j], d) {
				c.fault(at, "%q is listed twice", d)
			}
		}
	}
}

func (c *checker) predicates(path string, m Mask) {
	switch {
	case m.Predicates == "":
	case !slices.Contains(predicates, m.Predicates):
		c.fault(path, "%q says nothing of predicates%s", m.Predicates, Suggest(m.Predicates, predicates))
	case len(m.Columns) == 0:
		c.fault(path, "predicates are about columns, and the mask has none")
	}
	at := func(field string) string { return strings.TrimSuffix(path, "predicates") + field }
	denied := m.Predicates == "" || m.Predicates == predicates[0]
	c.span(at("within"), m.Within, minWait)
	if m.Within != "" && (denied || m.Budget != nil && *m.Budget == 0) {
		c.fault(at("within"), "there is no budget to count within a time: give predicates: equality, and no budget of 0")
	}
	switch {
	case m.Rows == nil:
	case *m.Rows < 0:
		c.fault(at("rows"), "%d rows cannot be; 0 is any number", *m.Rows)
	case len(m.Columns) == 0:
		c.fault(at("rows"), "rows are about columns, and the mask has none")
	}
	switch {
	case m.Group == nil:
	case *m.Group < 0:
		c.fault(at("group"), "groups of %d rows cannot be; 0 is none", *m.Group)
	case denied:
		c.fault(at("group"), "a group bounds what predicates permit, and they permit nothing: give predicates: allow")
	}
	if m.Budget == nil {
		return
	}
	switch {
	case *m.Budget < 0:
		c.fault(at("budget"), "%d look-ups cannot be; 0 is any number", *m.Budget)
	case denied:
		c.fault(at("budget"), "a budget counts what predicates permit, and they permit nothing: give predicates: equality")
	}
}

// columnFault says what is wrong with a column pattern.
func columnFault(s string) string {
	parts := strings.Split(s, ".")
	if len(parts) != 2 && len(parts) != 3 {
		return fmt.Sprintf("%q is no column: write table.column or schema.table.column, with * for any run", s)
	}
	for _, p := range parts {
		switch {
		case p == "":
			return fmt.Sprintf("%q has an empty part: write table.column or schema.table.column", s)
		case !printable(p) || strings.ContainsAny(p, "\"`'[](),;") || p != strings.TrimSpace(p):
			return fmt.Sprintf("%q: write names as they are in the catalog, without quotes", s)
		}
	}
	return ""
}

// pathRoot begins every path: what else has dots in it is a column.
const pathRoot = "$"

// pathFault says what is wrong with a path, as far as its letters go: who masks
// knows its grammar.
func pathFault(s string) string {
	switch {
	case !strings.HasPrefix(s, pathRoot) || len(s) < 3 || s[1] != '.' && s[1] != '[':
		return fmt.Sprintf("%q is no path: write $.items[*].email, $.data.* or $.**.password", s)
	case !printable(s) || s != strings.TrimSpace(s):
		return fmt.Sprintf("%q holds characters that no path has", s)
	}
	return ""
}

// reveals checks that each reveal lifts something.
func (c *checker) reveals(path string, r Role, masks Masking) {
	where := newSelector(r.Resources)
	var here Masking
	for _, m := range masks {
		other := newSelector(m.Resources)
		if where.meets(&other) {
			here = append(here, m)
		}
	}
	for i, s := range r.Reveal {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case slices.Contains(r.Reveal[:i], s):
			c.fault(at, "%q is listed twice", s)
		case slices.Contains(c.vocabulary.Detectors, s):
			if !slices.ContainsFunc(here, func(m Mask) bool { return slices.Contains(m.Detect, s) }) {
				c.fault(at, "no mask on these resources runs the detector %q, so there is nothing to reveal", s)
			}
		case strings.HasPrefix(s, pathRoot):
			if !slices.ContainsFunc(here, func(m Mask) bool { return slices.Contains(m.Paths, s) }) {
				c.fault(at, "no mask on these resources has the path %q, so there is nothing to reveal: write it as the mask does", s)
			}
		case !strings.Contains(s, "."):
			c.fault(at, "%q is neither a column (table.column) nor a detector%s", s, Suggest(s, c.vocabulary.Detectors))
		case columnFault(s) != "":
			c.fault(at, "%s", columnFault(s))
		default:
			c.revealsColumn(at, s, here)
		}
	}
}

func (c *checker) revealsColumn(path, pattern string, masks Masking) {
	var part, of string // the first mask of which only a part is covered
	for _, m := range masks {
		for _, col := range m.Columns {
			switch {
			case columnFault(col) != "", columnCovers(qualified(pattern), qualified(col)):
				return // a broken pattern is reported where it stands
			case part == "" && columnsMeet(qualified(pattern), qualified(col)):
				part, of = col, m.Name
			}
		}
	}
	if part == "" {
		c.fault(path, "no mask on these resources hides %q, so there is nothing to reveal", pattern)
		return
	}
	c.fault(path, "%q covers only a part of %q of mask %q, and so lifts nothing: "+
		"list the columns in the mask one by one, or reveal %q whole", pattern, part, of, part)
}
