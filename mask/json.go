package mask

import (
	"io"
	"strings"
)

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
	key     string  // the last key, undone
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
	key   string   // the key it stands at
}

// JSON returns a stream that masks JSON on its way to w. Flush it at the end.
// That of a nil plan writes "[masked]", once, in place of all.
func (p *Plan) JSON(w io.Writer, paths *Paths) *JSON {
	j := &JSON{w: w, plan: p, shut: p.closed()}
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

// place sets where the paths stand at the value that is next, and returns the
// rule that masks it.
func (j *JSON) place(at []uint64) *Rule {
	top := &j.stack[len(j.stack)-1]
	found := top.mask
	folded := ""
	if len(j.stack) > 1 && !top.array && len(j.paths) > 0 {
		folded = fold(j.key)
	}
	for i := range j.paths {
		p := &j.paths[i]
		switch {
		case len(j.stack) == 1:
			at[i] = top.at[i]
		case top.array:
			at[i] = p.step(top.at[i], "", top.index)
		default:
			at[i] = p.step(top.at[i], folded, -1)
		}
		if p.masks(at[i]) && (found == nil || p.rule.Method.ShowsLess(found.Method)) {
			found = &p.rule
		}
	}
	return found
}

// rule returns what masks the scalar at hand.
func (j *JSON) rule() *Rule {
	if len(j.paths) == 0 {
		return nil
	}
	var room [8]uint64
	at := room[:]
	if len(j.paths) > len(at) {
		at = make([]uint64, len(j.paths))
	}
	return j.place(at)
}

// inString takes what it can of a string.
func (j *JSON) inString(b []byte) int {
	for i, c := range b {
		switch {
		case j.escaped:
			j.escaped = false
		case c == '\\':
			j.escaped = true
		case c == '"':
			j.take(b[:i+1])
			j.endString()
			return i + 1
		case c < ' ' && c != '\t':
			j.take(b[:i])
			j.broken()
			return i
		}
	}
	j.take(b)
	return len(b)
}

// take adds to the string at hand, unless it is too long.
func (j *JSON) take(b []byte) {
	if j.skip {
		return
	}
	if j.tok = append(j.tok, b...); len(j.tok) > maxString {
		begin := len(j.out)
		j.out = append(j.out, '"')
		j.out = append(append(j.out, Redacted...), '"')
		j.hit(begin, "")
		j.tok, j.skip = j.tok[:0], true
	}
}

// endString masks the string that has come whole.
func (j *JSON) endString() {
	name := j.mode == jsonName
	text := undone(j.tok)
	switch {
	case j.skip:
		j.skip, text = false, Redacted
	case name:
		j.found(j.masked(text, ""))
	default:
		j.value(text)
	}
	j.tok = j.tok[:0]
	if name {
		j.key, j.mode = text, jsonColon
		return
	}
	j.after()
}

// value masks a string that is a value.
func (j *JSON) value(text string) {
	r := j.rule()
	switch {
	case r == nil:
		key := j.key
		if top := &j.stack[len(j.stack)-1]; top.array {
			key = top.key
		}
		j.found(j.masked(text, key))
	default:
		begin := len(j.out)
		if r.Method == Null {
			j.out = append(j.out, "null"...)
		} else {
			j.out = quoted(j.out, r.Apply(text))
		}
		j.hit(begin, r.Name)
	}
}

// masked runs the detectors over a text, and those that go by names with its key.
func (j *JSON) masked(text, key string) (string, bool) {
	if j.named && key != "" && len(key) < tokenReach && text != "" {
		before := key + `="`
		for _, h := range j.plan.Find(before + text + `"`) {
			if h.Start == len(before) && (h.Detector == "secret" || h.Detector == "aws_secret_key") {
				return "[" + h.Detector + "]", true
			}
		}
	}
	return j.plan.Text(text)
}

// found passes the string at hand on, or what is shown of it.
func (j *JSON) found(shown string, hit bool) {
	if !hit {
		j.out = append(j.out, j.tok...)
		return
	}
	begin := len(j.out)
	j.out = quoted(j.out, shown)
	j.hit(begin, "")
}

// inScalar takes what it can of a number or literal.
func (j *JSON) inScalar(b []byte) int {
	for i, c := range b {
		if isAlnum(c) || c == '+' || c == '-' || c == '.' {
			continue
		}
		j.tok = append(j.tok, b[:i]...)
		j.endScalar()
		return i
	}
	if j.tok = append(j.tok, b...); len(j.tok) > maxScalar {
		j.broken()
	}
	return len(b)
}

// endScalar masks the number or literal that has come whole.
func (j *JSON) endScalar() {
	text := string(j.tok)
	kind := Decimal
	switch {
	case text == "null":
		kind = Other
	case text == "true", text == "false":
		kind = Other
	case !number(text):
		j.broken()
		return
	case !strings.ContainsAny(text, ".eE"):
		kind = Integer
	}
	if r := j.rule(); r != nil {
		shown, ok := r.ApplyTyped(text, kind)
		if !ok {
			shown = "null"
		}
		begin := len(j.out)
		j.out = append(j.out, shown...)
		if text != "null" {
			j.hit(begin, r.Name)
		}
	} else if _, hit := j.plan.Text(text); hit {
		begin := len(j.out)
		j.out = append(j.out, "null"...)
		j.hit(begin, "")
	} else {
		j.out = append(j.out, text...)
	}
	j.tok = j.tok[:0]
	j.after()
}
