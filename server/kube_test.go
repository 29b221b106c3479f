package server

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/tui/widget"
)

// What is shown does not depend on the pieces in which it came, and drives no
// terminal.
func FuzzPlainText(f *testing.F) {
	f.Add("a\x1b]52;c;AAAA\x07b\u202egr\u00fc\u00dfe\n\ttab\xff\xc3", 3)
	f.Fuzz(func(t *testing.T, text string, at int) {
		show := func(pieces ...string) string {
			var b strings.Builder
			p := &plainText{w: &b}
			for _, s := range pieces {
				if _, err := p.Write([]byte(s)); err != nil {
					t.Fatal(err)
				}
			}
			p.flush()
			return b.String()
		}
		at = max(0, min(at, len(text)))
		whole, cut := show(text), show(text[:at], text[at:])
		if strings.ContainsFunc(whole+cut, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r <= 0x9f }) {
			t.Errorf("%q: %q and %q", text, whole, cut)
		}
		if strings.ContainsRune(text, 0x300) || whole != widget.EscapeLines(text) {
			return // marks are counted anew in each piece
		}
		if plain := strings.Map(ascii, text); plain == text && whole != cut {
			t.Errorf("%q: %q and %q", text, whole, cut)
		}
	})
}

func ascii(r rune) rune {
	if r < 0x80 {
		return r
	}
	return -1
}

func TestKubeWords(t *testing.T) {
	for line, want := range map[string]struct {
		verb string
		tty  bool
	}{
		"get pods": {"get", false}, "exec -it web -- sh": {"exec", true}, "exec web -- sh -t": {"exec", false}, "-n shop exec -t web -- sh": {"exec", true},
		"kubectl logs -f web": {"logs", false}, "get -t": {"get", false}, "attach -ti web": {"attach", true},
		// A word that is an option's value is no verb: what get shows is not exact.
		"-l exec get pods": {"", false}, "-o exec get pods": {"", false}, "--selector exec get pods": {"", false}, "--request-timeout port-forward get pods": {"", false}, "-n exec get pods": {"get", false},
		"-n=exec get pods": {"get", false}, "-t exec web -- sh": {"", false}, "-n": {"", false},
	} {
		if verb, tty := kubeWords(strings.Fields(line)); verb != want.verb || tty != want.tty {
			t.Errorf("%q: %q %t", line, verb, tty)
		}
	}
}
