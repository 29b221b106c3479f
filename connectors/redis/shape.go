package redis

import (
	"bytes"
	"strconv"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// shape makes rows of an answer's leaves.
type shape struct {
	j        *judged
	database string
	walk     walker
	single   *item // an answer of one value

	columns []connectors.Column
	vals    []connectors.Value
	row     func(leaf) (bool, error) // takes a leaf, and says whether a row is whole
	n       int64                    // rows so far
	i       int64                    // leaves so far
	cursor  string
	half    bool   // a field came whose value comes next
	name    string // of the field
	stream  string // that entries are of
	entry   int    // the depth of ids of entries
	origins map[[2]string]*connectors.ValueOrigin
}

// noValue is the origin of what holds no value of a key.
var noValue = &connectors.ValueOrigin{}

// maxOrigins bounds how many are remembered; rows repeat their fields.
const maxOrigins = 512

// of is the origin of a value: a column of a key.
func (s *shape) of(key, name string) *connectors.ValueOrigin {
	id := [2]string{key, name}
	if o := s.origins[id]; o != nil {
		return o
	}
	o := &connectors.ValueOrigin{Direct: true, Columns: []mask.Column{{Schema: s.database, Table: key, Name: name}}}
	if s.origins == nil {
		s.origins = map[[2]string]*connectors.ValueOrigin{}
	}
	if len(s.origins) < maxOrigins && len(name) < maxPattern {
		s.origins[id] = o
	}
	return o
}

// key is the one whose values the answer holds.
func (s *shape) key() string { return s.j.keys[0].name }

// newShape is how the answer that begins with the item is shown.
func newShape(j *judged, database string, w *wire, it item) (*shape, error) {
	s := &shape{j: j, database: database, walk: walker{w: w}}
	if !it.aggregate() {
		s.one(it)
		return s, nil
	}
	// Lists of entries and fields are read the same in RESP2 and RESP3.
	s.walk.flat = j.answer != nothing && j.answer != untold || j.cmd != nil && j.cmd.pairs
	if err := s.walk.enter(it); err != nil {
		return nil, err
	}
	s.form(it)
	s.vals = make([]connectors.Value, len(s.columns))
	return s, nil
}

// form chooses columns and how leaves become rows.
func (s *shape) form(it item) {
	switch s.j.answer {
	case hash, hscan:
		s.have("field", "value")
		s.row = s.pair
	case scored, zscan:
		s.row = s.pair
		s.have("member", "score")
		if s.j.cmd.name == "ZRANGE" || s.j.cmd.name == "ZREVRANGE" {
			if !s.j.has(3, "WITHSCORES") {
				s.have("#", "member")
				s.row = s.listed
			}
		}
	case fields:
		s.have("field", "value")
		s.row = s.named
	case eachKey:
		s.have("key", "value")
		s.row = s.named
	case stream:
		s.have("id", "field", "value")
		s.row, s.entry = s.entries, 2
	case streams:
		s.have("stream", "id", "field", "value")
		s.row = s.entries
	case value, sscan:
		s.have("#", "value")
		s.row = s.listed
	case untold, nothing, field:
		name := "#"
		if it.kind == isMap {
			name = "field"
		}
		s.have(name, "value")
		s.row = s.anything
		if s.j.cmd != nil && s.j.cmd.pairs {
			s.have("name", "value")
			s.row = s.pair
		}
	}
}

// have sets the columns: the last one's values are of keys, or cannot be told, the
// others show what is no value.
func (s *shape) have(names ...string) {
	s.columns = make([]connectors.Column, len(names))
	for i, n := range names {
		s.columns[i] = connectors.Column{Name: n, From: noValue, Numeric: n == "#"}
	}
	s.columns[len(names)-1].From = s.last()
	if s.j.answer == untold {
		s.columns[0].From = nil // there may be names, and who knows of what
	}
	if s.j.answer == scored || s.j.answer == zscan {
		for i := range s.columns {
			if s.columns[i].Name != "#" {
				s.columns[i].From = nil // each of its own
			}
		}
	}
}

// last is the origin of the last column, or of the only one; nil where each value has
// its own, or none that can be told.
func (s *shape) last() *connectors.ValueOrigin {
	switch s.j.answer {
	case nothing:
		return noValue
	case value, sscan:
		return s.of(s.key(), valueColumn)
	case field:
		return s.of(s.key(), s.j.rest[1])
	case untold, eachKey, hash, fields, scored, stream, streams, hscan, zscan:
	}
	return nil
}

var typeNames = map[byte]string{isStatus: "status", isBulk: "string", isNumber: "integer", isDouble: "double", isBool: "boolean", isBig: "big number", isVerbatim: "text"}

// one is an answer of one value.
func (s *shape) one(it item) {
	s.columns = []connectors.Column{{Name: "value", Type: typeNames[it.kind], Numeric: it.kind == isNumber || it.kind == isDouble, From: s.last()}}
	if s.j.answer == field {
		s.columns[0].Name = string(shown(isBulk, []byte(s.j.rest[1])))
	}
	s.vals = make([]connectors.Value, 1)
	s.single = &item{kind: it.kind, text: append([]byte(nil), it.text...)}
}

// whole reports whether the answer is here already, so that it shows although nobody waits
// any more: it was done. Of what was woken it is none.
func (s *shape) whole(woken bool) bool { return len(s.walk.stack) == 0 && !woken }

// next is the next row.
func (s *shape) next() ([]connectors.Value, error) {
	if s.single != nil {
		it := s.single
		s.single = nil
		s.put(0, leaf{kind: it.kind, text: it.text}, nil)
		s.n++
		return s.vals, nil
	}
	for {
		l, err := s.walk.next()
		if err != nil {
			return nil, err
		}
		whole, err := s.row(l)
		s.i++
		if err != nil || whole {
			s.n++
			return s.vals, err
		}
	}
}

// put sets a cell. What is an error of the target has no origin: it is no value.
func (s *shape) put(i int, l leaf, from *connectors.ValueOrigin) {
	if l.kind == isError {
		from = nil
	}
	s.vals[i] = connectors.Value{Bytes: shown(l.kind, l.text), Null: l.kind == isNull, From: from, Document: l.kind != isError && document(l.text)}
}

// document reports whether a value may be a JSON document, which has places in it.
func document(text []byte) bool {
	text = bytes.TrimLeft(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// keep is put of a leaf that is not the row's last: its text is needed longer.
func (s *shape) keep(i int, l leaf, from *connectors.ValueOrigin) {
	s.put(i, l, from)
	s.vals[i].Bytes = append([]byte(nil), s.vals[i].Bytes...)
}

func (s *shape) text(i int, text string) {
	s.vals[i] = connectors.Value{Bytes: []byte(text), From: noValue}
}

var errForm = malformed("the answer has another form than the command's")

// cursored reports whether a leaf of HSCAN, SSCAN or ZSCAN is the cursor, or says that
// there is nothing: neither is a value.
func (s *shape) cursored(l leaf) (bool, error) {
	switch {
	case s.j.answer != hscan && s.j.answer != sscan && s.j.answer != zscan:
		return false, nil
	case s.i == 0:
		if l.kind != isBulk || number(l.text) != nil {
			return true, errForm
		}
		s.cursor = string(l.text)
		return true, nil
	case l.depth == 1 && l.kind == isEmpty:
		return true, nil
	case l.depth != 2:
		return true, errForm
	}
	return false, nil
}

// pair takes fields and values, or members and scores, in turn.
func (s *shape) pair(l leaf) (bool, error) {
	if over, err := s.cursored(l); over || err != nil {
		return false, err
	}
	if l.kind == isEmpty {
		return false, errForm
	}
	ranked := s.j.answer == scored || s.j.answer == zscan
	if s.half = !s.half; s.half {
		from := noValue
		switch {
		case ranked:
			from = s.of(s.key(), valueColumn)
		case s.j.answer == untold:
			from = nil
		}
		s.name = string(l.text)
		s.keep(0, l, from)
		return false, nil
	}
	var from *connectors.ValueOrigin
	switch {
	case ranked:
		from = s.of(s.key(), scoreColumn)
	case s.j.answer == hash, s.j.answer == hscan:
		from = s.of(s.key(), s.name)
	}
	s.put(1, l, from)
	return true, nil
}

// listed takes values of one key.
func (s *shape) listed(l leaf) (bool, error) {
	if over, err := s.cursored(l); over || err != nil {
		return false, err
	}
	if l.depth > 2 {
		return false, errForm
	}
	s.text(0, itoa(s.n+1))
	s.put(1, l, s.of(s.key(), valueColumn))
	return true, nil
}

// named takes a value for each key or field that the command names.
func (s *shape) named(l leaf) (bool, error) {
	names := s.j.rest
	if s.j.answer == fields {
		names = names[1:]
	}
	if s.i >= int64(len(names)) || l.depth != 1 {
		return false, errForm
	}
	name := names[s.i]
	s.text(0, string(shown(isBulk, []byte(name))))
	if s.j.answer == fields {
		s.put(1, l, s.of(s.key(), name))
	} else {
		s.put(1, l, s.of(name, valueColumn))
	}
	return true, nil
}

// entries takes ids, and what is in each: fields and values in turn. Of several streams
// each has its name before.
func (s *shape) entries(l leaf) (bool, error) {
	at, key := len(s.columns)-3, s.key()
	if at == 1 {
		if s.entry == 0 || l.depth == s.entry-2 {
			if l.kind != isBulk || s.half {
				return false, errForm
			}
			s.entry, s.stream = l.depth+2, string(l.text)
			s.keep(0, l, noValue)
			return false, nil
		}
		key = s.stream
	}
	switch {
	case l.depth == s.entry && l.kind == isBulk && !s.half:
		s.keep(at, l, noValue)
		return false, nil
	case l.depth == s.entry && (l.kind == isNull || l.kind == isEmpty) && !s.half:
		s.text(at+1, "") // the entry was deleted
		s.put(at+2, leaf{kind: isNull}, noValue)
		return true, nil
	case l.depth != s.entry+1 || l.kind == isEmpty:
		return false, errForm
	}
	if s.half = !s.half; s.half {
		s.name = string(l.text)
		s.keep(at+1, l, noValue)
		return false, nil
	}
	s.put(at+2, l, s.of(key, s.name))
	return true, nil
}

// anything takes each leaf with its place.
func (s *shape) anything(l leaf) (bool, error) {
	at, named := s.walk.at()
	s.text(0, at)
	if named && s.j.answer == untold {
		s.vals[0].From = nil // as the column's
	}
	s.put(1, l, s.last())
	return true, nil
}

// tag says what was done.
func (s *shape) tag() string {
	t := s.j.facts.Verb + " " + itoa(s.n)
	if s.cursor != "" {
		t += ", next cursor " + s.cursor
	}
	return t
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
