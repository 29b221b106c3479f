package connectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/sallyport/sallyport/mask"
)

// Document says where the values in a JSON text come from. Nil is of nothing: they
// are constants, or no data. It must not change once it is in use.
type Document struct {
	// From is the field that the value is, unchanged, with all that is in it; its
	// Name is a path, "" for a whole document.
	From *mask.Column
	// Computed are fields that the value is made of.
	Computed []mask.Column
	// Fields are those that come from elsewhere than From says.
	Fields map[string]*Document
	// Any are of a value that may be any of several.
	Any []*Document
}

// At is where a field of the value comes from. Elements of an array are the value.
func (d *Document) At(key string) *Document {
	switch {
	case d == nil:
		return nil
	case len(d.Any) > 0:
		out := &Document{}
		for _, a := range d.Any {
			out.Any = append(out.Any, a.At(key))
		}
		return out
	}
	if f, ok := d.Fields[key]; ok {
		return f
	}
	out := &Document{Computed: d.Computed}
	if d.From != nil {
		c := *d.From
		if c.Name != "" {
			c.Name += "."
		}
		c.Name += key
		out.From = &c
	}
	return out
}

// Columns are all that the value comes from, each with what is in it.
func (d *Document) Columns() []mask.Column {
	if d == nil {
		return nil
	}
	var out []mask.Column
	add := func(c mask.Column) {
		if c.Reach = mask.Tree; !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	if d.From != nil {
		add(*d.From)
	}
	for _, c := range d.Computed {
		add(c)
	}
	for _, k := range slices.Sorted(maps.Keys(d.Fields)) {
		for _, c := range d.Fields[k].Columns() {
			add(c)
		}
	}
	for _, a := range d.Any {
		for _, c := range a.Columns() {
			add(c)
		}
	}
	return out
}

// documents masks JSON texts by where their values come from.
type documents struct {
	plan    *mask.Plan
	root    *docField
	bare    bool // of a text that is a JSON string its content shows, without quotes
	buf     bytes.Buffer
	out     []byte
	hits    int
	visited int
}

// docField is a field as the plan treats it.
type docField struct {
	from   []*Document
	rule   mask.Rule
	masked bool
	whole  bool // computed: nothing of it shows
	kids   map[string]*docField
}

const (
	maxDocDepth = 256
	maxDocKids  = 4096 // fields whose treatment is kept: documents may have any names
)

func newDocuments(p *mask.Plan, d *Document, bare bool) *documents {
	return &documents{plan: p, root: newDocField(p, []*Document{d}), bare: bare}
}

// newDocField finds the rule that masks a value that comes from any of these: of
// several, the one whose method shows the least.
func newDocField(p *mask.Plan, from []*Document) *docField {
	f := &docField{}
	look := func(c mask.Column, reach mask.Reach, whole bool) {
		c.Reach = reach
		r, ok := p.Column(c)
		if !ok {
			return
		}
		if !f.masked || r.Method.ShowsLess(f.rule.Method) {
			f.rule = r
		}
		f.masked, f.whole = true, f.whole || whole
	}
	var add func(d *Document)
	add = func(d *Document) {
		if d == nil {
			return
		}
		for _, a := range d.Any {
			add(a)
		}
		if d.From != nil && d.From.Name != "" {
			look(*d.From, mask.Field, false)
		}
		for _, c := range d.Computed {
			look(c, mask.Tree, true)
		}
		if len(d.Any) == 0 {
			f.from = append(f.from, d)
		}
	}
	for _, d := range from {
		add(d)
	}
	return f
}

func (m *documents) kid(f *docField, key []byte) *docField {
	if k, ok := f.kids[string(key)]; ok {
		return k
	}
	from := make([]*Document, 0, len(f.from))
	for _, d := range f.from {
		from = append(from, d.At(string(key)))
	}
	k := newDocField(m.plan, from)
	if m.visited < maxDocKids {
		m.visited++
		if f.kids == nil {
			f.kids = map[string]*docField{}
		}
		f.kids[string(key)] = k
	}
	return k
}

var errDocument = errors.New("a document that is no JSON")

// apply appends what shows of a JSON text.
func (m *documents) apply(value, text []byte) (Cell, []byte, error) {
	m.out, m.hits = m.out[:0], 0
	rest, err := m.value(m.root, value, 0)
	if err != nil || len(bytes.TrimSpace(rest)) > 0 {
		return Cell{}, text, errDocument
	}
	state := Shown
	if m.hits > 0 {
		state = Masked
	}
	if m.bare && len(m.out) > 0 && m.out[0] == '"' {
		s, err := unquoted(m.out)
		if err != nil {
			return Cell{}, text, errDocument
		}
		if m.root.masked {
			return Cell{State: state}, append(text, s...), nil
		}
		text, hit := m.plan.AppendText(text, []byte(s))
		return Cell{State: detected(state, hit)}, text, nil
	}
	if !m.plan.Detects() {
		return Cell{State: state}, append(text, m.out...), nil
	}
	m.buf.Reset()
	j := m.plan.JSON(&m.buf, nil)
	if _, err := j.Write(m.out); err != nil {
		return Cell{}, text, err
	}
	if err := j.Flush(); err != nil {
		return Cell{}, text, err
	}
	return Cell{State: detected(state, j.Hits() > 0)}, append(text, m.buf.Bytes()...), nil
}

// detected is the state of a cell in which detectors found something.
func detected(s CellState, hit bool) CellState {
	if hit {
		return min(s, Detected)
	}
	return s
}

// value masks one value, and returns what comes after it.
func (m *documents) value(f *docField, b []byte, depth int) ([]byte, error) {
	if depth > maxDocDepth || len(b) == 0 {
		return nil, errDocument
	}
	if b[0] == '[' && !f.whole {
		return m.list(f, b, depth)
	}
	if f.masked {
		return m.hide(f, b)
	}
	switch b[0] {
	case '{':
		return m.object(f, b, depth)
	case '"':
		n, err := stringEnd(b)
		if err != nil {
			return nil, err
		}
		m.out = append(m.out, b[:n]...)
		return b[n:], nil
	}
	n := scalarEnd(b)
	m.out = append(m.out, b[:n]...)
	return b[n:], nil
}

func (m *documents) list(f *docField, b []byte, depth int) ([]byte, error) {
	m.out = append(m.out, '[')
	for b = b[1:]; ; {
		switch {
		case len(b) == 0:
			return nil, errDocument
		case b[0] == ']':
			m.out = append(m.out, ']')
			return b[1:], nil
		case b[0] == ',':
			m.out, b = append(m.out, ','), b[1:]
			continue
		}
		var err error
		if b, err = m.value(f, b, depth+1); err != nil {
			return nil, err
		}
	}
}

func (m *documents) object(f *docField, b []byte, depth int) ([]byte, error) {
	m.out = append(m.out, '{')
	for b = b[1:]; ; {
		switch {
		case len(b) == 0:
			return nil, errDocument
		case b[0] == '}':
			m.out = append(m.out, '}')
			return b[1:], nil
		case b[0] == ',':
			m.out, b = append(m.out, ','), b[1:]
			continue
		case b[0] != '"':
			return nil, errDocument
		}
		n, err := stringEnd(b)
		if err != nil || n >= len(b) || b[n] != ':' {
			return nil, errDocument
		}
		key := b[1 : n-1]
		if bytes.IndexByte(key, '\\') >= 0 {
			s, err := unquoted(b[:n])
			if err != nil {
				return nil, errDocument
			}
			key = []byte(s)
		}
		m.out, b = append(m.out, b[:n+1]...), b[n+1:]
		if b, err = m.value(m.kid(f, key), b, depth+1); err != nil {
			return nil, err
		}
	}
}

// hide puts what shows of a masked value. Of one that is computed not even whether
// it is null shows.
func (m *documents) hide(f *docField, b []byte) ([]byte, error) {
	n, err := valueEnd(b)
	if err != nil {
		return nil, err
	}
	raw := b[:n]
	null := string(raw) == "null"
	switch {
	case f.rule.Method == mask.Null, null && !f.whole:
		m.out = append(m.out, "null"...)
		if null {
			return b[n:], nil
		}
	case f.whole, raw[0] == '{' && f.rule.Method != mask.Hash, raw[0] == 't', raw[0] == 'f':
		m.out = append(m.out, `"`+mask.Redacted+`"`...)
	default:
		text := string(raw)
		if raw[0] == '"' {
			if text, err = unquoted(raw); err != nil {
				return nil, err
			}
		}
		quoted, err := json.Marshal(f.rule.Apply(text))
		if err != nil {
			return nil, err
		}
		m.out = append(m.out, quoted...)
	}
	m.hits++
	return b[n:], nil
}

func unquoted(b []byte) (string, error) {
	var s string
	err := json.Unmarshal(b, &s)
	return s, err
}

// stringEnd is the length of a string that b begins with.
func stringEnd(b []byte) (int, error) {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1, nil
		}
	}
	return 0, errDocument
}

func scalarEnd(b []byte) int {
	if n := bytes.IndexAny(b, ",]}\"[{:"); n >= 0 {
		return max(n, 1)
	}
	return len(b)
}

// valueEnd is the length of a value that b begins with.
func valueEnd(b []byte) (int, error) {
	depth := 0
	for i := 0; i < len(b); {
		switch b[i] {
		case '"':
			n, err := stringEnd(b[i:])
			if err != nil {
				return 0, err
			}
			i += n
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case ',', ':':
			i++
		default:
			i += scalarEnd(b[i:])
		}
		if depth <= 0 {
			return i, nil
		}
	}
	return 0, errDocument
}
