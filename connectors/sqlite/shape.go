package sqlite

import (
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors/sqlite/syntax"
)

// shape is what the words of a statement tell. SQLite's authorizer says what a
// statement does, but not that it was only explained, nor whether a DELETE has a
// WHERE: that is read here, from tokens. Nothing here lowers a class except
// explained, which is the grammar's first word.
type shape struct {
	verb       string // the leading words, in capitals
	explained  bool   // EXPLAIN: nothing runs
	statements int
	// unbounded says why a DELETE or UPDATE may change every row, "" if it is bounded.
	unbounded string
	// assigns is set for an UPDATE or upsert that sets a column from more than constants.
	assigns bool
	// renames is set for ALTER TABLE ... RENAME.
	renames bool
	// generates is set for CREATE and ALTER TABLE with a generated column, whose
	// value is another's under a new name.
	generates bool
}

func shapeOf(text string) shape {
	toks := syntax.Lex(text)
	var s shape
	parts := split(toks, func(t syntax.Token) bool { return t.Op(";") })
	for _, p := range parts {
		if len(p) > 0 {
			s.statements++
		}
	}
	// Only a trigger's body holds semicolons within one statement.
	for len(toks) > 0 && toks[0].Op(";") {
		toks = toks[1:]
	}
	if len(toks) > 0 && toks[0].Is("EXPLAIN") {
		s.explained = true
		toks = toks[1:]
		if len(toks) > 1 && toks[0].Is("QUERY") && toks[1].Is("PLAN") {
			toks = toks[2:]
		}
	}
	toks = mainClause(toks)
	s.verb = verb(toks)
	if s.explained {
		s.verb = "EXPLAIN"
		return s
	}
	s.body(toks)
	return s
}

func (s *shape) body(toks []syntax.Token) {
	if i := indexWord(toks, "SET"); i >= 0 && (s.verb == "UPDATE" || s.verb == "INSERT" || s.verb == "REPLACE") {
		s.assigns = assigns(until(toks[i+1:], "FROM", "WHERE", "RETURNING", "ORDER", "LIMIT"))
	}
	if s.verb == "CREATE TABLE" || s.verb == "ALTER TABLE" {
		s.generates = generates(toks)
	}
	switch s.verb {
	case "DELETE", "UPDATE":
		i := indexWord(toks, "WHERE")
		if i < 0 {
			s.unbounded = s.verb + " without WHERE"
		} else if !(condition{targets(toks)}).narrows(until(toks[i+1:], "RETURNING", "ORDER", "LIMIT"), false) {
			s.unbounded = s.verb + " whose WHERE may hold for every row"
		}
	case "ALTER TABLE":
		rest := toks[2:]
		if len(rest) > 1 && rest[1].Op(".") {
			rest = rest[2:]
		}
		s.renames = len(rest) > 1 && rest[1].Is("RENAME")
	}
}

// targets are the names of the table that a DELETE or UPDATE changes, and its
// alias, in lower case.
func targets(toks []syntax.Token) (out []string) {
	end := len(toks)
	for _, w := range []string{"SET", "WHERE"} {
		if i := indexWord(toks, w); i >= 0 {
			end = min(end, i)
		}
	}
	for _, t := range toks[1:end] {
		if t.Kind == syntax.Word || t.Kind == syntax.Quoted {
			out = append(out, strings.ToLower(t.Text))
		}
	}
	return out
}

// generates reports whether a definition has a generated column: GENERATED, or
// AS before a parenthesis.
func generates(toks []syntax.Token) bool {
	for i, t := range toks {
		if t.Is("GENERATED") || t.Is("AS") && i+1 < len(toks) && toks[i+1].Op("(") {
			return true
		}
	}
	return false
}

// mainClause skips the common table expressions of WITH: the statement's own
// verb is the first word of these that follows a closing parenthesis.
func mainClause(toks []syntax.Token) []syntax.Token {
	if len(toks) == 0 || !toks[0].Is("WITH") {
		return toks
	}
	depth := 0
	for i, t := range toks {
		switch {
		case t.Op("("):
			depth++
		case t.Op(")"):
			depth--
		case depth == 0 && i > 0 && toks[i-1].Op(")") && t.Kind == syntax.Word &&
			slices.Contains([]string{"SELECT", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE"}, t.Text):
			return toks[i:]
		}
	}
	return nil
}

// verb is the first word, with what it creates, drops or alters.
func verb(toks []syntax.Token) string {
	if len(toks) == 0 || toks[0].Kind != syntax.Word {
		return ""
	}
	v := toks[0].Text
	if v != "CREATE" && v != "DROP" && v != "ALTER" {
		return v
	}
	for _, t := range toks[1:min(len(toks), 4)] {
		switch t.Text {
		case "TABLE", "INDEX", "VIEW", "TRIGGER":
			return v + " " + t.Text
		}
	}
	return v
}

// split cuts toks where sep holds outside of parentheses and CASE.
func split(toks []syntax.Token, sep func(syntax.Token) bool) [][]syntax.Token {
	var out [][]syntax.Token
	depth, from := 0, 0
	for i, t := range toks {
		switch {
		case t.Op("("), t.Is("CASE"):
			depth++
		case t.Op(")"), t.Is("END"):
			depth = max(0, depth-1)
		case depth == 0 && sep(t):
			out = append(out, toks[from:i])
			from = i + 1
		}
	}
	return append(out, toks[from:])
}

// indexWord finds a word outside of parentheses. The words it is asked for are
// reserved by SQLite: unquoted, they are never names.
func indexWord(toks []syntax.Token, word string) int {
	depth := 0
	for i, t := range toks {
		switch {
		case t.Op("("):
			depth++
		case t.Op(")"):
			depth--
		case depth == 0 && t.Is(word):
			return i
		}
	}
	return -1
}

func until(toks []syntax.Token, words ...string) []syntax.Token {
	for _, w := range words {
		if i := indexWord(toks, w); i >= 0 {
			toks = toks[:i]
		}
	}
	if i := slices.IndexFunc(toks, func(t syntax.Token) bool { return t.Op(";") }); i >= 0 {
		toks = toks[:i]
	}
	return toks
}

// assigns reports whether the assignments after SET use any column: a name that
// is neither the assigned one nor a function's.
func assigns(toks []syntax.Token) bool {
	for _, a := range split(toks, func(t syntax.Token) bool { return t.Op(",") }) {
		i := slices.IndexFunc(a, func(t syntax.Token) bool { return t.Op("=") })
		if i < 0 || len(columns(a[i+1:])) > 0 || slices.ContainsFunc(a, func(t syntax.Token) bool { return t.Is("SELECT") }) {
			return true
		}
	}
	return false
}

// columns are the names of columns that an expression may use, in lower case
// and without their tables. Functions are not among them.
func columns(toks []syntax.Token) map[string]bool {
	out := make(map[string]bool)
	for i, t := range toks {
		if t.Kind != syntax.Quoted && (t.Kind != syntax.Word || notColumn[t.Text]) {
			continue
		}
		if i+1 < len(toks) && (toks[i+1].Op("(") || toks[i+1].Op(".")) {
			continue
		}
		if i > 0 && (toks[i-1].Is("COLLATE") || toks[i-1].Is("AS")) {
			continue
		}
		out[strings.ToLower(t.Text)] = true
	}
	return out
}

// notColumn are the words in expressions that are no columns.
var notColumn = func() map[string]bool {
	m := make(map[string]bool)
	for w := range strings.FieldsSeq(`NULL TRUE FALSE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP AND OR NOT IS IN
		LIKE GLOB REGEXP MATCH BETWEEN ESCAPE ISNULL NOTNULL CASE WHEN THEN ELSE END COLLATE CAST AS DISTINCT FROM EXISTS
		BINARY NOCASE RTRIM`) {
		m[w] = true
	}
	return m
}()
