package mask

// wordStart returns where a word may begin that includes what is right before i
// and that text from i on may still turn into a hit.
func (t *text) wordStart(i int) int { return t.localStart(i) }

// beginsWord reports whether a number at i stands free to its left, and
// otherwise whether the letters and digits before it hold a letter that is no
// hexadecimal digit.
func (t *text) beginsWord(i int) (free, wordy bool) {
	low := t.limit(i)
	if i == low || t.edge(i) || !isAlnum(t.v[i-1]) {
		return true, true
	}
	if c := t.v[i-1]; i-2 >= low && t.v[i-2] == '\\' && (c == 'n' || c == 'r' || c == 't') {
		return true, true // a quoted line end or tab
	}
	if t.v[i-1] == 'x' && i-2 >= low && t.v[i-2] == '0' {
		return false, false // a hexadecimal number
	}
	if t.v[i-1] == 'B' && i-2 >= low && t.v[i-2] == '%' {
		return true, true // the first track of a magnetic stripe
	}
	if i-3 >= low && t.v[i-3] == '%' {
		return true, true // a percent-encoded character
	}
	for k := i - 1; k >= low && i-k <= tokenReach; k-- {
		c := t.v[k]
		if !isAlnum(c) {
			break
		}
		if classes[c]&alphaClass != 0 && classes[c]&hexClass == 0 {
			return false, true
		}
	}
	return false, false
}

// tokenReach is how far the word around a number is looked at.
const tokenReach = 32

// endsWord is beginsWord to the right of a number that ends at e.
func (t *text) endsWord(e int) (free, wordy bool, v verdict) {
	for k := e; k < e+tokenReach; k++ {
		if k == len(t.v) {
			if !t.final {
				return false, false, more
			}
			return k == e, k == e, no
		}
		c := t.v[k]
		if k == e && t.edge(k) || !isAlnum(c) {
			return k == e, k == e, no
		}
		if k == e && isDigit(c) {
			return false, false, no
		}
		if classes[c]&alphaClass != 0 && classes[c]&hexClass == 0 {
			return false, true, no
		}
	}
	return false, false, no
}
