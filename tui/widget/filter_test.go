package widget

import (
	"fmt"
	"slices"
	"testing"
)

func TestFilter(t *testing.T) {
	items := []Item{
		NewItem("orders-db", map[string]string{"kind": "postgres", "env": "prod"}),
		NewItem("orders-lite", map[string]string{"kind": "sqlite", "env": "dev"}),
		NewItem("edge-orders", map[string]string{"kind": "ssh", "env": "prod"}),
		NewItem("demo-host", map[string]string{"kind": "ssh", "env": "dev"}),
	}
	for expr, want := range map[string][]int{
		"":                     {0, 1, 2, 3},
		"orders":               {0, 1, 2},
		"ORDERS":               {0, 1, 2},
		"^orders":              {0, 1},
		"orders$":              {2},
		"^orders-db$":          {0},
		"'lite":                {1},
		"orders !prod":         {1},
		"kind:ssh":             {2, 3},
		"kind:ssh env:prod":    {2},
		"!kind:ssh":            {0, 1},
		"kind:post":            {0},
		"name:host":            {3},
		"team:x":               {},
		"orders nothing":       {},
		"sqlite":               {1},
		"!":                    {0, 1, 2, 3},
		"db orders kind:p !e2": {0},
	} {
		if got := ParseFilter(expr).Apply(items); !slices.Equal(got, want) {
			t.Errorf("%q finds %v, want %v", expr, got, want)
		}
	}
	for expr, want := range map[string][]int{ // nothing has these as they are
		"ordb":         {0},
		"orddb":        {0},
		"ors":          {0, 1, 2},
		"ors kind:ssh": {2},
		"ors !prod":    {1},
		"dh":           {3},
		"ord\xffdb":    {},
		"'ordb":        {},
		"^ordb":        {},
		"bdro":         {},
		"sqlte":        {}, // names alone: labels are few and known
	} {
		if got := ParseFilter(expr).Apply(items); !slices.Equal(got, want) {
			t.Errorf("%q finds %v loosely, want %v", expr, got, want)
		}
	}
	if got := ParseFilter("orders").Apply([]Item{items[2], items[0]}); !slices.Equal(got, []int{1, 0}) {
		t.Errorf("a name that starts with the word does not come first: %v", got)
	}
}

func BenchmarkFilter10000(b *testing.B) {
	items := make([]Item, 10000)
	for i := range items {
		items[i] = NewItem(fmt.Sprintf("edge-%05d", i), map[string]string{"kind": "ssh", "env": "prod", "team": fmt.Sprint("team-", i%50)})
	}
	for b.Loop() {
		if n := len(ParseFilter("edge env:prod 042 !team-7").Apply(items)); n == 0 {
			b.Fatal("nothing found")
		}
	}
}

func FuzzFilter(f *testing.F) {
	f.Add("'exact ^pre suf$ !not kind:x", "name")
	f.Fuzz(func(t *testing.T, expr, name string) {
		it := []Item{NewItem(name, map[string]string{"kind": name})}
		yes := len(ParseFilter(expr).Apply(it)) == 1
		f := ParseFilter(expr)
		_, near := f.near(&it[0])
		if strict := f.Match(&it[0]); strict && !yes || yes && !strict && !near {
			t.Fatalf("Apply says %v, Match %v, near %v", yes, strict, near)
		}
	})
}
