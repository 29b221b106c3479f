package shellfacts

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sallyport/sallyport/policy"
)

// environment is what a login's variables stand for: words that are no option
// and tell enough of where they point.
var environment = map[string]string{
	"HOME": "~", "PWD": ".", "OLDPWD": "..", "USER": "user", "LOGNAME": "user", "HOSTNAME": "host", "UID": "1000", "EUID": "1000", "SHELL": "/bin/sh",
	"TMPDIR": "/tmp", "LANG": "C", "TERM": "xterm",
}

// parameter evaluates $x and ${x...}.
func (s *scope) parameter(p *syntax.ParamExp, quoted bool) []piece {
	unknown := []piece{{quoted: quoted}}
	if p.Param == nil || p.Excl || p.Names != 0 {
		return unknown
	}
	name := p.Param.Value
	if secretVariable(name) {
		s.j.raise(policy.Privilege, "reads the variable "+name+", which looks like a credential")
	}
	switch {
	case p.Length || strings.Contains("$?!#", name):
		return []piece{{text: "", quoted: true}} // a number
	case p.Index != nil:
		return s.elements(p, quoted)
	case name == "@" || name == "*":
		return []piece{{quoted: quoted, many: true}}
	}
	text, ok := s.value(name)
	if p.Exp != nil {
		text, ok = s.expansion(p.Exp, text, ok)
	}
	if p.Slice != nil || p.Repl != nil || !ok {
		return unknown
	}
	if s.ifs && !quoted && strings.Trim(text, wordBytes) != "" {
		return unknown // it is split by an IFS that is not the usual one
	}
	return []piece{{text: text, known: true, quoted: quoted, glob: s.vars[name].glob || !quoted && strings.ContainsAny(text, "*?[")}}
}

// elements are those of ${x[@]}, where they are known.
func (s *scope) elements(p *syntax.ParamExp, quoted bool) []piece {
	w, ok := p.Index.(*syntax.Word)
	v := s.vars[p.Param.Value]
	if !ok || w.Lit() != "@" && w.Lit() != "*" || v.list == "" || p.Exp != nil || p.Slice != nil || p.Repl != nil || s.ifs {
		return []piece{{quoted: quoted, many: true}}
	}
	var out []piece
	for i, e := range strings.Split(v.list, "\x00") {
		if i > 0 {
			out = append(out, piece{text: " ", known: true})
		}
		out = append(out, piece{text: e, known: true, quoted: quoted})
	}
	return out
}

const wordBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

func (s *scope) value(name string) (string, bool) {
	if v, ok := s.vars[name]; ok {
		return v.text, v.known
	}
	if name == "IFS" {
		return " \t\n", true
	}
	v, ok := environment[name]
	return v, ok
}

// expansion is ${x:-word} and its like where the text tells the outcome.
func (s *scope) expansion(e *syntax.Expansion, text string, ok bool) (string, bool) {
	switch e.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AssignUnset, syntax.AssignUnsetOrNull, syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		return text, ok && text != ""
	}
	return "", false
}

// ansiC decodes the escapes of $'...'.
func ansiC(v string) string {
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		if v[i] != '\\' || i+1 >= len(v) {
			b.WriteByte(v[i])
			continue
		}
		i++
		c := v[i]
		if plain, ok := ansiPlain[c]; ok {
			b.WriteByte(plain)
			continue
		}
		switch {
		case c == 'x':
			i += code(&b, v[i+1:], 16, 2, false)
		case c == 'u':
			i += code(&b, v[i+1:], 16, 4, true)
		case c == 'U':
			i += code(&b, v[i+1:], 16, 8, true)
		case c >= '0' && c <= '7':
			i += code(&b, v[i:], 8, 3, false) - 1
		case c == 'c' && i+1 < len(v):
			i++
			b.WriteByte(v[i] & 0x1f)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}

var ansiPlain = map[byte]byte{
	'a': 7, 'b': 8, 'e': 27, 'E': 27, 'f': 12, 'n': '\n', 'r': '\r', 't': '\t', 'v': 11, '\\': '\\', '\'': '\'', '"': '"', '?': '?',
}

// code writes the character whose number stands at the start of v, and returns
// how long the number is.
func code(b *strings.Builder, v string, base, most int, unicode bool) int {
	n := 0
	for n < len(v) && n < most {
		if _, err := strconv.ParseUint(v[n:n+1], base, 8); err != nil {
			break
		}
		n++
	}
	x, err := strconv.ParseUint(v[:n], base, 32)
	switch {
	case err != nil:
	case unicode:
		b.WriteRune(rune(x))
	default:
		b.WriteByte(byte(x))
	}
	return n
}
