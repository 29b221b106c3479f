package mask

// run is masked text whose end is not known when it begins: it may be of any
// length, and nothing of it is held back. It is followed character by character.
type run struct {
	by   detectorSet
	kind runKind
	left uint8 // runDots: how many more dots belong to it; runQuoted: the quote
	// ended is set, and nothing else, where a run ended right before the text.
	ended bool
}

type runKind uint8

const (
	_         runKind = iota
	runDots           // base64 in parts with dots between
	runQuoted         // up to a quote
	runBare           // up to what ends a value that is not quoted
	runPEM            // up to the end line of the block
	runLine           // runPEM, at the beginning of a line
)

// follow masks the run on from i and returns where it ends, or more and how far
// it is masked, if it goes on behind the text.
func (t *text) follow(i int, hits []span) ([]span, int, verdict) {
	start, by := i, t.run.by
	v := yes
	switch t.run.kind {
	case runDots:
		i, v = t.followDots(i)
	case runQuoted:
		i, v = t.followUntil(i, func(c byte) bool { return c == t.run.left || c == '\n' || c == breaker })
	case runBare:
		i, v = t.followUntil(i, func(c byte) bool { return classes[c]&valueEnd != 0 })
	case runPEM, runLine:
		i, v = t.followPEM(i)
	}
	if i > start {
		hits = append(hits, span{start, i, start, by})
		t.masked = max(t.masked, i)
	}
	if v != more {
		t.run = run{}
	}
	return hits, i, v
}

func (t *text) followDots(i int) (int, verdict) {
	for ; i < len(t.v); i++ {
		c := t.v[i]
		if c == '.' && t.run.left > 0 {
			t.run.left--
			continue
		}
		if classes[c]&base64Class == 0 || c == '/' || c == '+' {
			return i, yes
		}
	}
	return i, more
}

func (t *text) followUntil(i int, ends func(byte) bool) (int, verdict) {
	for ; i < len(t.v); i++ {
		if ends(t.v[i]) {
			return i, yes
		}
	}
	return i, more
}

const (
	pemBegin = "-----BEGIN "
	pemEnd   = "-----END "
	pemLabel = len("-----END ENCRYPTED PRIVATE KEY BLOCK-----") + 24
	pemLine  = 160 // of a line is looked at to tell whether the block goes on
)

// pem says whether a block with a private key begins at i, where pemBegin does.
func (t *text) pem(i int, hits []span) ([]span, verdict) {
	k := i + len(pemBegin)
	for k < len(t.v) && k-i < pemLabel && (t.v[k] >= 'A' && t.v[k] <= 'Z' || isDigit(t.v[k]) || t.v[k] == ' ') {
		k++
	}
	if k == len(t.v) && k-i < pemLabel {
		return hits, t.open()
	}
	if !t.before(k, "PRIVATE KEY") && !t.before(k, "PRIVATE KEY BLOCK") {
		return hits, no
	}
	if v := t.has(k, "-----"); v != yes {
		return hits, v
	}
	k += len("-----")
	v := t.pemFollows(k)
	if v != yes {
		return hits, v
	}
	t.run = run{by: detectPEM, kind: runPEM}
	t.runAt = k
	if k == len(t.v) {
		// The line before a block that is still to come, or nothing. It is shown;
		// what comes is not.
		return hits, yes
	}
	return append(hits, span{i, k, i, detectPEM}), yes
}

// pemFollows reports whether what stands at k, on the line that a block begins
// with, can be its body: the end of the line, or base64 behind blanks, quotes and
// escapes. A mention in running text is none.
func (t *text) pemFollows(k int) verdict {
	for i := k; i < k+64; i++ {
		if i == len(t.v) {
			if !t.final {
				return more
			}
			if i == k {
				return yes
			}
			return no
		}
		switch c := t.v[i]; {
		case c == '\n', c == '\r' && i == k:
			return yes
		case c == '\\' && i+1 < len(t.v) && (t.v[i+1] == 'n' || t.v[i+1] == 'r'):
			i++
		case c == '%' && i+2 < len(t.v) && t.v[i+1] == '0':
			i += 2
		case c == ' ', c == '\\', c == '"', c == '\'', c == '+', c == ',', c == '\t':
		default:
			const least = 16
			for e := i; e < i+least; e++ {
				if e == len(t.v) {
					return t.open()
				}
				if classes[t.v[e]]&base64Class == 0 || t.v[e] == '-' || t.v[e] == '_' {
					if t.v[e] == ':' && e > i+3 || t.v[e] == '-' && e > i {
						return yes // a header: Proc-Type: 4,ENCRYPTED
					}
					return no
				}
			}
			return yes
		}
	}
	return no
}

// followPEM masks the body of a block.
func (t *text) followPEM(i int) (int, verdict) {
	for i < len(t.v) {
		if t.run.kind == runLine {
			end, v := t.pemLine(i)
			if v != yes {
				return i, v
			}
			t.run.kind = runPEM
			if end > i {
				i = end
				continue
			}
		}
		switch c := t.v[i]; {
		case c == '\n':
			t.run.kind = runLine
		case c == '-':
			switch t.has(i, pemEnd) {
			case more:
				return i, more
			case yes:
				return t.pemEnds(i)
			}
		case classes[c]&base64Class != 0:
		case c == '=', c == '\\', c == ' ', c == '\t', c == '\r', c == '"', c == '\'', c == ',', c == '%', c == breaker:
		default:
			return i, yes
		}
		i++
	}
	return i, more
}

// pemEnds returns the end of the line that ends a block, at i.
func (t *text) pemEnds(i int) (int, verdict) {
	k := i + len(pemEnd)
	for k < len(t.v) && k-i < pemLabel && (t.v[k] >= 'A' && t.v[k] <= 'Z' || isDigit(t.v[k]) || t.v[k] == ' ') {
		k++
	}
	for k < len(t.v) && k-i < pemLabel && t.v[k] == '-' && !t.before(k, "-----") {
		k++
	}
	if k == len(t.v) && k-i < pemLabel && !t.final && !t.before(k, "-----") {
		return i, more
	}
	return k, yes
}

// pemLine reports whether the line that begins at i belongs to a block: it is
// blank, a header, its end, or base64, which a prefix such as a line number may
// precede. It returns how much of it needs no further look.
func (t *text) pemLine(i int) (int, verdict) {
	end := i
	for end < len(t.v) && end-i < pemLine && t.v[end] != '\n' {
		end++
	}
	if end == len(t.v) && end-i < pemLine && !t.final {
		return i, more
	}
	line := t.v[i:end]
	last := end
	for last > i && classes[t.v[last-1]]&base64Class == 0 && t.v[last-1] != '=' {
		last--
	}
	first := last
	for first > i && (classes[t.v[first-1]]&base64Class != 0 || t.v[first-1] == '=') {
		first--
	}
	lead := i
	for lead < first && (t.v[lead] == ' ' || t.v[lead] == '\t' || t.v[lead] == '"' || t.v[lead] == '\'' || t.v[lead] == '>' || t.v[lead] == '|' || t.v[lead] == other) {
		lead++
	}
	at := indexOf(line, "-----")
	switch {
	case last == i: // blank, but for punctuation
		for _, c := range line {
			if c > ' ' && c != '"' && c != '\\' && c != other {
				return i, no
			}
		}
		return end, yes
	case at >= 0 && t.has(i+at, pemEnd) == yes:
		return i + at, yes
	case lead == first, last-first >= 20, end-i >= pemLine && last-first >= 20:
		return last, yes
	}
	for _, h := range [...]string{"Proc-Type: ", "DEK-Info: ", "Version: ", "Comment: ", "Hash: ", "Charset: "} {
		if len(line) > len(h) && string(line[:len(h)]) == h {
			return end, yes
		}
	}
	return i, no
}

func indexOf(b []byte, s string) int {
	for i := 0; i+len(s) <= len(b); i++ {
		if b[i] == s[0] && string(b[i:i+len(s)]) == s {
			return i
		}
	}
	return -1
}
