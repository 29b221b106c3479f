package sqltext

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Kind is what a token is.
type Kind uint8

const (
	Symbol   Kind = iota // an operator, a bracket, a comma
	Word                 // without quotes: a name or a keyword
	Name                 // a quoted name
	String               // a text
	Number               // a number
	Variable             // @name
)

// Token is one of a text, comments left out.
type Token struct {
	Kind Kind
	// Text is the token as it stands in the text.
	Text string
	// Value is a name's or string's content, a word's or symbol's text. That of a
	// string with backslashes is as it stands in the text, and Escaped is set.
	Value   string
	Escaped bool
	// At is the byte of the text where it begins.
	At int
	// Depth is the number of brackets around it; a bracket's is that of the outside.
	Depth int
}

// Is reports whether the token is one of the words, which are given in capitals.
func (t Token) Is(words ...string) bool {
	if t.Kind != Word {
		return false
	}
	for _, w := range words {
		if strings.EqualFold(t.Text, w) {
			return true
		}
	}
	return false
}

// Sym reports whether the token is one of the symbols.
func (t Token) Sym(symbols ...string) bool {
	if t.Kind != Symbol {
		return false
	}
	for _, s := range symbols {
		if t.Text == s {
			return true
		}
	}
	return false
}

// Named reports whether the token may name something: a word or a quoted name.
func (t Token) Named() bool { return t.Kind == Word || t.Kind == Name }

// end is the byte after the token.
func (t Token) end() int { return t.At + len(t.Text) }

// upper is a word in capitals, "" for any other token.
func (t Token) upper() string {
	if t.Kind != Word {
		return ""
	}
	return strings.ToUpper(t.Text)
}

// Error is why a text was not read, and the byte at which.
type Error struct {
	At  int
	Why string
}

func (e *Error) Error() string { return e.Why }

// Bounds of a text. More is refused.
const (
	MaxText   = 64 << 10 // bytes
	MaxTokens = 20_000
	MaxDepth  = 200 // brackets
)

// lexer cuts one text. open are the brackets that stand open.
type lexer struct {
	d      *Dialect
	s      string
	i      int
	tokens []Token
	open   []byte
}

// Lex cuts a text into tokens. Its errors are *Error.
func Lex(d Dialect, text string) ([]Token, error) {
	switch {
	case len(text) > MaxText:
		return nil, &Error{MaxText, fmt.Sprintf("the statement is longer than %d KiB", MaxText>>10)}
	case !utf8.ValidString(text):
		return nil, &Error{0, "the statement is not valid UTF-8"}
	}
	l := &lexer{d: &d, s: text}
	for {
		if err := l.space(); err != nil {
			return nil, err
		}
		if l.i == len(l.s) {
			break
		}
		if len(l.tokens) == MaxTokens {
			return nil, l.fail(l.i, "the statement has too many words to judge")
		}
		if err := l.next(); err != nil {
			return nil, err
		}
	}
	if len(l.open) > 0 {
		return nil, l.fail(len(text), fmt.Sprintf("a %c is never closed", l.open[len(l.open)-1]))
	}
	if d.Batch != "" {
		if at := batch(l.tokens, text, d.Batch); at >= 0 {
			return nil, l.fail(at, d.Batch+" ends a batch for some clients; the server does not know it")
		}
	}
	return l.tokens, nil
}

func (l *lexer) fail(at int, why string) *Error { return &Error{at, why} }

// peek is the byte n places on, 0 past the end.
func (l *lexer) peek(n int) byte {
	if l.i+n < len(l.s) {
		return l.s[l.i+n]
	}
	return 0
}

// space passes white space and comments.
func (l *lexer) space() error {
	for l.i < len(l.s) {
		switch c := l.s[l.i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.i++
		case c == '-' && l.peek(1) == '-':
			if err := l.lineComment(); err != nil {
				return err
			}
		case c == '/' && l.peek(1) == '*':
			if err := l.comment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// lineComment passes a comment to the end of its line. What a server may take for an
// end of line, and another may not, is refused.
func (l *lexer) lineComment() error {
	start := l.i
	end := strings.IndexByte(l.s[l.i:], '\n')
	if end < 0 {
		end = len(l.s) - l.i
	}
	text := strings.TrimSuffix(l.s[l.i:l.i+end], "\r")
	if strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\t' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029
	}) {
		return l.fail(start, "a comment holds what may end its line")
	}
	l.i += end
	return nil
}

func (l *lexer) comment() error {
	start := l.i
	depth := 1
	for l.i += 2; l.i < len(l.s); l.i++ {
		switch {
		case l.s[l.i] == 0:
			return l.fail(l.i, "the statement holds a control character")
		case l.s[l.i] == '*' && l.peek(1) == '/':
			l.i++
			if depth--; depth == 0 {
				l.i++
				return nil
			}
		case l.s[l.i] == '/' && l.peek(1) == '*':
			if !l.d.Nested {
				return l.fail(l.i, "a comment begins within a comment: where it ends depends on the server's version")
			}
			l.i++
			if depth++; depth > MaxDepth {
				return l.fail(l.i, "comments are nested too deeply")
			}
		}
	}
	return l.fail(start, "a comment never ends")
}

// next cuts the next token.
func (l *lexer) next() error {
	c := l.s[l.i]
	switch {
	case l.d.National && (c == 'N' || c == 'n') && l.peek(1) == '\'':
		return l.quoted(l.i, l.i+1, '\'', String)
	case l.d.Variables && c == '@':
		return l.variable()
	case l.wordByte(c, true):
		return l.word()
	case isDigit(c), c == '.' && isDigit(l.peek(1)) && !l.afterOperand():
		return l.number()
	case c == '\'':
		return l.quoted(l.i, l.i, c, String)
	case c == '"':
		return l.quoted(l.i, l.i, c, Name)
	case c == '`' && l.d.Backticks:
		return l.quoted(l.i, l.i, c, Name)
	case c == '[' && l.d.Brackets:
		return l.quoted(l.i, l.i, ']', Name)
	}
	return l.symbol()
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (l *lexer) wordByte(c byte, first bool) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		return true
	case first:
		return c == '#' && strings.IndexByte(l.d.MoreWord, '#') >= 0
	}
	return isDigit(c) || c != 0 && strings.IndexByte(l.d.MoreWord, c) >= 0
}

// afterOperand reports whether the last token ends here and is what a dot may follow.
func (l *lexer) afterOperand() bool {
	if len(l.tokens) == 0 {
		return false
	}
	t := l.tokens[len(l.tokens)-1]
	return t.end() == l.i && (t.Named() || t.Kind == Number || t.Sym(")", "]"))
}

func (l *lexer) add(kind Kind, from, to int, value string, escaped bool) error {
	l.tokens = append(l.tokens, Token{Kind: kind, Text: l.s[from:to], Value: value, Escaped: escaped, At: from, Depth: len(l.open)})
	l.i = to
	return nil
}

func (l *lexer) word() error {
	to := l.i + 1
	for to < len(l.s) && l.wordByte(l.s[to], false) {
		to++
	}
	if to < len(l.s) && strings.IndexByte("'\"`", l.s[to]) >= 0 {
		return l.fail(to, "a quote follows a word without a space")
	}
	return l.add(Word, l.i, to, l.s[l.i:to], false)
}

func (l *lexer) variable() error {
	to := l.i + 1
	for to < len(l.s) && l.wordByte(l.s[to], false) {
		to++
	}
	if to == l.i+1 || to < len(l.s) && strings.IndexByte("'\"`", l.s[to]) >= 0 {
		return l.fail(l.i, "a variable has no name")
	}
	return l.add(Variable, l.i, to, l.s[l.i:to], false)
}

func (l *lexer) number() error {
	to := l.i
	run := func(hex bool) {
		for to < len(l.s) && (isDigit(l.s[to]) || hex && strings.IndexByte("abcdefABCDEF", l.s[to]) >= 0) {
			to++
		}
	}
	if l.s[to] == '0' && (l.peek(1) == 'x' || l.peek(1) == 'X') {
		to += 2
		run(true)
	} else {
		run(false)
		if to < len(l.s) && l.s[to] == '.' {
			to++
			run(false)
		}
		if to < len(l.s) && (l.s[to] == 'e' || l.s[to] == 'E') {
			to++
			if to < len(l.s) && (l.s[to] == '+' || l.s[to] == '-') {
				to++
			}
			run(false)
		}
	}
	if to < len(l.s) && (l.wordByte(l.s[to], false) || strings.IndexByte("'\"`", l.s[to]) >= 0) {
		return l.fail(to, "a number and a word run together")
	}
	return l.add(Number, l.i, to, l.s[l.i:to], false)
}

// quoted cuts what stands in quotes: the token begins at from, its first quote at at.
func (l *lexer) quoted(from, at int, quote byte, kind Kind) error {
	doubled, escaped := false, false
	for i := at + 1; i < len(l.s); i++ {
		switch c := l.s[i]; {
		case c == 0:
			return l.fail(i, "the statement holds a control character")
		case c == '\\' && l.d.Backslashes:
			escaped = true
			i++
		case c == quote && i+1 < len(l.s) && l.s[i+1] == quote:
			doubled = true
			i++
		case c == quote:
			return l.closed(from, at, i, quote, kind, doubled, escaped)
		}
	}
	return l.fail(from, "a quote never ends")
}

func (l *lexer) closed(from, at, end int, quote byte, kind Kind, doubled, escaped bool) error {
	value := l.s[at+1 : end]
	if kind == Name {
		switch {
		case escaped:
			return l.fail(from, "a name is written with a backslash")
		case value == "":
			return l.fail(from, "a name is empty")
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return l.fail(from, "a name holds a control character")
		}
	}
	if doubled && !escaped {
		value = strings.ReplaceAll(value, string([]byte{quote, quote}), string([]byte{quote}))
	}
	if end+1 < len(l.s) {
		if c := l.s[end+1]; l.wordByte(c, false) || strings.IndexByte("'\"`", c) >= 0 {
			return l.fail(end+1, "a word or quote follows a quote without a space")
		}
	}
	return l.add(kind, from, end+1, value, escaped)
}

// symbols of more than one character, longest first.
var symbols = []string{"<=>", "->", "::", "||", "==", "!=", "<>", "<=", ">=", "!<", "!>", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^="}

func (l *lexer) symbol() error {
	for _, s := range symbols {
		if strings.HasPrefix(l.s[l.i:], s) {
			return l.add(Symbol, l.i, l.i+len(s), s, false)
		}
	}
	c := l.s[l.i]
	switch c {
	case '/':
		if l.peek(1) == '/' {
			return l.fail(l.i, "what // begins may be a comment")
		}
	case '(', '[', '{':
		if len(l.open) == MaxDepth {
			return l.fail(l.i, "the statement is nested too deeply to judge")
		}
		if err := l.add(Symbol, l.i, l.i+1, string(c), false); err != nil {
			return err
		}
		l.open = append(l.open, c)
		return nil
	case ')', ']', '}':
		want := map[byte]byte{')': '(', ']': '[', '}': '{'}[c]
		if len(l.open) == 0 || l.open[len(l.open)-1] != want {
			return l.fail(l.i, fmt.Sprintf("a %c closes nothing", c))
		}
		l.open = l.open[:len(l.open)-1]
	case ';', ',', '.', '+', '-', '*', '%', '<', '>', '=', '?', ':', '&', '|', '^', '~', '!':
	default:
		r, _ := utf8.DecodeRuneInString(l.s[l.i:])
		return l.fail(l.i, fmt.Sprintf("the character %q stands outside of quotes", r))
	}
	return l.add(Symbol, l.i, l.i+1, string(c), false)
}
