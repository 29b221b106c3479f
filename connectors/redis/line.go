package redis

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxText = 256 << 10 // bytes of a statement
	maxArgs = 10_000
)

var (
	errEmpty   = errors.New("there is no command in the text")
	errSeveral = errors.New("a statement is one command, on one line; a line break in a value is written within quotes")
	errQuote   = errors.New("a quote is not closed")
	errBehind  = errors.New("right behind a closing quote there must be white space")
)

// split reads a statement as redis-cli reads a line: arguments with white space
// between, "..." with \n, \r, \t, \b, \a, \xHH and a backslash before any other
// character for that one, '...' with \' alone. A semicolon at the end that is not
// quoted ends the statement and is no part of it.
func split(text string) ([]string, error) {
	switch {
	case len(text) > maxText:
		return nil, fmt.Errorf("the statement is longer than %d KiB", maxText>>10)
	case !utf8.ValidString(text):
		return nil, errors.New(`the statement is not valid UTF-8: write other bytes as "\xHH"`)
	}
	s := &splitter{text: strings.Trim(text, " \t\r\n")}
	var args []string
	for {
		s.space()
		if s.at == len(s.text) {
			break
		}
		arg, err := s.argument()
		if err != nil {
			return nil, err
		}
		if len(args) == maxArgs {
			return nil, fmt.Errorf("the command has more than %d arguments", maxArgs)
		}
		args = append(args, arg)
	}
	if n := len(args); n > 0 && s.bare && args[n-1] == "" {
		args = args[:n-1] // the semicolon stood alone
	}
	if len(args) == 0 {
		return nil, errEmpty
	}
	return args, nil
}

type splitter struct {
	text string
	at   int
	bare bool // the last argument was nothing but the ending semicolon
}

func (s *splitter) space() {
	for s.at < len(s.text) && (s.text[s.at] == ' ' || s.text[s.at] == '\t') {
		s.at++
	}
}

// argument reads one argument.
func (s *splitter) argument() (string, error) {
	var b strings.Builder
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == ' ' || c == '\t':
			return b.String(), nil
		case c == '\n' || c == '\r':
			return "", errSeveral
		case c < ' ' || c == 0x7f:
			return "", errors.New(`the statement holds a control character: write it as "\xHH"`)
		case c == '"' || c == '\'':
			s.at++
			if err := s.quoted(&b, c); err != nil {
				return "", err
			}
			return b.String(), s.behind()
		case c == ';' && s.at == len(s.text)-1:
			s.at++
			s.bare = b.Len() == 0
			return b.String(), nil
		default:
			b.WriteByte(c)
			s.at++
		}
	}
	return b.String(), nil
}

// behind checks what stands behind a closing quote.
func (s *splitter) behind() error {
	if s.at == len(s.text) || s.text[s.at] == ' ' || s.text[s.at] == '\t' {
		return nil
	}
	if s.text[s.at:] == ";" {
		s.at++
		return nil
	}
	if c := s.text[s.at]; c == '\n' || c == '\r' {
		return errSeveral
	}
	return errBehind
}

// quoted reads up to the closing quote.
func (s *splitter) quoted(b *strings.Builder, quote byte) error {
	for ; s.at < len(s.text); s.at++ {
		c := s.text[s.at]
		switch {
		case c == quote:
			s.at++
			return nil
		case c == '\\' && quote == '\'' && strings.HasPrefix(s.text[s.at+1:], "'"):
			s.at++
			b.WriteByte('\'')
		case c == '\\' && quote == '"' && s.at+1 < len(s.text):
			s.at++
			s.escape(b)
		default:
			b.WriteByte(c)
		}
	}
	return errQuote
}

var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'a': '\a'}

// escape reads what follows a backslash and leaves at its last byte.
func (s *splitter) escape(b *strings.Builder) {
	c := s.text[s.at]
	if c == 'x' && s.at+2 < len(s.text) {
		if hi, lo := nibble(s.text[s.at+1]), nibble(s.text[s.at+2]); hi >= 0 && lo >= 0 {
			b.WriteByte(byte(hi<<4 | lo))
			s.at += 2
			return
		}
	}
	if e, ok := escapes[c]; ok {
		c = e
	}
	b.WriteByte(c)
}

func nibble(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// Quote writes an argument such that split reads it back: as it is where that is
// plain, else within double quotes.
func Quote(arg string) string {
	plain := arg != "" && utf8.ValidString(arg) && !strings.ContainsFunc(arg, func(r rune) bool {
		return r <= ' ' || r == '"' || r == '\'' || r == ';' || r == 0x7f || r >= 0x80 && r < 0xa0
	})
	if plain {
		return arg
	}
	var b strings.Builder
	b.WriteByte('"')
	quoteTo(&b, arg)
	b.WriteByte('"')
	return b.String()
}

func quoteTo(b *strings.Builder, arg string) {
	for i := 0; i < len(arg); {
		r, n := utf8.DecodeRuneInString(arg[i:])
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteByte(arg[i])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && n <= 1, r < ' ', r >= 0x7f && r < 0xa0:
			for _, c := range []byte(arg[i : i+n]) {
				fmt.Fprintf(b, `\x%02x`, c)
			}
		default:
			b.WriteString(arg[i : i+n])
		}
		i += n
	}
}
