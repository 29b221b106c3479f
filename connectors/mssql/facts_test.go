package mssql

import (
	"os"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
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

// TestTablesOfDefinitions: a rule about a table is asked of whatever is made on it, of it
// or for it, too.
func TestTablesOfDefinitions(t *testing.T) {
	for _, text := range []string{
		"CREATE INDEX i ON dbo.secrets (a)", "DROP INDEX i ON dbo.secrets", "DROP INDEX secrets.i", "DROP INDEX a.i, dbo.secrets.j", "CREATE STATISTICS s ON dbo.secrets (a)", "DROP STATISTICS secrets.s",
		"ALTER INDEX ALL ON secrets REBUILD", "CREATE SYNONYM s FOR dbo.secrets", "ALTER SCHEMA other TRANSFER dbo.secrets", "CREATE TABLE x (a int REFERENCES dbo.secrets (id))",
		"CREATE TABLE x (a int, FOREIGN KEY (a) REFERENCES secrets (id) ON DELETE CASCADE)", "ALTER TABLE x ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES [dbo].[secrets] (id)",
	} {
		found := false
		for _, k := range Facts(text).Tables {
			found = found || k.Name == "secrets" && k.Write
		}
		if !found {
			t.Errorf("%s: tables %v", text, Facts(text).Tables)
		}
	}
}

// TestSynonyms: what stands for a table is about that table, and for nothing in a circle.
func TestSynonyms(t *testing.T) {
	c := &Conn{home: "dbo", endpoint: connectors.Endpoint{Database: "shop"}}
	cat := &catalog{relations: map[[2]string]*relation{}}
	cat.addColumn([]string{"dbo", "Secrets", "U", "a", "int", "4", "10", "0", "0"})
	for name, base := range map[string]string{"s": "[dbo].[secrets]", "alone": "secrets", "full": "shop.dbo.secrets", "one": "dbo.other", "other": "dbo.one"} {
		cat.addSynonym([]string{"dbo", name, base})
	}
	c.catalog.Store(cat)
	for _, text := range []string{"SELECT a FROM s", "SELECT a FROM dbo.alone", "SELECT x.a FROM (SELECT a FROM [full]) x", "DELETE FROM s WHERE a = 1", "SELECT a FROM one, s"} {
		found := false
		for _, k := range c.assess(text).facts.Tables {
			found = found || k.Schema == "dbo" && k.Name == "Secrets" && k.Kind == policy.TablePlain && k.Write == strings.HasPrefix(text, "DELETE")
		}
		if !found {
			t.Errorf("%s: tables %v", text, c.assess(text).facts.Tables)
		}
	}
}
