package tui

import (
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/tui/widget"
)

// completion goes through what could stand in place of the word before the cursor.
type completion struct {
	// Text and cursor as it left them: a key that changes either ends the completion.
	rev, pos int
	found    []string
	at       int
	typed    string // the word as it was typed
}

const maxCompletions = 200

// completing reports whether the text is still what the completion made it.
func (p *workspace) completing() bool {
	return p.completion.found != nil && p.completion.rev == p.editor.Revision() && p.completion.pos == p.editor.Cursor()
}

// complete puts the next completion, or the one before, in place of the word before
// the cursor. It reports whether there was one.
func (p *workspace) complete(back bool) bool {
	c := &p.completion
	if !p.completing() {
		typed := p.editor.Before(wordRune)
		found := p.completions(typed)
		if len(found) == 0 {
			return false
		}
		// The last is the word as it was typed, so that one can go round to it.
		*c = completion{found: append(found, typed), at: len(found), typed: typed}
	}
	was := c.found[c.at]
	if back {
		c.at += len(c.found) - 1
	} else {
		c.at++
	}
	c.at %= len(c.found)
	p.editor.Replace(len([]rune(was)), c.found[c.at])
	c.rev, c.pos = p.editor.Revision(), p.editor.Cursor()
	return true
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '$'
}

// canComplete reports whether tab would complete; the answer is kept while the text
// stays as it is.
func (p *workspace) canComplete() bool {
	if p.spent || p.focus != focusEditor {
		return false
	}
	if k := (completable{p.editor.Revision(), p.editor.Before(wordRune), len(p.tables.all), false}); k != p.may.key() {
		p.may = k
		p.may.yes = p.completing() || len(p.completions(k.word)) > 0
	}
	return p.may.yes
}

// completable is whether a word can be completed.
type completable struct {
	rev    int
	word   string
	tables int
	yes    bool
}

func (c completable) key() completable { c.yes = false; return c }

// completions are the words that begin so: columns of what the text speaks of, names
// in the catalog, words of the language, other columns.
func (p *workspace) completions(typed string) []string {
	if typed == "" || unicode.IsDigit([]rune(typed)[0]) {
		return nil
	}
	var out []string
	have := map[string]bool{}
	take := func(s string) {
		if len(out) < maxCompletions && !have[s] && len(s) > len(typed) && strings.EqualFold(s[:len(typed)], typed) {
			have[s] = true
			out = append(out, s)
		}
	}
	columns := func(r connectors.Relation) {
		for _, c := range r.Columns {
			take(c.Name)
		}
	}
	text := strings.ToLower(p.editor.Value())
	for _, r := range p.tables.all {
		if strings.Contains(text, strings.ToLower(r.Name)) {
			columns(r)
		}
	}
	for _, r := range p.tables.all {
		take(r.Name)
	}
	for _, w := range p.lang.words {
		if typed == strings.ToUpper(typed) {
			w = strings.ToUpper(w)
		}
		take(w)
	}
	for _, r := range p.tables.all {
		columns(r)
	}
	for i, s := range out {
		if !slices.Contains(p.lang.words, strings.ToLower(s)) {
			out[i] = p.lang.quoted(s)
		}
	}
	return out
}

// drawCompletions is the line of them around the chosen one.
func (p *workspace) drawCompletions(w int) string {
	c := &p.completion
	found := c.found[:len(c.found)-1]
	from, used := min(c.at, len(found)-1), 0
	for from > 0 && used+widget.Width(widget.Escape(found[from-1]))+2 < w/2 {
		from--
		used += widget.Width(widget.Escape(found[from])) + 2
	}
	line := ""
	for i := from; i < len(found) && widget.Width(line) < w; i++ {
		name := " " + widget.Escape(found[i]) + " "
		if i == c.at {
			name = p.selected.Under(p.accent.Render(name))
		}
		line += name
	}
	return widget.Truncate(line, w)
}
