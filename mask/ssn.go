package mask

// ssn says whether a social security number begins at i with a run of n digits,
// three or nine. Numbers that the Social Security Administration does not give
// out are none: area 000, 666 and 900 to 999, group 00, serial 0000.
//
// Dashes tell it from other numbers. Without them, or within a word, it takes a
// word for it before.
func (t *text) ssn(i, n int) (end int, v verdict) {
	digits, sep, end, v := t.ssnDigits(i, n)
	if v != yes {
		return 0, v
	}
	area, group, serial := [3]byte(digits[:3]), [2]byte(digits[3:5]), [4]byte(digits[5:])
	if area == [3]byte{'0', '0', '0'} || area == [3]byte{'6', '6', '6'} || area[0] == '9' || group == [2]byte{'0', '0'} || serial == [4]byte{'0', '0', '0', '0'} {
		return 0, no
	}
	free, _ := t.beginsWord(i)
	freeEnd, _, v := t.endsWord(end)
	if v == more {
		return 0, more
	}
	if end < len(t.v) && isDigit(t.v[end]) && !freeEnd {
		return 0, no
	}
	low := t.limit(i)
	underscore := i > low && t.v[i-1] == '_'
	joined := i-2 >= low && t.v[i-1] == '-' && isDigit(t.v[i-2])
	if end < len(t.v) && (t.v[end] == '-' || t.v[end] == '.') {
		if end+1 == len(t.v) && !t.final {
			return 0, more
		}
		joined = joined || end+1 < len(t.v) && isDigit(t.v[end+1]) && !t.edge(end+1)
	}
	if (joined || sep != '-' || !free || !freeEnd || underscore) && !t.ssnNamed(i) {
		return 0, no
	}
	return end, yes
}

// ssnDigits reads three, two and four digits with the same separator between, or
// nine without.
func (t *text) ssnDigits(i, n int) (digits [9]byte, sep byte, end int, v verdict) {
	const seps = " -."
	k := 0
	for p := i; k < len(digits); p++ {
		if p == len(t.v) {
			return digits, sep, 0, t.open()
		}
		c := t.v[p]
		if n == 3 && (p == i+3 || p == i+6) {
			if c != seps[0] && c != seps[1] && c != seps[2] || p == i+6 && c != sep {
				return digits, sep, 0, no
			}
			sep = c
			continue
		}
		if !isDigit(c) {
			return digits, sep, 0, no
		}
		digits[k] = c
		k++
		end = p + 1
	}
	return digits, sep, end, yes
}

// ssnNamed reports whether a word for a social security number stands before i.
func (t *text) ssnNamed(i int) bool {
	low := max(t.limit(i), i-tokenReach)
	for k := i - 1; k >= low; k-- {
		switch t.v[k] {
		case '\n', '[', ']', breaker:
			return false
		}
		if k > i-3 {
			continue
		}
		switch t.lower(k, 3) {
		case "ssn", "soc", "tax":
			return true
		}
	}
	return false
}

// lower returns n bytes from i in lower case.
func (t *text) lower(i, n int) string {
	var b [8]byte
	for k := range n {
		b[k] = t.v[i+k]
		if c := b[k]; c >= 'A' && c <= 'Z' {
			b[k] = c + 'a' - 'A'
		}
	}
	return string(b[:n])
}
