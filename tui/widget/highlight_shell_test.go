package widget

import "testing"

// TestHighlightShell: what one sees of a command.
func TestHighlightShell(t *testing.T) {
	for text, want := range map[string]string{
		`db.a.find({b: "x\"y"})`: "kkopokkkkoopoPssssssoo",
		`db.a.drop() // x`:       "kkopoaaaaooPcccc",
		`{$where: 15}`:           "oaaaaaaoPnno",
		`'open`:                  "sssss",
		`"a\`:                    "sss",
	} {
		letters := map[Token]string{TokenPlain: "p", TokenKeyword: "k", TokenAlarm: "a", TokenString: "s", TokenNumber: "n", TokenComment: "c", TokenOperator: "o"}
		got := ""
		for i, tok := range HighlightShell([]rune(text)) {
			if text[i] == ' ' && tok == TokenPlain {
				got += "P"
			} else {
				got += letters[tok]
			}
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}
