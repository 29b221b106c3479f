package mask_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/mask"
)

// reference is a detector as a regular expression, the first group of which is the
// hit, with a check behind it. It is slow, and plain to read.
type reference struct {
	detector string
	pattern  *regexp.Regexp
	right    func(string) bool
	parts    []string // what texts are put together from
}

var references = sync.OnceValue(func() []reference {
	any := func(string) bool { return true }
	common := []string{" ", "\n", ",", "=", "x", "A", "a1", "7", "_", "/", "\"", "-", ".", ":"}
	word := func(body string) *regexp.Regexp {
		return regexp.MustCompile(`(?:^|[^A-Za-z0-9])(` + body + `)(?:[^A-Za-z0-9]|$)`)
	}
	return []reference{
		{"aws_key_id", word(`(?:AKIA|ASIA)[A-Z2-7]{16}`), mixedText, append([]string{"AKIA", "ASIA", "FRB7QN3VKRKSSVTN", "FRB7QN3V", "KRKSSVTN", "8"}, common...)},
		{"github_token", word(`gh[pousr]_[A-Za-z0-9]{36,255}`), mixedText, append([]string{"ghp_", "gho_", "ghx_", "iq8rUouWU9WEkBLOSwzHGGW0ccPUZdZDOPgJ", "iq8rUouWU9WEkBLOSwzH", "GGW0ccPUZdZDOPgJ"}, common...)},
		{"stripe_key", word(`[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,255}`), mixedText, append([]string{"sk_", "rk_", "pk_", "live_", "test_", "iNggCcegJrNYHMMY", "iNggCceg", "JrNYHMMY"}, common...)},
		{"iban", word(`[A-Za-z]{2}[0-9]{2}(?:[A-Za-z0-9]{11,30}|(?: [A-Za-z0-9]{4}){2,7}(?: [A-Za-z0-9]{1,3})?)`), rightIBAN,
			append([]string{"DE82263510988860020746", "DE82 2635 1098 8860 0207 46", "NL87TEST6572461172", "NL65 TEST 9003 6170 91", "BE68539007547034", "DE", "82"}, common...)},
		{"ipv4", regexp.MustCompile(`(?:^|[^A-Za-z0-9._-]|(?:^|[^A-Za-z0-9])-)((?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d))(?:$|[^A-Za-z0-9._-]|[.-](?:$|[^A-Za-z0-9]))`), any,
			[]string{"10.", "1.", "255", "256", "0", "01", "7", ".", " ", ",", "10.1.7.233", "x", "-", "\n"}},
	}
})

// mixedText reports whether a token's tail is not of one kind of character.
func mixedText(s string) bool {
	tail := s[strings.LastIndexByte(s, '_')+1:]
	if strings.HasPrefix(s, "AKIA") || strings.HasPrefix(s, "ASIA") {
		letters := map[rune]bool{}
		for _, c := range s[4:] {
			letters[c] = true
		}
		return len(letters) >= 7 || strings.ContainsAny(s[4:], "234567")
	}
	kinds := 0
	for _, set := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"} {
		if strings.ContainsAny(tail, set) {
			kinds++
		}
	}
	return kinds > 1
}

var ibanSizes = map[string]int{"DE": 22, "NL": 18, "BE": 16, "AD": 24, "AE": 23, "AL": 28, "KZ": 20}

func rightIBAN(s string) bool {
	s = strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	if ibanSizes[s[:2]] != len(s) {
		return false
	}
	mod := 0
	for _, c := range s[4:] + s[:4] {
		if c >= 'A' {
			mod = (mod*100 + int(c-'A') + 10) % 97
		} else {
			mod = (mod*10 + int(c-'0')) % 97
		}
	}
	return mod == 1
}

// find is what the reference finds: matches may share what stands between them.
func (r reference) find(s string) []string {
	var found []string
	for from := 0; from < len(s); {
		m := r.pattern.FindStringSubmatchIndex(s[from:])
		if m == nil {
			break
		}
		start, end := from+m[2], from+m[3]
		from = start + 1
		if r.detector == "iban" { // the pattern takes all groups; the number may be fewer
			for k := end; k > start; k-- {
				if (k == len(s) || !alnum(s[k])) && r.pattern.MatchString(" "+s[start:k]+" ") && rightIBAN(s[start:k]) {
					found, from = append(found, fmt.Sprintf("%d-%d", start, k)), k
					break
				}
			}
			continue
		}
		if r.right(s[start:end]) {
			found, from = append(found, fmt.Sprintf("%d-%d", start, end)), end
		}
	}
	return found
}

func alnum(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// TestReference compares detectors with regular expressions over random texts.
func TestReference(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range mask.Trials(4000) {
		seed := make([]byte, r.IntN(14))
		for i := range seed {
			seed[i] = byte(r.Uint32())
		}
		compared(t, seed)
	}
}

// FuzzReference is TestReference over seeds that name parts.
func FuzzReference(f *testing.F) {
	f.Add([]byte{0, 3, 6, 9})
	f.Fuzz(func(t *testing.T, seed []byte) {
		if len(seed) < 30 {
			compared(t, seed)
		}
	})
}

var referencePlans = map[string]*mask.Plan{}

func compared(t *testing.T, seed []byte) {
	t.Helper()
	for _, r := range references() {
		p := referencePlans[r.detector]
		if p == nil {
			p = plan(t, r.detector)
			referencePlans[r.detector] = p
		}
		var b strings.Builder
		for _, c := range seed {
			b.WriteString(r.parts[int(c)%len(r.parts)])
		}
		s := b.String()
		var got []string
		for _, h := range p.Find(s) {
			got = append(got, fmt.Sprintf("%d-%d", h.Start, h.End))
		}
		if want := r.find(s); strings.Join(got, " ") != strings.Join(want, " ") {
			t.Fatalf("%s in %q: %v, the reference finds %v", r.detector, s, got, want)
		}
	}
}
