package mask_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/mask"
)

func plan(t testing.TB, detect ...string) *mask.Plan {
	t.Helper()
	if len(detect) == 0 {
		for _, d := range mask.Detectors() {
			detect = append(detect, d.Name)
		}
	}
	p, err := mask.NewPlan(nil, detect)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestText(t *testing.T) {
	p := plan(t)
	for _, c := range []struct{ in, want string }{
		// Cards.
		{"card 4111111111111111 exp 12/29", "card [card *1111] exp 12/29"},
		{"4111 1111 1111 1111", "[card *1111]"},
		{"4111-1111-1111-1111.", "[card *1111]."},
		{"4111.1111.1111.1111", "[card *1111]"},
		{"4111  1111 - 1111 1111", "4111  1111 - 1111 1111"},
		{"4111 1111 1111 1111 123", "[card *1111] 123"},
		{"12 4111 1111 1111 1111", "12 [card *1111]"},
		{"amex 3782 822463 10005", "amex [card *0005]"},
		{"4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "[card *1111]"},
		{"1 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "1 [card *1111]"},
		{"4222222222222", "[card *2222]"},
		{"6304000000000000", "[card *0000]"},
		{`{"pan":"4111111111111111"}`, `{"pan":"[card *1111]"}`},
		{`msg\n4111111111111111`, `msg\n[card *1111]`},
		{"q=%204111111111111111&", "q=%20[card *1111]&"},
		{"q=%3D4111111111111111&", "q=%3D[card *1111]&"},
		{"card4111111111111111", "card[card *1111]"},
		{"4111111111111111USD", "[card *1111]USD"},
		{"4111111111111112", "4111111111111112"},
		{"41111111111111111", "41111111111111111"},
		{"4111111111111111abc", "4111111111111111abc"},
		{"beef4111111111111111", "beef4111111111111111"},
		{"0.4111111111111111", "0.4111111111111111"},
		{"1234567890123456", "1234567890123456"},
		{"４１１１１１１１１１１１１１１１", "[card *1111]"},
		{"4111\u00a01111\u00a01111\u00a01111", "[card *1111]"},
		{"4111\u20111111\u20111111\u20111111", "[card *1111]"},
		{"4111\u200b1111\u200b1111\u200b1111", "[card *1111]\u200b\u200b\u200b"},
		// E-mail addresses.
		{"Contact <yara.engel507@example.com>.", "Contact <[email]>."},
		{"a@b.co,c@d.org", "[email],[email]"},
		{"bob@example.com.", "[email]."},
		{"bob@example.com-4", "[email]-4"},
		{"bob@example.com.5", "[email].5"},
		{`"john.doe"@example.com`, "[email]"},
		{"u=carmen%40example.com&t=1", "u=[email]&t=1"},
		{`\u003cbob@example.com\u003e`, `\u003c[email]\u003e`},
		{`x\nbob@example.com\n`, `x\n[email]\n`},
		{"müller@exämple.de", "[email]"},
		{"jo\u200dhn@example.com", "[email]\u200d"},
		{"bob＠example．com", "[email]"},
		{"postgres://app:S3cr3t@db.internal:5432/", "postgres://app:[url_password]@db.internal:5432/"},
		{"https://bob@example.com/", "https://[email]/"},
		{"user@localhost react@18.2.0 logo@2x.png x@1.3.0.tgz getty@tty1.service", "user@localhost react@18.2.0 logo@2x.png x@1.3.0.tgz getty@tty1.service"},
		{"x@xn--e1afmkfd.xn--p1ai!", "[email]!"},
		{strings.Repeat("a", 300) + "@example.com", strings.Repeat("a", 300) + "@example.com"},
		{strings.Repeat("a", 60) + "-" + strings.Repeat("b", 60) + "@example.com", strings.Repeat("a", 60) + "-[email]"},
		{"4111111111111111@example.com", "[email]"},
		{"a@b.cc@d.ee", "[email]"},
		// Social security numbers.
		{"SSN 734 55 9577, 734 55 9577", "SSN [ssn], 734 55 9577"},
		{"734 55 9577", "734 55 9577"},
		{"ssn=734559577;", "ssn=[ssn];"},
		{"734559577", "734559577"},
		{"SSN734-55-9577", "SSN[ssn]"},
		{"x734-55-9577", "x734-55-9577"},
		{"734-55-95771 1734-55-9577 734-55 9577", "734-55-95771 1734-55-9577 734-55 9577"},
		{"000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000", "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000"},
		{"734–55–9577", "[ssn]"},
		// Escapes.
		{"\x1b[1m4111\x1b[31m1111\x1b[m11111111\x1b[0m!", "\x1b[1m[card *1111]\x1b[31m\x1b[m\x1b[0m!"},
		{"bob\x1b[1m@\x1b[mexample.com", "[email]\x1b[1m\x1b[m"},
		{"12345\x1b[5;10H4111111111111111\x1b[H67", "12345\x1b[5;10H[card *1111]\x1b[H67"},
		{"a@b.com\x1b[5H.5", "[email]\x1b[5H.5"},
		{"\x1b]0;bob@example.com: ~\a$ ", "\x1b]0;***************: ~\a$ "},
		{"41\x1b]0;x\x1b\\1111\x1bP1$r\x1b\\1111111111", "[card *1111]\x1b]0;x\x1b\\\x1bP1$r\x1b\\"},
		{"734-55\x00-95\x0e77", "[ssn]\x00\x0e"},
		{"\x1b]8;;mailto:" + strings.Repeat("x", 200) + "?cc=bob@example.com\x1b\\bob@example.org", "\x1b]8;;mailto:" + strings.Repeat("x", 200) + "?cc=[email]\x1b\\[email]"},
		{"12\x1b[" + strings.Repeat("1;", 100) + "m", "12\x1b[" + strings.Repeat("1;", 100) + "m"},
		{"7\xff34-55-9577 é\xe9", "7\xff34-55-9577 é\xe9"},
	} {
		got, hit := p.Text(c.in)
		if got != c.want || hit != (c.in != c.want) {
			t.Errorf("Text(%q) = %q, %v; want %q", c.in, got, hit, c.want)
		}
	}
}

// TestShortValues: a value that is cleared at a glance holds nothing that a
// stream would find.
func TestShortValues(t *testing.T) {
	iban := func(s string) string { // puts the check digits in
		for n := range 100 {
			if c := fmt.Sprintf("%s%02d%s", s[:2], n, s[4:]); rightIBAN(c) {
				return c
			}
		}
		return ""
	}
	found := []string{"1.1.1.1", iban("KZ00125KZTABCDEFGHIJ"), "ya29.abcdefghijABCDEFGHIJkl", "\u2010\u2010password hunter2!x", "-\u2011password hunter2!x"}
	p := plan(t)
	for _, s := range found {
		if got, hit := p.Text(s); !hit {
			t.Errorf("nothing in %q: %q", s, got)
		}
	}
	r := rand.New(rand.NewPCG(15, 16))
	for range mask.Trials(20_000) {
		var b strings.Builder
		for range 1 + r.IntN(3) {
			if r.IntN(3) == 0 {
				b.WriteString(found[r.IntN(len(found))])
			} else {
				b.WriteString(pieces[r.IntN(len(pieces))])
			}
		}
		s := b.String()
		want, _ := write(t, p, false, s, nil)
		if got, _ := p.Text(s); got != want {
			t.Fatalf("Text(%q) = %q, of a stream %q", s, got, want)
		}
	}
}
