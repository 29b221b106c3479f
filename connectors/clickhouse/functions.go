package clickhouse

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed functions.txt
var functionsText string

// lists are names by what functions.txt says of them.
var lists = sync.OnceValue(func() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for line := range strings.Lines(functionsText) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		m := all[words[0]]
		if m == nil {
			m = map[string]bool{}
			all[words[0]] = m
		}
		for _, w := range words[1:] {
			m[w] = true
		}
	}
	return all
})

// combinators are endings of aggregate functions' names.
var combinators = []string{"OrDefault", "OrNull", "SimpleState", "MergeState", "Resample", "ForEach", "Distinct", "State", "Merge", "Array", "Map", "If"}

// harmless reports whether a function of this name computes from its arguments and
// does nothing else.
func harmless(name string) bool {
	l := lists()
	if l["harmless"][name] || l["aggregate"][name] || l["folded"][strings.ToLower(name)] {
		return true
	}
	for _, c := range combinators {
		if base, ok := strings.CutSuffix(name, c); ok && base != "" && (l["aggregate"][base] || aggregate(base)) {
			return true
		}
	}
	return false
}

// ordered reports whether a function's result depends on the order of rows. That of one
// in any case counts.
func ordered(name string) bool {
	m := lists()["ordered"]
	if m[name] || m[strings.ToLower(name)] {
		return true
	}
	for _, c := range combinators {
		if base, ok := strings.CutSuffix(name, c); ok && base != "" && ordered(base) {
			return true
		}
	}
	return false
}

// aggregate is an aggregate function with one more ending, or more.
func aggregate(name string) bool {
	if lists()["aggregate"][name] {
		return true
	}
	for _, c := range combinators {
		if base, ok := strings.CutSuffix(name, c); ok && base != "" && aggregate(base) {
			return true
		}
	}
	return false
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}
