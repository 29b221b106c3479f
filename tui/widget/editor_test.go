package widget

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

func press(e *Editor, keys ...tea.KeyPressMsg) {
	for _, k := range keys {
		e.Key(k)
	}
}

func TestEditor(t *testing.T) {
	var e Editor
	e.Insert("select 1\r\nfrom t")
	press(&e, tea.KeyPressMsg{Code: tea.KeyUp}, tea.KeyPressMsg{Code: tea.KeyEnd}, tea.KeyPressMsg{Code: 'x', Text: "x"})
	if got, want := e.Value(), "select 1x\nfrom t"; got != want {
		t.Errorf("text is %q, want %q", got, want)
	}
	press(&e, tea.KeyPressMsg{Code: 'u', Mod: tea.ModCtrl})
	if got, want := e.Value(), "\nfrom t"; got != want {
		t.Errorf("text is %q, want %q", got, want)
	}
	press(&e, tea.KeyPressMsg{Code: tea.KeyDelete}, tea.KeyPressMsg{Code: tea.KeyRight, Mod: tea.ModCtrl}, tea.KeyPressMsg{Code: 'w', Mod: tea.ModCtrl})
	if got, want := e.Value(), " t"; got != want {
		t.Errorf("text is %q, want %q", got, want)
	}
}

func FuzzEditor(f *testing.F) {
	f.Add("select '漢字' -- c\n\x1b\t\u202e", 9, []byte{0, 1, 2, 3, 4, 5, 6, 7})
	keys := []tea.KeyPressMsg{{Code: tea.KeyUp}, {Code: tea.KeyDown}, {Code: tea.KeyLeft}, {Code: tea.KeyRight}, {Code: tea.KeyBackspace},
		{Code: tea.KeyDelete}, {Code: tea.KeyHome}, {Code: tea.KeyEnd}, {Code: 'k', Mod: tea.ModCtrl}, {Code: 'w', Mod: tea.ModCtrl}, {Code: 'a', Text: "a"}, {Code: tea.KeyEnter}}
	f.Fuzz(func(t *testing.T, text string, w int, moves []byte) {
		w = max(4, min(w, 120))
		var e Editor
		e.Insert(text)
		for _, m := range moves[:min(len(moves), 64)] {
			e.Key(keys[int(m)%len(keys)])
			for _, l := range e.View(w, 5, [7]Style{}, NewStyle(Attributes{Reverse: true}), true) {
				if r, is := bad(ansi.Strip(l), false); is {
					t.Fatalf("a line holds %U", r)
				}
			}
		}
		for _, l := range PaintChopped(e.Value(), HighlightSQL, [7]Style{}, w) {
			if Width(l) > w {
				t.Fatalf("PaintChopped: %q is wider than %d", l, w)
			}
		}
	})
}

func TestHighlightSQL(t *testing.T) {
	s := "select 'it''s', 12 from t -- drop\n/* x */ delete $a$q$a$"
	toks := HighlightSQL([]rune(s))
	for text, want := range map[string]Token{"select": TokenKeyword, "'it''s'": TokenString, "12": TokenNumber, "t --": TokenPlain,
		"-- drop": TokenComment, "/* x */": TokenComment, "delete": TokenAlarm, "$a$q$a$": TokenString} {
		if got := toks[strings.Index(s, text)]; got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}
