package tdstest

import (
	"strings"
	"unicode"
)

// statement is one of a batch, in SQLite's words.
type statement struct{ verb, text string }

// statements splits a batch at its semicolons, and turns what SQLite writes in
// another way: N”, 0x, TOP. It does no more than tests need.
func statements(text string) ([]statement, error) {
	var out []statement
	var words []string
	for _, t := range append(pieces(text), ";") {
		if t != ";" {
			words = append(words, t)
			continue
		}
		st, err := translated(words)
		if err != nil {
			return nil, err
		}
		if st.text != "" || st.verb != "" {
			out = append(out, st)
		}
		words = nil
	}
	return out, nil
}

// pieces are the tokens of a text with its white space; comments are left out.
func pieces(text string) []string {
	var out []string
	for len(text) > 0 {
		n := 1
		switch c := text[0]; {
		case c == '\'':
			n = quoted(text, '\'')
		case c == '"':
			n = quoted(text, '"')
		case c == '[':
			n = quoted(text, ']')
		case (c == 'N' || c == 'n') && len(text) > 1 && text[1] == '\'':
			text = text[1:]
			n = quoted(text, '\'')
		case strings.HasPrefix(text, "--"):
			if n = strings.IndexByte(text, '\n'); n < 0 {
				n = len(text)
			}
			text = text[n:]
			continue
		case word(rune(c)):
			for n < len(text) && word(rune(text[n])) {
				n++
			}
		}
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}

func word(r rune) bool {
	return r == '_' || r == '@' || r == '#' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) || r > 127
}

// quoted is how long the quoted piece is that a text begins with; the closing
// quote doubled is one of its characters.
func quoted(text string, end byte) int {
	for i := 1; i < len(text); i++ {
		if text[i] != end {
			continue
		}
		if i+1 < len(text) && text[i+1] == end {
			i++
			continue
		}
		return i + 1
	}
	return len(text)
}

func translated(words []string) (statement, error) {
	var b strings.Builder
	var st statement
	limit := ""
	for i := 0; i < len(words); i++ {
		w := words[i]
		upper := strings.ToUpper(w)
		if st.verb == "" && strings.TrimSpace(w) != "" {
			st.verb = upper
		}
		switch {
		case upper == "TOP":
			for i++; strings.TrimSpace(words[i]) == "" || words[i] == "("; i++ {
			}
			limit = words[i]
			if i+1 < len(words) && words[i+1] == ")" {
				i++
			}
		case strings.HasPrefix(upper, "0X") && len(w) > 2:
			b.WriteString("x'" + w[2:] + "'")
		case upper == "ISNULL":
			b.WriteString("ifnull")
		default:
			b.WriteString(w)
		}
	}
	st.text = strings.TrimSpace(b.String())
	if limit != "" {
		st.text += " limit " + limit
	}
	switch st.verb {
	case "PRINT":
		st.text = strings.Trim(strings.TrimSpace(st.text[len("PRINT"):]), "'")
	case "BEGIN", "COMMIT", "ROLLBACK", "SET", "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "WITH", "":
	case "TRUNCATE":
		st.text = "delete from " + strings.TrimSpace(st.text)[len("TRUNCATE TABLE"):]
	default:
		return st, fault{2812, 62, 16, "Could not find stored procedure '" + strings.TrimSpace(b.String()) + "'."}
	}
	return st, nil
}
