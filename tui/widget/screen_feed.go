package widget

import (
	"bytes"
	"unicode/utf8"

	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"
)

const (
	// maxPending is how much is held before it is drawn.
	maxPending = 256 << 10
	// trimEvery is how much is fed to the other screen before the lines that
	// scrolled off it are given up.
	trimEvery = 4 << 10
)

// Write feeds recorded output. It never fails. What it was fed is drawn when
// somebody looks: of a long run of lines only those that stay on the screen are
// then drawn, which makes no difference to what is seen.
func (s *Screen) Write(b []byte) {
	// Only after the end of a line is it the same to the emulator whether it gets
	// two pieces or one: elsewhere the second may complete a character.
	if n := len(s.pending); n > 0 && (s.pending[n-1] != '\n' || n+len(b) > maxPending) {
		s.flush()
	}
	s.pending = append(s.pending, b...)
}

// Work is a measure of the work that drawing took so far: about the number of
// bytes that would have taken as long.
func (s *Screen) Work() int { return s.work + len(s.pending)/64 }

// flush draws what is pending.
func (s *Screen) flush() {
	b := s.pending
	s.pending = s.pending[:0]
	for len(b) > 0 {
		n, lines := 0, 0
		if s.in.ground() && s.in.scrollsAll() {
			n, lines = textRun(b)
		}
		if _, h := s.Size(); lines > 2*h+2 {
			s.lastLines(b[:n], 2*h+2)
			b = b[n:]
			continue
		}
		if i := bytes.IndexByte(b[n:], '\n'); i >= 0 {
			n += i + 1
		} else {
			n = len(b)
		}
		s.feed(b[:n])
		b = b[n:]
	}
}

// textRun is how much of b, from its start, is lines of text in colours and
// nothing else, and how many of them end with a carriage return and a line feed.
// The run ends with one of these.
func textRun(b []byte) (n, lines int) {
	plain := false // a line that leaves nothing of what was printed before it
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c >= ' ' && c < 0x7f:
			plain = true
			i++
		case c == '\n':
			i++
			if i > 1 && b[i-2] == '\r' && plain {
				n, lines, plain = i, lines+1, false
			}
		case c == '\r':
			i++
		case c == '\x1b':
			size := sgrLen(b[i:])
			if size == 0 {
				return n, lines
			}
			i += size
		default:
			r, size := utf8.DecodeRune(b[i:])
			if r < 0xa0 || r == utf8.RuneError {
				return n, lines
			}
			i += size
		}
	}
	return n, lines
}

// sgrLen is the length of the SGR sequence that b begins with, 0 for none.
func sgrLen(b []byte) int {
	if len(b) < 3 || b[1] != '[' {
		return 0
	}
	for i := 2; i < len(b) && i < 64; i++ {
		switch c := b[i]; {
		case c == 'm':
			return i + 1
		case (c < '0' || c > '9') && c != ';' && c != ':':
			return 0
		}
	}
	return 0
}

// lastLines draws the last lines of a run. On a screen that scrolls as a whole,
// twice its height of them leave nothing of what was there, so of what comes
// before them only the colours matter.
func (s *Screen) lastLines(run []byte, keep int) {
	at := len(run)
	for ; keep > 0; keep-- {
		at = bytes.LastIndex(run[:at], []byte("\r\n"))
		if at < 0 {
			s.feed(run)
			return
		}
	}
	at += 2
	early := append(make([]byte, 0, 64), '\r')
	for b := run[:at]; ; {
		i := bytes.IndexByte(b, '\x1b')
		if i < 0 {
			break
		}
		n := sgrLen(b[i:])
		early, b = append(early, b[i:i+n]...), b[i+n:]
	}
	s.work += at / 64
	s.feed(early)
	s.feed(run[at:])
}

// feed gives bytes to the emulator. One that gives up over them is replaced.
func (s *Screen) feed(b []byte) {
	w, h := s.Size()
	s.work += len(b) + bytes.Count(b, []byte{'\n'})*w*h/3
	for len(b) > 0 {
		n := len(b)
		if s.emu.IsAltScreen() && n > trimEvery {
			if i := bytes.IndexByte(b[trimEvery:], '\x1b'); i >= 0 {
				n = trimEvery + i
			}
		}
		s.advance(b[:n])
		if s.other += n; s.other >= trimEvery {
			s.trim()
		}
		b = b[n:]
	}
}

func (s *Screen) advance(b []byte) {
	defer func() {
		if recover() != nil {
			s.torn = true
			s.renew(s.Size())
		}
	}()
	_, _ = s.emu.Write(b)
}

// trim gives up the lines that scrolled off the other screen, of which the
// emulator keeps ten thousand, and offers no way to say otherwise: erasing all
// erases them too, and then the cells are put back.
func (s *Screen) trim() {
	if !s.emu.IsAltScreen() || !s.in.ground() {
		return
	}
	s.other = 0
	w, h := s.Size()
	cells := make([]uv.Cell, 0, w*h)
	s.each(func(c *uv.Cell) { cells = append(cells, *c) })
	s.advance([]byte("\x1b[3J"))
	i := 0
	s.each(func(c *uv.Cell) { *c = cells[i]; i++ })
}

// each calls f with the emulator's own cells of the screen that is seen.
func (s *Screen) each(f func(c *uv.Cell)) {
	w, h := s.Size()
	for y := range h {
		for x := range w {
			f(s.emu.CellAt(x, y))
		}
	}
}

// bound has our handlers come before the emulator's: numbers are brought into
// bounds, where it would loop for long or leave its memory, and costs are counted.
func (s *Screen) bound() {
	lower := func(p ansi.Params, i, most int) {
		if i < len(p) && p[i].Param(1) > most {
			p[i] = ansi.Param(most)
		}
	}
	on := func(cmd int, f func(p ansi.Params, w, h int)) {
		s.emu.RegisterCsiHandler(cmd, func(p ansi.Params) bool {
			w, h := s.Size()
			f(p, w, h)
			return false // and now the emulator's
		})
	}
	on('b', func(p ansi.Params, w, h int) {
		lower(p, 0, w*h)
		n, _, _ := p.Param(0, 1)
		s.work += 2 * n
	})
	for _, cmd := range []int{'I', 'Z', '@', 'P', 'X'} {
		on(cmd, func(p ansi.Params, w, _ int) { lower(p, 0, w); s.work += w })
	}
	for _, cmd := range []int{'J', 'L', 'M', 'S', 'T'} {
		on(cmd, func(p ansi.Params, w, h int) { lower(p, 0, h); s.work += w * h / 3 })
	}
	on('r', func(p ansi.Params, _, h int) { lower(p, 0, h); lower(p, 1, h) })
	on('s', func(p ansi.Params, w, _ int) { lower(p, 0, w); lower(p, 1, w) })
	outside := func() bool { w, _ := s.Size(); return s.emu.CursorPosition().X >= w }
	s.emu.RegisterEscHandler('H', outside) // a tab stop where there is no column
	s.emu.RegisterCsiHandler('g', func(p ansi.Params) bool {
		n, _, _ := p.Param(0, 0)
		return n == 0 && outside()
	})
}
