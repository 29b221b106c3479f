package sqlite

import "strings"

// tokenKind is what a token is, as far as a statement's shape needs it.
type tokenKind uint8

const (
	tokenOther    tokenKind = iota // an operator or anything else
	tokenWord                      // a keyword or an unquoted name; text is in capitals
	tokenName                      // a quoted name; text is what it names
	tokenString                    // a string; text is its value
	tokenLiteral                   // a number, a blob
	tokenVariable                  // ?1, :x, @x, $x
)

type token struct {
	kind tokenKind
	text string
}

func (t token) is(word string) bool { return t.kind == tokenWord && t.text == word }
func (t token) op(text string) bool { return t.kind == tokenOther && t.text == text }

// lex splits a text into tokens as sqlite3GetToken (tokenize.c) does. Comments
// and white space are left out. It accepts everything; what SQLite would refuse
// comes out as tokenOther.
func lex(text string) []token {
	text = strings.TrimPrefix(text, "\ufeff")
	var out []token
	for i := 0; i < len(text); {
		if n := blank(text[i:]); n > 0 {
			i += n
			continue
		}
		t, n := next(text[i:])
		out = append(out, t)
		i += n
	}
	return out
}

// blank returns the length of the white space or comment at the beginning.
func blank(s string) int {
	switch {
	case strings.IndexByte(" \t\n\f\r", s[0]) >= 0:
		return 1
	case strings.HasPrefix(s, "--"):
		if i := strings.IndexByte(s, '\n'); i >= 0 {
			return i + 1
		}
		return len(s)
	case strings.HasPrefix(s, "/*") && len(s) > 2:
		if i := strings.Index(s[2:], "*/"); i >= 0 {
			return i + 4
		}
		return len(s)
	}
	return 0
}

func next(s string) (token, int) {
	switch c := s[0]; {
	case c == '\'':
		v, n := quoted(s, '\'')
		return token{tokenString, v}, n
	case c == '"' || c == '`':
		v, n := quoted(s, c)
		return token{tokenName, v}, n
	case c == '[':
		if i := strings.IndexByte(s, ']'); i >= 0 {
			return token{tokenName, s[1:i]}, i + 1
		}
		return token{tokenOther, s}, len(s)
	case (c == 'x' || c == 'X') && len(s) > 1 && s[1] == '\'':
		_, n := quoted(s[1:], '\'')
		return token{tokenLiteral, s[:n+1]}, n + 1
	case digit(c) || c == '.' && len(s) > 1 && digit(s[1]):
		n := number(s)
		return token{tokenLiteral, s[:n]}, n
	case c == '?' || c == '#' || c == '@' || c == ':' || c == '$':
		n := 1 + span(s[1:], nameByte)
		return token{tokenVariable, s[:n]}, n
	case nameByte(c):
		n := span(s, nameByte)
		return token{tokenWord, strings.ToUpper(s[:n])}, n
	}
	for _, op := range [...]string{"->>", "||", "->", "<=", "<>", "<<", ">=", ">>", "==", "!="} {
		if strings.HasPrefix(s, op) {
			return token{tokenOther, op}, len(op)
		}
	}
	return token{tokenOther, s[:1]}, 1
}

// quoted reads a text between quotes q, which are doubled inside.
func quoted(s string, q byte) (value string, n int) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] == q {
			if i+1 >= len(s) || s[i+1] != q {
				return b.String(), i + 1
			}
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), len(s)
}

func number(s string) int {
	n := span(s, func(c byte) bool { return nameByte(c) || c == '.' })
	// An exponent may have a sign.
	for n < len(s) && (s[n] == '+' || s[n] == '-') && (s[n-1] == 'e' || s[n-1] == 'E') && !hex(s) {
		n += 1 + span(s[n+1:], nameByte)
	}
	return n
}

func hex(s string) bool { return len(s) > 1 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') }

func span(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func nameByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || digit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
