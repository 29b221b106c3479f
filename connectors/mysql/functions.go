package mysql

import (
	_ "embed"
	"strings"
	"sync"
)

//go:embed functions.txt
var functionsText string

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
