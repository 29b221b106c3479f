package mysql

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed functions.txt
var functionsText string

//go:embed total.txt
var totalText string

// total are the harmless functions that fail for no argument.
var total = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for line := range strings.Lines(totalText) {
		if !strings.HasPrefix(line, "#") {
			for w := range strings.FieldsSeq(line) {
				m[w] = true
			}
		}
	}
	return m
})

// lists are the functions of the server that are judged by name.
type lists struct{ harmless, writes, dangerous map[string]bool }

// functions is the parsed functions.txt.
var functions = sync.OnceValue(func() lists {
	l := lists{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for line := range strings.Lines(functionsText) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		into := map[string]map[string]bool{"harmless": l.harmless, "writes": l.writes, "dangerous": l.dangerous}[words[0]]
		for _, w := range words[1:] {
			into[w] = true
		}
	}
	return l
})
