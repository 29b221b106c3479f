package mask

// reach is the furthest that a detector looks ahead of where it was triggered,
// in characters of the text.
const reach = 400

// search is what a text is searched for. It is immutable.
type search struct {
	set    detectorSet
	custom []*Custom
	// Of each character, the triggers whose first or second it is, a bit for each.
	first, second [256]uint16
	asked         [256]bool // the character of such a pair that is asked
}

// triggers are the pairs of neighbours at which detectors are asked. Nothing that
// they find is without one, and each is rare in what nothing is to be found in.
// Asked is the first of the pair up to atFirst, from there on the second.
var triggers = [...]struct {
	first, second string // an empty one is any character
	by            detectorSet
}{
	{decimals, decimals + groupSigns, detectCard | detectSSN | detectPhone | detectIBAN | detectIPv4 | detectGCP},
	{"+", decimals + "(", detectPhone},
	{"(", decimals, detectPhone},
	{"%", "24", detectEmail | detectPhone},
	{"\\", "ux", detectEmail | detectPhone},
	{"&", "#c", detectEmail},
	{"-", "-", detectPEM | detectSecret},
	{":", "/", detectURL | detectSlack},
	{"", "@", detectEmail},
	{"hporsubkc", "_", detectGitHub | detectStripe},
	{"Xabcdeoprs", "-", detectSlack | detectGCP},
	{" ", "-", detectSecret},
	{"KSA", "I", detectAWSKey | detectAWSSecret | detectGCP},
	{"y", "J", detectJWT},
	{"", ":", detectIPv6},
	{"dDeElLnNsStTyY \"'\\:]", ":=>", detectSecret | detectAWSSecret},
}

const atFirst = 1<<8 - 1 // the bits of those that are asked at the first

func newSearch(set detectorSet, custom []*Custom) *search {
	s := &search{set: set, custom: custom}
	for bit, tr := range triggers {
		if set&tr.by != 0 {
			mark(&s.first, tr.first, 1<<bit)
			mark(&s.second, tr.second, 1<<bit)
		}
	}
	for c := range s.asked {
		s.asked[c] = s.first[c]&atFirst|s.second[c]&^atFirst != 0
	}
	return s
}

// mark sets a bit for each of some characters, or for all.
func mark(t *[256]uint16, chars string, bit uint16) {
	for i := range len(chars) {
		t[chars[i]] |= bit
	}
	for i := range t {
		if chars == "" {
			t[i] |= bit
		}
	}
}

// next returns where a detector is to be asked from i on, or the end of the text.
// The last character is asked whatever stands before it: more may come.
func (t *text) next(i int) int {
	v, s := t.v, t.search
	if i >= len(v) {
		return len(v)
	}
	before := ^uint16(atFirst)
	if i > 0 {
		before &= s.first[v[i-1]]
	}
	for k, c := range v[i:] {
		if both := before & s.second[c]; both != 0 {
			if both&atFirst != 0 {
				return i + k - 1
			}
			return i + k
		}
		before = s.first[c]
	}
	if s.asked[v[len(v)-1]] {
		return len(v) - 1
	}
	return len(v)
}

// scan appends the hits of what is searched for, in the order in which they were
// decided, and returns the position from which on more text may change what is
// masked: it is never hit from later on.
func (t *text) scan(hits []span) ([]span, int) {
	hits, i, floor, on := t.begin(hits)
	if on {
		return hits, i
	}
	own, at := t.nextCustom(i), t.next(i)
	for {
		if own <= at && own < len(t.v) {
			var v verdict
			if hits, v = t.customAt(own, hits); v == more {
				return hits, max(floor, t.wordStart(own))
			}
			own = t.nextCustom(own + 1)
			continue
		}
		if at >= len(t.v) {
			break
		}
		from, next, v := len(hits), at+1, no
		if c := t.v[at]; isDigit(c) {
			hits, next, v = t.digits(at, hits)
		} else {
			hits, v = t.sign(at, c, t.set, hits)
		}
		if v == more {
			return hits, max(floor, t.wordStart(at))
		}
		for _, h := range hits[from:] {
			t.masked = max(t.masked, h.end)
		}
		if t.run.kind != 0 {
			if hits, next, v = t.follow(t.runAt, hits); v == more {
				return hits, next
			}
			floor, t.ran, own = next, next, t.nextCustom(next)
		}
		at = t.next(next)
	}
	if t.final {
		return hits, len(t.v)
	}
	return hits, max(floor, t.customCut(t.wordStart(len(t.v))))
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
// before digits, about the run at i. It returns where to go on.
func (t *text) digits(i int, hits []span) ([]span, int, verdict) {
	v := t.v
	lettered := i > 1 && classes[v[i-1]]&classes[v[i-2]]&alphaClass != 0
	if !lettered && (i == 0 || v[i-1] != '%') {
		if end, few := t.few(i); few {
			return hits, end, no
		}
	}
	next := i + 1
	for next < len(v) && isDigit(v[next]) && (t.off == nil || !t.edge(next)) {
		next++
	}
	end := next // of the run; further than a number is long, it does not matter
	for end < len(v) && isDigit(v[end]) && end-i <= maxCard+len("20") {
		end++
	}
	if next == end && end < len(v) && !t.maybeNumber(i, end, t.set) {
		return hits, next, no
	}
	hits, verdict := t.number(i, end, t.set, hits)
	return hits, next, verdict
}

// leastDigits is how many digits any number has that is found by itself.
const leastDigits = 9

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
