package widget

import (
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Token is what a character of a statement is, for colouring alone: nothing is
// judged by it.
type Token uint8

const (
	TokenPlain Token = iota
	TokenKeyword
	TokenAlarm // words that remove or hand out: drawn as a warning
	TokenString
	TokenNumber
	TokenComment
	TokenOperator
)

// Highlighter says what each character of a text is.
type Highlighter func(text []rune) []Token

var _ = []Highlighter{HighlightSQL, HighlightRedis, HighlightScript, HighlightShell, HighlightNone}

// HighlightNone tells nothing apart.
func HighlightNone(s []rune) []Token { return make([]Token, len(s)) }

var sqlWords = wordSet(`add all analyze and any as asc begin between by case cast check column commit constraint
 create cross current database default desc distinct do else end escape except exists explain false fetch first for
 foreign from full group having if ilike in index inner insert intersect into is join key last lateral left like limit
 lock natural not null nulls of offset on only or order outer over partition primary references returning right rollback
 row rows schema select sequence set show some start table temp then to transaction true union unique update using
 values view when where window with`)

var alarmWords = wordSet(`delete drop truncate alter grant revoke`)

func wordSet(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

// SQLWords are the words that SQL is coloured by, in order; the slice is the caller's.
func SQLWords() []string {
	return slices.Sorted(maps.Keys(merged(sqlWords, alarmWords)))
}

func merged(a, b map[string]bool) map[string]bool {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

// HighlightSQL is a Highlighter of SQL.
func HighlightSQL(s []rune) []Token { return tokens(s, nextToken) }

// tokens cuts a text into tokens; next returns the length, at least 1, and kind of
// the one that s starts with.
func tokens(s []rune, next func(s []rune) (int, Token)) []Token {
	out := make([]Token, len(s))
	for i := 0; i < len(s); {
		n, t := next(s[i:])
		for j := range n {
			out[i+j] = t
		}
		i += n
	}
	return out
}

// nextToken returns the length (at least 1) and kind of the token that s starts with.
func nextToken(s []rune) (int, Token) {
	c := s[0]
	switch {
	case c == '-' && peek(s, 1) == '-':
		return until(s, "\n", 2), TokenComment
	case c == '/' && peek(s, 1) == '*':
		return until(s, "*/", 2), TokenComment
	case c == '\'':
		return quoted(s, '\''), TokenString
	case c == '"':
		return quoted(s, '"'), TokenPlain
	case c == '$':
		return dollar(s)
	case unicode.IsDigit(c):
		return span(s, func(r rune) bool { return unicode.IsDigit(r) || r == '.' || r == '_' }), TokenNumber
	case unicode.IsLetter(c) || c == '_':
		n := span(s, wordRune)
		switch w := strings.ToLower(string(s[:n])); {
		case alarmWords[w]:
			return n, TokenAlarm
		case sqlWords[w]:
			return n, TokenKeyword
		}
		return n, TokenPlain
	case strings.ContainsRune("*=<>+-/%|&!~^(),;", c):
		return 1, TokenOperator
	}
	return 1, TokenPlain
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '$'
}

func peek(s []rune, i int) rune {
	if i < len(s) {
		return s[i]
	}
	return 0
}

func span(s []rune, ok func(rune) bool) int {
	for i, r := range s {
		if !ok(r) {
			return max(1, i)
		}
	}
	return len(s)
}

// until is the length up to and with the mark, or all.
func until(s []rune, mark string, from int) int {
	m := []rune(mark)
	for i := min(from, len(s)); i+len(m) <= len(s); i++ {
		if string(s[i:i+len(m)]) == mark {
			return i + len(m)
		}
	}
	return len(s)
}

func quoted(s []rune, q rune) int {
	for i := 1; i < len(s); i++ {
		if s[i] != q {
			continue
		}
		if peek(s, i+1) == q {
			i++
			continue
		}
		return i + 1
	}
	return len(s)
}

// dollar is a dollar-quoted string, a parameter, or just a dollar.
func dollar(s []rune) (int, Token) {
	n := 1 + span0(s[1:], func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' })
	if peek(s, n) != '$' {
		return n, TokenNumber
	}
	tag := string(s[:n+1])
	return until(s, tag, n+1), TokenString
}

func span0(s []rune, ok func(rune) bool) int {
	if len(s) == 0 || !ok(s[0]) {
		return 0
	}
	return span(s, ok)
}
