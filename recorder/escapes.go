package recorder

// escapes takes escape sequences (ECMA-48) out of a terminal's output, wherever
// it is cut. What is left is characters and C0 controls.
type escapes struct{ state byte }

const (
	escText   byte = iota
	escBegin       // after ESC
	escCSI         // until a final byte
	escString      // OSC, DCS, ...: until BEL or ESC
)

func (s *escapes) strip(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for _, c := range b {
		switch {
		case c == 0x1b:
			s.state = escBegin
		case s.state == escBegin:
			switch {
			case c == '[':
				s.state = escCSI
			case c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_':
				s.state = escString
			case c < 0x20 || c > 0x2f: // else an intermediate byte
				s.state = escText
			}
		case s.state == escCSI:
			if c >= 0x40 && c <= 0x7e {
				s.state = escText
			}
		case s.state == escString:
			if c == 0x07 {
				s.state = escText
			}
		default:
			out = append(out, c)
		}
	}
	return out
}
