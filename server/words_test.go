package server

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func texts(ws []word) []string {
	out := []string{}
	for _, w := range ws {
		out = append(out, w.text)
	}
	return out
}

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		line string
		want []string
	}{
		{"", []string{}},
		{"ls", []string{"ls"}},
		{"  ls\t--json \n", []string{"ls", "--json"}},
		{`sql r 'select * from t where a = ''x'''`, []string{"sql", "r", "select * from t where a = x"}},
		{`a "b c" d`, []string{"a", "b c", "d"}},
		{`"a\"b" "a\nb" "\$x"`, []string{`a"b`, `a\nb`, "$x"}},
		{`a\ b '' ""`, []string{"a b", "", ""}},
		{"$HOME `id` $(id) ~ * # x; y | z && w", strings.Fields("$HOME `id` $(id) ~ * # x; y | z && w")},
		{`x'y'"z"`, []string{"xyz"}},
		{"'a\nb'", []string{"a\nb"}},
	} {
		got, err := split(tt.line)
		if err != nil {
			t.Errorf("split(%q): %v", tt.line, err)
			continue
		}
		if d := cmp.Diff(tt.want, texts(got)); d != "" {
			t.Errorf("split(%q): %s", tt.line, d)
		}
	}
	for _, bad := range []string{"'", `"`, `a "b`, `'a' 'b`} {
		if _, err := split(bad); err == nil {
			t.Errorf("split(%q) has no error", bad)
		}
	}
}

// A statement arrives with its quotes when the person's shell was given the whole
// line quoted, and without them when it was given the words.
func TestParseFreeText(t *testing.T) {
	for _, tt := range []struct {
		line, text string
		flags      map[string]string
	}{
		{`sql r 'select 1'`, "select 1", nil},
		{`sql r select 1`, "select 1", nil},
		{`sql r select  'a  b' --csv`, "select  'a  b'", map[string]string{"--csv": "true"}},
		{`sql --json r select "x" from t -- a comment`, `select "x" from t -- a comment`, map[string]string{"--json": "true"}},
		{`sql r 'delete from orders' --reason 'clean up' --wait=0`, "delete from orders", map[string]string{"--reason": "clean up", "--wait": "0"}},
		{`sql r select -1`, "select -1", nil},
		{`exec h -- ls -l '/tmp/a b'`, "ls -l '/tmp/a b'", nil},
		{`exec --wait 5m h -- sh -c 'exit 3'`, "sh -c 'exit 3'", map[string]string{"--wait": "5m"}},
		{`exec h 'a | b'`, "a | b", nil},
	} {
		c, _, err := parse(tt.line, verbs())
		if err != nil {
			t.Errorf("parse(%q): %v", tt.line, err)
			continue
		}
		if tt.flags == nil {
			tt.flags = map[string]string{}
		}
		if d := cmp.Diff(tt.flags, c.flags); d != "" {
			t.Errorf("parse(%q) flags: %s", tt.line, d)
		}
		text, err := c.freeText(1)
		if err != nil || text != tt.text {
			t.Errorf("parse(%q) = %q, %v; want %q", tt.line, text, err, tt.text)
		}
	}
	for _, bad := range []string{"", "nope", "ls --nope", "sql r 'x' --wait", "sql 'r", "ls --json=1 --x"} {
		if _, _, err := parse(bad, verbs()); err == nil {
			t.Errorf("parse(%q) has no error", bad)
		}
	}
}

// A flag in the middle of unquoted text must not be cut out of it silently.
func TestFlagInsideText(t *testing.T) {
	c, _, err := parse("sql r select 1 --json from t", verbs())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := c.freeText(1); err == nil {
		t.Errorf("freeText = %q, want an error", text)
	}
}

// Whatever a client sends, splitting ends, words stand where they say, and
// quoting every word again gives the same words.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"", `a 'b' "c\"" \d`, "sql r 'x", "\x00 \xff '\x1b'"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		words, err := split(line)
		if err != nil {
			return
		}
		at := 0
		var again []string
		for _, w := range words {
			if w.start < at || w.end <= w.start || w.end > len(line) {
				t.Fatalf("word %q at %d-%d after %d", w.text, w.start, w.end, at)
			}
			at = w.end
			again = append(again, "'"+strings.ReplaceAll(w.text, "'", `'\''`)+"'")
		}
		back, err := split(strings.Join(again, " "))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(texts(words), texts(back)); d != "" {
			t.Fatal(d)
		}
	})
}
