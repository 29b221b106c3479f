package tui_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sallyport/sallyport/tui"
	"github.com/sallyport/sallyport/tui/tuitest"
)

// TestEverySize draws every page at every size: no panic, and every line is
// exactly as wide as the window, with nothing in it that drives a terminal.
func TestEverySize(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		b.Tapes()
		dr, _ := door()
		faces := map[string]*tuitest.Driver{"sign-in": at(t, dr, 80, 24), "picker": as(t, b, tuitest.Alice, 80, 24), "help": as(t, b, tuitest.Alice, 80, 24)}
		faces["help"].Keys("?")
		for name, keys := range map[string][]string{
			"editor": {"select"}, "result": {"select * from customers;", "enter"}, "ask": {"delete from orders;", "enter"},
			"cell": {"select * from customers;", "enter", "tab", "enter"}, "record": {"select * from customers;", "enter", "tab", "x"},
			"mask":    {"select * from customers;", "enter", "tab", "right", "right", "m"},
			"refused": {"drop table x;", "enter"}, "history": {"select 1;", "enter", "ctrl+r"}, "wait": {"delete from orders;", "enter", "w", "enter"},
		} {
			faces[name] = open(t, b, tuitest.Alice, 80, 24)
			faces[name].Keys(keys...)
		}
		for name, keys := range map[string][]string{"approvals": {"2"}, "transcripts": {"3"}, "replay": {"3", "enter", "G"}, "shell": {"3", "j", "enter", "G"}, "quit": {"Q"},
			"search": {"3", "/", "from", "enter"}, "nothing found": {"3", "/", "zzz", "enter"}, "note": {"3", "j", "enter", "m", "words"},
			"find": {"3", "enter", "/", "x"}} {
			faces[name] = as(t, b, tuitest.Bob, 80, 24)
			faces[name].Keys(keys...)
		}
		for name, d := range faces {
			for _, s := range [][2]int{{0, 0}, {1, 1}, {2, 3}, {20, 5}, {33, 9}, {45, 12}, {60, 18}, {76, 20}, {80, 24}, {119, 31}, {200, 50}, {500, 100}} {
				d.Resize(s[0], s[1])
				checkFrame(t, fmt.Sprintf("%s at %dx%d", name, s[0], s[1]), d, s[0], s[1])
			}
		}
	})
}

func checkFrame(t *testing.T, name string, d *tuitest.Driver, w, h int) {
	t.Helper()
	if w == 0 {
		w, h = 80, 24
	}
	lines := strings.Split(ansi.Strip(d.Styled()), "\n")
	if len(lines) != h {
		t.Errorf("%s: %d lines", name, len(lines))
	}
	for _, l := range lines {
		if got := ansi.StringWidthWc(l); got != w {
			t.Errorf("%s: a line is %d cells wide: %q", name, got, l)
		}
		for _, r := range l {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r > 0xffff {
				t.Errorf("%s: %U is on the screen", name, r)
			}
		}
	}
}

func TestPlainTerminals(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := tuitest.Drive(t, tui.Options{Backend: b.As(tuitest.Alice), Term: "linux"})
		d.Keys("j", "enter", "select * from customers;", "enter")
		for _, r := range d.Frame() {
			if r > 0x7e && !strings.ContainsRune("李小龍", r) {
				t.Errorf("%U is on an ASCII terminal", r)
			}
		}
		d = tuitest.Drive(t, tui.Options{Backend: b.As(tuitest.Alice), Term: "xterm", NoColor: true})
		if regexp.MustCompile(`\x1b\[[0-9;]*[34][0-9](;|m)`).MatchString(d.Styled()) {
			t.Error("there are colours in spite of NO_COLOR")
		}
	})
}

func TestLightAndDark(t *testing.T) {
	tuitest.Run(t, func(t *testing.T) {
		b := tuitest.NewBastion(time.Now)
		d := as(t, b, tuitest.Alice, 80, 24)
		dark := d.Styled()
		d.Send(tea.BackgroundColorMsg{Color: white{}})
		if d.Styled() == dark {
			t.Error("a light background changes nothing")
		}
	})
}

type white struct{}

func (white) RGBA() (r, g, b, a uint32) { return 0xffff, 0xffff, 0xffff, 0xffff }
