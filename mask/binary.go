package mask

import "unicode/utf8"

// Binary reports whether b is not text, as a Sniffer that is given b alone.
func Binary(b []byte) bool {
	var s Sniffer
	return s.Binary(b) || s.Unfinished()
}

// Sniffer tells whether a stream is text: what detectors can read and a terminal
// show. Give it the pieces of the stream in order. Where in the stream it stops
// being text does not depend on how it was cut. The zero value is at the
// beginning of a stream.
//
// Text holds no NUL and no control characters but those that terminals and pagers
// know, and is UTF-8 but for a few bytes: one in ten may be of some other
// encoding, and the first 16 of those do not count. Compressed and encrypted
// data, programs, images and UTF-16 are not text. What is disguised as text,
// such as base64, is: this tells what detectors were made for, and keeps nobody
// from hiding anything.
type Sniffer struct {
	binary  bool
	total   int
	strange int
	part    [utf8.UTFMax]byte // of a character that the last piece ended within
	n       int
}

const (
	strangeFree  = 16
	strangeShare = 10
)

// Binary takes the next piece and reports whether the stream so far is not text.
// Once it is not, it stays so.
func (s *Sniffer) Binary(b []byte) bool {
	for s.n > 0 && len(b) > 0 && !s.binary {
		s.part[s.n] = b[0]
		s.n++
		b = b[1:]
		if utf8.FullRune(s.part[:s.n]) {
			part := s.part
			n := s.n
			s.n = 0
			s.take(part[:n])
		}
	}
	s.take(b)
	return s.binary
}

// Unfinished reports whether the stream ended within a character so that it is
// not text: ask when it has ended.
func (s *Sniffer) Unfinished() bool { return s.binary || s.strange+s.n > s.allowed() }

func (s *Sniffer) allowed() int { return strangeFree + s.total/strangeShare }

func (s *Sniffer) take(b []byte) {
	for len(b) > 0 && !s.binary {
		c := b[0]
		if c < utf8.RuneSelf {
			s.total++
			b = b[1:]
			s.binary = !textual(c)
			continue
		}
		if !utf8.FullRune(b) {
			s.n = copy(s.part[:], b)
			return
		}
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			s.strange++
		}
		s.total += n
		b = b[n:]
		s.binary = s.strange > s.allowed()
	}
}

// textual reports whether an ASCII character occurs in text: bell, backspace,
// tab, line ends, form feed, shifts of the character set, escape, and delete are
// the controls that do.
func textual(c byte) bool {
	return c >= 0x20 || c >= 0x07 && c <= 0x0f || c == esc || c == can || c == sub
}
