package widget

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"strconv"
	"strings"

	uv "github.com/charmbracelet/ultraviolet"
)

// screenState is all that decides what a Screen draws from some moment on. Links,
// titles, palettes and what was scrolled off are not in it: they are never drawn.
type screenState struct {
	width, height  int
	alt            bool // the other screen is the one that is seen
	wrap, origin   bool
	newline, sides bool // LNM, DECLRMM
	phantom        bool // the next character wraps
	last           rune // for REP
	gl, gr, single uint8
	charsets       [4]uint8 // 0, or the final byte of the set
	tabs           []int
	main, other    screenSide
}

// screenSide is one of the two screens. cells is nil where they do not matter: the
// other screen is cleared when one goes there.
type screenSide struct {
	cells      [][]screenCell
	cur, saved caret
	margins    image.Rectangle
}

type caret struct {
	x, y   int
	hidden bool
	pen    cellPen
}

type cellPen struct {
	fg, bg           tone
	attrs, underline uint8
}

type screenCell struct {
	text  string
	width int
	pen   cellPen
}

// canonical is a cell that is drawn alike and holds no more than is drawn.
func (c screenCell) canonical() screenCell {
	if len(c.text) > maxCellBytes {
		c.text = strings.Repeat("?", maxCellBytes/2) // too wide for its cell: a question mark
	}
	return c
}

// maxState bounds what a state unpacks to.
const maxState = 32 << 20

// State is the screen as bytes, from which RestoreScreen makes one that draws the
// same from here on, whatever is written to both. ok is false where there is no
// such thing at the moment: in the middle of a sequence, or where the emulator is
// in a state that cannot be brought about.
func (s *Screen) State() (state []byte, ok bool) {
	s.flush()
	st, ok := s.read()
	if !ok || s.torn {
		return nil, false
	}
	state = st.encode()
	// The proof: made anew, it is the same.
	again, err := RestoreScreen(state)
	if err != nil {
		return nil, false
	}
	st, ok = again.read()
	return state, ok && bytes.Equal(state, st.encode())
}

func (s *Screen) read() (st screenState, ok bool) {
	defer func() { // the emulator's insides are not what they were
		if recover() != nil {
			ok = false
		}
	}()
	return s.in.read()
}

var errState = errors.New("not the state of a screen")

// RestoreScreen makes a screen of what State returned.
func RestoreScreen(state []byte) (*Screen, error) {
	st, err := decodeState(state)
	if err != nil {
		return nil, fmt.Errorf("restore a screen: %w", err)
	}
	s := NewScreen(st.width, st.height)
	if w, h := s.Size(); w != st.width || h != st.height {
		return nil, fmt.Errorf("restore a screen: %w", errState)
	}
	s.restore(st)
	s.work = 0
	if s.torn {
		return nil, fmt.Errorf("restore a screen: %w", errState)
	}
	return s, nil
}

// restore brings the emulator into a state by sequences of our own making. What
// they print on the way is overwritten, cell by cell.
func (s *Screen) restore(st screenState) {
	do := func(format string, args ...any) { s.advance(fmt.Appendf(nil, format, args...)) }
	do("\x1b[3g")
	for _, x := range st.tabs {
		do("\x1b[1;%dH\x1bH", x+1)
	}
	if st.last > 0 {
		do("\x1b[H%s", string(st.last))
	}
	// The other screen's margins and saved cursor outlive one's leaving it.
	do("\x1b[?1047h")
	s.restoreMargins(st.other.margins, st)
	do("%s\x1b7\x1b[?1047l", st.other.saved.set())
	s.fill(st.main.cells)
	s.restoreMargins(st.main.margins, st)
	do("%s\x1b7%s", st.main.saved.set(), st.main.cur.set())
	seen := st.main
	if st.alt {
		seen = st.other
		do("\x1b[?1047h%s", seen.cur.set())
	}
	if st.phantom { // a character in the last column leaves it
		text := "é"
		if st.last > 0 {
			text = string(st.last)
		}
		do("\x1b[?7h\x1b[%d;%dH%s", seen.cur.y+1, st.width, text)
	}
	s.fill(seen.cells)
	for i, set := range st.charsets {
		if set != 0 {
			do("\x1b%c%c", "()*+"[i], set)
		}
	}
	do("%s%s%s", map[uint8]string{2: "\x1bn", 3: "\x1bo"}[st.gl], map[uint8]string{1: "\x1b~", 2: "\x1b}", 3: "\x1b|"}[st.gr],
		map[uint8]string{2: "\x8e", 3: "\x8f"}[st.single])
	for _, m := range []struct {
		name string
		on   bool
	}{{"?7", st.wrap}, {"?6", st.origin}, {"20", st.newline}, {"?69", st.sides}} {
		do("\x1b[%s%c", m.name, map[bool]byte{true: 'h', false: 'l'}[m.on])
	}
}

func (s *Screen) restoreMargins(m image.Rectangle, st screenState) {
	do := func(format string, args ...any) { s.advance(fmt.Appendf(nil, format, args...)) }
	if m.Min.Y != 0 || m.Max.Y != st.height {
		do("\x1b[%d;%dr", m.Min.Y+1, m.Max.Y)
	}
	if m.Min.X != 0 || m.Max.X != st.width {
		do("\x1b[?69h\x1b[%d;%ds\x1b[?69l", m.Min.X+1, m.Max.X)
	}
}

// fill puts cells onto the screen that is seen, exactly.
func (s *Screen) fill(cells [][]screenCell) {
	for y, row := range cells {
		for x, c := range row {
			if at := s.emu.CellAt(x, y); at != nil {
				*at = uv.Cell{Content: c.text, Width: c.width, Style: c.pen.style()}
			}
		}
	}
}

// set is the sequence after which the cursor is as it was.
func (c caret) set() string {
	show := byte('h')
	if c.hidden {
		show = 'l'
	}
	return fmt.Sprintf("\x1b[?25%c\x1b[%d;%dH%s", show, c.y+1, c.x+1, c.pen.sgr())
}

// sgr is the sequence after which the pen is this one.
func (p cellPen) sgr() string {
	b := []byte("\x1b[0")
	for i := range 8 {
		if p.attrs&(1<<i) != 0 {
			b = append(b, ';', "12356789"[i])
		}
	}
	if p.underline != 0 {
		b = strconv.AppendUint(append(b, ";4:"...), uint64(p.underline), 10)
	}
	b = p.fg.sgr(b, 30)
	return string(append(p.bg.sgr(b, 40), 'm'))
}

func (t tone) sgr(b []byte, base uint64) []byte {
	n := func(v uint64) { b = strconv.AppendUint(append(b, ';'), v, 10) }
	switch t.kind {
	case toneBasic:
		if t.a > 7 {
			base += 60 - 8
		}
		n(base + uint64(t.a))
	case toneIndexed:
		n(base + 8)
		n(5)
		n(uint64(t.a))
	case toneRGB:
		for _, v := range []uint64{base + 8, 2, uint64(t.a), uint64(t.b), uint64(t.c)} {
			n(v)
		}
	}
	return b
}
