package widget

import (
	"encoding/binary"
	"image"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// stateVersion is the first byte of a state.
const stateVersion = 1

// stateCoders are shared: both are safe for concurrent use of their *All methods.
var stateCoders = sync.OnceValue(func() (c struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}) {
	var err, derr error
	c.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	c.dec, derr = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxState))
	if err != nil || derr != nil {
		panic("widget: zstd refuses its options") // constants
	}
	return c
})

// encode is the state in bytes: numbers as varints, pens once each, equal cells
// beside each other once, in zstd.
func (st *screenState) encode() []byte {
	e := stateEncoder{pens: map[cellPen]int{}}
	e.num(st.width, st.height, int(st.last), int(st.gl), int(st.gr), int(st.single))
	for _, f := range []bool{st.alt, st.wrap, st.origin, st.newline, st.sides, st.phantom} {
		e.flag(f)
	}
	for _, c := range st.charsets {
		e.num(int(c))
	}
	e.num(len(st.tabs))
	e.num(st.tabs...)
	e.side(st.main)
	e.side(st.other)
	return stateCoders().enc.EncodeAll(e.b, []byte{stateVersion})
}

type stateEncoder struct {
	b    []byte
	pens map[cellPen]int
}

func (e *stateEncoder) num(all ...int) {
	for _, n := range all {
		e.b = binary.AppendVarint(e.b, int64(n))
	}
}

func (e *stateEncoder) flag(f bool) {
	n := 0
	if f {
		n = 1
	}
	e.num(n)
}

// pen is a number for one that was before, or the next number and the pen.
func (e *stateEncoder) pen(p cellPen) {
	i, ok := e.pens[p]
	if !ok {
		i = len(e.pens)
		e.pens[p] = i
	}
	e.num(i)
	if !ok {
		e.b = append(e.b, p.fg.kind, p.fg.a, p.fg.b, p.fg.c, p.bg.kind, p.bg.a, p.bg.b, p.bg.c, p.attrs, p.underline)
	}
}

func (e *stateEncoder) caret(c caret) {
	e.num(c.x, c.y)
	e.flag(c.hidden)
	e.pen(c.pen)
}

func (e *stateEncoder) side(s screenSide) {
	e.caret(s.cur)
	e.caret(s.saved)
	e.num(s.margins.Min.X, s.margins.Min.Y, s.margins.Max.X, s.margins.Max.Y)
	e.flag(s.cells != nil)
	for _, row := range s.cells {
		for x := 0; x < len(row); {
			n := 1
			for x+n < len(row) && row[x+n] == row[x] {
				n++
			}
			e.num(n, row[x].width, len(row[x].text))
			e.b = append(e.b, row[x].text...)
			e.pen(row[x].pen)
			x += n
		}
	}
}

func decodeState(b []byte) (st screenState, err error) {
	if len(b) == 0 || b[0] != stateVersion {
		return st, errState
	}
	d := stateDecoder{}
	if d.b, err = stateCoders().dec.DecodeAll(b[1:], nil); err != nil {
		return st, errState
	}
	st.width, st.height = d.num(1, maxScreenWidth), d.num(1, maxScreenHeight)
	st.last = rune(d.num(0, 0x10ffff))
	st.gl, st.gr, st.single = uint8(d.num(0, 3)), uint8(d.num(0, 3)), uint8(d.num(0, 3))
	for _, f := range []*bool{&st.alt, &st.wrap, &st.origin, &st.newline, &st.sides, &st.phantom} {
		*f = d.num(0, 1) == 1
	}
	for i := range st.charsets {
		st.charsets[i] = uint8(d.num(0, 255))
		if c := st.charsets[i]; c != 0 && c != 'A' && c != '0' {
			d.bad = true
		}
	}
	for range d.num(0, st.width) {
		st.tabs = append(st.tabs, d.num(0, st.width-1))
	}
	st.main = d.side(&st)
	st.other = d.side(&st)
	// Only what a character may be is ever printed to bring a state about.
	if d.bad || len(d.b) > 0 || st.main.cells == nil || st.alt != (st.other.cells != nil) || st.last != 0 && (st.last < ' ' || st.last > '~') {
		return st, errState
	}
	return st, nil
}

// stateDecoder reads what stateEncoder wrote; bad is set once something is not.
type stateDecoder struct {
	b    []byte
	pens []cellPen
	bad  bool
}

func (d *stateDecoder) num(least, most int) int {
	v, n := binary.Varint(d.b)
	if d.bad || n <= 0 || v < int64(least) || v > int64(most) {
		d.bad = true
		return least
	}
	d.b = d.b[n:]
	return int(v)
}

func (d *stateDecoder) bytes(n int) []byte {
	if d.bad || n > len(d.b) {
		d.bad = true
		return make([]byte, n)
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
}

func (d *stateDecoder) pen() cellPen {
	i := d.num(0, len(d.pens))
	if i < len(d.pens) {
		return d.pens[i]
	}
	b := d.bytes(10)
	p := cellPen{fg: tone{b[0], b[1], b[2], b[3]}, bg: tone{b[4], b[5], b[6], b[7]}, attrs: b[8], underline: b[9]}
	if p.fg.kind > toneRGB || p.bg.kind > toneRGB || p.underline > 5 {
		d.bad = true
	}
	d.pens = append(d.pens, p)
	return p
}

func (d *stateDecoder) caret() caret {
	return caret{x: d.num(0, maxScreenWidth), y: d.num(0, maxScreenHeight), hidden: d.num(0, 1) == 1, pen: d.pen()}
}

func (d *stateDecoder) side(st *screenState) (s screenSide) {
	s.cur, s.saved = d.caret(), d.caret()
	s.margins = image.Rect(d.num(0, st.width), d.num(0, st.height), d.num(0, st.width), d.num(0, st.height))
	if s.margins.Empty() {
		d.bad = true
	}
	if d.num(0, 1) == 0 {
		return s
	}
	for range st.height {
		row := make([]screenCell, 0, st.width)
		for len(row) < st.width && !d.bad {
			n := d.num(1, st.width-len(row))
			c := screenCell{width: d.num(0, 2)}
			c.text = string(d.bytes(d.num(0, maxCellBytes)))
			c.pen = d.pen()
			for range n {
				row = append(row, c)
			}
		}
		s.cells = append(s.cells, row)
	}
	return s
}
