package mask

import "bytes"

// maxToken is the longest tail of a token that is read.
const maxToken = 255

// tail returns the end of a run of characters in class that begins at i, of
// which there must be at least least, and whether a token ends there.
func (t *text) tail(i, least int, class func(byte) bool) (end int, v verdict) {
	for end = i; end < len(t.v) && end-i <= maxToken && class(t.v[end]); end++ {
		if end > i && t.edge(end) && end-i >= least {
			return end, yes // text from elsewhere on the screen may follow
		}
	}
	if end == len(t.v) && end-i <= maxToken && !t.final {
		return 0, more
	}
	if end-i < least || end-i > maxToken {
		return 0, no
	}
	return end, yes
}

// random reports whether what stands from i to end looks generated: it mixes two
// of lower case, upper case and digits, as no placeholder does.
func (t *text) random(i, end int) bool {
	var lower, upper, digit int
	for _, c := range t.v[i:end] {
		switch {
		case isDigit(c):
			digit = 1
		case c >= 'a' && c <= 'z':
			lower = 1
		case c >= 'A' && c <= 'Z':
			upper = 1
		}
	}
	return lower+upper+digit >= 2
}

// underscore asks the detectors of tokens with a prefix that ends at the _ at i.
func (t *text) underscore(i int, set detectorSet, hits []span) ([]span, verdict) {
	if i < 2 {
		return hits, no
	}
	start, body, least, class := 0, i+1, 0, isAlnum
	by := detectGitHub
	switch c := t.v[i-1]; {
	case t.before(i, "github"):
		switch t.has(i, "_pat_") {
		case more:
			return hits, more
		case no:
			return hits, no
		}
		start, body, least, class = i-len("github"), i+len("_pat_"), 40, isWord
	case i > 2 && t.v[i-3] == 'g' && t.v[i-2] == 'h' && bytes.IndexByte([]byte("pousr"), c) >= 0:
		start, least = i-3, 36
	case c == 'k' && (t.v[i-2] == 's' || t.v[i-2] == 'r'):
		found := no
		for _, mode := range [...]string{"live_", "test_", "prod_"} {
			found = max(found, t.has(i+1, mode))
			if found != no {
				break
			}
		}
		if found != yes {
			return hits, found
		}
		start, body, least, by = i-2, i+1+len("live_"), 16, detectStripe
	case t.before(i, "whsec"):
		start, least, class, by = i-len("whsec"), 24, isBase64, detectStripe
	default:
		return hits, no
	}
	return t.token(i, start, body, least, class, set&by, hits)
}

// token is a hit by a detector if a token begins at start, the tail of which
// does at body.
func (t *text) token(at, start, body, least int, class func(byte) bool, by detectorSet, hits []span) ([]span, verdict) {
	if by == 0 || !t.free(start) {
		return hits, no
	}
	end, v := t.tail(body, least, class)
	if v != yes || !t.random(body, end) {
		return hits, v & more
	}
	if v := t.ends(end); v != yes {
		return hits, v
	}
	return append(hits, span{start, end, at, by}), yes
}

func isWord(c byte) bool   { return c == '_' || isAlnum(c) }
func isKey(c byte) bool    { return c == '_' || c == '-' || isAlnum(c) }
func isDashed(c byte) bool { return c == '-' || isAlnum(c) }
func isBase64(c byte) bool { return c == '=' || classes[c]&base64Class != 0 }
func isUpper32(c byte) bool {
	return c >= 'A' && c <= 'Z' || c >= '2' && c <= '7'
}

// slack says whether a Slack token has its first dash at i: xoxb-, xoxp-, xapp-
// and kin, of numbers and a random tail.
func (t *text) slack(i int, set detectorSet, hits []span) ([]span, verdict) {
	if i < 4 || set&detectSlack == 0 {
		return hits, no
	}
	start := i - 4
	kind := t.v[i-1]
	if !t.before(i, "xapp") && (!t.before(i-1, "xox") || bytes.IndexByte([]byte("abcdeoprs"), kind) < 0) {
		return hits, no
	}
	if start >= 5 && t.before(start, "xoxe.") {
		start -= len("xoxe.")
	}
	class, least := isDashed, 18
	if kind == 'd' {
		class, least = func(c byte) bool { return c == '%' || isBase64(c) }, 24
	}
	end, v := t.tail(i+1, least, class)
	if v != yes {
		return hits, v
	}
	k := i + 1
	for k < end && isDigit(t.v[k]) {
		k++
	}
	numbered := k > i+1 && k < end && t.v[k] == '-'
	if !numbered && (kind != 'd' || !t.random(i+1, end)) || !t.free(start) {
		return hits, no
	}
	if v := t.ends(end); v != yes {
		return hits, v
	}
	for end > i && t.v[end-1] == '-' {
		end--
	}
	return append(hits, span{start, end, i, detectSlack}), yes
}

// dash asks the detectors of what has a dash at i.
func (t *text) dash(i int, set detectorSet, hits []span) ([]span, verdict) {
	if i > 0 && t.v[i-1] == 'X' && t.before(i, "GOCSPX") {
		return t.token(i, i-len("GOCSPX"), i+1, 24, isKey, set&detectGCP, hits)
	}
	if i > 3 && (t.v[i-2] == 'x' && t.v[i-4] == 'x' || t.v[i-1] == 'p') {
		if hits, v := t.slack(i, set, hits); v != no {
			return hits, v
		}
	}
	if i+1 == len(t.v) {
		return hits, t.open()
	}
	switch t.v[i+1] {
	case '-':
		if set&detectPEM != 0 {
			if v := t.has(i+1, pemBegin[1:]); v != no {
				if v == more {
					return hits, more
				}
				return t.pem(i, hits)
			}
		}
		if set&detectSecret != 0 {
			return t.option(i, hits)
		}
	case 'p', 'u':
		if set&detectSecret != 0 && i > 0 && t.v[i-1] == ' ' {
			return t.shortOption(i, hits)
		}
	}
	return hits, no
}

// cloudKey asks the detectors of AWS access key IDs and Google API keys, which
// have an I in their prefix at i.
func (t *text) cloudKey(i int, set detectorSet, hits []span) ([]span, verdict) {
	if i == 0 {
		return hits, no
	}
	if i+1 >= len(t.v) {
		if t.v[i-1] == 'K' || t.v[i-1] == 'S' || t.v[i-1] == 'A' {
			return hits, t.open()
		}
		return hits, no
	}
	if t.v[i-1] == 'A' && t.v[i+1] == 'z' && set&detectGCP != 0 {
		if v := t.has(i+1, "za"); v != yes {
			return hits, v
		}
		return t.token(i, i-1, i+3, 35, isKey, detectGCP, hits)
	}
	if set&(detectAWSKey|detectAWSSecret) == 0 || t.v[i+1] != 'A' || !t.before(i, "AK") && !t.before(i, "AS") || !t.free(i-2) {
		return hits, no
	}
	end, v := t.tail(i+2, 16, isUpper32)
	if v != yes || end != i+2+16 || !t.random(i+2, end) && !t.mixed(i+2, end) {
		return hits, v & more
	}
	if v := t.ends(end); v != yes {
		return hits, v
	}
	if set&detectAWSKey != 0 {
		hits = append(hits, span{i - 2, end, i, detectAWSKey})
	}
	if set&detectAWSSecret == 0 {
		return hits, yes
	}
	// The secret of the pair may follow, as in a table of credentials.
	k := end
	for k < end+4 && k < len(t.v) && bytes.IndexByte([]byte(",:;| \t\"'"), t.v[k]) >= 0 {
		k++
	}
	if k == end {
		if k == len(t.v) {
			return hits, t.open()
		}
		return hits, yes
	}
	e, v := t.awsSecret(k)
	switch v {
	case more:
		return hits, more
	case yes:
		hits = append(hits, span{k, e, i, detectAWSSecret})
	}
	return hits, yes
}

// mixed reports whether letters alone look generated: they are no one letter and
// no word such as EXAMPLE over and over.
func (t *text) mixed(i, end int) bool {
	var seen uint32
	for _, c := range t.v[i:end] {
		seen |= 1 << (c - 'A')
	}
	n := 0
	for ; seen != 0; seen &= seen - 1 {
		n++
	}
	return n >= 7
}

// awsSecret says whether the 40 characters from i on are an AWS secret key.
func (t *text) awsSecret(i int) (end int, v verdict) {
	var upper, lower, other int
	for end = i; end < len(t.v) && end-i <= 40; end++ {
		switch c := t.v[end]; {
		case c >= 'A' && c <= 'Z':
			upper++
		case c >= 'a' && c <= 'z':
			lower++
		case isDigit(c), c == '/', c == '+':
			other++
		default:
			if end-i != 40 {
				return 0, no
			}
			goto ended
		}
	}
	if end == len(t.v) && end-i <= 40 && !t.final {
		return 0, more
	}
ended:
	if end-i != 40 || upper < 4 || lower < 4 || upper+lower == 40 && other == 0 || end < len(t.v) && t.v[end] == '=' {
		return 0, no
	}
	return end, yes
}

// oauth says whether a Google OAuth access token begins at i; the digits of its
// prefix end at end.
func (t *text) oauth(i, end int) (int, verdict) {
	if string(t.v[i:end]) != "ya29" || !t.free(i) {
		return 0, no
	}
	if v := t.has(end, "."); v != yes {
		return 0, v
	}
	return t.tail(end+1, 20, isKey)
}
