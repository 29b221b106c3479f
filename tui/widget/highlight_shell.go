package widget

import (
	"strings"
	"unicode"
)

// Words of MongoDB's shell that people should see.
var (
	shellWords = wordSet(`db show find findone aggregate countdocuments distinct insertone insertmany updateone updatemany replaceone
 findoneandupdate findoneandreplace createindex sort limit skip projection explain runcommand admincommand getcollection
 objectid isodate numberlong numberint numberdecimal uuid true false null`)
	shellAlarms = wordSet(`drop dropdatabase dropindex dropindexes deleteone deletemany delete findoneanddelete renamecollection dropuser shutdown killop
 $out $where $function $accumulator`)
)

// HighlightShell is HighlightSQL for commands of MongoDB's shell.
func HighlightShell(s []rune) []Token {
	out := make([]Token, len(s))
	for i := 0; i < len(s); {
		n, t := nextShellToken(s[i:])
		for j := range n {
			out[i+j] = t
		}
		i += n
	}
	return out
}

func nextShellToken(s []rune) (int, Token) {
	c := s[0]
	switch {
	case c == '/' && peek(s, 1) == '/':
		return until(s, "\n", 2), TokenComment
	case c == '/' && peek(s, 1) == '*':
		return until(s, "*/", 2), TokenComment
	case c == '\'' || c == '"':
		return escaped(s, c), TokenString
	case unicode.IsDigit(c):
		return span(s, func(r rune) bool { return unicode.IsDigit(r) || r == '.' }), TokenNumber
	case unicode.IsLetter(c) || c == '_' || c == '$':
		n := span(s, wordRune)
		switch w := strings.ToLower(string(s[:n])); {
		case shellAlarms[w]:
			return n, TokenAlarm
		case shellWords[w], c == '$':
			return n, TokenKeyword
		}
		return n, TokenPlain
	case strings.ContainsRune("{}[](),:;.-+/", c):
		return 1, TokenOperator
	}
	return 1, TokenPlain
}

// escaped is the length of a string in which a backslash stands before its quotes.
func escaped(s []rune, q rune) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case q, '\n':
			return i + 1
		}
	}
	return len(s)
}
