package http

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Normalise makes a path plain: percent-decoded once, without dot segments,
// empty segments and parameters, encoded again in one way. It returns what was
// odd about it: each is a place where two programs may read another path.
// Normalising its result changes nothing.
func Normalise(raw string) (plain string, odd []string) {
	note := func(what string) { odd = append(odd, what) }
	if !strings.HasPrefix(raw, "/") {
		note("the path does not begin with a slash")
		raw = "/" + raw
	}
	var out []string
	parts := strings.Split(raw[1:], "/")
	for i, part := range parts {
		last := i == len(parts)-1
		seg := segment(part, note)
		switch {
		case seg == "." || seg == "..":
			note("dot segments in the path")
			if seg == ".." && len(out) > 0 {
				out = out[:len(out)-1]
			}
			if last {
				out = append(out, "")
			}
			continue
		case seg == "" && !last:
			note("an empty segment in the path")
			continue
		}
		out = append(out, seg)
	}
	for i, s := range out {
		out[i] = url.PathEscape(s)
	}
	plain = "/" + strings.Join(out, "/")
	return plain, odd
}

// segment decodes one segment.
func segment(part string, note func(string)) string {
	if strings.ContainsAny(part, "\\") {
		note("a backslash in the path")
	}
	if strings.ContainsAny(part, "<>\"{}|^` #") {
		note("a character in the path that must be encoded")
	}
	if strings.ContainsFunc(part, func(r rune) bool { return r >= 0x7f || r < ' ' }) {
		note("a character in the path that must be encoded")
	}
	encoded(part, note)
	s, err := url.PathUnescape(part)
	if err != nil {
		note("a broken percent-encoding in the path")
		s = part
	}
	if i := strings.IndexByte(s, ';'); i >= 0 {
		note("parameters in the path")
		s = s[:i]
	}
	if t := strings.TrimRight(s, ". "); t != s && t != "" {
		note("a segment that ends in a dot or a space")
	}
	if escape.MatchString(s) {
		note("a percent sign that is encoded: the path may be decoded twice")
	}
	if !utf8.ValidString(s) {
		note("a percent-encoding that is not UTF-8")
	}
	if strings.ContainsAny(s, "/\\\x00\r\n") {
		note("an encoded slash, backslash, NUL or line end in the path")
		s = strings.NewReplacer("/", "_", "\\", "_", "\x00", "_", "\r", "_", "\n", "_").Replace(s)
	}
	return s
}

// escape is what a decoded segment must not hold: 100%25 is a price, %252e a dot.
var escape = regexp.MustCompile(`%([0-9a-fA-F]{2}|u[0-9a-fA-F]{4})`)

// encoded notes what need not be encoded, and what is encoded twice.
func encoded(part string, note func(string)) {
	for i := 0; i+2 < len(part); i++ {
		if part[i] != '%' {
			continue
		}
		s, err := url.PathUnescape(part[i : i+3])
		if err != nil || len(s) != 1 {
			continue
		}
		switch c := s[0]; {
		case c == '.':
			note("an encoded dot in the path")
		case c == ';' || c == '?' || c == '#':
			note("an encoded separator in the path")
		case c < ' ' || c == 0x7f:
			note("an encoded control character in the path")
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '~':
			note("a plain character that is encoded in the path")
		case c == 0xc0 || c == 0xc1:
			note("an overlong encoding in the path")
		}
	}
}
