package mask

// reach is the furthest that a detector looks ahead of where it was triggered,
// in characters of the text.
const reach = 400

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
			next = max(next, t.over(h))
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
