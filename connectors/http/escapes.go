package http

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// markup are the ways in which libraries write text into HTML and XML, besides Go's
// own; names of them are in the comments.
var markup = []*strings.Replacer{
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;"),                                              // Ruby, Spring, lodash
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;"),                                             // Python
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#039;"),                                             // PHP
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;"),                                             // XML
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;"),                                                                           // text of an element
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "+", "&#43;"),                                 // html/template
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;", "+", "&#x2B;"),                              // .NET
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;", "`", "&#x60;", "=", "&#x3D;"),               // Handlebars
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;", "`", "&#x60;", "=", "&#x3D;", "/", "&#x2F;"), // Mustache
}

// escapes are the ways in which libraries write a text into JSON, scripts and markup
// besides those that forms knows of Go's own.
func escapes(s string) []string {
	all := make([]string, 0, len(markup)+9)
	for _, m := range markup {
		all = append(all, m.Replace(s))
	}
	plain := func(r rune) bool {
		return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
	}
	for _, format := range []string{`\u%04X`, `\u%04x`} {
		all = append(all,
			escaped(s, format, func(r rune) bool { return r < 0x7f && !strings.ContainsRune("\"&'+<>`", r) }), // .NET
			escaped(s, format, func(r rune) bool { return r < 0x7f && !strings.ContainsRune("&'<>=", r) }),    // Gson
			escaped(s, format, func(r rune) bool { return r < 0x7f }),                                         // Python, in ASCII
			escaped(s, format, plain))
	}
	for _, format := range []string{"&#x%X;", "&#x%x;", "&#%d;", `\x%02X`, `\x%02x`} {
		all = append(all, escaped(s, format, plain))
	}
	return all
}

// escaped writes what is not plain by its number, in UTF-16 where the format is that
// of JSON. A backslash and a quote that are plain are written as JSON does.
func escaped(s, format string, plain func(rune) bool) string {
	var b strings.Builder
	short := strings.HasPrefix(format, `\u`)
	for _, r := range s {
		switch {
		case plain(r) && short && (r == '"' || r == '\\'):
			b.WriteString(`\` + string(r))
		case plain(r):
			b.WriteRune(r)
		case short && r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, format+format, high, low)
		default:
			fmt.Fprintf(&b, format, r)
		}
	}
	return b.String()
}

// wide is a text in UTF-16, without a mark: each byte order is in the text of the
// other, but for its ends.
func wide(s string) []string {
	var little, big []byte
	for _, u := range utf16.Encode([]rune(s)) {
		little = append(little, byte(u), byte(u>>8))
		big = append(big, byte(u>>8), byte(u))
	}
	return []string{string(little), string(big)}
}
