package mask

import "bytes"

const (
	maxLocal = 64  // RFC 5321, section 4.5.3.1.1
	maxHost  = 255 // section 4.5.3.1.2
)

// email looks for an address around the @ at i, which takes n bytes.
func (t *text) email(i, n int, hits []span) ([]span, verdict) {
	start := t.local(i, t.limit(i))
	if start == i && t.masked == i && t.ran != i {
		start = t.local(i, 0) // a local part that something else was found in
		if start > 1 && t.v[start-1] == '/' && t.v[start-2] == '/' {
			return hits, no // a token for the user of a URL
		}
	}
	if start == i {
		return hits, no
	}
	end, v := t.host(i + n)
	if v != yes {
		return hits, v
	}
	if t.inURL(start) {
		return hits, no
	}
	return append(hits, span{start, end, i, detectEmail}), yes
}

// local returns where the local part before the @ at i begins, at low or after,
// or i if there is none. It is a dot-atom (RFC 5322, section 3.2.3) of the characters that do not
// commonly end what precedes an address; of a quoted one the last word counts.
func (t *text) local(i, low int) int {
	end := i
	if end > low && t.v[end-1] == '"' {
		end--
	}
	start := end
	for start > low && end-start < maxLocal && classes[t.v[start-1]]&localClass != 0 {
		start--
	}
	if end-start == maxLocal && start > low && classes[t.v[start-1]]&localClass != 0 {
		// Too long for an address: it may begin after the first punctuation.
		for start < end && (isDigit(t.v[start]) || isLetter(t.v[start])) {
			start++
		}
	}
	start = t.skipEscape(t.decoded(start, end), end, low)
	for start < end && !isDigit(t.v[start]) && !isLetter(t.v[start]) && t.v[start] != '_' {
		start++
	}
	if start == end {
		return i
	}
	if end < i && start > low && t.v[start-1] == '"' {
		start--
	}
	return start
}

// decoded steps over percent-encoded characters that cannot be part of a local
// part, and what precedes them.
func (t *text) decoded(i, end int) int {
	if bytes.IndexByte(t.v[i:end], '%') < 0 {
		return i
	}
	for k := i; k+2 < end; k++ {
		if t.v[k] != '%' || !isHex(t.v[k+1]) || !isHex(t.v[k+2]) {
			continue
		}
		if c := unhex(t.v[k+1])<<4 | unhex(t.v[k+2]); c < 0x80 && classes[c]&localClass == 0 {
			i = k + 3
		}
	}
	return i
}

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c&^0x20 - 'A' + 10
}

// skipEscape steps over what is left of a backslash escape as JSON and most
// languages write it, so that \n before an address stays whole.
func (t *text) skipEscape(i, end, low int) int {
	if i == low || t.v[i-1] != '\\' || i == end {
		return i
	}
	switch t.v[i] {
	case 'n', 'r', 't':
		return i + 1
	case 'u':
		return min(i+len("u003c"), end)
	}
	return i
}

// localStart returns where the local part of an address may begin whose @ is at
// or after i, if it includes what is right before i.
func (t *text) localStart(i int) int {
	low := max(t.start, i-maxLocal-2)
	k := i
	if k > low && t.v[k-1] == '"' {
		k--
	}
	for k > low && classes[t.v[k-1]]&localClass != 0 {
		k--
	}
	if k > low && t.v[k-1] == '"' {
		k--
	}
	return k
}

// host returns where the host name that begins at h ends. It has at least two
// labels, and the last one is of letters. Where no such name runs as far as its
// characters do, one may end at an escape.
func (t *text) host(h int) (int, verdict) {
	e := h
	for e < len(t.v) && e-h < maxHost {
		c := t.v[e]
		if c == '.' && e > h && t.v[e-1] != '.' || classes[c]&hostClass != 0 {
			e++
			continue
		}
		break
	}
	if e == len(t.v) && e-h < maxHost && !t.final {
		return 0, more
	}
	for k := e; k > h; k-- {
		if k < e && !t.edge(k) {
			continue
		}
		if end := t.hostEnd(h, k); end > 0 {
			return end, yes
		}
		if t.off == nil {
			break
		}
	}
	return 0, no
}

// hostEnd returns the end of the longest host name between h and e, or 0.
func (t *text) hostEnd(h, e int) int {
	if t.version(h, e) {
		return 0
	}
	for dot := e - 1; dot > h; dot-- {
		if t.v[dot] != '.' {
			continue
		}
		if end := t.domain(dot+1, e); end > 0 {
			return end
		}
		e = dot
	}
	return 0
}

// domain returns the end of the top-level domain that the label from i to e
// begins with, or 0.
func (t *text) domain(i, e int) int {
	end := i
	for end < e && isLetter(t.v[end]) {
		end++
	}
	if end-i < 2 {
		return 0
	}
	if end == i+2 && end+2 < e && t.lower(i, 2) == "xn" && t.v[end] == '-' && t.v[end+1] == '-' {
		return e // internationalised, RFC 5890
	}
	if end == e && end-i <= 8 && fileLike(t.lower(i, end-i)) {
		return 0 // a file or a systemd unit; no such domain exists
	}
	return end
}

// version reports whether the name from h to e begins like 1.2, as in name@1.2.3.
func (t *text) version(h, e int) bool {
	i := h
	for i < e && isDigit(t.v[i]) {
		i++
	}
	if i == h || i == e || t.v[i] != '.' {
		return false
	}
	i++
	k := i
	for k < e && isDigit(t.v[k]) {
		k++
	}
	return k > i && (k == e || !isLetter(t.v[k]))
}

// inURL reports whether what begins at i is the password of a URL, as in
// scheme://user:password@host (RFC 3986, section 3.2.1).
func (t *text) inURL(i int) bool {
	low := max(t.limit(i), i-2*maxLocal)
	colon := false
	k := i - 1
	for k >= low && (classes[t.v[k]]&wordEndClass == 0 || t.v[k] == '@') {
		colon = colon || t.v[k] == ':'
		k--
	}
	return colon && k-2 >= low && t.v[k] == '/' && t.v[k-1] == '/' && t.v[k-2] == ':'
}

// fileLike reports whether a last label is one that names of files end with and
// that is no top-level domain.
func fileLike(label string) bool {
	switch label {
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "bmp", "mp", "wav", "avi",
		"js", "jsx", "ts", "tsx", "css", "html", "htm", "json", "yml", "yaml", "xml", "toml", "ini", "cfg", "conf", "lock",
		"txt", "log", "csv", "tsv", "pdf", "doc", "docx", "xls", "xlsx", "bak", "tmp", "sql",
		"tgz", "gz", "bz", "xz", "tar", "jar", "war", "whl", "gem", "deb", "rpm", "exe", "dll", "bin", "iso", "dmg",
		"service", "socket", "timer", "mount", "target", "slice", "swap", "device", "scope":
		return true
	}
	return false
}
