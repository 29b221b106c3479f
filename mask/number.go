package mask

// maxRun is how much of a run of digits is looked at: further than a number is
// long, it does not matter.
const maxRun = maxCard + len("20") + 1

// leastDigits is how many digits any number has that is found by itself.
const leastDigits = 9

// digits asks the detectors of what begins with digits, or with two letters
// before digits, about the run at i. It returns where to go on.
func (t *text) digits(i int, hits []span) ([]span, int, verdict) {
	v := t.v
	if !t.led(i) {
		if over, few := t.few(i); few {
			return hits, over, no
		}
	}
	end := i + 1
	for end < len(v) && isDigit(v[end]) && end-i < maxRun {
		end++
	}
	next := end
	if t.off != nil {
		for next = i + 1; next < end && !t.edge(next); {
			next++
		}
	}
	if next == end {
		for next < len(v) && isDigit(v[next]) && !t.edge(next) {
			next++
		}
		if next == end && end < len(v) && !t.maybeNumber(i, end, t.set) {
			return hits, next, no
		}
	}
	hits, verdict := t.number(i, end, t.set, hits)
	return hits, next, verdict
}

// over returns where to go on behind a hit: its end, if it is of digits and signs
// between them alone and another character follows, so that nothing which begins
// within can end behind it.
func (t *text) over(h span) int {
	if h.by&(detectCard|detectSSN|detectPhone) == 0 || t.off != nil || h.end == len(t.v) || classes[t.v[h.end]]&(digitClass|groupClass) != 0 {
		return 0
	}
	return h.end
}

// led reports whether what stands before i may be the beginning of a number whose
// digits begin there: two letters, or a percent-encoded character.
func (t *text) led(i int) bool {
	if i == 0 || classes[t.v[i-1]]&leadClass == 0 {
		return false
	}
	return t.v[i-1] == '%' || i > 1 && classes[t.v[i-2]]&alphaClass != 0
}

// few reports whether the groups of digits from i on are together too short for
// any number, and where they end: dates, times, counts.
func (t *text) few(i int) (end int, _ bool) {
	v, n, dots, opened := t.v, 0, 0, false
	for i < len(v) {
		if isDigit(v[i]) {
			if n++; n == leastDigits {
				return 0, false
			}
			i++
			continue
		}
		k := i // signs between two groups; three are the most there can be
		for k < len(v) && k < i+3 && classes[v[k]]&groupClass != 0 {
			switch v[k] {
			case '.':
				dots++
			case '(':
				opened = true
			case ')':
				if !opened { // nothing goes on over it
					return k, true
				}
			}
			k++
		}
		if k == len(v) {
			return i, t.final
		}
		if k == i || !isDigit(v[k]) {
			return i, true
		}
		if dots > 2 && t.set&detectIPv4 != 0 {
			return 0, false
		}
		i = k
	}
	return i, t.final
}

// maybeNumber reports whether any detector can say yes or more to the run of
// digits from i to end, across which there is no escape: most are neither as long
// as a number nor as a group of one.
func (t *text) maybeNumber(i, end int, set detectorSet) bool {
	n := end - i
	if n >= 9 {
		return true
	}
	if i > 0 {
		if p := t.v[i-1]; p == '%' || n >= 2 && classes[p]&alphaClass != 0 && t.lettered(i) {
			return true
		}
	}
	c := t.v[end]
	if classes[c]&groupClass == 0 {
		return false
	}
	if end+1 < len(t.v) && classes[t.v[end+1]]&(groupClass|digitClass) == 0 {
		return false
	}
	first := t.v[i]
	switch {
	case n == 1 && first != '0', n == 3, n == 8:
		return true
	case first == '0':
		return n > 1 && set&detectPhone != 0 || set&detectIPv4 != 0
	case c == '.' && n < 3 && set&detectIPv4 != 0:
		return true
	case n == 4 && set&detectCard != 0 && cardLengths(fourDigits(t.v[i:])) != 0:
		return true
	}
	return set&detectPhone != 0 && n > 2 && first != '1' && t.phoneNamed(i)
}

// lettered reports whether two letters before i may begin a word, as those of an
// IBAN do.
func (t *text) lettered(i int) bool {
	if i < 2 || classes[t.v[i-2]]&alphaClass == 0 {
		return false
	}
	return i == 2 || !isAlnum(t.v[i-3]) || i > 3 && t.v[i-4] == '\\' || i > 4 && t.v[i-5] == '%' || t.masked == i-2 || t.edge(i-2)
}

// number asks the detectors of numbers about the run of digits from i to end. What
// is one kind of number is no other.
func (t *text) number(i, end int, set detectorSet, hits []span) ([]span, verdict) {
	if end == len(t.v) && !t.final && end-i < maxRun {
		return hits, more
	}
	at := i
	if i > 0 && t.v[i-1] == '%' && end-i > 2 { // a percent-encoded character before the number
		i += 2
	}
	start, e, by, v := t.kind(i, end, set)
	if v == yes {
		hits = append(hits, span{start, e, at, by})
	}
	return hits, v
}

// kind says which kind of number the run of digits from i to end begins, and from
// where to where it goes.
func (t *text) kind(i, end int, set detectorSet) (start, e int, by detectorSet, v verdict) {
	n := end - i
	if set&detectCard != 0 {
		if e, v = t.card(i, end); v != no {
			return i, e, detectCard, v
		}
	}
	if set&detectSSN != 0 && (n == 3 || n == 9) {
		if e, v = t.ssn(i, n); v != no {
			return i, e, detectSSN, v
		}
	}
	if set&(detectIBAN|detectGCP) != 0 && n >= 2 && i > 1 && classes[t.v[i-1]]&classes[t.v[i-2]]&alphaClass != 0 {
		if e, v = t.iban(i - 2); set&detectIBAN != 0 && v != no {
			return i - 2, e, detectIBAN, v
		}
		if e, v = t.oauth(i-2, end); set&detectGCP != 0 && v != no {
			return i - 2, e, detectGCP, v
		}
	}
	if set&detectIPv4 != 0 && n <= 3 {
		if e, v = t.ipv4(i); v != no {
			return i, e, detectIPv4, v
		}
	}
	if set&detectPhone != 0 {
		if e, v = t.national(i, end); v != no {
			return i, e, detectPhone, v
		}
	}
	return 0, 0, 0, no
}
