package config

import (
	"encoding"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/sallyport/sallyport/policy"
)

// placeholder marks, in what Template writes, the values to fill in.
const placeholder = "CHANGE-ME"

// place is where something stands in the file.
type place struct{ line, column int }

// decoder puts a YAML tree into the Config. It is stricter than the library's
// own decoder, which makes 1 of 1.5 and "8" of 010, ends at the first fault, and
// shows the line of a fault even if a password stands there.
type decoder struct {
	faults Faults
	places map[string]place // by path
	// texts are how scalars stand in the file, by path.
	texts map[string]written
	// keys are the faults that are about a key, whose value may be anything.
	keys map[int]bool
	// told are the paths about which, with all in them, enough was said; where a
	// key is unknown, of the map around it itself only.
	told, toldHere map[string]bool
}

func newDecoder() *decoder {
	return &decoder{places: map[string]place{}, texts: map[string]written{}, keys: map[int]bool{}, told: map[string]bool{}, toldHere: map[string]bool{}}
}

// value decodes n, which stands at path, into v.
func (d *decoder) value(v reflect.Value, n ast.Node, path string) {
	d.mark(path, n)
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		d.fault(path, n, "anchors, aliases and tags are not read: write the value out")
		return
	case *ast.NullNode:
		// As if the key were not there, where something may be left out.
		if k := v.Kind(); k != reflect.Slice && k != reflect.Map && k != reflect.Struct && k != reflect.Pointer {
			d.fault(path, n, "the key has no value: give one, or take the key away (the word null goes in quotes)")
		}
		return
	}
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.text(v, n, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		d.value(p.Elem(), n, path)
		v.Set(p)
	case reflect.Struct:
		d.structure(v, n, path)
	case reflect.Slice:
		d.list(v, n, path)
	case reflect.Map:
		d.table(v, n, path)
	default:
		d.scalar(v, n, path)
	}
}

func (d *decoder) structure(v reflect.Value, n ast.Node, path string) {
	pairs, ok := pairsOf(n)
	fields := fieldsOf(v.Type())
	if !ok {
		what := "a map is needed here, with " + strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
		if v.Type() == reflect.TypeFor[Ref]() {
			what = "a secret is never written here: give a reference, env: NAME or file: PATH"
		}
		d.fault(path, n, "%s", what)
		return
	}
	d.pairs(pairs, path, func(key string, p *ast.MappingValueNode, at string) {
		i, known := fields[key]
		if !known {
			d.keyFault(path, p.Key, "unknown key %q%s", key, policy.Suggest(key, slices.Sorted(maps.Keys(fields))))
			return
		}
		d.value(v.Field(i), p.Value, at)
	})
}

func (d *decoder) table(v reflect.Value, n ast.Node, path string) {
	pairs, ok := pairsOf(n)
	if !ok {
		d.fault(path, n, "a map is needed here, key: value")
		return
	}
	m := reflect.MakeMap(v.Type())
	d.pairs(pairs, path, func(key string, p *ast.MappingValueNode, at string) {
		e := reflect.New(v.Type().Elem()).Elem()
		d.value(e, p.Value, at)
		m.SetMapIndex(reflect.ValueOf(key), e)
	})
	v.Set(m)
}

// pairs calls do for each pair with its key as text. That no key stands there
// twice, the parser has checked.
func (d *decoder) pairs(pairs []*ast.MappingValueNode, path string, do func(key string, p *ast.MappingValueNode, at string)) {
	for _, p := range pairs {
		var key string
		switch k := p.Key.(type) {
		case *ast.StringNode:
			key = k.Value
		case *ast.IntegerNode, *ast.BoolNode:
			key = k.GetToken().Value
		default:
			d.keyFault(path, p.Key, "a key is a plain word")
			continue
		}
		at := key
		if path != "" {
			at = path + "." + key
		}
		d.mark(at, p.Key)
		do(key, p, at)
	}
}

func (d *decoder) list(v reflect.Value, n ast.Node, path string) {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fault(path, n, "a list is needed here: [a, b], or a line with a dash for each")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(s.Values), len(s.Values))
	for i, e := range s.Values {
		at := fmt.Sprintf("%s[%d]", path, i)
		if _, null := e.(*ast.NullNode); null {
			d.fault(at, e, "the entry is empty")
			continue
		}
		d.value(out.Index(i), e, at)
	}
	v.Set(out)
}

func (d *decoder) scalar(v reflect.Value, n ast.Node, path string) {
	switch v.Kind() {
	case reflect.String:
		if s, ok := stringOf(n); ok {
			v.SetString(s)
			if w, ok := writtenAt(n); ok {
				d.texts[path] = w
			}
			d.unfilled(s, n, path)
			return
		}
		d.fault(path, n, "a text is needed here; a number or date in quotes")
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
			return
		}
		d.fault(path, n, "true or false is needed here")
	case reflect.Int, reflect.Int64:
		if i, ok := n.(*ast.IntegerNode); ok {
			if x, err := strconv.ParseInt(i.GetToken().Value, 10, v.Type().Bits()); err == nil {
				v.SetInt(x)
				return
			}
		}
		d.fault(path, n, "a whole number is needed here")
	default:
		d.fault(path, n, "this cannot be configured")
	}
}

// unfilled finds what Template left for people to fill in.
func (d *decoder) unfilled(s string, n ast.Node, path string) {
	if strings.Contains(s, placeholder) {
		d.fault(path, n, "%q is a placeholder of sallyport init: put what is true for your site, as the comment above it says", s)
	}
}

func (d *decoder) text(v reflect.Value, n ast.Node, path string) {
	s, ok := stringOf(n)
	if !ok {
		d.fault(path, n, "a duration is needed here: 8h, 5m, 30s")
		return
	}
	if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
		d.fault(path, n, "%s", err)
	}
}

func (d *decoder) fault(path string, n ast.Node, format string, args ...any) {
	d.told[path] = true
	d.add(path, n, format, args...)
}

// keyFault is about a key of the map at path.
func (d *decoder) keyFault(path string, key ast.Node, format string, args ...any) {
	d.toldHere[path] = true
	d.keys[len(d.faults)] = true
	d.add(path, key, format, args...)
}

func (d *decoder) add(path string, n ast.Node, format string, args ...any) {
	p := placeOf(n)
	if p.line == 0 {
		p = d.find(path)
	}
	d.faults = append(d.faults, Fault{Line: p.line, Column: p.column, Path: path, Message: fmt.Sprintf(format, args...)})
}

// known reports whether what is wrong at path was told already.
func (d *decoder) known(path string) bool {
	if d.toldHere[path] {
		return true
	}
	for ; path != ""; path = outer(path) {
		if d.told[path] {
			return true
		}
	}
	return false
}

// mark remembers where path stands. Of a map under a key, the key's place stays.
func (d *decoder) mark(path string, n ast.Node) {
	if _, known := d.places[path]; known {
		if _, ok := pairsOf(n); ok {
			return
		}
	}
	if p := placeOf(n); p.line > 0 {
		d.places[path] = p
	}
}

// find is where path stands, or else the nearest thing around it.
func (d *decoder) find(path string) place {
	for path != "" {
		if p, ok := d.places[path]; ok {
			return p
		}
		path = outer(path)
	}
	return place{}
}

// outer is the path of what path is in, "" for the whole.
func outer(path string) string { return path[:max(strings.LastIndexAny(path, ".["), 0)] }

// placeOf is where a node begins. A map's own token is its first colon, so its
// first key is taken.
func placeOf(n ast.Node) place {
	if pairs, ok := pairsOf(n); ok && len(pairs) > 0 {
		n = pairs[0].Key
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return place{}
	}
	p := n.GetToken().Position
	return place{p.Line, p.Column}
}

// pairsOf are a map's pairs; the library has two forms of a map.
func pairsOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}, true
	}
	return nil, false
}

// stringOf is a scalar's text where nothing is lost by taking it as text.
func stringOf(n ast.Node) (string, bool) {
	switch s := n.(type) {
	case *ast.StringNode:
		return s.Value, true
	case *ast.LiteralNode:
		return s.Value.Value, true
	case *ast.BoolNode:
		return s.GetToken().Value, true
	case *ast.IntegerNode:
		text := s.GetToken().Value
		x, err := strconv.ParseInt(text, 10, 64)
		return text, err == nil && strconv.FormatInt(x, 10) == text
	}
	return "", false
}

// fieldsOf are a struct's fields by key.
func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" && key != "-" {
			fields[key] = i
		}
	}
	return fields
}
