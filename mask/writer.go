package mask

import (
	"bytes"
	"cmp"
	"io"
	"math/bits"
	"slices"
	"unicode/utf8"

	"github.com/clipperhouse/displaywidth"
)

// MaxHold is the most that a Writer ever holds back, in bytes. It is reached by a
// stream that wraps every character of something like an address in escapes; of
// plain text it is some 470.
const MaxHold = 64 << 10

const (
	context  = 256      // of what was decided stays, for detectors to look back at
	maxChunk = 32 << 10 // is read at once
)

// Writer masks a stream on its way to another writer. Make one with Plan.Writer
// or Plan.Terminal. It is not safe for concurrent use.
type Writer struct {
	// Notify is as that of JSON. A terminal's has none.
	Notify func(Mark)
	// Screen is the size of a terminal. Text that a program writes in one place and
	// then in another is read as one where the size is not known.
	Screen *Screen

	w      io.Writer
	wrote  int64
	search *search
	shut   bool // nothing passes
	cells  bool // a star for every masked cell
	err    error
	hits   int64

	held []byte // data that is not decided
	sent int    // of its beginning, written all the same by Flush
	out  []byte

	// The state at the beginning of held.
	past   []byte // text before it
	masked int    // end of what is masked, seen from there
	inRun  bool   // the character before it was masked
	broken bool   // a sequence without its end was passed on right before it
	reader reader
	run    run

	text  text
	spans []span
	line  []byte // the text of the stretch at hand, after past
	off   []int32
}

// Writer returns a stream that masks content on its way to w, the same for every
// split of the stream into writes, as Text masks a value. Flush it at the end.
// That of a nil plan writes "[masked]", once, in place of all.
func (p *Plan) Writer(w io.Writer) *Writer {
	if p.closed() {
		return &Writer{w: w, shut: true}
	}
	return &Writer{w: w, search: p.search}
}

// Terminal is Writer for what a terminal shows: every masked cell becomes a star,
// so that nothing on the screen moves.
func (p *Plan) Terminal(w io.Writer) *Writer {
	m := p.Writer(w)
	m.cells = true
	return m
}

// Hits returns how many pieces of the stream were masked so far.
func (w *Writer) Hits() int64 { return w.hits }

// Write masks b and writes on what is decided; the rest is held. It takes all of
// b, or returns the first error of the writer behind, as does every call after.
func (w *Writer) Write(b []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	switch {
	case w.shut:
		if w.hits == 0 && len(b) > 0 {
			w.hits++
			w.put([]byte(Redacted))
		}
	case w.search.set == 0:
		w.put(b)
	default:
		for rest := b; len(rest) > 0 && w.err == nil; {
			n := min(len(rest), maxChunk)
			w.held = append(w.held, rest[:n]...)
			rest = rest[n:]
			w.process(false)
			w.put(w.out)
			w.out = w.out[:0]
		}
	}
	if w.err != nil {
		return 0, w.err
	}
	return len(b), nil
}

// Flush writes all that is held back, judged as if the stream ended here. The
// stream may go on: what is then found cannot include what was flushed. Call it at
// the end of a stream, and on a terminal when no more has come for a while.
func (w *Writer) Flush() error {
	if w.err == nil && len(w.held) > w.sent {
		w.process(true)
		w.put(w.out)
		w.out = w.out[:0]
	}
	return w.err
}

func (w *Writer) put(b []byte) {
	if len(b) == 0 {
		return
	}
	n, err := w.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	w.err = err
	w.wrote += int64(n)
}

// process decides what it can of held, and appends to out what is to be written.
func (w *Writer) process(final bool) {
	w.reader.cur.resize(w.Screen)
	r := 0
	for r < len(w.held) {
		end, whole := w.stretch(r, final)
		if end == r && !whole {
			break
		}
		r = end
		if !whole {
			break
		}
	}
	kept := len(w.held) - r
	w.sent = max(w.sent-r, 0)
	if final {
		w.out = append(w.out, w.held[r+w.sent:]...)
		w.sent = kept
	}
	w.held = append(w.held[:0], w.held[r:]...)
}

// stretch decides a stretch of held from r on: what is plain up to the end of a
// line, or one line that is not, or what there is of it. It returns where that
// which is not decided begins, and whether the stretch is done with.
func (w *Writer) stretch(r int, final bool) (end int, whole bool) {
	data := w.held
	stop := r + special(data[r:])
	end = stop
	if stop < len(data) {
		end = r + bytes.LastIndexByte(data[r:stop], '\n') + 1
	}
	t := &w.text
	masked := len(w.past) + w.masked
	*t = text{v: append(w.line[:0], w.past...), start: len(w.past), final: final, masked: masked, run: w.run, search: w.search}
	before := w.reader
	if end > r && !w.reader.inStr && w.reader.cur.inPlace() {
		t.edge0 = w.reader.gap > 0
		t.v = append(t.v, data[r:end]...)
		w.reader.gap = 0
		w.reader.cur.text(data[r:end])
	} else {
		t.off = w.off
		end = w.reader.project(t, data, r, stop, w.payload)
		w.off = t.off
	}
	w.line = t.v
	whole = end < len(data) && len(t.v) > t.start && t.v[len(t.v)-1] == '\n'
	var cut int
	w.spans, cut = t.scan(w.spans[:0])
	cut = t.uncut(w.spans, cut)
	w.run = t.run
	w.run.ended = w.run.kind == 0 && t.ran == cut
	if cut < len(t.v) {
		// What is held has neither a break nor a line end in it, so the reader is
		// there where it is at the end, but for escapes around the cut.
		if end = t.rawEnd(cut-1, r, data); cut == t.start {
			end, w.reader = r, before
		} else {
			w.reader.gap = 0
			if before.cur.width > 0 {
				w.reader.cur = before.cur
				w.reader.cur.walk(data[r:end])
				if t.made(cut - 1) {
					w.reader.cur.parts()
				}
			}
		}
	}
	w.emit(t, r, end, cut)
	w.past = append(w.past[:0], t.v[max(0, cut-context):cut]...)
	for _, s := range w.spans { // those that were decided after the cut will be again
		if s.at < cut {
			masked = max(masked, s.end)
		}
	}
	w.masked = max(masked-cut, -context-1)
	return end, whole && cut == len(t.v)
}

// uncut moves the cut out of the hits that were found on one side of it and begin
// on the other, as a number behind a percent-encoded character may, or a token
// with a prefix: they are found again, whole.
func (t *text) uncut(spans []span, cut int) int {
	for moved := true; moved; {
		moved = false
		for _, s := range spans {
			low := cut
			switch {
			case s.at < cut && cut <= s.start:
				low = s.at
			case s.start < cut && cut <= s.at:
				low = max(s.start, t.start, t.ran)
			}
			if low < cut {
				cut, moved = low, true
			}
		}
	}
	return cut
}

// raw returns where in the data the character at i of the text begins; the
// stretch begins at r.
func (t *text) raw(i, r int) int {
	if t.off == nil {
		return r + i - t.start
	}
	return int(t.off[i-t.start] >> 1)
}

// rawEnd returns where in the data the character at i ends.
func (t *text) rawEnd(i, r int, data []byte) int {
	if i < t.start {
		return r
	}
	at := t.raw(i, r)
	switch {
	case t.made(i):
		return at
	case t.off == nil || data[at] < utf8.RuneSelf:
		return at + 1
	}
	_, n := utf8.DecodeRune(data[at:])
	return at + n
}

// made reports whether the character at i stands for none of the data.
func (t *text) made(i int) bool {
	if i < t.start {
		return false
	}
	return t.v[i] == breaker || t.v[i] == '\n' && t.off != nil && i+1 < len(t.v) && t.raw(i+1, 0) == t.raw(i, 0)
}

// emit appends to out the data from r to end, the text of which is decided up to
// cut.
func (w *Writer) emit(t *text, r, end, cut int) {
	if !w.inOrder() {
		slices.SortFunc(w.spans, func(a, b span) int {
			return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), cmp.Compare(a.by, b.by))
		})
	}
	at := max(r, w.sent)
	hidden := t.start // the end of what is hidden so far
	if w.masked > 0 {
		at = w.hide(t, r, at, t.start, min(t.start+w.masked, cut))
		hidden = min(t.start+w.masked, cut)
	}
	for _, s := range w.spans {
		from, to := max(s.start, hidden), min(s.end, cut)
		if from >= to {
			continue
		}
		if from > hidden || !w.inRun {
			at = w.copy(at, t.raw(from, r))
			w.settle(t, from)
			w.replace(t, s)
		}
		at = w.hide(t, r, at, from, to)
		w.inRun, hidden = true, to
	}
	w.inRun = w.inRun && hidden == cut
	w.copy(at, end)
	if len(w.out) > 0 {
		w.broken = endsBroken(w.out)
	}
}

// inOrder reports whether every hit begins behind the one before.
func (w *Writer) inOrder() bool {
	for i := 1; i < len(w.spans); i++ {
		if w.spans[i].start <= w.spans[i-1].start {
			return false
		}
	}
	return true
}

// copy passes on the data from at to end.
func (w *Writer) copy(at, end int) int {
	if end > at {
		w.out = append(w.out, w.held[at:end]...)
	}
	return max(at, end)
}

// hide passes on the data from at on but for the characters from i to j of the
// text, and returns where that ends.
func (w *Writer) hide(t *text, r, at, i, j int) int {
	if t.off == nil && !w.cells && (i > t.start || !t.edge0) {
		return max(at, r+j-t.start)
	}
	for ; i < j; i++ {
		begin, end := t.raw(i, r), t.rawEnd(i, r, w.held)
		w.copy(at, begin)
		w.settle(t, i)
		if w.cells {
			w.out = stars(w.out, w.held[begin:end])
		}
		at = max(at, end)
	}
	return at
}

// settle ends an escape or control sequence without its end at the end of what
// was passed on. The character at i, which is not passed on, had cancelled it;
// what comes in its place would be read as its end.
func (w *Writer) settle(t *text, i int) {
	if !t.edge(i) {
		return
	}
	broken := w.broken
	if len(w.out) > 0 {
		broken = endsBroken(w.out)
	}
	if broken {
		w.out = append(w.out, can)
	}
}

// endsBroken reports whether b ends within an escape or control sequence.
func endsBroken(b []byte) bool {
	k := len(b)
	for k > 0 && len(b)-k < maxSequence && b[k-1] >= 0x20 && b[k-1] < 0x40 {
		k--
	}
	if k > 0 && b[k-1] == esc {
		return !slices.ContainsFunc(b[k:], func(c byte) bool { return c >= 0x30 }) // which ends it
	}
	return k > 1 && (b[k-1] == '[' && b[k-2] == esc || b[k-1] == 0x9b && b[k-2] == 0xc2)
}

// stars appends a star for every cell of one character. What moves the cursor on
// stays: the line ends within a key.
func stars(out, char []byte) []byte {
	n := min(len(char), 1)
	if n == 1 && char[0] < ' ' {
		return append(out, char[0])
	}
	if len(char) > 1 {
		n = displaywidth.Bytes(char)
	}
	for range n {
		out = append(out, '*')
	}
	return out
}

// replace appends what stands for a hit that begins a run of masked text.
func (w *Writer) replace(t *text, s span) {
	w.hits++
	if w.cells {
		return
	}
	begin := len(w.out)
	if s.by == detectCard {
		w.out = append(append(append(w.out, "[card *"...), t.lastFour(s)...), ']')
	} else {
		w.out = append(w.out, w.search.marks[bits.TrailingZeros64(uint64(s.by))&63]...)
	}
	if w.Notify != nil {
		w.Notify(Mark{At: w.wrote + int64(begin), Len: len(w.out) - begin, By: nameOf(s.by, w.search.custom)})
	}
}

// lastFour returns the last four digits of a number.
func (t *text) lastFour(s span) []byte {
	var four [shownDigits]byte
	for i, k := s.end-1, len(four)-1; k >= 0; i-- {
		if isDigit(t.v[i]) {
			four[k] = t.v[i]
			k--
		}
	}
	return four[:]
}

// payload masks the payload of a string sequence where it stands.
func (w *Writer) payload(b []byte) {
	t := text{final: true, search: w.search}
	p := reader{inStr: true}
	p.project(&t, b, 0, len(b), nil)
	if len(t.off) == 0 {
		return
	}
	spans, _ := t.scan(nil)
	for _, s := range spans {
		w.hits++
		for i := s.start; i < s.end; i++ {
			from, to := t.raw(i, 0), t.rawEnd(i, 0, b)
			for k := range b[from:to] {
				b[from+k] = '*'
			}
		}
	}
}
