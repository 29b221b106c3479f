package shell

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// MaxText is the longest text that is read.
	MaxText = 1 << 20
	// maxDepth bounds the nesting of values; the server takes 100.
	maxDepth = 80
)

// Error says what is wrong with a text.
type Error struct {
	Text string
	Hint string // "" where there is none
	at   int    // where in the text, in characters
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Text
	}
	return e.Text + ": " + e.Hint
}

// parser reads a text once, from its beginning to its end.
type parser struct {
	s     string
	at    int
	depth int
}

func (p *parser) fail(format string, args ...any) error {
	return &Error{Text: fmt.Sprintf(format, args...), at: p.character()}
}

func (p *parser) hinted(hint, format string, args ...any) error {
	return &Error{Text: fmt.Sprintf(format, args...), Hint: hint, at: p.character()}
}

// character is where the reading is, in characters.
func (p *parser) character() int { return utf8.RuneCountInString(p.s[:min(p.at, len(p.s))]) }

// space skips white space and comments.
func (p *parser) space() error {
	for p.at < len(p.s) {
		switch c := p.s[p.at]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			p.at++
		case strings.HasPrefix(p.s[p.at:], "//"):
			end := strings.IndexByte(p.s[p.at:], '\n')
			if end < 0 {
				p.at = len(p.s)
			} else {
				p.at += end
			}
		case strings.HasPrefix(p.s[p.at:], "/*"):
			end := strings.Index(p.s[p.at+2:], "*/")
			if end < 0 {
				return p.fail("a comment does not end")
			}
			p.at += 2 + end + 2
		default:
			return nil
		}
	}
	return nil
}

// peek is the next character after white space, 0 at the end.
func (p *parser) peek() (byte, error) {
	if err := p.space(); err != nil {
		return 0, err
	}
	if p.at == len(p.s) {
		return 0, nil
	}
	return p.s[p.at], nil
}

// take takes c if it is next.
func (p *parser) take(c byte) (bool, error) {
	next, err := p.peek()
	if err != nil || next != c {
		return false, err
	}
	p.at++
	return true, nil
}

func (p *parser) expect(c byte) error {
	ok, err := p.take(c)
	switch {
	case err != nil:
		return err
	case ok:
		return nil
	case p.at == len(p.s):
		return p.fail("the text ends where %q should come", string(c))
	}
	return p.fail("%q should come here, and %s does", string(c), p.found())
}

// found names what is next, for errors.
func (p *parser) found() string {
	r, _ := utf8.DecodeRuneInString(p.s[p.at:])
	return strconv.QuoteRune(r)
}

func identStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$'
}

func identPart(c byte) bool { return identStart(c) || c >= '0' && c <= '9' }

// ident reads a name, "" where none is next.
func (p *parser) ident() string {
	if p.at == len(p.s) || !identStart(p.s[p.at]) {
		return ""
	}
	from := p.at
	for p.at < len(p.s) && identPart(p.s[p.at]) {
		p.at++
	}
	return p.s[from:p.at]
}

// str reads a quoted string.
func (p *parser) str() (string, error) {
	quote := p.s[p.at]
	p.at++
	var b strings.Builder
	for p.at < len(p.s) {
		c := p.s[p.at]
		switch {
		case c == quote:
			p.at++
			return b.String(), nil
		case c == '\n' || c == '\r':
			return "", p.fail("a string does not end on its line")
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	return "", p.fail("a string does not end")
}

var escapes = map[byte]rune{
	'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'v': '\v',
	'\'': '\'', '"': '"', '\\': '\\', '/': '/', '.': '.', '-': '-', '$': '$', '@': '@',
}

// escape reads one escape sequence. Those of which shells could think otherwise are
// refused.
func (p *parser) escape() (rune, error) {
	if p.at+1 == len(p.s) {
		return 0, p.fail("a string does not end")
	}
	c := p.s[p.at+1]
	if r, ok := escapes[c]; ok {
		p.at += 2
		return r, nil
	}
	switch c {
	case 'x':
		return p.hex(p.at+2, 2)
	case 'u':
		r, err := p.hex(p.at+2, 4)
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if strings.HasPrefix(p.s[p.at:], `\u`) {
			low, err := p.hex(p.at+2, 4)
			if r = utf16.DecodeRune(r, low); err == nil && r != utf8.RuneError {
				return r, nil
			}
		}
		return 0, p.fail("an escape is half of a character")
	}
	return 0, p.fail("the escape \\%s is not known", strings.Trim(strconv.QuoteRune(rune(c)), "'"))
}

func (p *parser) hex(from, n int) (rune, error) {
	if from+n > len(p.s) {
		return 0, p.fail("an escape does not end")
	}
	v, err := strconv.ParseUint(p.s[from:from+n], 16, 32)
	if err != nil || strings.ContainsAny(p.s[from:from+n], "+-_") {
		return 0, p.fail("an escape is not in hexadecimal")
	}
	p.at = from + n
	return rune(v), nil
}

// regex reads a literal, of which the first slash is next.
func (p *parser) regex() (pattern, options string, err error) {
	var b strings.Builder
	class := false
	for p.at++; ; p.at++ {
		if p.at == len(p.s) || p.s[p.at] == '\n' || p.s[p.at] == '\r' {
			return "", "", p.fail("a regular expression does not end on its line")
		}
		c := p.s[p.at]
		if c == '/' && !class {
			break
		}
		switch {
		case c == '[':
			class = true
		case c == ']':
			class = false
		case c == 0:
			return "", "", p.fail("a regular expression holds NUL")
		case c == '\\' && p.at+1 < len(p.s) && p.s[p.at+1] != '\n' && p.s[p.at+1] != '\r':
			p.at++
			if p.s[p.at] != '/' {
				b.WriteByte('\\')
			}
			c = p.s[p.at]
		}
		b.WriteByte(c)
	}
	p.at++
	options, err = p.options(p.ident())
	return b.String(), options, err
}

// options checks a regular expression's and puts them in order.
func (p *parser) options(s string) (string, error) {
	out := ""
	for _, o := range "imsxu" {
		switch n := strings.Count(s, string(o)); {
		case n > 1:
			return "", p.fail("the option %q of a regular expression is there twice", string(o))
		case n == 1:
			out += string(o)
		}
	}
	if len(out) != len(s) {
		return "", p.fail("options of a regular expression are i, m, s, x and u")
	}
	return out, nil
}

// Position is the 1-based character that the error points at.
func (e *Error) Position() int { return e.at + 1 }
