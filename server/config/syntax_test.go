package config

import (
	"strings"
	"testing"
)

// What is no YAML says what is mostly the reason, at its place.
func TestSyntaxFault(t *testing.T) {
	for text, want := range map[string]string{
		"name: a\n\tdata: d\n":                       "spaces alone",
		"resources:\n  - name: a\n - name: b\n":      "indented as what it belongs with",
		"name: \"a\ndata: d\n":                       "each quote and bracket closed",
		"resources: [{name: a\nroles: []\n":          "each quote and bracket closed",
		"roles:\n  - name: a\n   groups: [b]\n":      "indented as what it belongs with",
		"sign_in: {issuer: \"https://a\", client_id": "each quote and bracket closed",
	} {
		_, err := Parse([]byte(text), "x.yaml")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "x.yaml:") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
