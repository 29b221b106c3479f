package syntax

import "strings"

// TokenKind is what a token is.
type TokenKind uint8

const (
	Other    TokenKind = iota // an operator or anything else
	Word                      // a keyword or an unquoted name
	Quoted                    // a quoted name; Text is what it names
	String                    // a string; Text is its value
	Literal                   // a number, a blob
	Variable                  // ?1, :x, @x, $x
)

// Token is one token. Text is in capitals where it is a Word, and Name is as it
// is written; [Pos, End) is where it stands in the text that was split.
type Token struct {
	Kind     TokenKind
	Text     string
	Name     string
	Pos, End int
}

// Is reports whether the token is the unquoted word, which is given in capitals.
func (t Token) Is(word string) bool { return t.Kind == Word && t.Text == word }

// Op reports whether the token is the operator.
func (t Token) Op(text string) bool { return t.Kind == Other && t.Text == text }

// Lex splits a text into tokens as sqlite3GetToken (tokenize.c) does. Comments
// and white space are left out. It accepts everything; what SQLite would refuse
// comes out as Other.
func Lex(text string) []Token {
	at := 0
	var out []Token
	for at < len(text) {
		if n := blank(text[at:]); n > 0 {
			at += n
			continue
		}
		t, n := next(text[at:])
		t.Pos, t.End = at, at+n
		out = append(out, t)
		at += n
	}
	return out
}

// Fold is a name as SQLite compares it: only the letters of ASCII have cases.
func Fold(s string) string { return ascii(s, 'A', 'Z', 'a'-'A') }

func capitals(s string) string { return ascii(s, 'a', 'z', -('a' - 'A')) }

func ascii(s string, from, to byte, by int) string {
	for i := 0; i < len(s); i++ {
		if s[i] < from || s[i] > to {
			continue
		}
		b := []byte(s)
		for k, c := range b {
			if c >= from && c <= to {
				b[k] = byte(int(c) + by)
			}
		}
		return string(b)
	}
	return s
}

// blank returns the length of the white space or comment at the beginning.
func blank(s string) int {
	switch {
	case strings.IndexByte(" \t\n\f\r", s[0]) >= 0:
		return 1
	case strings.HasPrefix(s, "\ufeff"): // wherever a token begins
		return len("\ufeff")
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

func next(s string) (Token, int) {
	switch c := s[0]; {
	case c == '\'':
		v, n := quoted(s, '\'')
		return Token{Kind: String, Text: v, Name: v}, n
	case c == '"' || c == '`':
		v, n := quoted(s, c)
		return Token{Kind: Quoted, Text: v, Name: v}, n
	case c == '[':
		if i := strings.IndexByte(s, ']'); i >= 0 {
			return Token{Kind: Quoted, Text: s[1:i], Name: s[1:i]}, i + 1
		}
		return Token{Kind: Other, Text: s}, len(s)
	case (c == 'x' || c == 'X') && len(s) > 1 && s[1] == '\'':
		_, n := quoted(s[1:], '\'')
		return Token{Kind: Literal, Text: s[:n+1]}, n + 1
	case digit(c) || c == '.' && len(s) > 1 && digit(s[1]):
		n := number(s)
		return Token{Kind: Literal, Text: s[:n]}, n
	case c == '?' || c == '#' || c == '@' || c == ':' || c == '$':
		n := 1 + span(s[1:], nameByte)
		return Token{Kind: Variable, Text: s[:n]}, n
	case nameByte(c):
		n := span(s, nameByte)
		return Token{Kind: Word, Text: capitals(s[:n]), Name: s[:n]}, n
	}
	for _, op := range [...]string{"->>", "||", "->", "<=", "<>", "<<", ">=", ">>", "==", "!="} {
		if strings.HasPrefix(s, op) {
			return Token{Kind: Other, Text: op}, len(op)
		}
	}
	return Token{Kind: Other, Text: s[:1]}, 1
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
