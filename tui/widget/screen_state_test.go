package widget

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// naive draws each piece at once and whole, as the emulator does by itself.
func naive(s *Screen, b []byte) { s.advance(b) }

// TestInside: the emulator has no more that decides what is drawn than is read.
// What is new in a release must be read, or be told here to be of no matter.
func TestInside(t *testing.T) {
	s := NewScreen(10, 5)
	for _, c := range []struct {
		of   reflect.Value
		want string
	}{
		{s.in.emu, "handlers colors scrs scr charsets logger defaultFg defaultBg defaultCur fgColor bgColor curColor modes lastChar grapheme parser cb iconName title cwd tabstops pr pw gl gr gsingle closed atPhantom"},
		{s.in.emu.FieldByName("scrs").Index(0), "cb buf cur saved scroll scrollback"},
		{s.in.emu.FieldByName("scrs").Index(0).FieldByName("cur"), "Pen Link Position Style Steady Hidden"},
		{s.in.emu.FieldByName("scrs").Index(0).FieldByName("cur").FieldByName("Pen"), "Fg Bg UnderlineColor Underline Attrs"},
		{s.in.emu.FieldByName("scrs").Index(0).FieldByName("buf").Elem(), "Buffer Touched"},
		{s.in.emu.FieldByName("scrs").Index(0).FieldByName("buf").Elem().FieldByName("Buffer").Elem(), "Lines"},
		{s.in.emu.FieldByName("tabstops").Elem(), "stops interval width"},
		{s.in.emu.FieldByName("parser").Elem(), "handler params data dataLen paramsLen cmd state"},
	} {
		var names []string
		for i := range c.of.NumField() {
			names = append(names, c.of.Type().Field(i).Name)
		}
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s has the fields\n%s\nand not\n%s", c.of.Type(), got, c.want)
		}
	}
}

// pieces are what generated recordings are made of.
var pieces = []func(r *rand.Rand) string{
	func(r *rand.Rand) string { return fmt.Sprintf("line %d of many\r\n", r.IntN(1000)) },
	func(r *rand.Rand) string {
		return fmt.Sprintf("\x1b[1;3%dmlog\x1b[0m \x1b[48;5;%dm%x\x1b[m\r\n", r.IntN(8), r.IntN(256), r.Uint64())
	},
	func(r *rand.Rand) string { return strings.Repeat(fmt.Sprintf("many %d\r\n", r.IntN(1000)), r.IntN(80)) },
	func(r *rand.Rand) string {
		return fmt.Sprintf("\x1b[%d;%dH\x1b[38;2;%d;2;3mat", r.IntN(14), r.IntN(40), r.IntN(256))
	},
	func(r *rand.Rand) string {
		return []string{"\x1b[?1049h", "\x1b[?1049l", "\x1b[?47h", "\x1b[?1047l"}[r.IntN(4)]
	},
	func(r *rand.Rand) string {
		return []string{"\x1b[2J", "\x1b[H", "\x1b[J", "\x1b[1K", "\x1bc", "\x1b[3J"}[r.IntN(6)]
	},
	func(r *rand.Rand) string { return fmt.Sprintf("\x1b[%d;%dr", r.IntN(6), 5+r.IntN(9)) },
	func(r *rand.Rand) string {
		return []string{"\x1b7", "\x1b8", "\x1b[s", "\x1b[?1048h", "\x1b[?1048l"}[r.IntN(5)]
	},
	func(r *rand.Rand) string { return "\x1b" + string("()*+"[r.IntN(4)]) + string("AB0"[r.IntN(3)]) },
	func(r *rand.Rand) string {
		return []string{"\x1bn", "\x1bo", "\x1b~", "\x8e", "\x8f", "lqqqk"}[r.IntN(6)]
	},
	func(r *rand.Rand) string { return "漢字 e\u0301 👩‍👩‍👧 \u202e z" },
	func(r *rand.Rand) string { return strings.Repeat("w", r.IntN(90)) },
	func(r *rand.Rand) string {
		return fmt.Sprintf("\x1b[%d%c", r.IntN(8), "ABCDEFGIZPX@LMSTbd"[r.IntN(18)])
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("\x1b[?%d%c", []int{6, 7, 25, 69}[r.IntN(4)], "hl"[r.IntN(2)])
	},
	func(r *rand.Rand) string { return fmt.Sprintf("\x1b[%d;%ds", r.IntN(9), 10+r.IntN(30)) },
	func(r *rand.Rand) string {
		return []string{"\t", "\x1bH", "\x1b[g", "\x1b[3g", "\x1b[?5W", "\b", "\r", "\n", "\x1bM", "\x1bD"}[r.IntN(10)]
	},
	func(r *rand.Rand) string { return fmt.Sprintf("\x1b[%d;4:3;%dm", r.IntN(10), 90+r.IntN(18)) },
	func(r *rand.Rand) string {
		return "\x1b]0;title\x07\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\x1bP+q544e\x1b\\"
	},
	func(r *rand.Rand) string { return "\x1b[20" + string("hl"[r.IntN(2)]) },
	func(r *rand.Rand) string { return string([]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())}) },
}

// recording is events of generated output. Some are cut anywhere.
func recording(r *rand.Rand, n int) (events [][]byte) {
	var kinds []func(*rand.Rand) string
	for range 1 + r.IntN(6) { // a few kinds of pieces each, so that runs come about
		kinds = append(kinds, pieces[r.IntN(len(pieces))])
	}
	var all []byte
	for range n {
		all = append(all, kinds[r.IntN(len(kinds))](r)...)
	}
	for len(all) > 0 {
		k := min(len(all), 1+r.IntN(1+r.IntN(600)))
		if i := bytes.IndexByte(all[k-1:], '\n'); i >= 0 && r.IntN(3) > 0 {
			k += i
		}
		events, all = append(events, all[:k]), all[k:]
	}
	return events
}

func sameLines(t *testing.T, what string, a, b *Screen) {
	t.Helper()
	x, y := a.Lines(), b.Lines()
	if !slices.Equal(x, y) {
		for i := range x {
			if i >= len(y) || x[i] != y[i] {
				t.Fatalf("%s: row %d is\n%q\nand not\n%q", what, i, x[i], y[i])
			}
		}
		t.Fatalf("%s: %d and %d rows", what, len(x), len(y))
	}
}

// TestScreenStates: a screen made of a state, with what follows, is the screen
// drawn from the start, piece by piece, at any moment.
func TestScreenStates(t *testing.T) {
	rounds, states, asked := 200, 0, 0
	if testing.Short() {
		rounds = 60
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 7))
		w, h := 1+r.IntN(60), 1+r.IntN(14)
		want, from := NewScreen(w, h), NewScreen(w, h)
		for i, e := range recording(r, 40+r.IntN(200)) {
			if r.IntN(60) == 0 {
				w, h := 1+r.IntN(60), 1+r.IntN(14)
				want.Resize(w, h)
				from.Resize(w, h)
			}
			naive(want, e)
			from.Write(e)
			if r.IntN(4) > 0 {
				continue
			}
			if want.torn {
				break
			}
			sameLines(t, fmt.Sprintf("seed %d, event %d, %q", seed, i, e), from, want)
			asked++
			if state, ok := from.State(); ok {
				states++
				var err error
				if from, err = RestoreScreen(state); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				sameLines(t, fmt.Sprintf("seed %d, event %d, restored", seed, i), from, want)
			}
		}
	}
	t.Logf("%d states at %d moments", states, asked)
	if states < asked*7/10 {
		t.Errorf("only %d of %d moments have a state", states, asked)
	}
}

// TestScreenBounds: what once had the emulator leave its memory, or loop.
func TestScreenBounds(t *testing.T) {
	for _, in := range []string{"\x1b[?69h\x1b[1;9999s\x1b[M", "\x1b[1;9999r\x1b[M", "\x1b[5;9999r\x1b[L", "\x1b[1;9999r\x1b[20S",
		"\x1b[1;9999r\x1b[?6h\x1b[999;999H\x1b[L\x1b[M\x1b[P\x1b[@x", "x\x1b[65535b"} {
		s := NewScreen(80, 24)
		s.Write([]byte(in))
		checkCells(t, s)
		if s.torn {
			t.Errorf("%q tears the screen", in)
		}
	}
	s := NewScreen(80, 24)
	s.Write([]byte("\x1b[24;80H\x1b7"))
	s.Resize(10, 5)
	s.Write([]byte("\x1b8\x1bH\x1b[g\x88after"))
	checkCells(t, s)
}

func FuzzRestoreScreen(f *testing.F) {
	s := NewScreen(20, 4)
	s.Write([]byte("\x1b[31mred\x1b[?1049h\x1b[2;3r漢"))
	state, ok := s.State()
	if !ok {
		f.Fatal("no state")
	}
	f.Add(state[1:])
	f.Fuzz(func(t *testing.T, b []byte) {
		b = stateCoders().enc.EncodeAll(b, []byte{stateVersion})
		s, err := RestoreScreen(b)
		if err != nil {
			return
		}
		s.Write([]byte("\x1b[24;80Hx\r\n\x1b8\x1bH\x1b[M"))
		checkCells(t, s)
	})
}

func BenchmarkScreen(b *testing.B) {
	var lines, cells bytes.Buffer
	for i := 0; lines.Len() < 1<<20; i++ {
		fmt.Fprintf(&lines, "%d the quick brown fox jumps over the lazy dog %x\r\n", i, i*i)
	}
	for i := 0; cells.Len() < 1<<20; i++ {
		fmt.Fprintf(&cells, "\x1b[%d;%dH\x1b[1;3%dmword\x1b[m %d", i%24, i%70, i%8, i)
	}
	for _, c := range []struct {
		name string
		data []byte
	}{{"lines", lines.Bytes()}, {"cells", cells.Bytes()}} {
		b.Run(c.name, func(b *testing.B) {
			s := NewScreen(80, 24)
			b.SetBytes(int64(len(c.data)))
			for b.Loop() {
				for d := range slices.Chunk(c.data, 32<<10) {
					s.Write(d)
				}
				s.flush()
			}
		})
	}
	s := NewScreen(80, 24)
	s.Write(lines.Bytes())
	s.Write(cells.Bytes())
	state, ok := s.State()
	if !ok {
		b.Fatal("no state")
	}
	b.Run("state", func(b *testing.B) {
		b.ReportMetric(float64(len(state)), "B/state")
		for b.Loop() {
			s.State()
		}
	})
	b.Run("restore", func(b *testing.B) {
		for b.Loop() {
			if _, err := RestoreScreen(state); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// recorded reads a real recording of testdata/recordings.
func recorded(t testing.TB, path string) (events [][]byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for len(b) > 0 {
		n := 4 + int(binary.BigEndian.Uint32(b))
		events, b = append(events, b[4:n]), b[n:]
	}
	return events
}

// TestScreenRecordings: the same for vim, less, htop and others, after each piece
// that they put out.
func TestScreenRecordings(t *testing.T) {
	files, err := filepath.Glob("../../testdata/recordings/*.rec")
	if err != nil || len(files) < 6 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		name := filepath.Base(path)
		w, h := 80, 24
		if name == "htop.rec" {
			w, h = 100, 30
		}
		want, from := NewScreen(w, h), NewScreen(w, h)
		states, asked := 0, 0
		for i, e := range recorded(t, path) {
			naive(want, e)
			from.Write(e)
			asked++
			state, ok := from.State()
			if !ok {
				continue
			}
			states++
			if from, err = RestoreScreen(state); err != nil {
				t.Fatal(err)
			}
			sameLines(t, fmt.Sprintf("%s, piece %d", name, i), from, want)
		}
		if t.Logf("%s: %d states at %d moments", name, states, asked); states < asked*9/10 {
			t.Errorf("%s: only %d of %d moments have a state", name, states, asked)
		}
	}
}
