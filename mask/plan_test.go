package mask_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/mask"
)

func rules(t testing.TB, r ...mask.Rule) *mask.Plan {
	t.Helper()
	p, err := mask.NewPlan(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestColumn(t *testing.T) {
	for _, c := range []struct {
		pattern, column string
		want            bool
	}{
		{"customers.email", "public.customers.email", true},
		{"customers.email", ".customers.email", true},
		{"customers.email", "archive.customers.email", true},
		{"public.customers.email", "public.customers.email", true},
		{"public.customers.email", "archive.customers.email", false},
		{"public.customers.email", ".customers.email", true}, // where the schema is not known
		{"Customers.EMAIL", "public.customers.Email", true},
		{"customers.email", "public.customers.email2", false},
		{"customers.email", "public.vip_customers.email", false},
		{"*.email", "public.customers.email", true},
		{"*.*email*", "public.payments.payer_email_1", true},
		{"*.*.*", "a.b.c", true},
		{"c*s.*a*a*", "public.customers.banana", true},
		{"c*s.*a*a*x", "public.customers.banana", false},
		{"my*table.c", "public|my.table|c", true},
		{"straße.größe", "public.STRASSE.größe", false},
		{"größe.k", "public.GRÖSSE.K", false},
		{"größe.k", "public.GRÖßE.\u212a", true}, // folds to k
		{"t.c", "public.t.c ", false},
		{"t.**", "public.t.", true},
	} {
		sep := "."
		if strings.Contains(c.column, "|") {
			sep = "|"
		}
		parts := strings.Split(c.column, sep)
		p := rules(t, mask.Rule{Name: "pii", Column: c.pattern})
		col := mask.Column{Schema: parts[0], Table: parts[1], Name: parts[2]}
		if _, got := p.Column(col); got != c.want {
			t.Errorf("pattern %q, column %+v: %v, want %v", c.pattern, col, got, c.want)
		}
		if c.want && !p.MasksTable(col.Schema, col.Table) {
			t.Errorf("pattern %q masks %+v, but not its table", c.pattern, col)
		}
	}
}

func TestStrictestRuleWins(t *testing.T) {
	partial := mask.Rule{Name: "last four", Column: "*.card_number", Method: mask.Partial}
	null := mask.Rule{Name: "payments", Column: "payments.*", Method: mask.Null}
	redact := mask.Rule{Name: "all", Column: "payments.card_number"}
	for _, c := range []struct {
		rules []mask.Rule
		want  string
	}{
		{[]mask.Rule{partial, null, redact}, "payments"},
		{[]mask.Rule{partial, redact, null}, "all"},
		{[]mask.Rule{partial}, "last four"},
	} {
		got, ok := rules(t, c.rules...).Column(mask.Column{Table: "payments", Name: "card_number"})
		if !ok || got.Name != c.want {
			t.Errorf("rule %q, %v; want %q", got.Name, ok, c.want)
		}
	}
}

func TestMasksTable(t *testing.T) {
	p := rules(t, mask.Rule{Column: "public.customers.email"})
	for _, c := range []struct {
		schema, table string
		want          bool
	}{
		{"public", "customers", true}, {"", "customers", true}, {"PUBLIC", "Customers", true},
		{"archive", "customers", false}, {"public", "orders", false},
	} {
		if got := p.MasksTable(c.schema, c.table); got != c.want {
			t.Errorf("MasksTable(%q, %q) = %v", c.schema, c.table, got)
		}
	}
}

func TestApply(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"4111 1111 1111 1881", "****1881"},
		{"4111111111111881", "****1881"},
		{"734-55-9577", "****9577"},
		{"+49 30 23125 877", "****5877"},
		{"(415) 555-0144", "****0144"},
		{"415.555.0144", "****0144"},
		{"123456789", "****6789"},
		{"12345678", "[masked]"},
		{"1980-02-03", "[masked]"},
		{"1234567890.25", "[masked]"},
		{"-1234567890", "[masked]"},
		{"2024-11-23 10:15:30", "[masked]"},
		{"bob@example.com", "[masked]"},
		{"a123456789", "[masked]"},
		{"123456789\n", "[masked]"},
		{"４１１１１１１１１１１１１１１１", "[masked]"},
		{"123456789 ", "[masked]"},
		{"", "[masked]"},
		{"true", "[masked]"},
	} {
		if got := (mask.Rule{Method: mask.Partial}).Apply(c.value); got != c.want {
			t.Errorf("partial of %q is %q, want %q", c.value, got, c.want)
		}
		for _, m := range []mask.Method{mask.Redact, 77} {
			if got := (mask.Rule{Method: m}).Apply(c.value); got != mask.Redacted {
				t.Errorf("%v of %q is %q", m, c.value, got)
			}
		}
		if got := (mask.Rule{Method: mask.Null}).Apply(c.value); got != "" {
			t.Errorf("null of %q is %q", c.value, got)
		}
	}
}

// FuzzApply checks that partial never shows more than four digits, and nothing
// but digits of the value.
func FuzzApply(f *testing.F) {
	f.Add("734-55-9577")
	f.Fuzz(func(t *testing.T, value string) {
		got := mask.Rule{Method: mask.Partial}.Apply(value)
		if got == mask.Redacted {
			return
		}
		shown, ok := strings.CutPrefix(got, "****")
		if !ok || len(shown) != 4 || strings.Trim(shown, "0123456789") != "" {
			t.Fatalf("partial of %q is %q", value, got)
		}
		if strings.ContainsAny(strings.ToLower(value), "@abcdefghijklmnopqrstuvwxyz") || len(value) < 9 {
			t.Fatalf("partial of %q is %q", value, got)
		}
	})
}

func TestMethod(t *testing.T) {
	for _, m := range []mask.Method{mask.Redact, mask.Partial, mask.Null} {
		if got, err := mask.ParseMethod(m.String()); got != m || err != nil {
			t.Errorf("ParseMethod(%q) = %v, %v", m.String(), got, err)
		}
	}
	if m, err := mask.ParseMethod(""); m != mask.Redact || err != nil {
		t.Errorf("the empty method is %v, %v", m, err)
	}
	_, err := mask.ParseMethod("redcat")
	if want := `unknown mask method "redcat", did you mean "redact"?`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	_, err = mask.ParseMethod("encrypt")
	if want := `unknown mask method "encrypt": use one of redact, partial, null, hash, token`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestNewPlanFaults(t *testing.T) {
	_, err := mask.NewPlan([]mask.Rule{
		{Name: "a", Column: "email"},
		{Name: "b", Column: "db.s.t.c"},
		{Name: "c", Column: "t..c"},
		{Name: "d", Column: `"T".c`},
		{Name: "e", Column: "t.c", Method: 9},
		{Name: "f", Column: "t. c"},
		{Name: "g", Column: ""},
		{Name: "h", Column: "t.\xff"},
		{Name: "fine", Column: "t.c"},
	}, []string{"cards", "entropy", "email"})
	if err == nil {
		t.Fatal("no error")
	}
	want := []string{
		`mask rule "a": column pattern "email" names no table: write "table.column", or "*.email" for every table`,
		`mask rule "b": column pattern "db.s.t.c" has 4 parts: write "table.column" or "schema.table.column", with * for a dot within a name`,
		`mask rule "c": column pattern "t..c" has an empty part or space around one: write "table.column" or "schema.table.column", with * for any name`,
		`mask rule "d": column pattern "\"T\".c": write names as they are in the catalog, without quotes`,
		`mask rule "e": unknown mask method 9: use one of redact, partial, null, hash, token`,
		`mask rule "f": column pattern "t. c" has an empty part or space around one: write "table.column" or "schema.table.column", with * for any name`,
		`mask rule "g": the column pattern is empty: write "table.column" or "schema.table.column"`,
		`mask rule "h": column pattern "t.\xff": write names as they are in the catalog, without quotes`,
		`unknown content detector "cards", did you mean "card"?`,
		`unknown content detector "entropy": use one of card, email, ssn, phone, iban, ipv4, ipv6, aws_key_id, aws_secret_key, github_token, jwt, pem_private_key, slack_token, stripe_key, gcp_key, url_password, secret`,
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestClosed(t *testing.T) {
	for name, p := range map[string]*mask.Plan{"nil": nil, "zero": {}} {
		t.Run(name, func(t *testing.T) {
			if !p.MasksColumns() || !p.MasksTable("public", "orders") || !p.MasksTable("", "") {
				t.Error("a table is not masked")
			}
			r, ok := p.Column(mask.Column{Table: "orders", Name: "id"})
			if !ok || r.Apply("17") != mask.Redacted {
				t.Errorf("a column is shown: %+v, %v", r, ok)
			}
			for _, s := range []string{"", "hello"} {
				if got, hit := p.Text(s); got != mask.Redacted || !hit {
					t.Errorf("Text(%q) = %q, %v", s, got, hit)
				}
			}
			var out bytes.Buffer
			for _, w := range []*mask.Writer{p.Writer(&out), p.Terminal(&out)} {
				out.Reset()
				for range 3 {
					if n, err := w.Write([]byte("hello ")); n != 6 || err != nil {
						t.Errorf("Write: %d, %v", n, err)
					}
				}
				if err := w.Flush(); err != nil || out.String() != mask.Redacted || w.Hits() != 1 {
					t.Errorf("a stream shows %q, %v, %d hits", out.String(), err, w.Hits())
				}
			}
			if open := rules(t); p.Revision() == open.Revision() || len(p.Revision()) != 64 {
				t.Errorf("revision %q", p.Revision())
			}
		})
	}
}

func TestOpen(t *testing.T) {
	p := rules(t)
	if p.MasksColumns() || p.MasksTable("", "t") {
		t.Error("a plan without rules masks a table")
	}
	if _, ok := p.Column(mask.Column{Table: "t", Name: "c"}); ok {
		t.Error("a plan without rules masks a column")
	}
	var out bytes.Buffer
	w := p.Writer(&out)
	if _, err := io.WriteString(w, "4111111111111111 \x1b["); err != nil || out.String() != "4111111111111111 \x1b[" {
		t.Errorf("a plan without detectors writes %q, %v", out.String(), err)
	}
}

func TestRevision(t *testing.T) {
	a, b := mask.Rule{Name: "a", Column: "t.c"}, mask.Rule{Name: "b", Column: "t.d"}
	plans := map[string]*mask.Plan{}
	add := func(name string, r []mask.Rule, detect ...string) {
		p, err := mask.NewPlan(r, detect)
		if err != nil {
			t.Fatal(err)
		}
		plans[name] = p
	}
	add("none", nil)
	add("a", []mask.Rule{a})
	add("ab", []mask.Rule{a, b})
	add("ba", []mask.Rule{b, a})
	add("a null", []mask.Rule{{Name: "a", Column: "t.c", Method: mask.Null}})
	add("shifted", []mask.Rule{{Name: "at", Column: "a.c"}})
	add("shifted back", []mask.Rule{{Name: "a", Column: "ta.c"}})
	add("card", nil, "card")
	add("card email", nil, "card", "email")
	seen := map[string]string{}
	for name, p := range plans {
		if was, ok := seen[p.Revision()]; ok {
			t.Errorf("%s and %s have the same revision", was, name)
		}
		seen[p.Revision()] = name
	}
	again, err := mask.NewPlan(nil, []string{"email", "card", "email"})
	if err != nil || again.Revision() != plans["card email"].Revision() {
		t.Errorf("the order of detectors counts: %v", err)
	}
	// Approvals are bound to revisions: they must not change by themselves.
	if got, want := plans["none"].Revision(), "572d5a652401e3312611ed993287f27a82728ddea5265783859a71d6f679916b"; got != want {
		t.Errorf("revision of the empty plan is %s, want %s", got, want)
	}
}

func TestTextDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("sync.Pool drops values at random under the race detector")
	}
	p := plan(t)
	for _, s := range []string{
		"", "pro", "Tomas Fontaine", "2024-11-23T10:15:30.123456Z", "a 12-digit order 202420242024 @ home",
		"漢字かな交じり文 漢字かな交じり文", strings.Repeat("17 apples; ", 500), "react@18.2.0 1234567890123456",
	} {
		if got := testing.AllocsPerRun(200, func() { p.Text(s) }); got != 0 {
			t.Errorf("%v allocations for %.40q", got, s)
		}
	}
}

func TestDetectors(t *testing.T) {
	list := mask.Detectors()
	list[0].Name = "changed"
	for _, d := range mask.Detectors() {
		if d.Name == "changed" || d.Doc == "" {
			t.Errorf("detector %q, doc %q", d.Name, d.Doc)
		}
	}
}
