package ssh

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
)

func TestSanitizeModes(t *testing.T) {
	for name, tt := range map[string]struct{ raw, want []byte }{
		"none":          {nil, []byte{0}},
		"end":           {[]byte{0, 1, 2}, []byte{0}},
		"one":           {[]byte{53, 0, 0, 0, 1, 0}, []byte{53, 0, 0, 0, 1, 0}},
		"no end":        {[]byte{53, 0, 0, 0, 1}, []byte{53, 0, 0, 0, 1, 0}},
		"cut":           {[]byte{53, 0, 0, 0, 1, 50, 0, 0}, []byte{53, 0, 0, 0, 1, 0}},
		"undefined":     {[]byte{99, 0, 0, 0, 1, 42, 0, 0, 0, 1, 0}, []byte{42, 0, 0, 0, 1, 0}},
		"stops at 160":  {[]byte{160, 0, 0, 0, 1, 42, 0, 0, 0, 1, 0}, []byte{0}},
		"the last wins": {[]byte{53, 0, 0, 0, 1, 50, 0, 0, 0, 1, 53, 0, 0, 0, 0, 0}, []byte{53, 0, 0, 0, 0, 50, 0, 0, 0, 1, 0}},
	} {
		if diff := cmp.Diff(tt.want, sanitizeModes(tt.raw)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func FuzzSanitizeModes(f *testing.F) {
	f.Add([]byte{53, 0, 0, 0, 1, 128, 0, 0, 150, 0, 0})
	f.Fuzz(func(t *testing.T, raw []byte) {
		before := bytes.Clone(raw)
		out := sanitizeModes(raw)
		if !bytes.Equal(raw, before) {
			t.Error("the input was changed")
		}
		if len(out)%5 != 1 || out[len(out)-1] != 0 || len(out) > 5*160+1 {
			t.Errorf("%v is no list of modes", out)
		}
		seen := map[byte]bool{}
		for i := 0; i+5 <= len(out); i += 5 {
			if seen[out[i]] || !definedMode(out[i]) {
				t.Errorf("opcode %d in %v", out[i], out)
			}
			seen[out[i]] = true
		}
		if again := sanitizeModes(out); !bytes.Equal(again, out) {
			t.Errorf("%v becomes %v", out, again)
		}
	})
}

func TestSanitizeTerm(t *testing.T) {
	for term, want := range map[string]string{
		"xterm-256color": "xterm-256color", "screen.xterm+x_1": "screen.xterm+x_1", "": "dumb", "../x": "dumb", ".x": "dumb",
		"x\x00": "dumb", "x\x1b[2J": "dumb", "xterm é": "dumb", string(bytes.Repeat([]byte("x"), 65)): "dumb",
	} {
		if got := sanitizeTerm(term); got != want {
			t.Errorf("%q: %q, want %q", term, got, want)
		}
	}
}

func TestClamp(t *testing.T) {
	for in, want := range map[connectors.Size]connectors.Size{
		{}:                               {Width: 80, Height: 24},
		{Width: 80}:                      {Width: 80, Height: 1},
		{Width: -5, Height: 1 << 31}:     {Width: 1, Height: 1000},
		{Width: 4294967295, Height: 295}: {Width: 1000, Height: 295},
	} {
		if got := clamp(in); got != want {
			t.Errorf("%v: %v, want %v", in, got, want)
		}
	}
}

// What a target says of an exit is a code, a signal that can be shown, or a fault.
func FuzzParseExit(f *testing.F) {
	f.Add("exit-status", []byte{0, 0, 0, 7})
	f.Add("exit-signal", []byte("\x00\x00\x00\x04TERM\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, kind string, payload []byte) {
		exit, err := parseExit(kind, payload)
		if exit != nil && err != nil {
			t.Errorf("%+v and %v", exit, err)
		}
		if exit != nil && (len(exit.Signal) > 64 || strings.ContainsFunc(exit.Signal, func(r rune) bool { return r <= ' ' || r > '~' })) {
			t.Errorf("signal %q", exit.Signal)
		}
	})
}
