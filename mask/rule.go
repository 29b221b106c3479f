package mask

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Redacted stands for a value that is hidden whole.
const Redacted = "[masked]"

// Method is how a masked value is replaced. The zero value shows nothing, and so
// does every value that is not one of these.
type Method uint8

const (
	Redact  Method = iota // a fixed text
	Partial               // the last digits of a number, nothing of anything else
	Null                  // nothing at all
	Hash                  // a keyed hash, the same for equal values
	Token                 // a made-up value of the same shape, the same for equal values
)

var methodNames = [...]string{Redact: "redact", Partial: "partial", Null: "null", Hash: "hash", Token: "token"}

// keyed reports whether the method needs a key.
func (m Method) keyed() bool { return m == Hash || m == Token }

// shows ranks methods by how much they show, least first: nothing, which values
// are equal, their shape besides, their last digits. What is no method shows
// nothing.
var shows = [...]int{Redact: 0, Null: 0, Hash: 1, Token: 2, Partial: 3}

// ShowsLess reports whether m shows less of a value than o.
func (m Method) ShowsLess(o Method) bool { return m.shows() < o.shows() }

func (m Method) shows() int {
	if int(m) < len(shows) {
		return shows[m]
	}
	return 0
}

// String is the method's word in the configuration.
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return fmt.Sprintf("method(%d)", uint8(m))
}

// ParseMethod is the inverse of String. The empty word is Redact.
func ParseMethod(s string) (Method, error) {
	if s == "" {
		return Redact, nil
	}
	for m, name := range methodNames {
		if s == name {
			return Method(m), nil
		}
	}
	return Redact, fmt.Errorf("unknown mask method %q%s", s, suggest(s, methodNames[:]))
}

// Column names a column of a table at a target.
type Column struct {
	Schema string `json:"schema,omitempty"`
	Table  string `json:"table"`
	Name   string `json:"name"`
	Reach  Reach  `json:"-"`
}

// Rule masks the columns that Column matches: "[schema.]table.column", where *
// matches any run within a part, and a rule without a schema is about any. Name
// is for people.
//
// Names are written as they are in the catalog, without quotes. Case is ignored,
// as SQL folds names in different ways: where two columns differ in case alone,
// a rule for one masks both. A * also matches a dot within a name.
type Rule struct {
	Name   string
	Column string
	Method Method
	// Predicates says whether the column may decide which rows there are.
	Predicates Predicates
	// Budget is how many values of the column a person may try where Predicates
	// permits that, Within a time; 0 is any number. Whoever runs statements counts.
	Budget int64
	Within time.Duration
	// Rows bounds answers that show the column or are chosen by it; 0 is any number.
	// Group is the least number of rows that an answer chosen by it may be about; 0
	// is none.
	Rows, Group int64
	key         Key // of the plan that the rule is from
}

// Apply returns the replacement of a value. For Null it is empty: show it as the
// target's null. Hash and Token need the rule of a plan with a key, see
// [Plan.Column]; any other shows nothing for them.
//
// Partial shows the last four digits of a number with separators (a card, a
// phone number, an SSN) of nine digits or more, so that most of it stays hidden,
// and nothing of a shorter one, of a decimal fraction, or of anything that holds
// another character.
func (r Rule) Apply(value string) string {
	switch r.Method {
	case Null:
		return ""
	case Partial:
		if last, ok := lastDigits(value); ok {
			return "****" + last
		}
	case Hash:
		if !r.key.empty() {
			return r.key.hashed(value)
		}
	case Token:
		if !r.key.empty() {
			return r.key.token(value)
		}
	}
	return Redacted
}

// Kind is what a column's type can hold, as far as masking goes.
type Kind uint8

const (
	Text    Kind = iota // anything
	Integer             // digits and a sign
	Decimal             // an Integer with a fraction and an exponent
	Other               // dates, booleans, bytes and all else that no replacement fits
)

// ApplyTyped is Apply for a column that may not hold text. ok is false where
// nothing that the method shows is a value of that kind: show the target's null.
// A number keeps its digits' count under the method token, and is null under all
// others. A number of few digits has few tokens: who knows the key's deployment
// can list them.
func (r Rule) ApplyTyped(value string, kind Kind) (masked string, ok bool) {
	switch {
	case r.Method == Null:
		return "", false
	case kind == Text:
		return r.Apply(value), true
	case r.Method == Token && !r.key.empty() && isNumber(value, kind):
		return r.key.number(value), true
	}
	return "", false
}

// isNumber reports whether value is written as a number of the kind, short
// enough that other digits in its place fit the same type.
func isNumber(value string, kind Kind) bool {
	digits, dots := 0, 0
	for i := range len(value) {
		switch c := value[i]; {
		case isDigit(c):
			digits++
		case c == '-' && i == 0:
		case c == '.' && kind == Decimal:
			dots++
		default:
			return false
		}
	}
	// The largest of a type begins with less than its digits can: 32767.
	return digits > 0 && dots < 2 && (kind == Decimal || digits != 3 && digits != 5 && digits != 10 && digits < 19)
}

const (
	shownDigits  = 4
	hiddenDigits = shownDigits + 1 // most of a number
)

// lastDigits returns what partial shows of a value.
func lastDigits(s string) (string, bool) {
	var last [shownDigits]byte
	digits, dots := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case isDigit(c):
			last[digits%shownDigits] = c
			digits++
		case c == '.':
			dots++
		case c == '+' && i == 0, c == ' ', c == '-' && digits > 0, c == '/', c == '(', c == ')':
		default:
			return "", false
		}
	}
	if digits < shownDigits+hiddenDigits || dots == 1 || !isDigit(s[len(s)-1]) {
		return "", false
	}
	i := digits % shownDigits
	return string(last[i:]) + string(last[:i]), true
}

// pattern is a compiled Rule.Column.
type pattern struct {
	schema, table, name string // folded; an empty schema matches any
	rule                Rule
}

func newPattern(r Rule) (pattern, error) {
	parts := strings.Split(r.Column, ".")
	switch {
	case r.Column == "":
		return pattern{}, errors.New(`the column pattern is empty: write "table.column" or "schema.table.column"`)
	case len(parts) == 1:
		return pattern{}, fmt.Errorf("column pattern %q names no table: write \"table.column\", or \"*.%s\" for every table", r.Column, r.Column)
	case len(parts) > 3:
		return pattern{}, fmt.Errorf("column pattern %q has %d parts: write \"table.column\" or \"schema.table.column\", with * for a dot within a name", r.Column, len(parts))
	}
	for i, s := range parts {
		if s == "" || s != strings.TrimSpace(s) {
			return pattern{}, fmt.Errorf("column pattern %q has an empty part or space around one: write \"table.column\" or \"schema.table.column\", with * for any name", r.Column)
		}
		if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) || strings.ContainsAny(s, "\"`'[](),;") {
			return pattern{}, fmt.Errorf("column pattern %q: write names as they are in the catalog, without quotes", r.Column)
		}
		parts[i] = fold(s)
	}
	p := pattern{rule: r, table: parts[len(parts)-2], name: parts[len(parts)-1]}
	if len(parts) == 3 {
		p.schema = parts[0]
	}
	return p, nil
}

// matchesTable takes folded names. What is not known matches.
func (p *pattern) matchesTable(schema, table string) bool {
	return (p.schema == "" || schema == "" || glob(p.schema, schema)) && glob(p.table, table)
}

// glob reports whether s matches a pattern in which * is any run.
func glob(pattern, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// fold maps all spellings of a name that differ in case to one: every letter to
// the least of its kin under Unicode simple folding.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for k := unicode.SimpleFold(r); k != r; k = unicode.SimpleFold(k) {
			least = min(least, k)
		}
		return least
	}, s)
}

// suggest names the word that s was probably meant to be, or all of them.
func suggest(s string, words []string) string {
	best, distance := "", 3
	for _, w := range words {
		if d := edits(strings.ToLower(s), w); d < distance {
			best, distance = w, d
		}
	}
	if best != "" {
		return fmt.Sprintf(", did you mean %q?", best)
	}
	return ": use one of " + strings.Join(words, ", ")
}

// edits is the Levenshtein distance between two words.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
