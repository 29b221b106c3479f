package http

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// echoes are ways in which services write what they were sent.
func echoes(secret string) map[string]string {
	quoted, _ := json.Marshal(secret)
	return map[string]string{
		"plain":          "Authorization: Bearer " + secret + "\n",
		"twice":          secret + secret,
		"JSON":           `{"a":` + string(quoted) + `}`,
		"query":          "?t=" + url.QueryEscape(secret) + "&x",
		"path":           "/" + url.PathEscape(secret) + "/",
		"every byte":     percent(secret),
		"lower percent":  lowerPercent(percent(secret)),
		"HTML":           "<p>" + html.EscapeString(secret) + "</p>",
		"hex":            hex.EncodeToString([]byte(secret)),
		"HEX":            strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"base64":         base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 for URL": base64.URLEncoding.EncodeToString([]byte(secret)),
		"base64 +1":      base64.StdEncoding.EncodeToString([]byte("x" + secret + "yz")),
		"base64 +2":      base64.StdEncoding.EncodeToString([]byte("xy" + secret + "z")),
		"base64 header":  base64.StdEncoding.EncodeToString([]byte("Authorization: Bearer " + secret + "\r\nHost: x\r\n")),
		// By the letter what these libraries write, where it is another than Go's.
		"System.Text.Json": `{"a":"` + netJSON.Replace(secret) + `"}`,
		"json.dumps":       `{"a":"` + strings.ReplaceAll(strings.ReplaceAll(secret, `"`, `\"`), "é", `\u00e9`) + `"}`,
		"Gson":             `{"a":"` + strings.NewReplacer(`"`, `\"`, "=", `\u003d`, "&", `\u0026`, "'", `\u0027`, "<", `\u003c`, "é", `\u00e9`).Replace(secret) + `"}`,
		"PHP":              "<p>" + strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "'", "&#039;").Replace(secret) + "</p>",
		"Django":           "<p>" + strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "'", "&#x27;").Replace(secret) + "</p>",
		"Handlebars":       "<p>" + strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "'", "&#x27;", "=", "&#x3D;").Replace(secret) + "</p>",
		"base64 in .NET":   netJSON.Replace(base64.StdEncoding.EncodeToString([]byte("xy" + secret + "z"))),
		"UTF-16":           "\xff\xfe" + wide(secret)[0],
		"UTF-16BE":         "\xfe\xff" + wide(secret)[1],
		"base64 in URL":    url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(secret))),
	}
}

// netJSON is what .NET's JavaScriptEncoder.Default does.
var netJSON = strings.NewReplacer(`"`, `\u0022`, "&", `\u0026`, "'", `\u0027`, "+", `\u002B`, "<", `\u003C`, ">", `\u003E`, "`", `\u0060`, "é", `\u00E9`)

// holds reports whether a secret of these forms can be read out of a text.
func holds(text string, forms []string) bool {
	return slices.ContainsFunc(forms, func(f string) bool { return strings.Contains(text, f) })
}

func strip(t testing.TB, s *stripper, text string, cut int) string {
	t.Helper()
	var out bytes.Buffer
	w := &stripWriter{s: s, w: &out}
	for rest := []byte(text); len(rest) > 0; rest = rest[min(cut, len(rest)):] {
		if _, err := w.Write(rest[:min(cut, len(rest))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// exact is what is left of some of them, letter by letter.
var exact = map[string]string{"plain": "Authorization: Bearer " + stripped + "\n", "query": "?t=" + stripped + "&x", "path": "/" + stripped + "/",
	"HTML": "<p>" + stripped + "</p>", "JSON": `{"a":"` + stripped + `"}`, "every byte": stripped, "hex": stripped, "base64": stripped}

// TestStrip: an echo in any of these forms is stripped, however the stream is cut,
// and what is around it passes.
func TestStrip(t *testing.T) {
	for _, secret := range []string{"s3cret-canary-4711", `a+b/c"d&e=é~?`, "p+q'r=s/t<u", "xxxxxxxx", "abababab", strings.Repeat("eyJhbGciOi", 150)} {
		all := forms(secret)
		s := newStripper(all)
		for name, echo := range echoes(secret) {
			text := "before " + echo + " behind"
			cuts := len(text)
			if cuts > 300 {
				cuts = 64
			}
			for cut := 1; cut <= cuts; cut++ {
				got := strip(t, s, text, cut)
				if holds(got, all) || !strings.Contains(got, stripped) {
					t.Fatalf("%.20q, %s, cut by %d: %.200q", secret, name, cut, got)
				}
				if want, ok := exact[name]; ok && got != "before "+want+" behind" {
					t.Fatalf("%.20q, %s, cut by %d: %.200q, want %q", secret, name, cut, got, want)
				}
				if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " behind") {
					t.Fatalf("%.20q, %s, cut by %d: %.200q lost what is around it", secret, name, cut, got)
				}
			}
		}
	}
}

// TestStripHoldsLittle: what cannot be a credential's beginning is not held back,
// so that answers arrive as they come.
func TestStripHoldsLittle(t *testing.T) {
	var out bytes.Buffer
	w := &stripWriter{s: newStripper(forms("s3cret-canary")), w: &out}
	for _, line := range []string{"data: one\n\n", "data: s3cr", "it is\n\n"} {
		_, _ = w.Write([]byte(line))
	}
	if out.String() != "data: one\n\ndata: s3crit is\n\n" || len(w.held) > 0 {
		t.Errorf("%q, held %q", out.String(), w.held)
	}
}

// FuzzStrip: whatever is around it and however it is cut, no form of the secret is
// left, the result does not depend on the cut, and without a secret nothing changes.
func FuzzStrip(f *testing.F) {
	f.Add("secret", "a", "b", uint8(1), uint8(3))
	f.Add("aaaa", "aaa", "aa", uint8(2), uint8(8))
	f.Add("a+/=", "%2", "B", uint8(1), uint8(12))
	f.Fuzz(func(t *testing.T, secret, before, behind string, cut, which uint8) {
		if len(secret) < leastSecret || len(secret) > 200 {
			return
		}
		s := newStripper(forms(secret))
		all := echoes(secret)
		names := []string{"plain", "twice", "JSON", "query", "path", "every byte", "HTML", "hex", "base64", "base64 +1", "base64 +2", "base64 header"}
		text := before + all[names[int(which)%len(names)]] + behind
		whole := strip(t, s, text, len(text)+1)
		if got := strip(t, s, text, int(cut)%23+1); got != whole {
			t.Errorf("cut: %q, whole: %q", got, whole)
		}
		for _, form := range forms(secret) {
			// What is put together of the ends around a replacement is no echo.
			for _, part := range strings.Split(whole, stripped) {
				if strings.Contains(part, form) {
					t.Errorf("%q is in %q", form, whole)
				}
			}
		}
		if !holds(before, forms(secret)) && strip(t, s, before, 3) != before {
			t.Errorf("%q changed without a secret in it", before)
		}
	})
}

func BenchmarkStrip(b *testing.B) {
	s := newStripper(forms("s3cret-canary-4711"))
	text := bytes.Repeat([]byte(`{"id":1,"name":"some customer","note":"words in a row"},`), 600)
	w := &stripWriter{s: s, w: &bytes.Buffer{}}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		w.w.(*bytes.Buffer).Reset()
		_, _ = w.Write(text)
	}
}
