package mask

import "sync"

// iban says whether an international bank account number (ISO 13616) begins at
// i: two letters, two check digits, and as many letters and digits as its
// country's have, whole or in groups of four. ISO 7064 MOD 97-10 must be right.
func (t *text) iban(i int) (end int, v verdict) {
	if !t.free(i) {
		return 0, no
	}
	a, b := t.v[i]|0x20, t.v[i+1]|0x20
	size := ibanLength(a, b)
	if size == 0 {
		return 0, no
	}
	k := i + 2
	for ; k < i+4; k++ {
		if k == len(t.v) {
			return 0, t.open()
		}
		if !isDigit(t.v[k]) {
			return 0, no
		}
	}
	sep := byte(0) // before each group of four
	if k < len(t.v) && (t.v[k] == ' ' || t.v[k] == '-' || t.v[k] == '.') {
		sep = t.v[k]
	}
	var sum check97
	for n := 4; n < size; n++ {
		if sep != 0 && n&3 == 0 && k < len(t.v) {
			if t.v[k] != sep {
				return 0, no
			}
			k++
		}
		if k == len(t.v) {
			return 0, t.open()
		}
		c := t.v[k]
		if !isAlnum(c) {
			return 0, no
		}
		sum.add(c)
		k++
	}
	for _, c := range t.v[i : i+4] {
		sum.add(c)
	}
	if sum%97 != 1 {
		return 0, no
	}
	if k == len(t.v) && !t.final {
		return 0, more
	}
	return k, t.ends(k)
}

// check97 is a number that is read digit by digit, a letter for two, and kept
// modulo 97.
type check97 uint64

func (s *check97) add(c byte) {
	if isDigit(c) {
		*s = *s*10 + check97(c-'0')
	} else {
		*s = *s*100 + check97(c|0x20-'a') + 10
	}
	if *s > 1<<56 { // dividing is slow
		*s %= 97
	}
}

// ibanLengths are the countries of the IBAN registry and how long theirs are.
const ibanLengths = "ad24ae23al28at20az28ba20be16bg22bh22bi27br29by28ch21cr22cy28cz24de22dj27dk18do28ee20eg29es24fi18fk18fo18fr27" +
	"gb22ge22gi23gl18gr27gt28hn28hr21hu28ie22il23iq23is26it27jo30kw30kz20lb28lc32li21lt20lu20lv21ly25mc27md24me22mk19mn20mr27mt31mu30" +
	"ni28nl18no15om23pk24pl28ps29pt25qa29ro24rs22ru33sa24sc31sd18se24si19sk24sm27so23st25sv28tl23tn24tr26ua29va22vg24xk20ye30"

var ibanTable = sync.OnceValue(func() *[26 * 26]uint8 {
	var t [26 * 26]uint8
	for s := ibanLengths; s != ""; s = s[4:] {
		t[int(s[0]-'a')*26+int(s[1]-'a')] = (s[2]-'0')*10 + s[3] - '0'
	}
	return &t
})

// ibanLength is how long the numbers of a country are, 0 if it has none; a and b
// are lower-case letters.
func ibanLength(a, b byte) int { return int(ibanTable()[int(a-'a')*26+int(b-'a')]) }
