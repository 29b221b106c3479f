package mask

import "io"

const (
	maxString = 1 << 20 // the longest JSON string that is read; what is longer is withheld
	maxScalar = 1 << 10 // the longest number
	maxDepth  = 512
)

// JSON masks a stream of JSON documents on its way to another writer: values at
// paths by their rules, and whatever the content detectors find in any other
// string, key or number, with escapes such as \u0040 undone. All else passes byte
// for byte. Make one with Plan.JSON. It is not safe for concurrent use.
//
// A masked string stays a string; a masked number stays a number or becomes null,
// and a boolean becomes null. Where an object or array is masked its shape stays,
// and every scalar within is masked. A string longer than 1 MiB becomes
// "[masked]"; no more than that is ever held back.
//
// From where the stream is no JSON it is withheld if there are paths, which could
// not be followed, and masked as text if there are none.
type JSON struct {
	// Notify is called, where it is set, for each value that was masked, before it is
	// written: where it is in what is written, from the beginning on, and by which
	// rule or detector, "" where that is not told.
	Notify func(Mark)

	w     io.Writer
	wrote int64
	plan  *Plan
	paths []path
	named bool // detectors need the name of a value
	err   error
	hits  int64
	out   []byte

	mode    jsonMode
	tok     []byte // the token at hand, from its beginning
	escaped bool   // within a string, after a backslash
	skip    bool   // the string at hand is too long, and withheld already
	stack   []jsonFrame
	key     *member // the last key
	members map[string]*member
	text    *Writer // masks the rest, which is no JSON
	shut    bool    // the rest is withheld
}

// Mark is where something was masked in what a stream wrote.
type Mark struct {
	At  int64
	Len int
	By  string // the rule's or detector's name
}

type jsonMode uint8

const (
	jsonValue  jsonMode = iota // a value is next
	jsonFirst                  // a value or the end of an array
	jsonKey                    // a key
	jsonOpen                   // a key or the end of an object
	jsonColon                  // a colon
	jsonAfter                  // a comma or the end of what is open
	jsonString                 // within a string that is a value
	jsonName                   // within a string that is a key
	jsonScalar                 // within a number or a literal
)

// jsonFrame is an object or array that is open, or the document.
type jsonFrame struct {
	array bool
	index int      // of the element at hand
	at    []uint64 // where each path stands at it
	mask  *Rule    // masks all of it
	key   *member  // the key it stands at
}

// JSON returns a stream that masks JSON on its way to w. Flush it at the end.
// That of a nil plan writes "[masked]", once, in place of all.
func (p *Plan) JSON(w io.Writer, paths *Paths) *JSON {
	j := &JSON{w: w, plan: p, shut: p.closed(), members: map[string]*member{}}
	if paths != nil {
		j.paths = paths.rules
	}
	j.named = !p.closed() && p.detect&(detectSecret|detectAWSSecret) != 0
	root := jsonFrame{at: make([]uint64, len(j.paths))}
	for i := range j.paths {
		root.at[i] = j.paths[i].begin()
	}
	j.stack = append(j.stack, root)
	return j
}

// Hits returns how many values or pieces of them were masked so far.
func (j *JSON) Hits() int64 {
	if j.text != nil {
		return j.hits + j.text.Hits()
	}
	return j.hits
}

// Whole reports whether what has come are whole documents: neither within one, nor
// given up.
func (j *JSON) Whole() bool {
	return j.text == nil && !j.shut && len(j.stack) == 1 && len(j.tok) == 0 && !j.skip
}

// Write masks b and writes on what is decided. It takes all of b, or returns the
// first error of the writer behind, as does every call after.
func (j *JSON) Write(b []byte) (int, error) {
	n := len(b)
	if j.shut && n > 0 && j.hits == 0 && j.plan.closed() {
		j.withhold()
	}
	for len(b) > 0 && j.err == nil && !j.shut {
		if j.text != nil {
			_, j.err = j.text.Write(b)
			break
		}
		b = b[j.step(b):]
		if len(j.out) >= maxChunk {
			j.send()
		}
	}
	j.send()
	if j.err != nil {
		return 0, j.err
	}
	return n, nil
}

// Flush ends the stream: what is held back, an unfinished token, is written
// masked.
func (j *JSON) Flush() error {
	if j.err == nil && j.text == nil && !j.shut && len(j.tok) > 0 {
		if j.mode == jsonScalar {
			j.endScalar()
		} else {
			j.broken()
		}
		j.send()
	}
	if j.text != nil && j.err == nil {
		j.err = j.text.Flush()
	}
	return j.err
}

func (j *JSON) send() {
	if len(j.out) == 0 || j.err != nil {
		return
	}
	n, err := j.w.Write(j.out)
	if err == nil && n < len(j.out) {
		err = io.ErrShortWrite
	}
	j.wrote += int64(len(j.out))
	j.err, j.out = err, j.out[:0]
}

// hit counts a value that is masked: what was appended to out since begin.
func (j *JSON) hit(begin int, by string) {
	j.hits++
	if j.Notify != nil {
		j.Notify(Mark{At: j.wrote + int64(begin), Len: len(j.out) - begin, By: by})
	}
}

// withhold writes that the rest is withheld, and nothing after.
func (j *JSON) withhold() {
	j.shut = true
	begin := len(j.out)
	j.out = append(j.out, Redacted...)
	j.hit(begin, "")
	j.tok = nil
}

// broken goes over to what is done where the stream is no JSON.
func (j *JSON) broken() {
	if len(j.paths) > 0 || j.skip {
		j.withhold()
		return
	}
	j.send()
	j.text = j.plan.Writer(j.w)
	j.text.Notify, j.text.wrote = j.Notify, j.wrote
	if j.err == nil {
		_, j.err = j.text.Write(j.tok)
	}
	j.tok = nil
}

// step takes what it can of b in one go and returns how much that was.
func (j *JSON) step(b []byte) int {
	switch j.mode {
	case jsonString, jsonName:
		return j.inString(b)
	case jsonScalar:
		return j.inScalar(b)
	}
	n := 0
	for n < len(b) && (b[n] == ' ' || b[n] == '\n' || b[n] == '\r' || b[n] == '\t') {
		n++
	}
	if n > 0 || len(b) == 0 {
		j.out = append(j.out, b[:n]...)
		return n
	}
	if c := b[0]; !j.sign(c) {
		j.broken()
		return 0
	}
	return 1
}

// sign takes a character between tokens, or the first one of a token.
func (j *JSON) sign(c byte) bool {
	top := &j.stack[len(j.stack)-1]
	switch {
	case c == '"' && (j.mode == jsonKey || j.mode == jsonOpen):
		j.mode, j.tok = jsonName, append(j.tok[:0], c)
		return true
	case (c == '}' && !top.array || c == ']' && top.array) && len(j.stack) > 1 && (j.mode == jsonAfter || j.mode == jsonOpen && c == '}' || j.mode == jsonFirst):
		j.stack = j.stack[:len(j.stack)-1]
		j.after()
	case c == ',' && j.mode == jsonAfter && len(j.stack) > 1:
		j.mode = jsonKey
		if top.array {
			j.mode = jsonValue
			top.index++
		}
	case c == ':' && j.mode == jsonColon:
		j.mode = jsonValue
	case j.mode != jsonValue && j.mode != jsonFirst:
		return false
	case c == '"':
		j.mode, j.tok = jsonString, append(j.tok[:0], c)
		return true
	case c == '{' || c == '[':
		if len(j.stack) > maxDepth {
			return false
		}
		j.open(c == '[')
	case c == '-' || isDigit(c) || c == 't' || c == 'f' || c == 'n':
		j.mode, j.tok = jsonScalar, append(j.tok[:0], c)
		return true
	default:
		return false
	}
	j.out = append(j.out, c)
	return true
}

// after is the mode behind a value: behind a document another may follow.
func (j *JSON) after() {
	j.mode = jsonAfter
	if len(j.stack) == 1 {
		j.mode = jsonValue
	}
}

// open opens an object or array.
func (j *JSON) open(array bool) {
	f := jsonFrame{array: array, at: make([]uint64, len(j.paths)), key: j.key}
	f.mask = j.place(f.at)
	j.stack = append(j.stack, f)
	j.mode = jsonOpen
	if array {
		j.mode = jsonFirst
	}
}
