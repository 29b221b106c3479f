package server

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

// Every flag of every verb is in its usage and in its help, every screen has a verb
// that answers in JSON, and no words are about a flag that is not there.
func TestHelpComplete(t *testing.T) {
	used := map[string]bool{}
	for _, v := range verbs() {
		if v.help == "" || v.usage == "" || !strings.HasPrefix(v.usage, v.name) {
			t.Errorf("%s: usage %q, help %q", v.name, v.usage, v.help)
		}
		if _, ok := v.flags["--json"]; !ok && v.name != "shell" {
			t.Errorf("%s has no --json", v.name)
		}
		for _, f := range verbRowOf(v).Flags {
			if f.Help == "" {
				t.Errorf("help %s says nothing of %s", v.name, f.Flag)
			}
			if !strings.Contains(v.usage, f.Flag) {
				t.Errorf("the usage of %s has no %s: %s", v.name, f.Flag, v.usage)
			}
			used[f.Flag], used[v.name+" "+f.Flag] = true, true
		}
	}
	for f := range flagWords {
		if !used[f] {
			t.Errorf("there are words about %s, which no verb has", f)
		}
	}
	for name := range verbNotes {
		if !slices.Contains(names(verbs()), name) {
			t.Errorf("there is a note about %s, which is no verb", name)
		}
	}
	for _, name := range Topics() {
		if slices.Contains(names(verbs()), name) && name != "http" {
			t.Errorf("%s is a topic and a verb", name)
		}
	}
}

// The outputs of a program as objects give its bytes back, whatever the pieces in
// which they came, and what drives a terminal stands in none.
func TestStreamsJSON(t *testing.T) {
	text := "grüße \x1b[31m\u202e 界\n\x9b \xff\xfe end \xe7\x95"
	for size := 1; size <= len(text); size++ {
		var b bytes.Buffer
		c := &call{command: command{flags: map[string]string{"--json": "true"}}, out: &b}
		out, errs, end := c.streams()
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := out.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if _, err := errs.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := end(connectors.Exit{Signal: "KILL"}, nil); err != exitError(128) {
			t.Fatalf("it ends with %v", err)
		}
		if bytes.ContainsAny(b.Bytes(), "\x1b\u202e\u009b") {
			t.Fatalf("%q can drive a terminal", b.Bytes())
		}
		var got, gotErr []byte
		var last map[string]any
		for line := range bytes.Lines(b.Bytes()) {
			var row struct {
				Stdout, Stderr string
				Bytes          []byte `json:"stdout_base64"`
			}
			last = nil
			if json.Unmarshal(line, &row) != nil || json.Unmarshal(line, &last) != nil {
				t.Fatalf("%q is no object", line)
			}
			got, gotErr = append(append(got, row.Stdout...), row.Bytes...), append(gotErr, row.Stderr...)
		}
		if string(got) != text || string(gotErr) != "x" || last["exit"] != 128.0 || last["signal"] != "KILL" {
			t.Fatalf("in pieces of %d: %q, %q, %v", size, got, gotErr, last)
		}
	}
}

// --help is a verb's own before its free text, and the text's within it; --json of
// exec likewise.
func TestParseHelp(t *testing.T) {
	for line, want := range map[string]string{
		"ls --help": "", "sql -h": "", "exec --json web -- ls": "web|ls", "exec web --json ls": "web|ls", "exec web df -h": "web|df|-h",
		"exec web -- --help": "web|--help", "exec web docker inspect --json": "web|docker|inspect|--json", "kube c -- get -h": "c|get|-h", "kube c --help": "c",
	} {
		c, v, err := parse(line, verbs())
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := strings.Join(texts(c.operands), "|"); got != want {
			t.Errorf("%s: %s has operands %q, want %q", line, v.name, got, want)
		}
		help := strings.HasSuffix(line, "-h") || strings.HasSuffix(line, "--help")
		if inText := want != "" && strings.HasSuffix(line, want[strings.LastIndex(want, "|")+1:]); c.flags["--help"] != "" != (help && !inText) {
			t.Errorf("%s: help is %q", line, c.flags["--help"])
		}
	}
	if _, _, err := parse("sesions", verbs()); err == nil || !strings.Contains(err.Error(), `did you mean "sessions"?`) {
		t.Error(err)
	}
	if _, _, err := parse("ls --jsn", verbs()); err == nil || !strings.Contains(err.Error(), `did you mean "--json"?`) {
		t.Error(err)
	}
}
