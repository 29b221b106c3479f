package mask

import (
	"bytes"
	"encoding/base64"
)

// maxJOSE is the most of a token's header that is read.
const maxJOSE = 320

// jwt says whether a JSON web token (RFC 7519) begins two before i, the J of the
// eyJ that an object in base64 begins with: its header names an algorithm, and
// two dots part it, or four if it is encrypted. Its length is not bounded.
func (t *text) jwt(i int, hits []span) ([]span, verdict) {
	start := i - 2
	if !t.free(start) {
		return hits, no
	}
	k := i + 1
	for k < len(t.v) && k-start < maxJOSE && isKey(t.v[k]) {
		k++
	}
	if k == len(t.v) && k-start < maxJOSE {
		return hits, t.open()
	}
	var room [maxJOSE]byte
	part := t.v[start:k]
	part = part[:len(part)-len(part)%4+len(part)%4*b2i(len(part)%4 > 1)]
	n, _ := base64.RawURLEncoding.Decode(room[:], part)
	header := room[:n]
	if !bytes.Contains(header, []byte(`"alg"`)) || header[0] != '{' {
		return hits, no
	}
	dots := uint8(2)
	if bytes.Contains(header, []byte(`"enc"`)) {
		dots = 4
	}
	if k-start < maxJOSE {
		if t.v[k] != '.' || header[n-1] != '}' {
			return hits, no
		}
		if v := t.parted(k, dots); v != yes {
			return hits, v
		}
	}
	t.run = run{by: detectJWT, kind: runDots, left: dots}
	t.runAt = i
	return append(hits, span{start, i, i, detectJWT}), yes
}

// parted reports whether as many dots as a token has follow, from k on, as far
// as one looks.
func (t *text) parted(k int, dots uint8) verdict {
	for low := k; k-low < reach-maxJOSE; k++ {
		if k == len(t.v) {
			return t.open()
		}
		switch c := t.v[k]; {
		case c == '.':
			if dots--; dots == 0 {
				return yes
			}
		case !isKey(c):
			return no
		}
	}
	return yes
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
