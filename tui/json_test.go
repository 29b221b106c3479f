package tui

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

// joined is a document as its lines say it, folded or not.
func joined(d *jsonDoc) string {
	var b strings.Builder
	for _, l := range d.lines {
		if l.key != "" {
			b.WriteString(l.key + ":")
		}
		b.WriteString(l.text)
		if l.comma {
			b.WriteString(",")
		}
		if l.depth == 0 && l.close == 0 {
			b.WriteString("\n")
		}
	}
	return b.String()
}

// values decodes all documents of a text.
func values(t *testing.T, text []byte) (all []any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for d.More() {
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		all = append(all, v)
	}
	return all
}

// FuzzJSONDocument: the lines say what the text says, folding and unfolding changes
// nothing, and a cursor always finds a place.
func FuzzJSONDocument(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.50,"x\u0000",null,true,{},[]],"b":{"c":{"d":1e9}}}`), uint16(3))
	f.Add([]byte("[[[[1]]],2]\n3 \"x\"\n{}"), uint16(2))
	f.Fuzz(func(t *testing.T, text []byte, at uint16) {
		d, err := parseJSON(text, nil)
		if err != nil {
			return
		}
		want, _ := json.Marshal(values(t, text))
		got, _ := json.Marshal(values(t, []byte(joined(d))))
		if !bytes.Equal(want, got) {
			t.Fatalf("%q is shown as %q", text, joined(d))
		}
		all := len(d.shown)
		i := int(at) % len(d.lines)
		d.fold(i, true)
		d.foldAll(true)
		if k := d.reveal(i); d.shown[k] != i {
			t.Fatalf("line %d is not revealed: %v", i, d.shown)
		}
		d.foldAll(false)
		if len(d.shown) != all {
			t.Fatalf("%d lines, %d before", len(d.shown), all)
		}
	})
}

// TestJSONMarks: a mark is of the value that ends where it does.
func TestJSONMarks(t *testing.T) {
	text := `{"a":"[masked]","b":["x","[masked]"],"c":null}`
	var marks []connectors.Mark
	for from := 0; ; {
		i := strings.Index(text[from:], `"[masked]"`)
		if i < 0 {
			break
		}
		marks = append(marks, connectors.Mark{At: int64(from + i), Len: len(`"[masked]"`), By: "m"})
		from += i + 1
	}
	marks = append(marks, connectors.Mark{At: int64(strings.Index(text, "null")), Len: 4, By: "n"})
	d, err := parseJSON([]byte(text), marks)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range d.lines {
		if l.masked != nil {
			got = append(got, l.path+" "+l.masked.By)
		}
	}
	if strings.Join(got, ", ") != "$.a m, $.b[1] m, $.c n" {
		t.Errorf("%q", got)
	}
}
