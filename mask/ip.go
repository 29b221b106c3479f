package mask

// ipv4 says whether an IPv4 address in dotted decimals begins at i, one that is
// no part of a longer dotted number, as of a version or an object identifier.
func (t *text) ipv4(i int) (end int, v verdict) {
	low := t.limit(i)
	if i > low && !t.edge(i) {
		c := t.v[i-1]
		if !t.free(i) || c == '.' || c == '-' && i-2 >= low && isAlnum(t.v[i-2]) || c == '_' {
			return 0, no
		}
	}
	k := i
	for part := range 4 {
		value, n := 0, 0
		for ; k < len(t.v) && isDigit(t.v[k]) && n < 4; k++ {
			value = value*10 + int(t.v[k]-'0')
			n++
		}
		if n > 0 && (n > 3 || value > 255 || n > 1 && t.v[k-n] == '0') {
			return 0, no
		}
		if k == len(t.v) && (part < 3 || !t.final) {
			return 0, t.open()
		}
		if n == 0 {
			return 0, no
		}
		if part < 3 {
			if t.v[k] != '.' {
				return 0, no
			}
			k++
		}
	}
	if k+1 >= len(t.v) && !t.final {
		return 0, more
	}
	if k < len(t.v) && !t.edge(k) {
		if c := t.v[k]; isAlnum(c) || c == '_' || (c == '.' || c == '-') && k+1 < len(t.v) && isAlnum(t.v[k+1]) {
			return 0, no
		}
	}
	if v := t.meets(k); v != no {
		return 0, v & more
	}
	if t.versioned(i) {
		return 0, no
	}
	return k, yes
}

// versioned reports whether a word for a version stands before i.
func (t *text) versioned(i int) bool {
	w := t.lettersBefore(i, 10)
	for _, name := range [...]string{"version", "release", "build", "ver", "oid", "firmware", "upgrade"} {
		if hasSuffix(w.text(), name) {
			return true
		}
	}
	return false
}

// ipv6 says whether an IPv6 address has its first colon at i, and where it
// begins and ends.
func (t *text) ipv6(i int) (start, end int, v verdict) {
	low := max(t.limit(i), i-5)
	start = i
	for start > low && isHex(t.v[start-1]) {
		start--
	}
	if i-start > 4 || start > low && (isAlnum(t.v[start-1]) || t.v[start-1] == ':' || t.v[start-1] == '.') && !t.edge(start) {
		return 0, 0, no
	}
	groups, gap, size, k := 0, false, 0, start
	for ; k < len(t.v) && k-start <= len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"); k++ {
		c := t.v[k]
		switch {
		case isHex(c):
			if size++; size > 4 {
				return 0, 0, no
			}
			if size == 1 {
				groups++
			}
		case c == ':':
			if size == 0 {
				if k+1 < len(t.v) && t.v[k+1] == ':' && k == start { // begins with ::
					break
				}
				if gap || k == start || t.v[k-1] != ':' {
					return 0, 0, no
				}
				gap = true
			}
			size = 0
		default:
			return t.ipv6End(start, k, groups, gap)
		}
	}
	if k == len(t.v) && !t.final {
		return 0, 0, more
	}
	return t.ipv6End(start, k, groups, gap)
}

func (t *text) ipv6End(start, k, groups int, gap bool) (int, int, verdict) {
	if v := t.meets(k); v != no {
		return 0, 0, v & more
	}
	if k > start+2 && t.v[k-1] == ':' && t.v[k-2] != ':' {
		k-- // the colon of a sentence
	}
	if k < len(t.v) && isAlnum(t.v[k]) || groups > 8 || !gap && groups < 8 || groups == 0 || gap && groups > 7 {
		return 0, 0, no
	}
	return start, k, yes
}

func isHex(c byte) bool { return classes[c]&(digitClass|hexClass) != 0 }
