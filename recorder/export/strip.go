package export

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Stripper takes escape sequences and control characters out of a terminal's
// stream, wherever it is cut. The zero value is ready.
type Stripper struct {
	state byte // 0 text, or what the last sequence is in
	held  []byte
}

// States inside of sequences (ECMA-48).
const (
	inText     byte = iota
	inEscape        // after ESC
	inControl       // CSI: until a final byte
	inString        // OSC, DCS, SOS, PM, APC: until ST or BEL
	inStringST      // in a string, after ESC
)

// Strip returns what is to be read of the next bytes.
func (s *Stripper) Strip(b []byte) string {
	var out strings.Builder
	b = append(s.held, b...)
	s.held = nil
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 && !utf8.FullRune(b) {
			s.held = bytes.Clone(b)
			break
		}
		b = b[n:]
		s.rune(r, &out)
	}
	return out.String()
}

func (s *Stripper) rune(r rune, out *strings.Builder) {
	switch {
	case r == 0x1b && s.state == inString:
		s.state = inStringST
	case r == 0x1b:
		s.state = inEscape
	case r == 0x18 || r == 0x1a: // CAN and SUB end any sequence
		s.state = inText
	case s.state == inText:
		s.text(r, out)
	case s.state == inEscape:
		s.escape(r)
	case s.state == inControl:
		if r >= 0x40 && r <= 0x7e {
			s.state = inText
		}
	case s.state == inStringST:
		s.state = inString
		if r == '\\' {
			s.state = inText
		}
	case r == 0x07 || r == 0x9c: // in a string
		s.state = inText
	}
}

func (s *Stripper) text(r rune, out *strings.Builder) {
	switch {
	case r == 0x9b:
		s.state = inControl
	case r == 0x90 || r == 0x98 || r == 0x9d || r == 0x9e || r == 0x9f:
		s.state = inString
	case shown(r):
		out.WriteRune(r)
	}
}

// escape is the character after ESC.
func (s *Stripper) escape(r rune) {
	switch {
	case r == '[':
		s.state = inControl
	case strings.ContainsRune("]PX^_", r):
		s.state = inString
	case r >= 0x20 && r <= 0x2f: // an intermediate byte: the final one follows
	default:
		s.state = inText
	}
}
