package mask

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// parts are what numbers and the other triggers are put together from, and what
// parts them.
var parts = []string{"4111", " 1111", "1111", "734-55-9577", "+44 ", "20 7946", " 0349", "(212) ", "555-0144", "0044", "(0)", "1", "2", "37", "0", "00", "011 ",
	"tel ", "ssn ", "DE82", "GB86", "ya29.", "%2B", "%40", "\\u002b", "&#64;", " ", " ", "  ", "-", "--", ".", "/", "_", "(", ")", ",", "x", "\n", "|", ":", "::", "=",
	"a@b.cc", "@", "10.1.7.233", "1.1.", "db8", "xoxb-", "gh", "ghp_", "AKIA", "-p", "password", "eyJ", "https://u:pw12@h", "-----BEGIN "}

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(12) {
		b.WriteString(parts[r.IntN(len(parts))])
	}
	return b.String()
}

func allDetectors(t *testing.T) *Plan {
	t.Helper()
	var names []string
	for _, d := range detectors {
		names = append(names, d.Name)
	}
	p, err := NewPlan(nil, names)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTriggers: detectors that are asked at every character find no more than
// where a trigger is.
func TestTriggers(t *testing.T) {
	p := allDetectors(t)
	everywhere := *p
	everywhere.search = &search{set: p.detect}
	for c := range 256 {
		everywhere.search.second[c], everywhere.search.first[c] = 1<<15, 1<<15
		everywhere.search.asked[c] = true
	}
	r := rand.New(rand.NewPCG(11, 12))
	for range Trials(40_000) {
		s := randomText(r)
		if got, want := fmt.Sprint(p.Find(s)), fmt.Sprint(everywhere.Find(s)); got != want {
			t.Fatalf("%q: %s by triggers, %s everywhere", s, got, want)
		}
	}
}

// TestFew: where groups of digits are too short for any number, no detector finds
// one at any of them, nor wants to see more.
func TestFew(t *testing.T) {
	p := allDetectors(t)
	r := rand.New(rand.NewPCG(13, 14))
	few := 0
	for range Trials(40_000) {
		x := text{v: []byte(randomText(r)), search: p.search, final: r.IntN(2) == 0}
		for i := range x.v {
			if !isDigit(x.v[i]) || i > 0 && (isDigit(x.v[i-1]) || isAlnum(x.v[i-1]) || x.v[i-1] == '%') {
				continue
			}
			end, ok := x.few(i)
			if !ok {
				continue
			}
			few++
			for k := i; k < end; k++ {
				e := k
				for e < end && isDigit(x.v[e]) {
					e++
				}
				if e == k || k > i && isDigit(x.v[k-1]) {
					continue
				}
				if hits, v := x.number(k, e, p.detect, nil); v != no || len(hits) > 0 {
					t.Fatalf("%q has few digits from %d to %d, but at %d: %v, %d", x.v, i, end, k, hits, v)
				}
			}
		}
	}
	if few < Trials(10_000) {
		t.Errorf("%d cases", few)
	}
}
