package server

import (
	"io"
	"strings"
	"testing"

	"github.com/charmbracelet/x/vt"
)

// What a target left in the middle, or on, is over when the terminal is ours again: what
// is drawn then is read as it is, and leads nowhere.
func TestTerminalIsOursAgain(t *testing.T) {
	for name, left := range map[string]string{
		"nothing":             "",
		"a link":              "\x1b]8;;https://evil.example/\x1b\\",
		"a title":             "\x1b]0;so far",
		"a device string":     "\x1bP1$r so far",
		"a privacy message":   "\x1b^so far",
		"a sequence":          "\x1b[31",
		"line drawing":        "\x1b(0",
		"line drawing, in G1": "\x1b)0\x0e",
		"colours":             "\x1b[7;8;41m",
		"the other screen":    "\x1b[?1049h\x1b[5;5H",
		"an update":           "\x1b[?2026h",
		"insertion":           "\x1b[4h",
		"margins":             "\x1b[?69h\x1b[5;6s\x1b[2;3r\x1b[?6h",
		"half a letter":       "\xe2\x82",
	} {
		t.Run(name, func(t *testing.T) {
			e := vt.NewEmulator(40, 10)
			defer func() { _ = e.InputPipe().(io.Closer).Close() }() // its Close may not run beside Read
			go func() { _, _ = io.Copy(io.Discard, e) }()
			_, _ = e.WriteString(left)
			_, _ = e.WriteString(reset("xterm-256color"))
			_, _ = e.WriteString("\x1b[2J\x1b[Hlqqk approve?")
			var b strings.Builder
			for x := range 13 {
				c := e.CellAt(x, 0)
				if c == nil {
					continue
				}
				b.WriteString(c.Content)
				if c.Link.URL != "" || c.Style.Attrs != 0 || c.Style.Bg != nil {
					t.Fatalf("%q is drawn with %+v, %+v", c.Content, c.Style, c.Link)
				}
			}
			if b.String() != "lqqk approve?" {
				t.Errorf("the screen shows %q", b.String())
			}
		})
	}
}
