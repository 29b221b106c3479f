package sqltext

import "strings"

// batch is where the word stands alone on its line, with a count or without, -1 where
// nowhere.
func batch(tokens []Token, text, word string) int {
	for i, t := range tokens {
		if t.Kind != Word || !strings.EqualFold(t.Text, word) {
			continue
		}
		before := strings.TrimSpace(text[strings.LastIndexByte(text[:t.At], '\n')+1 : t.At])
		if before != "" && i > 0 && !strings.Contains(text[tokens[i-1].end():t.At], "\n") {
			continue
		}
		if i+1 == len(tokens) || strings.Contains(text[t.end():tokens[i+1].At], "\n") || tokens[i+1].Kind == Number {
			return t.At
		}
	}
	return -1
}

// Split cuts a token list at its semicolons. Empty statements are left out.
func Split(tokens []Token) [][]Token {
	var all [][]Token
	from := 0
	for i := 0; i <= len(tokens); i++ {
		if i < len(tokens) && !tokens[i].Sym(";") {
			continue
		}
		if i > from {
			all = append(all, tokens[from:i])
		}
		from = i + 1
	}
	return all
}

// Single returns the tokens of a text's only statement. A semicolon may end it.
func Single(tokens []Token) ([]Token, error) {
	switch all := Split(tokens); len(all) {
	case 0:
		return nil, &Error{0, "there is no statement in the text"}
	case 1:
		return all[0], nil
	default:
		return nil, &Error{all[1][0].At, "the text holds more than one statement"}
	}
}

// Another is the first token at which a dialect without semicolons may begin a second
// statement: a starting word that stands outside of brackets and is not the first. A
// SELECT after UNION, EXCEPT or INTERSECT [ALL] is none. Where the first word is not SELECT,
// a form may have such words of its own (INSERT … SELECT): the caller judges.
func Another(d Dialect, statement []Token) (Token, bool) {
	if !d.Bare {
		return Token{}, false
	}
	for i, t := range statement {
		if i == 0 || t.Depth > 0 || !d.Starters[t.upper()] {
			continue
		}
		p := statement[i-1]
		if p.Is("ALL") && i > 1 {
			p = statement[i-2]
		}
		if t.Is("SELECT") && p.Is("UNION", "EXCEPT", "INTERSECT") {
			continue
		}
		return t, true
	}
	return Token{}, false
}
