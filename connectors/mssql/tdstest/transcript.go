package tdstest

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Transcript reads packets that were recorded: sections, each of which is = and its name,
// and then bytes in hexadecimal; # begins a line that is none of it.
func Transcript(text string) (map[string][]byte, error) {
	out, name := map[string][]byte{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if n, ok := strings.CutPrefix(line, "= "); ok {
			name = n
			continue
		}
		if line == "" || line[0] == '#' {
			continue
		}
		b, err := hex.DecodeString(strings.ReplaceAll(line, " ", ""))
		if err != nil || name == "" {
			return nil, fmt.Errorf("the line %q is no part of a transcript", line)
		}
		out[name] = append(out[name], b...)
	}
	return out, nil
}
