package redis

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// leaf is a value of an answer that is no aggregate, or an empty one. Its text is
// valid until the next.
type leaf struct {
	kind  byte
	text  []byte
	depth int // how many aggregates it is in
}

// isEmpty is the kind of an aggregate with nothing in it.
const isEmpty = 'e'

// walker reads an answer's leaves in turn. Flat, the keys of maps are leaves, too:
// RESP2 has no maps, so that what is one in RESP3 comes as a list there.
type walker struct {
	w     *wire
	flat  bool
	stack []frame
}

type frame struct {
	left, done int64
	named      bool   // a map whose keys are no leaves
	key        string // of the value at hand
}

// maxName is up to where the key of a map shows.
const maxName = 16 << 10

// enter goes into an aggregate.
func (k *walker) enter(it item) error {
	if len(k.stack) == maxDepth {
		k.w.broken = true
		return malformed("an answer is nested too deeply")
	}
	f := frame{left: it.n, named: it.kind == isMap && !k.flat}
	if f.named {
		f.left /= 2
	}
	k.stack = append(k.stack, f)
	return nil
}

// next returns the next leaf, io.EOF after the last.
func (k *walker) next() (leaf, error) {
	for len(k.stack) > 0 {
		top := &k.stack[len(k.stack)-1]
		if top.left == 0 {
			k.stack = k.stack[:len(k.stack)-1]
			continue
		}
		top.left--
		top.done++
		if top.named {
			it, err := k.w.next()
			if err == nil && it.aggregate() {
				k.w.broken = true
				err = malformed("a map whose keys are no values")
			}
			if err != nil {
				if errors.Is(err, errLarge) { // of its pair the value is still to come
					return leaf{}, errors.Join(err, k.w.skip(1, 1))
				}
				return leaf{}, err
			}
			if len(it.text) > maxName {
				it.text = it.text[:maxName] // it is kept while all that is in it comes
			}
			top.key = string(shown(it.kind, it.text))
		}
		it, err := k.w.next()
		switch {
		case err != nil:
			return leaf{}, err
		case it.aggregate() && it.n == 0:
			return leaf{kind: isEmpty, depth: len(k.stack)}, nil
		case it.aggregate():
			if err := k.enter(it); err != nil {
				return leaf{}, err
			}
		default:
			return leaf{kind: it.kind, text: it.text, depth: len(k.stack)}, nil
		}
	}
	return leaf{}, io.EOF
}

// at says where the leaf at hand is: 3, 2.1, name.4. named reports whether a map's key is
// in it.
func (k *walker) at() (place string, named bool) {
	var b strings.Builder
	for i, f := range k.stack {
		if i > 0 {
			b.WriteByte('.')
		}
		if named = named || f.named; f.named {
			b.WriteString(f.key)
		} else {
			b.WriteString(strconv.FormatInt(f.done, 10))
		}
	}
	return b.String(), named
}

// pass passes over what is left, up to so many bytes. It reports whether that was all.
func (k *walker) pass(most int64) bool {
	from := k.w.read
	for !k.w.broken {
		if _, err := k.next(); errors.Is(err, io.EOF) && !k.w.broken {
			return true
		} else if err != nil && !errors.Is(err, errLarge) {
			return false
		}
		if k.w.read-from > most {
			break
		}
	}
	return false
}

// shown is a value's text: as it is where that is text, and otherwise as an argument
// is written, so that it can be typed again.
func shown(kind byte, text []byte) []byte {
	switch {
	case kind == isBool && string(text) == "t":
		return []byte("true")
	case kind == isBool:
		return []byte("false")
	case kind == isEmpty:
		return []byte("(empty)")
	case kind == isError:
		return append([]byte("(error) "), text...)
	case plain(text):
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	quoteTo(&b, string(text))
	b.WriteByte('"')
	return []byte(b.String())
}

// plain reports whether a value is text.
func plain(text []byte) bool {
	for _, c := range text {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(text)
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }
