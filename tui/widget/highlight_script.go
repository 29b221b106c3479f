package widget

import (
	"strings"
	"unicode"
)

// escapedQuote is a quoted string in which a backslash escapes.
func escapedQuote(s []rune, q rune) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case q:
			return i + 1
		}
	}
	return len(s)
}

var scriptWords = wordSet(`true false null new function return var let const db ObjectId ISODate NumberLong NumberDecimal
 find findOne aggregate count distinct insert update explain`)

var alarmScript = wordSet(`delete deletes deleteOne deleteMany drop dropDatabase dropIndex dropIndexes remove renameCollection
 findAndModify createUser grantRolesToUser updateUser mapReduce $out $merge $where $function`)

// HighlightScript is a Highlighter of JSON documents and of calls around them:
// MongoDB and its like.
func HighlightScript(s []rune) []Token { return tokens(s, scriptToken) }

func scriptToken(s []rune) (int, Token) {
	c := s[0]
	switch {
	case c == '/' && peek(s, 1) == '/':
		return until(s, "\n", 2), TokenComment
	case c == '/' && peek(s, 1) == '*':
		return until(s, "*/", 2), TokenComment
	case c == '"' || c == '\'' || c == '`':
		return scriptString(s, c)
	case unicode.IsDigit(c), c == '-' && unicode.IsDigit(peek(s, 1)):
		return 1 + span0(s[1:], func(r rune) bool { return unicode.IsDigit(r) || strings.ContainsRune(".eE+-", r) }), TokenNumber
	case unicode.IsLetter(c) || c == '_' || c == '$':
		n := span(s, wordRune)
		return n, scriptWord(string(s[:n]))
	case strings.ContainsRune("{}[]():,;.=<>+*&|!?", c):
		return 1, TokenOperator
	}
	return 1, TokenPlain
}

func scriptWord(w string) Token {
	switch {
	case alarmScript[w]:
		return TokenAlarm
	case scriptWords[w]:
		return TokenKeyword
	}
	return TokenPlain
}

// scriptString is a string, or a key: what a colon follows.
func scriptString(s []rune, q rune) (int, Token) {
	n := escapedQuote(s, q)
	rest := n + span0(s[n:], unicode.IsSpace)
	if peek(s, rest) != ':' {
		return n, TokenString
	}
	if w := strings.Trim(string(s[:n]), string(q)); alarmScript[w] {
		return n, TokenAlarm
	}
	return n, TokenKeyword
}
