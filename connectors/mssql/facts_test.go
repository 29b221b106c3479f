package mssql

import (
	"os"
	"strings"
	"testing"
)

// TestAttacks judges each text of testdata/attacks.txt.
func TestAttacks(t *testing.T) {
	b, err := os.ReadFile("testdata/attacks.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		n++
		want, text, _ := strings.Cut(line, "\t")
		text = strings.NewReplacer(`\n`, "\n", `\u00a0`, "\u00a0", `\u2019`, "\u2019").Replace(text)
		class, destructive := strings.CutSuffix(want, "!")
		several := class == "many"
		if several {
			class = "unknown"
		}
		f := Facts(text)
		switch {
		case f.Class.String() != class:
			t.Errorf("%q: class %s (%s), want %s", text, f.Class, f.Why, want)
		case f.Destructive != destructive && class != "unknown":
			t.Errorf("%q: destructive %v (%s), want %s", text, f.Destructive, f.Why, want)
		case several && !strings.Contains(f.Why, "more than one statement"):
			t.Errorf("%q: %s, want a word of several statements", text, f.Why)
		case class != "read" && f.Why == "":
			t.Errorf("%q: %s without saying why", text, f.Class)
		}
	}
	if n < 200 {
		t.Errorf("%d texts; the corpus is not read whole", n)
	}
}

// TestTablesBehindConditions: a join may have more tables behind its condition.
func TestTablesBehindConditions(t *testing.T) {
	for _, text := range []string{
		"SELECT s.x FROM a JOIN b ON a.id = b.id, secrets s", "SELECT s.x FROM a JOIN b ON (a.id = b.id) AND 1 = 1, c, dbo.secrets AS s WHERE s.x = 1",
		"SELECT 1 FROM (SELECT 1 AS y FROM a JOIN b ON a.id = b.id, secrets) z", "DELETE FROM a FROM a JOIN b ON a.id = b.id, secrets WHERE a.id = 1",
	} {
		found := false
		for _, k := range Facts(text).Tables {
			found = found || k.Name == "secrets"
		}
		if !found {
			t.Errorf("%s: tables %v", text, Facts(text).Tables)
		}
	}
}
