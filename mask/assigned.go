package mask

// assigned asks the detectors of what stands behind a : or = at i, or the end of
// a tag: passwords in URLs, IPv6 addresses and secrets by their names.
func (t *text) assigned(i int, c byte, set detectorSet, hits []span) ([]span, verdict) {
	prev := byte('\n')
	if i > 0 {
		prev = t.v[i-1]
	}
	if c == ':' {
		if i+1 == len(t.v) {
			return hits, t.open()
		}
		if t.v[i+1] == '/' && i > 0 {
			return t.urlPassword(i, set, hits)
		}
		if set&detectIPv6 != 0 && (isHex(prev) || t.v[i+1] == ':') && (isHex(t.v[i+1]) || t.v[i+1] == ':') {
			start, end, v := t.ipv6(i)
			if v == yes {
				hits = append(hits, span{start, end, i, detectIPv6})
			}
			if v != no {
				return hits, v
			}
		}
	}
	if i == 0 || set&(detectSecret|detectAWSSecret) == 0 || isDigit(prev) {
		return hits, no
	}
	if c == '>' && classes[prev]&alphaClass == 0 || c == ':' && isAlnum(t.v[i+1]) && prev != '"' && prev != '\'' && classes[prev]&alphaClass == 0 {
		return hits, no
	}
	return t.named(i, set, hits)
}

// placeholder reports whether what stands from i to end only stands for a
// secret: a variable, a format, asterisks, or what this package puts there.
func (t *text) placeholder(i, end int) bool {
	if t.hidden(i) {
		return true
	}
	first, last := t.v[i], t.v[end-1]
	switch {
	case first == '$' && (end == i+1 || t.v[i+1] == '{' || t.v[i+1] == '(' || classes[t.v[i+1]]&alphaClass != 0 && upperName(t.v[i+1:end])):
		return true
	case first == '<' && last == '>', first == '{' && last == '}', first == '%' && (last == '%' || end == i+2):
		return true
	}
	for _, c := range t.v[i:end] {
		if c != first {
			return false
		}
	}
	return end-i > 2 && (first == '*' || first == 'x' || first == 'X' || first == '.' || first == '-' || first == '_' || first == other)
}

func upperName(b []byte) bool {
	for _, c := range b {
		if c != '_' && (c < 'A' || c > 'Z') && !isDigit(c) {
			return false
		}
	}
	return true
}

// hidden reports whether at i stands what replaces a hit.
func (t *text) hidden(i int) bool {
	if i >= len(t.v) || t.v[i] != '[' {
		return false
	}
	rest := t.v[i+1:]
	for k := range detectors {
		name := detectors[k].Name
		if len(rest) > len(name) && string(rest[:len(name)]) == name && (rest[len(name)] == ']' || rest[len(name)] == ' ') {
			return true
		}
	}
	for _, c := range t.custom {
		if len(rest) > len(c.Name) && string(rest[:len(c.Name)]) == c.Name && rest[len(c.Name)] == ']' {
			return true
		}
	}
	return false
}

// meets reports whether what replaces a hit begins at e. There a digit or letter
// stood, which was on another place of the screen.
func (t *text) meets(e int) verdict {
	switch {
	case e >= len(t.v) || t.v[e] != '[':
		return no
	case len(t.v)-e < maxCustomName+len("[]") && !t.final:
		return more
	case t.hidden(e):
		return yes
	}
	return no
}

// word is the last letters before a place, in lower case and without what stands
// between them.
type word struct {
	b     [24]byte
	from  int
	first int // position of the first letter in the text
}

func (w *word) text() []byte { return w.b[w.from:] }

// lettersBefore gathers up to n letters before i, on the same line.
func (t *text) lettersBefore(i, n int) word {
	w := word{from: len(word{}.b)}
	low := max(t.limit(i), i-2*tokenReach)
	between := 0
	for k := i - 1; k >= low && len(w.b)-w.from < n; k-- {
		c := t.v[k]
		if classes[c]&alphaClass != 0 {
			w.from--
			w.b[w.from] = c | 0x20
			w.first = k
			between = 0
			continue
		}
		if between++; c == '\n' || c == breaker || c == '[' || c == ']' || c == '*' || isDigit(c) && w.from == len(w.b) || between > 3 {
			break
		}
	}
	return w
}

func hasSuffix(b []byte, s string) bool {
	return len(b) >= len(s) && string(b[len(b)-len(s):]) == s
}

// secretNames are what names of secrets end with, in lower case and without
// punctuation. A value after one that is a password may be a short one; after the
// others it must look generated.
var secretNames = [...]struct {
	name     string
	password bool
}{
	{"password", true}, {"passwd", true}, {"passphrase", true}, {"pwd", true}, {"pgpass", true}, {"userpass", true}, {"dbpass", true}, {"pass", true},
	{"secret", false}, {"token", false}, {"apikey", false}, {"accesskey", false}, {"secretkey", false}, {"authkey", false}, {"accountkey", false},
	{"encryptionkey", false}, {"signingkey", false}, {"privatekey", false}, {"masterkey", false}, {"credential", false}, {"credentials", false},
	{"authorization", false}, {"clientsecret", false}, {"xapikey", false},
}

// ending reports whether a name of a secret may end with these two letters.
func ending(a, b byte) bool {
	switch uint16(a|0x20)<<8 | uint16(b|0x20) {
	case 'r'<<8 | 'd', 'w'<<8 | 'd', 's'<<8 | 'e', 's'<<8 | 's', 'e'<<8 | 't', 'e'<<8 | 'n', 'e'<<8 | 'y', 'a'<<8 | 'l', 'l'<<8 | 's', 'o'<<8 | 'n':
		return true
	}
	return false
}

// named looks for a secret behind the sign at i if its name stands before it.
func (t *text) named(i int, set detectorSet, hits []span) ([]span, verdict) {
	k := i - 1
	for low := max(0, i-6); k > low && (t.v[k] == ' ' || t.v[k] == '"' || t.v[k] == '\'' || t.v[k] == '\\' || t.v[k] == ':'); k-- {
	}
	if t.before(k+1, "[None]") { // as aws configure asks
		k = max(0, k-len("[None]:"))
	}
	if k < 1 || !ending(t.v[k-1], t.v[k]) {
		return hits, no
	}
	w := t.lettersBefore(k+1, 24)
	name := w.text()
	if set&detectAWSSecret != 0 && (hasSuffix(name, "secretaccesskey") || hasSuffix(name, "awssecret") || hasSuffix(name, "secretkey")) {
		start, _, v := t.value(i + 1)
		if v == more {
			return hits, more
		}
		if v == yes {
			switch end, v := t.awsSecret(start); v {
			case more:
				return hits, more
			case yes:
				return append(hits, span{start, end, i, detectAWSSecret}), yes
			}
		}
	}
	if set&detectSecret == 0 {
		return hits, no
	}
	for _, s := range secretNames {
		if hasSuffix(name, s.name) {
			if s.name == "pass" && !t.ownWord(k) || s.name == "token" && (hasSuffix(name, "nexttoken") || hasSuffix(name, "pagetoken") || hasSuffix(name, "continuetoken")) {
				return hits, no
			}
			return t.secret(i, s.name == "authorization", s.password, hits)
		}
	}
	return hits, no
}

// ownWord reports whether the four letters up to k are not the end of a longer
// word, as in bypass.
func (t *text) ownWord(k int) bool {
	return k < 4 || classes[t.v[k-4]]&alphaClass == 0 || t.v[k-3] == 'P' && t.v[k-2] == 'a'
}

// value returns where a value begins that stands behind a sign or an option, and
// the quote around it.
func (t *text) value(i int) (start int, quote byte, v verdict) {
	k := i
	for ; k < i+6; k++ {
		if k == len(t.v) {
			return 0, 0, t.open()
		}
		switch c := t.v[k]; c {
		case ' ', '\t', '=', '>':
			if quote != 0 {
				return 0, 0, no
			}
			continue
		case '\\':
			continue
		case '"', '\'', '`':
			if quote != 0 {
				return 0, 0, no // empty
			}
			quote = c
			continue
		}
		break
	}
	if k == len(t.v) {
		return 0, 0, t.open()
	}
	if classes[t.v[k]]&valueEnd != 0 && t.v[k] != '[' {
		return 0, 0, no
	}
	return k, quote, yes
}

// shape is how much of a value is looked at to tell whether it is a secret.
const shape = 64

// secret looks for a value behind the sign at i that can be a secret. scheme is
// whether the name of an HTTP authentication scheme precedes it.
func (t *text) secret(i int, scheme, password bool, hits []span) ([]span, verdict) {
	start, quote, v := t.value(i + 1)
	if v != yes {
		return hits, v
	}
	if scheme {
		if start, v = t.behindScheme(start); v != yes {
			return hits, v
		}
	}
	kind := runBare
	if quote != 0 {
		kind = runQuoted
	}
	var lower, upper, digit, sign int
	end := start
	for ; end-start < shape; end++ {
		if end == len(t.v) {
			if !t.final {
				return hits, more
			}
			break
		}
		c := t.v[end]
		if kind == runBare && classes[c]&valueEnd != 0 || c == quote || c == '\n' || c == '\r' || c == breaker || c == '[' || c == ']' {
			break
		}
		switch {
		case isDigit(c):
			digit = 1
		case c >= 'a' && c <= 'z':
			lower = 1
		case c >= 'A' && c <= 'Z':
			upper = 1
		default:
			sign = 1
		}
	}
	n, mix := end-start, lower+upper+digit+sign
	loose := t.v[i] == ':' && quote == 0 // as in prose
	switch {
	case n < 4 || t.placeholder(start, end) || t.v[start] == '-' && t.v[start+1] == '-':
		return hits, no
	case password && (loose && mix < 2 || n < 6 && mix < 2), !password && (n < 12 || mix < 2 || digit == 0 && upper == 0):
		return hits, no
	case t.word(start, end):
		return hits, no
	}
	t.run, t.runAt = run{by: detectSecret, kind: kind, left: quote}, end
	return append(hits, span{start, end, i, detectSecret}), yes
}

// word reports whether a value is one of the words that code and logs have in
// place of a secret.
func (t *text) word(i, end int) bool {
	if end-i > 9 {
		return false
	}
	switch t.lower(i, min(end-i, 8)) {
	case "true", "false", "null", "none", "undefine", "required", "string", "invalid", "missing", "redacted", "expired", "optional", "enabled", "disabled", "unknown":
		return true
	}
	return false
}

// behindScheme returns where the credentials of an Authorization header begin.
func (t *text) behindScheme(i int) (int, verdict) {
	k := i
	for ; k < len(t.v) && k-i < len("negotiate") && classes[t.v[k]]&alphaClass != 0; k++ {
	}
	if k == len(t.v) {
		return 0, t.open()
	}
	if t.v[k] != ' ' || k == i {
		return i, yes
	}
	if k+1 == len(t.v) {
		return 0, t.open()
	}
	if classes[t.v[k+1]]&valueEnd != 0 {
		return 0, no
	}
	return k + 1, yes
}
