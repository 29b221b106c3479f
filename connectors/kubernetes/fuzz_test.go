package kubernetes

import (
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

// No line is sent that says something which would not be followed, and none panics.
func FuzzLine(f *testing.F) {
	for _, l := range corpus(f) {
		f.Add(strings.Join(strings.Fields(l.Input), "\x00"))
	}
	f.Add("get\x00pods\x00-n\x00shop\x00-o\x00jsonpath={.a}")
	f.Add("exec\x00-it\x00web\x00--\x00sh")
	f.Fuzz(func(t *testing.T, text string) {
		c := &Conn{namespace: "default"}
		l, _, err := c.parse(strings.Split(text, "\x00"))
		if err != nil {
			var wrong *connectors.LineError
			if !errors.As(err, &wrong) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		for _, never := range []string{"--token", "--as", "--as-group", "--server", "-s", "--kubeconfig", "--insecure-skip-tls-verify", "--raw", "--username", "--client-key"} {
			if l.f.has(never) {
				t.Errorf("%q is taken with %s", text, never)
			}
		}
		if strings.ContainsAny(l.namespace(), "/?#% ") {
			t.Errorf("%q is about %q", text, l.namespace())
		}
	})
}

// A table is rows of one line each, whatever its cells hold.
func FuzzTable(f *testing.F) {
	f.Add(`{"kind":"Table","columnDefinitions":[{"name":"A"}],"rows":[{"cells":["x\ny"],"object":{"metadata":{"namespace":"n"}}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		table, err := readTable([]byte(text))
		if err != nil {
			return
		}
		var b strings.Builder
		p := &tablePrinter{out: &b, headers: true, spaces: true, labels: true}
		p.begin(kind{name: "pods", namespaced: true}, false)
		if err := p.add(table); err != nil {
			t.Fatal(err)
		}
		if err := p.flush(); err != nil {
			t.Fatal(err)
		}
		if want := len(table.Rows) + min(1, len(table.Rows)); len(table.Rows) < 500 && strings.Count(b.String(), "\n") != want {
			t.Errorf("%d lines of %d rows: %q", strings.Count(b.String(), "\n"), len(table.Rows), b.String())
		}
	})
}
