package mask

// text is a stretch of what a terminal would show, one byte for each character,
// normalised: see visible. Detectors work on it alone.
//
// What precedes start was decided and has left; it is there for context. left
// context ends at masked, the end of what was masked so far: what a detector may
// consult is then the same when masked text is masked again.
type text struct {
	v      []byte
	off    []int32 // of each byte from start on: where it is in the data << 1 | 1 after an escape; nil where both run in step
	start  int
	edge0  bool // an escape stands right before start
	final  bool // the text ends here
	masked int
}

// Bytes of a text that are no ASCII.
const (
	breaker = 0x00 // nothing runs across this
	letter  = 0x80 // a letter that is not ASCII
	other   = 0x81 // any other character that is not ASCII
)

// Classes of the bytes of a text.
const (
	digitClass   = 1 << iota
	alphaClass   // ASCII letters
	hexClass     // letters that are hexadecimal digits
	localClass   // part of an e-mail address before the @
	hostClass    // part of a label of a host name
	sepClass     // may stand between the groups of a number
	wordEndClass // ends what may stand before a host in a URL
	triggerClass // a detector has something to say here
)

var classes = func() (t [256]uint8) {
	mark := func(chars string, class uint8) {
		for i := range len(chars) {
			t[chars[i]] |= class
		}
	}
	const lower, upper, digits = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	mark(digits, digitClass|triggerClass)
	mark(lower+upper, alphaClass)
	mark("abcdefABCDEF", hexClass)
	mark(lower+upper+digits+"\x80._%+-'", localClass)
	mark(lower+upper+digits+"\x80-_", hostClass)
	mark(" -._", sepClass)
	mark("\x00\t\n\v\f\r\b \"'`/@<>()[]{}?#=&,;|\\", wordEndClass)
	mark("@%", triggerClass)
	return t
}()

func isDigit(c byte) bool  { return c-'0' <= 9 }
func isAlnum(c byte) bool  { return classes[c]&(digitClass|alphaClass) != 0 }
func isLetter(c byte) bool { return c == letter || classes[c]&alphaClass != 0 }

// edge reports whether an escape stands between position i and the one before:
// text may begin or end there, or run on.
func (t *text) edge(i int) bool {
	if i == t.start && t.edge0 {
		return true
	}
	return t.off != nil && i >= t.start && i < len(t.v) && t.off[i-t.start]&1 != 0
}

// limit is how far left of position i one may look.
func (t *text) limit(i int) int {
	if t.masked > i {
		return 0
	}
	return max(t.masked, 0)
}

// open is the verdict at the end of the text.
func (t *text) open() verdict {
	if t.final {
		return no
	}
	return more
}

// scan appends the hits of the detectors in set, in the order in which they were
// decided, and returns the position from which on more text may change what is
// masked: it is never hit from later on.
func (t *text) scan(set detectorSet, hits []span) ([]span, int) {
	v := t.v
	i := t.start
	if i > 0 && isDigit(v[i-1]) && !t.edge(i) {
		for i < len(v) && isDigit(v[i]) && !t.edge(i) {
			i++ // the rest of a run that was decided
		}
	}
	for {
		for i < len(v) && classes[v[i]]&triggerClass == 0 {
			i++
		}
		if i >= len(v) {
			break
		}
		from := len(hits)
		verdict, next := no, i+1
		switch v[i] {
		case '@':
			if set&detectEmail != 0 {
				hits, verdict = t.email(i, 1, hits)
			}
		case '%':
			if set&detectEmail != 0 {
				hits, verdict = t.encodedEmail(i, hits)
			}
		default:
			for next < len(v) && isDigit(v[next]) && (t.off == nil || !t.edge(next)) {
				next++
			}
			end := next // of the run; further than a number is long, it does not matter
			for end < len(v) && isDigit(v[end]) && end-i <= maxCard+len("20") {
				end++
			}
			if next == end && end < len(v) && !t.maybeNumber(i, end) {
				i = next
				continue
			}
			hits, verdict = t.number(i, end, set, hits)
		}
		if verdict == more {
			return hits, t.localStart(i)
		}
		for _, h := range hits[from:] {
			t.masked = max(t.masked, h.end)
		}
		i = next
	}
	if t.final || set&detectEmail == 0 {
		return hits, len(v)
	}
	return hits, t.localStart(len(v))
}

// maybeNumber reports whether any detector can say yes or more to the run of
// digits from i to end, across which there is no escape: most are neither as long
// as a number nor as a group of one.
func (t *text) maybeNumber(i, end int) bool {
	switch n := end - i; {
	case i > 0 && t.v[i-1] == '%', n >= minCard, n == 9:
		return true
	case n == 4, n == 3, n == 1, n == 8:
		if classes[t.v[end]]&sepClass == 0 {
			return false
		}
		if n == 4 && t.v[i] < '2' {
			return false
		}
		return end+1 == len(t.v) || classes[t.v[end+1]]&(sepClass|digitClass) != 0
	}
	return false
}

// number asks the detectors of numbers about the run of digits from i to end.
func (t *text) number(i, end int, set detectorSet, hits []span) ([]span, verdict) {
	if end == len(t.v) && !t.final && end-i <= maxCard+len("20") {
		return hits, more
	}
	at := i
	if i > 0 && t.v[i-1] == '%' && end-i > 2 { // a percent-encoded character before the number
		i += 2
	}
	if set&detectCard != 0 {
		e, v := t.card(i)
		if v == more {
			return hits, more
		}
		if v == yes {
			hits = append(hits, span{i, e, at, detectCard})
		}
	}
	if n := end - i; set&detectSSN != 0 && (n == 3 || n == 9) {
		e, v := t.ssn(i, n)
		if v == more {
			return hits, more
		}
		if v == yes {
			hits = append(hits, span{i, e, at, detectSSN})
		}
	}
	return hits, no
}

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
