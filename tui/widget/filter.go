package widget

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Filter is a compiled filter expression. Words are joined by and:
//
//	word      the item contains it (name, kind or a label), without case
//	'word     the same, and never loosely
//	^word     the name starts with it
//	word$     the name ends with it
//	!word     not: before any of the others
//	key:word  the field key (name, kind, or a label) starts with word
//
// Where no item passes, a plain word is taken loosely: the name has its letters, in
// this order, whatever is between them. The zero value lets everything through.
type Filter struct{ terms []term }

type term struct {
	not        bool
	head, tail bool
	exact      bool // not loosely
	key, word  string
}

// Item is something to be filtered: its fields in lower case.
type Item struct {
	name, hay string
	fields    map[string]string
}

// NewItem prepares an item. fields are found by key:word; the name and all
// fields by plain words.
func NewItem(name string, fields map[string]string) Item {
	it := Item{name: strings.ToLower(name), fields: make(map[string]string, len(fields))}
	var b strings.Builder
	b.WriteString(it.name)
	for k, v := range fields {
		k, v = strings.ToLower(k), strings.ToLower(v)
		it.fields[k] = v
		b.WriteString("\x00" + k + "=" + v)
	}
	it.hay = b.String()
	return it
}

// ParseFilter compiles an expression; there is none that is wrong.
func ParseFilter(s string) Filter {
	var f Filter
	for w := range strings.FieldsSeq(strings.ToLower(s)) {
		var t term
		if rest, ok := strings.CutPrefix(w, "!"); ok {
			t.not, w = true, rest
		}
		if k, v, ok := strings.Cut(w, ":"); ok && k != "" {
			t.key, w = k, v
		} else if rest, ok := strings.CutPrefix(w, "'"); ok {
			t.exact, w = true, rest
		} else {
			if rest, ok := strings.CutPrefix(w, "^"); ok {
				t.head, w = true, rest
			}
			if rest, ok := strings.CutSuffix(w, "$"); ok {
				t.tail, w = true, rest
			}
		}
		t.word = w
		if t.word != "" || t.key != "" {
			f.terms = append(f.terms, t)
		}
	}
	return f
}

// Match reports whether the item passes.
func (f Filter) Match(it *Item) bool {
	for i := range f.terms {
		if f.terms[i].match(it) == f.terms[i].not {
			return false
		}
	}
	return true
}

func (t *term) match(it *Item) bool {
	switch {
	case t.key == "name":
		return strings.Contains(it.name, t.word)
	case t.key != "":
		v, ok := it.fields[t.key]
		return ok && strings.HasPrefix(v, t.word)
	case t.head && t.tail:
		return it.name == t.word
	case t.head:
		return strings.HasPrefix(it.name, t.word)
	case t.tail:
		return strings.HasSuffix(it.name, t.word)
	}
	return strings.Contains(it.hay, t.word)
}

// Apply returns the indexes of the items that pass, in order, those first whose
// name starts with the first plain word. Where there are none, it is those that pass
// loosely, the closest first.
func (f Filter) Apply(items []Item) []int {
	out := make([]int, 0, len(items))
	var lead string
	if len(f.terms) > 0 && f.terms[0].key == "" && !f.terms[0].not {
		lead = f.terms[0].word
	}
	var rest []int
	for i := range items {
		if !f.Match(&items[i]) {
			continue
		}
		if lead != "" && !strings.HasPrefix(items[i].name, lead) {
			rest = append(rest, i)
			continue
		}
		out = append(out, i)
	}
	if out = append(out, rest...); len(out) == 0 {
		return f.loosely(items)
	}
	return out
}

// loosely is Apply with plain words as letters in order.
func (f Filter) loosely(items []Item) []int {
	if !slices.ContainsFunc(f.terms, term.plain) {
		return []int{}
	}
	type near struct{ i, spread int }
	var all []near
	for i := range items {
		if n, ok := f.near(&items[i]); ok {
			all = append(all, near{i, n})
		}
	}
	slices.SortStableFunc(all, func(a, b near) int { return a.spread - b.spread })
	out := make([]int, len(all))
	for i, n := range all {
		out[i] = n.i
	}
	return out
}

// plain reports whether the term is a word that may be taken loosely.
func (t term) plain() bool { return !t.not && !t.exact && !t.head && !t.tail && t.key == "" }

// near reports whether the item passes loosely, and over how much of its name the
// letters are spread.
func (f Filter) near(it *Item) (spread int, ok bool) {
	for i := range f.terms {
		t := &f.terms[i]
		if !t.plain() {
			if t.match(it) == t.not {
				return 0, false
			}
			continue
		}
		n := spreadOf(it.name, t.word)
		if n < 0 {
			return 0, false
		}
		spread += n
	}
	return spread, true
}

// spreadOf is the length of the shortest part of name that has the letters of word
// in order, -1 for none.
func spreadOf(name, word string) int {
	best := -1
	_, size := utf8.DecodeRuneInString(word)
	for from := range name {
		rest, used := name[from:], 0
		if !strings.HasPrefix(rest, word[:size]) {
			continue
		}
		for _, r := range word {
			j := strings.IndexRune(rest[used:], r)
			if j < 0 {
				return best // nor further right
			}
			_, n := utf8.DecodeRuneInString(rest[used+j:])
			used += j + n
		}
		if best < 0 || used < best {
			best = used
		}
	}
	return best
}
