package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// FileAccess is what an operation does to one file or directory. An operation
// that concerns several (a rename) has several, and is judged for each.
type FileAccess struct {
	// Operation is read, write, delete, list or stat.
	Operation string `json:"operation"`
	// Path is absolute and the target's own: without dot segments and links.
	Path string `json:"path"`
	// Asked is the path as it was asked for, where that is another.
	Asked string `json:"asked,omitempty"`
	// Tree: all that is below the path is concerned, too.
	Tree bool `json:"tree,omitempty"`
	// Size is the file's before the operation, where it is there and that is known.
	Size  *int64 `json:"size,omitempty"`
	Class Class  `json:"class"`
	Why   string `json:"why,omitempty"`
}

// What can be done to a file.
const (
	FileRead   = "read"
	FileWrite  = "write"
	FileDelete = "delete"
	FileList   = "list"
	FileStat   = "stat"
)

// fileOperations are the words of Rule.Files and of operation.file.operation.
var fileOperations = []string{FileRead, FileWrite, FileDelete, FileList, FileStat}

// FileOperations are the words of what can be done to a file, in the order in which
// people read them.
func FileOperations() []string { return slices.Clone(fileOperations) }

var fileNoun = newNoun("file_access", fields{
	"operation": is(types.StringType, func(f *FileAccess) any { return f.Operation }).of(fileOperations...),
	"path":      is(types.StringType, func(f *FileAccess) any { return f.Path }),
	"asked":     text(func(f *FileAccess) string { return f.Asked }),
	"tree":      is(types.BoolType, func(f *FileAccess) any { return f.Tree }),
	"size": may(types.IntType, func(f *FileAccess) (any, bool) {
		if f.Size == nil {
			return nil, false
		}
		return *f.Size, true
	}),
})

// fileFunctions are the words of conditions about paths: within is true where all
// that the access concerns is matched by one of the patterns, touches where any of
// it is or may be.
func fileFunctions() []cel.EnvOption {
	patterns := func(name, id string, match func(f *FileAccess, patterns []string) bool) cel.EnvOption {
		return cel.Function(name, cel.MemberOverload(id, []*cel.Type{fileNoun.typ, cel.ListType(cel.StringType)}, cel.BoolType,
			cel.BinaryBinding(func(of, list ref.Val) ref.Val {
				o, ok := of.(object)
				all, err := list.ConvertToNative(stringsType)
				f, isFile := o.v.(*FileAccess)
				if !ok || err != nil || !isFile {
					return types.NewErr("%s needs a file and a list of patterns", name)
				}
				return types.Bool(match(f, all.([]string)))
			})))
	}
	return []cel.EnvOption{
		patterns("within", "file_within_list", (*FileAccess).within),
		patterns("touches", "file_touches_list", (*FileAccess).touches),
	}
}

// within reports whether one of the patterns matches all that the access concerns.
func (f *FileAccess) within(patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		m := matchPath(p, f.Path)
		return m.below || m.itself && !f.Tree
	})
}

// touches reports whether one of the patterns matches, or may match, something that
// the access concerns.
func (f *FileAccess) touches(patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		m := matchPath(p, f.Path)
		return m.itself || f.Tree && m.some
	})
}

// pathMatch is what a pattern says of a path: that it matches it, all that is below
// it, or something that is or could be below it.
type pathMatch struct{ itself, below, some bool }

// matchPath matches a pattern of path components: ** is any number of them, also
// none, and * in one is any run of its characters.
func matchPath(pattern, path string) pathMatch {
	parts := components(pattern)
	at := make([]bool, len(parts)+1) // which numbers of parts may have been used up
	at[0] = true
	skip(parts, at)
	for _, c := range components(path) {
		next := make([]bool, len(at))
		for i, p := range parts {
			switch {
			case !at[i]:
			case p == "**":
				next[i] = true
			case globMatch(p, c):
				next[i+1] = true
			}
		}
		at = next
		skip(parts, at)
	}
	m := pathMatch{itself: at[len(parts)], some: slices.Contains(at, true)}
	if n := len(parts) - 1; n >= 0 && parts[n] == "**" {
		m.below = at[n]
	}
	return m
}

// skip lets each ** be none.
func skip(parts []string, at []bool) {
	for i, p := range parts {
		if at[i] && p == "**" {
			at[i+1] = true
		}
	}
}

func components(path string) []string {
	path = strings.Trim(path, "/")
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

// aboutFiles reports whether the rule speaks of file operations alone.
func (r Rule) aboutFiles() bool { return r.Paths != nil || r.Files != nil }

// condition is the rule's condition with what Paths and Files say, as one text; says
// is that in words.
func (r Rule) condition() (src, says string) {
	if !r.aboutFiles() {
		return r.When, r.When
	}
	effect, _, _ := r.effect()
	src, says = `operation.action == "file"`, "file operations"
	if len(r.Files) > 0 {
		says = "files: " + strings.Join(r.Files, ", ")
		words := r.Files
		if effect == Allow && !slices.Contains(words, FileStat) {
			words = append(slices.Clone(words), FileStat) // nothing is read or listed without looking at it first
		}
		src += " && operation.file.operation in [" + quotedList(words) + "]"
	}
	if len(r.Paths) > 0 {
		says += " in " + strings.Join(r.Paths, ", ")
		match := "touches"
		if effect == Allow {
			match = "within"
		}
		src += " && operation.file." + match + "([" + quotedList(r.Paths) + "])"
	}
	if r.When != "" {
		src, says = "("+r.When+") && "+src, says+", and "+r.When
	}
	return src, says
}

func quotedList(all []string) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = fmt.Sprintf("%q", s)
	}
	return strings.Join(quoted, ", ")
}

// files checks Paths and Files of a rule.
func (c *checker) files(path string, role Role, r Rule) {
	if !r.aboutFiles() {
		return
	}
	if r.Paths != nil && len(r.Paths) == 0 {
		c.fault(path+".paths", "the list is empty, so the rule can never match")
	}
	if r.Files != nil && len(r.Files) == 0 {
		c.fault(path+".files", "the list is empty, so the rule can never match%s", Suggest("", fileOperations))
	}
	for i, w := range r.Files {
		if !slices.Contains(fileOperations, w) {
			c.fault(fmt.Sprintf("%s.files[%d]", path, i), "%q cannot be done to a file%s", w, Suggest(w, fileOperations))
		}
	}
	for i, p := range r.Paths {
		if f := patternFault(p); f != "" {
			c.fault(fmt.Sprintf("%s.paths[%d]", path, i), "%s", f)
		}
	}
	if _, can := c.ofKinds(role.Resources.Kinds); can&wordFile == 0 {
		c.fault(path, "paths and files speak of file operations, and nothing of kind %s has them", strings.Join(role.Resources.Kinds, ", "))
	}
	if _, key, texts := r.effect(); newRule(role, r).words&(wordFile|wordClasses&^wordUnknown) == 0 && len(texts) > 0 {
		c.fault(path+"."+key, "paths and files speak of file operations: say file, or their classes")
	}
}

// patternFault says what is wrong with a pattern of paths.
func patternFault(p string) string {
	switch {
	case !strings.HasPrefix(p, "/"):
		return fmt.Sprintf("%q is no absolute path: patterns are matched against the target's own absolute paths, /var/log/**", p)
	case !printable(p):
		return "a pattern has no characters that cannot be printed"
	case len(p) > 1 && strings.HasSuffix(p, "/"):
		return fmt.Sprintf("%q ends in a slash: say %s for the directory, %s** for it and all below it", p, strings.TrimRight(p, "/"), p)
	}
	for _, c := range strings.Split(p[1:], "/") {
		switch {
		case c == "." || c == "..", c == "" && p != "/":
			return fmt.Sprintf("%q can never match: paths are judged without dot segments and empty ones", p)
		case strings.Contains(c, "**") && c != "**":
			return fmt.Sprintf("%q: ** stands alone between slashes, for any number of directories", p)
		case strings.ContainsAny(c, `?[]{}\`):
			return fmt.Sprintf("%q: * and ** are the only wildcards, and the characters ?[]{}\\ are none", p)
		}
	}
	return ""
}

// grantFiles is the smallest rule that allows just these accesses, as YAML; "" where
// a path cannot be written as a pattern.
func grantFiles(files []FileAccess) string {
	var classes, deeds, paths []string
	add := func(to *[]string, s string) {
		if !slices.Contains(*to, s) {
			*to = append(*to, s)
		}
	}
	for _, f := range files {
		pattern := f.Path
		if f.Tree {
			pattern = strings.TrimSuffix(pattern, "/") + "/**"
		}
		if strings.Contains(f.Path, "*") || patternFault(pattern) != "" || f.Class == Unknown {
			return ""
		}
		add(&classes, f.Class.String())
		add(&deeds, f.Operation)
		add(&paths, strconv.Quote(pattern))
	}
	return fmt.Sprintf("- name: files\n      allow: [%s]\n      files: [%s]\n      paths: [%s]\n", strings.Join(classes, ", "), strings.Join(deeds, ", "), strings.Join(paths, ", "))
}

// each is the request for each file that it concerns, by itself; the request alone
// where it concerns none or one.
func (r *Request) each() []Request {
	if len(r.Facts.Files) < 2 {
		if len(r.Facts.Files) == 1 {
			one := r.of(r.Facts.Files[0])
			return []Request{one}
		}
		return []Request{*r}
	}
	all := make([]Request, len(r.Facts.Files))
	for i, f := range r.Facts.Files {
		all[i] = r.of(f)
	}
	return all
}

// of is the request for one of its files.
func (r *Request) of(f FileAccess) Request {
	one := *r
	one.Facts.Files = []FileAccess{f}
	one.Facts.Class, one.Facts.Why = f.Class, f.Why
	return one
}

// strictest is which of the requests gets the least, with what it gets. Of the
// others come the limits, where they are tighter.
func (p *Policy) strictest(all []Request) (Request, Decision) {
	var found int
	var d Decision
	for i := range all {
		next := p.decideOne(all[i])
		if i == 0 {
			d = next
			continue
		}
		limits, binary, results := d.Limits.Tightest(next.Limits), d.Binary && next.Binary, min(d.Results, next.Results)
		if stricter(next, d) {
			found, d = i, next
		}
		if d.Effect != Deny {
			d.Limits, d.Binary, d.Results = limits, binary, results
		}
	}
	return all[found], d
}

func stricter(a, b Decision) bool {
	switch {
	case a.Effect != b.Effect:
		return a.Effect < b.Effect
	case a.Effect == Approve && a.Need != b.Need:
		return a.Need > b.Need
	case a.Effect == Approve:
		return a.ReasonRequired && !b.ReasonRequired
	}
	return false
}
