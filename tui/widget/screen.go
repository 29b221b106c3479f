package widget

import (
	"io"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// Limits of an emulated screen: a recording must not size our memory.
const (
	maxScreenWidth  = 500
	maxScreenHeight = 200
	// maxCellBytes is the longest character that is drawn, marks and all.
	maxCellBytes = 64
)

// Screen is a terminal in memory into which recorded output is written. Nothing
// of what is written reaches a real terminal: only the cells that result, with
// their colours and attributes, are ever drawn. It is not safe for concurrent use.
type Screen struct {
	emu *vt.Emulator
	in  inside

	pending []byte // written, and not drawn yet: see feed
	work    int
	other   int  // bytes fed to the other screen since what scrolled off it was given up
	torn    bool // the emulator gave up once: what it shows depends on when
}

// NewScreen makes a screen; sizes out of bounds become the nearest in bounds.
func NewScreen(width, height int) *Screen {
	s := new(Screen)
	s.renew(clampSize(width, height))
	return s
}

// renew begins with an empty emulator.
func (s *Screen) renew(width, height int) {
	emu := vt.NewEmulator(width, height)
	emu.SetScrollbackSize(1)
	// Queries in a recording must be answered by nobody. The emulator writes its
	// answers into a pipe; closed, such a write returns at once instead of waiting
	// for a reader.
	if c, ok := emu.InputPipe().(io.Closer); ok {
		_ = c.Close()
	} else {
		go func() { _, _ = io.Copy(io.Discard, emu) }()
	}
	s.emu, s.in = emu, insideOf(emu)
	s.bound()
}

func clampSize(width, height int) (int, int) {
	return max(1, min(width, maxScreenWidth)), max(1, min(height, maxScreenHeight))
}

// Resize changes the size.
func (s *Screen) Resize(width, height int) {
	s.flush()
	s.emu.Resize(clampSize(width, height))
}

// Size is the current one.
func (s *Screen) Size() (width, height int) { return s.emu.Width(), s.emu.Height() }

// Lines draws the cells: text and SGR sequences, nothing else.
func (s *Screen) Lines() []string {
	s.flush()
	w, h := s.Size()
	cursor := s.emu.CursorPosition()
	hidden := s.emu.CursorHidden()
	out := make([]string, h)
	for y := range h {
		at := -1
		if !hidden && cursor.Y == y {
			at = cursor.X
		}
		out[y] = s.line(y, w, at)
	}
	return out
}

func (s *Screen) line(y, w, cursor int) string {
	var b strings.Builder
	last := ""
	for x := 0; x < w; {
		text, style, width := " ", "", 1
		if c := s.emu.CellAt(x, y); c != nil {
			text, width = cellText(c)
			style = cellStyle(c.Style, x == cursor)
		} else if x == cursor {
			style = "\x1b[7m"
		}
		if style != last {
			if last != "" {
				b.WriteString(ansi.ResetStyle)
			}
			b.WriteString(style)
			last = style
		}
		b.WriteString(text)
		x += width
	}
	if last != "" {
		b.WriteString(ansi.ResetStyle)
	}
	return b.String()
}

// cellText is a cell's content where it is as wide as the emulator thinks and
// draws nothing but itself, and blanks or a question mark elsewhere.
func cellText(c *uv.Cell) (string, int) {
	width := max(1, c.Width)
	switch {
	case c.Content == "":
		return Spaces(width), width
	case len(c.Content) > maxCellBytes, Unsafe(c.Content), Width(c.Content) != width:
		return "?" + Spaces(width-1), width
	}
	return c.Content, width
}

func cellStyle(st uv.Style, cursor bool) string {
	var a Attributes
	a.Fg, a.Bg = st.Fg, st.Bg
	a.Bold = st.Attrs&uv.AttrBold != 0
	a.Faint = st.Attrs&uv.AttrFaint != 0
	a.Italic = st.Attrs&uv.AttrItalic != 0
	a.Underline = st.Underline != ansi.UnderlineNone
	a.Reverse = (st.Attrs&uv.AttrReverse != 0) != cursor
	if st.Attrs&uv.AttrConceal != 0 {
		a.Fg = st.Bg
		a.Faint = true
	}
	return NewStyle(a).on
}

// Used is the lowest row that holds anything or has the cursor.
func (s *Screen) Used() int {
	s.flush()
	w, h := s.Size()
	low := s.emu.CursorPosition().Y
	for y := h - 1; y > low; y-- {
		for x := range w {
			if c := s.emu.CellAt(x, y); c != nil && c.Content != "" && c.Content != " " {
				return y
			}
		}
	}
	return low
}
