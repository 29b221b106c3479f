package mask

import "sync"

// Text runs the content detectors over a whole value and reports whether
// anything was replaced. A nil plan replaces all. It does not allocate where it
// finds nothing.
func (p *Plan) Text(s string) (string, bool) {
	if p.closed() {
		return Redacted, true
	}
	if passes(p, s) {
		return s, false
	}
	w := writers.Get().(*Writer)
	defer writers.Put(w)
	if w.reset(p); masked(w, s) {
		return string(w.out), true
	}
	return s, false
}

// AppendText appends to dst what Text shows of a value, and reports the same.
func (p *Plan) AppendText(dst, value []byte) ([]byte, bool) {
	if p.closed() {
		return append(dst, Redacted...), true
	}
	if passes(p, value) {
		return append(dst, value...), false
	}
	w := writers.Get().(*Writer)
	defer writers.Put(w)
	if w.reset(p); masked(w, value) {
		return append(dst, w.out...), true
	}
	return append(dst, value...), false
}

// passes reports at a glance that nothing is to be found in a value.
func passes[T string | []byte](p *Plan, value T) bool {
	return p.detect == 0 || len(p.custom) == 0 && clears(p.search, value)
}

// masked leaves in the out of a new writer what is shown of a value, and reports
// whether that is another.
func masked[T string | []byte](w *Writer, value T) bool {
	for rest := value; len(rest) > 0; {
		n := min(len(rest), maxChunk)
		w.held = append(w.held, rest[:n]...)
		rest = rest[n:]
		w.process(len(rest) == 0)
	}
	return w.hits > 0
}

// writers are kept for Text.
var writers = sync.Pool{New: func() any { return new(Writer) }}

// reset makes w as new, but for its buffers.
func (w *Writer) reset(p *Plan) {
	out := w.out[:0]
	if cap(out) > 2*maxChunk {
		out = nil // that of one large value is not kept
	}
	*w = Writer{search: p.search, out: out, held: w.held[:0], past: w.past[:0], line: w.line[:0], off: w.off[:0], spans: w.spans[:0]}
}

// clears reports at a glance that a value can hold nothing to find: too few
// digits for any number, none right behind letters, as in an IBAN, and nothing
// else at which a detector is asked. Letters of Latin, Greek and Cyrillic pass;
// what else is not ASCII may stand for a digit or a sign.
func clears[T string | []byte](s *search, value T) bool {
	coded := s.set&(detectIBAN|detectGCP) != 0
	digits, dash := 0, false
	for i := range len(value) {
		switch c := value[i]; {
		case isDigit(c):
			if digits++; coded && i > 0 && (value[i-1] < ' ' || value[i-1] >= del || classes[value[i-1]]&alphaClass != 0) {
				return false
			}
		case c == '-':
			dash = true
		case c == '(' || c == '+':
			// Of a number, which has digits.
		case s.asked[c] || c == 0xc2 || c > 0xd5:
			return false
		}
	}
	least := leastDigits
	if s.set&detectIPv4 != 0 {
		least = len("1111")
	}
	return digits < least && (!dash || s.set&(detectPEM|detectSecret|detectGCP|detectSlack) == 0)
}
