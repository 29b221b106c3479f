package http

import (
	"errors"
	nethttp "net/http"
	"net/textproto"
	"strings"
	"unicode/utf8"
)

// Parse reads a request from text. Lines of the head may end in LF or CRLF; the
// body is what follows the empty line, as it is. What it cannot
// read is an error; what it can read but others may read differently is in Odd.
func Parse(text string) (*Request, error) {
	switch {
	case len(text) > maxHead+maxBody:
		return nil, errors.New("the request is too long to judge")
	case !utf8.ValidString(text):
		return nil, errors.New("the request is not valid UTF-8")
	}
	line, rest := cutLine(text)
	r := &Request{Header: nethttp.Header{}}
	if err := r.line(line); err != nil {
		return nil, err
	}
	for rest != "" {
		if line, rest = cutLine(rest); line == "" {
			break
		}
		r.field(line)
	}
	r.Body = []byte(rest)
	return r, nil
}

// cutLine is the first line without its end, LF or CRLF, and what follows.
func cutLine(s string) (line, rest string) {
	line, rest, _ = strings.Cut(s, "\n")
	return strings.TrimSuffix(line, "\r"), rest
}

// line reads METHOD target, with or without a version.
func (r *Request) line(l string) error {
	if control(l) {
		return errors.New("the request line holds a control character")
	}
	method, rest, ok := strings.Cut(l, " ")
	if !ok || method == "" || strings.TrimSpace(rest) == "" {
		return errors.New("there is no method and target in the text")
	}
	target := rest
	if t, _, ok := strings.Cut(rest, " "); ok {
		version := ""
		if i := strings.LastIndex(rest, " HTTP/"); i > 0 {
			target, version = rest[:i], rest[i+1:]
		}
		if version == "" || strings.Contains(target, " ") || t == "" {
			r.Odd = append(r.Odd, "the target holds a space")
		}
		if version != "" && version != "HTTP/1.1" && version != "HTTP/1.0" && version != "HTTP/2" {
			r.Odd = append(r.Odd, "a version of HTTP that is not known")
		}
	}
	r.Method, r.Target = method, strings.TrimSpace(target)
	return nil
}

// field reads one header field.
func (r *Request) field(l string) {
	if l == "" {
		return
	}
	name, value, ok := strings.Cut(l, ":")
	if !ok || name == "" || l[0] == ' ' || l[0] == '\t' || strings.TrimRight(name, " \t") != name || !token(name) {
		r.Odd = append(r.Odd, "a header field that can be read in two ways")
		return
	}
	if control(value) {
		r.Odd = append(r.Odd, "a header field with a control character")
	}
	if strings.Contains(name, "_") {
		r.Odd = append(r.Odd, "the header "+name+" has an underscore, which some take for a hyphen")
	}
	r.Header.Add(textproto.CanonicalMIMEHeaderKey(name), strings.TrimSpace(value))
}

func token(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte("()<>@,;:\\\"/[]?={}", c) >= 0 {
			return false
		}
	}
	return true
}

func control(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 })
}
