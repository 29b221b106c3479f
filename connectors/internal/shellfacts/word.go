package shellfacts

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sallyport/sallyport/policy"
)

// arg is one word of a command as far as the text tells it.
type arg struct {
	// text is the word, or its beginning where known is not set.
	text  string
	known bool
	// many: it may become any number of words, also none.
	many bool
	// glob: it is a pattern, which the shell replaces by the names it matches.
	glob bool
	// data: it comes from another program's output, as the names xargs reads.
	data bool
	// from is the program whose output it names (<(...)), nil for none.
	from []*syntax.Stmt
}

func known(text string) arg { return arg{text: text, known: true} }

// option reports whether the word is, or may be, an option.
func (a arg) option() bool {
	return strings.HasPrefix(a.text, "-") && a.text != "-" || !a.known && a.text == "" && !a.data
}

// shown is the word as the facts tell it.
func (a arg) shown() string {
	if a.known {
		return a.text
	}
	return a.text + "…"
}

// piece is a part of a word before it is split into fields.
type piece struct {
	text   string
	quoted bool
	known  bool
	many   bool // "$@": any number of words
	glob   bool
	from   []*syntax.Stmt
}

// words evaluates the words of a command.
func (s *scope) words(ws []*syntax.Word) []arg {
	var out []arg
	for _, w := range ws {
		s.substitutions(w)
		for _, b := range s.braces(w) {
			out = append(out, split(s.pieces(b, false))...)
			if s.j.fields += len(out); s.j.fields > maxFields {
				s.j.raise(policy.Unknown, "the command expands to too many words")
				return out
			}
		}
	}
	return out
}

// word evaluates a word that is not split, as a value or a redirection's target.
func (s *scope) word(w *syntax.Word) arg {
	if w == nil {
		return known("")
	}
	s.substitutions(w)
	return join(s.pieces(w.Parts, false))
}

// braces expands {a,b}. A sequence is left as something that is not known.
func (s *scope) braces(w *syntax.Word) [][]syntax.WordPart {
	copied := &syntax.Word{Parts: append([]syntax.WordPart(nil), w.Parts...)}
	if !syntax.SplitBraces(copied) {
		return [][]syntax.WordPart{w.Parts}
	}
	return s.alternatives(copied.Parts, 0)
}

func (s *scope) alternatives(parts []syntax.WordPart, depth int) [][]syntax.WordPart {
	all := [][]syntax.WordPart{nil}
	for _, p := range parts {
		var ends [][]syntax.WordPart
		if b, ok := p.(*syntax.BraceExp); ok && !b.Sequence && depth < 8 {
			for _, e := range b.Elems {
				ends = append(ends, s.alternatives(e.Parts, depth+1)...)
			}
		} else {
			ends = [][]syntax.WordPart{{p}}
		}
		if len(all)*len(ends) > maxFields {
			s.j.raise(policy.Unknown, "the command expands to too many words")
			return all
		}
		var next [][]syntax.WordPart
		for _, a := range all {
			for _, e := range ends {
				next = append(next, append(a[:len(a):len(a)], e...))
			}
		}
		all = next
	}
	return all
}

func (s *scope) pieces(parts []syntax.WordPart, quoted bool) []piece {
	var out []piece
	for i, p := range parts {
		switch p := p.(type) {
		case *syntax.Lit:
			out = append(out, literal(p.Value, quoted, i == 0 && !quoted))
		case *syntax.SglQuoted:
			text := p.Value
			if p.Dollar {
				text = ansiC(text)
			}
			out = append(out, piece{text: text, quoted: true, known: true})
		case *syntax.DblQuoted:
			inner := s.pieces(p.Parts, true)
			if len(inner) == 0 {
				inner = []piece{{quoted: true, known: true}}
			}
			out = append(out, inner...)
		case *syntax.ParamExp:
			out = append(out, s.parameter(p, quoted)...)
		case *syntax.CmdSubst:
			text, ok := s.output(p.Stmts)
			out = append(out, piece{text: strings.TrimRight(text, "\n"), known: ok, quoted: quoted})
		case *syntax.ArithmExp:
			out = append(out, piece{quoted: true})
		case *syntax.ProcSubst:
			out = append(out, piece{text: "/dev/fd/63", known: true, quoted: true, from: p.Stmts})
		case *syntax.ExtGlob:
			out = append(out, piece{text: p.Pattern.Value, known: true, glob: true, quoted: quoted})
		default: // a sequence of braces, or what this version does not know
			out = append(out, piece{glob: true, quoted: true})
		}
	}
	return out
}

// literal takes the backslashes away and finds patterns and the tilde.
func literal(v string, quoted, first bool) piece {
	p := piece{known: true, quoted: true} // literals are never split
	var b strings.Builder
	for i := 0; i < len(v); i++ {
		c := v[i]
		switch {
		case c == '\\' && i+1 < len(v):
			n := v[i+1]
			i++
			if n == '\n' {
				continue
			}
			if quoted && !strings.ContainsRune("$`\"\\", rune(n)) {
				b.WriteByte('\\')
			}
			b.WriteByte(n)
			continue
		case !quoted && (c == '*' || c == '?' || c == '['):
			p.glob = true
		}
		b.WriteByte(c)
	}
	p.text = b.String()
	if p.glob && p.text == "[" {
		p.glob = false // the command
	}
	return p
}

// join makes one word of pieces, unsplit.
func join(ps []piece) arg {
	a := arg{known: true}
	for _, p := range ps {
		a.add(p)
	}
	return a
}

func (a *arg) add(p piece) {
	a.glob = a.glob || p.glob
	a.many = a.many || p.many
	if p.from != nil {
		a.from = p.from
	}
	if a.known {
		a.text += p.text
		a.known = p.known
	}
	if len(a.text) > maxValue {
		a.text, a.known = a.text[:16], false
	}
}

const blanks = " \t\n"

// split makes fields as a shell does with its usual IFS.
func split(ps []piece) []arg {
	var out []arg
	cur, begun := arg{known: true}, false
	end := func() {
		if begun {
			out = append(out, cur)
		}
		cur, begun = arg{known: true}, false
	}
	for _, p := range ps {
		switch {
		case p.quoted:
			cur.add(p)
			begun = true
		case !p.known:
			p.many = true
			cur.add(p)
			begun = true
		default:
			fields := strings.Fields(p.text)
			if p.text != "" && strings.ContainsRune(blanks, rune(p.text[0])) {
				end()
			}
			for i, f := range fields {
				if i > 0 {
					end()
				}
				cur.add(piece{text: f, known: true, glob: strings.ContainsAny(f, "*?[")})
				begun = true
			}
			if n := len(p.text); n > 0 && len(fields) > 0 && strings.ContainsRune(blanks, rune(p.text[n-1])) {
				end()
			}
		}
	}
	end()
	return out
}
