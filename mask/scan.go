package mask

// reach is the furthest that a detector looks ahead of where it was triggered,
// in characters of the text.
const reach = 400

// search is what a text is searched for. It is immutable.
type search struct {
	set     detectorSet
	custom  []*Custom
	trigger [256]bool // the characters at which a detector of the set has something to say
}

// triggers are the characters at which detectors are asked. Each is rare in what
// nothing is to be found in, and nothing that they find is without it.
var triggers = [...]struct {
	chars string
	by    detectorSet
}{
	{"0123456789", detectCard | detectSSN | detectPhone | detectIBAN | detectIPv4 | detectGCP},
	{"@", detectEmail},
	{"%\\&", detectEmail | detectPhone},
	{"+(", detectPhone},
	{"_", detectGitHub | detectStripe},
	{"-", detectSlack | detectPEM | detectGCP | detectSecret},
	{"I", detectAWSKey | detectAWSSecret | detectGCP},
	{"J", detectJWT},
	{":", detectURL | detectSlack | detectIPv6 | detectSecret | detectAWSSecret},
	{"=>", detectSecret | detectAWSSecret},
}

func newSearch(set detectorSet, custom []*Custom) *search {
	s := &search{set: set, custom: custom}
	for _, tr := range triggers {
		for i := range len(tr.chars) {
			s.trigger[tr.chars[i]] = s.trigger[tr.chars[i]] || set&tr.by != 0
		}
	}
	return s
}

// scan appends the hits of what is searched for, in the order in which they were
// decided, and returns the position from which on more text may change what is
// masked: it is never hit from later on.
func (t *text) scan(hits []span) ([]span, int) {
	hits, i, floor, on := t.begin(hits)
	if on {
		return hits, i
	}
	own := t.nextCustom(i)
	v, set, trigger := t.v, t.set, &t.trigger
	for {
		for i < len(v) && !trigger[v[i]] {
			i++
		}
		if own <= i && own < len(v) {
			var verdict verdict
			if hits, verdict = t.customAt(own, hits); verdict == more {
				return hits, max(floor, t.wordStart(own))
			}
			own = t.nextCustom(own + 1)
			continue
		}
		if i >= len(v) {
			break
		}
		from := len(hits)
		verdict, next := no, i+1
		if c := v[i]; isDigit(c) {
			if t.off == nil {
				for next < len(v) && isDigit(v[next]) {
					next++
				}
				// Most runs are short and not next to what parts groups.
				if n := next - i; next < len(v) && n < 9 && classes[v[next]]&groupClass == 0 &&
					(i == 0 || v[i-1] != '%' && (n == 1 || classes[v[i-1]]&alphaClass == 0)) {
					i = next
					continue
				}
			}
			hits, next, verdict = t.digits(i, next, set, hits)
		} else if next == len(v) || t.maybeSign(i, c, set) {
			hits, verdict = t.sign(i, c, set, hits)
		}
		if verdict == more {
			return hits, max(floor, t.wordStart(i))
		}
		for _, h := range hits[from:] {
			t.masked = max(t.masked, h.end)
		}
		i = next
		if t.run.kind != 0 {
			if hits, i, verdict = t.follow(t.runAt, hits); verdict == more {
				return hits, i
			}
			floor, t.ran, own = i, i, t.nextCustom(i)
		}
	}
	if t.final {
		return hits, len(v)
	}
	return hits, max(floor, t.customCut(t.wordStart(len(v))))
}

// begin follows what was being masked where the text begins. It returns where the
// search begins, where a run ended before that, and whether it goes on behind the
// text.
func (t *text) begin(hits []span) (_ []span, i, floor int, on bool) {
	i, t.ran = t.start, -1
	if t.run.ended {
		t.ran, t.run.ended = i, false
	}
	if t.run.kind != 0 {
		var v verdict
		if hits, i, v = t.follow(i, hits); v == more {
			return hits, i, 0, true
		}
		t.ran = i
		return hits, i, i, false
	}
	if i > 0 && i < len(t.v) && isDigit(t.v[i]) && isDigit(t.v[i-1]) && !t.edge(i) {
		for i < len(t.v) && isDigit(t.v[i]) && !t.edge(i) {
			i++ // the rest of a run of digits that was decided
		}
	}
	return hits, i, 0, false
}

// maybeSign reports whether any detector can say yes or more to the sign at i,
// which is not the last character: most are not next to what they have to be.
func (t *text) maybeSign(i int, c byte, set detectorSet) bool {
	if i == 0 {
		return true
	}
	prev, next := t.v[i-1], t.v[i+1]
	switch c {
	case '-':
		return next == '-' || prev == ' ' || classes[prev]&alphaClass != 0 && i > 3 && (t.v[i-2] == 'x' || prev == 'p' || prev == 'X')
	case '_':
		return classes[prev]&alphaClass != 0 && i > 1 && (t.v[i-2] == 'h' || prev == 'k' || prev == 'b' || prev == 'c')
	case 'I':
		return prev == 'K' || prev == 'S' || next == 'z'
	case 'J':
		return prev == 'y'
	case '+':
		return !isAlnum(prev) || t.edge(i) || t.masked == i || i > 1 && t.v[i-2] == '\\' || i > 2 && t.v[i-3] == '%'
	case '(':
		return isDigit(next) || t.off != nil
	case ':':
		return next == '/' || !isDigit(prev) || set&detectIPv6 != 0
	}
	return true
}

// sign asks the detectors that are triggered by c, which stands at i.
func (t *text) sign(i int, c byte, set detectorSet, hits []span) ([]span, verdict) {
	one := func(start, end int, v verdict, by detectorSet) ([]span, verdict) {
		if v == yes {
			return append(hits, span{start, end, i, by}), yes
		}
		return hits, v
	}
	switch c {
	case '@':
		if set&detectEmail != 0 {
			return t.email(i, 1, hits)
		}
	case '%', '\\', '&':
		return t.encoded(i, c, set, hits)
	case '+', '(':
		if set&detectPhone != 0 {
			end, v := t.dialled(i, i)
			return one(i, end, v, detectPhone)
		}
	case '_':
		return t.underscore(i, set, hits)
	case '-':
		return t.dash(i, set, hits)
	case 'I':
		return t.cloudKey(i, set, hits)
	case 'J':
		if set&detectJWT != 0 && t.before(i, "ey") {
			return t.jwt(i, hits)
		}
	case ':', '=', '>':
		return t.assigned(i, c, set, hits)
	}
	return hits, no
}

// encoded looks behind an escape of URLs, JSON or most languages at i.
func (t *text) encoded(i int, c byte, set detectorSet, hits []span) ([]span, verdict) {
	codes := encodings[:4]
	switch c {
	case '%':
		codes = encodings[4:8]
	case '&':
		codes = encodings[8:]
	}
	for _, e := range codes {
		v := t.has(i, e.code)
		if v == no || set&e.by == 0 {
			continue
		}
		if v == more {
			return hits, more
		}
		if e.by == detectEmail {
			return t.email(i, len(e.code), hits)
		}
		end, v := t.dialled(i, i+len(e.code)-1)
		if v == yes {
			hits = append(hits, span{i, end, i, detectPhone})
		}
		return hits, v
	}
	return hits, no
}

// encodings are spellings of @ and +.
var encodings = [...]struct {
	code string
	by   detectorSet
}{
	{`\u0040`, detectEmail}, {`\x40`, detectEmail}, {`\u002b`, detectPhone}, {`\u002B`, detectPhone},
	{"%40", detectEmail}, {"%2540", detectEmail}, {"%2B", detectPhone}, {"%2b", detectPhone},
	{"&#64;", detectEmail}, {"&#x40;", detectEmail}, {"&commat;", detectEmail},
}

// digits asks the detectors of what begins with digits, or with two letters
// before digits, about the run at i, which goes as far as next. It
// returns where the run ends.
func (t *text) digits(i, next int, set detectorSet, hits []span) ([]span, int, verdict) {
	v := t.v
	if t.off != nil {
		for next < len(v) && isDigit(v[next]) && !t.edge(next) {
			next++
		}
	}
	end := next // of the run; further than a number is long, it does not matter
	for end < len(v) && isDigit(v[end]) && end-i <= maxCard+len("20") {
		end++
	}
	if next == end && end < len(v) && !t.maybeNumber(i, end, set) {
		return hits, next, no
	}
	hits, verdict := t.number(i, end, set, hits)
	return hits, next, verdict
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
	return set&detectPhone != 0 && t.phoneNamed(i)
}

// lettered reports whether two letters before i may begin a word, as those of an
// IBAN do.
func (t *text) lettered(i int) bool {
	if i < 2 || classes[t.v[i-2]]&alphaClass == 0 {
		return false
	}
	return i == 2 || !isAlnum(t.v[i-3]) || i > 3 && t.v[i-4] == '\\' || i > 4 && t.v[i-5] == '%' || t.masked == i-2 || t.edge(i-2)
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
	n, decided := end-i, no
	// What is one kind of number is no other.
	ask := func(by detectorSet, start, e int, v verdict) bool {
		if v == yes {
			hits = append(hits, span{start, e, at, by})
		}
		decided = v
		return v != no
	}
	if set&detectCard != 0 {
		if e, v := t.card(i); ask(detectCard, i, e, v) {
			return hits, decided
		}
	}
	if set&detectSSN != 0 && (n == 3 || n == 9) {
		if e, v := t.ssn(i, n); ask(detectSSN, i, e, v) {
			return hits, decided
		}
	}
	if set&(detectIBAN|detectGCP) != 0 && n >= 2 && i > 1 && classes[t.v[i-1]]&classes[t.v[i-2]]&alphaClass != 0 {
		if e, v := t.iban(i - 2); set&detectIBAN != 0 && ask(detectIBAN, i-2, e, v) {
			return hits, decided
		}
		if e, v := t.oauth(i-2, end); set&detectGCP != 0 && ask(detectGCP, i-2, e, v) {
			return hits, decided
		}
	}
	if set&detectIPv4 != 0 && n <= 3 {
		if e, v := t.ipv4(i); ask(detectIPv4, i, e, v) {
			return hits, decided
		}
	}
	if set&detectPhone != 0 {
		if e, v := t.national(i, end); ask(detectPhone, i, e, v) {
			return hits, decided
		}
	}
	return hits, no
}

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
