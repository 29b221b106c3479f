package tui

import (
	"bytes"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/tui/widget"
)

// maxKept is how much of a body the screen keeps; the transcript has all.
const maxKept = 4 << 20

// incoming takes an answer in the goroutine of its request, for the page to look at
// from time to time. It never waits for the page. It is safe for concurrent use.
type incoming struct {
	mu     sync.Mutex
	status int
	fields []connectors.Field
	body   []byte
	marks  []connectors.Mark
	total  int64
	first  time.Time // when the head came
	now    func() time.Time
}

var (
	_ connectors.ResponseWriter = (*incoming)(nil)
	_ connectors.Marker         = (*incoming)(nil)
)

func (in *incoming) Head(status int, fields []connectors.Field) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.status, in.fields, in.first = status, fields, in.now()
	return nil
}

func (in *incoming) Write(b []byte) (int, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.total += int64(len(b))
	if room := maxKept - len(in.body); room > 0 {
		in.body = append(in.body, b[:min(room, len(b))]...)
	}
	return len(b), nil
}

func (in *incoming) Masked(m connectors.Mark) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if m.At < maxKept {
		in.marks = append(in.marks, m)
	}
}

// httpReply is an answer as the page shows it.
type httpReply struct {
	method, target string
	status         int
	fields         []connectors.Field
	body           []byte // what is kept
	marks          []connectors.Mark
	total          int64
	took           time.Duration
	done           bool
	err            error
	cancelled      bool

	doc     *jsonDoc // nil where it is no JSON, or not whole
	raw     bool     // the text is shown although there is a document
	headers bool
	text    []textLine
	laid    int // how much of body is in text
	width   int // text is laid out for
	list    widget.List
	find    string
}

// textLine is a line of the body as text: where it is, and whether it is the last
// part of a line.
type textLine struct {
	from, to int
	masked   *connectors.Mark
}

// take looks at what has come.
func (r *httpReply) take(in *incoming) {
	in.mu.Lock()
	defer in.mu.Unlock()
	r.status, r.fields, r.body, r.total = in.status, in.fields, in.body, in.total
	r.marks = in.marks[:len(in.marks):len(in.marks)]
}

// end settles the answer.
func (r *httpReply) end(doc *jsonDoc, err error) {
	r.done, r.doc, r.err, r.list = true, doc, err, widget.List{}
}

// document is a whole body that is JSON, nil if it is not.
func (in *incoming) document() *jsonDoc {
	in.mu.Lock()
	defer in.mu.Unlock()
	if int64(len(in.body)) != in.total || connectors.MediaType(in.fields) == "text/event-stream" {
		return nil
	}
	doc, err := parseJSON(in.body, in.marks)
	if err != nil {
		return nil
	}
	return doc
}

// asDocument reports whether the body is shown as a document.
func (r *httpReply) asDocument() bool { return r.doc != nil && !r.raw }

// lines is how many lines there are.
func (r *httpReply) lines(w int) int {
	if r.asDocument() {
		return len(r.doc.shown)
	}
	r.lay(w)
	return len(r.text)
}

// lay breaks the body into lines of w cells, from where it stopped.
func (r *httpReply) lay(w int) {
	if r.width != w {
		r.width, r.text, r.laid = w, nil, 0
	}
	body := r.body
	if !r.done { // an unfinished line is laid out again with its rest
		body = body[:bytes.LastIndexByte(body, '\n')+1]
	}
	k := 0
	for r.laid < len(body) {
		end := len(body)
		if i := bytes.IndexByte(body[r.laid:], '\n'); i >= 0 {
			end = r.laid + i
		}
		for from := r.laid; ; {
			to := from + fits(body[from:end], w)
			l := textLine{from: from, to: to}
			for k < len(r.marks) && r.marks[k].At+int64(r.marks[k].Len) <= int64(from) {
				k++
			}
			if k < len(r.marks) && r.marks[k].At < int64(to) {
				l.masked = &r.marks[k]
			}
			r.text = append(r.text, l)
			if from = to; from >= end {
				break
			}
		}
		r.laid = end + 1
	}
}

// fits is how many bytes of a line show in w cells: at least one character.
func fits(line []byte, w int) int {
	if len(line) <= w/2 { // no character escapes to more than a handful of cells, and most to one
		if widget.Width(widget.Escape(string(line))) <= w {
			return len(line)
		}
	}
	n, cells := 0, 0
	for n < len(line) {
		size, c := 1, 1
		if b := line[n]; b < ' ' || b > '~' {
			_, size = utf8.DecodeRune(line[n:])
			c = widget.Width(widget.Escape(string(line[n : n+size])))
		}
		if cells+c > w && n > 0 {
			return n
		}
		n, cells = n+size, cells+c
	}
	return n
}

// plain is the text of a line, for finding.
func (r *httpReply) plain(i int) string {
	if r.asDocument() {
		l := &r.doc.lines[i]
		return l.key + " " + l.text
	}
	t := r.text[i]
	return string(r.body[t.from:t.to])
}

// next moves to the next line that holds what is looked for, and reports whether
// there is one.
func (r *httpReply) next(w, d int, here bool) bool {
	if r.find == "" {
		return false
	}
	n, at := len(r.text), r.list.Cursor()
	if r.asDocument() {
		n = len(r.doc.lines)
		if at < len(r.doc.shown) {
			at = r.doc.shown[at]
		}
	}
	low := strings.ToLower(r.find)
	for k := range n {
		step := k + 1
		if here {
			step = k
		}
		i := ((at+d*step)%n + n) % n
		if !strings.Contains(strings.ToLower(r.plain(i)), low) {
			continue
		}
		if r.asDocument() {
			i = r.doc.reveal(i)
		}
		r.list.SetLen(r.lines(w))
		r.list.Go(i)
		return true
	}
	return false
}
