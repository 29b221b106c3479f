package tui

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/connectors"
)

// jsonLine is a line of a document as it is shown.
type jsonLine struct {
	depth int
	key   string // in quotes, "" within an array and for the document
	text  string // a scalar as it stands in the document, or { [ } ]
	kind  jsonKind
	comma bool
	// close is the line that ends what this one opens, 0 for none; items is how many
	// are in it.
	close, items int
	// masked is the mark of a value that is masked, nil for none.
	masked *connectors.Mark
	path   string
}

type jsonKind uint8

const (
	jsonOther  jsonKind = iota
	jsonString          // in quotes
	jsonNumber
	jsonWord // true, false, null
)

// jsonDoc is a JSON text in lines, some of which may be folded away.
type jsonDoc struct {
	lines  []jsonLine
	folded map[int]bool
	shown  []int // the lines that are not folded away
}

// Bounds of what is shown as a document.
const (
	maxJSONText  = 4 << 20
	maxJSONDepth = 200
	maxJSONLines = 200_000
)

var errNoJSON = errors.New("it is no JSON that can be shown as such")

// parseJSON lays out one or more documents.
func parseJSON(text []byte, marks []connectors.Mark) (*jsonDoc, error) {
	if len(text) > maxJSONText {
		return nil, errNoJSON
	}
	p := &jsonParser{d: json.NewDecoder(bytes.NewReader(text)), text: text, marks: marks, doc: &jsonDoc{folded: map[int]bool{}}}
	p.d.UseNumber()
	for n := 0; ; n++ {
		t, err := p.d.Token()
		if err == io.EOF && n > 0 {
			break
		}
		if err == nil {
			err = p.value(t, "", "$", 0)
		}
		if err != nil {
			return nil, err
		}
	}
	p.doc.lay()
	return p.doc, nil
}

type jsonParser struct {
	d     *json.Decoder
	text  []byte
	marks []connectors.Mark // in order
	doc   *jsonDoc
}

// value lays out the value that begins with the token.
func (p *jsonParser) value(t json.Token, key, path string, depth int) error {
	if depth > maxJSONDepth || len(p.doc.lines) > maxJSONLines {
		return errNoJSON
	}
	l := jsonLine{depth: depth, key: key, path: path}
	switch v := t.(type) {
	case json.Delim:
		return p.container(l, v)
	case string:
		l.text, l.kind = quoteJSON(v), jsonString
	case json.Number:
		l.text, l.kind = v.String(), jsonNumber
	case bool:
		l.text, l.kind = strconv.FormatBool(v), jsonWord
	default:
		l.text, l.kind = "null", jsonWord
	}
	l.masked = p.mark(p.d.InputOffset())
	p.doc.lines = append(p.doc.lines, l)
	return nil
}

func (p *jsonParser) container(l jsonLine, open json.Delim) error {
	at := len(p.doc.lines)
	l.text = open.String()
	p.doc.lines = append(p.doc.lines, l)
	n := 0
	for p.d.More() {
		key, path := "", l.path+"["+strconv.Itoa(n)+"]"
		if open == '{' {
			t, err := p.d.Token()
			if err != nil {
				return err
			}
			name, _ := t.(string)
			key, path = quoteJSON(name), l.path+"."+name
		}
		t, err := p.d.Token()
		if err == nil {
			err = p.value(t, key, path, l.depth+1)
		}
		if err != nil {
			return err
		}
		if p.d.More() {
			p.comma()
		}
		n++
	}
	if _, err := p.d.Token(); err != nil {
		return err
	}
	end := "}"
	if open == '[' {
		end = "]"
	}
	if n == 0 {
		p.doc.lines[at].text += end
		return nil
	}
	p.doc.lines[at].close, p.doc.lines[at].items = len(p.doc.lines), n
	p.doc.lines = append(p.doc.lines, jsonLine{depth: l.depth, text: end, path: l.path})
	return nil
}

// comma puts a comma behind what was laid out last.
func (p *jsonParser) comma() { p.doc.lines[len(p.doc.lines)-1].comma = true }

// mark returns the mark of a value that ends there.
func (p *jsonParser) mark(end int64) *connectors.Mark {
	for len(p.marks) > 0 && p.marks[0].At+int64(p.marks[0].Len) < end {
		p.marks = p.marks[1:]
	}
	if len(p.marks) > 0 && p.marks[0].At < end {
		return &p.marks[0]
	}
	return nil
}

// quoteJSON is a string as JSON writes it, with no more escapes than are needed.
func quoteJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s) != nil {
		return `""`
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// lay finds the lines that are shown.
func (d *jsonDoc) lay() {
	d.shown = d.shown[:0]
	for i := 0; i < len(d.lines); i++ {
		d.shown = append(d.shown, i)
		if d.folded[i] {
			i = d.lines[i].close
		}
	}
}

// fold folds or unfolds what the line at i opens or is in, and returns where the
// cursor belongs.
func (d *jsonDoc) fold(i int, fold bool) int {
	if fold && (d.lines[i].close == 0 || d.folded[i]) {
		i = d.parent(i)
	}
	if d.lines[i].close > 0 {
		if fold {
			d.folded[i] = true
		} else {
			delete(d.folded, i)
		}
		d.lay()
	}
	return i
}

// foldAll folds everything below the outermost values, or unfolds all.
func (d *jsonDoc) foldAll(fold bool) {
	clear(d.folded)
	for i, l := range d.lines {
		if fold && l.close > 0 && l.depth > 0 {
			d.folded[i] = true
		}
	}
	d.lay()
}

// parent is the line that opens what the line at i is in, or ends.
func (d *jsonDoc) parent(i int) int {
	depth := d.lines[i].depth
	for k := i - 1; k >= 0; k-- {
		if d.lines[k].close == i || d.lines[k].depth < depth && d.lines[k].close > 0 {
			return k
		}
	}
	return i
}

// reveal unfolds all that hides a line, and returns its place among those shown.
func (d *jsonDoc) reveal(i int) int {
	for k := i; ; {
		up := d.parent(k)
		if up == k {
			break
		}
		delete(d.folded, up)
		k = up
	}
	d.lay()
	return d.place(i)
}

// place is where among the lines shown a line is, or the one that hides it.
func (d *jsonDoc) place(i int) int {
	low, high := 0, len(d.shown)
	for low < high {
		if mid := (low + high) / 2; d.shown[mid] <= i {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return max(0, low-1)
}
