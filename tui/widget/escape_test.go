package widget

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain text", "plain text"},
		{"", ""},
		{"a\x1b[31mb", `a\x1b[31mb`},
		{"a\nb\tc\r", `a\nb\tc\r`},
		{"\x00\x07\x7f", `\x00\x07\x7f`},
		{"\u0085\u009b31m", "<U+0085><U+009B>31m"},
		{"\x9b31m\xff", `\x9b31m\xff`},
		{"abc\u202edef\u2066\u200f", "abc<U+202E>def<U+2066><U+200F>"},
		{"a\u200bb\u200dc\ufeff\u00ad\u2060", "a<U+200B>b<U+200D>c<U+FEFF><U+00AD><U+2060>"},
		{"x\U000e0041\U000e007f", "x<U+E0041><U+E007F>"},
		{"line\u2028par\u2029", "line<U+2028>par<U+2029>"},
		{"Grüße 漢字 e\u0301", "Grüße 漢字 e\u0301"},
		{"\u0301mark first", "<U+0301>mark first"},
		{"z" + strings.Repeat("\u0300", 6), "z" + strings.Repeat("\u0300", 4) + "<U+0300><U+0300>"},
		{"heart\u2764\ufe0f", "heart\u2764<U+FE0F>"},
		{"\ufffd kept", "\ufffd kept"},
	} {
		if got := Escape(c.in); got != c.want {
			t.Errorf("Escape(%q) = %q, want %q", c.in, got, c.want)
		}
	}
	if got, want := EscapeLines("a\n\tb\r\n\x1b"), "a\n\tb\\r\n\\x1b"; got != want {
		t.Errorf("EscapeLines = %q, want %q", got, want)
	}
}

// bad reports the first rune that must never be drawn.
func bad(s string, lines bool) (rune, bool) {
	for i, r := range s {
		switch {
		case lines && (r == '\n' || r == '\t'):
		case r < 0x20, r >= 0x7f && r <= 0x9f, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069,
			r >= 0x200b && r <= 0x200f, r == 0xfeff, r == 0x2060, r == 0x2028, r == 0x2029, r >= 0xe0000 && r <= 0xe0fff,
			unicode.Is(unicode.Cf, r):
			return r, true
		case r == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return r, true
			}
		}
	}
	return 0, false
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"a\x1b]0;t\x07", "\u202e\u2066", "\xc2\x9b", "\xe2\x80", "漢\u0301字\U000e0041", strings.Repeat("\u0300", 9), "<U+202E>\\x1b"} {
		f.Add(s, 7)
	}
	f.Add("\x80\x12\xaed\t", 2)                                 // a tab stop beyond a narrow line's end
	f.Add("\xe8\x97bz9\xa8p\xfa\xa3\xfa\xea\ua8c1\xfa\x81", 40) // narrower by clusters than by code points
	f.Fuzz(func(t *testing.T, s string, w int) {
		w = max(1, min(w, 200))
		one, many := Escape(s), EscapeLines(s)
		if r, is := bad(one, false); is {
			t.Fatalf("Escape(%q) holds %U", s, r)
		}
		if r, is := bad(many, true); is {
			t.Fatalf("EscapeLines(%q) holds %U", s, r)
		}
		if Escape(one) != one {
			t.Fatalf("Escape is not idempotent on %q: %q, %q", s, one, Escape(one))
		}
		if got := ansi.Strip(one); got != one {
			t.Fatalf("%q still holds a sequence: %q", one, got)
		}
		if got := Width(Fit(one, w)); got != w {
			t.Fatalf("Fit(%q, %d) is %d cells wide", one, w, got)
		}
		if got := Width(Clip(s, w)); got > w {
			t.Fatalf("Clip(%q, %d) is %d cells wide", s, w, got)
		}
		if w > 1 {
			checkChop(t, many, w)
		}
	})
}

// checkChop: nothing of a text is lost, no line is too wide.
func checkChop(t *testing.T, text string, w int) {
	t.Helper()
	lines := Chop(text, w)
	for _, l := range lines {
		if Width(l) > w {
			t.Fatalf("Chop(%q, %d): line %q is %d cells wide", text, w, l, Width(l))
		}
	}
	squash := strings.NewReplacer("\n", "", "\t", "", " ", "")
	if got, want := squash.Replace(strings.Join(lines, "")), squash.Replace(text); got != want {
		t.Fatalf("Chop(%q, %d) lost text: %q", text, w, got)
	}
}

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "漢字": 4, "e\u0301": 1, "\x1b[1mabc\x1b[m": 3, "ｆｕｌｌ": 8, "…": 1} {
		if got := Width(s); got != want {
			t.Errorf("Width(%q) = %d, want %d", s, got, want)
		}
	}
	if got := Fit("漢字漢字", 5); Width(got) != 5 {
		t.Errorf("Fit cuts wide runes to %q", got)
	}
	if got := Clip(strings.Repeat("x", 1<<20), 10); got != "xxxxxxxxx…" {
		t.Errorf("Clip = %q", got)
	}
}
