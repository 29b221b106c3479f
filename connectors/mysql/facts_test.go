package mysql

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/policy"
)

type line struct {
	ID          string       `json:"id"`
	Dialect     string       `json:"dialect"`
	Input       string       `json:"input"`
	Class       policy.Class `json:"class"`
	Destructive bool         `json:"destructive"`
}

func corpus(t testing.TB) []line {
	t.Helper()
	var out []line
	for _, name := range []string{"policy_public.jsonl", "policy_own.jsonl"} {
		f, err := os.Open(filepath.Join("..", "..", "testdata", "corpus", name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			var l line
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				t.Fatalf("%s: %v: %s", name, err, s.Text())
			}
			if l.Dialect == "mysql" {
				out = append(out, l)
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("no lines")
	}
	return out
}

func TestCorpus(t *testing.T) {
	for _, l := range corpus(t) {
		f := Facts(l.Input)
		if l.Class == policy.Read && f.Class != policy.Read || f.Class.Severity() < l.Class.Severity() || f.Destructive != l.Destructive {
			t.Errorf("%s %q: %s destructive=%t, want %s %t: %s", l.ID, l.Input, f.Class, f.Destructive, l.Class, l.Destructive, f.Why)
		}
	}
}

func TestColumns(t *testing.T) {
	f := Facts("UPDATE shop.orders o SET o.total = o.net + 1, note = upper('x') WHERE o.id = 5")
	if len(f.Tables) != 1 || f.Tables[0] != (policy.Table{Schema: "shop", Name: "orders", Write: true}) {
		t.Errorf("tables %+v", f.Tables)
	}
	want := []policy.Column{{Schema: "shop", Table: "orders", Name: "total"}, {Schema: "shop", Table: "orders", Name: "note"}}
	if !slices.Equal(f.Writes, want) {
		t.Errorf("writes %+v", f.Writes)
	}
	if !slices.Contains(f.Reads, policy.Column{Table: "orders", Name: "net"}) || !slices.Contains(f.Functions, "upper") {
		t.Errorf("reads %+v, functions %v", f.Reads, f.Functions)
	}
}

// Deep trees neither overflow a stack nor take long.
func TestDeep(t *testing.T) {
	for _, text := range []string{"SELECT 1" + strings.Repeat("+1", 30_000), "SELECT " + strings.Repeat("(", 20_000) + "1" + strings.Repeat(")", 20_000), "SELECT " + strings.Repeat("-", 60_000) + "1",
		"DELETE FROM t WHERE " + strings.Repeat("NOT ", 15_000) + "1", "DELETE FROM t WHERE a=1" + strings.Repeat(" OR a=1", 9_000), "SELECT " + strings.Repeat("(SELECT ", 1_900) + "1" + strings.Repeat(")", 1_900)} {
		f := Facts(text)
		if strings.HasPrefix(text, "DELETE") && f.Class.Severity() < policy.Write.Severity() {
			t.Errorf("%.40q: %s", text, f.Class)
		}
	}
}

// Where MySQL takes a hint to end elsewhere than the parser does, what either reads of
// the text is another statement: a name in quotes within a hint goes on to its end.
func TestHints(t *testing.T) {
	for text, want := range map[string]policy.Class{
		"SELECT /*+ QB_NAME(`a*/ id, '`) */ ssn, ' AS x FROM people -- ' FROM people":   policy.Unknown,
		"SELECT /*+ QB_NAME(\"a*/ id, '\") */ ssn, ' AS x FROM people -- ' FROM people": policy.Unknown,
		"SELECT /*+ NO_INDEX_MERGE(t) MAX_EXECUTION_TIME(5) */ id FROM t":               policy.Read,
	} {
		if got := Facts(text).Class; got != want {
			t.Errorf("%s: %s, not %s", text, got, want)
		}
	}
}

// Whitespace, comments and case change nothing.
func TestSpellings(t *testing.T) {
	for _, l := range corpus(t) {
		if strings.ContainsAny(l.Input, "'\"`#") || strings.Contains(l.Input, "--") || strings.Contains(l.Input, "/*") {
			continue
		}
		want := Facts(l.Input)
		for _, text := range []string{strings.ToUpper(l.Input), strings.ToLower(l.Input), strings.ReplaceAll(l.Input, " ", "\n\t /* x */ "), l.Input + " -- x", "# x\n" + l.Input} {
			if got := Facts(text); got.Class != want.Class || got.Destructive != want.Destructive {
				t.Errorf("%q: %s %t, %q: %s %t", l.Input, want.Class, want.Destructive, text, got.Class, got.Destructive)
			}
		}
	}
}

func FuzzFacts(f *testing.F) {
	for _, l := range corpus(f) {
		f.Add(l.Input)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Facts(text)
		if got.Class != policy.Read && got.Why == "" {
			t.Errorf("%q is %s and does not say why", text, got.Class)
		}
		if worse := Facts("DELETE FROM t; " + text); !worse.Destructive && worse.Class != policy.Unknown || worse.Class == policy.Read {
			t.Errorf("%q hides the DELETE before it: %s", text, worse.Class)
		}
	})
}

func BenchmarkFacts(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Facts("UPDATE orders SET status = 1 WHERE id = 5")
	}
}
