package mask_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/charmbracelet/x/vt"

	"github.com/sallyport/sallyport/mask"
)

// drawn masks s for a terminal of the given size, in writes of the given sizes.
func drawn(t testing.TB, p *mask.Plan, width, height int, s string, sizes ...byte) string {
	t.Helper()
	var out bytes.Buffer
	w := p.Terminal(&out)
	w.Screen = new(mask.Screen)
	w.Screen.Resize(width, height)
	for i, rest := 0, []byte(s); len(rest) > 0; i++ {
		n := len(rest)
		if len(sizes) > 0 {
			n = min(n, 1+int(sizes[i%len(sizes)]))
		}
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const testWidth, testHeight = 40, 12

// screen is what an emulator shows of s, a line a row.
func screen(s string) string {
	e := vt.NewEmulator(testWidth, testHeight)
	// Its Close may not run beside Read: the pipe's ends Read as well.
	defer func() { _ = e.InputPipe().(io.Closer).Close() }()
	go func() { // answers to questions would hold it up
		b := make([]byte, 256)
		for {
			if _, err := e.Read(b); err != nil {
				return
			}
		}
	}()
	_, _ = e.WriteString(s)
	var b strings.Builder
	for y := range testHeight {
		for x := range testWidth {
			if c := e.CellAt(x, y); c != nil && c.Content != "" {
				b.WriteString(c.Content)
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// What a program writes here and there is no number; what it writes side by side is,
// whatever it does in between.
func TestCursor(t *testing.T) {
	const card = "4111111111111111"
	digits := func(between func(i int) string) string {
		var b strings.Builder
		for i, c := range card {
			b.WriteString(between(i) + string(c))
		}
		return b.String()
	}
	parted := map[string]string{
		"a digit a row":              digits(func(i int) string { return fmt.Sprintf("\x1b[%d;3H", i%12+1) }),
		"a digit a row, by its own":  "\x1b[1;3H" + digits(func(i int) string { return fmt.Sprintf("\x1b[%dd\x1b[3G", i%12+1) }),
		"down and back":              "\x1b[H" + digits(func(int) string { return "\x1b[B\x1b[D" })[:60],
		"far apart in a row":         digits(func(i int) string { return fmt.Sprintf("\x1b[%d;%dH", 2+i/6, 1+i%6*7) }),
		"written over":               "\x1b[5;5H" + digits(func(int) string { return "\x1b[D" }),
		"a card in two rows":         "\x1b[5;5H41111111\x1b[6;5H11111111",
		"colours in between":         digits(func(i int) string { return fmt.Sprintf("\x1b[0m\x1b[%d;3H\x1b[38;5;130m", i%12+1) }),
		"restored":                   "\x1b[5;1H\x1b7" + digits(func(int) string { return "\x1b8" }),
		"right of the margin":        "\x1b[2;5r" + digits(func(i int) string { return fmt.Sprintf("\x1b[%d;3H", i%12+1) }),
		"line feeds from the middle": "\x1b[1;3H" + digits(func(int) string { return "\x1b[D\x1bD" })[:50],
	}
	joined := map[string]string{
		"nothing in between":      "\x1b[5;5H" + card,
		"no size":                 "41111111\x1b[3;3H11111111",
		"where it is":             digits(func(i int) string { return fmt.Sprintf("\x1b[5;%dH", 5+i) }),
		"where it is, by column":  "\x1b[5;5H" + digits(func(i int) string { return fmt.Sprintf("\x1b[%dG", 5+i) }),
		"away and back":           "\x1b[5;5H" + digits(func(i int) string { return fmt.Sprintf("\x1b[9;1H\x1b[5;%dH", 5+i) }),
		"saved and restored":      "\x1b[5;5H" + digits(func(int) string { return "\x1b7\x1b[9;9H\x1b8" }),
		"saved by a sequence":     "\x1b[5;5H" + digits(func(int) string { return "\x1b[s\x1b[9;9H\x1b[u" }),
		"forward by none":         "\x1b[5;1H" + digits(func(int) string { return "\x1b[0C" }),
		"there and back":          "\x1b[5;5H" + digits(func(int) string { return "\x1b[3C\x1b[3D" }),
		"up and down":             "\x1b[5;5H" + digits(func(int) string { return "\x1b[2A\x1b[2B" }),
		"against the edge":        "\x1b[5;5H" + digits(func(i int) string { return fmt.Sprintf("\x1b[999C\x1b[%dD", testWidth-5-i) }),
		"against the last row":    "\x1b[999;5H" + digits(func(i int) string { return fmt.Sprintf("\x1b[%d;%dH", 12+i, 5+i) }),
		"against the first row":   "\x1b[1;5H" + digits(func(int) string { return "\x1b[99A" }),
		"scrolled under it":       "\x1b[5;5H41111111\x1b[S\x1b[4;13H11111111",
		"a line feed under it":    "\x1b[12;5H41111111\x1bD\x1b[11;13H11111111",
		"a margin under it":       "\x1b[2;6r\x1b[6;5H41111111\x1bD\x1b[5;13H11111111\x1b[r",
		"lines put in above it":   "\x1b[5;5H41111111\x1b[1;1H\x1b[L\x1b[6;13H11111111",
		"counted from a margin":   "\x1b[3;9r\x1b[?6h\x1b[3;5H41111111\x1b[?6l\x1b[5;13H11111111\x1b[r",
		"over the edge":           "\x1b[5;33H41111111\x1b[6;1H11111111",
		"blanks that are there":   "\x1b[5;5H" + strings.ReplaceAll("4111 1111 1111 1111", " ", "\x1b[C"),
		"another screen":          "\x1b[5;5H41111111\x1b[?1049h\x1b[?1049l\x1b[5;13H11111111",
		"what nobody knows":       "\x1b[5;5H41111111\x1b[9;9H\x1b[5;13v\x1b[5;13H11111111",
		"a mode among others":     "\x1b[5;5H41111111\x1b[?1;25;6h\x1b[9;9H\x1b[?6l11111111",
		"a control in a sequence": "\x1b[5;5H41111111\x1b[9\r;9H\x1b[5;13H11111111",
	}
	p := plan(t, "card")
	for name, s := range parted {
		for _, sizes := range [][]byte{nil, {0}, {3, 11}} {
			if got := drawn(t, p, testWidth, testHeight, s, sizes...); got != s {
				t.Errorf("%s, in pieces %v: %q became %q", name, sizes, s, got)
			}
		}
	}
	for name, s := range joined {
		width, height := testWidth, testHeight
		if name == "no size" {
			width, height = 0, 0
		}
		for _, sizes := range [][]byte{nil, {0}, {3, 11}} {
			if got := drawn(t, p, width, height, s, sizes...); strings.Count(got, "*") < 16 {
				t.Errorf("%s, in pieces %v: %q became %q", name, sizes, s, got)
			}
		}
	}
}

// A key that is drawn row by row stays one.
func TestCursorKey(t *testing.T) {
	p := plan(t)
	var b strings.Builder
	b.WriteString("\x1b[H\x1b[2J")
	for i, line := range []string{"-----BEGIN PRIVATE KEY-----", "AjKLQLfJhhQoKG3fUloNQUGANG+cwUuLax8u", "9qS6LL2t0mtBRd538AjKLQLfJhhQoKG3fUlo", "-----END PRIVATE KEY-----", "free text"} {
		fmt.Fprintf(&b, "\x1b[%d;1H%s", i+1, line)
	}
	for _, sizes := range [][]byte{nil, {0}, {9, 2}} {
		got := screen(drawn(t, p, testWidth, testHeight, b.String(), sizes...))
		if strings.Contains(got, "AjKLQ") || strings.Contains(got, "9qS6LL") || !strings.Contains(got, "free text") {
			t.Errorf("in pieces %v:\n%s", sizes, got)
		}
	}
}

// still are ways to move the cursor that end where they began, at a place that is known.
func still(r *rand.Rand, row, col int) string {
	one := []func() string{
		func() string { return "" },
		func() string { return fmt.Sprintf("\x1b[%d;%dH", row, col) },
		func() string { return fmt.Sprintf("\x1b[%dG", col) },
		func() string {
			return fmt.Sprintf("\x1b[%d;%df", 1+r.IntN(20), 1+r.IntN(60)) + fmt.Sprintf("\x1b[%d;%dH", row, col)
		},
		func() string { return fmt.Sprintf("\x1b7\x1b[%d;%dH\x1b8", 1+r.IntN(20), 1+r.IntN(60)) },
		func() string { return "\x1b[1;31m" },
		func() string { return fmt.Sprintf("\x1b[999C\x1b[%dG", col) },
		func() string { return fmt.Sprintf("\x1b[999B\x1b[%dd", row) },
		func() string { return "\x1b[K" },
		func() string { return fmt.Sprintf("\x1b[3;8r\x1b[r\x1b[%d;%dH", row, col) },
		func() string { return "\x1b]0;title\a" },
		func() string { return fmt.Sprintf("\x1b[%d;%dH\x1b[B\x1b[A\x1b[%dG", row, col, col) },
		func() string { return "\x1b[?25l" },
	}
	var b strings.Builder
	for range 1 + r.IntN(2) {
		b.WriteString(one[r.IntN(len(one))]())
	}
	return b.String()
}

// FuzzCursor checks that no number that a terminal shows side by side, written from
// its beginning to its end, is on the screen, that what is written elsewhere is as it
// was, and that this does not depend on how the stream was cut.
func FuzzCursor(f *testing.F) {
	f.Add(uint64(1), []byte{0})
	f.Add(uint64(9), []byte{30, 1})
	f.Fuzz(func(t *testing.T, seed uint64, sizes []byte) {
		if len(sizes) < 20 {
			cursored(t, seed, sizes)
		}
	})
}

func TestCursorPlanted(t *testing.T) {
	for seed := range uint64(mask.Trials(600)) {
		cursored(t, seed, []byte{byte(seed % 50), 0, byte(seed % 7)})
	}
}

func cursored(t testing.TB, seed uint64, sizes []byte) {
	t.Helper()
	secrets := []string{"4111 1111 1111 1111", "5555555555554444", "371449635398431", "734-55-9577", "yara.engel507@example.com", "DE82263510988860020746"}
	r := rand.New(rand.NewPCG(seed, 3))
	p := plan(t)
	var s strings.Builder
	for range 3 {
		secret := secrets[r.IntN(len(secrets))]
		row, col := 1+r.IntN(testHeight), 1+r.IntN(testWidth-len(secret))
		fmt.Fprintf(&s, "\x1b[%d;%dH", row, col)
		for i, c := range secret {
			if i > 0 {
				s.WriteString(still(r, row, col+i))
			}
			s.WriteRune(c)
		}
	}
	shown := screen(drawn(t, p, testWidth, testHeight, s.String(), sizes...))
	for _, secret := range secrets {
		if strings.Contains(shown, secret) {
			t.Fatalf("%q is shown of %q:\n%s", secret, s.String(), shown)
		}
	}
	s.Reset()
	for range 60 { // digits at places that are not side by side
		fmt.Fprintf(&s, "\x1b[%d;%dH%d", 1+r.IntN(testHeight), 1+r.IntN(6)*6, r.IntN(10))
	}
	if got := drawn(t, p, testWidth, testHeight, s.String(), sizes...); got != s.String() {
		t.Fatalf("%q became %q", s.String(), got)
	}
}

// movements are pieces for streams on a screen, beside those of text.
var movements = []string{"\x1b[5;10H", "\x1b[2;3H", "\x1b[A", "\x1b[3B", "\x1b[C", "\x1b[9D", "\x1b7", "\x1b8", "\x1bD", "\x1bM", "\x1b[2;6r", "\x1b[r", "\x1b[L", "\x1b[5G", "\x1b[?6h", "\x1b[?6l", "\x1bc", "\x1b[?1049h", "\x1b#8", "\x1b[999;1H", "\x1b[4", "\x1b[9d", "\u0085", "\x1b[s", "\x1b[u", "\r", "\r\n", "\x1bE"}

// FuzzScreen checks that masking for a screen does not depend on how the stream was
// cut, wherever the cursor goes.
func FuzzScreen(f *testing.F) {
	f.Add([]byte{0, 200, 10, 201}, []byte{2})
	f.Fuzz(func(t *testing.T, seed, sizes []byte) {
		if len(seed) < 60 && len(sizes) < 20 {
			onScreen(t, seed, sizes)
		}
	})
}

func TestScreen(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for range mask.Trials(6000) {
		seed := make([]byte, 1+r.IntN(14))
		for i := range seed {
			seed[i] = byte(r.Uint32())
		}
		onScreen(t, seed, []byte{byte(r.UintN(40)), byte(r.UintN(4))})
	}
}

func onScreen(t testing.TB, seed, sizes []byte) {
	t.Helper()
	var b strings.Builder
	b.WriteString("\x1b[3;3H")
	for _, c := range seed {
		if c%2 == 0 {
			b.WriteString(movements[int(c/2)%len(movements)])
		} else {
			b.WriteString(pieces[(int(c)*7+len(seed))%len(pieces)])
		}
	}
	p, s := plan(t), b.String()
	whole := drawn(t, p, testWidth, testHeight, s)
	for _, cut := range [][]byte{{0}, sizes, {1, 0, 6}} {
		if len(cut) == 0 {
			continue
		}
		if got := drawn(t, p, testWidth, testHeight, s, cut...); got != whole {
			t.Fatalf("stream %q\nin one write %q\nin pieces %v %q", s, whole, cut, got)
		}
	}
}

// A terminal that has another size is another one.
func TestScreenResized(t *testing.T) {
	var out bytes.Buffer
	w := plan(t, "card").Terminal(&out)
	w.Screen = new(mask.Screen)
	w.Screen.Resize(testWidth, testHeight)
	for i, part := range []string{"\x1b[5;5H41111111", "\x1b[9;13H11111111\n"} {
		if i > 0 {
			w.Screen.Resize(testWidth, 5)
		}
		if _, err := w.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	if got := out.String(); strings.Count(got, "*") != 16 {
		t.Errorf("%q: row 9 of five is row 5", got)
	}
}

// BenchmarkScreen runs a terminal's masker over what editors draw, with the cursor
// followed and without.
func BenchmarkScreen(b *testing.B) {
	var s strings.Builder
	for i := 0; s.Len() < 1<<20; i++ {
		fmt.Fprintf(&s, "\x1b[?25l\x1b[%d;9H\x1b[38;5;130m%d\x1b[m\x1b[2Cthe same row\x1b[%d;2Hsome text that is drawn\x1b[K\r\n\x1b[%d;%dH\x1b[?25h", i%12+1, i%10, i%11+1, i%12+1, i%30+1)
	}
	data := []byte(s.String())
	for _, size := range [][2]int{{0, 0}, {testWidth, testHeight}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			w := plan(b).Terminal(io.Discard)
			w.Screen = new(mask.Screen)
			w.Screen.Resize(size[0], size[1])
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				for rest := data; len(rest) > 0; {
					n := min(len(rest), benchChunk)
					if _, err := w.Write(rest[:n]); err != nil {
						b.Fatal(err)
					}
					rest = rest[n:]
				}
			}
		})
	}
}
