package sqlite

import (
	"slices"
	"strings"
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
	toks := lex(text)
	var s shape
	parts := split(toks, func(t token) bool { return t.op(";") })
	for _, p := range parts {
		if len(p) > 0 {
			s.statements++
		}
	}
	// Only a trigger's body holds semicolons within one statement.
	for len(toks) > 0 && toks[0].op(";") {
		toks = toks[1:]
	}
	if len(toks) > 0 && toks[0].is("EXPLAIN") {
		s.explained = true
		toks = toks[1:]
		if len(toks) > 1 && toks[0].is("QUERY") && toks[1].is("PLAN") {
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

func (s *shape) body(toks []token) {
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
		if len(rest) > 1 && rest[1].op(".") {
			rest = rest[2:]
		}
		s.renames = len(rest) > 1 && rest[1].is("RENAME")
	}
}

// targets are the names of the table that a DELETE or UPDATE changes, and its
// alias, in lower case.
func targets(toks []token) (out []string) {
	end := len(toks)
	for _, w := range []string{"SET", "WHERE"} {
		if i := indexWord(toks, w); i >= 0 {
			end = min(end, i)
		}
	}
	for _, t := range toks[1:end] {
		if t.kind == tokenWord || t.kind == tokenName {
			out = append(out, strings.ToLower(t.text))
		}
	}
	return out
}

// generates reports whether a definition has a generated column: GENERATED, or
// AS before a parenthesis.
func generates(toks []token) bool {
	for i, t := range toks {
		if t.is("GENERATED") || t.is("AS") && i+1 < len(toks) && toks[i+1].op("(") {
			return true
		}
	}
	return false
}

// mainClause skips the common table expressions of WITH: the statement's own
// verb is the first word of these that follows a closing parenthesis.
func mainClause(toks []token) []token {
	if len(toks) == 0 || !toks[0].is("WITH") {
		return toks
	}
	depth := 0
	for i, t := range toks {
		switch {
		case t.op("("):
			depth++
		case t.op(")"):
			depth--
		case depth == 0 && i > 0 && toks[i-1].op(")") && t.kind == tokenWord &&
			slices.Contains([]string{"SELECT", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE"}, t.text):
			return toks[i:]
		}
	}
	return nil
}

// verb is the first word, with what it creates, drops or alters.
func verb(toks []token) string {
	if len(toks) == 0 || toks[0].kind != tokenWord {
		return ""
	}
	v := toks[0].text
	if v != "CREATE" && v != "DROP" && v != "ALTER" {
		return v
	}
	for _, t := range toks[1:min(len(toks), 4)] {
		switch t.text {
		case "TABLE", "INDEX", "VIEW", "TRIGGER":
			return v + " " + t.text
		}
	}
	return v
}

// split cuts toks where sep holds outside of parentheses and CASE.
func split(toks []token, sep func(token) bool) [][]token {
	var out [][]token
	depth, from := 0, 0
	for i, t := range toks {
		switch {
		case t.op("("), t.is("CASE"):
			depth++
		case t.op(")"), t.is("END"):
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
func indexWord(toks []token, word string) int {
	depth := 0
	for i, t := range toks {
		switch {
		case t.op("("):
			depth++
		case t.op(")"):
			depth--
		case depth == 0 && t.is(word):
			return i
		}
	}
	return -1
}

func until(toks []token, words ...string) []token {
	for _, w := range words {
		if i := indexWord(toks, w); i >= 0 {
			toks = toks[:i]
		}
	}
	if i := slices.IndexFunc(toks, func(t token) bool { return t.op(";") }); i >= 0 {
		toks = toks[:i]
	}
	return toks
}

// assigns reports whether the assignments after SET use any column: a name that
// is neither the assigned one nor a function's.
func assigns(toks []token) bool {
	for _, a := range split(toks, func(t token) bool { return t.op(",") }) {
		i := slices.IndexFunc(a, func(t token) bool { return t.op("=") })
		if i < 0 || len(columns(a[i+1:])) > 0 || slices.ContainsFunc(a, func(t token) bool { return t.is("SELECT") }) {
			return true
		}
	}
	return false
}

// columns are the names of columns that an expression may use, in lower case
// and without their tables. Functions are not among them.
func columns(toks []token) map[string]bool {
	out := make(map[string]bool)
	for i, t := range toks {
		if t.kind != tokenName && (t.kind != tokenWord || notColumn[t.text]) {
			continue
		}
		if i+1 < len(toks) && (toks[i+1].op("(") || toks[i+1].op(".")) {
			continue
		}
		if i > 0 && (toks[i-1].is("COLLATE") || toks[i-1].is("AS")) {
			continue
		}
		out[strings.ToLower(t.text)] = true
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
