package mask

const (
	minCard = 13
	maxCard = 19
)

// firstGroups are the sizes of the first group of a card, or of a whole one, as
// bits.
const firstGroups = 1<<1 | 1<<4 | 1<<8 | (1<<(maxCard+1) - 1<<minCard)

// card says whether a payment card number begins at i, with a run of digits up to
// run, and where the longest ends. It must have the length of its issuer's, a right check digit (Luhn) and
// the grouping of cards, and must not be a piece of a longer run of digits or of
// hexadecimal digits, nor the fraction of a decimal number.
func (t *text) card(i, run int) (end int, v verdict) {
	c, n := t.v[i], run-i
	if c < '2' || c == '7' || c == '9' || n >= 4 && cardLengths(fourDigits(t.v[i:])) == 0 {
		return 0, no
	}
	if t.off == nil && run < len(t.v) && firstGroups&(1<<n) == 0 {
		return 0, no
	}
	free, wordy := t.beginsWord(i)
	if !free && !wordy {
		return 0, no
	}
	r := cardReader{t: t, fraction: i >= t.limit(i)+2 && t.v[i-1] == '.' && isDigit(t.v[i-2]) && !t.edge(i)}
	for {
		ok := false
		if i, ok = r.read(i); !ok {
			break
		}
		if i == len(t.v) && !t.final {
			return 0, more
		}
		if r.n >= minCard {
			r.try(i)
		}
		next, v := t.nextGroup(i)
		if v == more && r.mayGoOn() {
			return 0, more
		}
		if v != yes || !r.group() {
			break
		}
		i = next
	}
	if r.more {
		return 0, more
	}
	if r.end > 0 {
		return r.end, yes
	}
	return 0, no
}

// nextGroup returns where the next group of digits begins, if one or two
// separators lead to it.
func (t *text) nextGroup(i int) (int, verdict) {
	k := i
	for k < len(t.v) && k < i+2 && classes[t.v[k]]&sepClass != 0 {
		k++
	}
	if k == len(t.v) {
		return 0, t.open()
	}
	if k == i || !isDigit(t.v[k]) {
		return 0, no
	}
	return k, yes
}

// cardReader gathers the digits of what may be a card number.
type cardReader struct {
	t        *text
	fraction bool
	digits   [maxCard]byte
	n        int
	lengths  uint32         // that a number with these first digits may have, as bits
	groups   [maxCard]uint8 // sizes of the groups that ended
	count    int
	size     int // of the group that runs
	end      int
	more     bool
}

// read adds the digits from i on, and reports where they end and whether a card
// may begin so.
func (r *cardReader) read(i int) (int, bool) {
	v, n := r.t.v, r.n
	for ; i < len(v) && isDigit(v[i]); i++ {
		if r.t.off != nil && n > r.n && r.t.edge(i) {
			r.add(n)
			r.try(i)
		}
		if n == maxCard {
			r.add(n)
			return i, false
		}
		r.digits[n] = v[i]
		n++
	}
	r.add(n)
	return i, r.n < 4 || r.lengths != 0
}

// add counts the digits of the group that runs, up to n.
func (r *cardReader) add(n int) {
	r.size += n - r.n
	r.n = n
	if n >= 4 && r.lengths == 0 {
		r.lengths = cardLengths(fourDigits(r.digits[:]))
	}
}

// group ends a group and reports whether cards are grouped so.
func (r *cardReader) group() bool {
	if !r.mayGoOn() {
		return false
	}
	r.groups[r.count] = uint8(r.size)
	r.count++
	r.size = 0
	return true
}

// mayGoOn reports whether another group can follow the one that runs: cards come
// in groups of four, as 4-6-5 and 4-6-4, as 8-8, or digit by digit.
func (r *cardReader) mayGoOn() bool {
	if r.n >= maxCard {
		return false
	}
	switch r.size {
	case 1, 4:
		return r.count == 0 || r.alike(r.size)
	case 6:
		return r.count == 1 && r.groups[0] == 4
	case 8:
		return r.count == 0
	}
	return false
}

// alike reports whether all groups that ended have this size.
func (r *cardReader) alike(size int) bool {
	for _, g := range r.groups[:r.count] {
		if int(g) != size {
			return false
		}
	}
	return true
}

// grouped reports whether the groups, with the one that runs as the last, are
// those of a card.
func (r *cardReader) grouped() bool {
	switch {
	case r.count == 0:
		return !r.fraction
	case r.groups[0] == 8:
		return r.count == 1 && r.size == 8
	case r.count == 2 && r.groups[1] == 6:
		return r.size == 5 || r.size == 4
	case r.groups[0] == 1:
		return r.alike(1) && r.size == 1
	}
	return r.alike(4) && r.size <= 5
}

// try takes what was gathered for a whole number that ends at e.
func (r *cardReader) try(e int) {
	if r.n < minCard || r.lengths&(1<<r.n) == 0 || !r.grouped() || !luhn(r.digits[:r.n]) {
		return
	}
	free, wordy, v := r.t.endsWord(e)
	if v == more {
		r.more = true
	}
	if free || wordy {
		r.end = e
	}
}

func fourDigits(d []byte) int {
	return int(d[0]-'0')*1000 + int(d[1]-'0')*100 + int(d[2]-'0')*10 + int(d[3]-'0')
}

// cardLengths returns, as bits, how long numbers are whose first four digits are
// p: the issuer ranges of ISO/IEC 7812 that are in use.
func cardLengths(p int) uint32 {
	const (
		l13, l14, l15, l16 = 1 << 13, 1 << 14, 1 << 15, 1 << 16
		l16to19            = 1<<16 | 1<<17 | 1<<18 | 1<<19
	)
	switch {
	case p >= 4000 && p <= 4999: // Visa
		return l13 | l16 | 1<<19
	case p >= 5100 && p <= 5599, p >= 2221 && p <= 2720: // Mastercard
		return l16
	case p/100 == 34, p/100 == 37: // American Express
		return l15
	case p == 6011, p >= 6440 && p <= 6599: // Discover
		return l16to19
	case p/100 == 62, p/100 == 81: // UnionPay
		return l16to19
	case p/100 == 36: // Diners Club
		return l14 | l16to19
	case p >= 3000 && p <= 3059, p == 3095, p/100 == 38, p/100 == 39: // Diners Club
		return l14 | l16to19
	case p >= 3528 && p <= 3589: // JCB
		return l16to19
	case p == 2131: // JCB
		return l15
	case p >= 2200 && p <= 2205: // Mir
		return l16to19
	case p/100 == 50, p >= 5600 && p <= 5899, p/100 == 60, p/100 == 63, p/100 == 67: // Maestro, RuPay, Verve, Elo
		return l16to19
	}
	return 0
}

// luhn reports whether the last digit is the check digit of ISO/IEC 7812-1.
func luhn(digits []byte) bool {
	const doubled = "\x00\x02\x04\x06\x08\x01\x03\x05\x07\x09"
	sum, i := 0, len(digits)-1
	for ; i > 0; i -= 2 {
		sum += int(digits[i]-'0') + int(doubled[digits[i-1]-'0'])
	}
	if i == 0 {
		sum += int(digits[0] - '0')
	}
	return sum%10 == 0
}
