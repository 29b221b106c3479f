package mask

import (
	"bytes"
	"slices"
)

// sequence follows an escape sequence or C1 control. What is not known here may have
// moved the cursor anywhere.
func (c *cursor) sequence(b []byte, s sequence) {
	switch {
	case !c.awake() && b[len(b)-1] == 'm': // colours, mostly
	case b[0] != esc, !s.str && controls(b[s.intro:]):
		// A C1 control, which not every terminal takes for one; or controls within a
		// sequence, which are carried out.
		c.sleep()
		c.shifted()
	case s.str:
		c.str(b, s)
	case len(b) < 2:
	case b[1] == '[':
		c.csi(b[2:])
	case len(b) > 2 && b[1] == '#':
		c.lose(true) // lines of double width
	case len(b) == 2:
		c.escape(b[1])
	}
}

func controls(b []byte) bool {
	for _, c := range b {
		if c < ' ' {
			return true
		}
	}
	return false
}

// str follows a string sequence: pictures take room.
func (c *cursor) str(b []byte, s sequence) {
	if b[1] != ']' || bytes.HasPrefix(b[s.body:], []byte("1337")) {
		c.sleep()
		c.shifted()
	}
}

// lose says that rows and columns are not what they seem from now on, or are again.
func (c *cursor) lose(lost bool) {
	c.lost = lost
	c.saved = place{}
	c.sleep()
	c.shifted()
}

// escape follows an escape sequence of two bytes.
func (c *cursor) escape(kind byte) {
	switch kind {
	case '7':
		c.saved = c.at
	case '8':
		c.restore()
	case 'D', 'E':
		if c.awake() {
			c.moved = true
			c.down()
			if kind == 'E' {
				c.at.low, c.at.high = 1, 1
			}
		}
	case 'M':
		if c.awake() {
			c.moved = true
			if c.at.row == c.top || c.at.row == 1 {
				c.shifted()
				return
			}
			c.at.row--
		}
	case 'H', 'N', 'O', '=', '>', '\\', 'Z':
	case 'c':
		c.top, c.bottom = 1, c.height
		c.lose(false)
	default:
		c.sleep()
		c.shifted()
	}
}

func (c *cursor) restore() {
	if c.saved.row == 0 {
		c.sleep()
		return
	}
	c.at, c.moved = c.saved, true
}

// csi follows a control sequence: b is what comes after its introducer.
func (c *cursor) csi(b []byte) {
	params, final, ok := parameters(b)
	switch {
	case !ok || len(b) == 0:
		c.sleep()
		c.shifted()
	case b[0] == '?':
		c.private(&params, final)
	case b[0] >= '<' && b[0] <= '>':
		// Keyboards, colours, and questions.
	case len(b) > 1 && b[len(b)-2] >= ' ' && b[len(b)-2] < '0':
		c.intermediate(b[len(b)-2], final)
	case !c.absolute(&params, final) && c.awake():
		c.relative(params.or(0, 1), final)
	}
}

// params are the first numbers of a control sequence; 0 stands for none.
type params struct {
	v [8]int32
	n int
}

func (p *params) or(i, other int) int {
	if p.v[i] == 0 {
		return other
	}
	return int(p.v[i])
}

// parameters reads the numbers of a control sequence, and what it is.
func parameters(b []byte) (p params, final byte, ok bool) {
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			if p.n == 0 {
				p.n = 1
			}
			if p.n <= len(p.v) {
				if p.v[p.n-1] = p.v[p.n-1]*10 + int32(c-'0'); p.v[p.n-1] > 1<<20 {
					return p, 0, false
				}
			}
		case c == ';':
			p.n = max(p.n, 1) + 1
		case c >= '<' && c <= '?' && i == 0, c >= ' ' && c < '0':
		case c >= 0x40 && c < del && i == len(b)-1:
			return p, c, true
		default:
			return p, 0, false
		}
	}
	return p, 0, false // it was cancelled
}

// absolute follows sequences that do not depend on where the cursor is, and reports
// whether this was one.
func (c *cursor) absolute(p *params, final byte) bool {
	switch final {
	case 'H', 'f':
		c.put(p.or(0, 1), p.or(1, 1), p.or(1, 1))
	case 'd':
		low, high := 1, c.width
		if c.awake() {
			low, high = c.at.low, c.at.high
		}
		c.put(p.or(0, 1), low, high)
	case 'r':
		top, bottom := p.or(0, 1), min(p.or(1, c.height), c.height)
		if top < bottom {
			c.top, c.bottom = top, bottom
			c.put(1, 1, 1)
		}
	case 's':
		if c.saved = c.at; p.n > 0 {
			c.saved = place{}
		}
	case 'u':
		c.restore()
	case 'J', 'K', 'X', 'n', 'c', 'q', 'g', 'i', 'm':
	case '@', 'P', 'S', 'T', 'L', 'M':
		c.shifted()
		if final == 'L' || final == 'M' { // some go to the first column
			c.at.low, c.moved = min(c.at.low, 1), true
		}
	case 'h', 'l':
		if slices.Contains(p.v[:], 20) { // a line feed goes to the first column
			c.lose(final == 'h')
		}
	case 'A', 'B', 'C', 'D', 'E', 'F', 'G', '`', 'a', 'e', 'I', 'Z':
		return false
	default:
		c.sleep()
		c.shifted()
	}
	return true
}

// relative follows sequences that move the cursor from where it is.
func (c *cursor) relative(n int, final byte) {
	switch final {
	case 'A':
		c.rows(-n)
	case 'B', 'e':
		c.rows(n)
	case 'C', 'a':
		c.put(c.at.row, min(c.at.low, c.width)+n, min(c.at.high, c.width)+n)
	case 'D':
		c.back(n)
	case 'E', 'F':
		if final == 'F' {
			n = -n
		}
		if c.rows(n); c.awake() {
			c.at.low, c.at.high = 1, 1
		}
	case 'G', '`':
		c.put(c.at.row, n, n)
	case 'I', 'Z':
		c.put(c.at.row, 1, c.width)
	}
}

// private follows modes of the terminal.
func (c *cursor) private(p *params, final byte) {
	switch final {
	case 'h', 'l':
		for i := range min(p.n, len(p.v)) {
			switch p.v[i] {
			case 6, 69: // rows, or columns, count from a margin
				c.lose(final == 'h')
			case 3, 45, 47, 1047, 1048, 1049: // widths, and screens
				c.saved = place{}
				c.sleep()
				c.shifted()
			}
		}
		if p.n > len(p.v) {
			c.lose(true)
		}
	case 'r':
		c.lose(true) // modes that are set back may be any
	case 'J', 'K', 'n', 'c', 'u', 'm', 'p', 'q', 's', 'S':
	default:
		c.sleep()
		c.shifted()
	}
}

// intermediate follows control sequences with a byte before the last.
func (c *cursor) intermediate(between, final byte) {
	switch {
	case between == ' ' && final == 'q', between == '$' && final == 'p', between == '"' && final == 'q':
	case between == '!' && final == 'p':
		c.top, c.bottom = 1, c.height
		c.lose(false)
	default:
		c.sleep()
		c.shifted()
	}
}
