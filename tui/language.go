package tui

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/tui/widget"
)

// language is what is typed into the workspace of a kind, as far as the screen must
// know it: its words, its colours, where enter runs it. Nothing is judged by it. A
// field that is left out is as in SQL.
type language struct {
	name      string // heads the editor
	statement string // what one text is called, in the singular
	catalog   string // heads the list at the side
	example   string // stands in the empty editor, with how it is run
	key       string // what runs it, as the keys are shown
	runs      string // the same as a sentence
	// notes are what the help says of the kind besides: what it takes, what is enforced
	// there and what not.
	notes []string
	// ends reports whether enter behind the text runs it, where it else breaks the line.
	ends func(text string) bool
	// colour tells the parts of a text apart.
	colour widget.Highlighter
	// words are completed, with the names in the catalog.
	words []string
	// database: what the kind calls a schema is a database, and a session is in one.
	database bool
	// quote stands around a name that is no plain word, its end doubled within; none
	// where names are never quoted.
	quote [2]string
}

// languages is every kind with a workspace, by the word in the configuration.
var languages = map[string]language{
	"postgres":   {words: widget.SQLWords(), colour: widget.HighlightSQL, quote: [2]string{`"`, `"`}, notes: postgresNotes},
	"mysql":      {words: widget.SQLWords(), colour: widget.HighlightSQL, quote: [2]string{"`", "`"}, database: true, notes: mysqlNotes},
	"sqlite":     {words: widget.SQLWords(), colour: widget.HighlightSQL, quote: [2]string{`"`, `"`}, notes: sqliteNotes},
	"clickhouse": clickhouseLanguage,
	"mssql":      mssqlLanguage,
	"redis":      redisLanguage,
	"mongodb":    mongodbLanguage,
}

// languageOf is the language of a kind; one without an entry gets no colours.
func languageOf(kind string) language {
	l := languages[kind]
	for _, f := range []struct {
		field *string
		sql   string
	}{
		{&l.name, "SQL"}, {&l.statement, "statement"}, {&l.catalog, "Tables"},
		{&l.key, "; enter"}, {&l.runs, "A statement runs with ; and enter, or ctrl+j."},
		{&l.example, "select " + widget.Ellipsis + " ; and enter runs it"},
	} {
		if *f.field == "" {
			*f.field = f.sql
		}
	}
	if l.ends == nil {
		l.ends = endsWithSemicolon
	}
	if l.colour == nil {
		l.colour = widget.HighlightNone
	}
	return l
}

// paint draws a text of the language in lines of at most w cells.
func (e *env) paint(kind, text string, w int) []string {
	return widget.PaintChopped(text, languageOf(kind).colour, e.sql, w)
}

func endsWithSemicolon(text string) bool { return strings.HasSuffix(strings.TrimSpace(text), ";") }

// endsClosed is where a text is a line: enter runs it unless a quote is open.
func endsClosed(text string) bool {
	var quote rune
	escaped := false
	for _, r := range text {
		switch {
		case escaped:
			escaped = false
		case r == '\\' && quote != 0:
			escaped = true
		case quote != 0:
			if r == quote {
				quote = 0
			}
		case r == '"' || r == '\'':
			quote = r
		}
	}
	return quote == 0 && strings.TrimSpace(text) != ""
}

// endsBalanced is where a text is a document or a call: enter runs it once every
// bracket is closed, or behind a semicolon.
func endsBalanced(text string) bool {
	if !endsClosed(text) {
		return false
	}
	depth, any := 0, false
	for i, t := range widget.HighlightScript([]rune(text)) {
		if t == widget.TokenString || t == widget.TokenComment {
			continue
		}
		switch []rune(text)[i] {
		case '{', '[', '(':
			depth, any = depth+1, true
		case '}', ']', ')':
			depth--
		}
	}
	return depth <= 0 && any || endsWithSemicolon(text)
}

// quoted is a name of the catalog as it stands in a text.
func (l language) quoted(name string) string {
	if l.quote == [2]string{} || plainName(name) && !slices.Contains(l.words, name) {
		return name
	}
	end := l.quote[1]
	return l.quote[0] + strings.ReplaceAll(name, end, end+end) + end
}

// plainName reports whether a name needs no quotes in any SQL.
func plainName(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}
