package mask

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Control characters that begin, end or cancel sequences (ECMA-48).
const (
	bel = 0x07
	can = 0x18
	sub = 0x1a
	esc = 0x1b
	del = 0x7f
)

// maxSequence is the longest run of bytes between two characters that detectors
// look across, and the longest escape sequence that is never cut.
const maxSequence = 128

// sequence is what begins at an escape character.
type sequence struct {
	n         int // its length, introducer and terminator included
	intro     int // length of the introducer
	body, end int // the payload of a string sequence
	str       bool
	state     sequenceState
}

type sequenceState uint8

const (
	whole   sequenceState = iota
	partial               // b ends within it
	long                  // longer than maxSequence
)

// readSequence reads the escape sequence or C1 control that b begins with. b
// begins with ESC or with the two bytes that UTF-8 has for a C1 control.
func readSequence(b []byte) sequence {
	intro, kind := 2, byte(0)
	if b[0] == esc {
		if len(b) < 2 {
			return sequence{n: 1, intro: 1, state: partial}
		}
		kind = b[1]
	} else {
		kind = b[1] - 0x40 // 7-bit equivalent
	}
	switch {
	case kind == '[':
		return readControl(b, intro)
	case kind == ']' || kind == 'P' || kind == 'X' || kind == '^' || kind == '_':
		return readString(b, intro)
	case b[0] != esc:
		return sequence{n: intro, intro: intro}
	case kind >= 0x20 && kind <= 0x2f:
		for i := intro; i < len(b); i++ {
			switch c := b[i]; {
			case i >= maxSequence:
				return sequence{intro: intro, state: long}
			case c >= 0x30 && c < del:
				return sequence{n: i + 1, intro: intro}
			case c < 0x20 || c >= del:
				return sequence{n: i, intro: intro}
			}
		}
		return sequence{n: len(b), intro: intro, state: partial}
	case kind >= 0x30 && kind < del:
		return sequence{n: intro, intro: intro}
	}
	return sequence{n: 1, intro: 1} // cancelled by what follows
}

// readControl reads a control sequence. Control characters within are carried
// out by terminals and do not end it.
func readControl(b []byte, intro int) sequence {
	for i := intro; i < len(b); i++ {
		switch c := b[i]; {
		case i >= maxSequence:
			return sequence{intro: intro, state: long}
		case c >= 0x40 && c < del:
			return sequence{n: i + 1, intro: intro}
		case c == esc || c > del:
			return sequence{n: i, intro: intro}
		case c == can || c == sub:
			return sequence{n: i + 1, intro: intro}
		}
	}
	return sequence{n: len(b), intro: intro, state: partial}
}

// readString reads an operating system command or another string sequence.
func readString(b []byte, intro int) sequence {
	s := sequence{intro: intro, body: intro, str: true}
	for i := intro; i < len(b); i++ {
		if i >= maxSequence {
			s.state = long
			return s
		}
		n, ended, known := stringEnd(b[i:])
		if !known {
			s.n, s.state = len(b), partial
			return s
		}
		if ended {
			s.end, s.n = i, i+n
			return s
		}
	}
	s.n, s.state = len(b), partial
	return s
}

// stringEnd reports whether a string sequence ends at the beginning of b, and how
// long the terminator is: none for an escape that begins something else. It is
// not known where b is too short to tell.
func stringEnd(b []byte) (n int, ended, known bool) {
	switch b[0] {
	case bel, can, sub:
		return 1, true, true
	case esc:
		if len(b) < 2 {
			return 0, false, false
		}
		if b[1] == '\\' {
			return 2, true, true
		}
		return 0, true, true
	case 0xc2:
		if len(b) < 2 {
			return 0, false, false
		}
		return 2, b[1] == 0x9c, true
	}
	return 0, false, true
}

// plain reports whether c means itself: printable ASCII, and the controls that
// move the cursor on, which part words.
func plain(c byte) bool { return c >= 0x20 && c < del || c >= '\b' && c <= '\r' }

// special returns the index of the first byte of b that is not plain, or len(b).
func special(b []byte) int {
	const lows, highs = 0x0101010101010101, 0x8080808080808080
	i := 0
	for i+8 <= len(b) {
		x := binary.LittleEndian.Uint64(b[i:])
		// A byte below 0x20, at 0x7f or above has its high bit set here. The first
		// one that has is one; what follows it may have borrowed from it.
		odd := ((x - lows*0x20) | (x + lows) | x) & highs
		if odd == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(odd) / 8
		if !plain(b[i]) {
			return i
		}
		i++
	}
	for i < len(b) && plain(b[i]) {
		i++
	}
	return i
}

// incomplete reports whether b ends within its first character.
func incomplete(b []byte) bool { return !utf8.FullRune(b) }
