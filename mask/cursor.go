package mask

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
	"unicode/utf8"
)

// Screen is the size of a terminal. It may change while the terminal is written to,
// from any goroutine. The zero value is a size that nobody knows.
type Screen struct{ size atomic.Uint64 }

// Resize says how many columns and rows there are; 0 is not known.
func (s *Screen) Resize(width, height int) {
	const most = 1 << 15
	if width <= 0 || height <= 0 || width > most || height > most {
		width, height = 0, 0
	}
	s.size.Store(uint64(width)<<32 | uint64(height))
}

// cursor follows where on a terminal characters go, so that those which are written
// one after the other, but far from each other, are not read as one text. Whatever is
// not certain counts as not moved: text is parted only where no terminal of this size
// would show it side by side. The zero value follows nothing.
type cursor struct {
	width, height int
	at            place
	// after is right behind the last character, as far as the screen has not been
	// shifted since; moved is set where at may be elsewhere.
	after place
	moved bool

	top, bottom int // margins, the whole screen without any
	saved       place
	lost        bool // a mode is set in which rows and columns are not what they seem
}

// place is a cell: its row, 0 for not known, and between which columns it is. A column
// right of the last is that of a full line, whose next character goes elsewhere.
type place struct{ row, low, high int }

// hop is how many cells one may skip to the right, and still write on: programs skip
// blanks that are there already.
const hop = 3

// resize begins anew where the terminal has another size.
func (c *cursor) resize(s *Screen) {
	if s == nil {
		return
	}
	size := s.size.Load()
	if w, h := int(size>>32), int(size&(1<<32-1)); w != c.width || h != c.height {
		*c = cursor{width: w, height: h, top: 1, bottom: h}
	}
}

// awake reports whether there is anything to follow.
func (c *cursor) awake() bool { return c.at.row != 0 }

// sleep forgets where the cursor is.
func (c *cursor) sleep() { c.at, c.moved = place{}, true }

// put moves the cursor.
func (c *cursor) put(row, low, high int) {
	c.moved = true
	if c.lost {
		c.at = place{}
		return
	}
	c.at = place{clamp(row, c.height), clamp(low, c.width), clamp(high, c.width)}
}

func clamp(n, most int) int { return min(max(n, 1), most) }

// shifted says that what is on the screen may be elsewhere by now.
func (c *cursor) shifted() { c.after = place{} }

// parts returns what stands between the last character and one that is written now:
// a line end where it goes to another row, a breaker where it is elsewhere in the
// same one; not ok where it may be next to it.
func (c *cursor) parts() (with byte, ok bool) {
	if !c.moved {
		return 0, false
	}
	from, to := c.after, c.at
	c.moved, c.after = false, to
	switch {
	case from.row == 0 || to.row == 0:
	case from.row+1 == to.row && from.high > c.width: // a full line goes on in the next one
	case from.row != to.row:
		return '\n', true
	case to.low > from.high+hop || to.high < from.low:
		return breaker, true
	}
	return 0, false
}

// inPlace reports whether nothing parts the last character from the next one.
func (c *cursor) inPlace() bool {
	if !c.moved {
		return true
	}
	tried := *c
	if _, parted := tried.parts(); parted {
		return false
	}
	*c = tried
	return true
}

// text follows what is written: b holds no sequence.
func (c *cursor) text(b []byte) {
	if !c.awake() {
		if len(b) > 0 {
			c.shifted()
		}
		return
	}
	shown := false
	for len(b) > 0 && c.awake() {
		n := printable(b)
		switch {
		case n > 0:
			c.wrote(n, n)
			shown = true
		case b[0] < utf8.RuneSelf:
			n = 1
			shown = c.control(b[0]) || shown
		default:
			var r rune
			r, n = utf8.DecodeRune(b)
			_, ok := visible(r)
			c.wrote(0, 2) // terminals differ
			shown = shown || ok || r == utf8.RuneError
		}
		b = b[n:]
	}
	if shown {
		c.after, c.moved = c.at, false
	}
}

// wrote moves on by what was written, and forgets where it is when that may have
// gone into the next line.
func (c *cursor) wrote(low, high int) {
	c.at.low, c.at.high = c.at.low+low, c.at.high+high
	if c.at.high > c.width+1 {
		c.at = place{}
	}
}

// control follows a control character, and reports whether it is part of the text.
func (c *cursor) control(b byte) bool {
	switch b {
	case '\b':
		c.back(1)
	case '\t':
		c.at.low, c.at.high = min(c.at.low, c.width), c.width
	case '\n', '\v', '\f':
		c.down()
	case '\r':
		c.at.low, c.at.high = 1, 1
	case sub: // some show a sign for it
		c.wrote(0, 1)
	}
	return plain(b)
}

// down is a line feed.
func (c *cursor) down() {
	if c.at.row == c.bottom || c.at.row == c.height {
		c.shifted()
		return
	}
	c.at.row++
}

// back moves left. Beyond the first column some go on in the row before.
func (c *cursor) back(n int) {
	if min(c.at.low, c.width)-n < 1 {
		c.sleep()
		return
	}
	c.put(c.at.row, min(c.at.low, c.width)-n, min(c.at.high, c.width)-n)
}

// rows moves down, or up, as far as that is certain.
func (c *cursor) rows(n int) {
	row := c.at.row + n
	inside := func(r int) bool { return r >= c.top && r <= c.bottom }
	if (c.top > 1 || c.bottom < c.height) && (!inside(c.at.row) || !inside(row)) {
		c.sleep()
		return
	}
	c.put(row, c.at.low, c.at.high)
}

// walk follows data with the sequences in it.
func (c *cursor) walk(data []byte) {
	done := 0
	for r := special(data); r < len(data); r += special(data[r:]) {
		b := data[r]
		if b != esc && (b != 0xc2 || r+1 >= len(data) || data[r+1] >= 0xa0 || data[r+1] < 0x80) {
			r++
			continue
		}
		c.text(data[done:r])
		s := readSequence(data[r:])
		n := max(s.n, 1)
		switch s.state {
		case partial:
			return
		case long:
			n = s.intro
			c.sleep()
		default:
			c.sequence(data[r:r+n], s)
		}
		r += n
		done = r
	}
	c.text(data[done:])
}

// printable returns the index of the first byte of b that is not printable ASCII, or
// len(b).
func printable(b []byte) int {
	const lows, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		if odd := ((x - lows*0x20) | (x + lows) | x) & highs; odd != 0 { // see special
			return i + bits.TrailingZeros64(odd)/8
		}
	}
	for i < len(b) && b[i] >= 0x20 && b[i] < del {
		i++
	}
	return i
}
