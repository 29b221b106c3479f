package tui

import "testing"

// Enter runs what is whole, and breaks the line of what is not.
func TestWhereEnterRuns(t *testing.T) {
	for _, c := range []struct {
		kind, text string
		want       bool
	}{
		{"postgres", "select 1", false},
		{"postgres", "select 1; ", true},
		{"mssql", "select 1;", true},
		{"redis", "get session:42", true},
		{"redis", `set a "two`, false},
		{"redis", `set a "two \" and`, false},
		{"redis", `set a "two \""`, true},
		{"redis", `set a it's`, false},
		{"redis", " ", false},
		{"mongodb", `{"find": "orders"`, false},
		{"mongodb", `{"find": "orders", "filter": {"a": [1, 2]}}`, true},
		{"mongodb", `{"find": "}"`, false},
		{"mongodb", "db.orders.find({", false},
		{"mongodb", "db.orders.find({}) // all (", true},
		{"mongodb", "show", false},
		{"mongodb", "show;", true},
		{"nothing-known", "a;", true},
	} {
		if got := languageOf(c.kind).ends(c.text); got != c.want {
			t.Errorf("%s: enter behind %q runs: %v, want %v", c.kind, c.text, got, c.want)
		}
	}
}

// A language has all that the workspace draws.
func TestLanguagesAreWhole(t *testing.T) {
	for kind := range languages {
		l := languageOf(kind)
		if l.name == "" || l.statement == "" || l.catalog == "" || l.example == "" || l.key == "" || l.runs == "" || l.colour == nil || len(l.words) == 0 {
			t.Errorf("%s: %+v", kind, l)
		}
	}
}
