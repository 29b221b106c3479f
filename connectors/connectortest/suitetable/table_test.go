package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors/connectortest"
)

// stream is what `go test -json` says of one run, of a kind with the powers open and
// exec, all proved but what change says.
type stream struct {
	b    strings.Builder
	test string
}

func (s *stream) event(action, test, key, value string) {
	line, err := json.Marshal(event{Action: action, Package: "p", Test: test, Key: key, Value: value})
	if err != nil {
		panic(err) // strings
	}
	s.b.Write(append(line, '\n'))
}

func (s *stream) prove(w connectortest.Power, p connectortest.Property, result string) {
	name := s.test + "/" + string(w) + "/" + string(p)
	s.event("attr", name, connectortest.AttrProves, string(w)+"\t"+string(p))
	if result != "" {
		s.event(result, name, "", "")
	}
}

// proved is a run with all proofs but those of except.
func proved(kind string, except map[connectortest.Property]string) *stream {
	s := &stream{test: "Test" + strings.ToUpper(kind)}
	s.event("attr", s.test, connectortest.AttrKind, kind)
	for _, w := range []connectortest.Power{connectortest.ToSignIn, connectortest.ToExec} {
		s.event("attr", s.test, connectortest.AttrOffers, string(w))
		for _, p := range w.Demanded() {
			result := "pass"
			if r, ok := except[p.Of(w)]; ok {
				result = r
			}
			if result != "none" {
				s.prove(w, p, result)
			}
		}
	}
	return s
}

func TestTable(t *testing.T) {
	masks, vanished := connectortest.MasksHold.Of(connectortest.ToExec), connectortest.Vanished.Of(connectortest.ToExec)
	oversized := connectortest.Oversized.Of(connectortest.ToSignIn)
	for name, c := range map[string]struct {
		make func() *stream
		cell string // of what the case is about, "" for none
		fail string // "" for none
	}{
		"all is proved":         {func() *stream { return proved("a", nil) }, "| masks hold | ✓ |", ""},
		"one is missing":        {func() *stream { return proved("a", map[connectortest.Property]string{masks: "none"}) }, "| masks hold | ? |", "MISSING a: exec: masks hold"},
		"one failed":            {func() *stream { return proved("a", map[connectortest.Property]string{masks: "fail"}) }, "| masks hold | ✗ |", "FAIL p TestA/exec/masks hold"},
		"one is skipped":        {func() *stream { return proved("a", map[connectortest.Property]string{masks: "skip"}) }, "| masks hold | ✗ |", "NOT PROVED"},
		"one was never over":    {func() *stream { return proved("a", map[connectortest.Property]string{masks: ""}) }, "| masks hold | ✗ |", "NOT PROVED"},
		"another kind has none": {func() *stream { return proved("b", nil) }, "| masks hold | ? | ✓ |", "NO RUN of a"},
		"one is named for a power": {func() *stream {
			s := proved("a", map[connectortest.Property]string{vanished: "none"})
			s.event("attr", s.test, connectortest.AttrCannot, string(vanished)+"\tno line")
			return s
		}, "| vanished | ✓ [1] |", ""},
		"one is named for all": {func() *stream {
			s := proved("a", map[connectortest.Property]string{oversized: "none"})
			s.event("attr", s.test, connectortest.AttrCannot, "oversized\tno messages")
			return s
		}, "| oversized | – [1] |", ""},
		"a second run fails": {func() *stream {
			s, again := proved("a", nil), proved("a", map[connectortest.Property]string{masks: "fail"})
			s.b.WriteString(strings.ReplaceAll(again.b.String(), "TestA", "TestAgain"))
			return s
		}, "| masks hold | ✗ |", "FAIL p TestAgain/exec"},
		"a package fails by itself": {func() *stream {
			s := proved("a", nil)
			s.event("fail", "", "", "")
			return s
		}, "| masks hold | ✓ |", "FAIL p"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, talk strings.Builder
			_, err := run(strings.NewReader(c.make().b.String()), &out, &talk, []string{"a"})
			if (err != nil) != (c.fail != "") || !strings.Contains(talk.String(), c.fail) {
				t.Errorf("%v, said %q, want %q", err, talk.String(), c.fail)
			}
			if !strings.Contains(out.String(), c.cell) {
				t.Errorf("the table lacks %q:\n%s", c.cell, out.String())
			}
		})
	}
}

// TestNotes: the reasons are under the table, each once.
func TestNotes(t *testing.T) {
	s := proved("a", map[connectortest.Property]string{
		connectortest.Oversized.Of(connectortest.ToSignIn): "none", connectortest.Malformed.Of(connectortest.ToSignIn): "none", connectortest.Malformed.Of(connectortest.ToExec): "none"})
	for _, p := range []string{"oversized", "malformed"} {
		s.event("attr", s.test, connectortest.AttrCannot, p+"\tit has no messages")
	}
	s.event("attr", s.test, connectortest.AttrNote, "a: and more")
	s.event("attr", s.test, connectortest.AttrCannot, "forward\tit has none")
	var out, talk strings.Builder
	if _, err := run(strings.NewReader(s.b.String()), &out, &talk, []string{"a"}); err != nil {
		t.Fatal(err, talk.String())
	}
	if n := strings.Count(out.String(), "a: it has no messages"); n != 1 || !strings.Contains(out.String(), "| malformed | – [1] |") || !strings.HasSuffix(out.String(), "\na has no forward: it has none  \na: and more  \n") {
		t.Errorf("the reason stands there %d times:\n%s", n, out.String())
	}
}

// TestCompare: the table that is kept is the one that was measured.
func TestCompare(t *testing.T) {
	file := filepath.Join(t.TempDir(), "table.md")
	if err := compare("a", file, false); err == nil {
		t.Error("one that is not there is the same")
	}
	if err := compare("a", file, true); err != nil {
		t.Fatal(err)
	}
	if err := compare("a", file, false); err != nil {
		t.Error(err)
	}
	if err := compare("b", file, false); err == nil || !strings.Contains(err.Error(), "-update") {
		t.Errorf("another: %v", err)
	}
}
