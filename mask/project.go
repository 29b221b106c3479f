package mask

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// reader turns data into text. It keeps where it stands between sequences from
// one stretch of data to the next.
type reader struct {
	gap   int  // bytes without width since the last character, maxSequence+1 at most
	inStr bool // within a string sequence too long to hold: its payload is text
	cur   cursor
	done  int // of the data at hand, what the cursor has followed
}

// project appends to t the text of data from r on, until a line ends at or after
// stop, or data does. It returns the end of what it has read: data that ends
// within a sequence or a character is left, unless t is final, when only a
// sequence is. payload is called for the payload of each whole string sequence.
func (p *reader) project(t *text, data []byte, r, stop int, payload func([]byte)) int {
	p.done = r
	r = p.read(t, data, r, stop, payload)
	p.cur.text(data[p.done:r])
	return r
}

func (p *reader) read(t *text, data []byte, r, stop int, payload func([]byte)) int {
	t.off = t.off[:0]
	for r < len(data) {
		c := data[r]
		switch {
		case p.inStr && (c < 0x20 || c == 0xc2):
			n, ended, known := stringEnd(data[r:])
			if !known {
				return r
			}
			if !ended {
				break // one character of the payload
			}
			p.inStr = false
			p.breakAt(t, r)
			p.hide(t, r, n)
			r += n
			continue
		case c == esc || c == 0xc2 && r+1 < len(data) && data[r+1] < 0xa0 && data[r+1] >= 0x80:
			n := p.sequence(t, data, r, payload)
			if n == 0 {
				return r
			}
			r += n
			continue
		}
		if plain(c) {
			end := r + p.plainRun(data[r:])
			p.showAll(t, data[r:end], r)
			r = end
			if data[r-1] == '\n' && r > stop {
				return r
			}
			continue
		}
		n := p.letters(t, data, r)
		if n == 0 {
			n = p.char(t, data, r)
		}
		if n == 0 {
			return r
		}
		r += n
	}
	return r
}

// letters projects characters of two bytes, as most alphabets have them, and
// returns their length.
func (p *reader) letters(t *text, data []byte, r int) int {
	alphabets, k := table(), r
	for k+1 < len(data) && data[k] > 0xc2 && data[k] < 0xe0 && data[k+1]&0xc0 == 0x80 {
		c := alphabets[rune(data[k]&0x1f)<<6|rune(data[k+1]&0x3f)]
		if c == 0 {
			break
		}
		p.show(t, c, k)
		k += 2
	}
	return k - r
}

// plainRun returns how many characters of b, the first of which is plain, are so,
// up to the end of a line; of many, not all.
func (p *reader) plainRun(b []byte) int {
	const most = 128
	n := 1
	if p.inStr {
		for b[n-1] != '\n' && n < len(b) && plain(b[n]) && b[n] >= 0x20 {
			n++
		}
		return n
	}
	b = b[:min(len(b), most)]
	if k := bytes.IndexByte(b, '\n'); k >= 0 {
		b = b[:k+1]
	}
	return special(b)
}

// char projects a character that is not plain and returns its length, or 0 if
// data ends within it.
func (p *reader) char(t *text, data []byte, r int) int {
	if data[r] < utf8.RuneSelf {
		p.hide(t, r, 1)
		return 1
	}
	if incomplete(data[r:]) && !t.final {
		return 0
	}
	c, n := utf8.DecodeRune(data[r:])
	if c == utf8.RuneError && n == 1 {
		p.show(t, letter, r) // of some other encoding
		return 1
	}
	if v, ok := visible(c); ok {
		p.show(t, v, r)
	} else {
		p.hide(t, r, n)
	}
	return n
}

// sequence projects the escape sequence at r and returns how much of it is done
// with, or 0 if data ends within it.
func (p *reader) sequence(t *text, data []byte, r int, payload func([]byte)) int {
	s := readSequence(data[r:])
	if s.state == partial {
		return 0
	}
	if p.cur.width > 0 {
		p.follow(data, r, s)
	}
	if s.state == long {
		p.breakAt(t, r)
		p.inStr = s.str
		p.hide(t, r, s.intro)
		return s.intro
	}
	if s.str && s.end > s.body {
		payload(data[r+s.body : r+s.end])
	}
	p.hide(t, r, s.n)
	return s.n
}

// follow moves the cursor as the sequence at r, and what stands before it, does.
func (p *reader) follow(data []byte, r int, s sequence) {
	p.cur.text(data[p.done:r])
	if p.done = r + s.n; s.state == long {
		p.done = r + s.intro
		p.cur.sleep()
		p.cur.shifted()
		return
	}
	p.cur.sequence(data[r:p.done], s)
}

func (p *reader) show(t *text, c byte, r int) {
	off := int32(r) << 1
	if p.gap > 0 {
		off |= 1
		if p.cur.moved {
			p.part(t, r)
		}
	}
	p.gap = 0
	t.v = append(t.v, c)
	t.off = append(t.off, off)
}

// showAll is show for characters that are plain.
func (p *reader) showAll(t *text, b []byte, r int) {
	p.show(t, b[0], r)
	t.v = append(t.v, b[1:]...)
	n := len(t.off)
	t.off = slices.Grow(t.off, len(b)-1)[:n+len(b)-1]
	for i := range t.off[n:] {
		t.off[n+i] = int32(r+1+i) << 1
	}
}

// hide steps over n bytes at r that have no width.
func (p *reader) hide(t *text, r, n int) {
	was := p.gap
	p.gap = min(p.gap+n, maxSequence+1)
	if p.gap > maxSequence && was <= maxSequence {
		p.breakAt(t, r+n)
	}
}

// part parts the text before r where what stands there is not shown next to what
// stands before it.
func (p *reader) part(t *text, r int) {
	if c, ok := p.cur.parts(); ok {
		t.v = append(t.v, c)
		t.off = append(t.off, int32(r)<<1)
	}
}

// breakAt parts the text before r.
func (p *reader) breakAt(t *text, r int) {
	t.v = append(t.v, breaker)
	t.off = append(t.off, int32(r)<<1)
}
