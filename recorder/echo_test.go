package recorder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/recorder"
)

// tape is what an Echo recorded.
type tape struct {
	input, output []byte
	all           []byte // in order; a Hidden is {n}
	hidden        []recorder.Hidden
}

func (t *tape) Record(_ context.Context, k recorder.Kind, payload any) error {
	h, ok := payload.(recorder.Hidden)
	if !ok || k != recorder.KindHidden {
		return fmt.Errorf("kind %d, %T", k, payload)
	}
	t.hidden = append(t.hidden, h)
	t.input = fmt.Appendf(t.input, "{%d}", h.Keys)
	t.all = fmt.Appendf(t.all, "{%d}", h.Keys)
	return nil
}

func (t *tape) Stream(_ context.Context, k recorder.Kind, b []byte) error {
	t.all = append(t.all, b...)
	if k == recorder.KindInput {
		t.input = append(t.input, b...)
	} else {
		t.output = append(t.output, b...)
	}
	return nil
}

func latin1(t *testing.T, s string) []byte {
	t.Helper()
	var b []byte
	for _, r := range s {
		if r > 0xff {
			t.Fatalf("%q is not latin-1", s)
		}
		b = append(b, byte(r))
	}
	return b
}

// TestEchoTraces: no secret of the traces is on record, and everything else is.
func TestEchoTraces(t *testing.T) {
	text, err := os.ReadFile("testdata/echo.json")
	ok(t, err)
	var traces map[string][][2]string
	ok(t, json.Unmarshal(text, &traces))
	// What each must come to; "" is all that was typed.
	want := map[string]string{
		"read -s": "read -s -p 'Key: ' X\r{14}\recho ok\r", "read -s without a prompt": "read -s X\r{14}\recho ok\r",
		"read -s, pasted": "read -s X\r{14}\recho ok\r", "getpass": "{14}\rbob\r", "stars": "{16}\rbob\r",
		"passwd": "{14}\r{12}\r", "given up": "read -s X\r{14}\x03echo ok\r", "vim": "", "less": "",
		"sudo": "sudo -k id\r{14}\r{17}\r\x03echo ok\r", "shell": "",
	}
	for name, trace := range traces {
		t.Run(name, func(t *testing.T) {
			var got tape
			now := time.Unix(0, 0)
			e := recorder.NewEcho(&got, func() time.Time { now = now.Add(120 * time.Millisecond); return now })
			var typed, shown []byte
			for _, x := range trace {
				b := latin1(t, x[1])
				if x[0] == "i" {
					typed = append(typed, b...)
					ok(t, e.Input(t.Context(), b))
				} else {
					shown = append(shown, b...)
					ok(t, e.Output(t.Context(), recorder.KindOutput, b))
				}
			}
			ok(t, e.Close(t.Context()))
			if bytes.Contains(got.all, []byte("sek")) || bytes.Contains(got.all, []byte("hunt")) {
				t.Errorf("a secret is on record: %q", got.input)
			}
			expect, known := want[name]
			if known && expect == "" {
				expect = string(typed)
			}
			if known && string(got.input) != expect {
				t.Errorf("typed %q\n got %q\nwant %q", typed, got.input, expect)
			}
			if name == "ssh password" && !bytes.HasSuffix(got.input, []byte("127.0.0.1 id\r{14}\r{14}\recho ok\r")) { // a port that differs comes before
				t.Errorf("got %q", got.input)
			}
			if name == "ssh" && !bytes.HasSuffix(got.input, []byte("\r{12}\recho ok\r")) { // a path that differs comes before
				t.Errorf("got %q", got.input)
			}
			if !bytes.Equal(shown, got.output) {
				t.Error("the output is not what was shown")
			}
		})
	}
}

// TestEcho is what no trace shows.
func TestEcho(t *testing.T) {
	for name, c := range map[string]struct {
		steps string // ">" typed, "<" shown; apart by "|"
		want  string
	}{
		"echo comes late":           {`>l|>s|<l|<s|>\r|<\r\nx\r\n`, `ls\r`},
		"Enter before any echo":     {`>ls\r|<ls\r\nx\r\n`, `ls\r`},
		"two lines before any":      {`>ls\rpwd\r|<ls\r\nx\r\n`, `ls\rpwd\r`},
		"ahead of the prompt":       {`>s|>e|<Password: |>k|>\r|<\r\n`, `{3}\r`},
		"prompt, then talk":         {`<Password: |>s|<one moment\r\n|>e|>\r|<\r\n`, `{2}\r`},
		"a code that is shown":      {`<Verification code: |>1|<1|>2|<2|>\r|<\r\n`, `12\r`},
		"bullets":                   {`>s|<•|>e|<•|>k|<•|>\r|<\r\n`, `{3}\r`},
		"stars, taken back":         {`>s|<*|>e|<*|>\x7f|<\b \b|>\r|<\r\n`, `{3}\r`},
		"a line of stars":           {`>*|<*|>.|<.|>\r|<\r\n`, `*.\r`},
		"a line of x":               {`>x|<x|>a|<a|>\r|<\r\n`, `xa\r`},
		"highlighted paste":         {`>\x1b[200~ls -l\x1b[201~|<\x1b[7mls -l\x1b[27m|>\r|<\r\n`, `\x1b[200~ls -l\x1b[201~\r`},
		"only a cursor moved":       {`>j|<\x1b[3;1H|>j|<\x1b[4;1H`, `jj`},
		"nothing until the end":     {`>secret`, `{6}`},
		"controls are no secret":    {`>\x1b[A|>\x04|>\t`, `\x1b[A\x04\t`},
		"beyond ASCII":              {`>pässwörd\r|<\r\n`, `{8}\r`},
		"the next line proves anew": {`>a|<a|>\r|<\r\n|>s|>e|>\r|<\r\n|>b|<b`, `a\r{2}\rb`},
	} {
		t.Run(name, func(t *testing.T) {
			var got tape
			e := recorder.NewEcho(&got, nil)
			for step := range strings.SplitSeq(c.steps, "|") {
				b := []byte(unquote(t, step[1:]))
				if step[0] == '>' {
					ok(t, e.Input(t.Context(), b))
				} else {
					ok(t, e.Output(t.Context(), recorder.KindOutput, b))
				}
			}
			ok(t, e.Close(t.Context()))
			if want := unquote(t, c.want); string(got.input) != want {
				t.Errorf("got %q, want %q", got.input, want)
			}
		})
	}
}

func unquote(t *testing.T, s string) string {
	t.Helper()
	return strings.NewReplacer(`\r`, "\r", `\n`, "\n", `\b`, "\b", `\t`, "\t", `\x1b`, "\x1b", `\x7f`, "\x7f", `\x04`, "\x04").Replace(s)
}

// TestEchoBounded: what waits does not grow without end, and is not shown.
func TestEchoBounded(t *testing.T) {
	var got tape
	e := recorder.NewEcho(&got, nil)
	for range 100 {
		ok(t, e.Input(t.Context(), bytes.Repeat([]byte("s"), 1000)))
	}
	ok(t, e.Close(t.Context()))
	keys := 0
	for _, h := range got.hidden {
		keys += h.Keys
	}
	if keys != 100_000 || bytes.Contains(got.all, []byte("s")) || len(got.hidden) < 10 {
		t.Errorf("%d keys in %d events: %.60q", keys, len(got.hidden), got.all)
	}
}

// FuzzEcho: output is kept as it is, and no key is lost: each is on record, or
// counted.
func FuzzEcho(f *testing.F) {
	f.Add([]byte("\x02ls\x83ls\r\x01\r\x82\r\n"))
	f.Add([]byte("\x8aPassword: \x05hello\x01\r\x82\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var got tape
		e := recorder.NewEcho(&got, nil)
		var shown []byte
		typed := 0
		for len(b) > 0 { // a length, whose high bit says who speaks, and as many bytes
			n := min(int(b[0]&0x7f), len(b)-1)
			part := b[1 : n+1]
			if b[0]&0x80 != 0 {
				shown = append(shown, part...)
				ok(t, e.Output(t.Context(), recorder.KindOutput, part))
			} else {
				part = bytes.Map(func(r rune) rune { return r & 0x5f }, part) // one byte, one key
				part = bytes.ReplaceAll(part, []byte{0x1b}, []byte("e"))
				part = bytes.ReplaceAll(part, []byte("{"), []byte("e"))
				typed += len(part)
				ok(t, e.Input(t.Context(), part))
			}
			b = b[n+1:]
		}
		ok(t, e.Close(t.Context()))
		if !bytes.Equal(shown, got.output) {
			t.Errorf("shown %q, kept %q", shown, got.output)
		}
		keys, marks := 0, 0
		for _, h := range got.hidden {
			keys += h.Keys
			marks += len(fmt.Sprintf("{%d}", h.Keys))
		}
		if have := len(got.input) - marks + keys; have != typed {
			t.Errorf("%d keys typed, %d on record or counted: %q", typed, have, got.input)
		}
	})
}
