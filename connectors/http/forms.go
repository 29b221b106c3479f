package http

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
)

// leastSecret is the shortest credential that can be told from the text around it.
const leastSecret = 4

// forms are the ways in which an echo may write a secret: as it is, in a JSON
// string, in HTML, percent-encoded, in hexadecimal, in UTF-16, and in base64, alone and
// within a longer text at any of the three places where one can begin.
func forms(secret string) []string {
	if len(secret) < leastSecret {
		return nil
	}
	all := []string{secret, html.EscapeString(secret), url.QueryEscape(secret), url.PathEscape(secret), percent(secret),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))}
	for _, escaped := range []string{url.QueryEscape(secret), url.PathEscape(secret), percent(secret)} {
		all = append(all, lowerPercent(escaped))
	}
	if b, err := json.Marshal(secret); err == nil {
		quoted := string(b[1 : len(b)-1])
		all = append(all, quoted, strings.ReplaceAll(quoted, "/", `\/`))
	}
	all = append(all, strings.ReplaceAll(secret, `"`, `\"`), strings.ReplaceAll(secret, "/", `\/`))
	all = append(all, base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret)))
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		all = append(all, enc.EncodeToString([]byte(secret)))
		for shift := range 3 {
			all = append(all, within(enc, secret, shift))
		}
	}
	for _, f := range slices.Clone(all) { // base64 in a URL or in JSON
		if strings.ContainsAny(f, "+/") {
			all = append(all, url.QueryEscape(f), lowerPercent(url.QueryEscape(f)), strings.ReplaceAll(f, "/", `\/`))
			all = append(all, escapes(f)...)
		}
	}
	all = append(all, escapes(secret)...)
	all = append(all, wide(secret)...)
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(f string) bool { return len(f) < leastSecret })
}

// within is the part of the base64 of any text that depends on the secret alone,
// where the secret begins shift bytes behind a group's first.
func within(enc *base64.Encoding, secret string, shift int) string {
	text := enc.EncodeToString([]byte(strings.Repeat("\x00", shift) + secret))
	begin := (shift*8 + 5) / 6
	end := (shift + len(secret)) * 8 / 6
	if begin >= end || end-begin < leastSecret {
		return ""
	}
	return text[begin:end]
}

// percent encodes every byte that is no letter or digit, which some do.
func percent(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return b.String()
}

// lowerPercent writes the digits of percent-encoded bytes in lower case.
func lowerPercent(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}
