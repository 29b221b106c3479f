package widget

import (
	"strings"
	"unicode"
)

// Token is what a character of SQL is, for colouring alone: nothing is judged by it.
type Token uint8

const (
	TokenPlain Token = iota
	TokenKeyword
	TokenAlarm // words that remove or hand out: drawn as a warning
	TokenString
	TokenNumber
	TokenComment
	TokenOperator
)

var sqlWords = wordSet(`add all analyze and any as asc begin between by case cast check column commit constraint
 create cross current database default desc distinct do else end escape except exists explain false fetch first for
 foreign from full group having if ilike in index inner insert intersect into is join key last lateral left like limit
 lock natural not null nulls of offset on only or order outer over partition primary references returning right rollback
 row rows schema select sequence set show some start table temp then to transaction true union unique update using
 values view when where window with`)

var alarmWords = wordSet(`delete drop truncate alter grant revoke`)

func wordSet(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

// HighlightSQL says what each character of a statement is.
func HighlightSQL(s []rune) []Token {
	out := make([]Token, len(s))
	for i := 0; i < len(s); {
		n, t := nextToken(s[i:])
		for j := range n {
			out[i+j] = t
		}
		i += n
	}
	return out
}

// nextToken returns the length (at least 1) and kind of the token that s starts with.
func nextToken(s []rune) (int, Token) {
	c := s[0]
	switch {
	case c == '-' && peek(s, 1) == '-':
		return until(s, "\n", 2), TokenComment
	case c == '/' && peek(s, 1) == '*':
		return until(s, "*/", 2), TokenComment
	case c == '\'':
		return quoted(s, '\''), TokenString
	case c == '"':
		return quoted(s, '"'), TokenPlain
	case c == '$':
		return dollar(s)
	case unicode.IsDigit(c):
		return span(s, func(r rune) bool { return unicode.IsDigit(r) || r == '.' || r == '_' }), TokenNumber
	case unicode.IsLetter(c) || c == '_':
		n := span(s, wordRune)
		switch w := strings.ToLower(string(s[:n])); {
		case alarmWords[w]:
			return n, TokenAlarm
		case sqlWords[w]:
			return n, TokenKeyword
		}
		return n, TokenPlain
	case strings.ContainsRune("*=<>+-/%|&!~^(),;", c):
		return 1, TokenOperator
	}
	return 1, TokenPlain
}

func wordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '$'
}

func peek(s []rune, i int) rune {
	if i < len(s) {
		return s[i]
	}
	return 0
}

func span(s []rune, ok func(rune) bool) int {
	for i, r := range s {
		if !ok(r) {
			return max(1, i)
		}
	}
	return len(s)
}

// until is the length up to and with the mark, or all.
func until(s []rune, mark string, from int) int {
	m := []rune(mark)
	for i := min(from, len(s)); i+len(m) <= len(s); i++ {
		if string(s[i:i+len(m)]) == mark {
			return i + len(m)
		}
	}
	return len(s)
}

func quoted(s []rune, q rune) int {
	for i := 1; i < len(s); i++ {
		if s[i] != q {
			continue
		}
		if peek(s, i+1) == q {
			i++
			continue
		}
		return i + 1
	}
	return len(s)
}

// dollar is a dollar-quoted string, a parameter, or just a dollar.
func dollar(s []rune) (int, Token) {
	n := 1 + span0(s[1:], func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' })
	if peek(s, n) != '$' {
		return n, TokenNumber
	}
	tag := string(s[:n+1])
	return until(s, tag, n+1), TokenString
}

func span0(s []rune, ok func(rune) bool) int {
	if len(s) == 0 || !ok(s[0]) {
		return 0
	}
	return span(s, ok)
}

// Paint draws text with a style per token; styles[TokenPlain] is the ground.
// Newlines stay, other characters are escaped.
func Paint(text string, styles [7]Style) string {
	rs := []rune(text)
	toks := HighlightSQL(rs)
	var b strings.Builder
	for i := 0; i < len(rs); {
		j := i + 1
		for j < len(rs) && toks[j] == toks[i] && (rs[j] == '\n') == (rs[i] == '\n') {
			j++
		}
		if rs[i] == '\n' {
			b.WriteString(string(rs[i:j]))
		} else {
			b.WriteString(styles[toks[i]].Render(Escape(string(rs[i:j]))))
		}
		i = j
	}
	return b.String()
}

// PaintChopped is Paint broken into lines of at most width cells at exactly the
// width, so that nothing of the text is lost.
func PaintChopped(text string, styles [7]Style, width int) []string {
	if width < 1 {
		return nil
	}
	rs := []rune(text)
	toks := HighlightSQL(rs)
	var out []string
	var line, run strings.Builder
	col, tok := 0, TokenPlain
	flush := func() {
		line.WriteString(styles[tok].Render(run.String()))
		run.Reset()
	}
	end := func() {
		flush()
		out = append(out, line.String())
		line.Reset()
		col = 0
	}
	for i, r := range rs {
		if r == '\n' {
			end()
			continue
		}
		if toks[i] != tok {
			flush()
			tok = toks[i]
		}
		piece := glyph(r, col)
		if !plain(piece) && Width(piece) > width {
			piece = "?"
		}
		for piece != "" {
			w := Width(piece)
			if col > 0 && col+w > width && w <= width {
				end()
			}
			part := piece
			if w > width { // an escape longer than the line
				part = piece[:min(len(piece), width-col)]
			}
			run.WriteString(part)
			col += Width(part)
			piece = piece[len(part):]
			if col >= width && piece != "" {
				end()
			}
		}
	}
	end()
	return out
}

// glyph is what stands for one character at a column.
func glyph(r rune, col int) string {
	if r == '\t' {
		return Spaces(4 - col%4)
	}
	if r >= 0x20 && r < 0x7f {
		return string(r)
	}
	return Escape(string(r))
}
