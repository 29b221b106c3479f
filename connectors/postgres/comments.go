package postgres

import (
	"errors"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
)

// readTree is parseTree for texts with comments. Where PostgreSQL's lexer looks at
// two words at once (NOT IN, NULLS FIRST, WITH ORDINALITY, UESCAPE), the library,
// which hands comments on as words, refuses a comment between them that a server
// takes. Such a text is read once more with blanks for comments: they are as long,
// so that every position in the tree stays that of the text.
func readTree(text string) ([]byte, error) {
	b, err := parseTree(text)
	var syntax *syntaxError
	if !errors.As(err, &syntax) {
		return b, err
	}
	plain, ok := blanked(text)
	if !ok {
		return b, err
	}
	if again, errAgain := parseTree(plain); errAgain == nil {
		return again, nil
	}
	return b, err
}

// blanked returns the text with blanks for its comments, and whether it has any.
func blanked(text string) (string, bool) {
	b, err := scanText(text)
	if err != nil {
		return "", false
	}
	var tokens pg.ScanResult
	if err := proto.Unmarshal(b, &tokens); err != nil {
		return "", false
	}
	out, found := []byte(text), false
	for _, t := range tokens.GetTokens() {
		start, end := int(t.GetStart()), int(t.GetEnd())
		if start < 0 || end > len(text) || start > end || !isComment(text[start:end], t.GetToken()) {
			continue
		}
		found = true
		copy(out[start:end], strings.Repeat(" ", end-start))
	}
	return string(out), found
}

func isComment(s string, t pg.Token) bool {
	switch t {
	case pg.Token_SQL_COMMENT:
		return strings.HasPrefix(s, "--") && !strings.ContainsAny(s, "\r\n")
	case pg.Token_C_COMMENT:
		return strings.HasPrefix(s, "/*") && strings.HasSuffix(s, "*/")
	}
	return false
}
