package http

import (
	"io"
	"slices"
)

// stripped stands where a credential was.
const stripped = "[credential]"

// stripper knows the texts that must not come back. It is an automaton of Aho and
// Corasick, so that every byte is looked at about once, however many texts there
// are. It is immutable.
type stripper struct {
	root  [256]int32
	nodes []node
}

// node is the beginning of a text.
type node struct {
	c              byte
	child, sibling int32
	// fail is the longest proper end of what has come here that begins a text.
	fail int32
	// depth is how many bytes have come, match the length of the longest text that
	// ends here, 0 for none.
	depth, match int
}

// newStripper strips these texts, empty ones excepted.
func newStripper(texts []string) *stripper {
	s := &stripper{nodes: make([]node, 1)}
	for _, t := range texts {
		at := int32(0)
		for i := range len(t) {
			to := s.child(at, t[i])
			if to == 0 {
				to = int32(len(s.nodes))
				s.nodes = append(s.nodes, node{c: t[i], depth: i + 1, sibling: s.nodes[at].child})
				s.nodes[at].child = to
				if at == 0 {
					s.root[t[i]] = to
				}
			}
			at = to
		}
		s.nodes[at].match = max(s.nodes[at].match, len(t))
	}
	s.link()
	return s
}

func (s *stripper) child(at int32, c byte) int32 {
	if at == 0 {
		return s.root[c]
	}
	for k := s.nodes[at].child; k != 0; k = s.nodes[k].sibling {
		if s.nodes[k].c == c {
			return k
		}
	}
	return 0
}

// step goes on by a byte.
func (s *stripper) step(at int32, c byte) int32 {
	for at != 0 {
		if to := s.child(at, c); to != 0 {
			return to
		}
		at = s.nodes[at].fail
	}
	return s.root[c]
}

// link finds where each beginning fails to, the short ones first.
func (s *stripper) link() {
	queue := []int32{0}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for k := s.nodes[at].child; k != 0; k = s.nodes[k].sibling {
			n := &s.nodes[k]
			if at != 0 {
				n.fail = s.step(s.nodes[at].fail, n.c)
			}
			n.match = max(n.match, s.nodes[n.fail].match)
			queue = append(queue, k)
		}
	}
}

// text strips a whole value and reports whether anything was in it.
func (s *stripper) text(v string) (string, bool) {
	var out sliceWriter
	w := &stripWriter{s: s, w: &out}
	_, _ = w.Write([]byte(v)) // a slice takes everything
	_ = w.flush()
	return string(out), w.hits > 0
}

type sliceWriter []byte

func (s *sliceWriter) Write(b []byte) (int, error) {
	*s = append(*s, b...)
	return len(b), nil
}

// stripWriter strips a stream on its way to another writer. It holds back what may
// be the beginning of a text, and no more. Where texts overlap, all that any of
// them covers is stripped.
type stripWriter struct {
	s    *stripper
	w    io.Writer
	at   int32
	held []byte // the end of what has come
	// marks tell which bytes of held are a credential's. What leaves
	// held leaves with one replacement for each run of them.
	marks []bool
	inRun bool
	hits  int
	out   []byte
}

// Write takes all of b, or returns the error of the writer behind.
func (w *stripWriter) Write(b []byte) (int, error) {
	for i := 0; i < len(b); i++ {
		if w.at == 0 && len(w.held) == 0 {
			plain := i
			for i < len(b) && w.s.root[b[i]] == 0 {
				i++
			}
			if i > plain {
				w.out, w.inRun = append(w.out, b[plain:i]...), false
			}
			if i == len(b) {
				break
			}
		}
		w.take(b[i])
	}
	w.release(len(w.held) - w.s.nodes[w.at].depth)
	return len(b), w.put()
}

func (w *stripWriter) take(c byte) {
	w.at = w.s.step(w.at, c)
	w.held, w.marks = append(w.held, c), append(w.marks, false)
	at := &w.s.nodes[w.at]
	if at.match > 0 {
		for i := len(w.marks) - at.match; i < len(w.marks); i++ {
			w.marks[i] = true
		}
		w.hits++
	}
	if at.depth == 0 || len(w.held) > 4096+at.depth {
		w.release(len(w.held) - at.depth)
	}
}

// flush lets go what is held back: the stream has ended.
func (w *stripWriter) flush() error {
	w.release(len(w.held))
	w.at = 0
	return w.put()
}

// release moves the first n bytes of held to out, stripped.
func (w *stripWriter) release(n int) {
	for i := range n {
		switch {
		case !w.marks[i]:
			w.out = append(w.out, w.held[i])
		case !w.inRun:
			w.out = append(w.out, stripped...)
		}
		w.inRun = w.marks[i]
	}
	w.held, w.marks = slices.Delete(w.held, 0, n), slices.Delete(w.marks, 0, n)
}

func (w *stripWriter) put() error {
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.w.Write(w.out)
	w.out = w.out[:0]
	return err
}
