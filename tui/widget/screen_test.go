package widget

import (
	"regexp"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// sgr is the only sequence that may reach a viewer.
var sgr = regexp.MustCompile(`\x1b\[[0-9;:]*m`)

func checkCells(t *testing.T, s *Screen) {
	t.Helper()
	w, _ := s.Size()
	for _, l := range s.Lines() {
		text := sgr.ReplaceAllString(l, "")
		if r, is := bad(text, false); is {
			t.Fatalf("a line of cells holds %U: %q", r, l)
		}
		if Width(text) != w {
			t.Fatalf("a line of %d cells is %d wide: %q", w, Width(text), l)
		}
	}
}

func TestScreenShowsCellsOnly(t *testing.T) {
	s := NewScreen(40, 5)
	s.Write([]byte("\x1b]0;title\x07\x1b]52;c;ZXZpbA==\x07\x1b]8;;http://evil\x07link\x1b]8;;\x07 \x1b[31mred\x1b[m\x1bP+q544e\x1b\\\x1b[6n\x1b[c\x05\r\n漢字\u202e\u200bz"))
	checkCells(t, s)
	got := ansi.Strip(strings.Join(s.Lines(), "\n"))
	if !strings.HasPrefix(got, "link red") || !strings.Contains(got, "漢字") {
		t.Errorf("screen is\n%s", got)
	}
	s.Resize(100000, 0)
	if w, h := s.Size(); w != maxScreenWidth || h != 1 {
		t.Errorf("size is %dx%d", w, h)
	}
	checkCells(t, s)
}

func FuzzScreen(f *testing.F) {
	f.Add([]byte("\x1b[?1049h\x1b[6n\x1b]52;c;?\x07\x1bP$q\x1b\\"), uint8(30), uint8(6))
	f.Add([]byte("\xe2\x80\xae\xf3\xa0\x81\x81漢\xcc\x81"), uint8(1), uint8(1))
	f.Fuzz(func(t *testing.T, b []byte, w, h uint8) {
		s := NewScreen(int(w%100), int(h%40))
		s.Write(b)
		checkCells(t, s)
	})
}

func TestQR(t *testing.T) {
	rows := QR("http://127.0.0.1:8080/device?user_code=WDJB-MJHT")
	if len(rows) == 0 || Width(rows[0]) != 33 || len(rows) != 17 {
		t.Fatalf("the code is %d rows", len(rows))
	}
	if QR("") != nil || QR(strings.Repeat("x", 5000)) != nil {
		t.Error("a code for nothing, or for too much")
	}
}
