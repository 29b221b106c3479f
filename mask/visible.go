package mask

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// visible returns the byte that stands for r in a text; ok is false for what has
// no width. Fullwidth forms become ASCII, decimal digits of any script ASCII
// digits, dashes '-', spaces ' '.
func visible(r rune) (c byte, ok bool) {
	switch {
	case r < tableSize:
		c = table()[r]
		return c, c != 0
	case r >= 0x3400 && r <= 0x4dbf, r >= 0x4e00 && r <= 0x9fff, r >= 0xac00 && r <= 0xd7a3: // Han, Hangul
		return letter, true
	}
	return lookUp(r)
}

// tableSize bounds the characters whose answer is kept: the alphabets.
const tableSize = 0x3100

var table = sync.OnceValue(func() *[tableSize]byte {
	var t [tableSize]byte
	for r := range rune(tableSize) {
		if c, ok := lookUp(r); ok {
			t[r] = c
		}
	}
	return &t
})

func lookUp(r rune) (c byte, ok bool) {
	switch {
	case r < utf8.RuneSelf:
		return byte(r), true
	case r >= 0xff01 && r <= 0xff5e: // fullwidth forms
		return byte(r - 0xff01 + '!'), true
	case r == 0xfe6b: // small commercial at
		return '@', true
	case r == 0x2212 || unicode.Is(unicode.Pd, r):
		return '-', true
	case r == 0x2028 || r == 0x2029:
		return '\n', true
	case unicode.Is(unicode.Zs, r):
		return ' ', true
	case unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me, unicode.Variation_Selector):
		return 0, false
	case unicode.IsLetter(r):
		return letter, true
	case unicode.IsDigit(r):
		return decimal(r), true
	}
	return other, true
}

// decimal returns the ASCII digit of the value of a decimal digit. Unicode keeps
// the ten of a script together, zero first.
func decimal(r rune) byte {
	for _, t := range unicode.Nd.R16 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10)
		}
	}
	for _, t := range unicode.Nd.R32 {
		if r >= rune(t.Lo) && r <= rune(t.Hi) {
			return '0' + byte((r-rune(t.Lo))%10)
		}
	}
	return other
}
