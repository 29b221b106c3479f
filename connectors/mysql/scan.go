package mysql

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanned is what a look at strings and comments tells.
type scanned struct {
	without string // the text without comments that may run
	special bool   // it has such comments
	odd     string // why its comments cannot be judged
	openers int    // brackets outside of strings and comments
}

// scan reads a text as MySQL's lexer does under the default sql_mode.
func scan(text string) scanned {
	var s scanned
	var b strings.Builder
	for i := 0; i < len(text); {
		n := 1
		switch c := text[i]; {
		case c == '\'' || c == '"' || c == '`':
			n = quoted(text[i:], c)
		case c == '#', strings.HasPrefix(text[i:], "--") && (i+2 == len(text) || text[i+2] <= ' '):
			if n = strings.IndexByte(text[i:], '\n'); n < 0 {
				n = len(text) - i
			}
			i += n
			continue
		case strings.HasPrefix(text[i:], "/*"):
			n = s.comment(text[i:], &b)
			i += n
			continue
		case c == '(':
			s.openers++
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f:
			s.odd = "a control character outside of strings"
		case c >= utf8.RuneSelf:
			var r rune
			if r, n = utf8.DecodeRuneInString(text[i:]); unicode.IsSpace(r) || unicode.IsControl(r) {
				s.odd = "white space that the server takes for a part of a name"
			}
		}
		b.WriteString(text[i : i+n])
		i += n
	}
	s.without = b.String()
	return s
}

// comment reads one comment and returns its length.
func (s *scanned) comment(text string, b *strings.Builder) int {
	end := strings.Index(text[2:], "*/")
	if end < 0 {
		s.odd = "a comment that does not end"
		return len(text)
	}
	n := end + 4
	body := text[2 : n-2]
	switch {
	case strings.HasPrefix(body, "M!") || strings.HasPrefix(body, "T!"):
		s.odd = "a comment that runs on some servers"
	case strings.HasPrefix(body, "!"):
		s.special = true
		if strings.Contains(body, "/*") || strings.ContainsAny(body, "'\"`#") || strings.Contains(body, "--") {
			s.odd = "a comment that runs on some servers, with strings or comments inside"
		}
	case strings.HasPrefix(body, "+"):
		if strings.ContainsAny(body, "'\"`\\") || strings.Contains(body, "/*") {
			// MySQL reads a quoted name to its end, whatever ends the comment meanwhile.
			s.odd = "a hint with quotes or comments inside"
		}
		b.WriteString(text[:n]) // hints stay
		return n
	}
	b.WriteByte(' ')
	return n
}

// quoted is the length of a string or a quoted name.
func quoted(text string, q byte) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && q != '`':
			i++
		case text[i] == q:
			return i + 1
		}
	}
	return len(text)
}
