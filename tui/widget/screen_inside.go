package widget

import (
	"image"
	"image/color"
	"reflect"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"
)

// inside reads what the emulator keeps to itself: the pens, the margins, the
// screen behind the one that is seen. It only reads, by reflection, and what it
// reads is checked (see State): a release of the emulator that calls things
// otherwise, or has more of them, fails TestInside and gives no states.
type inside struct {
	emu   reflect.Value
	state reflect.Value // of the parser; invalid where it is not found
}

func insideOf(emu *vt.Emulator) inside {
	in := inside{emu: reflect.ValueOf(emu).Elem()}
	if p := in.emu.FieldByName("parser"); p.IsValid() && p.Kind() == reflect.Pointer {
		in.state = p.Elem().FieldByName("state")
	}
	return in
}

// ground says that no sequence and no character is half read.
func (in inside) ground() bool { return in.state.IsValid() && in.state.Uint() == 0 }

// scrollsAll says that there are no margins on the screen that is seen.
func (in inside) scrollsAll() bool {
	scr := in.emu.FieldByName("scr").Elem()
	lines := scr.FieldByName("buf").Elem().FieldByName("Buffer").Elem().FieldByName("Lines")
	h := lines.Len()
	return h > 0 && rect(scr.FieldByName("scroll")) == image.Rect(0, 0, lines.Index(0).Len(), h)
}

func rect(v reflect.Value) image.Rectangle {
	p := func(v reflect.Value) image.Point {
		return image.Pt(int(v.FieldByName("X").Int()), int(v.FieldByName("Y").Int()))
	}
	return image.Rectangle{Min: p(v.FieldByName("Min")), Max: p(v.FieldByName("Max"))}
}

// read is all that decides what is drawn from here on. ok is false where it cannot
// be told, and panics of reflection are the caller's.
func (in inside) read() (st screenState, ok bool) {
	e := in.emu
	if !in.ground() || e.FieldByName("grapheme").Len() != 0 {
		return st, false
	}
	st.phantom = e.FieldByName("atPhantom").Bool()
	st.last = rune(e.FieldByName("lastChar").Int())
	st.gl, st.gr, st.single = uint8(e.FieldByName("gl").Int()), uint8(e.FieldByName("gr").Int()), uint8(e.FieldByName("gsingle").Int())
	for i := range st.charsets {
		switch set := e.FieldByName("charsets").Index(i); {
		case set.IsNil():
		case set.Len() == len(vt.UK):
			st.charsets[i] = 'A'
		default:
			st.charsets[i] = '0'
		}
	}
	modes := e.FieldByName("modes")
	set := func(m ansi.Mode) bool {
		v := modes.MapIndex(reflect.ValueOf(m))
		return v.IsValid() && ansi.ModeSetting(v.Uint()).IsSet()
	}
	st.wrap, st.origin = set(ansi.ModeAutoWrap), set(ansi.ModeOrigin)
	st.newline, st.sides = set(ansi.ModeLineFeedNewLine), set(ansi.ModeLeftRightMargin)
	screens := e.FieldByName("scrs")
	st.alt = e.FieldByName("scr").Pointer() == screens.Index(1).Addr().Pointer()
	if st.main, ok = readSide(screens.Index(0), true); !ok {
		return st, false
	}
	st.height, st.width = len(st.main.cells), len(st.main.cells[0])
	if st.other, ok = readSide(screens.Index(1), st.alt); !ok {
		return st, false
	}
	if !st.alt {
		st.other.cur = caret{} // it is the main screen's when one goes there
	}
	stops := e.FieldByName("tabstops").Elem().FieldByName("stops")
	for x := range st.width {
		if x>>3 < stops.Len() && stops.Index(x>>3).Int()&(1<<(x&7)) != 0 {
			st.tabs = append(st.tabs, x)
		}
	}
	return st, true
}

func readSide(scr reflect.Value, cells bool) (s screenSide, ok bool) {
	s.margins = rect(scr.FieldByName("scroll"))
	var cur, saved bool
	s.cur, cur = readCaret(scr.FieldByName("cur"))
	s.saved, saved = readCaret(scr.FieldByName("saved"))
	if !cur || !saved {
		return s, false
	}
	if !cells {
		return s, true
	}
	lines := scr.FieldByName("buf").Elem().FieldByName("Buffer").Elem().FieldByName("Lines")
	for y := range lines.Len() {
		line := lines.Index(y)
		row := make([]screenCell, line.Len())
		for x := range row {
			c := line.Index(x)
			style, ok := readStyle(c.FieldByName("Style"))
			if !ok {
				return s, false
			}
			row[x] = screenCell{c.FieldByName("Content").String(), int(c.FieldByName("Width").Int()), style}.canonical()
		}
		s.cells = append(s.cells, row)
	}
	return s, len(s.cells) > 0 && len(s.cells[0]) > 0
}

func readCaret(v reflect.Value) (c caret, ok bool) {
	c.x, c.y = int(v.FieldByName("X").Int()), int(v.FieldByName("Y").Int())
	c.hidden = v.FieldByName("Hidden").Bool()
	c.pen, ok = readStyle(v.FieldByName("Pen"))
	return c, ok
}

func readStyle(v reflect.Value) (s cellPen, ok bool) {
	var fg, bg bool
	s.fg, fg = readTone(v.FieldByName("Fg"))
	s.bg, bg = readTone(v.FieldByName("Bg"))
	s.attrs, s.underline = uint8(v.FieldByName("Attrs").Uint()), uint8(v.FieldByName("Underline").Uint())
	return s, fg && bg
}

// The kinds of a tone.
const (
	toneNone = iota
	toneBasic
	toneIndexed
	toneRGB
)

// tone is a colour as the emulator has it: the terminal's own, one of its 16 or
// 256, or red, green and blue.
type tone struct {
	kind    uint8
	a, b, c uint8
}

var (
	basicType   = reflect.TypeFor[ansi.BasicColor]()
	indexedType = reflect.TypeFor[ansi.IndexedColor]()
	rgbaType    = reflect.TypeFor[color.RGBA]()
)

func readTone(v reflect.Value) (tone, bool) {
	if v.IsNil() {
		return tone{}, true
	}
	v = v.Elem()
	switch v.Type() {
	case basicType:
		return tone{kind: toneBasic, a: uint8(v.Uint())}, true
	case indexedType:
		return tone{kind: toneIndexed, a: uint8(v.Uint())}, true
	case rgbaType:
		n := func(i int) uint8 { return uint8(v.Field(i).Uint()) }
		return tone{toneRGB, n(0), n(1), n(2)}, n(3) == 0xff
	}
	return tone{}, false
}

func (t tone) color() color.Color {
	switch t.kind {
	case toneBasic:
		return ansi.BasicColor(t.a)
	case toneIndexed:
		return ansi.IndexedColor(t.a)
	case toneRGB:
		return color.RGBA{R: t.a, G: t.b, B: t.c, A: 0xff}
	}
	return nil
}

func (p cellPen) style() uv.Style {
	return uv.Style{Fg: p.fg.color(), Bg: p.bg.color(), Attrs: p.attrs, Underline: ansi.Underline(p.underline)}
}
