package widget

import (
	"strings"
	"testing"
)

// coloured writes the parts of a text that are of one kind, in order.
func coloured(h Highlighter, text string, want Token) string {
	rs := []rune(text)
	var out []string
	last := -2
	for i, t := range h(rs) {
		switch {
		case t != want:
		case i == last+1:
			out[len(out)-1] += string(rs[i])
			last = i
		default:
			out = append(out, string(rs[i]))
			last = i
		}
	}
	return strings.Join(out, "|")
}

func TestHighlighters(t *testing.T) {
	for _, c := range []struct {
		name string
		h    Highlighter
		text string
		tok  Token
		want string
	}{
		{"sql words", HighlightSQL, "select a from t -- from", TokenKeyword, "select|from"},
		{"keys", HighlightScript, `{"find" : "orders", x: 1}`, TokenKeyword, `"find"`},
		{"values", HighlightScript, `{"find": "orders"}`, TokenString, `"orders"`},
		{"keys that remove", HighlightScript, `{"drop": "orders"}`, TokenAlarm, `"drop"`},
		{"stages that write", HighlightScript, `[{$out: "x"}, {"$merge": 1}]`, TokenAlarm, `$out|"$merge"`},
		{"a value that looks so", HighlightScript, `{"find": "drop"}`, TokenAlarm, ""},
		{"numbers", HighlightScript, "[-1.5e3, 2]", TokenNumber, "-1.5e3|2"},
		{"open string", HighlightScript, `{"a`, TokenString, `"a`},
		{"dashes are no comment", HighlightRedis, "scan 0 --all", TokenComment, ""},
		{"none", HighlightNone, "rm --force", TokenPlain, "rm --force"},
	} {
		if got := coloured(c.h, c.text, c.tok); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// Every character gets one kind, whatever the text.
func FuzzHighlighters(f *testing.F) {
	f.Add(`db.x.find({"a": 'b\'`)
	f.Add("get \"a\\")
	f.Add("/* - $a$ `")
	f.Fuzz(func(t *testing.T, s string) {
		rs := []rune(s)
		for _, h := range []Highlighter{HighlightSQL, HighlightRedis, HighlightScript, HighlightShell, HighlightNone} {
			if got := len(h(rs)); got != len(rs) {
				t.Fatalf("%d kinds for %d characters of %q", got, len(rs), s)
			}
		}
	})
}
